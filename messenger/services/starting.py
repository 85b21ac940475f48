"""Starting a rule by hand: what only a person wakes, a person tells as one more event of the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from messenger.domain.events import STAFF_STARTED, Event, parse_event
from messenger.domain.messages import Key, PlannedMessage
from messenger.domain.rules import OnStaff, Rule
from messenger.errors import UsageError
from messenger.ports import Clock, Entry, Line, OrderKey, Store
from messenger.services.finding import events_about, rule_named
from messenger.services.home import Home
from messenger.services.ingesting import Ingest
from messenger.services.people import Person

SOURCE: Final = "messenger"
"""Of the events that the program tells itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What came of starting a rule: the messages it now has for the order, and whether any of them is new."""

    messages: tuple[PlannedMessage, ...]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Starting:
    """The use case behind ``messenger outbox start``."""

    store: Store
    home: Home
    clock: Clock

    def start(self, order: OrderKey, name: str, who: Person) -> Started:
        """Start a rule for one order; returns what it now has to say.

        Raises:
            UsageError: there is no such order or rule, or it is not a person's to start.
        """
        events_about(self.store, self.home, order)
        rule = self._startable(order, name)
        before = {row.key: row for row in messages_of_rule(self.store, self.home, order, rule.name)}
        self._tell(order, rule, who)
        after = messages_of_rule(self.store, self.home, order, rule.name)
        return Started(messages=tuple(after), is_new=any(_waits_anew(row, before) for row in after))

    def _startable(self, order: OrderKey, name: str) -> Rule:
        rule = rule_named(self.home, name)
        if not isinstance(rule.trigger, OnStaff):
            own = [one.name for one in self.home.schedule.rules if isinstance(one.trigger, OnStaff)]
            known = f"rules that a person starts: {', '.join(own)}" if own else 'no rule has trigger = "staff"'
            raise UsageError(f"the rule {rule.name!r} starts by itself, not by a person ({known})")
        if not rule.enabled:
            raise UsageError(f"the rule {rule.name!r} is switched off (enabled = false)")
        if not rule.applies_to(order.shop):
            raise UsageError(f"the rule {rule.name!r} speaks only for {', '.join(rule.shops)}, not for {order.shop}")
        return rule

    def _tell(self, order: OrderKey, rule: Rule, who: Person) -> None:
        """Take the event in; the reason, which no event carries, goes into the record."""
        event, ingest = self._event(order, rule, who), Ingest(self.store, self.home, self.clock)
        ingest.accept([Line(file=SOURCE, line=1, event=event)], kind="staff", name=who.name)
        if who.why:
            detail = {**who.detail, "rule": rule.name}
            entry = Entry(
                shop=order.shop, order=order.number, at=event.time, what="started", because=event.ref, detail=detail
            )
            self.store.together(lambda unit: unit.note([entry]))
        ingest.take_in()

    def _event(self, order: OrderKey, rule: Rule, who: Person) -> Event:
        return parse_event(
            {
                "specversion": "1.0", "id": uuid4().hex, "source": SOURCE, "type": STAFF_STARTED, "subject": order.number,
                "time": self.clock.now().isoformat(), "data": {"shop": order.shop, "staff": {"rule": rule.name, "by": who.name}},
            }
        )  # fmt: skip


def messages_of_rule(store: Store, home: Home, order: OrderKey, name: str) -> list[PlannedMessage]:
    """Return a rule's messages about an order, under whichever of its names they were written."""
    rule = home.schedule.rule(name)
    names = rule.names if rule else (name,)
    return [row for one in names for row in store.find_messages(order, rule=one)]


def _waits_anew(row: PlannedMessage, before: Mapping[Key, PlannedMessage]) -> bool:
    was = before.get(row.key)
    return was is None or (row.state.is_waiting and not was.state.is_waiting)
