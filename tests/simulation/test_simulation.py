"""The real planner, guard, worker and mail session live through seeded fates; whatever happens, the promises hold."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from messenger.bootstrap import open_app
from messenger.domain.messages import State
from messenger.services.clocks import SetClock
from tests.simulation.life import RULES, Life, World, live
from tests.simulation.loop import START
from tests.stage import stage

LIVES = int(os.environ.get("MESSENGER_LIVES", "10"))
FIRST = int(os.environ.get("MESSENGER_SEED", "1"))
SLOWEST_WAY = timedelta(minutes=20)
"""How long the way from the commit point to the server may take when everything is slow."""


def make_world(folder: Path) -> World:
    """Return what all lives begin with."""
    shop = stage(folder, uncertain="resend")
    (shop.folder / "schedules.toml").write_text(RULES, encoding="utf-8")
    with open_app(shop.folder, {}, clock=SetClock(START)) as engine:
        for name in ("message-id", "addresses"):
            engine.store.secret(name)
        home = engine.home
    database = folder / "first.db"
    shutil.copy(shop.folder / "data" / "messenger.db", database)
    with closing(
        sqlite3.connect(database, isolation_level=None)
    ) as connection:  # or every world would have names of its own
        connection.execute("UPDATE secrets SET value = CAST(name AS BLOB)")
    return World(home, database)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is one: no life needs its database afterwards."""
    memory = Path("/dev/shm")  # noqa: S108  # the folder below it is ours alone
    folder = Path(tmp_path_factory.mktemp("lives"))
    if memory.is_dir() and os.access(memory, os.W_OK):
        folder = memory / f"messenger-lives-{os.getpid()}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + LIVES))
def test_whatever_happens_the_promises_hold(seed: int, world: World, fast: Path) -> None:
    life = live(seed, world, fast)

    assert life.came_to_rest
    nothing_is_lost(life)
    nothing_is_sent_twice_but_by_policy(life)
    if life.has_jumped:
        return
    nothing_is_said_after_its_reason_has_gone(life)
    nobody_is_written_to_at_night(life)


def nothing_is_lost(life: Life) -> None:
    """Every message that is wanted has ended, and what counts as sent did arrive."""
    arrived = life.copies
    for row in life.rows:
        assert not row.state.is_waiting, row
        assert row.state is not State.SENDING, row
        if row.state is State.SENT:
            assert arrived[row.message_id or ""] >= 1, row
        if row.state in (State.SKIPPED, State.CANCELLED, State.EXPIRED, State.SUPERSEDED):
            assert arrived[row.message_id or ""] == 0, row
        assert row.reason is not None or row.state is State.SENT, row
    assert set(arrived) <= {row.message_id for row in life.rows}
    assert len({row.key for row in life.rows}) == len(life.rows)


def nothing_is_sent_twice_but_by_policy(life: Life) -> None:
    """At most one more copy, the same to the byte, and only of what was resent; none of what a person is asked about."""
    by_id = {row.message_id: row for row in life.rows}
    for name, copies in life.copies.items():
        row = by_id[name]
        assert copies <= (1 if row.category == "relational" else 2), row
        assert copies == 1 or row.resent, row
        assert len({one.digest for one in life.accepted if one.message_id == name}) == 1, row
    recipients = {row.message_id: f"b{row.order}@example.com" for row in life.rows}
    assert all(one.recipient == recipients[one.message_id] for one in life.accepted)


def nothing_is_said_after_its_reason_has_gone(life: Life) -> None:
    """Once a cancellation or a delivery is known, what they cancel leaves no more; only what was on its way arrives."""
    ends = {"order.cancelled": ("shipped", "late"), "shipment.delivered": ("shipped", "late", "stuck")}
    by_id = {row.message_id: row for row in life.rows}
    for one in life.events:
        for arrived in life.accepted:
            row = by_id[arrived.message_id]
            if one.order == row.order and row.key.rule in ends.get(one.type, ()) and one.time >= row.trigger_at:
                assert arrived.at <= life.taken_in[one.id] + SLOWEST_WAY.total_seconds(), (one, row)


def nobody_is_written_to_at_night(life: Life) -> None:
    """Every message arrives within the window, in the buyer's zone."""
    zones = {one.order: str(one.data["buyer"]["timezone"]) for one in life.events if "buyer" in one.data}
    orders = {row.message_id: row.order for row in life.rows}
    for one in life.accepted:
        local = (START + timedelta(seconds=one.at)).astimezone(ZoneInfo(zones[orders[one.message_id]]))
        assert local.hour >= 8, (one, local)
        assert (local - SLOWEST_WAY).hour < 21, (one, local)


def test_a_life_can_be_lived_again(tmp_path: Path) -> None:
    """Another process, with other hashes of strings, lives the same lives: a fault that was seen once can be looked at."""
    traces = [
        subprocess.run(
            [sys.executable, "-m", "tests.simulation", str(tmp_path / seed), "1", "2", "3"],
            env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip

    assert traces[0] == traces[1]
    assert len(set(traces[0].split("\n"))) == 4
