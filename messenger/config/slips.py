"""What is allowed and yet cannot be meant: told as warnings, so that the file can still be used."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from math import ceil
from typing import Final
from zoneinfo import ZoneInfo

from messenger.config.relations import Written
from messenger.config.rules import Defaults
from messenger.config.tables import Table, nearest, shown
from messenger.domain.calendars import Calendar
from messenger.domain.conditions import Condition
from messenger.domain.rules import Closed, Names, OnDeadline, OnEvent, OnSilence, Rule
from messenger.domain.shops import Shop
from messenger.domain.timing import Hours, Span

SILENCE_ENDS: Final = frozenset({
    "order.delivered", "order.received", "order.completed", "order.cancelled",
    "shipment.delivered", "shipment.returning", "shipment.returned",
})  # fmt: skip
"""After these nothing more is expected, so no silence begins."""
A_MONDAY: Final = datetime(2024, 1, 1, tzinfo=UTC)
HOLIDAY_SAMPLE: Final = tuple(A_MONDAY.date() + timedelta(days=day) for day in range(3 * 365))
OPENING: Final = ("window", "days")
"""Keys that say when it is open."""
SOME_OPENINGS: Final = 15
"""Enough to see every closing between them, even with one day a week."""


def check_slips(rules: Sequence[Written], shops: Mapping[str, Shop] | None, names: Names) -> None:
    """Note what is surely a slip.

    Args:
        rules: in the order of the file.
        shops: by id; ``None`` when they are not known.
        names: what rules call methods and carriers.
    """
    templates = {one.rule.template for one in rules}
    groups = [one.rule.group for one in rules if one.rule.group]
    for one in rules:
        _trigger_cancels(one)
        _never_silent(one)
        _expires_while_closed(one)
        _calendar_without_use(one)
        _alone_in_its_group(one, groups)
        _forbids_itself(one)
        _nobody_tells(one, templates)
        _called_otherwise(one, names)
        _no_channel(one, list((shops or {}).values()))


def check_defaults(table: Table, defaults: Defaults) -> None:
    """Note when messages of rules that say nothing else would expire before the next opening."""
    opens, closes = defaults.window
    _compare(table, "expiry", defaults.expiry, Hours(opens=opens, closes=closes, days=defaults.days))


def _trigger_cancels(one: Written) -> None:
    trigger = one.rule.trigger
    own = trigger.types if isinstance(trigger, OnEvent) else (trigger.since,) if isinstance(trigger, OnSilence) else ()
    for index, type_ in enumerate(one.rule.cancel_on):
        if type_ in own:
            problem = f"{shown(type_)} wakes this rule and cancels it as well"
            one.table.slip("cancel_on", problem, "remove it here", inside=(index,))


def _never_silent(one: Written) -> None:
    trigger = one.rule.trigger
    if isinstance(trigger, OnSilence) and trigger.since in SILENCE_ENDS:
        problem = f"after {shown(trigger.since)} no more news is expected, so this silence never begins"
        one.table.slip("since", problem, f'write on = "{trigger.since}" with delay')


def _expires_while_closed(one: Written) -> None:
    rule = one.rule
    if isinstance(rule.trigger, OnDeadline) and rule.trigger.before:
        _compare(one.table, "lead", rule.delays[0], rule.hours)
    if any(key in one.table for key in ("expiry", *OPENING)):
        _compare(one.table, "expiry", rule.expiry, rule.hours)
    if rule.closed is Closed.WAIT and rule.calendar is not None and not rule.expiry.business:
        longest = _longest_closure(rule.calendar)
        if rule.expiry.length < timedelta(days=longest):
            problem = (
                f"expires after {rule.expiry} while {shown(rule.calendar.name)} is closed for up to {longest} days"
            )
            one.table.slip("closed", problem, f'write expiry = "{longest + 1}d", or closed = "drop"')


def _compare(table: Table, key: str, span: Span, hours: Hours) -> None:
    gap = longest_gap(hours)
    if not span.business and span.length < gap:
        problem = f"the {key} of {span} is shorter than the {gap // timedelta(hours=1)} hours from closing to opening"
        remedy = f'what is wanted just after closing never leaves; write {key} = "{ceil(gap / timedelta(days=1))}d"'
        table.slip(next((one for one in (key, *OPENING) if one in table), key), problem, remedy)


def longest_gap(hours: Hours) -> timedelta:
    """Return how long it is at most from one closing to the next opening, clock changes and closed days aside."""
    plain = replace(hours, closed_on=None)
    openings = islice(plain.openings(A_MONDAY, ZoneInfo("UTC")), SOME_OPENINGS)
    return max((after[0] - before[1] for before, after in pairwise(openings)), default=timedelta(0))


def _longest_closure(calendar: Calendar) -> int:
    """Days of the longest closed period: of those written out, and of public holidays as they fell in a few years."""
    written = {first for first, _ in calendar.closed}
    holidays = {day for day in HOLIDAY_SAMPLE if calendar.is_holiday(day)}
    closures = {calendar.closure(day) for day in written | holidays}
    return max(((one.last - one.first).days + 1 for one in closures if one), default=0)


def _calendar_without_use(one: Written) -> None:
    rule = one.rule
    counts = any(span.business for span in (*rule.delays, rule.expiry, rule.max_age))
    asks = any(condition.field == "calendar.closed" for condition in rule.where)
    if rule.calendar is not None and rule.closed is Closed.SEND and not (counts or asks):
        problem = f"{shown(rule.calendar.name)} changes nothing here"
        one.table.slip("calendar", problem, 'write closed = "wait", or count business days: delay = "3bd"')


def _alone_in_its_group(one: Written, groups: Sequence[str]) -> None:
    group = one.rule.group
    if isinstance(one.rule.trigger, OnEvent) and groups.count(group) == 1:
        others = nearest(group, {other for other in groups if other != group})
        one.table.slip(
            "group", f"no other rule is in the group {shown(group)}", others or "a group is two rules or more"
        )


def _told(rule: Rule) -> Iterator[tuple[Condition, str]]:
    for condition in rule.where:
        if condition.field.startswith("told."):
            yield condition, condition.field.removeprefix("told.")


def _forbids_itself(one: Written) -> None:
    for condition, template in _told(one.rule):
        forbids = condition.excluded == (True,) or condition.any_of == (False,)
        if forbids and template == one.rule.template and len(one.rule.delays) > 1:
            problem = "the first step tells it, so the later steps never leave"
            one.table.slip("where", problem, "remove it; each step is said once anyway", inside=("told", template))


def _nobody_tells(one: Written, templates: Collection[str]) -> None:
    for _, template in _told(one.rule):
        if template not in templates:
            problem = f"no rule writes {shown(template)}"
            one.table.slip("where", problem, nearest(template, templates), at_key=True, inside=("told", template))


def _called_otherwise(one: Written, names: Names) -> None:
    words = {"shipment.method": names.method, "order.shipping_method": names.method, "shipment.carrier": names.carrier}
    for condition in one.rule.where:
        called = words.get(condition.field)
        for value in (*(condition.any_of or ()), *(condition.excluded or ())):
            word = called(str(value)) if called else value
            if word != value:
                place = tuple(condition.field.split("."))
                problem = f"rules call {shown(value)} {shown(word)}, see [names]"
                one.table.slip("where", problem, f"write {shown(word)}", inside=place)


def _no_channel(one: Written, shops: Sequence[Shop]) -> None:
    heard = [shop for shop in shops if shop.channels and (not one.rule.shops or shop.id in one.rule.shops)]
    if heard and not any(channel in shop.channels for shop in heard for channel in one.rule.channels):
        channels = " or ".join(one.rule.channels)
        has = ", ".join(sorted({channel for shop in heard for channel in shop.channels}))
        one.table.slip("channels", f"no shop it speaks for has the channel {channels}", f"they have {has}")
