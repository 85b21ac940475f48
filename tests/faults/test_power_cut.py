"""The power is cut at any moment while workers send: what was acknowledged is there, and nothing that was sent is forgotten.

Workers and intakes run with ``power.c``, which notes what they write and sync. The power is cut for each round once, with what
that leaves the next one goes on; and, on paper, at many other moments of the same round.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2
import pytest

from tests.faults.crowd import CONNECTIONS, Crowd, crowd, orders, until
from tests.faults.posting import Senders, console, shipped, with_hook
from tests.faults.power import Disk, Promised, mark, moments, steps
from tests.faults.shims import built, needs_compiler
from tests.faults.table import Measured

pytestmark = [needs_compiler, pytest.mark.timeout(3600)]
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
"""How often the power is cut; ``make faults`` sets more, and also tries what is sent again by itself."""
POLICIES = ["ask", "resend"] if ROUNDS > 2 else ["ask"]
MOMENTS: Final = 10
"""Of each round at which the power is cut on paper."""
EACH: Final = 40
WORKERS: Final = 2

COMMITS = """
import sqlite3, sys
from pathlib import Path
from tests.faults.power import mark
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute(f"PRAGMA synchronous = {sys.argv[3]}")
for number in range(300):
    database.execute("INSERT INTO told VALUES (?)", (number,))
    mark(Path(sys.argv[2]), f"told {number}")
"""


@pytest.mark.parametrize(("synchronous", "forgets"), [("FULL", False), ("NORMAL", True)])
def test_a_database_that_does_not_sync_forgets_what_it_was_told(
    synchronous: str, forgets: bool, tmp_path: Path
) -> None:
    """That the apparatus can tell: with anything less than FULL, which messenger refuses, it finds what is lost."""
    data, trace, chance = tmp_path / "data", tmp_path / "trace", random.Random(4)
    data.mkdir()
    with closing(sqlite3.connect(data / "messenger.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE told (number INTEGER)")
    disk, told, lost = Disk.of(data), 0, 0
    environ = os.environ | tracing(built("power.c", tmp_path), data, trace)
    words = [sys.executable, "-c", COMMITS, str(data / "messenger.db"), str(trace), synchronous]
    subprocess.run(words, env=environ, check=True)
    moments = {chance.randrange(200) for _ in range(20)}
    for step in steps(trace):
        disk.play(step)
        told += step.kind == "M"
        if step.kind == "M" and told in moments:
            disk.cut(tmp_path / f"{told}", chance)
            with closing(sqlite3.connect(tmp_path / f"{told}" / "messenger.db")) as database:
                (kept,) = database.execute("SELECT count(*) FROM told WHERE number < ?", (told,)).fetchone()
                assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            lost += told - kept

    assert (lost > 0) is forgets


@pytest.mark.parametrize("uncertain", POLICIES)
def test_the_power_is_cut_while_workers_send(uncertain: str, tmp_path: Path, measured: Measured) -> None:
    chance, total = random.Random(4), ROUNDS * EACH
    paper = Paper()
    left: set[str] = set()
    with crowd(tmp_path, uncertain=uncertain, post=("--trace", str(tmp_path / "trace"))) as workers:
        workers.messenger("db", "upgrade")
        files = [orders(tmp_path / f"{one}.jsonl", range(one * EACH, (one + 1) * EACH)) for one in range(ROUNDS)]
        library = built("power.c", tmp_path)
        for number in range(ROUNDS):
            with traced(workers, library, tmp_path / "trace") as trace:
                workers.start(WORKERS)
                source = ingesting(workers, files[number])
                wanted = workers.arrived() + chance.randint(1, EACH // 2)
                told = until_so_many(workers, source, trace, files[number], wanted)
                pull_the_plug(workers, source)
            left |= paper.cut(workers.home / "data", trace, chance)
            if not told:
                workers.ingest(files[number])
        workers.start()
        workers.until_rest()
        workers.stop_all()
        found = workers.account()
        with workers.store() as store:
            in_doubt = {row.message_id for row in store.outbox() if row.state == "uncertain"}

    most = ROUNDS * WORKERS * CONNECTIONS
    measured(
        f"R4 power cut, {uncertain}", size=f"{ROUNDS} cuts, {paper.cuts - ROUNDS} more on paper, {total} messages, {WORKERS} workers",
        expected="acknowledged events lost 0, forgotten 0, damaged 0" + (", twice 0" if uncertain == "ask" else f", twice <= {most}"),
        seen=f"lost {total - found.rows + len(found.lost)}, forgotten {len(paper.broken)}, damaged {paper.damaged}, "
             f"twice {found.seconds}, uncertain {len(in_doubt)}",
    )  # fmt: skip
    assert paper.broken == []
    assert paper.damaged == 0
    assert found.rows == total
    assert found.is_sound, found
    assert set(found.states) <= {"sent", "uncertain"}
    assert found.seconds <= (0 if uncertain == "ask" else most)
    assert (
        in_doubt == left if uncertain == "ask" else in_doubt <= left
    )  # a second copy that is in doubt stays for staff


def test_the_power_is_cut_while_deliveries_are_acknowledged(tmp_path: Path, measured: Measured) -> None:
    """What a sender was told to have is kept; SQLite's spool is a file of its own."""
    chance, library, lost, cuts = random.Random(5), built("power.c", tmp_path), 0, 0
    with crowd(tmp_path) as workers:
        with_hook(workers)
        workers.messenger("db", "upgrade")
        for number in range(ROUNDS):
            with traced(workers, library, tmp_path / "trace") as trace, console(workers) as desk:
                desk.start()
                acknowledge(Senders(desk), range(number * EACH, (number + 1) * EACH), trace)
                desk.kill()
            for disk, promised in moments(trace, tmp_path / "before", chance, number=MOMENTS):
                shutil.rmtree(workers.home / "data")
                disk.cut(workers.home / "data", chance)
                lost += len(promised["told"] - kept_by_now(workers.home / "data" / "spool.db"))
                cuts += 1

    measured(
        "R4 power cut, deliveries", size=f"{cuts} cuts, {ROUNDS * EACH} deliveries over 4 connections", expected="acknowledged ones lost 0",
        seen=f"lost {lost}",
    )  # fmt: skip
    assert lost == 0


def acknowledge(senders: Senders, numbers: range, trace: Path) -> None:
    """Post deliveries over some connections; note each that was answered with yes."""

    def post(number: int) -> None:
        with httpx2.Client(timeout=30) as client:
            senders._post(number, shipped(number), client)
        mark(trace, f"told msg_{number}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(post, numbers))


def kept_by_now(spool: Path) -> set[str]:
    """Return the names of the deliveries that are kept; none where there are no tables yet."""
    with closing(sqlite3.connect(spool)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not database.execute("SELECT name FROM sqlite_master WHERE name = 'deliveries'").fetchone():
            return set()
        return {name for (name,) in database.execute("SELECT name FROM deliveries")}


def tracing(library: str, data: Path, trace: Path) -> dict[str, str]:
    """Return what makes a process note what it does to the database's files."""
    return {"LD_PRELOAD": library, "MESSENGER_DATA": str(data), "MESSENGER_TRACE": str(trace)}


@contextmanager
def traced(workers: Crowd, library: str, trace: Path) -> Iterator[Path]:
    """Let workers run with the library; the trace begins with the files as they are."""
    trace.unlink(missing_ok=True)
    data, usual = workers.home / "data", workers.environ
    kept = trace.with_name("before")
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(data, kept, ignore=shutil.ignore_patterns("*-shm"))
    workers.environ = usual | tracing(library, data, trace)
    try:
        yield trace
    finally:
        workers.environ = usual


def ingesting(workers: Crowd, file: Path) -> subprocess.Popen[str]:
    """Begin to take a file in."""
    words = [sys.executable, "-m", "messenger.cli", "--home", str(workers.home), "ingest", str(file)]
    return subprocess.Popen(words, env=workers.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)


def until_so_many(workers: Crowd, source: subprocess.Popen[str], trace: Path, file: Path, wanted: int) -> bool:
    """Wait for so many mails; note what was acknowledged and what anybody was shown. Returns whether the file was taken in."""
    shown: set[str] = set()
    told = False

    def is_so() -> bool:
        nonlocal told
        if not told and source.poll() == 0:
            told = True
            mark(trace, *(f"told {one}" for one in ids(file)))
        for name in sent_by_now(workers.home / "data" / "messenger.db") - shown:
            shown.add(name)
            mark(trace, f"shown {name}")
        return workers.arrived() >= wanted

    until(is_so, f"{wanted} mails")
    return told


def ids(file: Path) -> Iterator[str]:
    """Yield the ids of a file of events; see ``crowd.orders``."""
    for line in file.read_text(encoding="utf-8").splitlines():
        yield line.split('"id": "')[1].split('"')[0]


def sent_by_now(path: Path) -> set[str]:
    """Return the Message-IDs that the database shows as sent; only reads."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
        return {name for (name,) in database.execute("SELECT message_id FROM outbox WHERE state = 'sent'")}


def pull_the_plug(workers: Crowd, source: subprocess.Popen[str]) -> None:
    """End everybody at once."""
    for one in (source, *workers.workers):
        one.kill()
    for one in (source, *workers.workers):
        one.wait()
    workers.workers.clear()


@dataclass(slots=True)
class Paper:
    """What was found at all the moments at which the power was cut."""

    cuts: int = 0
    damaged: int = 0
    broken: list[str] = field(default_factory=list)

    def cut(self, data: Path, trace: Path, chance: random.Random) -> set[str]:
        """Cut the power at many moments and at the last; the database is then as the last one has left it.

        Returns:
            the Message-IDs that were on their way then.
        """
        left: set[str] = set()
        for disk, promised in moments(trace, trace.with_name("before"), chance, number=MOMENTS):
            shutil.rmtree(data)
            left = self._look(disk, data, promised, chance)
        return left

    def _look(self, disk: Disk, folder: Path, promised: Promised, chance: random.Random) -> set[str]:
        self.cuts += 1
        disk.cut(folder, chance)
        with closing(sqlite3.connect(folder / "messenger.db")) as database:
            self.damaged += database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
            known = {name for (name,) in database.execute("SELECT event_id FROM inbox")}
            states = dict(database.execute("SELECT message_id, state FROM outbox WHERE message_id IS NOT NULL"))
        self.broken += [f"event {one} was acknowledged" for one in promised["told"] - known]
        self.broken += [f"{one} was shown as sent" for one in promised["shown"] if states.get(one) != "sent"]
        self.broken += [
            f"{one} has arrived, and is {states.get(one)}"
            for one in promised["sent"] if states.get(one) not in ("sending", "sent", "uncertain")
        ]  # fmt: skip
        return {name for name, state in states.items() if state in ("sending", "uncertain")}
