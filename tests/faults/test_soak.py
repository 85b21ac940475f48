"""A long run at a steady pace, with small troubles and now and then a death: nothing is lost, and nothing grows.

``SOAK_MINUTES`` sets how long, ``SOAK_RATE`` how many messages a second; ``make soak`` runs half an hour.
"""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

import pytest

from tests.faults.crowd import CONNECTIONS, Crowd, crowd, memory_of
from tests.faults.flow import RULES, Mail, flow, mails
from tests.faults.reconciling import books
from tests.faults.table import Measured, told

pytestmark = pytest.mark.timeout(6 * 3600)
MINUTES: Final = float(os.environ.get("SOAK_MINUTES", "0.08"))
RATE: Final = int(os.environ.get("SOAK_RATE", "20"))
CHUNK: Final = 30.0
"""Seconds of the flow that one intake brings."""
AHEAD: Final = timedelta(seconds=5)
"""So long before the first of them is due."""
LEASE: Final = 5.0
A_WHILE: Final = 60.0
"""Seconds between two deaths."""
A_DEATH: Final = timedelta(seconds=3 * LEASE)
"""So long after a death messages may be late: until somebody else has taken over."""
TROUBLE: Final = 0.01
MOST_LATE: Final = 2.0
MOST_GROWTH: Final = 0.10
LONG: Final = 5.0
"""Minutes after which a process that still grows will always grow."""


@dataclass(slots=True)
class Watched:
    """What one process has taken of the machine, second by second."""

    number: int
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Look once; in bytes."""
        self.memory.append(memory_of(self.number))
        self.files.append(len(list(Path(f"/proc/{self.number}/fd").iterdir())))

    @property
    def growth(self) -> float:
        """By which share its memory grew, from when it was warm to the end."""
        part = max(1, len(self.memory) // 5)
        return median(self.memory[-part:]) / median(self.memory[part : 2 * part]) - 1


def test_a_long_run_loses_nothing_and_grows_nowhere(tmp_path: Path, measured: Measured) -> None:
    chance = random.Random(21)
    seconds = MINUTES * 60
    deaths: list[datetime] = []
    sizes: list[int] = []
    with crowd(tmp_path, lease=f"{LEASE:.0f}s", post=("--trouble", f"{TROUBLE}")) as workers:
        (workers.home / "schedules.toml").write_text(RULES, encoding="utf-8")
        workers.messenger("db", "upgrade")
        watched = Watched(workers.start(2)[0].pid)
        begun, taken = datetime.now(UTC), 0
        known: list[datetime] = []
        while (gone := (datetime.now(UTC) - begun).total_seconds()) < seconds:
            if gone >= len(known) * CHUNK:
                taken = bring(workers, tmp_path, taken, begun + len(known) * timedelta(seconds=CHUNK) + AHEAD)
                known.append(datetime.now(UTC))
            if gone >= (len(deaths) + 0.5) * A_WHILE:
                workers.kill(workers.workers[-1])
                deaths.append(datetime.now(UTC))
                workers.start()
            watched.look()
            sizes.append(sum(path.stat().st_size for path in (workers.home / "data").glob("messenger.db")))
            time.sleep(chance.uniform(0.2, 0.6))  # the pace is what is tried
        workers.until_arrived(taken * 9 // 10)
        workers.until_rest()
        watched.look()
        workers.stop_all()
        found, kept = workers.account(), books(workers)
        late = lateness(workers, deaths, known[0])
    wrong = kept.mismatches([f"{one}" for one in range(taken)])
    most = round(taken * TROUBLE * 3) + len(deaths) * CONNECTIONS

    measured(
        "R21 soak", size=f"{MINUTES:.1f} min, {RATE}/s, {taken} messages, {len(deaths)} kills, {TROUBLE:.0%} trouble",
        expected=f"lost 0, twice <= {most}, mismatches 0, p99 late <= {MOST_LATE:.0f} s, memory + <= {MOST_GROWTH:.0%}",
        seen=f"lost {len(found.lost) + taken - found.rows}, twice {found.seconds}, mismatches {len(wrong)}, p99 late {share_of(late, 0.99):.1f} s, "
             f"memory {watched.growth:+.1%} of {watched.memory[-1] / 2**20:.0f} MiB, files {min(watched.files)}-{max(watched.files)}, "
             f"database {sizes[-1] / 2**20:.0f} MiB, {told(found.states)}",
    )  # fmt: skip
    assert wrong == []
    assert found.is_sound, found
    assert found.seconds <= most
    assert late
    if MINUTES >= LONG:
        assert share_of(late, 0.99) <= MOST_LATE
        assert watched.growth <= MOST_GROWTH
        assert max(watched.files[len(watched.files) // 2 :]) <= max(watched.files[: len(watched.files) // 2])
        assert is_linear(sizes)


def bring(workers: Crowd, folder: Path, taken: int, first: datetime) -> int:
    """Take in what is due within a while; returns how many were taken in by now."""
    number = round(min(CHUNK, MINUTES * 60) * RATE)
    each = timedelta(seconds=1 / RATE)
    workers.ingest(flow(folder / f"{taken}.jsonl", range(taken, taken + number), first=first, each=each))
    (folder / f"{taken}.jsonl").unlink()
    return taken + number


def lateness(workers: Crowd, deaths: Sequence[datetime], known: datetime) -> list[float]:
    """Return by how many seconds each message was late that no death and no trouble has held up."""
    with workers.store() as store:
        due = {row.message_id: row.due_at for row in store.outbox() if row.state == "sent" and row.attempts == 1}

    def counts(one: Mail) -> bool:
        at = due.get(one.message_id)
        return at is not None and at > known and not any(death - AHEAD < at < death + A_DEATH for death in deaths)

    return [(one.at - due[one.message_id]).total_seconds() for one in mails(workers.ledger) if counts(one)]


def share_of(values: list[float], share: float) -> float:
    """Return the smallest value that this share of all does not exceed; zero when there are none."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)] if values else 0.0


def is_linear(sizes: Sequence[int]) -> bool:
    """Whether the second half added no more than the first, give or take a fifth."""
    half = sizes[len(sizes) // 2]
    return sizes[-1] - half <= 1.2 * (half - sizes[0]) + 2**20
