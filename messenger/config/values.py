"""The small languages inside texts: spans, windows, days, zones, event types, languages, addresses."""

from __future__ import annotations

import re
from datetime import time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import available_timezones

from messenger.config.tables import UNAVAILABLE, Wrong, a_text, any_text, list_of, nearest, shown
from messenger.domain.addresses import is_email_address
from messenger.domain.events import DERIVED_TYPES, KNOWN_TYPES
from messenger.domain.timing import EVERY_DAY, WEEKDAYS, Span
from messenger.domain.zones import zone_named

MOST_DAYS: Final = 3650
MOST_STEPS: Final = 5
TYPES: Final = frozenset(KNOWN_TYPES | DERIVED_TYPES)
WILDCARDS: Final = tuple(sorted({f"{one.partition('.')[0]}.*" for one in TYPES}))

SPAN_PATTERN: Final = r"\d{1,6}[smhdw]"
CLOCK_PATTERN: Final = r"([01]\d|2[0-3]):[0-5]\d"
WINDOW_PATTERN: Final = rf"{CLOCK_PATTERN}-({CLOCK_PATTERN}|24:00)"
DAY_PATTERN: Final = f"({'|'.join(WEEKDAYS)})(-({'|'.join(WEEKDAYS)}))?"
DAYS_PATTERN: Final = rf"{DAY_PATTERN}(, *{DAY_PATTERN})*"
COUNTRY_PATTERN: Final = r"[A-Z]{2}"
LANGUAGE_PATTERN: Final = r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"
ZONE_PATTERN: Final = r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*"
ID_PATTERN: Final = r"[a-z0-9][a-z0-9_-]*"
MONEY_PATTERN: Final = r"\d{1,12}(\.\d{1,6})? [A-Z]{3}"

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours"}
_HOW_TO_SPAN: Final = "write 14d, 36h or 90m"


def span(value: object) -> Span:
    """Return a length of time: ``90s 30m 36h`` elapsed, ``14d 2w`` calendar days."""
    text = any_text(value) if not isinstance(value, int) else str(value)
    if re.fullmatch(r"-\s*\d+.*", text):
        raise Wrong(f"cannot be negative, got {shown(value)}", _HOW_TO_SPAN)
    if re.fullmatch(r"\d+bd", text):
        raise Wrong(f"{shown(text)} {UNAVAILABLE}", "business days; write calendar days, for example 3d")
    if isinstance(value, int) or not re.fullmatch(SPAN_PATTERN, text, re.ASCII):
        raise Wrong(f"cannot read {shown(value)}", _HOW_TO_SPAN)
    number, unit = int(text[:-1]), text[-1]
    calendar = Span(days=number * (7 if unit == "w" else 1))
    found = Span(elapsed=timedelta(**{_UNITS[unit]: number})) if unit in _UNITS else calendar
    if found.length > timedelta(days=MOST_DAYS):
        raise Wrong(f"{shown(text)} is longer than ten years")
    return found


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


def window(value: object) -> tuple[time, time]:
    """Return opening and closing time; equal ones mean the whole day."""
    text = any_text(value)
    if text == "always":
        return time(0), time(0)
    if not re.fullmatch(WINDOW_PATTERN, text, re.ASCII):
        raise Wrong(f"cannot read {shown(text)}", 'write "09:00-20:00" or "always"')
    opens, closes = text.split("-")
    if opens == closes:
        raise Wrong(f"{shown(text)} is never open", 'write "always" for the whole day')
    return time.fromisoformat(opens), time(0) if closes == "24:00" else time.fromisoformat(closes)


def days(value: object) -> frozenset[int]:
    """Return weekdays as numbers from 0 (Monday); ranges may wrap around the week's end."""
    text = any_text(value)
    if not re.fullmatch(DAYS_PATTERN, text):
        raise Wrong(f"cannot read {shown(text)}", 'write "mon-fri", "sat,sun" or "mon-sun"')
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        found.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return frozenset(found) & EVERY_DAY


def zone(value: object) -> str:
    """Return the name of an IANA time zone."""
    text = a_text(value)
    if not re.fullmatch(ZONE_PATTERN, text) or zone_named(text) is None:
        known = {one.casefold(): one for one in available_timezones()}
        near = known.get(text.casefold()) or nearest(text, known).removeprefix("did you mean '").removesuffix("'?")
        near = known.get(near, near)
        remedy = f"did you mean '{near}'?" if near else "for example Europe/Madrid"
        raise Wrong(f"unknown time zone {shown(text)}", remedy)
    return text


def rule_zone(value: object) -> str:
    """Return ``buyer``, ``shop`` or the name of an IANA time zone."""
    return value if isinstance(value, str) and value in {"buyer", "shop"} else zone(value)


def event_type(value: object) -> str:
    """Return a known event type or a wildcard such as ``shipment.*``."""
    text = any_text(value)
    if text not in TYPES and text not in WILDCARDS:
        remedy = nearest(text, {*TYPES, *WILDCARDS}) or 'for example order.shipped, or "shipment.*" for all of a kind'
        raise Wrong(f"unknown event type {shown(text)}", remedy)
    return text


event_types = list_of(event_type, alone=True)


def country(value: object) -> str:
    """Return an ISO 3166 code of two letters."""
    text = any_text(value)
    if not re.fullmatch(COUNTRY_PATTERN, text):
        raise Wrong(f"must be a two-letter country code, got {shown(text)}", "for example BR")
    return text


def language(value: object) -> str:
    """Return a BCP 47 tag."""
    text = any_text(value)
    if not re.fullmatch(LANGUAGE_PATTERN, text):
        raise Wrong(f"must be a language tag, got {shown(text)}", "for example ru or pt-BR")
    return text


def address(value: object) -> str:
    """Return one bare e-mail address."""
    text = a_text(value)
    if not is_email_address(text):
        raise Wrong(f"is not an e-mail address: {shown(text)}", "write care@shop.example")
    return text


def address_or_nothing(value: object) -> str:
    """Return one bare e-mail address, or an empty text."""
    return "" if value == "" else address(value)


def sender(value: object) -> str:
    """Return ``Name <address>`` with a name and a valid address."""
    text = a_text(value)
    found = re.fullmatch(r"([^<>]*[^<>\s])\s*<([^<>]*)>", text)
    if not found:
        raise Wrong(f"must be a name and an address, got {shown(text)}", "write Sunny Toys <care@sunny-toys.example>")
    if not is_email_address(found[2]):
        raise Wrong(f"{shown(found[2])} is not an e-mail address", "write Sunny Toys <care@sunny-toys.example>")
    return text


def link(value: object) -> str:
    """Return an http or https link, or an empty text."""
    text = any_text(value)
    if text and not re.fullmatch(r"https?://[^\s<>\"'\x00-\x1f\x7f]+", text):
        raise Wrong(f"must be a link, got {shown(text)}", "links start with https://")
    return text
