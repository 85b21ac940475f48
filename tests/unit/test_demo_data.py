"""The sample shop: current, readable, and with every kind of story in it."""

from __future__ import annotations

import json
import runpy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from messenger.demo.naive import count_mistakes, naive_messages
from messenger.domain.events import Event, ShipmentState, parse_event
from messenger.domain.folding import fold
from messenger.domain.orders import Order, OrderStatus
from messenger.domain.zones import zone_named

ROOT = Path(__file__).parents[2]
FILE = ROOT / "messenger" / "demo" / "orders.jsonl"
LINES = FILE.read_text(encoding="utf-8").splitlines()
EVENTS = [parse_event(json.loads(line)) for line in LINES]
MADRID = ZoneInfo("Europe/Madrid")
EN_ROUTE = {ShipmentState.IN_TRANSIT, ShipmentState.DEPARTED_ORIGIN}


def history(events: Sequence[Event]) -> dict[str, list[Event]]:
    return {
        str(order): list(told)
        for order, told in groupby(sorted(events, key=lambda one: str(one.order)), key=lambda one: one.order)
    }


ORDERS = {number: fold(told) for number, told in history(EVENTS).items()}


def waits(order: Order, state: ShipmentState | set[ShipmentState]) -> Iterator[timedelta]:
    """How long each parcel of the order stood in a state before the next line, or is still standing."""
    states = state if isinstance(state, set) else {state}
    for shipment in order.shipments:
        for one, after in zip(shipment.checkpoints, shipment.checkpoints[1:], strict=False):
            if one.state in states:
                yield after.at - one.at


def types(order: Order) -> set[str]:
    return {moment.type for moment in order.history}


def when(order: Order, type_: str) -> datetime:
    return next(moment.at for moment in order.history if moment.type == type_)


def shipped_late(order: Order) -> bool:
    return bool(order.ship_by and order.shipped_at and order.shipped_at > order.ship_by)


def forgotten(order: Order) -> bool:
    return bool(order.ship_by and not order.shipped_at and order.ship_by < datetime(2026, 4, 1, tzinfo=UTC))


KINDS: dict[str, Callable[[Order], object]] = {
    "smooth": lambda order: (
        order.all_delivered and not order.disputes and not order.refunds and not shipped_late(order)
    ),
    "never paid": lambda order: types(order) == {"order.placed"},
    "paid after days": lambda order: (
        order.paid_at and order.placed_at and order.paid_at - order.placed_at > timedelta(days=2)
    ),
    "shipped late": shipped_late,
    "forgotten and open": lambda order: forgotten(order) and order.status is OrderStatus.PAID,
    "forgotten and cancelled": lambda order: forgotten(order) and "message.received" in types(order),
    "in customs for six days": lambda order: any(
        one >= timedelta(days=6) for one in waits(order, ShipmentState.IMPORT_CUSTOMS)
    ),
    "in customs for two weeks": lambda order: any(
        one >= timedelta(days=14) for one in waits(order, ShipmentState.IMPORT_CUSTOMS)
    ),
    "silent on the way": lambda order: any(one >= timedelta(days=14) for one in waits(order, EN_ROUTE)),
    "dispute open": lambda order: order.open_dispute is not None,
    "dispute closed": lambda order: bool(order.disputes) and order.open_dispute is None,
    "dispute after delivery": lambda order: bool(order.disputes) and order.all_delivered and order.open_dispute,
    "dispute before we tell of shipping": lambda order: (
        {"dispute.opened", "order.shipped"} <= types(order)
        and timedelta(0) < when(order, "dispute.opened") - when(order, "order.shipped") < timedelta(days=1)
    ),
    "cancelled after shipping": lambda order: {"order.cancelled", "order.shipped"} <= types(order),
    "cancelled before paying": lambda order: order.status is OrderStatus.CANCELLED and not order.paid_at,
    "refunded": lambda order: bool(order.refunds),
    "reviewed before we ask": lambda order: (
        {"order.delivered", "review.posted"} <= types(order)
        and when(order, "review.posted") - when(order, "order.delivered") < timedelta(days=5)
    ),
    "two parcels": lambda order: len(order.shipments) == 2,
    "renumbered": lambda order: any(len(one.numbers) == 2 for one in order.shipments),
    "delivery failed": lambda order: "shipment.delivery_failed" in types(order),
    "to be fetched": lambda order: "shipment.available_for_pickup" in types(order),
    "going back": lambda order: "shipment.returning" in types(order),
    "without a name": lambda order: order.buyer.name is None,
    "all capitals": lambda order: order.buyer.name and order.buyer.name.isupper(),
    "named with markup": lambda order: order.buyer.name == "<script>alert(1)</script>",
    "named with an encoded header": lambda order: order.buyer.name == "=?utf-8?q?a=0D=0ABcc:_x@y?=",
    "language untold": lambda order: order.buyer.language is None,
    "zone untold": lambda order: order.buyer.timezone is None,
}


def test_the_file_is_what_the_tool_writes() -> None:
    content = runpy.run_path(str(ROOT / "tools" / "make_demo.py"))["content"]

    assert FILE.read_text(encoding="utf-8") == content(), "run: python tools/make_demo.py"


def test_lines_are_sorted_by_time_within_forty_days() -> None:
    times = [event.time for event in EVENTS]

    assert times == sorted(times)
    assert datetime(2026, 3, 1, tzinfo=UTC) <= times[0]
    assert times[-1] < datetime(2026, 4, 10, tzinfo=UTC)


def test_every_event_is_known_and_told_once() -> None:
    assert all(event.is_known for event in EVENTS)
    assert max(Counter(event.ref for event in EVENTS).values()) == 1
    assert {(event.source, event.shop) for event in EVENTS} == {("demo/toys", "toys")}


def test_there_are_sixty_orders_from_at_least_twelve_countries() -> None:
    assert len(ORDERS) == 60
    assert len({order.buyer.country for order in ORDERS.values()}) >= 12


def test_addresses_and_zones_are_safe_and_real() -> None:
    for order in ORDERS.values():
        domain = (order.buyer.email or "").casefold().partition("@")[2]
        assert domain == "example.com" or domain.endswith((".example", ".test"))
        assert order.buyer.timezone is None or zone_named(order.buyer.timezone)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_story_is_told(kind: str) -> None:
    assert [number for number, order in ORDERS.items() if KINDS[kind](order)]


def test_the_plain_timer_makes_every_kind_of_mistake_here() -> None:
    def zone_of(order: str) -> ZoneInfo:
        return zone_named(ORDERS[order].buyer.timezone or "") or MADRID

    found = count_mistakes(naive_messages(EVENTS), EVENTS, zone_of=zone_of)

    assert min(found.values()) > 0
