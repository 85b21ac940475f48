"""Planning: which messages an order wants, by the rules, from the facts alone.

``plan`` is pure and knows no clock: the same order and rules give the same plan at any time and on any machine. What
depends on the present instant, on what was sent before, or on other orders is decided when a message is claimed
(``domain.guarding``). ``reconcile`` turns the difference between a plan and the outbox into changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.events import ShipmentState
from messenger.domain.facts import Facts, shipment_in_focus
from messenger.domain.messages import REVIVABLE, Key, PlannedMessage, Reason, State
from messenger.domain.orders import Deadline, Moment, Order, OrderStatus
from messenger.domain.rules import Once, OnDeadline, OnEvent, OnSilence, Rule
from messenger.domain.shops import Shop
from messenger.domain.timing import due_at
from messenger.domain.zones import Place, Zones

_PARCEL_AT_REST: Final = frozenset({ShipmentState.DELIVERED, ShipmentState.RETURNING, ShipmentState.RETURNED})
_ORDER_AT_REST: Final = frozenset({OrderStatus.RECEIVED, OrderStatus.COMPLETED, OrderStatus.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A message the rules want. ``message`` is the row as it would be inserted.

    ``ended`` is set when it is clear at once that it will not be sent: cancelled by an event that has already happened, or
    with no opening before it expires.
    """

    message: PlannedMessage
    rule: Rule
    place: Place
    moves_lazily: bool = False
    """A silence: newer news does not touch the row, the claim recomputes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwanted:
    """A message that a rule would write, were it not for this."""

    key: Key
    state: State
    reason: Reason
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that the rules say about one order."""

    wanted: tuple[Wanted, ...]
    unwanted: tuple[Unwanted, ...]

    def find(self, key: Key) -> Wanted | None:
        """Return what is wanted under this key, if anything is."""
        return next((one for one in self.wanted if one.message.key == key), None)

    def why_not(self, key: Key) -> Unwanted | None:
        """Return why nothing is wanted under this key, if the rules know it."""
        return next((one for one in self.unwanted if one.key == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A moment that may wake a rule."""

    at: datetime
    ref: str
    shipment: str | None
    scope: str
    over: str = ""
    """The event that ended a silence before it became one."""


def plan(order: Order, rules: Iterable[Rule], zones: Zones, shop: Shop) -> Plan:
    """Return every message the rules want for this order.

    Args:
        order: as folded from all its events.
        rules: in the order of schedules.toml.
        zones: where buyers' clocks stand.
        shop: the order's shop.
    """
    wanted: list[Wanted] = []
    unwanted: list[Unwanted] = []
    for rule in rules:
        if not rule.applies_to(order.shop):
            continue
        candidates = sorted(_candidates(rule, order), key=lambda one: (one.scope, one.at, one.ref))
        for _, group in groupby(candidates, key=lambda one: one.scope):
            _judge(list(group), rule, order, zones, shop, wanted, unwanted)
    return Plan(wanted=tuple(wanted), unwanted=tuple(unwanted))


def matches(pattern: str, type_: str) -> bool:
    """Return whether an event type matches ``order.paid`` or ``shipment.*``."""
    return type_ == pattern or (pattern.endswith(".*") and type_.startswith(pattern[:-1]))


def _candidates(rule: Rule, order: Order) -> Iterator[_Candidate]:
    trigger = rule.trigger
    if isinstance(trigger, OnEvent):
        for moment in order.history:
            if moment.counts and any(matches(pattern, moment.type) for pattern in trigger.types):
                yield _Candidate(
                    at=moment.at,
                    ref=moment.event_id,
                    shipment=moment.shipment,
                    scope=_scope(rule, order, moment.shipment, moment.event_id),
                )
    elif isinstance(trigger, OnDeadline):
        at = _deadline(order, trigger.deadline)
        if at is not None:
            yield _Candidate(
                at=at, ref=str(trigger.deadline), shipment=None, scope=_scope(rule, order, None, str(trigger.deadline))
            )
    else:
        yield from _silences(rule, trigger, order)


def _silences(rule: Rule, trigger: OnSilence, order: Order) -> Iterator[_Candidate]:
    heard = [moment for moment in order.history if matches(trigger.since, moment.type)]
    per_shipment = trigger.since.startswith("shipment.")
    by_parcel = sorted(heard, key=lambda one: one.shipment or "") if per_shipment else heard
    for parcel, group in groupby(by_parcel, key=lambda one: one.shipment if per_shipment else None):
        moments = sorted(group, key=lambda one: (one.at, one.event_id))
        last = moments[-1]
        yield _Candidate(
            at=last.at,
            ref=last.event_id,
            shipment=parcel,
            scope=_scope(rule, order, parcel, str(len(moments))),
            over=_silence_over(order, parcel),
        )


def _silence_over(order: Order, parcel: str | None) -> str:
    """The event after which saying nothing is right: arrival, return, completion or cancellation."""
    shipment = order.shipment(parcel) if parcel else None
    if shipment and shipment.state in _PARCEL_AT_REST:
        return next(
            (one.event_id for one in reversed(shipment.checkpoints) if one.state is shipment.state), str(shipment.state)
        )
    if order.status in _ORDER_AT_REST:
        ending = f"order.{order.status}"
        return next((one.event_id for one in reversed(order.history) if one.type == ending), ending)
    return ""


def _deadline(order: Order, name: Deadline) -> datetime | None:
    if name is Deadline.ANSWER_BY:
        return order.open_dispute.answer_by if order.open_dispute else None
    found = getattr(order, name)
    return found if isinstance(found, datetime) else None


def _scope(rule: Rule, order: Order, shipment: str | None, occurrence: str) -> str:
    parcel = f"/{shipment}" if shipment and rule.once_per is not Once.ORDER else ""
    return f"{order.number}{parcel}#{occurrence}" if rule.once_per is Once.OCCURRENCE else f"{order.number}{parcel}"


def _judge(
    candidates: Sequence[_Candidate],
    rule: Rule,
    order: Order,
    zones: Zones,
    shop: Shop,
    wanted: list[Wanted],
    unwanted: list[Unwanted],
) -> None:
    """Take the first candidate of a scope that passes; if none does, remember why the last one did not."""
    refusal: tuple[State, Reason, str] | None = None
    cancelled: _Candidate | None = None
    for candidate in candidates:
        facts = Facts(order=order, shop=shop, shipment=shipment_in_focus(order, candidate.shipment))
        ending = candidate.over or _cancelled_by(candidate, rule, order)
        failing = facts.failing(rule.where)
        if failing is None and not ending:
            wanted.extend(_steps(candidate, rule, order, zones, shop))
            return
        if ending:
            refusal, cancelled = (State.CANCELLED, Reason.EVENT, ending), candidate if failing is None else None
        elif failing is not None:
            refusal, cancelled = (
                (State.SKIPPED, Reason.WHERE_FAILED, f"{failing.field} is {_words(facts, failing.field)}"),
                None,
            )
    if refusal is None:
        return
    state, reason, because = refusal
    if cancelled is not None and isinstance(rule.trigger, OnEvent):
        wanted.extend(
            replace(one, message=replace(one.message, state=state, reason=reason, because=because))
            for one in _steps(cancelled, rule, order, zones, shop)
            if one.message.state is State.PLANNED
        )
        return
    scope = candidates[0].scope
    unwanted.extend(
        Unwanted(key=Key(order.shop, rule.name, scope, step), state=state, reason=reason, because=because)
        for step in range(1, len(rule.delays) + 1)
    )


def _words(facts: Facts, field: str) -> str:
    found = facts.find(field)
    return ", ".join(map(str, found)) if isinstance(found, Sequence) and not isinstance(found, str) else str(found)


def _cancelled_by(candidate: _Candidate, rule: Rule, order: Order) -> str:
    """The event of ``cancel_on`` that came not before the trigger; equal times cancel.

    A deadline is no event: for it any such event counts, whenever it happened.
    """
    for moment in order.history:
        if moment.event_id == candidate.ref or not any(matches(pattern, moment.type) for pattern in rule.cancel_on):
            continue
        in_time = isinstance(rule.trigger, OnDeadline) or moment.at >= candidate.at
        if in_time and _concerns(moment, candidate, rule):
            return moment.event_id
    return ""


def _concerns(moment: Moment, candidate: _Candidate, rule: Rule) -> bool:
    """Whether an event speaks about the candidate's message: an order's event always, a parcel's only about that parcel."""
    if not moment.type.startswith("shipment.") or rule.once_per is Once.ORDER or candidate.shipment is None:
        return moment.counts
    return moment.counts and moment.shipment == candidate.shipment


def _steps(candidate: _Candidate, rule: Rule, order: Order, zones: Zones, shop: Shop) -> Iterator[Wanted]:
    place = zones.of_rule(rule.zone, buyer=order.buyer, shop_zone=shop.zone, hours=rule.hours, at=candidate.at)
    for step, delay in enumerate(rule.delays, start=1):
        before = isinstance(rule.trigger, OnDeadline) and rule.trigger.before
        wanted_at = delay.before(candidate.at, place.main) if before else delay.after(candidate.at, place.main)
        expires_at = rule.expiry.after(wanted_at, place.main)
        if before:
            expires_at = min(expires_at, candidate.at)
        due = due_at(wanted_at, rule.hours, place.zones)
        closed = due is None or due >= expires_at
        message = PlannedMessage(
            key=Key(order.shop, rule.name, candidate.scope, step),
            order=order.number,
            template=rule.template,
            category=rule.category,
            trigger=candidate.ref,
            trigger_at=candidate.at,
            shipment=candidate.shipment,
            wanted_at=wanted_at,
            due_at=due or expires_at,
            expires_at=expires_at,
            stale_at=rule.max_age.after(due or expires_at, place.main),
            priority=rule.priority,
            state=State.EXPIRED if closed else State.PLANNED,
            reason=Reason.WINDOW if closed else None,
            because="no opening before it expires" if closed else candidate.ref,
        )
        yield Wanted(message=message, rule=rule, place=place, moves_lazily=isinstance(rule.trigger, OnSilence))


# --- the difference to what is stored --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What has to be written so that the outbox says what the plan says."""

    new: tuple[PlannedMessage, ...]
    changed: tuple[tuple[PlannedMessage, PlannedMessage], ...]
    """Pairs of the row as it was and as it shall be."""

    def __bool__(self) -> bool:
        return bool(self.new or self.changed)


_SAID_NO_FOR_GOOD: Final = frozenset(
    {Reason.STAFF, Reason.DECLINED, Reason.REHEARSAL, Reason.ALREADY_TOLD, Reason.ERASED, Reason.POLICY}
)
_TIMES: Final = (
    "trigger",
    "trigger_at",
    "wanted_at",
    "due_at",
    "expires_at",
    "stale_at",
    "shipment",
    "template",
    "category",
    "priority",
)


def reconcile(rows: Sequence[PlannedMessage], wanted: Plan, *, rules: Collection[str], order: Order) -> Difference:
    """Return how the order's outbox rows must change.

    Rows that have left, or may have left, are never touched.

    Args:
        rows: all rows of the order, in any state.
        wanted: the plan for the order as it is now.
        rules: names of all rules there are, to tell a removed rule from a reason that has gone.
        order: as it is now; an open dispute keeps what is held on hold.
    """
    known = {row.key: row for row in rows}
    new = tuple(one.message for one in wanted.wanted if one.message.key not in known)
    changed: list[tuple[PlannedMessage, PlannedMessage]] = []
    for row in rows:
        one = wanted.find(row.key)
        target = _as_wanted(row, one, order) if one else _as_unwanted(row, wanted.why_not(row.key), rules)
        if target is not None:
            changed.append((row, target))
    return Difference(new=new, changed=tuple(changed))


def _as_wanted(row: PlannedMessage, wanted: Wanted, order: Order) -> PlannedMessage | None:
    told = wanted.message
    if told.state is not State.PLANNED:
        return _ended(row, told.state, told.reason or Reason.EVENT, told.because)
    if row.state in REVIVABLE:
        return _revived(row, told)
    if not row.state.is_waiting:
        return None
    if row.state is State.HELD:
        return None if order.open_dispute else _moved(row, told, wanted, state=State.PLANNED)
    if wanted.moves_lazily and told.wanted_at > row.wanted_at:
        return None
    moved = _moved(row, told, wanted, state=row.state)
    return None if moved == row else replace(moved, state=State.PLANNED if row.state is State.CLAIMED else row.state)


def _moved(row: PlannedMessage, told: PlannedMessage, wanted: Wanted, *, state: State) -> PlannedMessage:
    due = told.due_at
    if row.not_before is not None and row.not_before > told.wanted_at:
        due = due_at(max(row.not_before, told.wanted_at), wanted.rule.hours, wanted.place.zones) or told.expires_at
    times = {name: getattr(told, name) for name in _TIMES} | {"due_at": due}
    return replace(
        row,
        **times,
        state=state,
        reason=row.reason if state is row.state else None,
        because=row.because if state is row.state else told.because,
    )


def _revived(row: PlannedMessage, told: PlannedMessage) -> PlannedMessage | None:
    """The row waiting again, if what ended it was not meant for good and there is still time."""
    if row.reason in _SAID_NO_FOR_GOOD:
        return None
    if (row.state is State.EXPIRED or row.reason is Reason.STALE_EVENT) and told.expires_at <= row.expires_at:
        return None
    times = {name: getattr(told, name) for name in _TIMES}
    return replace(row, **times, state=State.PLANNED, reason=None, because=told.because, not_before=None)


def _as_unwanted(row: PlannedMessage, why: Unwanted | None, rules: Collection[str]) -> PlannedMessage | None:
    if why is not None:
        return _ended(row, why.state, why.reason, why.because)
    if row.key.rule not in rules:
        return _ended(row, State.SKIPPED, Reason.RULE_REMOVED, row.key.rule)
    return _ended(row, State.SKIPPED, Reason.WHERE_FAILED, "its trigger is no longer among the facts")


def _ended(row: PlannedMessage, state: State, reason: Reason, because: str) -> PlannedMessage | None:
    return replace(row, state=state, reason=reason, because=because) if row.state.is_waiting else None


def main_zone(wanted: Wanted) -> ZoneInfo:
    """Return the zone in which a message's local time is told."""
    return wanted.place.main
