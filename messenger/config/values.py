"""The small languages inside texts: names, windows, days, zones, event types, languages, addresses."""

from __future__ import annotations

import re
from datetime import time
from difflib import get_close_matches
from typing import Final
from zoneinfo import available_timezones

from messenger.config.tables import Wrong, a_text, any_text, list_of, nearest, one_of, shown
from messenger.domain.addresses import is_email_address
from messenger.domain.events import DERIVED_TYPES, KNOWN_TYPES, STAFF_STARTED
from messenger.domain.rules import Uncertain
from messenger.domain.timing import EVERY_DAY, WEEKDAYS
from messenger.domain.zones import zone_named

TYPES: Final = frozenset((KNOWN_TYPES | DERIVED_TYPES) - {STAFF_STARTED})
"""What a rule may wait for; what a person starts is ``trigger = "staff"``."""
WILDCARDS: Final = tuple(sorted({f"{one.partition('.')[0]}.*" for one in TYPES}))

CLOCK_PATTERN: Final = r"([01]\d|2[0-3]):[0-5]\d"
WINDOW_PATTERN: Final = rf"{CLOCK_PATTERN}-({CLOCK_PATTERN}|24:00)"
DAY_PATTERN: Final = f"({'|'.join(WEEKDAYS)})(-({'|'.join(WEEKDAYS)}))?"
DAYS_PATTERN: Final = rf"{DAY_PATTERN}(, *{DAY_PATTERN})*"
COUNTRY_PATTERN: Final = r"[A-Z]{2}"
LANGUAGE_PATTERN: Final = r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"
ZONE_PATTERN: Final = r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*"
ID_PATTERN: Final = r"[a-z0-9][a-z0-9_-]*"
NAME_RULE: Final = "small letters, digits, - and _ only"
MONEY_PATTERN: Final = r"\d{1,12}(\.\d{1,6})? [A-Z]{3}"
CITIES: Final = {
    **dict.fromkeys(("beijing", "shenzhen", "guangzhou", "hangzhou", "yiwu", "china"), "Asia/Shanghai"),
    "saint_petersburg": "Europe/Moscow", "barcelona": "Europe/Madrid",
}  # fmt: skip
"""Where many sellers sit and many buyers live, and no zone has the name."""
PLATFORMS: Final = ("none", "aliexpress", "ebay", "amazon", "shopify", "woocommerce")


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
        raise Wrong(f"unknown time zone {shown(text)}", _nearest_zone(text))
    return text


def _nearest_zone(text: str) -> str:
    """A zone whose name, or whose city, is most like this text."""
    if re.fullmatch(r"(UTC|GMT)?[+-]\d.*", text):
        return "an offset is no zone: clocks change; write the name of one, for example Asia/Shanghai"
    wanted = text.casefold().replace(" ", "_")
    names = sorted(available_timezones())
    known = {one.rpartition("/")[2].casefold(): one for one in names} | {one.casefold(): one for one in names}
    near = get_close_matches(wanted, known, n=1, cutoff=0.7)
    found = CITIES.get(wanted.rpartition("/")[2]) or (known[near[0]] if near else "")
    return f"did you mean '{found}'?" if found else "for example Asia/Shanghai or Europe/Madrid"


def rule_zone(value: object) -> str:
    """Return ``buyer``, ``shop`` or the name of an IANA time zone."""
    return value if isinstance(value, str) and value in {"buyer", "shop"} else zone(value)


def event_type(value: object) -> str:
    """Return a known event type or a wildcard such as ``shipment.*``."""
    text = any_text(value)
    if text in {STAFF_STARTED, "staff.*"}:
        raise Wrong("what a person starts is no event to wait for", 'write trigger = "staff"')
    if text not in TYPES and text not in WILDCARDS:
        remedy = nearest(text, {*TYPES, *WILDCARDS}) or 'for example order.shipped, or "shipment.*" for all of a kind'
        raise Wrong(f"unknown event type {shown(text)}", remedy)
    return text


event_types = list_of(event_type, alone=True)


def identifier(value: object) -> str:
    """Return a permanent name: small letters, digits, ``-`` and ``_``."""
    text = any_text(value)
    if not re.fullmatch(ID_PATTERN, text):
        raise Wrong(f"{shown(text)} is not a name", NAME_RULE)
    return text


def uncertain(value: object) -> Uncertain:
    """Return what happens to a message that was perhaps accepted."""
    return one_of(Uncertain)(value)


def uncertain_unread(value: object) -> Uncertain:
    """Return the same for a transport that cannot be asked what it has."""
    if value == Uncertain.VERIFY:
        problem = f"{shown(value)} is not possible: such a transport cannot be asked what it has taken"
        raise Wrong(problem, 'write "resend", perhaps twice, or "ask", perhaps never')
    return uncertain(value)


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


def a_host(value: object) -> str:
    """Return the name or address of one machine, without a port."""
    host = a_text(value)
    if any(letter.isspace() or letter in "/@," for letter in host):
        raise Wrong(f"must be the name or address of one machine, got {shown(host)}", "for example imap.example.com")
    if ":" in host and host.count(":") == 1:
        raise Wrong(f"must be a host without a port, got {shown(host)}", f"write port = {host.partition(':')[2]}")
    return host
