"""Holds: facts during which nothing is said by itself, because a person has the word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.orders import Order
from messenger.domain.rules import Hold, Rule

UNANSWERED: Final = timedelta(hours=72)
"""After so long a silence of staff the buyer hears from us again; staff are told. Source: DESIGN of holds, docs/explanation."""
BAD_REVIEW: Final = 3
"""Stars; a review of no more than this is for a person to answer."""
_ENDS_A_CONVERSATION: Final = frozenset({"message.answered", "conversation.closed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One fact that holds an order's messages.

    Args:
        hold: its kind.
        because: the event, dispute or source behind it.
        since: when it began; a person's release after that instant lifts it.
        until: when it ends by itself; None when only an event or a person ends it.
    """

    hold: Hold
    because: str
    since: datetime
    until: datetime | None = None

    def __str__(self) -> str:
        return f"{self.hold} {self.because}".strip()


def holdings(order: Order) -> Iterator[Holding]:
    """Yield every hold that the order's own facts tell of, in the order of ``Hold``."""
    dispute = order.open_dispute
    if dispute is not None:
        yield Holding(hold=Hold.DISPUTE, because=dispute.id, since=dispute.opened_at)
    unanswered = _unanswered(order)
    if unanswered is not None:
        yield unanswered
    if order.refunds:
        yield Holding(hold=Hold.REFUND, because="", since=order.refunds[-1].issued_at)
    review = order.review
    if review is not None and review.stars is not None and review.stars <= BAD_REVIEW:
        since = max(moment.at for moment in order.history if moment.type.startswith("review."))
        yield Holding(hold=Hold.REVIEW, because=f"{review.stars} stars", since=since)


def holding(order: Order, rule: Rule, *, released_at: datetime | None, now: datetime | None = None) -> Holding | None:
    """Return the first hold that stands between the rule and the buyer; None when nothing does.

    Args:
        order: as it is now.
        rule: whose ``holds`` count.
        released_at: when a person let the message go; what began later holds it again.
        now: None asks for the facts alone, whatever the time.
    """
    for one in holdings(order):
        lifted = released_at is not None and one.since <= released_at
        over = now is not None and one.until is not None and now >= one.until
        if one.hold in rule.holds and not lifted and not over:
            return one
    return None


def _unanswered(order: Order) -> Holding | None:
    """The buyer's last message, if staff have not had the last word yet."""
    for moment in reversed(order.history):
        if moment.type in _ENDS_A_CONVERSATION:
            return None
        if moment.type == "message.received":
            return Holding(
                hold=Hold.CONVERSATION, because=moment.event_id, since=moment.at, until=moment.at + UNANSWERED
            )
    return None
