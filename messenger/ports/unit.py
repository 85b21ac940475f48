"""One write transaction, as the use cases see it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from messenger.domain.events import Event
from messenger.domain.lanes import Journey
from messenger.domain.messages import Key, PlannedMessage
from messenger.domain.orders import Payment
from messenger.domain.suppressions import Suppression
from messenger.ports.desk import DeskUnit
from messenger.ports.values import BuyerKey, Change, Entry, OrderKey, Settlement


class Unit(DeskUnit, Protocol):
    """One write transaction. Leaving it normally commits, leaving it by an error changes nothing."""

    def lock(self, order: OrderKey) -> None:
        """Let no other unit work on this order until this one has ended; creates the order's row if there is none."""
        ...

    def events(self, order: OrderKey) -> list[Event]:
        """Return all events of the order that were received, and those of its buyer that name no order."""
        ...

    def messages(self, order: OrderKey) -> list[PlannedMessage]:
        """Return every outbox row of the order, in any state, by id."""
        ...

    def match(self, order: OrderKey, numbers: Iterable[str]) -> int:
        """Remember that the order has these parcels; give it the unmatched events that named them. Returns how many."""
        ...

    def planned_by(self, order: OrderKey) -> int:
        """Return the generation that the order was planned by last; 0 for none."""
        ...

    def intake_of(self, order: OrderKey) -> int:
        """Return the newest intake among the received events that ``events`` returned; 0 when there was none."""
        ...

    def describe(
        self, order: OrderKey, *, status: str, buyer_key: str, email_key: str, updated_at: datetime,
        paid_at: datetime | None = None, open_until: datetime | None = None, generation: int = 0,
    ) -> None:  # fmt: skip
        """Write what lists and look-ups need to know about the order.

        Args:
            order: which one.
            status: as folded.
            buyer_key: under which events about its buyer may come, by id.
            email_key: likewise, by address.
            updated_at: now.
            paid_at: when it was paid, for ``buyer.paid_since``.
            open_until: the last instant at which its facts can still wake a rule; None leaves what is there. It is never
                kept before the expiry of a row that waits.
            generation: the generation of rules it was planned by.
        """
        ...

    def arrived(self, order: OrderKey, journeys: Sequence[Journey]) -> None:
        """Remember how long the order's parcels took; a parcel that is told again replaces its journey."""
        ...

    def lock_buyers(self, buyers: Collection[BuyerKey]) -> None:
        """Let no other unit decide about these buyers until this one has ended. Takes them in one fixed order."""
        ...

    def buyer_messages(self, buyers: Collection[BuyerKey], *, since: datetime) -> dict[BuyerKey, list[PlannedMessage]]:
        """Return what counts for these buyers, by id.

        That is: rows that wait, rows that are cleared, and rows that went or may have gone out (also merged ones) since
        ``since`` or for an order that has a waiting row.
        """
        ...

    def payments(self, buyers: Collection[BuyerKey]) -> dict[BuyerKey, list[Payment]]:
        """Return which orders of these buyers were paid when."""
        ...

    def suppressed(self, addresses: Collection[str]) -> dict[str, list[Suppression]]:
        """Return the suppressions of these address keys, ended ones included."""
        ...

    def settle(self, settlements: Sequence[Settlement]) -> set[int]:
        """As ``Store.settle``, within this unit; a row whose state stays ``claimed`` keeps owner and lease.

        A row becomes ``merged`` only when its carrier is settled in this unit as ``claimed`` or ``awaiting_staff``, with no
        frozen letter yet; else it waits again (``planned``), and its id is not among those returned.
        """
        ...

    def judge(self, intake: int, *, limit: int, now: datetime) -> int:
        """Open the valve for an intake, or close it, and let its rows be claimed (``gated`` becomes false).

        Counts the rows it made wanted that are ``planned`` and due within 24 hours. More than ``limit``: they become
        ``waiting_approval`` with reason ``approval``, because ``valve <intake>``, due when they expire, one record entry each.
        What this intake was let go before counts too, and a valve that has closed stays closed: an intake may be judged in parts.

        Returns:
            How many were held back.
        """
        ...

    def add(self, messages: Sequence[PlannedMessage]) -> None:
        """Insert new rows; a key that exists already is left alone."""
        ...

    def change(self, changes: Sequence[Change], *, at: datetime | None = None) -> list[Key]:
        """Apply changes to rows that are still in the state they were seen in; returns the keys that were changed.

        A row that is ``claimed`` loses its claim: its worker's next write-back will be refused. A row becomes ``merged`` only
        when its carrier was settled before in this unit as ``claimed`` or ``awaiting_staff``, with no frozen letter yet; a
        merged row is changed by what becomes of its carrier and by nothing else.

        Args:
            changes: at most one for a row.
            at: now, for the record of members that are freed; None takes what ``describe`` was told in this unit.
        """
        ...

    def processed(self, order: OrderKey) -> None:
        """Mark every received event of the order that this unit has seen as taken in."""
        ...

    def note(self, entries: Sequence[Entry]) -> None:
        """Append to the record."""
        ...
