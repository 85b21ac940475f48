"""The disk of the database is full, at a limit, not to be written, or failing, while workers send: nothing is lost, all is told,
and work goes on by itself when the disk is in order again."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.faults.crowd import IN_DOUBT, Crowd, crowd, orders, until
from tests.faults.table import Measured, told
from tests.faults.troubles import Trouble, trouble

pytestmark = pytest.mark.timeout(3600)
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
EACH: Final = 60
MORE: Final = 40
"""Messages of each file that is taken in until one is refused."""
NAMES = ["full", "at its limit", "read-only", "failing"][: 4 if ROUNDS > 2 else 2]
WORKERS = 2 if ROUNDS > 2 else 1


@pytest.mark.parametrize("name", NAMES)
def test_the_disk_is_in_trouble_while_workers_send(name: str, tmp_path: Path, measured: Measured) -> None:
    chance, wrong = random.Random(14), trouble(name)
    taken = 0
    with crowd(tmp_path, uncertain="ask", lease="20s") as workers:
        wrong.prepare(workers)
        try:
            workers.messenger("db", "upgrade")
            workers.start(WORKERS)
            for _ in range(ROUNDS):
                wanted = workers.arrived() + chance.randint(1, EACH // 2)
                workers.ingest(orders(tmp_path / f"{taken}.jsonl", range(taken, taken + EACH)))
                taken += EACH
                workers.until_arrived(wanted)
                before = complaints(workers)
                wrong.begin(workers)
                taken, problem = until_refused(workers, wrong, tmp_path, taken)
                until(lambda before=before: complaints(workers) > before, "a worker to tell")
                assert wrong.says in problem, problem
                assert "Traceback" not in problem
                wrong.end(workers)
                workers.ingest(tmp_path / f"{taken}.jsonl")
                taken += MORE
                until(
                    lambda: workers.not_left() == 0,
                    "every message to leave, also what an intake that broke off has left",
                )
            alive = sum(one.poll() is None for one in workers.workers)
            codes = workers.stop_all()
            found, said = workers.account(), workers.logs()
        finally:
            wrong.close()

    measured(
        f"R14 disk {name}", size=f"{ROUNDS} times, {taken} messages, {WORKERS} workers",
        expected="lost 0, twice 0, died 0, told what to do, goes on by itself",
        seen=f"lost {len(found.lost) + taken - found.rows}, twice {found.seconds}, died {WORKERS - alive}, {told(found.states)}",
    )  # fmt: skip
    assert found.rows == taken
    assert found.is_sound, found
    assert set(found.states) <= {"sent", "uncertain"}
    assert found.states.get("uncertain", 0) <= ROUNDS * WORKERS * IN_DOUBT
    assert found.seconds == 0
    assert (alive, set(codes)) == (WORKERS, {0})
    assert "raised an exception" not in said


def test_a_worker_may_not_open_any_more_file(tmp_path: Path, measured: Measured) -> None:
    """It reaches neither the mail server nor the database anew, and cannot look at its home."""
    total = ROUNDS * EACH
    with crowd(tmp_path, uncertain="ask", lease="20s") as workers:
        workers.messenger("db", "upgrade")
        workers.start(WORKERS)
        workers.ingest(orders(tmp_path / "first.jsonl", range(1)))
        workers.until_arrived(1)
        limit_files(workers, 3)
        workers.ingest(orders(tmp_path / "events.jsonl", range(1, total)))
        until(
            lambda: (
                "edits_not_read" in workers.logs()
                and (complaints(workers) or is_left_alone(workers) or workers.not_left() == 0)
            ),
            "a worker to tell",
        )
        limit_files(workers, 1024)
        if ROUNDS == 1 and is_left_alone(workers):  # there is no time to wait until it tries again by itself
            workers.messenger("outbox", "accounts", "--try", "main")
        until(lambda: workers.not_left() == 0, "every message to leave")
        alive = sum(one.poll() is None for one in workers.workers)
        workers.stop_all()
        found, said = workers.account(), workers.logs()

    measured(
        "R14 no more file to open", size=f"{total} messages, {WORKERS} workers", expected="lost 0, twice 0, died 0, told, goes on by itself",
        seen=f"lost {len(found.lost) + total - found.rows}, twice {found.seconds}, died {WORKERS - alive}, {told(found.states)}",
    )  # fmt: skip
    assert set(found.states) <= {"sent", "uncertain"}
    assert found.states.get("uncertain", 0) <= WORKERS * IN_DOUBT
    assert found.is_sound, found
    assert found.seconds == 0
    assert alive == WORKERS
    assert "raised an exception" not in said


def limit_files(workers: Crowd, number: int) -> None:
    """Let each worker have so many files open; what is open stays so."""
    for one in workers.workers:
        _, most = resource.prlimit(one.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (number, most))


def until_refused(workers: Crowd, wrong: Trouble, folder: Path, taken: int) -> tuple[int, str]:
    """Take files in until one is refused; returns how many orders were taken in by then, and why it was refused."""
    for _ in range(100):
        file = orders(folder / f"{taken}.jsonl", range(taken, taken + MORE))
        words = [*wrong.prefix, sys.executable, "-m", "messenger.cli", "--home", str(workers.home), "ingest", str(file)]
        done = subprocess.run(words, env=workers.environ, check=False, capture_output=True, text=True)
        if done.returncode:
            assert done.returncode == 2, done.stderr
            return taken, done.stderr
        taken += MORE
    raise AssertionError("everything was taken in although the disk was in trouble")


def is_left_alone(workers: Crowd) -> bool:
    """Whether a worker leaves the mail server alone for a while because it could not reach it."""
    return "account_in_trouble" in workers.logs()


def complaints(workers: Crowd) -> int:
    """Return how often workers have told of a database that cannot be used."""
    return workers.logs().count("the database cannot be used")
