"""Layouts: what each platform's export calls its columns and its statuses; data in ``<name>.toml`` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from messenger.intake.sheets.words import normal

LAYOUTS: Final = ("aliexpress", "shopify", "ebay")
TITLES: Final[Mapping[str, str]] = {"aliexpress": "AliExpress", "shopify": "Shopify", "ebay": "eBay"}
"""As people write the platforms' names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The export of one platform.

    Args:
        name: ``aliexpress`` …, also the platform's.
        zone: IANA name; whose wall times those without an offset are.
        dates: how ``03/02/2026`` is meant: ``mdy``, or ``iso`` where only times with an offset are read.
        needs: columns without which nothing can be read.
        one_of: and of these one at least.
        telling: columns that few other sheets have.
        currency: ISO 4217 code by the sign that stands before an amount.
        footers: how the words of lines begin that are no orders.
        names: our name of a column by its normalised header.
        aside: normalised headers that are known and not needed.
        statuses: our word for a status by its normalised label.
    """

    name: str
    zone: str
    dates: str
    needs: frozenset[str]
    one_of: frozenset[str]
    telling: frozenset[str]
    currency: Mapping[str, str]
    footers: tuple[str, ...]
    names: Mapping[str, str]
    aside: frozenset[str]
    statuses: Mapping[str, str]


@cache
def layouts() -> Mapping[str, Layout]:
    """Return every layout by its name."""
    return MappingProxyType({name: _layout(name) for name in LAYOUTS})


def _layout(name: str) -> Layout:
    text = files("messenger.intake.sheets").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    return Layout(
        name=told["platform"], zone=told["zone"], dates=told["dates"], needs=frozenset(told["needs"]),
        one_of=frozenset(told["one_of"]), telling=frozenset(told["telling"]), currency=MappingProxyType(told["currency"]),
        footers=tuple(one.casefold() for one in told.get("footers", ())), names=_turned(told["columns"]),
        aside=frozenset(normal(one) for one in told["aside"]["headers"]), statuses=_turned(told["statuses"]),
    )  # fmt: skip


def _turned(told: Mapping[str, Any]) -> Mapping[str, str]:  # Any: TOML
    """Our name by each of the others, normalised."""
    return MappingProxyType({normal(one): name for name, others in told.items() for one in others})
