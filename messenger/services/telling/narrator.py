"""The narrator: calls events, messages, holds and people by names that a seller knows, on one clock."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.conditions import UNKNOWN, Condition, Scalar
from messenger.domain.events import STAFF_STARTED, Event
from messenger.domain.messages import Key, Reason, State
from messenger.domain.orders import Deadline, Moment, Order
from messenger.domain.rules import Hold, Rule, Schedule
from messenger.services.clearing import NEVER
from messenger.services.people import PERSON
from messenger.services.speaking.conditions import clauses
from messenger.services.speaking.words import words_of
from messenger.services.wording import sentence

LANGUAGE: Final = "en"
ANY_MINUTE: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d) UTC")
BY_A_PERSON: Final = frozenset({Reason.STAFF, Reason.DECLINED, Reason.ALREADY_TOLD, Reason.PLATFORM_REFUSED})
VALVE: Final = "valve "
UNTOLD: Final = str(UNKNOWN)
SAID_BY_THE_REASON: Final = frozenset(
    {"no opening before it expires", "enough messages for now", "a person sends it by hand"}
)
"""Causes that say no more than the reason they come with."""


class Narrator:
    """Finds words for one order.

    Args:
        order: as it is now.
        events: everything told about it.
        schedule: the rules there are.
        zone: on whose clock times are told.
        silent: since when sources have been silent, by name.
    """

    def __init__(
        self,
        order: Order,
        events: Sequence[Event],
        schedule: Schedule,
        zone: ZoneInfo,
        silent: Mapping[str, datetime] | None = None,
    ) -> None:
        self.order = order
        self.zone = zone
        self.schedule = schedule
        self.words = words_of(LANGUAGE)
        self._silent = silent or {}
        self._events = {event.ref: event for event in events}
        self._moments = {one.event_id: one for one in order.history if one.type != "order.delivered"}

    # --- times --------------------------------------------------------------------------------------------------

    def when(self, at: datetime) -> str:
        """Return an instant on the clock of this story."""
        return f"{at.astimezone(self.zone):%a %Y-%m-%d %H:%M}"

    def apart(self, span: timedelta) -> str:
        """Return a length of time, roughly: ``3 days``, ``5 hours``."""
        for unit, size in (
            ("days", timedelta(days=1)),
            ("hours", timedelta(hours=1)),
            ("minutes", timedelta(minutes=1)),
        ):
            if span >= 2 * size or (unit == "minutes" and span >= size):
                return self.words.count(f"span.{unit}", span // size)
        return self.words.count("span.seconds", int(span.total_seconds()))

    def local(self, text: str) -> str:
        """Return a text with the UTC times in it told on this story's clock."""
        return ANY_MINUTE.sub(
            lambda found: self.when(datetime.fromisoformat(found[1]).replace(tzinfo=UTC)), shown(text)
        )

    # --- events -------------------------------------------------------------------------------------------------

    def happening(self, moment: Moment) -> str:
        """Return what happened: ``the order was shipped``."""
        event = self._events.get(moment.event_id)
        if moment.type == STAFF_STARTED and event is not None:
            who = shown(str(event.data.get("staff", {}).get("by") or "somebody"))
            return f"{who} started the rule {moment.rule}"
        return self.kind(moment.type)

    def changed(self, moment: Moment) -> str:
        """Return which fields an event that only brings details told; empty for any other."""
        event = self._events.get(moment.event_id)
        if event is None or not moment.type.endswith(".updated"):
            return ""
        return ", ".join(f"{section}.{name}" for section, told in event.data.items() for name in told)

    def kind(self, type_: str) -> str:
        """Return what an event of a type says: ``the order was shipped``; an unknown type is shown as it is."""
        key = f"events.{type_}.if"
        return self.words.say(key) if key in self.words else type_

    def moment(self, ref: str) -> Moment | None:
        """Return the event of this name, as far as it is about this order."""
        return self._moments.get(ref)

    def event(self, ref: str) -> str:
        """Return an event, a deadline or a kind of event as it may stand in a sentence, with its time if it has one."""
        moment = self.moment(ref)
        if moment is not None:
            return f"{self.happening(moment)} ({self.when(moment.at)})"
        return self.words.say(f"deadlines.{ref}") if ref in {*Deadline} else self.kind(ref)

    def teller(self, deadline: str, since: str = "", *, by: datetime) -> str:
        """Return the event that last told, by then, a deadline of the order or what it is counted from; else nothing."""
        for event in sorted(self._events.values(), key=lambda one: (one.time, one.id), reverse=True):
            told = {**event.data.get("order", {}), **event.data.get("dispute", {})}
            if event.time <= by and (told.get(deadline) is not None or (since and told.get(since) is not None)):
                return event.ref
        return ""

    # --- messages -----------------------------------------------------------------------------------------------

    def name(self, key: Key, *, order: str | None = None) -> str:
        """Return what a message is called: its rule, its step if it has several, its order if it is another one's."""
        rule = self.schedule.rule(key.rule)
        several = key.step > 1 or (rule is not None and len(rule.delays) > 1)
        step = f" (step {key.step})" if several else ""
        return f"{key.rule}{step}{f' of order {order}' if order and order != self.order.number else ''}"

    def message(self, text: str) -> str:
        """Return the message that a key written as text names; other text as it is."""
        parts = text.split("/", 2)
        scope, _, step = parts[-1].rpartition("/")
        if len(parts) < 3 or not step.isdecimal():
            return text
        number = self.order.number if scope.startswith(self.order.number) else re.split(r"[/#]", scope)[0]
        return self.name(Key(parts[0], parts[1], scope, int(step)), order=number)

    # --- causes -------------------------------------------------------------------------------------------------

    def cause(self, state: str, reason: str, because: str, rule: Rule | None = None) -> str:
        """Return what caused a state, in words; empty when there is nothing to say beyond the reason."""
        if not because or because in SAID_BY_THE_REASON or because == reason:
            return ""
        if because.startswith(PERSON) and reason in BY_A_PERSON:
            return self.person(because)
        if state in {State.SUPERSEDED, State.MERGED} or reason == Reason.ALREADY_TOLD:
            return self.message(because)
        match reason:
            case Reason.HOLD:
                return self.hold(because)
            case Reason.APPROVAL:
                return self.approval(because)
            case Reason.WHERE_FAILED:
                return self.condition(because, rule)
            case Reason.GROUP:
                return f"the rule {because}"
            case _:
                return self.event(because) if self.moment(because) or reason == Reason.EVENT else self.local(because)

    def condition(self, because: str, rule: Rule | None) -> str:
        """Return which condition does not hold, with the value found, in words and as it is."""
        field, is_, value = because.partition(" is ")
        asked = [clause for one in (rule.where if rule else ()) if one.field == field for clause in self._clauses(one)]
        if not is_ or not asked:
            return self.local(because)
        found = (
            Condition(field=field, exists=False) if value == UNTOLD else Condition(field=field, any_of=(_typed(value),))
        )
        told = f"{self.words.both(self._clauses(found))} ({field} is {shown(value)})"
        return f"{told}, and the rule asks that {self.words.both(asked)}"

    def _clauses(self, condition: Condition) -> list[str]:
        return [shown(clause) for clause in clauses(condition, self.words)]

    def person(self, because: str) -> str:
        """Return who said so, and why: ``Ann: the buyer called``."""
        return shown(because.removeprefix(PERSON))

    def approval(self, because: str) -> str:
        """Return who or what asks for a person's yes."""
        if because.startswith(VALVE):
            return f"intake {because.removeprefix(VALVE)} wanted more messages within a day than [safety] max_new_messages allows"
        return because

    def hold(self, because: str) -> str:
        """Return what holds a message, and since when, as far as it can be known."""
        if because.startswith(PERSON):
            return f"kept back by {self.person(because)}"
        kind, _, what = because.partition(" ")
        if kind not in {*Hold}:
            return because
        since = self._since(Hold(kind), what)
        named = f" ({shown(what)})" if what and not self.moment(what) else ""
        told = f"{self.words.say(f'holds.{kind}')}{named}"
        if since == NEVER:
            return f"{told}; none has ever come"
        return f"{told}, since {self.when(since)}" if since else told

    def _since(self, hold: Hold, what: str) -> datetime | None:
        order = self.order
        match hold:
            case Hold.DISPUTE:
                return next((one.opened_at for one in order.disputes if one.id == what), None)
            case Hold.CONVERSATION:
                moment = self.moment(what)
                return moment.at if moment else None
            case Hold.REFUND:
                return order.refunds[-1].issued_at if order.refunds else None
            case Hold.REVIEW:
                return max((one.at for one in order.history if one.type.startswith("review.")), default=None)
            case Hold.SOURCE_SILENT:
                return self._silent.get(what)

    def standing(self, state: str, reason: str, because: str, rule: Rule | None = None) -> str:
        """Return how a message stands and why, as one sentence without a full stop."""
        told = sentence(state, reason, LANGUAGE)
        cause = self.cause(state, reason, because, rule)
        return f"{told}: {cause}" if cause else told


def shown(text: str) -> str:
    """Return somebody else's text fit for a terminal: it cannot move the cursor, change colours or turn the line around."""
    return "".join(character if character.isprintable() else " " for character in text)


def _typed(value: str) -> Scalar:
    """A value found, as a condition would ask for it."""
    return {"yes": True, "no": False}.get(value, value)
