"""Holds are facts of the order; each lasts until its own end, or until a person lifts it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messenger.domain.events import Event
from messenger.domain.folding import fold
from messenger.domain.holds import UNANSWERED, holding, holdings
from messenger.domain.rules import ALL_HOLDS, Hold, OnEvent, Rule
from tests.builders import event, utc

BEGUN = {
    Hold.DISPUTE: event("dispute.opened", at="2026-03-03T10:00", dispute={"id": "D1"}),
    Hold.CONVERSATION: event("message.received", at="2026-03-03T10:00", message={"id": "m1", "text": "?"}),
    Hold.REFUND: event("refund.issued", at="2026-03-03T10:00", refund={"amount": "5.00", "currency": "USD"}),
    Hold.REVIEW: event("review.posted", at="2026-03-03T10:00", review={"stars": 2}),
}
ENDED = {
    "dispute.closed": (Hold.DISPUTE, event("dispute.closed", at="2026-03-04T10:00", dispute={"id": "D1"})),
    "message.answered": (Hold.CONVERSATION, event("message.answered", at="2026-03-04T10:00", message={"id": "m2"})),
    "conversation.closed": (Hold.CONVERSATION, event("conversation.closed", at="2026-03-04T10:00")),
    "review.changed": (Hold.REVIEW, event("review.changed", at="2026-03-04T10:00", review={"stars": 4})),
}
LATER = utc("2026-03-05T10:00")


def rule(holds: frozenset[Hold] = ALL_HOLDS) -> Rule:
    return Rule(name="shipped", template="shipped", trigger=OnEvent(types=("order.shipped",)), holds=holds)


def held_by(*told: Event, holds: frozenset[Hold] = ALL_HOLDS, **asked: object) -> Hold | None:
    order = fold([event("order.paid"), *told])
    found = holding(order, rule(holds), released_at=asked.get("released_at"), now=asked.get("now"))  # type: ignore[arg-type]  # instants or None
    return found.hold if found else None


def test_a_plain_order_is_held_by_nothing() -> None:
    assert held_by() is None


@pytest.mark.parametrize("hold", BEGUN)
def test_each_fact_holds_those_rules_that_heed_it(hold: Hold) -> None:
    assert held_by(BEGUN[hold]) is hold
    assert held_by(BEGUN[hold], holds=ALL_HOLDS - {hold}) is None


@pytest.mark.parametrize("ending", ENDED)
def test_each_hold_ends_with_its_own_event(ending: str) -> None:
    hold, event_ = ENDED[ending]

    assert held_by(BEGUN[hold], event_) is None


def test_an_answer_before_the_last_question_ends_nothing() -> None:
    answered = event("message.answered", at="2026-03-03T09:00", message={"id": "m0"})

    assert held_by(answered, BEGUN[Hold.CONVERSATION]) is Hold.CONVERSATION


def test_the_worst_fact_is_told_first() -> None:
    assert held_by(*reversed(BEGUN.values())) is Hold.DISPUTE


@pytest.mark.parametrize("hold", BEGUN)
def test_a_release_lifts_what_began_before_it_and_not_what_begins_after_it(hold: Hold) -> None:
    began = utc("2026-03-03T10:00")

    assert held_by(BEGUN[hold], released_at=began) is None
    assert held_by(BEGUN[hold], released_at=began - timedelta(seconds=1)) is hold


def test_an_unanswered_conversation_ends_after_three_days_and_nothing_else_does() -> None:
    over = utc("2026-03-03T10:00") + UNANSWERED

    assert held_by(BEGUN[Hold.CONVERSATION], now=over - timedelta(seconds=1)) is Hold.CONVERSATION
    assert held_by(BEGUN[Hold.CONVERSATION], now=over) is None
    assert held_by(BEGUN[Hold.DISPUTE], now=over + timedelta(days=300)) is Hold.DISPUTE


def test_the_clock_of_a_conversation_starts_anew_with_each_message_of_the_buyer() -> None:
    again = event("message.received", at="2026-03-05T10:00", message={"id": "m2"})

    (found,) = holdings(fold([event("order.paid"), BEGUN[Hold.CONVERSATION], again]))

    assert found.until == LATER + UNANSWERED


@pytest.mark.parametrize(("stars", "holds"), [(1, True), (3, True), (4, False), (5, False)])
def test_only_a_bad_review_holds(stars: int, *, holds: bool) -> None:
    posted = event("review.posted", at="2026-03-03T10:00", review={"stars": stars})

    assert (held_by(posted) is Hold.REVIEW) is holds


def test_a_hold_says_what_it_is_about() -> None:
    told = [str(one) for one in holdings(fold([event("order.paid"), *BEGUN.values()]))]

    assert told[0] == "dispute D1"
    assert told[1].startswith("conversation erp#")
    assert told[2:] == ["refund", "review 2 stars"]
