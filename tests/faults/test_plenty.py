"""Many messages, and many events that come again and again: each message once, and all the books agree.

``PLENTY`` sets how many; ``make faults`` sends 50,000.
"""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.faults.crowd import IN_DOUBT, Crowd, crowd, memory_of, orders, until
from tests.faults.posting import Senders, console, until_read, with_hook
from tests.faults.reconciling import books
from tests.faults.table import Measured
from tests.faults.table import told as states_told

pytestmark = pytest.mark.timeout(7200)
PLENTY: Final = int(os.environ.get("PLENTY", "2000"))
WORKERS: Final = 4
MOST_MEMORY: Final = 300 * 2**20
"""Bytes of one worker, although everything is due at once."""


def test_four_workers_send_plenty(database: str, tmp_path: Path, measured: Measured) -> None:
    with crowd(tmp_path, url=database, lease="60s") as workers:
        workers.messenger("db", "upgrade")
        begun = time.monotonic()
        workers.ingest(orders(tmp_path / "events.jsonl", range(PLENTY)))
        taken = time.monotonic()
        workers.start(WORKERS)
        started = time.monotonic()
        memory: list[int] = []

        def have_arrived() -> bool:
            memory.extend(memory_of(one.pid) for one in workers.workers)
            time.sleep(0.2)
            return workers.arrived() >= PLENTY

        until(have_arrived, "all to arrive", patience=60 + PLENTY / 10)
        done = time.monotonic()
        workers.until_rest()
        workers.stop_all()
        found, said, kept = workers.account(), workers.logs(), books(workers)
    wrong = kept.mismatches([f"{one}" for one in range(PLENTY)], exact=True)
    complaints = [line for line in said.splitlines() if " warning " in line or " error " in line]

    measured(
        f"R6 plenty, {'PostgreSQL' if database else 'SQLite'}", size=f"{PLENTY} messages, {WORKERS} workers, no fault",
        expected=f"lost 0, twice 0, complaints 0, memory of a worker <= {MOST_MEMORY // 2**20} MiB",
        seen=f"lost {len(found.lost) + PLENTY - found.rows}, twice {found.seconds}, complaints {len(complaints)}, "
             f"memory {max(memory) // 2**20} MiB, in {PLENTY / (taken - begun):.0f}/s, out {PLENTY / (done - started):.0f}/s",
    )  # fmt: skip
    measured(
        f"R24 books, {'PostgreSQL' if database else 'SQLite'}", size=f"{PLENTY} messages, their attempts, record and copies",
        expected="mismatches 0", seen=f"mismatches {len(wrong)}",
    )  # fmt: skip
    assert wrong == []
    assert found.states == {"sent": PLENTY}
    assert found.is_sound, found
    assert found.seconds == 0
    assert complaints == []
    assert max(memory) <= MOST_MEMORY


# --- the same again and again, in any order, over several ways at once -------------------------------------------------

KEYS: Final = PLENTY // 5 if PLENTY > 10_000 else 80
"""Orders; each is told one to five times over each way."""
KILLS: Final = 3 if PLENTY > 10_000 else 1


def test_what_is_told_again_and_again_by_everybody_is_written_once(
    database: str, tmp_path: Path, measured: Measured
) -> None:
    """Eight connections, two intakes of files and one of a sheet tell of the same orders, and all of them die meanwhile."""
    chance = random.Random(5)
    with crowd(tmp_path, url=database, uncertain="ask") as workers, console(workers) as desk:
        with_hook(workers)
        workers.messenger("db", "upgrade")
        desk.start()
        workers.start(2)
        senders, posts = Senders(desk), shuffled(chance)
        once = orders(tmp_path / "once.jsonl", range(KEYS)).read_text(encoding="utf-8").splitlines()
        files = [again(tmp_path / f"{one}.jsonl", once, shuffled(chance)) for one in range(2)]
        with ThreadPoolExecutor() as pool:
            posting = pool.submit(senders.post, posts)
            ways = [pool.submit(until_taken, workers, one, chance) for one in (*files, sheet(tmp_path / "orders.csv"))]
            for number in range(KILLS):
                workers.until_arrived(
                    KEYS * (number + 1) // (KILLS + 2), patience=120 + KEYS / 5
                )  # files are judged as a whole
                workers.kill(chance.choice(workers.workers))
                desk.kill()
                desk.start()
                workers.start()
            kills = 2 * KILLS + sum(way.result() for way in ways)
            posting.result()
        until_read(workers)
        workers.until_rest()
        workers.stop_all()
        found, kept = workers.account(), books(workers)
    told = len(posts) + sum(len(one.read_text(encoding="utf-8").splitlines()) for one in files) + KEYS
    wrong = kept.mismatches([f"{one}" for one in range(KEYS)])

    measured(
        f"R5 again and again, {'PostgreSQL' if database else 'SQLite'}",
        size=f"{KEYS} orders told {told} times, {senders.tries} posts, {kills} kills", expected=f"messages {KEYS}, twice 0, mismatches 0",
        seen=f"messages {found.rows}, twice {found.seconds}, mismatches {len(wrong)}, {states_told(found.states)}",
    )  # fmt: skip
    assert wrong == []
    assert found.is_sound, found
    assert found.seconds == 0
    assert set(found.states) <= {"sent", "uncertain"}
    assert found.states.get("uncertain", 0) <= KILLS * IN_DOUBT


def shuffled(chance: random.Random) -> list[int]:
    """Return each order one to five times, in any order."""
    numbers = [number for number in range(KEYS) for _ in range(chance.randint(1, 5))]
    chance.shuffle(numbers)
    return numbers


def again(path: Path, lines: list[str], numbers: list[int]) -> Path:
    """Write a file in which events are told so."""
    path.write_text("\n".join(lines[number] for number in numbers), encoding="utf-8")
    return path


def sheet(path: Path) -> Path:
    """Write the orders as a shop's export."""
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat(sep=" ", timespec="seconds")
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at", "Created at", "Currency", "Total",
             "Lineitem name", "Lineitem quantity", "Shipping Country"]
        )  # fmt: skip
        for number in range(KEYS):
            rows.writerow(
                [number, f"b{number}@example.com", "paid", at, "fulfilled", at, at, "EUR", "9.00", "Puzzle", 1, "ES"]
            )
    return path


def until_taken(workers: Crowd, file: Path, chance: random.Random) -> int:
    """Take a file in as a person would whose first try was killed at a moment that nobody chose; returns how many were."""
    words = [sys.executable, "-m", "messenger.cli", "--home", str(workers.home), "ingest", str(file), "--shop", "toys"]
    first = subprocess.Popen(words, env=workers.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        first.wait(timeout=chance.uniform(1.0, 1.0 + KEYS / 50))
    except subprocess.TimeoutExpired:
        first.kill()
        first.wait()
    done = subprocess.run(words, env=workers.environ, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(first.returncode < 0)
