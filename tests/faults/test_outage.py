"""The mail server is away, or does not know us: it is left alone, no try is burned, and all leave when it is there again."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from alembic import command
from sqlalchemy import text

from messenger.domain.breakers import ENOUGH, Breaker, Phase
from messenger.storage import migrate, status
from messenger.storage.columns import microseconds
from messenger.storage.engine import Database, connect
from messenger.storage.schema import _steps
from tests.faults.crowd import CONNECTIONS, Crowd, crowd, until
from tests.faults.flow import RULES, flow, mails, tries
from tests.faults.table import Measured

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))
EACH = 250
WORKERS = 2
MOST_TRIES: Final = 40
MOST_LOGINS: Final = 3
IN_HAND: Final = WORKERS * CONNECTIONS * 4 * 3
"""So many messages two workers hold at most: by no more than that one usually overtakes another."""


def until_open(workers: Crowd) -> Breaker:
    """Wait until the account is left alone for a while; returns what is known of it."""
    with workers.store() as store:

        def is_left_alone() -> bool:
            found = store.breakers().get("main")
            return bool(found and found.phase is Phase.OPEN and not found.may_be_probed(datetime.now(UTC)))

        until(is_left_alone, "the account to be left alone")
        known: Breaker = store.breakers()["main"]
        return known


@pytest.mark.timeout(3600)
def test_the_relay_is_down_with_many_messages_queued(database: str, tmp_path: Path, measured: Measured) -> None:
    down, total, probes = tmp_path / "down", ROUNDS * EACH, min(ROUNDS, 10)
    down.touch()
    with crowd(tmp_path, url=database, lease="60s", post=("--down", str(down))) as workers:
        (workers.home / "schedules.toml").write_text(RULES, encoding="utf-8")
        first = datetime.now(UTC) - timedelta(minutes=50)
        workers.ingest(flow(tmp_path / "events", range(total), first=first, each=timedelta(seconds=1)))
        workers.start(WORKERS)
        until_open(workers)
        for number in range(probes):
            counted = tries(down)
            workers.messenger("outbox", "accounts", "--try", "main")
            until(lambda counted=counted: tries(down) > counted, f"probe {number}")
            until_open(workers)
        with workers.store() as store:
            until(lambda: store.waiting_for_accounts(now=datetime.now(UTC)) == {"main": total}, "all to wait for it")
            burned = sum(row.attempts for row in store.outbox() if row.state != "claimed")
        asked = tries(down)
        down.unlink()
        workers.messenger("outbox", "accounts", "--try", "main")
        workers.until_rest()
        workers.stop_all()
        found = workers.account()
        with workers.store() as store:
            due = [row.message_id for row in sorted(store.outbox(), key=lambda row: row.wanted_at)]
    places = {name: place for place, name in enumerate(due)}
    moved = sorted(abs(places[one.message_id] - place) for place, one in enumerate(mails(workers.ledger)))
    overtaken = moved[len(moved) // 2]

    measured(
        f"R11 relay down, {'PostgreSQL' if database else 'SQLite'}", size=f"{total} queued, {probes} probes, {WORKERS} workers",
        expected=f"connection tries <= {ENOUGH + WORKERS * probes}, attempts burned 0, all sent, median out of order <= {IN_HAND}",
        seen=f"tries {asked}, burned {burned}, sent {found.states.get('sent', 0)}, median out of order {overtaken}, most {moved[-1]}",
    )  # fmt: skip
    assert 1 <= asked <= min(MOST_TRIES, ENOUGH + WORKERS * probes)
    assert burned == 0
    assert found.states == {"sent": total}
    assert found.is_sound, found
    assert found.seconds == 0
    assert overtaken <= IN_HAND


@pytest.mark.timeout(3600)
def test_the_server_does_not_let_us_in(database: str, tmp_path: Path, measured: Measured) -> None:
    """A login that is refused is left alone for two minutes, then four, then eight: three of them in ten minutes."""
    strangers, total = tmp_path / "strangers", ROUNDS * 20
    with crowd(tmp_path, url=database, post=("--strangers", str(strangers))) as workers:
        _log_in(workers)
        workers.ingest(flow(tmp_path / "events", range(total), first=datetime.now(UTC) - timedelta(minutes=50)))
        workers.start(WORKERS)
        first = until_open(workers)
        workers.messenger("outbox", "accounts", "--try", "main")
        until(lambda: tries(strangers) > 1, "a second login")
        second = until_open(workers)
        asked = tries(strangers)
        workers.stop_all()
        with workers.store() as store:
            rows = list(store.outbox())
    pauses = [round(one.pause.total_seconds()) for one in (first, second)]

    measured(
        f"R11 login refused, {'PostgreSQL' if database else 'SQLite'}", size=f"{total} queued, {WORKERS} workers",
        expected="logins 2 with one asked for, next after 120 s and 240 s, attempts burned 0",
        seen=f"logins {asked}, next after {pauses[0]} s and {pauses[1]} s, burned {sum(row.attempts for row in rows)}",
    )  # fmt: skip
    assert asked == 2 <= MOST_LOGINS
    assert pauses == [120, 240]
    assert {(row.state, row.attempts) for row in rows} == {("planned", 0)}
    assert workers.arrived() == 0


def _log_in(workers: Crowd) -> None:
    settings = workers.home / "messenger.toml"
    words = settings.read_text(encoding="utf-8")
    login = 'security = "none"\nusername = "care"\npassword = "env:POST_PASSWORD"\n'
    settings.write_text(words.replace('security = "none"\n', login), encoding="utf-8")
    (workers.home / "schedules.toml").write_text(RULES, encoding="utf-8")
    workers.environ = workers.environ | {"POST_PASSWORD": "wrong"}


# --- the database is brought forward, and that is cut short -----------------------------------------------------------

OLD_ROWS: Final = 20_000
OLD: Final = "0003"


@pytest.mark.timeout(3600)
def test_an_upgrade_is_killed_at_random_points(tmp_path: Path, measured: Measured) -> None:
    chance = random.Random(20)
    old = _old_database(tmp_path / "old.db")
    seconds = _upgrade(_copied(old, tmp_path / "whole"), None) / 2  # the rest is the process that ends
    cut = 0
    for number in range(ROUNDS):
        folder = _copied(old, tmp_path / f"{number}")
        _upgrade(folder, chance.uniform(0.0, seconds) * number / ROUNDS)  # the first at once
        with closing(sqlite3.connect(folder / "data" / "messenger.db")) as database:
            cut += database.execute("SELECT version_num FROM alembic_version").fetchone()[0] == OLD
        url = f"sqlite:///{folder}/data/messenger.db"
        migrate(url)
        assert status(url).is_current
        with closing(sqlite3.connect(folder / "data" / "messenger.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            kept = database.execute("SELECT scope, state, due_at FROM outbox ORDER BY id").fetchall()
        assert kept == _rows(old)
        shutil.rmtree(folder)

    measured(
        "R20 upgrade killed", size=f"{ROUNDS} kills within {seconds * 1000:.0f} ms, {OLD_ROWS} messages at step {OLD}",
        expected="upgraded by the next start, lost 0, integrity ok", seen=f"lost 0, ok; {cut} were cut short",
    )  # fmt: skip
    assert cut


def test_an_older_version_refuses_a_newer_database(tmp_path: Path) -> None:
    folder = _copied(_old_database(tmp_path / "old.db"), tmp_path / "newer")
    _upgrade(folder, None)
    path = folder / "data" / "messenger.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    before = _rows(path)
    for words in (["db", "upgrade"], ["worker"], ["run", "--until-idle"]):
        told = _messenger(folder, *words).communicate(timeout=60)[1]
        assert "the database is at step 9999, which this version does not know: use a newer messenger" in told
    assert _rows(path) == before


def _old_database(path: Path) -> Path:
    """One as version 0003 left it, with messages and orders."""
    database = Database(connect(f"sqlite:///{path}"))
    with _steps() as (config, _), database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, OLD)
    now = microseconds(datetime.now(UTC)) or 0
    row = text(
        "INSERT INTO outbox (shop, rule, scope, step, order_number, template, category, trigger, trigger_at, wanted_at, due_at, "
        "expires_at, stale_at, state) VALUES ('toys', 'shipped', :scope, 1, :scope, 'shipped', 'transactional', 'erp#e', :now, "
        ":now, :now, :later, :later, :state)"
    )
    with database.write() as connection:
        states = ("planned", "sent", "failed", "uncertain")
        values = [
            {"scope": str(one), "now": now + one, "later": now + 10**12, "state": states[one % 4]}
            for one in range(OLD_ROWS)
        ]
        connection.execute(row, values)
    database.close()
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def _copied(old: Path, folder: Path) -> Path:
    """A home with a copy of the database."""
    (folder / "data").mkdir(parents=True)
    shutil.copyfile(old, folder / "data" / "messenger.db")
    (folder / "messenger.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


SETTINGS: Final = """\
[database]
url = "sqlite:///data/messenger.db"
[shops.toys]
name = "Sunny Toys"
sender = "Sunny Toys <care@sunny-toys.example>"
"""


def _upgrade(folder: Path, kill_after: float | None) -> float:
    """Upgrade; killed so many seconds after the database was opened. Returns how long it ran after that."""
    process = _messenger(folder, "db", "upgrade")
    opened = folder / "data" / "messenger.db-wal"
    until(lambda: opened.exists() or process.poll() is not None, "the database to be opened")
    began = time.monotonic()
    if kill_after is not None:
        time.sleep(kill_after)  # when it is killed is what is drawn by chance
        process.kill()
    told = process.communicate(timeout=60)
    assert kill_after is not None or process.returncode == 0, told
    return time.monotonic() - began


def _messenger(folder: Path, *words: str) -> subprocess.Popen[str]:
    whole = [sys.executable, "-m", "messenger.cli", "--home", str(folder), *words]
    environ = {name: value for name, value in os.environ.items() if name != "MESSENGER_DATABASE_URL"}
    return subprocess.Popen(whole, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _rows(path: Path) -> list[tuple[Any, ...]]:  # Any: what the columns hold
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT scope, state, due_at FROM outbox ORDER BY id").fetchall()
