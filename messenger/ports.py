"""What the use cases need from the outside, as protocols. Adapters implement them and pass the shared contract suites."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from messenger.domain.events import Event
from messenger.domain.messages import FrozenMessage, Key, Letter, PlannedMessage, Reason, Receipt, State


class Clock(Protocol):
    """Tells the time. Nothing else in messenger asks the system for it."""

    def now(self) -> datetime:
        """Return the present instant; aware, UTC."""
        ...


Committing = Callable[[Key], Awaitable[bool]]
"""Asked just before the first byte that could commit the other side; False means: do not send, drop the message."""

Done = Callable[[Key, Receipt], Awaitable[None]]
"""Told exactly once how each message ended."""


class Transport(Protocol):
    """Carries frozen messages to their recipients.

    Before the first byte that could commit the other side the transport awaits ``committing(key)``
    and drops the message when the answer is False. Each other message ends in exactly one ``done`` call;
    nothing else leaves this method but its own cancellation.
    """

    name: str

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Carry every message of the stream; return when the stream has ended and each message has its answer."""
        ...


class Composer(Protocol):
    """Turns a letter into the bytes that leave."""

    def compose(self, letter: Letter) -> FrozenMessage:
        """Return the finished message; the same letter always gives the same bytes.

        Raises:
            MessageRefused: an address or a header would not survive the way.
        """
        ...


class Verdict(StrEnum):
    """What became of an event at the door."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that holds no event that could be taken in."""

    file: str
    line: int
    problem: str
    field: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place}: {self.field}: {self.problem}" if self.field else f"{place}: {self.problem}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An event and where it was read."""

    file: str
    line: int
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """Names one order: numbers are unique within a shop only."""

    shop: str
    number: str

    def __str__(self) -> str:
        return f"{self.shop}/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One waiting message as facts would now have it, and what it was when that was decided.

    ``message`` carries the new values; the change is applied only while the stored row still has ``was`` as its state.
    """

    message: PlannedMessage
    was: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of an order's record: what was decided or done about a message, when, and because of what."""

    shop: str
    order: str
    at: datetime
    what: str
    """``planned``, ``moved``, ``sent`` …: a state, or the word for a change that keeps the state."""
    key: Key | None = None
    reason: str = ""
    because: str = ""
    detail: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How a worker ended a claim without sending: put back, held, skipped, expired.

    Applied only while the row is still claimed by ``owner`` with ``token``.
    """

    id: int
    owner: str
    token: int
    at: datetime
    message: PlannedMessage
    """The row as it shall be; owner and lease are cleared by the store unless its state is ``claimed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """A claimed message about to be written to a connection: the commit point.

    ``letter`` is None when the bytes were frozen by an earlier try.
    """

    id: int
    owner: str
    token: int
    message: PlannedMessage
    """Carries channel, transport, locale, variant, message_id as chosen at the claim."""
    letter: Letter | None
    digest: str
    """SHA-256 of the finished bytes, hexadecimal."""
    template_version: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one try came to, and the state that follows from it. Written only while owner and token still match."""

    id: int
    owner: str
    token: int
    message: PlannedMessage
    receipt: Receipt
    started_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What was stored at the first commit point of a message."""

    letter: Letter
    digest: str
    template_version: str


class Unit(Protocol):
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

    def describe(self, order: OrderKey, *, status: str, buyer_key: str, email_key: str, updated_at: datetime) -> None:
        """Write what lists and look-ups need to know about the order."""
        ...

    def add(self, messages: Sequence[PlannedMessage]) -> None:
        """Insert new rows; a key that exists already is left alone."""
        ...

    def change(self, changes: Sequence[Change]) -> list[Key]:
        """Apply changes to rows that are still in the state they were seen in; returns the keys that were changed.

        A row that is ``claimed`` loses its claim: its worker's next write-back will be refused.
        """
        ...

    def processed(self, order: OrderKey) -> None:
        """Mark every received event of the order that this unit has seen as taken in."""
        ...

    def note(self, entries: Sequence[Entry]) -> None:
        """Append to the record."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxCounts:
    """How many events stand in each state of the inbox."""

    received: int = 0
    processed: int = 0
    unmatched: int = 0
    failed: int = 0
    conflict: int = 0


class Store(Protocol):
    """Keeps everything. Methods are synchronous; each write is one short transaction."""

    # --- intake -------------------------------------------------------------------------------------------------

    def open_intake(self, *, kind: str, name: str, at: datetime) -> int:
        """Begin an intake (a file, a batch); its events are taken in only once it is closed."""
        ...

    def accept(self, events: Sequence[Event], *, intake: int, at: datetime) -> list[Verdict]:
        """Store events as received, one verdict each, in order. (source, id) decides; other content is a conflict.

        A duplicate that is still ``received`` in an intake that was never closed joins this one, so that a file whose first
        reading was cut short is completed by reading it again. Conflicts are counted and kept apart; the first content stays.
        """
        ...

    def close_intake(self, intake: int, *, at: datetime) -> None:
        """Say that the intake has been read to its end."""
        ...

    def backlog(self, *, limit: int) -> list[OrderKey]:
        """Return orders with received events of closed intakes, oldest first.

        Settles on the way what belongs to no single order: a shipment event whose parcel is known is given to its order,
        one whose parcel is not becomes ``unmatched``; an event about a buyer is handed to every order of that buyer.
        """
        ...

    def failed(self, order: OrderKey, *, error: str, at: datetime) -> bool:
        """Count a failed taking-in; from the fifth the order's received events are ``failed`` and it is given up.

        Returns whether it now is. An order that failed for what its buyer said, with no received event of its own, is given
        up too; it comes back when a unit has ``processed`` it.
        """
        ...

    def begin(self) -> AbstractContextManager[Unit]:
        """Open a write transaction."""
        ...

    def inbox_counts(self) -> InboxCounts:
        """Return how many events stand in each state."""
        ...

    # --- reading ------------------------------------------------------------------------------------------------

    def events_of(self, orders: Sequence[OrderKey]) -> dict[OrderKey, list[Event]]:
        """Return the events of several orders at once, as ``Unit.events`` does."""
        ...

    def messages_of(self, order: OrderKey) -> list[PlannedMessage]:
        """Return every outbox row of the order, by id."""
        ...

    def record_of(self, order: OrderKey) -> list[Entry]:
        """Return the order's record, oldest first."""
        ...

    def find_orders(self, *, shop: str | None = None) -> Iterator[OrderKey]:
        """Stream the names of all orders, by shop and number."""
        ...

    def outbox(self, *, states: Sequence[State] = (), shop: str | None = None) -> Iterator[PlannedMessage]:
        """Stream outbox rows by due_at, then id, in bounded memory."""
        ...

    def frozen(self, message_id: int) -> Frozen | None:
        """Return what was frozen for the outbox row with this id."""
        ...

    # --- claims -------------------------------------------------------------------------------------------------

    def claim(self, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[PlannedMessage]:
        """Take up to ``limit`` due messages (planned or held with due_at <= now) for ``owner``, oldest due first.

        Raises ``attempts`` and ``token`` in the same statement, so that a message that kills its worker is found. No two
        callers get the same message. A message that was claimed ``SUSPECT`` times without any result comes alone, and only when
        nothing else is due. Also returns ``uncertain`` rows whose ``resend_at`` has come; those keep their state.
        """
        ...

    def settle(self, settlements: Sequence[Settlement]) -> set[int]:
        """End claims without sending; returns the ids that were still held. Writes one record entry each."""
        ...

    def commit(self, commitments: Sequence[Commitment]) -> set[int]:
        """Move claimed rows to ``sending`` and store what is about to leave; returns the ids that may be sent."""
        ...

    def record(self, results: Sequence[Result]) -> set[int]:
        """Write attempts and the states that follow; returns the ids whose claim was still valid.

        A late result (claim lost) keeps its attempt row, and a late acceptance wins over ``uncertain``.
        """
        ...

    def heartbeat(self, *, owner: str, lease_until: datetime) -> int:
        """Extend all leases of ``owner``; returns how many it still has."""
        ...

    def rescue(self, *, now: datetime) -> tuple[int, int]:
        """Free what dead workers left, and return how many were ``claimed`` and how many ``sending``.

        Expired ``claimed`` becomes ``planned``, expired ``sending`` becomes ``uncertain`` with reason ``crashed`` and no
        ``resend_at``: that is for the caller to fill.
        """
        ...

    def unresolved(self) -> list[PlannedMessage]:
        """Return ``uncertain`` rows that have neither been resent, nor given a ``resend_at``, nor left to staff."""
        ...

    def postpone(self, *, key: Key, resend_at: datetime | None, because: str) -> None:
        """Give an uncertain row its resend time, or leave it to staff (None), and note why."""
        ...

    def pulse(self, *, now: datetime) -> Pulse:
        """Return what a worker that wants to stop when idle must know."""
        ...

    # --- the database itself ------------------------------------------------------------------------------------

    def secret(self, name: str) -> bytes:
        """Return the named secret of this installation (32 random bytes, made on first use)."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """Whether anything is going on.

    Args:
        due: messages that may be claimed now.
        in_hand: claimed or sending, by anyone.
        next_lease: when the first of those leases runs out.
        next_due: earliest due_at among waiting messages.
        next_resend: earliest resend_at among uncertain messages.
        backlog: received events of closed intakes and orders to be folded anew, without those that were given up.
    """

    due: int = 0
    in_hand: int = 0
    next_lease: datetime | None = None
    next_due: datetime | None = None
    next_resend: datetime | None = None
    backlog: int = 0


__all__ = ["Change", "Clock", "Commitment", "Committing", "Composer", "Done", "Entry", "Frozen", "InboxCounts", "Line", "OrderKey",
           "Pulse", "Reason", "Rejected", "Result", "Settlement", "Store", "Transport", "Unit", "Verdict"]  # fmt: skip
