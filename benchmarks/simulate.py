"""Simulate: orders of a quarter played against the default rules, guarded, rendered, and told.

``python -m benchmarks.simulate 20000`` plays so many; with ``--profile`` it prints where the time goes.
"""

from __future__ import annotations

import cProfile
import pstats
import random
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from benchmarks.common import COUNTRIES, Figure, timed
from messenger.domain.events import Event, parse_event
from messenger.domain.shops import Mode, Shop
from messenger.homes import simulated_home
from messenger.services.simulating import Line, Simulator

FIRST = datetime(2026, 1, 5, tzinfo=UTC)
QUARTER = timedelta(days=90)
SEED = 8134
SMOOTH = (
    "picked_up",
    "departed_origin",
    "in_transit",
    "arrived_destination",
    "import_customs",
    "customs_released",
    "out_for_delivery",
)
"""What most parcels pass; carriers leave out some of it."""


def lives(orders: int) -> Iterator[Event]:
    """Yield the events of many orders of one quarter: most go well, some stop in customs, a few end in a dispute."""
    chance = random.Random(SEED)
    for number in range(orders):
        yield from _life(str(10_000_000 + number), number, chance)


def _life(order: str, number: int, chance: random.Random) -> Iterator[Event]:
    country, language = COUNTRIES[number % len(COUNTRIES)]
    at = FIRST + QUARTER * chance.random()
    buyer = number if number % 10 else number // 100  # every tenth order is another one of a good customer
    items = [
        {"sku": f"S{index}", "title": f"Wooden puzzle {index}", "quantity": 1, "price": "12.90"}
        for index in range(1 + number % 3)
    ]
    told = {
        "order": {"total": "38.70", "currency": "EUR", "shipping_method": "epacket", "ship_by": _told(at + timedelta(days=7)), "items": items},
        "buyer": {"id": f"b{buyer}", "name": f"Buyer {buyer}", "email": f"b{buyer}@example.com", "country": country, "language": language},
    }  # fmt: skip
    steps = [("order.paid", at, told)]
    at += timedelta(hours=chance.uniform(12, 100))
    parcel = {"number": f"RR{number:09d}CN", "carrier": "China Post"}
    steps.append(("order.shipped", at, {"shipment": parcel}))
    for state in SMOOTH:
        if chance.random() < 0.7:
            at += timedelta(hours=chance.choice((20, 40, 60, 90, 150, 260)) * chance.uniform(0.5, 1.5))
            steps.append((f"shipment.{state}", at, {"shipment": parcel}))
    fate = chance.random()
    if fate < 0.04:
        steps.append(
            ("dispute.opened", at + timedelta(days=3), {"dispute": {"id": f"d{number}", "reason": "not received"}})
        )
    elif fate < 0.9:
        at += timedelta(hours=chance.uniform(10, 60))
        steps.append(("shipment.delivered", at, {"shipment": parcel}))
        if fate < 0.4:
            steps.append(("review.posted", at + timedelta(days=2), {"review": {"stars": 5}}))
    for index, (type_, when, sections) in enumerate(steps):
        yield parse_event(
            {
                "specversion": "1.0", "id": f"{number}-{index}", "source": "bench", "type": type_, "subject": order,
                "time": _told(when), "data": {"shop": "toys", **sections},
            }
        )  # fmt: skip


def _told(at: datetime) -> str:
    return at.replace(microsecond=0).isoformat()


def simulator() -> Simulator:
    """Return one with the default rules and texts."""
    shop = Shop(id="toys", name="Toys", sender="Toys <care@toys.example>", mode=Mode.LIVE, channels={"email": "main"})
    return Simulator(simulated_home(None, {"toys": shop}))


def run(orders: int = 2000) -> Iterator[Figure]:
    """Play many whole orders."""
    played = list(lives(orders))
    player = simulator()
    yield timed("simulate: orders", lambda: bool(player.play(played)) * orders)


def main(orders: int, *, profiled: bool) -> None:
    """Play so many orders and tell how long each took."""
    played = list(lives(orders))
    player = simulator()
    lines: list[Line] = []

    def work() -> int:
        lines.extend(player.play(played))
        return orders

    profile = cProfile.Profile()
    if profiled:
        profile.enable()
    figure = timed("simulate: orders", work)
    profile.disable()
    outcomes = ", ".join(f"{count} {name}" for name, count in Counter(line.outcome for line in lines).most_common())
    print(f"{len(played) / orders:.1f} events an order; {len(lines)} messages: {outcomes}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{figure.seconds:.1f} s, {figure.seconds / orders * 1000:.2f} ms an order, {memory:.0f} MiB at most")
    if profiled:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main(int(next(iter(sys.argv[1:]), "2000")), profiled="--profile" in sys.argv)
