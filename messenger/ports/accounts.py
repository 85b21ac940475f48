"""Accounts: which are in order, and how much they may still carry; shared by all processes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from messenger.domain.breakers import Breaker
from messenger.domain.pacing import Allowance

Answer = TypeVar("Answer")


class Accounts(Protocol):
    """What is known of the accounts that messages leave by."""

    def breakers(self) -> dict[str, Breaker]:
        """Return the breakers of all accounts that ever were in trouble, by transport."""
        ...

    def turn_breaker(self, transport: str, step: Callable[[Breaker], Breaker]) -> tuple[Breaker, Breaker]:
        """Return a breaker before and after ``step``, which nobody else's step can come between; it may be run again."""
        ...

    def turn_allowance(self, name: str, step: Callable[[Allowance], tuple[Allowance, Answer]]) -> Answer:
        """Return what ``step`` answers about an allowance, which becomes what it returns; it may be run again."""
        ...

    def allowances(self, *, now: datetime) -> dict[str, Allowance]:
        """Return what has been used up, or asked for less, and still counts; by name."""
        ...

    def waiting_for_accounts(self, *, now: datetime) -> dict[str, int]:
        """Return how many messages that are due wait for each account, by transport; not those of stopped shops."""
        ...

    def look_again(self, *, transport: str = "") -> int:
        """Let everything that waits for an account, or for this one, be looked at anew; returns how much that is.

        Another way may have been configured meanwhile; what has none is put back by its next claim.
        """
        ...

    def skew(self) -> float:
        """Return by how many seconds this machine's clock is behind the database's; 0.0 where both are one."""
        ...
