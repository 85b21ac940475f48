"""Guarding: whether a claimed message may still leave, judged on the order as it is now.

The guard is not a second set of rules: it plans the order again with the message's own rule and looks whether the
message is still wanted, now. Only then come the questions that need the clock or the record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from messenger.domain.facts import Facts, shipment_in_focus
from messenger.domain.messages import Category, PlannedMessage, Reason, State
from messenger.domain.orders import Order
from messenger.domain.planning import Plan, Wanted, plan
from messenger.domain.rules import Rule
from messenger.domain.shops import Mode, Shop
from messenger.domain.timing import due_at
from messenger.domain.zones import Zones


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """The message may leave: over this channel, to this address."""

    wanted: Wanted
    channel: str
    transport: str
    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """The message does not leave now; ``message`` is the row as it shall be."""

    message: PlannedMessage


Decision = Go | Stay


def decide(
    message: PlannedMessage,
    *,
    order: Order,
    rule: Rule | None,
    shop: Shop | None,
    zones: Zones,
    now: datetime,
    told: Collection[str],
) -> Decision:
    """Return whether a claimed message may leave at ``now``, and if not, what becomes of it.

    Args:
        message: the claimed row.
        order: the order as it is now.
        rule: the message's rule as it is now; None when it was removed.
        shop: the message's shop; None when it was removed.
        zones: where buyers' clocks stand.
        now: aware, UTC.
        told: templates that were sent about this order.
    """
    if rule is None or shop is None:
        return _end(message, State.SKIPPED, Reason.RULE_REMOVED, message.key.rule if rule is None else message.key.shop)
    wishes = plan(order, [rule], zones, shop)
    wanted = wishes.find(message.key)
    if wanted is None or wanted.message.state is not State.PLANNED:
        return _no_longer(message, wanted, wishes)
    return (
        _too_late(message, wanted, now)
        or _not_yet(message, wanted, order, now)
        or _last_questions(message, wanted, order, shop, now, told)
    )


def _no_longer(message: PlannedMessage, wanted: Wanted | None, wishes: Plan) -> Stay:
    if wanted is not None:
        return _end(message, wanted.message.state, wanted.message.reason or Reason.EVENT, wanted.message.because)
    why = wishes.why_not(message.key)
    if why is not None:
        return _end(message, why.state, why.reason, why.because)
    return _end(message, State.SKIPPED, Reason.WHERE_FAILED, "its trigger is no longer among the facts")


def _too_late(message: PlannedMessage, wanted: Wanted, now: datetime) -> Stay | None:
    if now >= wanted.message.stale_at:
        return _end(
            message,
            State.SKIPPED,
            Reason.STALE_EVENT,
            f"it should have left by {wanted.message.stale_at:%Y-%m-%d %H:%M} UTC",
        )
    if now >= wanted.message.expires_at:
        reason = Reason.HOLD if message.reason is Reason.HOLD else Reason.DUE
        return _end(
            message,
            State.EXPIRED,
            reason,
            message.because if reason is Reason.HOLD else f"{wanted.message.expires_at:%Y-%m-%d %H:%M} UTC",
        )
    return None


def _not_yet(message: PlannedMessage, wanted: Wanted, order: Order, now: datetime) -> Stay | None:
    told = wanted.message
    earliest = max(now, told.wanted_at, message.not_before or now)
    due = due_at(earliest, wanted.rule.hours, wanted.place.zones) or told.expires_at
    moved = replace(message, trigger=told.trigger, trigger_at=told.trigger_at, wanted_at=told.wanted_at, expires_at=told.expires_at,
                    stale_at=told.stale_at, due_at=due, shipment=told.shipment, template=told.template)  # fmt: skip
    if due >= told.expires_at:
        return _end(moved, State.EXPIRED, Reason.WINDOW, "no opening before it expires")
    if due > now:
        return Stay(message=replace(moved, state=State.PLANNED, reason=None, because=told.trigger))
    dispute = order.open_dispute
    if dispute is not None:
        return Stay(
            message=replace(
                moved,
                state=State.HELD,
                reason=Reason.HOLD,
                because=f"dispute {dispute.id}".strip(),
                due_at=told.expires_at,
            )
        )
    return None


def _last_questions(
    message: PlannedMessage, wanted: Wanted, order: Order, shop: Shop, now: datetime, told: Collection[str]
) -> Decision:
    facts = Facts(
        order=order, shop=shop, shipment=shipment_in_focus(order, wanted.message.shipment), now=now, told=told
    )
    failing = facts.failing(wanted.rule.where)
    if failing is not None:
        return _end(message, State.SKIPPED, Reason.WHERE_FAILED, f"{failing.field} is {facts.find(failing.field)}")
    if shop.mode is Mode.REHEARSE:
        return _end(message, State.SKIPPED, Reason.REHEARSAL, "mode = rehearse")
    way = reach(wanted.rule.channels, shop=shop, order=order, category=wanted.rule.category)
    if isinstance(way, Reason):
        return _end(message, State.SKIPPED, way, _WHY_UNREACHED[way])
    if shop.mode is Mode.APPROVE and message.reason is not Reason.APPROVAL:
        return Stay(
            message=replace(message, state=State.WAITING_APPROVAL, reason=Reason.APPROVAL, because="mode = approve")
        )
    channel, recipient = way
    return Go(wanted=wanted, channel=channel, transport=shop.channels[channel], recipient=recipient)


_WHY_UNREACHED: Mapping[Reason, str] = {
    Reason.NO_CHANNEL: "the shop has none of the rule's channels",
    Reason.NO_RECIPIENT: "no e-mail address is known",
    Reason.SUPPRESSED: "the buyer unsubscribed",
}


def reach(channels: Collection[str], *, shop: Shop, order: Order, category: Category) -> tuple[str, str] | Reason:
    """Return the first channel that the shop has and that reaches the buyer, with the recipient; else why there is none."""
    had = [channel for channel in channels if channel in shop.channels]
    if not had:
        return Reason.NO_CHANNEL
    if category is not Category.TRANSACTIONAL and category in order.buyer.unsubscribed:
        return Reason.SUPPRESSED
    for channel in had:
        recipient = order.buyer.email if channel == "email" else order.buyer.id
        if recipient:
            return channel, recipient
    return Reason.NO_RECIPIENT


def _end(message: PlannedMessage, state: State, reason: Reason, because: str) -> Stay:
    return Stay(message=replace(message, state=state, reason=reason, because=because))
