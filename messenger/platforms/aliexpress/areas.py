"""Countries as the platform writes them: mostly ISO 3166, with a few of its own. Source: docs/sources.md, S41."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OWN: Final[Mapping[str, str]] = {"UK": "GB", "SRB": "RS", "MNE": "ME", "KS": "XK", "GGY": "GG", "JEY": "JE"}
_BACK: Final = {iso: own for own, iso in OWN.items()}
OTHER: Final = "Other"


def country_of(area: str) -> str:
    """Return the ISO code of an area; what is none stays as it is, for whoever checks it."""
    return OWN.get(area.upper(), area.upper())


def area_of(country: str | None) -> str:
    """Return what the platform calls a country."""
    return _BACK.get(country or "", country or OTHER)
