"""Caps: how many messages an order or a buyer may get within a sliding span. They postpone, they never drop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from messenger.domain.messages import PlannedMessage, State
from messenger.domain.rules import Cap, Rule

_LEFT: Final = frozenset({State.SENDING, State.UNCERTAIN, State.SENT, State.BOUNCED, State.COMPLAINED})


def counts_from(row: PlannedMessage, now: datetime) -> datetime | None:
    """Return when a message began to count for caps; None when it does not.

    What has been cleared but not yet sent counts as of ``now``: nobody knows how long it will take. A merged message does
    not count beside the one it went out with.
    """
    if row.state in _LEFT:
        return row.sent_at or now
    if row.state is State.CLAIMED and row.cleared_at is not None:
        return now
    return None


def opens_at(cap: Cap, times: Iterable[datetime], now: datetime) -> datetime | None:
    """Return when one more message may go without exceeding the cap; None when it may go now.

    Args:
        cap: at most ``count`` within any ``span``; what lies exactly one span back no longer counts.
        times: when the others counted.
        now: aware, UTC.
    """
    recent = sorted(at for at in times if at > now - cap.span)
    if len(recent) < cap.count:
        return None
    return recent[len(recent) - cap.count] + cap.span


def capped_until(message: PlannedMessage, rule: Rule, rows: Sequence[PlannedMessage], now: datetime) -> datetime | None:
    """Return until when caps keep a message waiting; None when they do not.

    Args:
        message: which one; it does not count for itself.
        rule: whose caps hold for it.
        rows: all messages of its buyer that count.
        now: aware, UTC.
    """
    if rule.caps.per_order is None and rule.caps.per_buyer is None:
        return None
    counted = [(row, at) for row in rows if row.key != message.key and (at := counts_from(row, now)) is not None]
    of_order = [at for row, at in counted if row.order == message.order]
    of_buyer = [at for _, at in counted]
    waits = [
        until
        for cap, times in ((rule.caps.per_order, of_order), (rule.caps.per_buyer, of_buyer))
        if cap is not None and (until := opens_at(cap, times, now)) is not None
    ]
    return max(waits, default=None)
