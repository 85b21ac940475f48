"""States and reasons as sentences that a seller understands. Pages, ``explain``, ``simulate`` and the API share them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from messenger.domain.messages import Reason, State

STATE_SENTENCES: Final[Mapping[State, str]] = {
    State.PLANNED: "will be sent when it is due",
    State.HELD: "waits until what holds it has been settled",
    State.WAITING_APPROVAL: "waits for a person to approve it",
    State.AWAITING_STAFF: "waits for a person to send it by hand",
    State.CLAIMED: "is being prepared by a worker",
    State.SENDING: "is on its way out",
    State.UNCERTAIN: "was perhaps delivered: the answer was lost",
    State.SENT: "was sent",
    State.BOUNCED: "came back",
    State.COMPLAINED: "was marked as spam by the buyer",
    State.FAILED: "could not be sent",
    State.CANCELLED: "was cancelled",
    State.SUPERSEDED: "gave way to another message",
    State.MERGED: "went out together with another message",
    State.EXPIRED: "expired before it could be sent",
    State.SKIPPED: "was left out",
}

REASON_SENTENCES: Final[Mapping[Reason, str]] = {
    Reason.WHERE_FAILED: "the rule's conditions do not hold",
    Reason.ONCE: "the buyer was already written to by this rule",
    Reason.GROUP: "another rule of its group speaks instead",
    Reason.STALE_EVENT: "it should have left too long ago",
    Reason.NO_RECIPIENT: "there is no address to write to",
    Reason.NO_CHANNEL: "the shop has no channel for it",
    Reason.MISSING_DATA: "the text needs something that is not known",
    Reason.POLICY: "the platform does not allow this text",
    Reason.SUPPRESSED: "the buyer does not want such messages",
    Reason.RULE_REMOVED: "its rule no longer exists",
    Reason.DESK_FULL: "staff had no time for it that day",
    Reason.REHEARSAL: "the shop is rehearsing: nothing leaves",
    Reason.ALREADY_TOLD: "the buyer was already told",
    Reason.ERASED: "the order is no longer kept",
    Reason.EVENT: "something happened that makes it pointless",
    Reason.STAFF: "a person stopped it",
    Reason.DECLINED: "a person declined it",
    Reason.DUE: "it was not sent in time",
    Reason.HOLD: "what held it was not settled in time",
    Reason.CAP: "the buyer had been written to often enough",
    Reason.WINDOW: "there was no suitable hour before it expired",
    Reason.APPROVAL: "it needs a person's approval",
    Reason.BREAKER: "the mail account was in trouble for too long",
    Reason.REFUSED: "the mail server refused it for good",
    Reason.PLATFORM_REFUSED: "the platform refused it",
    Reason.POISON: "it failed again and again without a result",
    Reason.CRASHED: "the program stopped while it was being sent",
    Reason.REPLY_LOST: "the server's answer did not arrive",
    Reason.RETRY: "the first try did not succeed; it will be tried again",
}


def sentence(state: str, reason: str = "") -> str:
    """Return state and reason as one sentence without a full stop; an unknown word is shown as it is."""
    told = STATE_SENTENCES[State(state)] if state in {*State} else state
    if state == State.HELD:
        return told
    why = REASON_SENTENCES[Reason(reason)] if reason in {*Reason} else reason
    return f"{told}: {why}" if why else told
