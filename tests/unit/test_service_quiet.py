"""How long buyers heard nothing, and which rules some data can never wake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from messenger.config.policies import policies
from messenger.domain.deadlines import with_derived
from messenger.domain.folding import fold
from messenger.domain.orders import Order
from messenger.domain.shops import Shop
from messenger.homes import default_home, simulated_home
from messenger.services.knowable import Data, Lack, mutes
from messenger.services.quiet import Gap, gaps, quiet
from tests.builders import event, utc

SHEET = (
    "order.placed",
    "order.paid",
    "order.shipped",
    "order.received",
    "order.completed",
    "order.cancelled",
    "order.updated",
    "shipment.updated",
)


def an_order(*told: tuple[str, str], number: str = "1", buyer: str = "") -> Order:
    """An order with these events, each with its day in March."""
    person = {"id": buyer} if buyer else {"name": "Ana"}
    return fold(event(type_, order=number, at=f"2026-03-{day}T10:00", buyer=person) for type_, day in told)


def day(number: int) -> datetime:
    return utc(f"2026-03-{number:02}T10:00")


SMOOTH = an_order(("order.paid", "01"), ("order.shipped", "03"), ("order.received", "20"))


@pytest.mark.parametrize(
    ("order", "messages", "lengths"),
    [
        pytest.param(SMOOTH, [], [2, 17], id="from payment to receipt"),
        pytest.param(SMOOTH, [day(4), day(12)], [2, 1, 8, 8], id="a message ends a silence"),
        pytest.param(SMOOTH, [day(25)], [2, 17], id="what comes after the end does not"),
        pytest.param(an_order(("order.placed", "01")), [], [], id="who has not paid waits for nothing"),
        pytest.param(an_order(("order.paid", "01")), [], [29], id="who still waits has waited until now"),
        pytest.param(an_order(("order.paid", "01"), ("order.cancelled", "05")), [], [4], id="closed"),
    ],
)
def test_silences_lie_between_what_a_buyer_heard(
    order: Order, messages: Sequence[datetime], lengths: list[int]
) -> None:
    assert [gap.length // timedelta(days=1) for gap in gaps(order, day(30), messages)] == lengths


def test_buyers_are_counted_once_however_many_orders_they_have() -> None:
    orders = [
        an_order(("order.paid", "01"), ("order.received", "15"), number="1", buyer="a"),
        an_order(("order.paid", "01"), ("order.received", "20"), number="2", buyer="a"),
        an_order(("order.paid", "02"), ("order.received", "18"), number="3", buyer="b"),
        an_order(("order.paid", "02"), ("order.received", "05"), number="4"), an_order(("order.placed", "02"), number="5"),
    ]  # fmt: skip
    found = quiet({(one.shop, one.number): one for one in orders}, {("toys", "2"): [day(9)], ("toys", "3"): [day(10)]})

    assert (found.buyers, found.unheard, found.written_to, found.still_unheard) == (3, 2, 2, 1)
    assert (found.longest, found.longest_of, found.until) == (Gap(start=day(1), end=day(20)), ("toys", "2"), day(20))


def test_of_nothing_nothing_is_said() -> None:
    assert quiet({}, {}).longest is None


# --- rules that stay mute --------------------------------------------------------------------------------------------


def shop(platform: str) -> Shop:
    return Shop(id="toys", name="Toys", sender="Toys <a@b.example>", platform=platform, policy=policies()[platform])


def lacks(types: Sequence[str], *, platform: str = "aliexpress", order: Order = SMOOTH) -> dict[str, tuple[Lack, str]]:
    home = simulated_home(None, {"toys": shop(platform)})
    data = Data(orders=[with_derived(order, shop(platform).policy)], shops=home.shops, types=types)
    return {one.rule.name: (one.lack, one.about) for one in mutes(home.schedule, data)}


def test_a_sheet_says_nothing_of_where_parcels_are() -> None:
    found = lacks(SHEET)

    mute = {name for name, (lack, _) in found.items() if lack is Lack.TRACKING}
    assert {"customs-arrived", "customs-delay", "delay-apology", "care", "pickup-ready", "returning"} <= mute
    assert "no-first-scan" in mute, "it would take every parcel for one that nobody has scanned"
    assert not {"shipped", "review-request", "payment-reminder"} & {*found}


def test_with_tracking_these_rules_speak() -> None:
    found = lacks([*SHEET, "shipment.in_transit", "shipment.import_customs", "shipment.delivered"])

    assert not {"customs-arrived", "customs-delay", "delay-apology", "care", "no-first-scan"} & {*found}


def test_each_lack_is_named() -> None:
    found = lacks(SHEET)

    assert found["late-shipment-apology"] == (Lack.DEADLINE, "ship_by")
    assert found["answer-due"] == (Lack.CONVERSATION, "")
    assert found["dispute-opened"] == (Lack.DISPUTES, "")
    assert found["bad-review"] == (Lack.REVIEWS, "")
    assert found["refund-issued"] == (Lack.REFUNDS, "")
    assert found["lost"] == (Lack.STAFF, "")
    assert found["cancel-requested"] == (Lack.EVENT, "order.cancel_requested")
    assert found["delivered"] == (Lack.PLATFORM, "")
    assert found["payment-reminder-offline"] == (Lack.DETAIL, "order.payment_method")


def test_a_deadline_that_an_order_has_or_its_platform_derives_is_known() -> None:
    late = replace(SMOOTH, ship_by=day(2))

    assert "late-shipment-apology" not in lacks(SHEET, order=late)
    assert "payment-last-call" not in lacks(SHEET, order=replace(SMOOTH, placed_at=day(1)))


def test_every_mute_rule_is_switched_on() -> None:
    with default_home() as folder:
        rules = (folder / "schedules.toml").read_text(encoding="utf-8")
    off = {block.split("]")[0] for block in rules.split("[rules.")[1:] if "\nenabled = false" in block}

    assert off
    assert not off & {*lacks(SHEET)}
