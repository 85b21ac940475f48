"""How long a sender waits for its answer: signed deliveries to a console, alone and while two workers send at full speed on SQLite."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.common import Figure
from tests.faults.crowd import crowd, orders
from tests.faults.posting import Senders, console, states, with_hook

FIRST = 10_000_000
"""Numbers of orders that are told by deliveries begin there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What senders saw.

    Args:
        seconds: each answer's.
        kept: deliveries in the spool afterwards.
        sent: mails that left meanwhile.
        took: seconds from the first post to the last answer.
    """

    seconds: tuple[float, ...]
    kept: int
    sent: int
    took: float

    def percentile(self, percent: int) -> float:
        """Return within how many milliseconds so many of a hundred answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000


def measure(folder: Path, *, deliveries: int, orders_: int = 0, workers: int = 2) -> Answers:
    """Post so many deliveries while workers send a message for each of the orders."""
    with crowd(folder, uncertain="ask", lease="60s") as crew, console(crew) as desk:
        with_hook(crew)
        crew.messenger("db", "upgrade")
        if orders_:
            crew.ingest(orders(folder / "events.jsonl", range(orders_)))
        desk.start()
        senders = Senders(desk)
        senders.post([FIRST - 1])  # what is loaded at the first request is not what is measured
        senders.seconds.clear()
        if workers:
            crew.start(workers)
            crew.until_arrived(min(20, orders_))
        before, begun = crew.arrived(), time.perf_counter()
        senders.post(range(FIRST, FIRST + deliveries))
        took, sent = time.perf_counter() - begun, crew.arrived() - before
        kept = sum(states(crew).values()) - 1
    return Answers(seconds=tuple(senders.seconds), kept=kept, sent=sent, took=took)


def run(deliveries: int = 1000, orders_: int = 8_000) -> Iterator[Figure]:
    """Measure both, and print what senders saw."""
    for name, number, workers in (("alone", 0, 0), ("beside two workers", orders_, 2)):
        with TemporaryDirectory() as folder:
            found = measure(Path(folder), deliveries=deliveries, orders_=number, workers=workers)
        print(
            f"webhooks {name}: kept {found.kept} of {deliveries}; answered within {found.percentile(50):.1f} ms (half of them), "
            f"{found.percentile(99):.1f} ms (99 %), {found.percentile(100):.1f} ms (all); {found.sent} mails meanwhile"
        )
        yield Figure(f"webhooks {name}", deliveries, found.took)
