"""Deadlines that follow from what a platform tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.domain.deadlines import DERIVABLE, MOMENTS, with_derived
from messenger.domain.folding import fold
from messenger.domain.orders import Deadline, Order
from messenger.domain.shops import Derived, Policy
from messenger.domain.timing import Span
from tests.builders import event, parcel, utc

PLATFORM = Policy(
    platform="aliexpress",
    derived={
        Deadline.PAY_BY: Derived(since="placed_at", span=Span(days=20)),
        Deadline.REVIEW_BY: Derived(since="received_at", span=Span(days=30)),
    },
)


def derived(*told: Mapping[str, object] | str, policy: Policy = PLATFORM) -> Order:
    """An order placed by its first event; a text is the type of one more event, a day later each."""
    events = []
    for number, one in enumerate(told or ({},)):
        at = (utc("2026-03-02T10:15") + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M")
        events.append(event(one, at=at) if isinstance(one, str) else event("order.placed", at=at, told=one))
    return with_derived(fold(events), policy)


def test_an_unpaid_order_closes_so_long_after_it_was_placed() -> None:
    assert derived({"placed_at": "2026-03-01T09:00:00Z"}).pay_by == utc("2026-03-21T09:00")


def test_the_time_of_the_event_counts_where_the_platform_tells_no_moment() -> None:
    assert derived().pay_by == utc("2026-03-22T10:15")
    assert derived({}, "order.received").review_by == utc("2026-04-02T10:15")


def test_of_several_such_events_the_first_counts() -> None:
    assert derived({}, "order.placed", "order.received", "order.received").pay_by == utc("2026-03-22T10:15")
    assert derived({}, "order.received", "order.received").review_by == utc("2026-04-02T10:15")


def test_what_the_platform_told_wins() -> None:
    assert derived({"pay_by": "2026-03-05T00:00:00Z"}).pay_by == utc("2026-03-05T00:00")


def test_what_the_platform_took_back_is_derived_again() -> None:
    assert derived({"pay_by": "2026-03-05T00:00:00Z"}, {"pay_by": None}).pay_by == utc("2026-03-22T10:15")


def test_a_deadline_whose_moment_is_not_known_stays_empty() -> None:
    order = with_derived(fold([event("order.paid"), parcel("delivered", at="2026-03-09T08:00")]), PLATFORM)

    assert (order.pay_by, order.review_by) == (None, None)


def test_an_arrived_parcel_is_no_receipt_and_a_pending_payment_no_order() -> None:
    arrived = [event("order.payment_pending"), event("order.shipped"), parcel("delivered", at="2026-03-09T08:00")]

    assert with_derived(fold(arrived), PLATFORM) == fold(arrived)


@pytest.mark.parametrize(
    ("span", "placed", "expected"),
    [
        pytest.param(Span(days=20), "2026-03-20T10:00:00+01:00", "2026-04-09T09:00", id="days have 24 hours, whatever clocks do"),
        pytest.param(Span(elapsed=timedelta(hours=72)), "2026-03-28T10:00:00Z", "2026-03-31T10:00", id="hours"),
        pytest.param(Span(business=2), "2026-03-06T23:30:00+08:00", "2026-03-10T15:30", id="business days"),
    ],
)  # fmt: skip
def test_days_are_counted_in_utc(span: Span, placed: str, expected: str) -> None:
    policy = Policy(derived={Deadline.PAY_BY: Derived(since="placed_at", span=span)})

    assert derived({"placed_at": placed}, policy=policy).pay_by == utc(expected)


def test_without_a_policy_nothing_is_derived() -> None:
    order = fold([event("order.placed")])

    assert with_derived(order, Policy()) is order


def test_the_deadline_of_a_dispute_is_the_disputes_own() -> None:
    policy = Policy(derived={Deadline.ANSWER_BY: Derived(since="placed_at", span=Span(days=1))})
    order = fold([event("order.placed")])

    assert with_derived(order, policy) is order
    assert Deadline.ANSWER_BY not in DERIVABLE


def test_a_moment_that_is_none_derives_nothing() -> None:
    order = fold([event("order.placed")])

    assert with_derived(order, Policy(derived={Deadline.PAY_BY: Derived(since="status", span=Span(days=1))})) is order


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(DERIVABLE)),
    st.sampled_from(sorted(MOMENTS)),
    st.integers(1, 90),
    st.permutations(["order.placed", "order.paid", "order.shipped", "order.received", "order.completed"]),
)
def test_a_derived_deadline_comes_so_long_after_its_moment_in_any_order_of_arrival(
    deadline: Deadline, since: str, days: int, arrival: list[str]
) -> None:
    when = {type_: utc(f"2026-03-{day:02}T10:15") for day, type_ in enumerate(sorted(arrival), start=2)}
    events = [event(type_, at=when[type_].strftime("%Y-%m-%dT%H:%M")) for type_ in arrival]
    policy = Policy(derived={deadline: Derived(since=since, span=Span(days=days))})
    order = with_derived(fold(events), policy)
    found: datetime = getattr(order, deadline)

    assert found - when[MOMENTS[since]] == timedelta(days=days)
    assert with_derived(order, policy) is order
