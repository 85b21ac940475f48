"""Feedback: what comes back about messages, and addresses that must not be written to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from messenger.domain.messages import PlannedMessage, State
from messenger.domain.reports import Kind
from messenger.domain.suppressions import Suppression
from messenger.ports.values import OrderKey


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """A report as it is kept.

    Args:
        digest: SHA-256 of the mail and of which of its recipients this is about: the same is kept once.
        source: where it came from.
        words: the diagnostic, without addresses.
        shop: whose message it is about; empty when that is unknown.
        outbox_id: which message; None when that is unknown.
        address: the key of the recipient's address; empty when that is unknown.
    """

    digest: str
    received_at: datetime
    source: str
    kind: Kind
    status: str = ""
    code: int = 0
    words: str = ""
    shop: str = ""
    outbox_id: int | None = None
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """How many mails of a shop went out since some instant, and how many of those came back or were complained about."""

    sent: int
    bounced: int
    complained: int


class Feedback(Protocol):
    """What comes back, and what follows from it."""

    def suppress(self, suppressions: Collection[Suppression]) -> int:
        """Remember addresses; one that is there keeps its beginning and is widened: the later end wins. Returns how many are new."""
        ...

    def lift(self, *, address: str, shop: str | None = None, category: str | None = None) -> list[Suppression]:
        """Forget suppressions of an address (None: of any shop, of any kind); returns what was forgotten."""
        ...

    def suppressions(self, *, shop: str | None = None, address: str | None = None) -> Iterator[Suppression]:
        """Stream suppressions, those that have ended included, oldest first; of a shop means also those of every shop."""
        ...

    def suppressed(self, addresses: Collection[str]) -> dict[str, list[Suppression]]:
        """Return the suppressions of these address keys, ended ones included."""
        ...

    def keep_report(self, report: KeptReport) -> bool:
        """Keep a report; False when it was kept before."""
        ...

    def knows_report(self, digest: str) -> bool:
        """Return whether a report was kept before."""
        ...

    def refusals(self, address: str, *, since: datetime) -> list[KeptReport]:
        """Return the bounces of this address that came since then, newest first, 200 at most."""
        ...

    def by_message_id(self, message_ids: Collection[str]) -> PlannedMessage | None:
        """Return the row with one of these Message-IDs."""
        ...

    def lately_sent(self, email: str, *, shops: Collection[str], since: datetime) -> PlannedMessage | None:
        """Return the newest mail of these shops that was sent since then about an order of this address."""
        ...

    def email_of(self, order: OrderKey) -> str:
        """Return the address of an order's buyer in small letters; empty when there is none."""
        ...

    def came_back(self, id_: int, *, state: State, because: str, at: datetime) -> bool:
        """Let a message that was sent, or is uncertain or failed, be ``bounced`` or ``complained``; returns whether it now is.

        Written to the record. What was complained about stays so; a bounce of what never left changes nothing.
        """
        ...

    def returns(self, *, since: datetime) -> dict[str, Returns]:
        """Return what became of the mails of each shop that were sent since then."""
        ...
