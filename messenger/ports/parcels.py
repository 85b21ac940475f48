"""Parcels: what orders have told of, for sources that want to know what to look for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldParcel:
    """A tracking number, and the order that told of it."""

    shop: str
    order: str
    number: str


class Parcels(Protocol):
    """What is kept of parcels."""

    def parcels_told(self, shop: str, *, after: int, before: datetime, limit: int) -> tuple[list[ToldParcel], int]:
        """Return parcels of a shop that events told of which were received up to then, in the order they came, and a mark.

        The mark is to be given as ``after`` the next time; it stays as it was when there is nothing more. A number that is
        told of again is returned again.
        """
        ...
