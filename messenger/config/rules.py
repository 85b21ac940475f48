"""Reading one ``[rules.<name>]`` table over the defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from typing import Final

from messenger.config.calm import NO_CAPS, read_calm, read_caps, read_holds, read_merge
from messenger.config.spans import ONCE_EXAMPLE, once_in, some_span
from messenger.config.tables import Table, Wrong, a_text, any_text, list_of, nearest, one_of, shown, whole, yes_or_no
from messenger.config.triggers import STAFF, read_trigger, usual_once
from messenger.config.values import days as days_of
from messenger.config.values import event_types, identifier, rule_zone, uncertain
from messenger.config.values import window as window_of
from messenger.config.where import Vocabulary, conditions
from messenger.domain.calendars import Calendar
from messenger.domain.messages import Category
from messenger.domain.rules import ALL_HOLDS, Caps, Closed, Hold, Once, Rule
from messenger.domain.timing import EVERY_DAY, Hours, Span

CHANNELS: Final = ("platform", "email")
PRIORITIES: Final = (-1000, 1000)
ONCE_WORDS: Final = (Once.ORDER, Once.SHIPMENT, Once.OCCURRENCE)
NO_NAMES: Final[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a rule leaves out."""

    channels: tuple[str, ...] = CHANNELS
    window: tuple[time, time] = (time(9), time(20))
    days: frozenset[int] = EVERY_DAY
    zone: str = "buyer"
    expiry: Span = field(default_factory=lambda: Span(days=3))
    max_age: Span = field(default_factory=lambda: Span(days=7))
    holds: frozenset[Hold] = ALL_HOLDS
    caps: Caps = NO_CAPS


def read_defaults(table: Table, default: Defaults | None = None) -> Defaults:
    """Return the keys that ``[defaults]`` and every rule share, over what is already set."""
    default = default or Defaults()
    return Defaults(
        channels=table.take("channels", list_of(one_of(CHANNELS)), default.channels),
        window=table.take("window", window_of, default.window),
        days=table.take("days", days_of, default.days),
        zone=table.take("zone", rule_zone, default.zone),
        expiry=table.take("expiry", some_span, default.expiry),
        max_age=table.take("max_age", some_span, default.max_age),
        holds=read_holds(table, default.holds),
        caps=read_caps(table, default.caps),
    )


def read_rule(name: str, table: Table, defaults: Defaults, words: Vocabulary) -> Rule:
    """Return the rule as far as it can be read; mistakes are noted."""
    shared = read_defaults(table, defaults)
    trigger, delays = read_trigger(table)
    once_per, once_span = _once(table, usual_once(trigger))
    opens, closes = shared.window
    rule = Rule(
        name=name,
        template=table.need("template", lambda value: _template(value, words), "", remedy='write template = "shipped"'),
        trigger=trigger,
        delays=delays,
        where=conditions(table.table("where"), words),
        cancel_on=table.take("cancel_on", _maybe_types, NO_NAMES),
        once_per=once_per,
        once_span=once_span,
        channels=shared.channels,
        hours=Hours(opens=opens, closes=closes, days=shared.days),
        zone=shared.zone,
        expiry=shared.expiry,
        max_age=shared.max_age,
        line=table.document.line(table.path),
    )
    rule = _about(rule, table, words)
    rule = _weight(rule, table)
    rule = _company(rule, table)
    rule = _calm(rule, table, shared)
    rule = _calendars(rule, table, words)
    table.close()
    return rule


def _about(rule: Rule, table: Table, words: Vocabulary) -> Rule:
    """For people: title and note; for whom: shops; and whether it is on at all."""
    shop = one_of(sorted(words.shops)) if words.shops is not None else a_text
    return replace(
        rule,
        title=table.take("name", a_text, ""),
        note=table.take("note", any_text, ""),
        shops=table.take("shops", list_of(shop), NO_NAMES),
        enabled=table.take("enabled", yes_or_no, default=True),
        formerly=table.take("formerly", list_of(identifier), NO_NAMES),
    )


def _weight(rule: Rule, table: Table) -> Rule:
    """How much it weighs: what it is for, what it promises, and who has to agree."""
    return replace(
        rule,
        category=table.take("category", one_of(Category), Category.TRANSACTIONAL),
        priority=table.take("priority", whole(*PRIORITIES), 0),
        urgent=table.take("urgent", yes_or_no, default=False),
        approval=bool(table.take("approval", one_of((STAFF,)), "")),
        uncertain=table.take("uncertain", uncertain, None),
        promise=table.take("promise", identifier, ""),
    )


def _company(rule: Rule, table: Table) -> Rule:
    """Which other messages it speaks for, silences, or takes along."""
    return replace(
        rule,
        group=table.take("group", identifier, ""),
        supersedes=table.take("supersedes", list_of(any_text), NO_NAMES),
        merge=read_merge(table),
    )


def _calm(rule: Rule, table: Table, shared: Defaults) -> Rule:
    """What holds it, and how many may follow each other."""
    holds, caps = read_calm(table, shared.holds, shared.caps, urgent=rule.urgent)
    return replace(rule, holds=holds, caps=caps)


def _calendars(rule: Rule, table: Table, words: Vocabulary) -> Rule:
    known = _calendar(words)
    calendar, during = table.take("calendar", known, None), table.take("during", known, None)
    closed = table.take("closed", one_of(Closed), Closed.SEND)
    if closed is not Closed.SEND:
        _check_closed(table, calendar, during)
    if "calendar" not in table and any(one.field == "calendar.closed" for one in rule.where):
        place = ("calendar", "closed")
        table.wrong("where", "the rule has no calendar", 'write calendar = "seller"', at_key=True, inside=place)
    hours = replace(rule.hours, closed_on=calendar) if closed is Closed.WAIT else rule.hours
    return replace(rule, calendar=calendar, closed=closed, during=during, hours=hours)


def _check_closed(table: Table, calendar: Calendar | None, during: Calendar | None) -> None:
    if "calendar" not in table:
        table.wrong("closed", "needs a calendar that says when", 'write calendar = "seller"')
    elif during is not None and during == calendar:
        problem = f"leaves out the very days that during = {shown(during.name)} asks for"
        table.wrong("closed", problem, "remove closed or during")


def _calendar(words: Vocabulary) -> Callable[[object], Calendar]:
    def read(value: object) -> Calendar:
        text = any_text(value)
        if text not in words.calendars:
            raise Wrong(
                f"unknown calendar {shown(text)}", nearest(text, words.calendars) or f"write [calendars.{text}]"
            )
        return words.calendars[text]

    return read


def _template(value: object, words: Vocabulary) -> str:
    text = a_text(value)
    if words.templates is not None and text not in words.templates:
        raise Wrong(f"unknown template {shown(text)}", nearest(text, words.templates))
    return text


def _maybe_types(value: object) -> tuple[str, ...]:
    return () if value == [] else event_types(value)


def _once(table: Table, usual: Once) -> tuple[Once, timedelta | None]:
    value = table.values.get("once_per")
    if isinstance(value, str) and value.partition("/")[0] == Once.BUYER:
        return Once.BUYER, table.take("once_per", once_in, None)
    return table.take("once_per", _once_word, usual), None


def _once_word(value: object) -> Once:
    text = any_text(value)
    if text not in ONCE_WORDS:
        words = [*ONCE_WORDS, ONCE_EXAMPLE]
        raise Wrong(f"unknown word {shown(text)}", nearest(text, words))
    return Once(text)
