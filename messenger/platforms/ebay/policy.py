"""What eBay lets a seller write to a buyer, by policy.toml; asked again just before a message leaves."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

from messenger.domain.messages import FrozenMessage

_MARKUP: Final = re.compile(r"</?[a-zA-Z][^<>]*>|<!--")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a message may be, and how old the order that it is about."""

    characters: int
    order_age: timedelta


@cache
def limits() -> Limits:
    """Return eBay's limits."""
    text = files("messenger.platforms.ebay").joinpath("policy.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)["messages"]
    return Limits(characters=told["characters"], order_age=timedelta(days=told["order_days"]))


def forbidden(message: FrozenMessage, now: datetime) -> str:
    """Return why eBay would not take a message, in words; empty when nothing is known against it."""
    about = dict(message.about)
    if not message.recipient or message.recipient == about.get("Order"):
        return "the order does not say who the buyer is on eBay"
    if len(message.text) > limits().characters:
        return f"the text has {len(message.text)} characters, eBay takes {limits().characters}"
    if _MARKUP.search(message.text):
        return "the text has HTML in it, which eBay does not take"
    placed = about.get("Placed-At")
    if placed and now - datetime.fromisoformat(placed) > limits().order_age:
        return f"the order was placed on {placed[:10]}: eBay takes messages about it for {limits().order_age.days} days"
    return ""
