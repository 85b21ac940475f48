"""Calm by default: the shipped rules send a smooth order at most four messages and a troubled one at most six."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from messenger.config.policies import policies
from messenger.domain.events import Event
from messenger.domain.shops import Desk, Mode, Shop
from messenger.homes import simulated_home
from messenger.services.simulating import Simulator
from tests.builders import event

OWN = Shop(id="toys", name="Toys", sender="Toys <care@toys.example>", mode=Mode.LIVE, channels={"email": "main"}, zone="Asia/Shanghai")  # fmt: skip
ON_PLATFORM = Shop(
    id="toys", name="Toys", sender="Toys <care@toys.example>", mode=Mode.LIVE, platform="aliexpress", channels={"platform": "desk"},
    zone="Asia/Shanghai", desks={"desk": Desk()}, policy=policies()["aliexpress"],
)  # fmt: skip
BUYER = {"id": "b1", "name": "Ana", "email": "ana@example.com", "country": "ES", "language": "es"}
ORDER = {"items": [{"title": "Puzzle"}], "total": "20.00", "currency": "USD", "shipping_method": "standard"}


def told(*steps: tuple[str, str], method: str = "standard") -> list[Event]:
    """An order's life, one event a line."""
    first = event("order.placed", at="2026-03-01T09:00", told=ORDER | {"shipping_method": method}, buyer=BUYER)
    return [first, *(step(type_, at, method) for type_, at in steps)]


def step(type_: str, at: str, method: str) -> Event:
    parcel = {"number": "RR1", "carrier": "China Post", "method": method}
    if type_.startswith("shipment.") or type_ == "order.shipped":
        return event(type_, at=at, shipment=parcel)
    if type_ == "refund.issued":
        return event(type_, at=at, refund={"amount": "5.00", "currency": "USD"})
    if type_ == "dispute.opened":
        return event(type_, at=at, dispute={"id": "D1", "reason": "late", "answer_by": "2026-05-06T10:00:00Z"})
    if type_ == "order.paid":
        return event(type_, at=at, told={"ship_by": "2026-03-06T09:00:00Z", "deliver_by": "2026-04-28T09:00:00Z"})
    return event(type_, at=at)


SMOOTH = told(
    ("order.paid", "2026-03-01T10:00"),
    ("order.shipped", "2026-03-03T10:00"),
    ("shipment.picked_up", "2026-03-04T10:00"),
    ("shipment.departed_origin", "2026-03-07T10:00"),
    ("shipment.import_customs", "2026-03-12T10:00"),
    ("shipment.customs_released", "2026-03-14T10:00"),
    ("shipment.out_for_delivery", "2026-03-17T06:00"),
    ("shipment.delivered", "2026-03-17T12:00"),
    ("order.received", "2026-03-18T12:00"),
    ("order.completed", "2026-03-19T12:00"),
)
QUIET = told(
    ("order.paid", "2026-03-01T10:00"),
    ("order.shipped", "2026-03-03T10:00"),
    ("shipment.in_transit", "2026-03-06T10:00"),
    ("shipment.in_transit", "2026-03-13T10:00"),
    ("shipment.in_transit", "2026-03-19T10:00"),
    ("shipment.delivered", "2026-03-24T12:00"),
    ("order.completed", "2026-03-26T12:00"),
)
TROUBLED = told(
    ("order.paid", "2026-03-01T10:00"),
    ("order.shipped", "2026-03-09T10:00"),
    ("shipment.in_transit", "2026-03-11T10:00"),
    ("shipment.import_customs", "2026-03-18T10:00"),
    ("shipment.customs_released", "2026-04-01T10:00"),
    ("shipment.out_for_delivery", "2026-04-04T10:00"),
    ("shipment.delivered", "2026-04-04T15:00"),
    ("order.received", "2026-04-05T10:00"),
    ("order.completed", "2026-04-07T10:00"),
)
WORST = told(
    ("order.paid", "2026-03-01T10:00"),
    ("order.shipped", "2026-03-09T10:00"),
    ("shipment.in_transit", "2026-03-11T10:00"),
    ("shipment.import_customs", "2026-03-24T10:00"),
    ("shipment.customs_released", "2026-04-07T10:00"),
    ("shipment.out_for_delivery", "2026-04-09T10:00"),
    ("shipment.delivery_failed", "2026-04-09T15:00"),
    ("shipment.available_for_pickup", "2026-04-10T10:00"),
    ("shipment.delivered", "2026-04-12T10:00"),
    ("order.received", "2026-04-13T10:00"),
    ("order.completed", "2026-04-15T10:00"),
)
DISPUTED = told(
    ("order.paid", "2026-03-01T10:00"),
    ("order.shipped", "2026-03-04T10:00"),
    ("shipment.in_transit", "2026-03-06T10:00"),
    ("dispute.opened", "2026-05-01T10:00"),
    ("refund.issued", "2026-05-08T10:00"),
    ("dispute.closed", "2026-05-08T11:00"),
)
UNPAID = told()


def sent(events: Sequence[Event], shop: Shop) -> list[str]:
    home = simulated_home(None, {shop.id: shop})
    return [line.rule for line in Simulator(home).play(events) if line.outcome == "sent"]


@pytest.mark.parametrize("shop", [OWN, ON_PLATFORM], ids=["own shop", "platform"])
@pytest.mark.parametrize(
    ("life", "most"),
    [
        pytest.param(SMOOTH, 4, id="smooth"),
        pytest.param(QUIET, 4, id="slow but quiet"),
        pytest.param(TROUBLED, 6, id="troubled"),
        pytest.param(WORST, 7, id="all that can go wrong, and a pick-up that is urgent"),
        pytest.param(DISPUTED, 6, id="disputed"),
        pytest.param(UNPAID, 2, id="never paid"),
    ],
)
def test_the_shipped_rules_are_calm(life: Sequence[Event], most: int, shop: Shop) -> None:
    messages = sent(life, shop)

    assert len(messages) <= most, messages
    assert len(set(messages)) >= len(messages) - 1  # a second step at most


def test_what_a_smooth_order_is_told_on_a_platform_and_in_an_own_shop() -> None:
    assert sent(SMOOTH, ON_PLATFORM) == ["shipped", "care", "customs-arrived", "review-request"]
    assert sent(SMOOTH, OWN) == ["shipped", "customs-arrived", "delivered", "review-request"]


def test_an_order_that_is_late_is_not_asked_for_a_review() -> None:
    assert "review-request" not in sent(TROUBLED, OWN)
    assert {"late-shipment-apology", "customs-delay"} <= set(sent(TROUBLED, OWN))
