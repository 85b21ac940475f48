"""Guarding: whether a claimed message may still leave, judged on the order as it is now.

The guard is not a second set of rules: it plans the order again with the message's own rule and looks whether the
message is still wanted, now. Only then come the questions that need the clock, the record, or other orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.caps import capped_until, counts_from
from messenger.domain.facts import Facts, shipment_in_focus
from messenger.domain.holds import Holding, holding
from messenger.domain.lanes import Lane, LaneKey
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.orders import Order, Payment
from messenger.domain.planning import Memory, Plan, Wanted, dropped, plan
from messenger.domain.reaching import reach
from messenger.domain.reconciling import present_key
from messenger.domain.rules import Hold, Once, Rule, Schedule
from messenger.domain.shops import Desk, Mode, Shop
from messenger.domain.suppressions import Suppression, covering
from messenger.domain.zones import Zones

AFTER_A_HOLD: Final = timedelta(hours=1)
"""What a hold has kept back leaves one message a buyer in this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a guard looks at beyond the order itself.

    Args:
        schedule: rules and names as they are now.
        shop: the message's shop; None when it was removed.
        zones: where buyers' clocks stand.
        now: aware, UTC.
        rows: all messages of the buyer that went or may have gone out, are on their way, or wait.
        silent: since when the shop's sources have been silent, by name; empty when all are heard.
        payments: of the buyer.
        lanes: what parcels take.
        memory: of planning this order, if the caller keeps one.
        suppressed: what is kept against writing to addresses, by address as orders tell it.
    """

    schedule: Schedule
    shop: Shop | None
    zones: Zones
    now: datetime
    rows: Sequence[PlannedMessage] = ()
    silent: Mapping[str, datetime] = field(default_factory=dict)
    payments: Sequence[Payment] = ()
    lanes: Mapping[LaneKey, Lane] = field(default_factory=dict)
    memory: Memory | None = None
    suppressed: Mapping[str, Sequence[Suppression]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """The message may leave: over this channel, to this address. ``desk`` when a person has to send it."""

    wanted: Wanted
    channel: str
    transport: str
    recipient: str
    lane: Lane | None = None
    desk: Desk | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """The message does not leave now; ``message`` is the row as it shall be."""

    message: PlannedMessage


Decision = Go | Stay


def decide(message: PlannedMessage, order: Order, around: Surroundings) -> Decision:
    """Return whether a claimed message may leave now, and if not, what becomes of it.

    Args:
        message: the claimed row.
        order: the order as it is now.
        around: everything else.
    """
    return _Guard(message, order, around).decision()


def still_wanted(message: PlannedMessage, order: Order, around: Surroundings) -> Decision:
    """Return whether a message that was perhaps sent may be sent once more: its reason is there, and nothing holds it.

    Hours, caps and approval were passed the first time.
    """
    return _Guard(message, order, around).second_decision()


def may_ride(message: PlannedMessage, order: Order, around: Surroundings) -> Decision:
    """Return whether a message may go out now together with another one, though it is not due yet.

    It adds no message to what the buyer gets, so caps do not count it; everything else is asked.
    """
    return _Guard(message, order, around).riding_decision()


def may_open(message: PlannedMessage, order: Order, around: Surroundings) -> Decision:
    """Return whether a message that lies on a desk is still true and welcome at the moment a person opens it.

    Its hours were the desk's when it was put there, unless facts have moved it since; everything else is asked again.
    """
    return _Guard(message, order, around).desk_decision()


class _Guard:
    """Asks one question after the other; the first answer other than yes is the decision."""

    def __init__(self, message: PlannedMessage, order: Order, around: Surroundings) -> None:
        self._message = message
        self._order = order
        self._around = around
        self._now = around.now
        self._key = present_key(message.key, around.schedule.aliases)

    def decision(self) -> Decision:
        found = self._wanted()
        if isinstance(found, Stay):
            return found
        return (
            self._too_late(found)
            or self._not_yet(found)
            or self._held(found)
            or self._no_reason(found)
            or self._rehearsed()
            or self._unreachable(found)
            or self._already_told(found)
            or self._crowded(found)
            or self._unapproved(found)
            or self._go(found)
        )

    def second_decision(self) -> Decision:
        found = self._wanted()
        if isinstance(found, Stay):
            return found
        return self._held(found) or self._no_reason(found) or self._unreachable(found) or self._go(found)

    def riding_decision(self) -> Decision:
        found = self._wanted()
        if isinstance(found, Stay):
            return found
        return (
            self._too_late(found)
            or self._held(found)
            or self._no_reason(found)
            or self._rehearsed()
            or self._unreachable(found)
            or self._already_told(found)
            or self._unapproved(found)
            or self._go(found)
        )

    def desk_decision(self) -> Decision:
        found = self._wanted()
        if isinstance(found, Stay):
            return found
        return (
            self._too_late(found)
            or self._wanted_later(found)
            or self._held(found)
            or self._no_reason(found)
            or self._rehearsed()
            or self._unreachable(found)
            or self._already_told(found)
            or self._crowded(found)
            or self._go(found)
        )

    # --- is it wanted at all ------------------------------------------------------------------------------------

    def _wanted(self) -> Wanted | Stay:
        shop, rule = self._around.shop, self._around.schedule.rule(self._key.rule)
        if rule is None or not rule.enabled:
            return self._end(State.SKIPPED, Reason.RULE_REMOVED, self._key.rule)
        if shop is None:
            return self._end(State.SKIPPED, Reason.RULE_REMOVED, self._key.shop)
        peers = self._around.schedule.peers(rule)
        schedule = self._around.schedule
        wishes = plan(self._order, peers, self._around.zones, shop, schedule.names, self._around.memory)
        wanted = wishes.find(self._key)
        if wanted is not None and wanted.message.state is State.PLANNED:
            return wanted
        return self._no_longer(wanted, wishes)

    def _no_longer(self, wanted: Wanted | None, wishes: Plan) -> Stay:
        if wanted is not None:
            told = wanted.message
            return self._end(told.state, told.reason or Reason.EVENT, told.because)
        why = wishes.why_not(self._key)
        if why is not None:
            return self._end(why.state, why.reason, why.because)
        return self._end(State.SKIPPED, Reason.WHERE_FAILED, "its trigger is no longer among the facts")

    # --- the clock ----------------------------------------------------------------------------------------------

    def _too_late(self, wanted: Wanted) -> Stay | None:
        told = wanted.message
        if self._now >= told.stale_at:
            because = f"it should have left by {told.stale_at:%Y-%m-%d %H:%M} UTC"
            return self._end(State.SKIPPED, Reason.STALE_EVENT, because)
        if self._now < told.expires_at:
            return None
        waited_for = self._message.reason if self._message.reason in _EXPIRES_AS else None
        if waited_for is None:
            return self._end(State.EXPIRED, Reason.DUE, f"{told.expires_at:%Y-%m-%d %H:%M} UTC")
        return self._end(State.EXPIRED, waited_for, self._message.because)

    def _not_yet(self, wanted: Wanted) -> Stay | None:
        told = wanted.message
        earliest = max(self._now, told.wanted_at, self._message.not_before or self._now)
        due = wanted.openings.first(earliest)
        if due is None or due >= told.expires_at:
            moved = self._moved(wanted, told.expires_at)
            waited_for = self._message.reason if self._message.reason in _EXPIRES_AS else None
            because = self._message.because if waited_for else "no opening before it expires"
            return Stay(
                message=replace(moved, state=State.EXPIRED, reason=waited_for or Reason.WINDOW, because=because)
            )
        if due > self._now:
            waits_its_turn = self._message.reason in _WAITS_WITH_REASON
            reason = self._message.reason if waits_its_turn else None
            because = self._message.because if waits_its_turn else told.trigger
            return Stay(message=replace(self._moved(wanted, due), state=State.PLANNED, reason=reason, because=because))
        closed = dropped(wanted.rule, self._now, wanted.place)
        return self._end(State.EXPIRED, Reason.WINDOW, closed) if closed else None

    def _wanted_later(self, wanted: Wanted) -> Stay | None:
        """There is newer news: the silence, or the deadline, that it speaks of has moved."""
        return self._not_yet(wanted) if wanted.message.wanted_at > self._now else None

    def _moved(self, wanted: Wanted, due: datetime) -> PlannedMessage:
        told = wanted.message
        return replace(
            self._message, trigger=told.trigger, trigger_at=told.trigger_at, wanted_at=told.wanted_at, due_at=due,
            expires_at=told.expires_at, stale_at=told.stale_at, shipment=told.shipment, template=told.template, buyer=told.buyer,
        )  # fmt: skip

    def _later(self, wanted: Wanted, earliest: datetime, reason: Reason, because: str) -> Stay:
        """The row waiting until then, or expired for this reason when there is no opening left."""
        due = wanted.openings.first(earliest)
        if due is None or due >= wanted.message.expires_at:
            return self._end(State.EXPIRED, reason, because)
        moved = replace(self._moved(wanted, due), not_before=earliest)
        return Stay(message=replace(moved, state=State.PLANNED, reason=reason, because=because))

    # --- people -------------------------------------------------------------------------------------------------

    def _held(self, wanted: Wanted) -> Stay | None:
        found = holding(self._order, wanted.rule, released_at=self._message.released_at, now=self._now)
        found = found or self._silence(wanted.rule)
        if found is not None:
            expires_at = wanted.message.expires_at
            due = expires_at if found.until is None else min(found.until, expires_at)
            held = replace(self._moved(wanted, due), state=State.HELD, reason=Reason.HOLD, because=str(found))
            return Stay(message=held)
        if self._message.reason is not Reason.HOLD or self._message.approved_by:
            return None
        others = [
            at for row in self._around.rows if row.key != self._message.key and (at := counts_from(row, self._now))
        ]
        last = max(others, default=None)
        if last is None or last + AFTER_A_HOLD <= self._now:
            return None
        return self._later(wanted, last + AFTER_A_HOLD, Reason.HOLD, "one an hour after a hold")

    def _silence(self, rule: Rule) -> Holding | None:
        released_at = self._message.released_at
        if Hold.SOURCE_SILENT not in rule.holds:
            return None
        for name, since in sorted(self._around.silent.items()):
            if released_at is None or since > released_at:
                return Holding(hold=Hold.SOURCE_SILENT, because=name, since=since)
        return None

    def _unapproved(self, wanted: Wanted) -> Stay | None:
        shop = self._around.shop
        if self._message.approved_by or shop is None:
            return None
        if shop.mode is Mode.APPROVE:
            because = "mode = approve"
        elif wanted.rule.approval:
            because = "the rule asks for approval"
        elif self._message.reason is Reason.APPROVAL:  # the valve
            because = self._message.because
        else:
            return None
        waiting = replace(self._moved(wanted, wanted.message.expires_at), state=State.WAITING_APPROVAL)
        return Stay(message=replace(waiting, reason=Reason.APPROVAL, because=because))

    # --- reasons ------------------------------------------------------------------------------------------------

    def _no_reason(self, wanted: Wanted) -> Stay | None:
        facts = self._facts(wanted)
        failing = facts.failing(wanted.rule.where)
        if failing is None:
            return None
        return self._end(State.SKIPPED, Reason.WHERE_FAILED, f"{failing.field} is {facts.words(failing.field)}")

    def _facts(self, wanted: Wanted) -> Facts:
        shop = self._around.shop
        assert shop is not None  # noqa: S101  # asked by _wanted
        return Facts(
            order=self._order,
            shop=shop,
            shipment=shipment_in_focus(self._order, wanted.message.shipment),
            names=self._around.schedule.names,
            now=self._now,
            told=self._told(),
            payments=self._around.payments,
            lane=self._lane(wanted),
            calendar=wanted.rule.calendar,
            zone=wanted.place.main,
        )

    def _told(self) -> frozenset[str]:
        """Templates that others of the order's messages have told, or are about to tell."""
        return frozenset(
            row.template
            for row in self._around.rows
            if row.order == self._message.order
            and row.key != self._message.key
            and (row.state.is_committed or counts_from(row, self._now) is not None)
        )

    def _lane(self, wanted: Wanted) -> Lane | None:
        if not self._around.lanes:
            return None
        shipment = shipment_in_focus(self._order, wanted.message.shipment)
        return self._around.lanes.get(
            lane_of(self._order, shipment.method if shipment else None, self._around.schedule)
        )

    def _rehearsed(self) -> Stay | None:
        shop = self._around.shop
        if shop is not None and shop.mode is Mode.REHEARSE:
            return self._end(State.SKIPPED, Reason.REHEARSAL, "mode = rehearse")
        return None

    def _way(self, wanted: Wanted) -> tuple[str, str] | Reason:
        shop = self._around.shop
        assert shop is not None  # noqa: S101  # asked by _wanted
        chosen = self._message.channel
        # once fixed, a channel stays
        channels = (chosen,) if chosen is not None and chosen in shop.channels else wanted.rule.channels
        return reach(
            channels, shop=shop, order=self._order, category=wanted.rule.category, suppression=self._suppression(wanted)
        )

    def _suppression(self, wanted: Wanted) -> Suppression | None:
        found = self._around.suppressed.get(self._order.buyer.email or "", ())
        return covering(found, shop=self._key.shop, category=wanted.rule.category, now=self._now)

    def _unreachable(self, wanted: Wanted) -> Stay | None:
        way = self._way(wanted)
        if not isinstance(way, Reason):
            return None
        found = self._suppression(wanted) if way is Reason.SUPPRESSED else None
        return self._end(State.SKIPPED, way, _why_suppressed(found) if found else _WHY_UNREACHED[way])

    def _already_told(self, wanted: Wanted) -> Stay | None:
        rule = wanted.rule
        if rule.once_per is not Once.BUYER or rule.once_span is None:
            return None
        for row in self._around.rows:
            if row.key == self._message.key or row.key.rule not in rule.names:
                continue
            at = counts_from(row, self._now)
            if at is not None and at > self._now - rule.once_span:
                return self._end(State.SKIPPED, Reason.ONCE, f"order {row.order}, {at:%Y-%m-%d}")
        return None

    def _crowded(self, wanted: Wanted) -> Stay | None:
        until = capped_until(self._message, wanted.rule, self._around.rows, self._now)
        return self._later(wanted, until, Reason.CAP, "enough messages for now") if until is not None else None

    def _go(self, wanted: Wanted) -> Go:
        shop, way = self._around.shop, self._way(wanted)
        assert shop is not None  # noqa: S101  # asked by _wanted
        assert not isinstance(way, Reason)  # noqa: S101  # asked by _unreachable
        transport = shop.channels[way[0]]
        return Go(
            wanted=wanted, channel=way[0], transport=transport, recipient=way[1], lane=self._lane(wanted),
            desk=shop.desks.get(transport),
        )  # fmt: skip

    def _end(self, state: State, reason: Reason, because: str) -> Stay:
        return Stay(message=replace(self._message, state=state, reason=reason, because=because))


def lane_of(order: Order, method: str | None, schedule: Schedule) -> LaneKey:
    """Return which way a parcel of the order goes."""
    named = schedule.names.method(method or order.shipping_method) or ""
    return LaneKey(shop=order.shop, country=order.buyer.country or "", method=named)


def _why_suppressed(found: Suppression) -> str:
    words = f": {found.because}" if found.because else ""
    return f"{found.cause} since {found.since:%Y-%m-%d}{words}"


_EXPIRES_AS: Final = frozenset({Reason.HOLD, Reason.CAP, Reason.APPROVAL, Reason.BREAKER})
"""What a message waited for is why it expired."""
_WAITS_WITH_REASON: Final = frozenset(
    {Reason.HOLD, Reason.CAP, Reason.APPROVAL, Reason.RETRY, Reason.RATE, Reason.OUTAGE}
)

_WHY_UNREACHED: Final[Mapping[Reason, str]] = {
    Reason.NO_CHANNEL: "the shop has none of the rule's channels",
    Reason.NO_RECIPIENT: "no e-mail address is known",
    Reason.SUPPRESSED: "the buyer unsubscribed",
}

__all__ = [
    "AFTER_A_HOLD",
    "Decision",
    "Go",
    "Stay",
    "Surroundings",
    "decide",
    "lane_of",
    "may_open",
    "may_ride",
    "still_wanted",
]
