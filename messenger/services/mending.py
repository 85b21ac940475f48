"""Mending: the accounts as people see them, and what they may do about one that is in trouble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from messenger.domain.breakers import Breaker, hurried
from messenger.errors import UsageError
from messenger.ports import Clock, Store
from messenger.services.finding import hint


@dataclass(frozen=True, slots=True)
class Account:
    """One account: whether it is in order, and how many due messages wait for it."""

    breaker: Breaker
    waiting: int


@dataclass(frozen=True, slots=True)
class Mending:
    """The use case behind ``messenger outbox accounts``; ``configured`` are the names of all accounts there are."""

    store: Store
    clock: Clock
    configured: Sequence[str]

    def accounts(self) -> list[Account]:
        """Return every account that is configured, or that something waits for."""
        known, waiting = self.store.breakers(), self.store.waiting_for_accounts(now=self.clock.now())
        names = sorted({*self.configured, *waiting})
        return [Account(known.get(name, Breaker(transport=name)), waiting.get(name, 0)) for name in names]

    def hurry(self, name: str) -> Breaker:
        """Let an account be tried at once; returns its breaker.

        Raises:
            UsageError: there is no such account, or it is in order.
        """
        if name not in self.configured:
            raise UsageError(f"there is no account {name!r}{hint(name, self.configured, 'accounts')}")
        if not self.store.breakers().get(name, Breaker(transport=name)).is_open:
            raise UsageError(f"the account {name} is in order: there is nothing to try")
        return self.store.turn_breaker(name, partial(hurried, now=self.clock.now()))[1]
