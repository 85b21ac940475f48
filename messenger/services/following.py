"""Following: the row after a try, as the outcome asks for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.breakers import queue_of
from messenger.domain.guarding import Go
from messenger.domain.messages import LOOK, PLATFORM, Outcome, PlannedMessage, Reason, Receipt, State
from messenger.domain.retry import is_full, wait_after
from messenger.domain.rules import Uncertain
from messenger.domain.shops import UncertainPolicy
from messenger.services.preparing import RETRY

LEFT_TO_STAFF: Final = "left to staff"
A_MOMENT: Final = timedelta(minutes=1)
"""How long a second copy waits when its account has no room for it."""


def following(
    message: PlannedMessage, go: Go, receipt: Receipt, *, now: datetime, policy: UncertainPolicy
) -> PlannedMessage:
    """Return the row after a try.

    Args:
        message: the row that was tried.
        go: how the guard let it pass.
        receipt: how the try ended.
        now: aware, UTC.
        policy: what to do when it was perhaps sent.
    """
    row = _after(message, go, receipt, now=now, policy=policy)
    if policy.then is not Uncertain.VERIFY or row.state is not State.UNCERTAIN or receipt.outcome is Outcome.UNCERTAIN:
        return row
    # A copy that was surely not taken may leave again, once it has been looked for; a look in vain changes nothing.
    return replace(row, reason=message.reason if receipt.stage == LOOK else Reason.RETRY)


def _after(
    message: PlannedMessage, go: Go, receipt: Receipt, *, now: datetime, policy: UncertainPolicy
) -> PlannedMessage:
    told = replace(message, reply=receipt.reply, reason=None, because="")
    match receipt.outcome:
        case Outcome.ACCEPTED:
            return replace(told, state=State.SENT, sent_at=now)
        case Outcome.PERMANENT if is_full(receipt):
            return _tried_later(told, go, receipt, now)
        case Outcome.PERMANENT:
            reason = Reason.PLATFORM_REFUSED if message.channel == PLATFORM else Reason.REFUSED
            return replace(told, state=State.FAILED, reason=reason, because=receipt.reply)
        case Outcome.UNCERTAIN:
            return _uncertain(told, policy, now, was_looked_for=receipt.stage == LOOK)
        case Outcome.ACCOUNT:
            return behind(replace(message, reply=message.reply), receipt.reply, now + A_MOMENT)
        case Outcome.TEMPORARY:
            return _tried_later(told, go, receipt, now)


def behind(message: PlannedMessage, why: str, again_at: datetime, *, reason: Reason = Reason.BREAKER) -> PlannedMessage:
    """Return the row in the line of its account: when it is due stays as it was, and no try is counted.

    Args:
        message: as it was claimed, its transport chosen.
        why: in words.
        again_at: when a second copy may be made.
        reason: the account is in trouble, or has no room.
    """
    uncounted = replace(message, attempts=max(0, message.attempts - 1))
    if message.state is State.UNCERTAIN:
        return replace(uncounted, resend_at=again_at)
    return replace(
        uncounted, state=State.PLANNED, reason=reason, because=f"{message.transport}: {why}"[:300],
        queue=queue_of(message.transport or ""), cleared_at=None,
    )  # fmt: skip


def later(
    message: PlannedMessage, go: Go, not_before: datetime, because: str, *, reason: Reason = Reason.RETRY
) -> PlannedMessage:
    """Return the row waiting until then, in the hours of its rule; expired when there are none left."""
    if message.state is State.UNCERTAIN:
        return replace(message, reason=Reason.REPLY_LOST, resend_at=not_before)
    due = go.wanted.openings.first(not_before)
    if due is None or due >= message.expires_at:
        return replace(message, state=State.EXPIRED, reason=Reason.DUE, because=because)
    return replace(
        message, state=State.PLANNED, reason=reason, because=because, not_before=not_before, due_at=due, cleared_at=None, queue=RETRY,
    )  # fmt: skip


def _tried_later(message: PlannedMessage, go: Go, receipt: Receipt, now: datetime) -> PlannedMessage:
    return later(message, go, now + wait_after(receipt, message.attempts, str(message.key)), receipt.reply)


def _uncertain(
    message: PlannedMessage, policy: UncertainPolicy, now: datetime, *, was_looked_for: bool
) -> PlannedMessage:
    """Perhaps it was accepted: the same once more, or a look for it, after the span from now; else a person decides."""
    once_more = policy.then is Uncertain.RESEND and not message.resent and message.resend_at is None
    again = once_more or (policy.then is Uncertain.VERIFY and not was_looked_for)
    return replace(
        message,
        state=State.UNCERTAIN,
        reason=Reason.REPLY_LOST,
        because="" if again else LEFT_TO_STAFF,
        resend_at=now + policy.resend_after if again else None,
    )
