"""The timeline of one simulated order: what happened and what was written, on the buyer's clock, in words."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from messenger.cli.simulate_words import PageWords
from messenger.domain.messages import WAITING, Reason, State
from messenger.domain.orders import Moment, Order
from messenger.domain.rules import Hold
from messenger.services.gathering import OrderName
from messenger.services.home import Home
from messenger.services.simulating import Line, Played
from messenger.services.speaking.words import country_name, language_name
from messenger.services.wording import SAYS_IT_ALL

REACHED: Final = frozenset({str(State.SENT), str(State.MERGED)})
WAITS: Final = frozenset(str(one) for one in WAITING)
SHOWN_AS_IT_IS: Final = frozenset({Reason.WHERE_FAILED, Reason.ONCE, Reason.MISSING_DATA})
"""Reasons whose cause says more than the reason itself."""
TOLD_BY_THE_CAUSE: Final = frozenset({Reason.EVENT, Reason.GROUP})
"""Reasons in whose place the cause is told, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing on the timeline: an event, or a message.

    Args:
        day: on the buyer's clock; empty where it is that of the entry before.
        kind: ``event``, or how the message looks: ``reached``, ``waits``, ``unsent``.
        title: the event in words, or the subject.
        outcome: of a message: how it ended and why, in words.
        detail: the cause as the program names it.
        tags: rule, language, channel.
    """

    day: str
    time: str
    kind: str
    title: str
    outcome: str = ""
    detail: str = ""
    tags: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStory:
    """One order as the page shows it.

    Args:
        about: buyer, country, language, status.
        counts: how many messages, in words, by how they look.
        search: everything that the search box looks through, in small letters.
    """

    name: str
    about: str
    clock: str
    counts: Sequence[tuple[str, str]]
    search: str
    entries: Sequence[Entry]
    has_messages: bool


class Teller:
    """Tells the orders of a play one after the other."""

    def __init__(self, played: Played, home: Home, words: PageWords) -> None:
        self._orders = played.orders
        self._clocks = played.clocks
        self._home = home
        self._words = words
        self._lines: defaultdict[OrderName, list[Line]] = defaultdict(list)
        self._by_key: dict[str, Line] = {}
        for line in played.lines:
            self._lines[line.shop, line.order].append(line)
            self._by_key[f"{line.shop}/{line.rule}/{line.scope}/{line.step}"] = line
        self._has_several_shops = len({shop for shop, _ in self._orders}) > 1

    def stories(self) -> Iterator[OrderStory]:
        """Yield every order, by number."""
        for name in sorted(self._orders, key=lambda one: (one[1], one[0])):
            yield self._story(name, self._orders[name], self._clocks[name])

    def _story(self, name: OrderName, order: Order, clock: ZoneInfo) -> OrderStory:
        lines = self._lines[name]
        about = self._about(order)
        shown = f"{name[0]}/{name[1]}" if self._has_several_shops else name[1]
        outcomes = {self._words.outcome(line.outcome) for line in lines}
        searched = [
            *name,
            about,
            order.buyer.email or "",
            *{line.rule for line in lines},
            *outcomes,
            *(one.id for one in order.shipments),
        ]
        return OrderStory(
            name=shown, about=about, clock=self._words.say("clock", zone=clock.key), counts=self._counts(lines),
            search=" ".join(searched).casefold(), entries=self._entries(order, lines, clock), has_messages=bool(lines),
        )  # fmt: skip

    def _about(self, order: Order) -> str:
        spoken, buyer = self._words.spoken, order.buyer
        told = [buyer.name or self._words.say("unknown_buyer")]
        if buyer.country:
            told.append(country_name(buyer.country, spoken))
        if buyer.language:
            told.append(language_name(buyer.language, spoken))
        return " · ".join([*told, spoken.say(f"order_status.{order.status}")])

    def _counts(self, lines: Sequence[Line]) -> list[tuple[str, str]]:
        kinds = Counter(kind_of(line.outcome) for line in lines)
        words = {"reached": "sent_count", "waits": "waiting_count", "unsent": "unsent_count"}
        return [(kind, self._words.count(key, kinds[kind])) for kind, key in words.items() if kinds[kind]]

    def _entries(self, order: Order, lines: Sequence[Line], clock: ZoneInfo) -> list[Entry]:
        several = len(order.shipments) > 1
        told: list[tuple[datetime, int, Moment | Line]] = [(one.at, 0, one) for one in order.history]
        told += [(line.at, 1, line) for line in lines]
        found: list[Entry] = []
        day = None
        for at, _, one in sorted(told, key=lambda entry: entry[:2]):
            local = at.astimezone(clock)
            shown = "" if local.date() == day else self._words.short_day(local.date())
            day = local.date()
            if isinstance(one, Moment):
                found.append(self._event(one, local, shown, name_parcel=several))
            else:
                found.append(self._message(one, order, local, shown))
        return found

    def _event(self, moment: Moment, local: datetime, day: str, *, name_parcel: bool) -> Entry:
        parcel = moment.shipment if name_parcel and moment.type.startswith("shipment.") else None
        tags = self._words.say("of_parcel", number=parcel) if parcel else ""
        return Entry(
            day=day, time=self._words.time(local), kind="event", title=self._happened(moment), tags=tags
        )  # fmt: skip

    def _happened(self, moment: Moment, *, begins: bool = True) -> str:
        """What an event says, at the beginning of a sentence or within it."""
        key = f"events.{moment.type}.if"
        if key not in self._words.spoken:
            return moment.type
        return self._words.spoken.sentence(key) if begins else self._words.spoken.say(key)

    # --- messages -----------------------------------------------------------------------------------------------

    def _message(self, line: Line, order: Order, local: datetime, day: str) -> Entry:
        name = self._rule_name(line)
        outcome, detail = self._ending(line, order)
        tags = [name, line.locale or "", self._way(line)] if line.subject else []
        if line.outcome == State.SENT:
            tags, outcome = [outcome, *tags], ""
        return Entry(
            day=day, time=self._words.time(local), kind=kind_of(line.outcome), title=line.subject or name,
            outcome=outcome, detail=detail, tags=" · ".join(filter(None, tags)), text=line.text if line.outcome == State.SENT else "",
        )  # fmt: skip

    def _rule_name(self, line: Line) -> str:
        rule = self._home.schedule.rule(line.rule)
        name = rule.title if rule and rule.title else line.rule
        return f"{name}/{line.step}" if line.step > 1 else name

    def _way(self, line: Line) -> str:
        shop = self._home.shops[line.shop]
        if not line.channel:
            return ""
        by_hand = shop.channels.get(line.channel) in shop.desks
        return (
            f"{self._words.say(line.channel)}, {self._words.say('by_staff')}"
            if by_hand
            else self._words.say(line.channel)
        )

    def _ending(self, line: Line, order: Order) -> tuple[str, str]:
        """How a message ended and why, in words, and the cause as the program names it where that says more."""
        told = [self._words.outcome(line.outcome)]
        why = self._why(line, order)
        if why and line.reason in TOLD_BY_THE_CAUSE:
            told.append(why)
        elif line.reason and (line.outcome, line.reason) not in SAYS_IT_ALL:
            told.append(self._words.reason(line.reason, line.outcome))
        sentence = (
            self._words.spoken.say("states.with_reason", state=told[0], reason=told[1]) if len(told) > 1 else told[0]
        )
        if why and line.reason not in TOLD_BY_THE_CAUSE:
            sentence = self._words.spoken.say("bracketed", text=sentence, more=why)
        return sentence, line.because if line.reason in SHOWN_AS_IT_IS else ""

    def _why(self, line: Line, order: Order) -> str:
        other = self._by_key.get(line.because)
        if line.outcome == State.MERGED:
            return self._words.say("with", order=other.order) if other and other.order != line.order else ""
        if line.outcome == State.SUPERSEDED and other is not None:
            return self._words.say("in_favour", rule=self._rule_name(other))
        if line.reason == Reason.GROUP:
            return self._words.say("in_favour", rule=line.because)
        if line.reason == Reason.EVENT:
            moment = next((one for one in order.history if one.event_id == line.because), None)
            return self._happened(moment, begins=False) if moment else ""
        hold = re.match("|".join(Hold), line.because) if line.reason == Reason.HOLD else None
        return self._words.spoken.say(f"holds.{hold[0]}") if hold else ""


def kind_of(outcome: str) -> str:
    """Return how an outcome looks: it reaches the buyer, it waits, or it does not come."""
    return "reached" if outcome in REACHED else "waits" if outcome in WAITS else "unsent"
