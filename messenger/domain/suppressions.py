"""Addresses that must not be written to: which, about what, since when and why.

An address is kept as a keyed hash, so that the list can outlive the erasure of the person it is about and still protect
them. What people see instead is a hint, ``a…@example.com``.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from messenger.domain.addresses import comparable
from messenger.domain.messages import Category

EVERY_SHOP: Final = ""
EVERY_KIND: Final = ""
KEY_LENGTH: Final = 32
"""Hexadecimal digits of an address key: 16 bytes."""


class Cause(StrEnum):
    """Why an address is not written to."""

    HARD_BOUNCE = "hard_bounce"  # there is no such mailbox
    SOFT_BOUNCES = "soft_bounces"  # it has refused again and again
    COMPLAINT = "complaint"  # the buyer called a message spam
    UNSUBSCRIBED = "unsubscribed"
    STAFF = "staff"


WISHES: Final = frozenset({Cause.COMPLAINT, Cause.UNSUBSCRIBED, Cause.STAFF})
"""Somebody wants no such message: no other channel is tried in its place. An address that is not there says nothing of the kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One address that is not written to.

    Args:
        shop: whose messages; empty for those of every shop.
        address: the key of the address (``address_key``).
        category: which kind of message; empty for all, transactional ones included.
        hint: what people see of the address; empty when it was never known.
        until: from then on it may be written to again; None for ever.
        because: the server's words, the person's note.
        by: the person; empty for the program.
    """

    shop: str
    address: str
    category: str
    cause: Cause
    since: datetime
    hint: str = ""
    until: datetime | None = None
    because: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        if len(self.address) != KEY_LENGTH:
            raise ValueError(f"an address is kept as {KEY_LENGTH} hexadecimal digits, got {len(self.address)}")
        if self.category and self.category not in set(Category):
            raise ValueError(f"category is one of {', '.join(Category)} or empty, got {self.category!r}")

    @property
    def is_wish(self) -> bool:
        """Whether somebody wants no such message, over whatever channel."""
        return self.cause in WISHES

    def covers(self, shop: str, category: Category, now: datetime) -> bool:
        """Return whether a message of this shop and kind must not be sent to the address now."""
        if self.shop not in (EVERY_SHOP, shop) or (self.until is not None and self.until <= now):
            return False
        return self.category in (EVERY_KIND, category)


def covering(found: Iterable[Suppression], *, shop: str, category: Category, now: datetime) -> Suppression | None:
    """Return the oldest suppression that forbids the message; None when it may be sent."""
    return min((one for one in found if one.covers(shop, category, now)), key=lambda one: one.since, default=None)


def address_key(secret: bytes, address: str) -> str:
    """Return the key under which an address is kept: the same for all its spellings that reach one mailbox.

    Args:
        secret: of this installation.
        address: one valid address, in any case, its domain in letters or as A-labels.
    """
    return hmac.digest(secret, comparable(address).encode("utf-8", "surrogatepass"), "sha256").hex()[:KEY_LENGTH]


def hint_of(address: str) -> str:
    """Return what people may see of an address: ``a…@example.com``."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}" if at else ""


def kinds_after(cause: Cause) -> Collection[str]:
    """Return which kinds of message an address gets no more for this cause.

    A complaint ends what is not about the order's own course; a buyer who called a message spam still wants to know where
    the parcel is. A mailbox that is not there gets nothing.
    """
    if cause is Cause.COMPLAINT:
        return (Category.RELATIONAL, Category.PROMOTIONAL)
    return (EVERY_KIND,)
