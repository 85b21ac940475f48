"""PostgreSQL crashes and its lines are cut at any moment while workers send: nothing lost, nothing done by hand."""

from __future__ import annotations

import os
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from messenger.domain.messages import State
from messenger.errors import StorageError
from messenger.storage import migrate, open_store
from messenger.storage.outbox_table import OPEN
from tests.faults.crowd import CONNECTIONS, Crowd, crowd, orders, until
from tests.faults.database_proxy import Proxy, proxy
from tests.faults.table import Measured
from tests.postgres import Server, new_database, server
from tests.storage_samples import accept, event

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))
CRASHES = int(os.environ.get("DATABASE_CRASHES", str(min(ROUNDS, 10))))
"""How often the server crashes; for ten minutes of it set some forty, and the pause to 5-40."""
PAUSE = tuple(float(one) for one in os.environ.get("DATABASE_PAUSE", "1-4").split("-"))
"""Seconds between two crashes, at least and at most."""
EACH = 60
WORKERS = 3


@pytest.fixture
def machine() -> Iterator[Server]:
    """A server that may crash."""
    with server() as running:
        yield running


@pytest.fixture
def line(machine: Server) -> Iterator[Proxy]:
    """The only way to it that the program knows."""
    with proxy(machine.host, machine.port, seed=14) as made:
        yield made


def through(line: Proxy, url: str) -> str:
    return f"{url.rsplit(':', 1)[0]}:{line.at}/{url.rsplit('/', 1)[-1]}"


def told_again_and_again(workers: Crowd, path: Path) -> None:
    """Take a file in as a source would that was not answered."""
    while True:
        try:
            workers.ingest(path)
        except subprocess.CalledProcessError as error:
            refusal = error
        else:
            return
        assert refusal.returncode == 2, refusal.stderr
        assert "the database cannot be used" in refusal.stderr, refusal.stderr


def until_all_have_left(workers: Crowd) -> None:
    """Wait for the last one, also for what an intake that was cut short has left unjudged."""
    with workers.store() as store:

        def have_left() -> bool:
            return next(iter(store.outbox(states=[one for one in State if one in OPEN])), None) is None

        try:
            until(have_left, "every message to leave")
        except AssertionError as error:
            raise AssertionError(f"{error}: {workers.left()}") from None


@pytest.mark.timeout(3600)
def test_the_server_crashes_and_lines_are_cut(machine: Server, line: Proxy, tmp_path: Path, measured: Measured) -> None:
    chance = random.Random(15)
    total = CRASHES * EACH
    url = through(line, new_database(machine.url))
    files = [
        orders(tmp_path / f"{number}.jsonl", range(number * EACH, (number + 1) * EACH)) for number in range(CRASHES)
    ]
    with crowd(tmp_path, url=url, lease="20s", uncertain="resend") as workers:
        workers.messenger("db", "upgrade")
        workers.start(WORKERS)
        line.trouble = 0.002
        for file in files:
            source = threading.Thread(target=told_again_and_again, args=(workers, file))
            source.start()
            time.sleep(chance.uniform(*PAUSE))  # what is awaited is any moment at all
            if chance.random() < 0.5:
                line.cut(reset=chance.random() < 0.5)
            machine.crash()
            time.sleep(chance.uniform(0.0, 2.0))
            machine.start()
            source.join()
        line.trouble = 0.0
        until_all_have_left(workers)
        alive = sum(one.poll() is None for one in workers.workers)
        codes = workers.stop_all()
        found = workers.account()

    measured(
        "R15 PostgreSQL crashes, lines are cut", size=f"{CRASHES} crashes, {line.cuts} cuts, {total} messages, {WORKERS} workers",
        expected=f"lost 0, twice <= {CRASHES * WORKERS * CONNECTIONS}, nobody dies",
        seen=f"lost {len(found.lost) + total - found.rows}, twice {found.seconds}, died {WORKERS - alive}, {found.states}",
    )  # fmt: skip
    assert found.rows == total
    assert found.is_sound, found
    assert found.states == {"sent": total}
    assert found.seconds <= CRASHES * WORKERS * CONNECTIONS
    assert (alive, set(codes)) == (WORKERS, {0})


@pytest.mark.timeout(600)
@pytest.mark.parametrize("reset", [True, False])
def test_a_cut_line_costs_nobody_an_event(reset: bool, machine: Server, line: Proxy) -> None:
    url = through(line, new_database(machine.url))
    migrate(url)
    told: list[str] = []
    with closing(open_store(url)) as store:
        over = threading.Event()

        def cut() -> None:
            while not over.wait(0.01):
                line.cut(reset=reset)

        cutter = threading.Thread(target=cut)
        cutter.start()
        for number in range(20):
            while True:
                try:
                    accept(store, event(f"e-{number}"))
                except StorageError:  # as a source would that was not answered
                    continue
                told.append(f"e-{number}")
                break
        over.set()
        cutter.join()
        with store._database.read() as connection:
            kept = set(connection.execute(text("SELECT event_id FROM inbox")).scalars())

    assert line.cuts > 5
    assert kept == set(told)


@pytest.mark.timeout(600)
def test_a_refused_line_is_told_at_once_and_used_again(machine: Server, line: Proxy) -> None:
    url = through(line, new_database(machine.url))
    migrate(url)
    with closing(open_store(url)) as store:
        line.refuse()
        begun = time.monotonic()
        with pytest.raises(StorageError, match="the server cannot be reached, or the line to it broke"):
            accept(store, event("e-1"))
        assert time.monotonic() - begun < 10

        line.accept()
        accept(store, event("e-1"))


@pytest.mark.timeout(600)
def test_a_slow_line_is_only_slow(machine: Server, line: Proxy) -> None:
    url = through(line, new_database(machine.url))
    migrate(url)
    with closing(open_store(url)) as store:
        line.delay = 0.1
        accept(store, event("e-1"))

        assert store.inbox_counts().received == 1


@pytest.mark.timeout(600)
def test_a_line_that_loses_everything_is_given_up_when_it_is_cut(machine: Server, line: Proxy) -> None:
    """Whoever waits on a dead line hears nothing until it is known to be dead; then the work is done anew."""
    url = through(line, new_database(machine.url))
    migrate(url)
    with closing(open_store(url)) as store:
        accept(store, event("e-1"))
        line.is_silent = True
        work = threading.Thread(target=accept, args=(store, event("e-2")))
        work.start()
        work.join(timeout=1.0)
        assert work.is_alive()

        line.is_silent = False
        line.cut()
        work.join(timeout=30)

        assert not work.is_alive()
        assert store.inbox_counts().received == 2
