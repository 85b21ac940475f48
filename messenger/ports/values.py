"""What the store takes and gives: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from messenger.domain.events import Event
from messenger.domain.messages import Key, Letter, PlannedMessage, Receipt, State


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
    """What was stored at the first commit point of a message; ``letter`` is None when it was forgotten for its age."""

    letter: Letter | None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxCounts:
    """How many events stand in each state of the inbox."""

    received: int = 0
    processed: int = 0
    unmatched: int = 0
    failed: int = 0
    conflict: int = 0


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
        blocked: messages that are due and wait for an account in trouble, by transport; they are not among ``due``, unless
            they have expired, or one of them may find out how the account is.
        next_probe: when the first of those accounts may be tried again.
    """

    due: int = 0
    in_hand: int = 0
    next_lease: datetime | None = None
    next_due: datetime | None = None
    next_resend: datetime | None = None
    backlog: int = 0
    blocked: Mapping[str, int] = field(default_factory=dict)
    next_probe: datetime | None = None
