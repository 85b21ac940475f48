"""Messages: what makes one unique, the states it passes, and the closed list of reasons why it was not sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a message stands. The text is what is stored and shown."""

    PLANNED = "planned"
    HELD = "held"
    WAITING_APPROVAL = "waiting_approval"
    AWAITING_STAFF = "awaiting_staff"
    CLAIMED = "claimed"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    SENT = "sent"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    MERGED = "merged"
    EXPIRED = "expired"
    SKIPPED = "skipped"

    @property
    def is_waiting(self) -> bool:
        """Whether nothing has been handed over yet, so that facts may still move or end the message."""
        return self in WAITING

    @property
    def is_committed(self) -> bool:
        """Whether the remote side has, or may have, the message: facts no longer change it."""
        return self in COMMITTED


WAITING: Final = frozenset({State.PLANNED, State.HELD, State.WAITING_APPROVAL, State.AWAITING_STAFF, State.CLAIMED})
COMMITTED: Final = frozenset(
    {State.SENDING, State.UNCERTAIN, State.SENT, State.BOUNCED, State.COMPLAINED, State.MERGED}
)
REVIVABLE: Final = frozenset({State.SKIPPED, State.CANCELLED, State.EXPIRED})
"""Ended without a trace outside: the same key may wait again when it is wanted again before it expires."""

MOVES: Final[Mapping[State, frozenset[State]]] = {
    State.PLANNED: frozenset({State.PLANNED, State.HELD, State.WAITING_APPROVAL, State.CLAIMED, State.CANCELLED, State.SKIPPED,
                              State.EXPIRED, State.SUPERSEDED, State.MERGED}),
    State.HELD: frozenset({State.HELD, State.PLANNED, State.CLAIMED, State.CANCELLED, State.SKIPPED, State.EXPIRED, State.SUPERSEDED,
                           State.MERGED}),
    State.WAITING_APPROVAL: frozenset({State.PLANNED, State.HELD, State.CLAIMED, State.CANCELLED, State.SKIPPED, State.EXPIRED,
                                       State.SUPERSEDED}),
    State.AWAITING_STAFF: frozenset({State.SENT, State.PLANNED, State.HELD, State.CLAIMED, State.CANCELLED, State.SKIPPED, State.EXPIRED,
                                     State.SUPERSEDED, State.FAILED}),
    State.CLAIMED: frozenset({State.SENDING, State.PLANNED, State.HELD, State.WAITING_APPROVAL, State.AWAITING_STAFF, State.FAILED,
                              State.CANCELLED, State.SKIPPED, State.EXPIRED, State.SUPERSEDED, State.MERGED}),
    State.SENDING: frozenset({State.SENT, State.PLANNED, State.UNCERTAIN, State.FAILED}),
    State.UNCERTAIN: frozenset({State.SENDING, State.SENT, State.PLANNED, State.FAILED}),
    State.SENT: frozenset({State.BOUNCED, State.COMPLAINED}),
    State.BOUNCED: frozenset({State.COMPLAINED}),
    State.COMPLAINED: frozenset(),
    State.FAILED: frozenset({State.PLANNED, State.SENT}),
    State.CANCELLED: frozenset({State.PLANNED}),
    State.SKIPPED: frozenset({State.PLANNED, State.CANCELLED, State.SKIPPED}),
    State.EXPIRED: frozenset({State.PLANNED, State.CANCELLED, State.SKIPPED}),
    State.SUPERSEDED: frozenset(),
    State.MERGED: frozenset({State.PLANNED, State.FAILED}),
}  # fmt: skip
"""Which state may follow which. A worker that died leads from ``sending`` to ``uncertain`` and from ``claimed`` to ``planned``."""


class Reason(StrEnum):
    """Why a message was not sent. Each word is also a sentence (``services.wording``)."""

    # skipped
    WHERE_FAILED = "where_failed"
    ONCE = "once"
    GROUP = "group"
    STALE_EVENT = "stale_event"
    NO_RECIPIENT = "no_recipient"
    NO_CHANNEL = "no_channel"
    MISSING_DATA = "missing_data"
    POLICY = "policy"
    SUPPRESSED = "suppressed"
    RULE_REMOVED = "rule_removed"
    DESK_FULL = "desk_full"
    REHEARSAL = "rehearsal"
    ALREADY_TOLD = "already_told"
    ERASED = "erased"
    # cancelled
    EVENT = "event"
    STAFF = "staff"
    DECLINED = "declined"
    # expired
    DUE = "due"
    HOLD = "hold"
    CAP = "cap"
    WINDOW = "window"
    APPROVAL = "approval"
    BREAKER = "breaker"
    # failed
    REFUSED = "refused"
    PLATFORM_REFUSED = "platform_refused"
    POISON = "poison"
    # uncertain
    CRASHED = "crashed"
    REPLY_LOST = "reply_lost"
    # waiting
    RETRY = "retry"
    RATE = "rate"
    OUTAGE = "outage"
    PAUSED = "paused"


class Outcome(StrEnum):
    """How one try ended; each word is an instruction to the caller."""

    ACCEPTED = "accepted"  # the remote side took responsibility
    TEMPORARY = "temporary"  # not accepted; trying again is safe
    PERMANENT = "permanent"  # not accepted; trying again is useless
    UNCERTAIN = "uncertain"  # perhaps accepted; trying again may send it twice
    ACCOUNT = "account"  # nothing wrong with the message: the account is in trouble


LOOK: Final = "look"
"""The stage of a receipt that says what came of asking whether a message is there."""


class Doubt(StrEnum):
    """What is asked about a message before it is sent: whether an earlier try has arrived."""

    NONE = "none"
    LOOK = "look"
    """It is sent again when it is not there."""
    LAST = "last"
    """It was sent again already, or is pointless by now: when it is not there, a person decides."""


EMAIL: Final = "email"
PLATFORM: Final = "platform"
"""The channels."""


class Category(StrEnum):
    """What a message is for; it decides about unsubscribe links and about what happens when its fate is uncertain."""

    TRANSACTIONAL = "transactional"
    RELATIONAL = "relational"
    PROMOTIONAL = "promotional"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What makes a message unique: recipient and channel are not in it, so neither can cause a second copy.

    Args:
        shop: permanent id of the shop.
        rule: permanent id of the rule.
        scope: what the rule speaks about: ``8134``, ``8134/RR1CN`` or ``8134/RR1CN#erp#e-7``; it starts with the order.
        step: which delay of the rule, from 1.
    """

    shop: str
    rule: str
    scope: str
    step: int

    def __str__(self) -> str:
        return f"{self.shop}/{self.rule}/{self.scope}/{self.step}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the remote side said to one try, verbatim.

    Args:
        outcome: what to do next.
        reply: the remote side's words, or ours when there were none; at most 500 characters, no address in it.
        code: SMTP or HTTP status, 0 when there was none.
        retry_after: seconds the remote side asked us to wait, if it did.
        stage: how far the conversation had come (``rcpt``, ``end_of_data`` …); empty where there are no stages.
        status: enhanced status code such as ``5.1.1``, as the remote side gave it; empty when it gave none.
    """

    outcome: Outcome
    reply: str
    code: int = 0
    retry_after: float | None = None
    stage: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message as it leaves: every value that decides its bytes, fixed once. Composing it again gives the same bytes.

    Args:
        key: of the planned message.
        sender: ``Name <address>`` of the shop, as configured.
        recipient: the buyer's address, validated.
        recipient_name: display name, or empty.
        subject: one line of text.
        text: the plain text body, LF line ends.
        html: the HTML body; empty for a plain message.
        platform_text: the text for a platform's message channel.
        locale: BCP 47 tag of the language the bodies are written in.
        message_id: without angle brackets.
        date: the Date header; aware, UTC.
        headers: further headers, name and value, in order (``List-Unsubscribe`` …); on a platform what it wants to know of
            the order (``Order``, ``Placed-At``).
        return_path: envelope sender, where bounces go; empty: the shop's own address.
        channel: what it is composed for: ``email``, or ``platform``, where the text alone leaves.
        signature: the finished ``DKIM-Signature`` headers, made once when it is frozen; empty while, or where, it is not signed.
    """

    key: Key
    sender: str
    recipient: str
    recipient_name: str
    subject: str
    text: str
    html: str
    platform_text: str
    locale: str
    message_id: str
    date: datetime
    headers: tuple[tuple[str, str], ...] = ()
    return_path: str = ""
    signature: str = ""
    channel: str = EMAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenMessage:
    """What a transport carries.

    Args:
        key: of the planned message.
        sender: envelope sender, one bare address; on a platform the shop as it is configured.
        recipient: envelope recipient, one bare address; on a platform the buyer's name there, or the order.
        content: the finished mail, CRLF line ends, not yet dot-stuffed; on a platform the text in UTF-8.
        text: what a platform's chat channel shows; unused by e-mail.
        about: what a platform wants to know of the order, name and value: ``Order``, and ``Placed-At`` if that is known.
        written_at: when it was written, so before it was sent for the first time; None where nobody asks.
        doubt: whether it was perhaps sent before, and has to be looked for first.
    """

    key: Key
    sender: str
    recipient: str
    content: bytes
    text: str = ""
    about: tuple[tuple[str, str], ...] = ()
    written_at: datetime | None = None
    doubt: Doubt = Doubt.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMessage:
    """One row of the outbox: a promise to write, and what became of it. All instants are aware and UTC.

    Args:
        wanted_at: when facts and rule would have it leave.
        not_before: earliest instant allowed by retries, caps, holds and people; moves only forward.
        due_at: when it has to be looked at next: the first instant not before both that lies in the rule's window; for what
            is held or waits for a person, when the hold may be over or the message expires.
        buyer: who it is for, within the shop: ``id:…``, ``email:…``, or ``order:…`` when nothing is known of the buyer.
        urgent: it is claimed before all others.
        gated: the intake that brought it has not been judged yet (the valve); nobody may claim it.
        intake: the intake that made it wanted; 0 when there is none.
        cleared_at: when its guard was last passed under the buyer's lock; from then on it counts for caps.
        approved_by: the person who let it go; empty when nobody has.
        released_at: holds that began before this instant no longer hold it: a person has said so.
        carrier: id of the message it went out together with (state ``merged``).
        queue: in which line it waits: empty when it was never tried, ``retry`` after a try, ``account/…`` for an account that is
            in trouble or has no room.
        expires_at: from then on it is pointless.
        stale_at: from then on it is too old to be said for the first time.
        because: event, key or person that caused the present state.
        attempts: how often it was claimed.
        token: number of the present claim; a write-back with another token is refused.
    """

    key: Key
    order: str
    template: str
    category: Category
    trigger: str
    trigger_at: datetime
    shipment: str | None
    wanted_at: datetime
    due_at: datetime
    expires_at: datetime
    stale_at: datetime
    state: State = State.PLANNED
    reason: Reason | None = None
    because: str = ""
    not_before: datetime | None = None
    priority: int = 0
    id: int = 0
    channel: str | None = None
    transport: str | None = None
    locale: str | None = None
    variant: str | None = None
    owner: str | None = None
    token: int = 0
    attempts: int = 0
    lease_until: datetime | None = None
    message_id: str | None = None
    sent_at: datetime | None = None
    resend_at: datetime | None = None
    resent: bool = False
    reply: str | None = None
    buyer: str = ""
    urgent: bool = False
    gated: bool = False
    intake: int = 0
    cleared_at: datetime | None = None
    approved_by: str = ""
    released_at: datetime | None = None
    carrier: int | None = None
    queue: str = ""
