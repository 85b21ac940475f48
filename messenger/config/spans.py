"""Lengths of time in texts: how long after, how long at most, and how often within how long."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise
from typing import Final

from messenger.config.tables import Wrong, any_text, list_of, shown
from messenger.domain.rules import Cap
from messenger.domain.timing import Span

MOST_DAYS: Final = 3650
MOST_STEPS: Final = 5

SPAN_PATTERN: Final = r"\d{1,6}([smhdw]|bd)"
LENGTH_PATTERN: Final = r"\d{1,6}[smhdw]"
CAP_PATTERN: Final = rf"\d{{1,4}}/{LENGTH_PATTERN}"
ONCE_PATTERN: Final = rf"buyer/{LENGTH_PATTERN}"

ONCE_EXAMPLE: Final = "buyer/90d"

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_HOW_TO_SPAN: Final = "write 14d, 36h or 90m"


def span(value: object) -> Span:
    """Return a length of time: ``90s 30m 36h`` elapsed, ``14d 2w`` calendar days, ``3bd`` business days."""
    text = any_text(value) if not isinstance(value, int) else shown(value)
    if re.match(r"-\s*\d", text):
        raise Wrong(f"cannot be negative, got {shown(value)}", _HOW_TO_SPAN)
    if isinstance(value, int) or not re.fullmatch(SPAN_PATTERN, text, re.ASCII):
        raise Wrong(f"cannot read {shown(value)}", _HOW_TO_SPAN)
    found = _span(int(text.rstrip("smhdwb")), text.lstrip("0123456789"))
    if found.length > timedelta(days=MOST_DAYS):
        raise Wrong(f"{shown(text)} is longer than ten years")
    return found


def _span(number: int, unit: str) -> Span:
    match unit:
        case "bd":
            return Span(business=number)
        case "d":
            return Span(days=number)
        case "w":
            return Span(days=7 * number)
        case _:
            return Span(elapsed=timedelta(seconds=number * _SECONDS[unit]))


def some_span(value: object) -> Span:
    """Return a length of time that is longer than nothing."""
    found = span(value)
    if not found.length:
        raise Wrong(f"must be longer than nothing, got {shown(value)}")
    return found


def steps(value: object) -> tuple[Span, ...]:
    """Return one span, or an ascending list of up to five."""
    return _ascending(list_of(span, alone=True)(value))


def some_steps(value: object) -> tuple[Span, ...]:
    """Return one span, or an ascending list of up to five, none of them empty."""
    return _ascending(list_of(some_span, alone=True)(value))


def _ascending(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    if len(spans) > MOST_STEPS:
        raise Wrong(f"has {len(spans)} steps, at most {MOST_STEPS} are possible", inside=(MOST_STEPS,))
    for index, (before, after) in enumerate(pairwise(spans), start=1):
        if after.length <= before.length:
            raise Wrong(f"{after} does not come after {before}", "write the steps in ascending order", inside=(index,))
    return spans


def length(value: object) -> timedelta:
    """Return a length of elapsed time that is longer than nothing; a day counts 24 hours."""
    found = some_span(value)
    if found.business:
        raise Wrong(f"cannot count business days here, got {shown(value)}", "write 7d or 36h; a day counts 24 hours")
    return found.length


def elapsed(value: object) -> timedelta:
    """Return a length of time that does not depend on any calendar, at least a second."""
    found = some_span(value)
    if not found.elapsed:
        raise Wrong(f"must be seconds, minutes or hours, got {shown(value)}", "write 90s, 30m or 36h")
    return found.elapsed


def cap(value: object) -> Cap:
    """Return how many messages are allowed within how long: ``3/7d``."""
    text = any_text(value)
    count, _, within = text.partition("/")
    remedy = 'write "3/7d": at most 3 in any 7 days'
    if not re.fullmatch(r"\d{1,4}", count, re.ASCII) or not within:
        raise Wrong(f"cannot read {shown(text)}", remedy)
    if int(count) == 0:
        raise Wrong(f"{shown(text)} would allow nothing", "a rule is switched off by enabled = false")
    return Cap(count=int(count), span=_within(within, remedy))


def once_in(value: object) -> timedelta:
    """Return the span of ``buyer/90d``: how long a buyer hears nothing more of it."""
    text = any_text(value)
    _, _, within = text.partition("/")
    remedy = f'write "{ONCE_EXAMPLE}": once in 90 days to the same buyer'
    if not within:
        raise Wrong(f"does not say for how long, got {shown(text)}", remedy)
    return _within(within, remedy)


def _within(text: str, remedy: str) -> timedelta:
    try:
        return length(text)
    except Wrong as wrong:
        raise Wrong(wrong.problem, remedy) from None
