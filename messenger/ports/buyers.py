"""Buyers: what is known of them across their orders."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from messenger.ports.values import BuyerKey, OrderKey


class Buyers(Protocol):
    """What is kept of buyers."""

    def orders_of(self, buyers: Collection[BuyerKey]) -> list[OrderKey]:
        """Return the orders of these buyers, those too that are finished and put away."""
        ...
