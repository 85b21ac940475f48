"""Reviews: answering one, and what the seller says of a buyer. Source: docs/sources.md, S41."""

from __future__ import annotations

from typing import Final

from messenger.platforms.aliexpress.session import Session

REPLY: Final = "aliexpress.evaluation.evaluation.reply"
FEEDBACK: Final = "aliexpress.appraise.redefining.savesellerfeedback"
DOOR: Final = "reviews"
LEAST, MOST = 1, 5


def reply(session: Session, *, order: str, line: str, text: str) -> None:
    """Answer the review of one line of an order. Made once: answering twice is for a person to decide.

    Raises:
        ValueError: there is no text.
        CallFailed: the platform refuses it; ``may_have_worked`` says whether it may stand there all the same.
        SourceAway, SourceShut: there is no token that could be used.
    """
    if not text.strip():
        raise ValueError("an answer to a review has a text")
    session.once(REPLY, {"parent_order_id": order, "child_order_id": line, "text": text})


def rate_buyer(session: Session, *, order: str, score: int, text: str) -> None:
    """Give the buyer of an order from one to five stars.

    Raises:
        ValueError: that many stars there are not.
        CallFailed, SourceAway, SourceShut: as ``reply``.
    """
    if not LEAST <= score <= MOST:
        raise ValueError(f"a buyer gets from {LEAST} to {MOST} stars, not {score}")
    session.once(FEEDBACK, {"param1": {"order_id": order, "score": score, "feedback_content": text}})
