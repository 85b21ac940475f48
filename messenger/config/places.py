"""The time zones of each country, from the tzdata package."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from importlib.resources import files

from messenger.domain.zones import Zones


@cache
def country_zones() -> Zones:
    """Return every country's IANA zones. Source: zone.tab of the tzdata package."""
    table: defaultdict[str, list[str]] = defaultdict(list)
    text = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            table[country].append(zone)
    return Zones({country: tuple(zones) for country, zones in table.items()})
