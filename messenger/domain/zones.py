"""Where a buyer's clock stands.

The given zone if the platform tells one; else the zone of a country that has only one; else, in a large country, hours
that suit every zone of it if at least three remain; else the zone of its largest city. What was chosen, and why, can be
told (``Place.because``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from messenger.domain.orders import Buyer
from messenger.domain.timing import Hours, from_wall, shared_hours

ENOUGH: Final = timedelta(hours=3)
UTC_ZONE: Final = ZoneInfo("UTC")

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
    """The clocks a message must suit. ``main`` counts calendar days; the hours must be open in all of ``zones``."""

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
    """Resolves places. ``of_country`` maps an ISO 3166 code to its IANA zones, as in tzdata's zone.tab."""

    of_country: Mapping[str, tuple[str, ...]]

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
        names = self.of_country.get(buyer.country or "", ())
        if not names:
            fallback = zone_named(shop_zone) or UTC_ZONE
            return Place(fallback, (fallback,), "the shop's zone: the buyer's country is not known")
        return _of_country(buyer.country or "", names, hours, at.date())


@lru_cache(maxsize=4096)
def _of_country(country: str, names: tuple[str, ...], hours: Hours, day: date) -> Place:
    zones = tuple(zone for zone in map(zone_named, names) if zone is not None)
    largest = zone_named(LARGEST_CITY.get(country, "")) if country in LARGEST_CITY else None
    main = largest or zones[0]
    noon = from_wall(day, time(12), main)
    distinct = {zone.utcoffset(noon.replace(tzinfo=None)): zone for zone in reversed(zones)}
    if len(distinct) == 1:
        return Place(main, (main,), f"the only zone of {country}")
    everywhere = (main, *(zone for zone in distinct.values() if zone is not main))
    if hours.is_always or shared_hours(hours, everywhere, noon - timedelta(hours=12)) >= ENOUGH:
        return Place(main, everywhere, f"hours that suit every zone of {country}")
    return Place(main, (main,), f"the zone of the largest city of {country}")
