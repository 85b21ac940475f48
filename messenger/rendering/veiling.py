"""An order without what would tell who bought: for showing texts with real orders to those who need not know."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from messenger.domain.orders import Buyer, Order, Shipment

HIDDEN: Final = "•••"
_SHORTEST: Final = 3
"""A part of a name that is shorter is too common a word to be looked for in other texts."""


def veiled(order: Order) -> Order:
    """Return the order with the buyer's name as initials, the address as its first letter and domain, and the rest left out.

    Numbers of the order and its parcels stay. Names, addresses and telephone numbers are also looked for in everything that
    was written freely: the review, the dispute, the carrier's remarks, titles and links.
    """
    hide = _hiding(order.buyer)
    review = replace(order.review, text=hide(order.review.text)) if order.review else None
    return replace(
        order, buyer=_buyer(order.buyer), review=review, url=hide(order.url), end_reason=hide(order.end_reason),
        payment_method=hide(order.payment_method),
        items=tuple(replace(one, title=hide(one.title) or "") for one in order.items),
        disputes=tuple(replace(one, reason=hide(one.reason), state=hide(one.state)) for one in order.disputes),
        shipments=tuple(_shipment(one, hide) for one in order.shipments),
    )  # fmt: skip


def initials(name: str) -> str:
    """Return ``M. L.`` for ``María López``."""
    return " ".join(f"{part[0]}." for part in re.findall(r"[^\W\d_]+", name))


def veiled_address(address: str) -> str:
    """Return ``m***@example.com`` for ``maria@example.com``; it stays an address that a mail could be put together for."""
    local, at, domain = address.rpartition("@")
    return (
        f"{local[:1] if local[:1].isalnum() and local.isascii() else 'x'}***{at}{domain}" if at else f"{address[:1]}***"
    )


def _buyer(buyer: Buyer) -> Buyer:
    return replace(
        buyer, id=HIDDEN if buyer.id else None, name=(initials(buyer.name) or None) if buyer.name else None,
        email=veiled_address(buyer.email) if buyer.email else None, phone=HIDDEN if buyer.phone else None,
        postcode=HIDDEN if buyer.postcode else None, city=HIDDEN if buyer.city else None, tags=(),
    )  # fmt: skip


def _shipment(one: Shipment, hide: Callable[[str | None], str | None]) -> Shipment:
    return replace(
        one, place=hide(one.place), reason=hide(one.reason), tracking_url=hide(one.tracking_url),
        items=tuple(replace(item, title=hide(item.title) or "") for item in one.items),
        checkpoints=tuple(replace(point, place=hide(point.place) or "", reason=hide(point.reason) or "") for point in one.checkpoints),
    )  # fmt: skip


def _hiding(buyer: Buyer) -> Callable[[str | None], str | None]:
    """Return what takes everything that is known of the buyer out of a text."""
    name = buyer.name or ""
    told = [name, buyer.email, buyer.phone, buyer.postcode, buyer.id, *re.findall(r"[^\W_]+", name)]
    if buyer.email:
        told += [buyer.email.partition("@")[0], buyer.email.replace("@", "%40")]
    words = sorted({one.strip() for one in told if one and len(one.strip()) >= _SHORTEST}, key=len, reverse=True)
    if not words:
        return lambda text: text
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in words), re.IGNORECASE)
    return lambda text: pattern.sub(HIDDEN, text) if text else text
