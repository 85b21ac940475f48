"""Unsaid: why a rule planned nothing for an order, with the value found."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from messenger.domain.events import STAFF_STARTED
from messenger.domain.messages import Key, PlannedMessage, Reason
from messenger.domain.orders import Deadline, Moment
from messenger.domain.planning import Plan, Unwanted, Wanted, matches
from messenger.domain.reconciling import present_key
from messenger.domain.rules import OnDeadline, OnEvent, OnSilence, OnStaff, Rule
from messenger.domain.shops import Shop
from messenger.services.speaking.times import spans_in_words, trigger_in_words
from messenger.services.telling.narrator import Narrator

TELLS: Final = "messenger outbox start"


class Unsaid:
    """Explains one rule's silence about one order.

    Args:
        rule: which one.
        narrator: finds the words.
        shop: the order's.
        now: aware, UTC.
        horizon: orders that nothing has happened to since then are not planned anew when rules change.
    """

    def __init__(self, rule: Rule, narrator: Narrator, shop: Shop, *, now: datetime, horizon: datetime) -> None:
        self._rule = rule
        self._narrator = narrator
        self._order = narrator.order
        self._shop = shop
        self._now = now
        self._horizon = horizon

    def answers(self, plan: Plan, rows: Sequence[PlannedMessage]) -> list[str]:
        """Return, as sentences, why there is no message where none is.

        Args:
            plan: of the rule and those it decides together with.
            rows: all messages of the order.
        """
        there = {present_key(row.key, self._narrator.schedule.aliases) for row in rows}
        missing = [one for one in plan.unwanted if one.key.rule == self._rule.name and one.key not in there]
        found = [
            self._unwanted(list(steps))
            for _, steps in groupby(missing, key=lambda one: (one.key.scope, one.reason, one.because))
        ]
        late = [one for one in plan.wanted if one.rule.name == self._rule.name and one.message.key not in there]
        found += [f"{self._about(one.message.key)}{self._not_yet_planned(one, rows)}" for one in late]
        if found or any(key.rule == self._rule.name for key in there):
            return found
        return [self._never_woken()]

    # --- switched off -------------------------------------------------------------------------------------------

    def silenced(self) -> str:
        """Return why the rule does not speak for this shop at all; empty when it does."""
        if not self._rule.enabled:
            return "the rule is switched off (enabled = false)"
        if self._rule.shops and self._order.shop not in self._rule.shops:
            return f"the rule speaks only for {self._narrator.words.both(self._rule.shops)}, not for the shop {self._order.shop}"
        return ""

    # --- never woken --------------------------------------------------------------------------------------------

    def _never_woken(self) -> str:
        rule, words = self._rule, self._narrator.words
        wakes = f"it writes {trigger_in_words(rule, words)}"
        match rule.trigger:
            case OnEvent(types=types):
                ignored = [one for one in self._order.history if not one.counts and _fits(types, one)]
                if ignored:
                    late = self._narrator.event(ignored[-1].event_id)
                    return f"{wakes}; {late} does not count, because the parcel was further by then"
                return f"{wakes}, and that has not happened ({', '.join(types)})"
            case OnDeadline(deadline=deadline):
                return f"{wakes}, and {self._unknown(deadline)}"
            case OnSilence(since=since):
                return f"{wakes}, and there has been nothing yet that a silence could follow ({since})"
            case OnStaff():
                start = f"{TELLS} {self._order.shop}/{self._order.number} --rule {rule.name}"
                return f"only a person starts it, and nobody has: {start}"

    def _unknown(self, deadline: Deadline) -> str:
        name = self._narrator.words.say(f"deadlines.{deadline}")
        if deadline is Deadline.ANSWER_BY:
            return "no dispute is open" if self._order.open_dispute is None else f"{name} is not known"
        derived = self._shop.policy.derived.get(deadline)
        if derived is not None:
            since = self._narrator.words.say(f"fields.order.{derived.since}.name")
            return f"{name} is not known: neither order.{deadline} nor {since} (order.{derived.since}) has been told"
        return f"{name} is not known: no event has told order.{deadline}"

    # --- woken, and yet -----------------------------------------------------------------------------------------

    def _unwanted(self, steps: Sequence[Unwanted]) -> str:
        one = steps[0]
        numbers = [str(step.key.step) for step in steps]
        several = len(self._rule.delays) > 1 and len(steps) < len(self._rule.delays)
        which = f"step {self._narrator.words.both(numbers)}: " if several else ""
        return f"{self._about(one.key)}{which}not planned: {self._why(one)}"

    def _why(self, one: Unwanted) -> str:
        match one.reason:
            case Reason.GROUP:
                return f"the rule {one.because} of the same group ({self._rule.group}) speaks of this event instead"
            case Reason.WHERE_FAILED:
                return f"{self._woken(one.key)}{self._narrator.condition(one.because, self._rule)}"
            case Reason.EVENT:
                return self._ended(one)
        return self._narrator.standing(one.state, one.reason, one.because, self._rule)

    def _woken(self, key: Key) -> str:
        """What woke the rule, before a condition said no."""
        trigger = self._trigger(key)
        if trigger is not None:
            return f"{self._narrator.event(trigger.event_id)}, but "
        deadline = self._deadline()
        if isinstance(self._rule.trigger, OnDeadline) and deadline is not None:
            name = self._narrator.words.say(f"deadlines.{self._rule.trigger.deadline}")
            return f"{name} is {self._narrator.when(deadline)}, but "
        return ""

    def _ended(self, one: Unwanted) -> str:
        """An event made it pointless: one that the rule names, or one after which a silence is as it should be."""
        ending = self._narrator.moment(one.because)
        told = self._narrator.event(one.because)
        named = ending is not None and any(matches(pattern, ending.type) for pattern in self._rule.cancel_on)
        if isinstance(self._rule.trigger, OnSilence) and not named:
            return f"no more news is expected: {told}"
        return f"{told}{self._relation(ending, one.key)}"

    def _relation(self, ending: Moment | None, key: Key) -> str:
        """How long after what would have woken the rule, or before its deadline, the end came."""
        if ending is None:
            return ""
        deadline = self._deadline()
        if isinstance(self._rule.trigger, OnDeadline) and deadline is not None:
            name = self._narrator.words.say(f"deadlines.{self._rule.trigger.deadline}")
            return f", {self._apart(ending.at, deadline)} {name} ({self._narrator.when(deadline)})"
        trigger = self._trigger(key)
        return f", {self._apart(ending.at, trigger.at)} {self._narrator.event(trigger.event_id)}" if trigger else ""

    def _apart(self, at: datetime, other: datetime) -> str:
        if at == other:
            return "at the same moment as"
        return f"{self._narrator.apart(abs(at - other))} {'after' if at > other else 'before'}"

    def relation(self, row: PlannedMessage) -> str:
        """Return how long after its trigger a message was cancelled by an event; empty when it was not."""
        return self._relation(self._narrator.moment(row.because), row.key) if row.reason is Reason.EVENT else ""

    def _trigger(self, key: Key) -> Moment | None:
        """The last event that could have woken the rule for this key."""
        trigger = self._rule.trigger
        found = [one for one in self._order.history if self._wakes(one, trigger) and _of_scope(one, key)]
        return found[-1] if found else None

    def _wakes(self, moment: Moment, trigger: object) -> bool:
        match trigger:
            case OnEvent(types=types):
                return moment.counts and _fits(types, moment)
            case OnSilence(since=since):
                return matches(since, moment.type)
            case OnStaff():
                return moment.type == STAFF_STARTED and moment.rule in self._rule.names
        return False

    def _deadline(self) -> datetime | None:
        if not isinstance(self._rule.trigger, OnDeadline):
            return None
        name = self._rule.trigger.deadline
        if name is Deadline.ANSWER_BY:
            return self._order.open_dispute.answer_by if self._order.open_dispute else None
        found = getattr(self._order, name)
        return found if isinstance(found, datetime) else None

    # --- wanted, and yet not there ------------------------------------------------------------------------------

    def _not_yet_planned(self, one: Wanted, rows: Sequence[PlannedMessage]) -> str:
        """The facts want it by the present rules, and there is no row: the rule came after the order."""
        message = one.message
        told = next(
            (
                row
                for row in rows
                if row.state.is_committed and (row.template, row.shipment) == (message.template, message.shipment)
            ),
            None,
        )
        if told is not None:
            return (
                f"not planned: the rule is newer than the order, and its text {message.template!r} was sent before, "
                f"by the rule {told.key.rule}{f' at {self._narrator.when(told.sent_at)}' if told.sent_at else ''}"
            )
        if self._now >= message.stale_at:
            age = spans_in_words([self._rule.max_age], self._narrator.words)
            return (
                f"not planned: the rule is newer than the order, and what should have been said by "
                f"{self._narrator.when(message.wanted_at)} is too old after {age} (max_age)"
            )
        if max((moment.at for moment in self._order.history), default=self._now) < self._horizon:
            return "not planned: the rule is newer than the order, and nothing has happened to the order for too long"
        return "not planned yet: by the present rules it will be, as soon as a worker has gone through the orders"

    def _about(self, key: Key) -> str:
        parcel = key.scope.removeprefix(self._order.number).partition("#")[0].strip("/")
        return f"parcel {parcel}: " if parcel else ""


def _fits(types: Collection[str], moment: Moment) -> bool:
    return any(matches(pattern, moment.type) for pattern in types)


def _of_scope(moment: Moment, key: Key) -> bool:
    """Whether an event is about the parcel, or is the occurrence, that a key names; a key of the whole order takes any."""
    scope, _, occurrence = key.scope.partition("#")
    if moment.shipment is not None and "/" in scope and not scope.endswith(f"/{moment.shipment}"):
        return False
    return not occurrence or occurrence.isdecimal() or occurrence == moment.event_id
