"""Where a buyer's clock stands.

The zone the platform told; else that of the region or the postcode; else that of the phone number; else the country's
only zone; else, in a large country, hours that suit every zone of it if at least three remain; else the zone of its
largest city. A region with several zones is treated like a small country. What was chosen, and why, can be told
(``Place.because``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from messenger.domain.orders import Buyer
from messenger.domain.postcodes import zones_of_postcode
from messenger.domain.regions import ZoneNames, zones_of_region
from messenger.domain.timing import UTC_ZONE, Hours, common, from_wall

ENOUGH: Final = timedelta(hours=3)
A_DAY: Final = timedelta(days=1)

LARGEST_CITY: Final[Mapping[str, str]] = {
    "AR": "America/Argentina/Buenos_Aires", "AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto",
    "CD": "Africa/Kinshasa", "CL": "America/Santiago", "CN": "Asia/Shanghai", "CY": "Asia/Nicosia", "DE": "Europe/Berlin",
    "EC": "America/Guayaquil", "ES": "Europe/Madrid", "FM": "Pacific/Chuuk", "GL": "America/Nuuk", "ID": "Asia/Jakarta",
    "KI": "Pacific/Tarawa", "KZ": "Asia/Almaty", "MH": "Pacific/Majuro", "MN": "Asia/Ulaanbaatar", "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland", "PF": "Pacific/Tahiti", "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Gaza", "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "US": "America/New_York",
    "UZ": "Asia/Tashkent",
}  # fmt: skip
"""The zone of the largest city, for countries with several zones. Source: docs/sources.md, S9."""


@dataclass(frozen=True, slots=True)
class Place:
    """The clocks a message must suit. ``main`` counts calendar days; the hours must be open in all of ``zones``.

    ``because`` says what decided, as part of a sentence: "the zone of the buyer's region".
    """

    main: ZoneInfo
    zones: tuple[ZoneInfo, ...]
    because: str


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo | None:
    """Return the IANA zone of this name, or None when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@dataclass(frozen=True, slots=True)
class Zones:
    """Resolves places.

    Args:
        of_country: ISO 3166 code to IANA zones, as in tzdata's zone.tab.
        of_phone: the IANA zones of a phone number, for a number and the buyer's country (empty when not known); None
            when nothing can be told from phone numbers.
    """

    of_country: Mapping[str, ZoneNames]
    of_phone: Callable[[str, str], ZoneNames] | None = None

    def of_rule(self, zone: str, *, buyer: Buyer, shop_zone: str, hours: Hours, at: datetime) -> Place:
        """Return the clocks that govern a rule whose ``zone`` key says ``buyer``, ``shop`` or an IANA name."""
        if zone == "buyer":
            return self.of_buyer(buyer, hours=hours, at=at, shop_zone=shop_zone)
        found = zone_named(shop_zone if zone == "shop" else zone) or UTC_ZONE
        return Place(found, (found,), "the shop's zone" if zone == "shop" else "the rule's zone")

    def of_buyer(self, buyer: Buyer, *, hours: Hours, at: datetime, shop_zone: str = "UTC") -> Place:
        """Return the buyer's clocks; the shop's when nothing is known of the buyer."""
        given = zone_named(buyer.timezone) if buyer.timezone else None
        if given is not None:
            return Place(given, (given,), "the zone the platform told")
        country, day = buyer.country or "", at.date()
        names = self.of_country.get(country, ())
        if buyer.region or buyer.postcode:
            told, what = _told(country, buyer.region or "", buyer.postcode or "")
            if told:
                return _of_part(told, what, hours.opens, hours.closes, day)
        if buyer.phone and (told := self._by_phone(buyer.phone, country, names, day.year)):
            place = _of_part(told, "phone number", hours.opens, hours.closes, day)
            if place.zones == _clocks(told, day.year):
                return place
        if names:
            return _of_country(country, names, hours.opens, hours.closes, day)
        fallback = zone_named(shop_zone) or UTC_ZONE
        return Place(fallback, (fallback,), "the shop's zone: the buyer's country is not known")

    def _by_phone(self, phone: str, country: str, names: ZoneNames, year: int) -> ZoneNames:
        """The zones of a phone number; empty when they tell no more than the country does, or belong to others as well."""
        clocks = len(_clocks(names, year)) if names else 0
        if self.of_phone is None or clocks == 1:
            return ()
        told = self.of_phone(phone, country)
        if not names:
            return told
        return told if set(told) <= set(names) and len(_clocks(told, year)) < clocks else ()


@lru_cache(maxsize=4096)
def _told(country: str, region: str, postcode: str) -> tuple[ZoneNames, str]:
    """The zones of region and postcode, and which of them told.

    The postcode is the finer of the two. Where they contradict each other the hours have to suit both.
    """
    by_region, by_postcode = zones_of_region(country, region), zones_of_postcode(country, postcode)
    if not (by_region and by_postcode):
        return (by_region, "region") if by_region else (by_postcode, "postcode")
    if set(by_region) & set(by_postcode):
        return by_postcode, "postcode"
    return (*by_region, *by_postcode), "region and postcode"


@lru_cache(maxsize=4096)
def _of_part(names: ZoneNames, what: str, opens: time, closes: time, day: date) -> Place:
    zones = _clocks(names, day.year)
    if len(zones) == 1:
        return Place(zones[0], zones, f"the zone of the buyer's {what}")
    if _suit(zones, opens, closes, day):
        return Place(zones[0], zones, f"hours that suit every zone of the buyer's {what}")
    return Place(zones[0], zones[:1], f"the zone where most people of the buyer's {what} live")


@lru_cache(maxsize=4096)
def _of_country(country: str, names: ZoneNames, opens: time, closes: time, day: date) -> Place:
    largest = LARGEST_CITY.get(country)
    zones = _clocks((largest, *names) if largest else names, day.year)
    if len(zones) == 1:
        return Place(zones[0], zones, f"the only zone of {country}")
    if _suit(zones, opens, closes, day):
        return Place(zones[0], zones, f"hours that suit every zone of {country}")
    return Place(zones[0], zones[:1], f"the zone of the largest city of {country}")


@lru_cache(maxsize=1024)
def _clocks(names: ZoneNames, year: int) -> tuple[ZoneInfo, ...]:
    """The zones whose clocks differ at some time of this year, in the order of ``names``; never none."""
    moments = [datetime(year, month, day, 12, tzinfo=UTC) for month in range(1, 13) for day in (1, 16)]
    distinct: dict[tuple[timedelta | None, ...], ZoneInfo] = {}
    for zone in filter(None, map(zone_named, names)):
        distinct.setdefault(tuple(moment.astimezone(zone).utcoffset() for moment in moments), zone)
    return tuple(distinct.values()) or (UTC_ZONE,)


def _suit(zones: tuple[ZoneInfo, ...], opens: time, closes: time, day: date) -> bool:
    """Whether enough of the hours remains when they must be open in all these zones on this day."""
    if opens == closes:
        return True
    start = from_wall(day, time(0), zones[0])
    shared = common(start, [(Hours(opens=opens, closes=closes), zone) for zone in zones])
    today = takewhile(lambda one: one[0] < start + A_DAY, shared)
    return max((closes - opens for opens, closes in today), default=timedelta(0)) >= ENOUGH
