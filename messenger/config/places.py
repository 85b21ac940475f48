"""The time zones of countries and phone numbers, from the packages that know them."""

from __future__ import annotations

from collections import defaultdict
from functools import cache, lru_cache
from importlib.resources import files

from messenger.domain.regions import ZoneNames
from messenger.domain.zones import Zones


@cache
def country_zones() -> Zones:
    """Return every country's IANA zones, and those of phone numbers if ``phonenumbers`` is installed (extra ``geo``).

    Source: zone.tab of the tzdata package.
    """
    table: defaultdict[str, list[str]] = defaultdict(list)
    text = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            table[country].append(zone)
    return Zones({country: tuple(zones) for country, zones in table.items()}, zones_of_phone)


@lru_cache(maxsize=256)
def zones_of_phone(phone: str, country: str) -> ZoneNames:
    """Return the IANA zones in which a phone number can be; empty when it is none, or the package is not installed.

    Args:
        phone: as the buyer wrote it.
        country: the buyer's, for numbers without a country code; may be empty.

    Source: docs/sources.md, S22.
    """
    try:
        from phonenumbers import NumberParseException, is_possible_number, parse  # noqa: PLC0415  # large, and an extra
        from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number  # noqa: PLC0415  # the same
    except ImportError:
        return ()
    try:
        number = parse(phone, country or None)
    except NumberParseException:
        return ()
    found = time_zones_for_number(number) if is_possible_number(number) else ()
    return tuple(name for name in found if name != UNKNOWN_TIMEZONE)
