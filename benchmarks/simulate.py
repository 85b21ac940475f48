"""Simulate: orders played against the default rules, guarded and rendered."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.common import Figure, events, timed
from messenger.bootstrap import simulated_home
from messenger.domain.shops import Mode, Shop
from messenger.services.simulating import Simulator

LIFE = (
    "order.paid",
    "order.shipped",
    "shipment.in_transit",
    "shipment.import_customs",
    "shipment.customs_released",
    "shipment.delivered",
)


def run(orders: int = 500) -> Iterator[Figure]:
    """Play many whole orders."""
    shop = Shop(id="toys", name="Toys", sender="Toys <care@toys.example>", mode=Mode.LIVE, channels={"email": "main"})
    simulator = Simulator(simulated_home(None, {"toys": shop}))
    played = list(events(orders, per_order=LIFE))
    yield timed("simulate: orders", lambda: bool(simulator.play(played)) * orders)
