"""What is due now: a claim with its settling, and the pulse, however many messages wait; SQLite and PostgreSQL.

The goal is a flat line: with ten million waiting messages within 1.5 times of ten thousand. MESSENGER_BENCH_ROWS names the
sizes, for example ``10000,1000000,10000000`` (which takes some minutes and 20 GB to build).
"""

from __future__ import annotations

import os
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
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
    for engine, databases in (("sqlite", _sqlite), ("postgresql", _postgresql)):
        with databases() as new_url, ExitStack() as stack:
            stores = {size: stack.enter_context(_filled(new_url(), size)) for size in sizes}
            for name, count, work in KINDS:
                medians = _medians(stores, work)
                for size, seconds in medians.items():
                    times = seconds / medians[sizes[0]]
                    yield Figure(f"{engine}, {_short(size)} wait: {name}", count, seconds)
                    told = f"{seconds * 1000:.2f} ms, {times:.2f} x of {_short(sizes[0])}"
                    print(f"    {told}{'' if times <= ENOUGH else f', more than {ENOUGH}'}", flush=True)


def _medians(stores: Mapping[int, SqlStore], work: Callable[[SqlStore], object]) -> dict[int, float]:
    """Seconds of the median round at each size; the sizes take turns, so that other work on the machine hits all alike."""
    seconds: dict[int, list[float]] = {size: [] for size in stores}
    for _ in range(ROUNDS):
        for size, store in stores.items():
            started = time.perf_counter()
            work(store)
            seconds[size].append(time.perf_counter() - started)
    return {size: statistics.median(each) for size, each in seconds.items()}


@contextmanager
def _filled(url: str, size: int) -> Iterator[SqlStore]:
    store = create(url)
    try:
        _prepare(url, size)
        yield store
    finally:
        store.close()


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


def claim_and_settle(store: SqlStore) -> None:
    """Claim a batch and hold all of it, because of a dispute."""
    rows = store.claim(owner="bench", now=LATER, lease_until=LATER + timedelta(minutes=1), limit=BATCH)
    if len(rows) != BATCH:
        raise RuntimeError(f"claimed {len(rows)} messages instead of {BATCH}")
    ends = [
        Settlement(
            id=row.id, owner="bench", token=row.token, at=LATER,
            message=replace(row, state=State.HELD, reason=Reason.HOLD, because="dispute d1", due_at=row.expires_at),
        )
        for row in rows
    ]  # fmt: skip
    for start in range(0, BATCH, SETTLED):
        store.settle(ends[start : start + SETTLED])


def pulse(store: SqlStore) -> None:
    """Ask whether anything is going on."""
    store.pulse(now=LATER)


KINDS: tuple[tuple[str, int, Callable[[SqlStore], object]], ...] = (
    ("claim and settle", BATCH, claim_and_settle),
    ("pulse", 1, pulse),
)


def _short(size: int) -> str:
    return f"{size // 1_000_000}M" if size >= 1_000_000 else f"{size // 1000}k"


@contextmanager
def _sqlite() -> Iterator[Callable[[], str]]:
    with TemporaryDirectory() as folder:
        yield lambda: f"sqlite:///{Path(folder) / uuid.uuid4().hex}.db"


@contextmanager
def _postgresql() -> Iterator[Callable[[], str]]:
    with cluster() as server:
        yield lambda: new_database(server)
