"""Lengths of time, opening hours and what wakes a rule, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time, timedelta

from messenger.domain.events import STAFF_STARTED
from messenger.domain.rules import OnDeadline, OnEvent, OnSilence, OnStaff, Rule
from messenger.domain.timing import EVERY_DAY, WEEKDAYS, Hours, Span
from messenger.services.speaking.words import Words


def span_in_words(span: Span, words: Words) -> str:
    """Return a length of time: ``36 hours``, ``one day``, ``3 business days``."""
    unit, number = _measured(span)
    return words.count(f"span.{unit}", number)


def length_in_words(length: timedelta, words: Words) -> str:
    """Return an elapsed time, in days where it is whole days."""
    whole_days = not length % timedelta(days=1)
    return span_in_words(Span(days=length.days) if whole_days else Span(elapsed=length), words)


def spans_in_words(spans: Sequence[Span], words: Words) -> str:
    """Return several lengths of time; those of one unit share it where the language allows: ``5 and 10 days``."""
    measured = [_measured(span) for span in spans]
    units = {unit for unit, _ in measured}
    if len(units) == 1 and words.say("steps_share_unit") == "yes":
        return words.count(f"span.{units.pop()}", *(number for _, number in measured))
    return words.both([span_in_words(span, words) for span in spans])


def _measured(span: Span) -> tuple[str, int]:
    """The unit that divides the span, and how many of them it has."""
    if span.business:
        return "business", span.business
    if span.days:
        return "days", span.days
    seconds = int(span.elapsed.total_seconds())
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds % size == 0:
            return unit, seconds // size
    return "seconds", seconds


def trigger_in_words(rule: Rule, words: Words) -> str:
    """Return when a rule wants to write: ``one day after the order has been shipped``."""
    kind, what = _woken_by(rule, words)
    waits = [span for span in rule.delays if span.length]
    if not waits:
        return words.say(f"when.{kind}.now", what=what)
    form = "later" if len(waits) == len(rule.delays) else "now_and_later"
    return words.say(f"when.{kind}.{form}", what=what, times=spans_in_words(waits, words))


def _woken_by(rule: Rule, words: Words) -> tuple[str, str]:
    match rule.trigger:
        case OnEvent(types=types):
            return "event", words.either([words.say(f"events.{one}.after") for one in types])
        case OnStaff():
            return "event", words.say(f"events.{STAFF_STARTED}.after")
        case OnDeadline(deadline=deadline, before=before):
            return ("before" if before else "after"), words.say(f"deadlines.{deadline}")
        case OnSilence(since=since):
            return "silence", last_in_words(since, words)


def last_in_words(type_: str, words: Words) -> str:
    """Return the last event of a type: ``the last news of the parcel``."""
    own = f"events.{type_}.last"
    return words.say(own) if own in words else words.say("events.last", what=words.say(f"events.{type_}.if"))


def hours_in_words(hours: Hours, zone: str, words: Words) -> str:
    """Return when messages may leave: ``between 09:00 and 20:00 on the buyer's clock``."""
    form = "any" if hours.opens == hours.closes else "window" if _same_day(hours) else "overnight"
    all_week = hours.days == EVERY_DAY
    return words.say(
        f"hours.{form}" if all_week else f"hours.{form}_on",
        days="" if all_week else _days_in_words(hours.days, words),
        opens=f"{hours.opens:%H:%M}",
        closes="24:00" if hours.closes == time(0) else f"{hours.closes:%H:%M}",
        clock=clock_in_words(zone, words),
    )


def clock_in_words(zone: str, words: Words) -> str:
    """Return whose clock counts: ``on the buyer's clock``."""
    return words.say(f"clock.{zone}") if zone in {"buyer", "shop"} else words.say("clock.named", zone=zone)


def _same_day(hours: Hours) -> bool:
    return hours.opens < hours.closes or hours.closes == time(0)


def _days_in_words(days: frozenset[int], words: Words) -> str:
    """A run of at least three days as a range, which may go over the end of the week; other days one by one."""
    first = next((day for day in sorted(days) if (day - 1) % 7 not in days), 0)
    run = [(first + step) % 7 for step in range(len(days))]
    if len(run) > 2 and set(run) == days:
        ends = {"first": f"weekdays.{WEEKDAYS[run[0]]}.first", "last": f"weekdays.{WEEKDAYS[run[-1]]}.last"}
        return words.say("hours.range", **{place: words.say(key) for place, key in ends.items()})
    return words.say("hours.list", days=words.both([words.say(f"weekdays.{WEEKDAYS[day]}.on") for day in sorted(days)]))
