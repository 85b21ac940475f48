"""The plain timer of the demo: it sends what was scheduled, and its mistakes are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from messenger.demo.naive import Wrong, count_mistakes, is_night, naive_messages
from messenger.domain.events import Event, Patch

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PARCEL: dict[str, Patch] = {"shipment": {"number": "LK1CN"}}


def an_event(type_: str, *, days: float = 0, order: str | None = "1", data: dict[str, Patch] | None = None) -> Event:
    return Event(
        source="test",
        id=f"{type_}@{days}",
        type=type_,
        time=NOON + timedelta(days=days),
        shop="toys",
        order=order,
        data=data or {},
    )


def utc(_: str) -> ZoneInfo:
    return ZoneInfo("UTC")


def wrongs(template: str, *events: Event) -> set[Wrong]:
    sent = [one for one in naive_messages(events) if one.template == template]
    return {wrong for wrong, count in count_mistakes(sent, events, zone_of=utc).items() if count}


def test_a_job_fires_at_a_fixed_delay_from_the_time_of_its_event() -> None:
    messages = naive_messages([an_event("shipment.import_customs", data=PARCEL)])

    assert [(one.template, one.at - NOON) for one in messages] == [
        ("customs-arrived", timedelta(0)),
        ("customs-delay", timedelta(days=5)),
        ("customs-delay", timedelta(days=10)),
    ]
    assert {one.because for one in messages} == {"test#shipment.import_customs@0"}


def test_events_that_schedule_nothing_send_nothing() -> None:
    assert naive_messages([an_event("order.updated"), an_event("message.received", order=None)]) == []


def test_messages_come_by_time_whatever_the_order_of_the_events() -> None:
    events = [an_event("order.shipped", days=2, data=PARCEL), an_event("shipment.import_customs", data=PARCEL)]

    assert naive_messages(events) == naive_messages(events[::-1])
    assert [one.template for one in naive_messages(events)] == [
        "customs-arrived",
        "shipped",
        "customs-delay",
        "customs-delay",
    ]


@pytest.mark.parametrize(
    ("template", "events", "expected"),
    [
        pytest.param("shipped", [], set(), id="still true: right"),
        pytest.param("shipped", [an_event("order.cancelled", days=0.2)], {Wrong.AFTER_END}, id="cancelled before"),
        pytest.param("shipped", [an_event("order.cancelled", days=1.2)], set(), id="cancelled after: right when sent"),
        pytest.param("shipped", [an_event("refund.issued", days=0.5)], {Wrong.AFTER_END}, id="refunded"),
        pytest.param("shipped", [an_event("dispute.opened", days=0.5)], {Wrong.IN_DISPUTE}, id="in dispute"),
        pytest.param(
            "shipped",
            [an_event("dispute.opened", days=0.5), an_event("dispute.closed", days=0.7)],
            set(),
            id="dispute over",
        ),
        pytest.param(
            "shipped",
            [an_event("shipment.delivered", days=1, data=PARCEL)],
            {Wrong.AFTER_DELIVERY},
            id="arrived at that instant",
        ),
        pytest.param(
            "review-request",
            [an_event("shipment.delivered", days=1, data=PARCEL)],
            set(),
            id="a review is asked for after arrival",
        ),
    ],
)
def test_a_message_is_judged_by_the_order_as_it_was_when_it_was_sent(
    template: str, events: list[Event], expected: set[Wrong]
) -> None:
    assert wrongs(template, an_event("order.shipped", data=PARCEL), *events) == expected


@pytest.mark.parametrize(("hour", "night"), [(7, True), (8, False), (20, False), (21, True), (0, True)])
def test_night_is_before_eight_and_from_nine_in_the_evening(hour: int, *, night: bool) -> None:
    assert is_night(datetime(2026, 3, 2, hour, tzinfo=UTC), ZoneInfo("UTC")) is night


def test_night_is_the_buyers_night() -> None:
    events = [an_event("order.shipped", data=PARCEL)]
    sent = naive_messages(events)

    assert count_mistakes(sent, events, zone_of=utc)[Wrong.AT_NIGHT] == 0
    assert count_mistakes(sent, events, zone_of=lambda _: ZoneInfo("Pacific/Auckland"))[Wrong.AT_NIGHT] == 1


def test_mistakes_are_counted_by_kind() -> None:
    events = [
        an_event("order.shipped", data=PARCEL),
        an_event("dispute.opened", days=0.5),
        an_event("shipment.delivered", days=0.6, data=PARCEL),
        an_event("order.cancelled", days=0.7),
    ]

    assert count_mistakes(naive_messages(events), events, zone_of=utc) == {
        Wrong.AT_NIGHT: 2,  # a day and five days after a delivery at 02:24
        Wrong.IN_DISPUTE: 3,
        Wrong.AFTER_DELIVERY: 1,
        Wrong.AFTER_END: 3,
    }
