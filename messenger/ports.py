"""What the use cases need from the outside, as protocols. Adapters implement them and pass the shared contract suites."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

from messenger.domain.events import Event
from messenger.domain.lanes import Journey, Lane, LaneKey
from messenger.domain.messages import FrozenMessage, Key, Letter, PlannedMessage, Reason, Receipt, State
from messenger.domain.orders import Payment

Answer = TypeVar("Answer")


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


@dataclass(frozen=True, slots=True, order=True)
class BuyerKey:
    """Names one buyer of one shop, as ``PlannedMessage.buyer`` does."""

    shop: str
    buyer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A shop (or everything, when ``shop`` is empty) that a person has stopped."""

    shop: str
    since: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A generation as it is kept: the files of a home, and when it was published by whom.

    Args:
        number: counts from 1; 0 before it is published.
        digest: SHA-256 over all files, hexadecimal: equal files make no new generation.
        files: path within the home to content; messenger.toml, schedules.toml and everything under templates/.
    """

    number: int
    digest: str
    published_at: datetime
    by: str
    files: Mapping[str, bytes]


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

    def close_intake(self, intake: int, *, at: datetime, source: str = "") -> None:
        """Say that the intake has been read to its end, and that this configured source was heard from."""
        ...

    def heard(self) -> dict[str, datetime]:
        """Return when each configured source was last heard from."""
        ...

    def gated(self) -> list[int]:
        """Return intakes that have gated rows and no received event left: they wait to be judged."""
        ...

    def judge(self, intake: int, *, limit: int, now: datetime) -> int:
        """As ``Unit.judge``, in as many short transactions as it takes: for whatever may be large."""
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
        up too; it comes back when a unit has ``processed`` it. One that failed while it was planned anew likewise: ``backlog``
        gives it out until then.
        """
        ...

    def begin(self) -> AbstractContextManager[Unit]:
        """Open a write transaction."""
        ...

    def together(self, work: Callable[[Unit], Answer]) -> Answer:
        """Return what ``work`` returns inside one write transaction; it is run again when another transaction crossed it."""
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
        """Take up to ``limit`` messages that have to be looked at (waiting, due_at <= now) for ``owner``.

        Urgent ones first, then oldest due first. Rows of a paused shop and gated rows are left alone. What waits for a
        person is due when it expires.

        Raises ``attempts`` and ``token`` in the same statement, so that a message that kills its worker is found. No two
        callers get the same message. A message that was claimed ``SUSPECT`` times without any result comes alone, and only when
        nothing else is due. Also returns ``uncertain`` rows whose ``resend_at`` has come; those keep their state.
        """
        ...

    def settle(self, settlements: Sequence[Settlement]) -> set[int]:
        """End claims without sending; returns the ids that were still held.

        Writes one record entry for each that does not stay ``claimed``. What a row has taken along (``carrier``) shares what
        becomes of it, here and in every other write of a state: it waits again when the row goes anywhere but on its way,
        fails with it, and has left with it.
        """
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

    # --- people, pauses, time ----------------------------------------------------------------------------------

    def find_messages(self, order: OrderKey, *, rule: str | None = None) -> list[PlannedMessage]:
        """Return the outbox rows of an order, only those whose key has this rule, if one is named."""
        ...

    def message(self, id_: int) -> PlannedMessage | None:
        """Return one outbox row."""
        ...

    def waiting_for_approval(self, *, intake: int | None = None, shop: str | None = None) -> Iterator[PlannedMessage]:
        """Stream rows that wait for approval, of one intake or shop if named, by due time."""
        ...

    def pause(self, shop: str, *, at: datetime, by: str) -> bool:
        """Stop a shop, or everything (empty); returns whether it was running."""
        ...

    def resume(self, shop: str) -> Pause | None:
        """Let a shop, or everything, go on; returns the pause that has ended."""
        ...

    def pauses(self) -> list[Pause]:
        """Return what is stopped."""
        ...

    def last_alive(self) -> datetime | None:
        """Return when a worker last said that it was at work; None when none ever did."""
        ...

    def alive(self, *, now: datetime) -> None:
        """Say that a worker is at work."""
        ...

    def wake(self, *, shop: str, hold: str, now: datetime) -> int:
        """Let the shop's rows that this hold keeps (``because`` begins with it) be looked at now; returns how many."""
        ...

    def sent_since(self, since: datetime) -> int:
        """Return how many messages left since then."""
        ...

    def spread(self, *, now: datetime, over: timedelta, shop: str | None = None) -> int:
        """Spread what is due now evenly over this span, in due order, urgent rows excepted; returns how many were moved.

        ``not_before`` and ``due_at`` move, reason becomes ``outage``; nothing is moved to its expiry or beyond.
        """
        ...

    def buys_tick(self, name: str, slot: str) -> bool:
        """Return whether this process may do a recurring thing for this slot: true for exactly one caller ever."""
        ...

    # --- generations --------------------------------------------------------------------------------------------

    def publish(self, edition: Edition) -> int:
        """Keep a generation; returns its number. Files equal to the newest generation's make no new one."""
        ...

    def newest_generation(self) -> int:
        """Return the number of the newest generation; 0 when there is none."""
        ...

    def generation(self, number: int) -> Edition | None:
        """Return a generation with its files."""
        ...

    def to_replan(self, generation: int, *, now: datetime, limit: int) -> list[OrderKey]:
        """Return orders planned by an earlier generation that facts can still wake a rule for, or that have a waiting row.

        Those that ``backlog`` gives out, or that were given up, are left out.
        """
        ...

    # --- lanes --------------------------------------------------------------------------------------------------

    def journeys(self, *, since: datetime) -> Iterator[Journey]:
        """Stream the parcels that arrived since then, lane by lane."""
        ...

    def keep_lanes(self, lanes: Sequence[Lane]) -> None:
        """Replace the snapshot of each of these lanes."""
        ...

    def lanes(self) -> dict[LaneKey, Lane]:
        """Return the newest snapshot of every lane."""
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
        due: messages that may be claimed now; not those of a stopped shop, not those whose valve is to be judged, and those
            that wait for a person only once they have expired.
        in_hand: claimed or sending, by anyone.
        next_lease: when the first of those leases runs out.
        next_due: earliest due_at among waiting messages, without those of stopped shops and of valves to be judged.
        next_resend: earliest resend_at among uncertain messages.
        backlog: received events of closed intakes and orders to be folded anew, without those that were given up.
    """

    due: int = 0
    in_hand: int = 0
    next_lease: datetime | None = None
    next_due: datetime | None = None
    next_resend: datetime | None = None
    backlog: int = 0


__all__ = ["BuyerKey", "Change", "Clock", "Commitment", "Committing", "Composer", "Done", "Edition", "Entry", "Frozen",
           "InboxCounts", "Line", "OrderKey", "Pause", "Payment", "Pulse", "Reason", "Rejected", "Result", "Settlement", "Store",
           "Transport", "Unit", "Verdict"]  # fmt: skip
