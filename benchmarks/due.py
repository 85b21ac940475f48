"""What is due now: a claim with its settling, and the pulse, however many messages wait; SQLite and PostgreSQL.

The goal is a flat line: with ten million waiting messages within 1.5 times of ten thousand. MESSENGER_BENCH_ROWS names the
sizes, for example ``10000,1000000,10000000`` (which takes some minutes and 20 GB to build).
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, text

from benchmarks.common import Figure
from messenger.domain.messages import Reason, State
from messenger.ports import Settlement
from messenger.storage import SqlStore, create
from messenger.storage.columns import microseconds
from tests.postgres import cluster, new_database
from tests.storage_samples import NOW, fill

SIZES = (10_000, 1_000_000)
BATCH = 200
"""What a worker claims at once."""
SETTLED = 50
"""What it writes back in one transaction."""
ROUNDS = 20
ENOUGH = 1.5
LATER = NOW + timedelta(minutes=1)


def run() -> Iterator[Figure]:
    """Measure each engine at each size, and print how much slower the larger are."""
    sizes = [int(one) for one in os.environ.get("MESSENGER_BENCH_ROWS", "").split(",") if one] or list(SIZES)
    for engine, database in (("sqlite", _sqlite), ("postgresql", _postgresql)):
        least: dict[str, float] = {}
        for size in sizes:
            with database() as url:
                for name, seconds in _measured(url, size).items():
                    least.setdefault(name, seconds)
                    times = seconds / least[name]
                    verdict = "" if times <= ENOUGH else f"  more than {ENOUGH}"
                    yield Figure(f"due: {engine}, {_short(size)} wait: {name}", 1, seconds)
                    print(f"    {seconds * 1000:.2f} ms, {times:.2f} x of {_short(sizes[0])}{verdict}")


def _measured(url: str, size: int) -> dict[str, float]:
    """Seconds of the median round, by what was done."""
    store = create(url)
    try:
        _prepare(url, size)
        rounds = [_round(store) for _ in range(ROUNDS)]
        pulses = [_timed(lambda: store.pulse(now=LATER)) for _ in range(ROUNDS)]
    finally:
        store.close()
    claims, settlings = zip(*rounds, strict=True)
    return {
        "claim of 200": statistics.median(claims),
        "settling of 200": statistics.median(settlings),
        "both": statistics.median(map(sum, rounds)),
        "pulse": statistics.median(pulses),
    }


def _prepare(url: str, size: int) -> None:
    """Let messages wait over the next month; those that are due lie scattered among them."""
    fill(url, size, due=NOW + timedelta(days=1), span=timedelta(days=30), buyers=max(1000, size // 10))
    due = ROUNDS * BATCH
    engine = create_engine(url)
    with engine.begin() as connection:
        scattered = text(
            "UPDATE outbox SET due_at = :now + id / :each * 7919 % :due WHERE id % :each = 0 AND id / :each <= :due"
        )
        connection.execute(scattered, {"now": microseconds(NOW), "each": size // due, "due": due})
    engine.dispose()


def _round(store: SqlStore) -> tuple[float, float]:
    """Claim a batch and hold all of it; seconds for the one and for the other."""
    started = time.perf_counter()
    rows = store.claim(owner="bench", now=LATER, lease_until=LATER + timedelta(minutes=1), limit=BATCH)
    claimed = time.perf_counter()
    if len(rows) != BATCH:
        raise RuntimeError(f"claimed {len(rows)} messages instead of {BATCH}")
    ends = [
        Settlement(
            id=row.id, owner="bench", token=row.token, at=LATER,
            message=replace(row, state=State.HELD, reason=Reason.HOLD, because="dispute d1", due_at=row.expires_at),
        )
        for row in rows
    ]  # fmt: skip
    settling = time.perf_counter()
    for start in range(0, BATCH, SETTLED):
        store.settle(ends[start : start + SETTLED])
    return claimed - started, time.perf_counter() - settling


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _short(size: int) -> str:
    return f"{size // 1_000_000}M" if size >= 1_000_000 else f"{size // 1000}k"


@contextmanager
def _sqlite() -> Iterator[str]:
    with TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'due.db'}"


@contextmanager
def _postgresql() -> Iterator[str]:
    with cluster() as server:
        yield new_database(server)
