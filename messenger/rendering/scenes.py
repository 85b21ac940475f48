"""Scenes: a sample order at the turn a text speaks about, with what the rule would add, so that any text can be shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from messenger.domain.orders import Deadline, Order
from messenger.domain.rules import OnDeadline, OnEvent, Rule, Same
from messenger.rendering.context import ClosureWords, DeadlineWords, LaneWords, Occasion
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES

_FITTING: Final = {
    "order-received": "unpaid", "payment-reminder": "unpaid", "payment-last-call": "unpaid", "payment-review": "payment-review",
    "order-paid": "paid", "shop-closed": "paid", "handling-delay": "paid", "confirm-details": "paid", "out-of-stock": "paid",
    "late-shipment-apology": "not-sent", "cancel-requested": "cancel-requested", "partly-shipped": "partly-shipped",
    "tracking-changed": "renumbered", "no-first-scan": "no-scan", "departed": "departed", "customs-action": "customs-action",
    "delay-apology": "overdue", "protection-extended": "overdue", "out-for-delivery": "out-for-delivery", "pickup-ready": "pickup",
    "delivery-failed": "delivery-failed", "returning": "returning", "lost": "lost", "resend": "lost", "delivered": "delivered",
    "confirm-receipt": "delivered", "review-request": "delivered", "quality-complaint": "delivered", "return-steps": "delivered",
    "return-received": "delivered", "survey": "completed", "review-last-chance": "completed", "warranty-end": "completed",
    "repurchase": "completed", "review-thanks": "review-good", "bad-review": "review-bad", "dispute-opened": "dispute",
    "dispute-deadline": "dispute", "refund-issued": "refund",
    "shipped": "typical", "first-scan": "typical", "care": "typical", "epacket-care": "typical",
}  # fmt: skip
"""Which sample stands where the shipped texts are sent."""
ORDINARY: Final = "typical"
_ODD: Final = frozenset(
    {ORDINARY, "long-name", "hostile", "no-name", "two-parcels", "minimal", "refund-bare", "bare-parcel"}
)
_AT_DEADLINE: Final = {
    Deadline.PAY_BY: "unpaid", Deadline.SHIP_BY: "not-sent", Deadline.DELIVER_BY: "overdue", Deadline.REVIEW_BY: "completed",
    Deadline.ANSWER_BY: "dispute",
}  # fmt: skip
_CLOSURE: Final = ClosureWords(from_=date(2026, 3, 20), to=date(2026, 3, 29), reopens=date(2026, 3, 30))
_LANE: Final = LaneWords(p50_days=Decimal(19), p90_days=Decimal(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a text is shown with.

    Args:
        order: whose message it is.
        now: when it is written.
        occasion: what the rule adds to what the order tells.
        along: orders, and their parcels, whose messages go out together with this one.
        sample: its name; empty for a real order.
    """

    order: Order
    now: datetime
    occasion: Occasion
    along: tuple[tuple[Order, str | None], ...] = ()
    sample: str = ""


def sample_for(template: str, rules: Iterable[Rule] = ()) -> str:
    """Return the name of the sample that stands where a text is sent; for texts of one's own the rules tell."""
    if template in _FITTING:
        return _FITTING[template]
    for trigger in (rule.trigger for rule in rules if rule.template == template):
        if isinstance(trigger, OnDeadline):
            return _AT_DEADLINE.get(trigger.deadline, ORDINARY)
        if isinstance(trigger, OnEvent):
            return next((name for name, one in SAMPLES.items() if _just_saw(name, one, trigger.types)), ORDINARY)
    return template if template in SAMPLES else ORDINARY


def _just_saw(name: str, order: Order, types: tuple[str, ...]) -> bool:
    return name not in _ODD and bool(order.history) and order.history[-1].type in types


def scene(template: str, rules: Iterable[Rule] = (), *, sample: str | None = None, at: datetime | None = None) -> Scene:
    """Return a sample order for a text, with the deadline, lane, closed days and further orders its rules would bring.

    Args:
        template: its name; unknown ones get everything there is.
        rules: of the schedule.
        sample: another sample than the fitting one.
        at: another moment than that of the samples.
    """
    mine = [rule for rule in rules if rule.template == template]
    name = sample or sample_for(template, mine)
    order = SAMPLES[name]
    return Scene(
        order=order, now=at or SAMPLE_NOW, sample=name, along=companions(order, mine), occasion=occasion_of(order, mine, at or SAMPLE_NOW)
    )  # fmt: skip


def occasion_of(order: Order, rules: Iterable[Rule], now: datetime) -> Occasion:
    """Return what the rules of a text would add: the order's own deadline, else one in four days; usual times; closed days."""
    named = next((rule.trigger.deadline for rule in rules if isinstance(rule.trigger, OnDeadline)), None)
    told = _deadline(order, named) if named else None
    deadline = DeadlineWords(name=str(named or Deadline.DELIVER_BY), at=told or now + timedelta(days=4))
    return Occasion(deadline=deadline, lane=_LANE, closure=_CLOSURE)


def _deadline(order: Order, name: Deadline) -> datetime | None:
    if name is Deadline.ANSWER_BY:
        return order.open_dispute.answer_by if order.open_dispute else None
    found: datetime | None = getattr(order, str(name))
    return found


def companions(order: Order, rules: Iterable[Rule]) -> tuple[tuple[Order, str | None], ...]:
    """Return what a message of a merging rule would take along: the order's other parcels, or a second order of the buyer."""
    merge = next((rule.merge for rule in rules if rule.merge is not None), None)
    if merge is None:
        return ()
    if merge.same is Same.ORDER:
        return tuple((order, one.id) for one in order.shipments)
    number = order.number[:-1] + ("0" if order.number.endswith("9") else "9")
    parcels = tuple(replace(one, id=f"{one.id}-2", number=f"{one.number or ''}-2") for one in order.shipments)
    return ((replace(order, number=number, shipments=parcels), None),)
