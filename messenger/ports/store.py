"""The store: everything that is kept, in rooms of a few methods each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from messenger.domain.events import Event
from messenger.domain.lanes import Journey, Lane, LaneKey
from messenger.domain.messages import Key, PlannedMessage, State
from messenger.ports.accounts import Accounts
from messenger.ports.alarms import Alarms
from messenger.ports.archive import Archive
from messenger.ports.buyers import Buyers
from messenger.ports.credentials import Vault
from messenger.ports.feedback import Feedback
from messenger.ports.news import News
from messenger.ports.overview import Overview
from messenger.ports.parcels import Parcels
from messenger.ports.polling import Polls
from messenger.ports.unit import Unit
from messenger.ports.users import Users
from messenger.ports.values import (
    Commitment,
    Edition,
    Entry,
    Frozen,
    InboxCounts,
    OrderKey,
    Pause,
    Pulse,
    Result,
    Settlement,
    Verdict,
)

Answer = TypeVar("Answer")


class Inbox(Protocol):
    """Takes events in."""

    def open_intake(self, *, kind: str, name: str, at: datetime, stands: bool = False) -> int:
        """Begin an intake (a file, a batch); its events are taken in only once it is closed.

        ``stands``: it is a stream that has no end (what is posted for a shop within an hour): the one of this kind and name is
        gone on with, its events are taken in at once, and its valve judges all of them together.
        """
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


class Reading(Protocol):
    """Shows what is kept."""

    def events_of(self, orders: Sequence[OrderKey]) -> dict[OrderKey, list[Event]]:
        """Return the events of several orders at once, as ``Unit.events`` does."""
        ...

    def messages_of(self, order: OrderKey) -> list[PlannedMessage]:
        """Return every outbox row of the order, by id, also what was moved away."""
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
        """Return what was frozen for the outbox row with this id; of an old one only digest and version."""
        ...


class Claims(Protocol):
    """Hands out what is due, and keeps what became of it."""

    def claim(
        self, *, owner: str, now: datetime, lease_until: datetime, limit: int, room: Mapping[str, int] = {}
    ) -> list[PlannedMessage]:
        """Take up to ``limit`` messages that have to be looked at (waiting, due_at <= now) for ``owner``.

        Urgent ones first; then shops share alike, and within a shop those never tried, those tried before, and those that
        waited for one account each (``queue``); within such a line the oldest due first. Rows of a paused shop and gated rows
        are left alone. What waits for a person is due when it expires.

        What waits for an account in trouble is left alone until it expires; when the account may be probed, one such row is
        taken, and this owner is its prober. ``room`` says how many rows that waited for an account may be taken, by transport.

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

    def write_down(self, commitments: Sequence[Commitment], results: Sequence[Result]) -> tuple[set[int], set[int]]:
        """Do what ``commit`` and ``record`` do, in one transaction; returns what each would."""
        ...

    def heartbeat(self, *, owner: str, lease_until: datetime, now: datetime | None = None) -> int:
        """Extend all leases of ``owner``, and its probes; returns how many leases were extended.

        Given ``now``, what was claimed longer ago than ``LONGEST_CLAIM`` is let go; what is ``sending`` after ``LONGEST_HANDOVER`` more.
        """
        ...

    def rescue(self, *, now: datetime) -> tuple[int, int]:
        """Free what dead workers left, and return how many were ``claimed`` and how many ``sending``.

        Expired ``claimed`` becomes ``planned``, expired ``sending`` becomes ``uncertain`` with reason ``crashed`` and no
        ``resend_at``: that is for the caller to fill.
        """
        ...

    def unresolved(self, *, resent: bool = False) -> list[PlannedMessage]:
        """Return ``uncertain`` rows that have neither been resent, nor given a ``resend_at``, nor left to staff.

        With ``resent`` also those that have been resent.
        """
        ...

    def postpone(self, *, key: Key, resend_at: datetime | None, because: str) -> None:
        """Give an uncertain row its resend time, or leave it to staff (None), and note why."""
        ...

    def pulse(self, *, now: datetime) -> Pulse:
        """Return what a worker that wants to stop when idle must know."""
        ...


class Keeping(Protocol):
    """What people and time do to the queue."""

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

    def spread(self, *, now: datetime, over: timedelta, shop: str | None = None, transport: str = "") -> int:
        """Spread what is due now evenly over this span, in due order, urgent rows excepted; returns how many were moved.

        ``not_before`` and ``due_at`` move, reason becomes ``outage``; nothing is moved to its expiry or beyond. What waits for
        an account in trouble stays, unless ``transport`` names the account: then only that is moved.
        """
        ...

    def buys_tick(self, name: str, slot: str) -> bool:
        """Return whether this process may do a recurring thing for this slot: true for exactly one caller ever."""
        ...


class Generations(Protocol):
    """Numbered generations of rules, texts and settings."""

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


class Lanes(Protocol):
    """How long parcels take."""

    def journeys(self, *, since: datetime) -> Iterator[Journey]:
        """Stream the parcels that arrived since then, lane by lane."""
        ...

    def keep_lanes(self, lanes: Sequence[Lane]) -> None:
        """Replace the snapshot of each of these lanes."""
        ...

    def lanes(self) -> dict[LaneKey, Lane]:
        """Return the newest snapshot of every lane."""
        ...


class Store(
    Inbox, Reading, Claims, Keeping, Generations, Lanes, Accounts, Feedback, Alarms, Archive, News, Polls, Vault, Parcels, Buyers,
    Users, Overview, Protocol,
):  # fmt: skip
    """Keeps everything. Methods are synchronous; each write is one short transaction."""

    def secret(self, name: str) -> bytes:
        """Return the named secret of this installation (32 random bytes, made on first use)."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...
