"""Planning: which messages an order wants, by the rules, from the facts alone.

``plan`` is pure and knows no clock: the same order and rules give the same plan at any time and on any machine. What
depends on the present instant, on what was sent before, or on other orders is decided when a message is claimed
(``domain.guarding``). ``domain.reconciling`` turns the difference between a plan and the outbox into changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from functools import lru_cache
from itertools import groupby
from typing import Final

from messenger.domain.calendars import PLAIN_WEEK, Closure
from messenger.domain.events import STAFF_STARTED, ShipmentState
from messenger.domain.facts import Facts, shipment_in_focus
from messenger.domain.messages import Key, PlannedMessage, Reason, State
from messenger.domain.orders import Deadline, Moment, Order, OrderStatus, Shipment
from messenger.domain.reaching import buyer_of, desk_for
from messenger.domain.rules import Closed, Names, Once, OnDeadline, OnEvent, OnSilence, OnStaff, Rule, Trigger
from messenger.domain.shops import Shop
from messenger.domain.timing import Openings, Span, from_wall
from messenger.domain.zones import Place, Zones, zone_named

_PARCEL_AT_REST: Final = frozenset({ShipmentState.DELIVERED, ShipmentState.RETURNING, ShipmentState.RETURNED})
_ORDER_AT_REST: Final = frozenset({OrderStatus.RECEIVED, OrderStatus.COMPLETED, OrderStatus.CANCELLED})
NO_NAMES: Final = Names()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A message the rules want. ``message`` is the row as it would be inserted.

    Its state is not ``planned`` when it is clear at once that it will not be sent: cancelled by an event that has already
    happened, or with no opening before it expires.
    """

    message: PlannedMessage
    rule: Rule
    place: Place
    openings: Openings
    closure: Closure | None = None
    """The closed period the message is about (``during``)."""
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


@dataclass(slots=True)
class Memory:
    """What planning one order has worked out, for planning it again by the same rules, zones and shop."""

    wanted: dict[tuple[object, ...], tuple[Wanted, ...]] = field(default_factory=dict)
    unwanted: dict[tuple[object, ...], tuple[Unwanted, ...]] = field(default_factory=dict)


def plan(
    order: Order, rules: Iterable[Rule], zones: Zones, shop: Shop, names: Names = NO_NAMES, memory: Memory | None = None
) -> Plan:
    """Return every message the rules want for this order.

    Args:
        order: as folded from all its events.
        rules: in the order of schedules.toml; of a group all or none, for they decide together.
        zones: where buyers' clocks stand.
        shop: the order's shop.
        names: what rules call methods and carriers.
        memory: of this order, kept by the caller; it makes planning faster and never different.
    """
    planner = _Planner(order, zones, shop, names, memory if memory is not None else Memory())
    for rule in rules:
        if rule.applies_to(order.shop):
            planner.ask(rule)
    return planner.plan()


def matches(pattern: str, type_: str) -> bool:
    """Return whether an event type matches ``order.paid`` or ``shipment.*``."""
    return type_ == pattern or (pattern.endswith(".*") and type_.startswith(pattern[:-1]))


@lru_cache(maxsize=4096)
def _matches_any(patterns: tuple[str, ...], type_: str) -> bool:
    return any(matches(pattern, type_) for pattern in patterns)


@lru_cache(maxsize=4096)
def _heard_any(patterns: tuple[str, ...], types: frozenset[str]) -> bool:
    return any(_matches_any(patterns, type_) for type_ in types)


class _Planner:
    """Asks one rule after the other what it wants of one order."""

    def __init__(self, order: Order, zones: Zones, shop: Shop, names: Names, memory: Memory) -> None:
        self._order = order
        self._memory = memory
        self._types = frozenset(moment.type for moment in order.history)
        self._zones = zones
        self._shop = shop
        self._names = names
        self._buyer = buyer_of(order)
        self._facts_about: dict[str | None, Facts] = {}
        self._wanted: list[Wanted] = []
        self._unwanted: list[Unwanted] = []

    def ask(self, rule: Rule) -> None:
        """Let a rule say what it wants."""
        if not self._may_wake(rule.trigger):
            return
        candidates = list(_candidates(rule, self._order))
        if len(candidates) > 1:
            candidates.sort(key=lambda one: (one.scope, one.at, one.ref))
        for _, group in groupby(candidates, key=lambda one: one.scope):
            self._judge(list(group), rule)

    def _may_wake(self, trigger: Trigger) -> bool:
        """Whether anything has happened that could wake a rule; cheap, for most rules are asleep."""
        if isinstance(trigger, OnEvent):
            return _heard_any(trigger.types, self._types)
        if isinstance(trigger, OnSilence):
            return _heard_any((trigger.since,), self._types)
        return isinstance(trigger, OnDeadline) or STAFF_STARTED in self._types

    def plan(self) -> Plan:
        """Return all that was said, with one voice for each group."""
        quiet = _outranked(self._wanted)
        silenced = [
            Unwanted(key=one.message.key, state=State.SKIPPED, reason=Reason.GROUP, because=quiet[one.message.key])
            for one in self._wanted
            if one.message.key in quiet
        ]
        spoken = tuple(one for one in self._wanted if one.message.key not in quiet) if quiet else tuple(self._wanted)
        return Plan(wanted=spoken, unwanted=(*self._unwanted, *silenced))

    def _judge(self, candidates: Sequence[_Candidate], rule: Rule) -> None:
        """Take the first candidate of a scope that passes; if none does, remember why the last one did not."""
        refusal: tuple[State, Reason, str] | None = None
        cancelled: _Candidate | None = None
        waits_for_events = isinstance(rule.trigger, OnEvent | OnStaff)
        for candidate in candidates:
            ending = candidate.over or self._cancelled_by(candidate, rule)
            failing = self._failing(candidate, rule) if waits_for_events or not ending else ""
            if not failing and not ending:
                self._wanted.extend(self._steps(candidate, rule))
                return
            if ending:
                refusal, cancelled = (State.CANCELLED, Reason.EVENT, ending), None if failing else candidate
            else:
                refusal, cancelled = (State.SKIPPED, Reason.WHERE_FAILED, failing), None
        if refusal is None:
            return
        state, reason, because = refusal
        if cancelled is not None and waits_for_events:
            self._wanted.extend(self._steps(cancelled, rule, cancelled_by=because))
            return
        self._unwanted.extend(self._refused(rule, candidates[0].scope, state, reason, because))

    def _refused(self, rule: Rule, scope: str, state: State, reason: Reason, because: str) -> tuple[Unwanted, ...]:
        spot = (rule.name, scope, state, reason, because)
        found = self._memory.unwanted.get(spot)
        if found is None:
            keys = (Key(self._order.shop, rule.name, scope, step) for step in range(1, len(rule.delays) + 1))
            found = tuple(Unwanted(key=key, state=state, reason=reason, because=because) for key in keys)
            self._memory.unwanted[spot] = found
        return found

    def _cancelled_by(self, candidate: _Candidate, rule: Rule) -> str:
        return _cancelled_by(candidate, rule, self._order) if _heard_any(rule.cancel_on, self._types) else ""

    def _failing(self, candidate: _Candidate, rule: Rule) -> str:
        """Why the rule does not speak of this candidate, in words; empty when it does."""
        if rule.during is not None and self._closure(candidate, rule) is None:
            day = candidate.at.astimezone(self._place(candidate, rule).main).date()
            return f"{day} is not in a closed period of the calendar {rule.during.name}"
        if not rule.where:
            return ""
        facts = self._facts(candidate.shipment)
        failing = facts.failing(rule.where)
        return f"{failing.field} is {facts.words(failing.field)}" if failing else ""

    def _facts(self, shipment: str | None) -> Facts:
        found = self._facts_about.get(shipment)
        if found is None:
            focus = shipment_in_focus(self._order, shipment)
            found = Facts(order=self._order, shop=self._shop, shipment=focus, names=self._names)
            self._facts_about[shipment] = found
        return found

    def _place(self, candidate: _Candidate, rule: Rule) -> Place:
        return self._zones.of_rule(
            rule.zone, buyer=self._order.buyer, shop_zone=self._shop.zone, hours=rule.hours, at=candidate.at
        )

    def _closure(self, candidate: _Candidate, rule: Rule) -> Closure | None:
        if rule.during is None:
            return None
        return rule.during.closure(candidate.at.astimezone(self._place(candidate, rule).main).date())

    def _openings(self, rule: Rule, place: Place) -> Openings:
        desk = desk_for(rule.channels, shop=self._shop, order=self._order, category=rule.category)
        if desk is None or desk.hours.is_always:
            return Openings(hours=rule.hours, zones=place.zones)
        return Openings(hours=rule.hours, zones=place.zones, desk=desk.hours, desk_zone=zone_named(self._shop.zone))

    def _steps(self, candidate: _Candidate, rule: Rule, *, cancelled_by: str = "") -> tuple[Wanted, ...]:
        place = self._place(candidate, rule)
        openings = self._openings(rule, place)
        spot = (rule.name, candidate, cancelled_by, self._buyer, place, openings)
        found = self._memory.wanted.get(spot)
        if found is None:
            made = self._worked_out(candidate, rule, place, openings)
            found = self._memory.wanted[spot] = tuple(_cancelled(made, cancelled_by) if cancelled_by else made)
        return found

    def _worked_out(self, candidate: _Candidate, rule: Rule, place: Place, openings: Openings) -> Iterator[Wanted]:
        closure = self._closure(candidate, rule)
        for step, delay in enumerate(rule.delays, start=1):
            times = _Times.of(rule, delay, candidate.at, place, openings, closure)
            message = PlannedMessage(
                key=Key(self._order.shop, rule.name, candidate.scope, step),
                order=self._order.number,
                template=rule.template,
                category=rule.category,
                trigger=candidate.ref,
                trigger_at=candidate.at,
                shipment=candidate.shipment,
                wanted_at=times.wanted_at,
                due_at=times.due_at,
                expires_at=times.expires_at,
                stale_at=times.stale_at,
                priority=rule.priority,
                urgent=rule.urgent,
                buyer=self._buyer,
                state=State.EXPIRED if times.closed else State.PLANNED,
                reason=Reason.WINDOW if times.closed else None,
                because=times.closed or candidate.ref,
            )
            yield Wanted(
                message=message,
                rule=rule,
                place=place,
                openings=openings,
                closure=closure,
                moves_lazily=isinstance(rule.trigger, OnSilence),
            )


def _cancelled(made: Iterable[Wanted], because: str) -> Iterator[Wanted]:
    """The same messages, cancelled by an event; what would have had no opening anyway is left out."""
    for one in made:
        if one.message.state is State.PLANNED:
            ended = replace(one.message, state=State.CANCELLED, reason=Reason.EVENT, because=because)
            yield replace(one, message=ended)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    """The instants of one step. ``closed`` says why there is no opening for it; empty when there is one."""

    wanted_at: datetime
    due_at: datetime
    expires_at: datetime
    stale_at: datetime
    closed: str

    @classmethod
    def of(
        cls, rule: Rule, delay: Span, at: datetime, place: Place, openings: Openings, closure: Closure | None
    ) -> _Times:
        zone, calendar = place.main, rule.calendar or PLAIN_WEEK
        before = isinstance(rule.trigger, OnDeadline) and rule.trigger.before
        wanted_at = delay.before(at, zone, calendar) if before else delay.after(at, zone, calendar)
        expires_at = rule.expiry.after(wanted_at, zone, calendar)
        if before:
            expires_at = min(expires_at, at)
        if closure is not None:
            expires_at = min(expires_at, from_wall(closure.reopens, time(0), zone))
        due = openings.first(wanted_at)
        return cls(
            wanted_at=wanted_at,
            due_at=due or expires_at,
            expires_at=expires_at,
            stale_at=rule.max_age.after(due or expires_at, zone, calendar),
            closed="no opening before it expires" if due is None or due >= expires_at else dropped(rule, due, place),
        )


def dropped(rule: Rule, at: datetime, place: Place) -> str:
    """Return why a rule with ``closed = "drop"`` says nothing at this instant; empty when it may speak."""
    if rule.closed is not Closed.DROP or rule.calendar is None:
        return ""
    day = at.astimezone(place.main).date()
    return f"the calendar {rule.calendar.name} is closed on {day}" if rule.calendar.is_closed(day) else ""


def _outranked(wanted: Sequence[Wanted]) -> dict[Key, str]:
    """Messages that stay unsaid because another rule of their group speaks of the same event, and that rule's name."""
    best: dict[tuple[str, str], Wanted] = {}
    members = [one for one in wanted if one.rule.group and isinstance(one.rule.trigger, OnEvent)]
    for one in members:  # in file order, so that of equals the first stays
        spot = (one.rule.group, one.message.trigger)
        if spot not in best or one.rule.priority > best[spot].rule.priority:
            best[spot] = one
    return {
        one.message.key: winner.rule.name
        for one in members
        if (winner := best[one.rule.group, one.message.trigger]).rule.name != one.rule.name
    }


# --- what wakes a rule -----------------------------------------------------------------------------------------------


def _candidates(rule: Rule, order: Order) -> Iterator[_Candidate]:
    trigger = rule.trigger
    if isinstance(trigger, OnEvent):
        for moment in order.history:
            if moment.counts and _matches_any(trigger.types, moment.type):
                yield _of_moment(rule, order, moment)
    elif isinstance(trigger, OnStaff):
        for moment in order.history:
            if moment.type == STAFF_STARTED and moment.rule in rule.names:
                yield _of_moment(rule, order, moment)
    elif isinstance(trigger, OnDeadline):
        at = _deadline(order, trigger.deadline)
        if at is not None:
            ref = str(trigger.deadline)
            yield _Candidate(at=at, ref=ref, shipment=None, scope=_scope(rule, order, None, ref))
    else:
        yield from _silences(rule, trigger, order)


def _of_moment(rule: Rule, order: Order, moment: Moment) -> _Candidate:
    scope = _scope(rule, order, moment.shipment, moment.event_id)
    return _Candidate(at=moment.at, ref=moment.event_id, shipment=moment.shipment, scope=scope)


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
    resting = _resting(order, parcel)
    if resting is not None:
        return next(
            (one.event_id for one in reversed(resting.checkpoints) if one.state is resting.state), str(resting.state)
        )
    if order.status in _ORDER_AT_REST:
        ending = f"order.{order.status}"
        return next((one.event_id for one in reversed(order.history) if one.type == ending), ending)
    return ""


def _resting(order: Order, parcel: str | None) -> Shipment | None:
    """The parcel that is no longer under way; of a whole order the last one, when none is and none is still to be sent."""
    if parcel is not None:
        shipment = order.shipment(parcel)
        return shipment if shipment and shipment.state in _PARCEL_AT_REST else None
    if order.status is OrderStatus.PARTLY_SHIPPED or any(one.state not in _PARCEL_AT_REST for one in order.shipments):
        return None
    return max(order.shipments, key=lambda one: (one.state_since or order.history[0].at, one.id), default=None)


def _deadline(order: Order, name: Deadline) -> datetime | None:
    if name is Deadline.ANSWER_BY:
        return order.open_dispute.answer_by if order.open_dispute else None
    found = getattr(order, name)
    return found if isinstance(found, datetime) else None


_PER_PARCEL: Final = frozenset({Once.SHIPMENT, Once.OCCURRENCE})


def _scope(rule: Rule, order: Order, shipment: str | None, occurrence: str) -> str:
    parcel = f"/{shipment}" if shipment and rule.once_per in _PER_PARCEL else ""
    return f"{order.number}{parcel}#{occurrence}" if rule.once_per is Once.OCCURRENCE else f"{order.number}{parcel}"


def _cancelled_by(candidate: _Candidate, rule: Rule, order: Order) -> str:
    """The event of ``cancel_on`` that came not before the trigger; equal times cancel.

    A deadline is no event: for it any such event counts, whenever it happened.
    """
    for moment in order.history:
        if moment.event_id == candidate.ref or not _matches_any(rule.cancel_on, moment.type):
            continue
        in_time = isinstance(rule.trigger, OnDeadline) or moment.at >= candidate.at
        if in_time and _concerns(moment, candidate, rule):
            return moment.event_id
    return ""


def _concerns(moment: Moment, candidate: _Candidate, rule: Rule) -> bool:
    """Whether an event speaks about the candidate's message: an order's event always, a parcel's only about that parcel."""
    if not moment.type.startswith("shipment.") or rule.once_per not in _PER_PARCEL or candidate.shipment is None:
        return moment.counts
    return moment.counts and moment.shipment == candidate.shipment
