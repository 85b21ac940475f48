"""The laws of folding: whatever the order of arrival, and however often, the same events tell the same order."""

from __future__ import annotations

import random
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.domain.events import Event, Item, ShipmentState, parse_event
from messenger.domain.folding import STATUS_OF, fold
from messenger.domain.orders import Moment, Order, OrderStatus
from tests.builders import document, event, parcel, utc

MONDAY, TUESDAY, WEDNESDAY = "2026-03-02T10:00", "2026-03-03T10:00", "2026-03-04T10:00"
RANK = list(ShipmentState)
MAY_GO_BACK = {ShipmentState.DELIVERY_FAILED, ShipmentState.EXCEPTION, ShipmentState.EXPIRED}
ARRIVED = {ShipmentState.DELIVERED, ShipmentState.RETURNED}


def state_after(*states: str) -> ShipmentState:
    lines = [parcel(state, at=f"2026-03-{day:02}T10:00") for day, state in enumerate(states, start=1)]
    return fold([event("order.shipped", at="2026-02-01T10:00"), *lines]).shipments[0].state


def arrivals(order: Order) -> list[Moment]:
    return [moment for moment in order.history if moment.type == "order.delivered"]


# Any order of arrival, with repeats

hours = st.integers(0, 12).map(lambda hour: f"2026-03-02T{hour:02}:00")
maybe = st.none()
order_told = st.fixed_dictionaries(
    {},
    optional={
        "total": maybe | st.sampled_from(["5.00", "12.90"]),
        "pay_by": maybe | st.sampled_from(["2026-03-20T18:00:00Z", "2026-03-22T18:00:00+03:00"]),
        "platform_status": maybe | st.sampled_from(["A", "B", "C"]),
        "items": maybe | st.lists(st.sampled_from([{"title": "Doll"}, {"title": "Box", "quantity": 2}]), max_size=2),
    },
)
buyer_told = st.fixed_dictionaries(
    {}, optional={"name": maybe | st.sampled_from(["Ana", "Eva"]), "tags": maybe | st.lists(st.sampled_from("ab"), max_size=2)}
)  # fmt: skip
shipment_told = st.fixed_dictionaries(
    {"number": st.sampled_from(["A", "B", "C"])},
    optional={
        "previous_number": st.sampled_from(["A", "B", "C"]),
        "carrier": maybe | st.sampled_from(["Post", "Cainiao"]),
        "place": st.sampled_from(["Madrid", "Shenzhen"]),
        "at": hours.map(lambda hour: f"{hour}:00Z"),
    },
)
few_ids = st.sampled_from(["e-1", "e-2", "e-3", "e-4", "e-5", "e-6"])
order_events = st.builds(
    lambda type_, at, id_, order, buyer: event(type_, at=at, id_=f"o{id_}", told=order, buyer=buyer),
    st.sampled_from([*STATUS_OF, "order.updated", "order.cancel_requested"]),
    hours,
    few_ids,
    order_told,
    buyer_told,
)
shipment_events = st.builds(
    lambda state, at, id_, told: event(f"shipment.{state}", at=at, id_=f"s{id_}", shipment=told),
    st.sampled_from([*ShipmentState, "updated"]),
    hours,
    few_ids,
    shipment_told,
)


def other_event(type_: str, *, at: str, id_: str) -> Event:
    section = type_.partition(".")[0]
    data = {"shop": "toys", section: OTHER[type_]}
    return parse_event(document(type_, id=id_, source="erp", time=f"{at}:00Z", data=data))


other_events = st.builds(
    lambda type_, at, id_: other_event(type_, at=at, id_=f"x{id_}"),
    st.sampled_from([
        "dispute.opened", "dispute.updated", "dispute.closed", "refund.issued", "review.posted", "review.changed",
        "message.received", "buyer.unsubscribed",
    ]),
    hours,
    few_ids,
)  # fmt: skip
OTHER: dict[str, dict[str, object]] = {
    "dispute.opened": {"id": "d", "reason": "late"},
    "dispute.updated": {"id": "d", "answer_by": "2026-03-09T00:00:00Z"},
    "dispute.closed": {"id": "d", "reason": None},
    "refund.issued": {"amount": "5.00", "currency": "USD"},
    "review.posted": {"stars": 2},
    "review.changed": {"stars": 5, "text": "good"},
    "message.received": {"language": "es"},
    "buyer.unsubscribed": {"language": "es"},
}
stories = st.lists(
    order_events | shipment_events | other_events, min_size=1, max_size=9, unique_by=lambda one: one.ref
).map(lambda told: [event("order.placed", at="2026-03-02T05:00", id_="first"), *told])


@settings(max_examples=120, deadline=None)
@given(stories, st.randoms(use_true_random=False))
def test_any_order_of_arrival_with_repeats_gives_the_same_order(story: list[Event], chance: random.Random) -> None:
    arrived = [*story, *chance.choices(story, k=len(story))]
    chance.shuffle(arrived)

    assert fold(arrived) == fold(story)


@settings(max_examples=120, deadline=None)
@given(stories)
def test_every_field_holds_what_was_told_last(story: list[Event]) -> None:
    order = fold(story)

    for name, empty in (("total", None), ("pay_by", None), ("platform_status", None), ("items", ())):
        told = [one for one in story if name in one.data.get("order", {})]
        last = max(told, key=lambda one: (one.time, one.id), default=None)
        expected = last.data["order"][name] if last else None
        assert getattr(order, name) == (empty if expected is None else expected)


@settings(max_examples=120, deadline=None)
@given(stories)
def test_a_parcel_never_goes_back_by_itself(story: list[Event]) -> None:
    order = fold(story)

    for shipment in order.shipments:
        state: ShipmentState | None = None
        for line in shipment.checkpoints:
            if state is None or state in MAY_GO_BACK:
                state = line.state
            elif state in ARRIVED:
                returns = {ShipmentState.RETURNING, ShipmentState.RETURNED, ShipmentState.EXCEPTION}
                state = line.state if line.state in returns else state
            else:
                state = max(state, line.state, key=RANK.index)
        assert shipment.state is (state or ShipmentState.UNKNOWN)


@settings(max_examples=120, deadline=None)
@given(stories)
def test_an_order_arrives_once_when_all_its_parcels_have(story: list[Event]) -> None:
    order = fold(story)

    assert len(arrivals(order)) == order.all_delivered
    for moment in arrivals(order):
        assert moment.at == max(one.state_since for one in order.shipments if one.state_since)
        assert any(moment.event_id == one.event_id for one in order.history if one.type != "order.delivered")


@settings(max_examples=80, deadline=None)
@given(stories)
def test_history_tells_every_event_once_in_order(story: list[Event]) -> None:
    order = fold(story)
    told = [moment for moment in order.history if moment.type != "order.delivered"]

    assert sorted(moment.event_id for moment in told) == sorted(one.ref for one in story)
    assert [moment.at for moment in order.history] == sorted(moment.at for moment in order.history)


@settings(max_examples=80, deadline=None)
@given(stories)
def test_each_number_belongs_to_one_parcel(story: list[Event]) -> None:
    order = fold(story)
    numbers = [number for shipment in order.shipments for number in shipment.numbers]

    assert len(numbers) == len(set(numbers))
    assert len({shipment.id for shipment in order.shipments}) == len(order.shipments)
    assert all(shipment.number == shipment.numbers[-1] for shipment in order.shipments)


# Fields


def test_the_latest_event_wins_field_by_field() -> None:
    order = fold([
        event("order.updated", at=TUESDAY, told={"total": "12.90"}),
        event("order.paid", at=MONDAY, told={"total": "5.00", "currency": "USD"}),
    ])  # fmt: skip

    assert (order.total, order.currency) == (Decimal("12.90"), "USD")


def test_a_tie_is_decided_by_the_events_id() -> None:
    one = event("order.updated", id_="e-1", buyer={"name": "Ana"})
    two = event("order.updated", id_="e-2", buyer={"name": "Eva"})

    assert fold([one, two]).buyer.name == fold([two, one]).buyer.name == "Eva"


def test_null_clears_and_a_missing_field_does_not() -> None:
    paid = event("order.paid", at=MONDAY, buyer={"name": "Ana", "city": "Madrid", "tags": ["vip"]})
    cleared = event("order.updated", at=TUESDAY, buyer={"name": None, "tags": None})
    buyer = fold([cleared, paid]).buyer

    assert (buyer.name, buyer.city, buyer.tags) == (None, "Madrid", ())


def test_a_list_is_replaced_whole() -> None:
    first = event("order.placed", at=MONDAY, told={"items": [{"title": "Doll"}, {"title": "Box"}]})
    second = event("order.updated", at=TUESDAY, told={"items": [{"title": "Car"}]})

    assert fold([second, first]).items == (Item(title="Car"),)


def test_events_of_other_sources_with_the_same_id_are_other_events() -> None:
    told = [
        event("order.paid", source=source, id_=id_)
        for source, id_ in (("erp", "x#1"), ("erp#x", "1"), ("tracker", "1"))
    ]

    assert len(fold(told).history) == 3


def test_without_an_order_number_there_is_no_order() -> None:
    with pytest.raises(ValueError, match="names an order"):
        fold([event("buyer.unsubscribed", order=None, buyer={"id": "b-1"})])


# Status


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        pytest.param(["order.updated"], OrderStatus.PLACED, id="nothing told"),
        pytest.param(["order.payment_pending"], OrderStatus.PLACED, id="still to be paid"),
        pytest.param(["order.paid", "order.placed"], OrderStatus.PAID, id="a late word does not take it back"),
        pytest.param(["order.shipped", "order.partly_shipped"], OrderStatus.SHIPPED, id="shipped outranks partly"),
        pytest.param(["order.cancelled", "order.paid"], OrderStatus.CANCELLED, id="cancelled outranks all"),
        pytest.param(["order.paid", "order.cancel_requested"], OrderStatus.PAID, id="a request changes nothing"),
        pytest.param(["order.paid", "order.frozen"], OrderStatus.FROZEN, id="frozen"),
        pytest.param(["order.paid", "order.frozen", "order.updated"], OrderStatus.FROZEN, id="an update thaws nothing"),
        pytest.param(["order.paid", "order.frozen", "order.paid"], OrderStatus.PAID, id="told otherwise"),
        pytest.param(
            ["order.shipped", "order.frozen", "order.paid"], OrderStatus.SHIPPED, id="thawed at its highest rank"
        ),
        pytest.param(["order.frozen", "order.cancelled"], OrderStatus.CANCELLED, id="frozen, then cancelled"),
    ],
)
def test_the_status_is_derived_by_rank(types: list[str], expected: OrderStatus) -> None:
    told = [event(type_, at=f"2026-03-{day:02}T10:00") for day, type_ in enumerate(types, start=1)]

    assert {fold(arrived).status for arrived in permutations(told)} == {expected}


@pytest.mark.parametrize(("low", "high"), list(zip(list(OrderStatus)[:-2], list(OrderStatus)[1:-1], strict=True)))
def test_each_status_outranks_the_one_before(low: OrderStatus, high: OrderStatus) -> None:
    told = [event(f"order.{high}", at=MONDAY), event(f"order.{low}", at=TUESDAY)]

    assert fold(told).status is high


# Parcels


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param(["in_transit", "import_customs"], "import_customs", id="onward"),
        pytest.param(["import_customs", "in_transit"], "import_customs", id="not back"),
        pytest.param(["delivery_failed", "out_for_delivery"], "out_for_delivery", id="back after a failed delivery"),
        pytest.param(["exception", "in_transit"], "in_transit", id="back after an exception"),
        pytest.param(["expired", "import_customs"], "import_customs", id="back after silence"),
        pytest.param(["returning", "in_transit"], "returning", id="not back while it returns"),
        pytest.param(["delivered", "in_transit"], "delivered", id="delivered stays"),
        pytest.param(["delivered", "delivery_failed"], "delivered", id="delivered: nothing failed"),
        pytest.param(["delivered", "expired"], "delivered", id="delivered does not expire"),
        pytest.param(["delivered", "returning"], "returning", id="delivered, then returning"),
        pytest.param(["delivered", "returned"], "returned", id="delivered, then returned"),
        pytest.param(["delivered", "exception"], "exception", id="delivered, then found damaged"),
        pytest.param(["returned", "delivered"], "returned", id="returned stays"),
        pytest.param(["returned", "expired"], "returned", id="returned does not expire"),
        pytest.param(["returned", "exception"], "exception", id="returned, then found damaged"),
        pytest.param(["unknown"], "unknown", id="nothing known"),
    ],
)
def test_a_parcel_moves_on(states: list[str], expected: str) -> None:
    assert state_after(*states) is ShipmentState(expected)


@pytest.mark.parametrize("after", ShipmentState)
@pytest.mark.parametrize("arrived", sorted(ARRIVED))
def test_after_arrival_only_a_return_or_an_exception_counts(arrived: ShipmentState, after: ShipmentState) -> None:
    counts = after in {ShipmentState.RETURNING, ShipmentState.RETURNED, ShipmentState.EXCEPTION}

    assert state_after(arrived, after) is (after if counts else arrived)


def test_lines_of_the_same_moment_are_read_in_the_order_a_parcel_passes_them() -> None:
    lines = [
        parcel("delivered", at=MONDAY, id_="a"), parcel("out_for_delivery", at=MONDAY, id_="b"), event("order.shipped", at=MONDAY, id_="c"),
    ]  # fmt: skip
    order = fold(lines)

    assert order.shipments[0].state is ShipmentState.DELIVERED
    assert all(moment.counts for moment in order.history)


def test_a_line_is_placed_by_its_own_time_not_by_the_time_it_was_told() -> None:
    told_late = event("shipment.import_customs", at=WEDNESDAY, shipment={"number": "RR1CN", "at": f"{MONDAY}:00Z"})
    delivered = parcel("delivered", at=TUESDAY)
    shipment = fold([event("order.shipped", at=MONDAY), told_late, delivered]).shipments[0]

    assert (shipment.state, shipment.delivered_at) == (ShipmentState.DELIVERED, utc(TUESDAY))
    assert [line.at for line in shipment.checkpoints] == [utc(MONDAY), utc(TUESDAY)]


def test_an_ignored_line_ends_a_silence_but_starts_nothing() -> None:
    order = fold(
        [event("order.shipped", at=MONDAY), parcel("delivered", at=TUESDAY), parcel("in_transit", at=WEDNESDAY)]
    )

    assert order.shipments[0].moved_at == utc(WEDNESDAY)
    assert [(moment.type, moment.counts) for moment in order.history if moment.type.startswith("shipment.")] == [
        ("shipment.delivered", True),
        ("shipment.in_transit", False),
    ]


def test_a_fact_about_the_order_counts_whatever_it_says_of_the_parcel() -> None:
    received = event("order.received", at=WEDNESDAY, shipment={"number": "RR1CN", "state": "in_transit"})
    order = fold([parcel("delivered", at=TUESDAY), received])

    assert order.shipments[0].state is ShipmentState.DELIVERED
    assert next(moment for moment in order.history if moment.type == "order.received").counts


def test_a_state_told_again_keeps_its_beginning_and_takes_the_newer_place() -> None:
    shipment = fold([
        event("order.shipped", at=MONDAY), parcel("import_customs", at=TUESDAY, place="Moscow"),
        parcel("import_customs", at=WEDNESDAY, place="Kazan"),
    ]).shipments[0]  # fmt: skip

    assert (shipment.state_since, shipment.moved_at, shipment.place) == (utc(TUESDAY), utc(WEDNESDAY), "Kazan")


def test_fields_of_a_parcel_follow_the_latest_event() -> None:
    shipment = fold([
        event("order.shipped", at=MONDAY), parcel("picked_up", at=MONDAY, carrier="Cainiao", method="epacket"),
        parcel("updated", at=TUESDAY, carrier=None),
    ]).shipments[0]  # fmt: skip

    assert (shipment.carrier, shipment.method, shipment.state) == (None, "epacket", ShipmentState.PICKED_UP)


# Numbers

RENUMBERED = [
    event("order.shipped", at="2026-03-01T10:00"),
    parcel("picked_up", at=MONDAY, number="OLD"),
    parcel("updated", at=TUESDAY, number="NEW", previous_number="OLD"),
    parcel("delivered", at=WEDNESDAY, number="NEW"),
]


@pytest.mark.parametrize("arrived", list(permutations(RENUMBERED)), ids=[str(number) for number in range(24)])
def test_a_renumbered_parcel_is_one_shipment(arrived: tuple[Event, ...]) -> None:
    order = fold(arrived)

    assert len(order.shipments) == 1
    assert (order.shipments[0].id, order.shipments[0].number, order.shipments[0].numbers) == (
        "OLD",
        "NEW",
        ("OLD", "NEW"),
    )
    assert order.shipment("OLD") is order.shipment("NEW") is order.shipments[0]
    assert {moment.shipment for moment in order.history if moment.shipment} == {"OLD"}
    assert order.all_delivered


def test_a_parcel_renumbered_twice_is_one_shipment_whatever_came_first() -> None:
    chain = [
        event("order.shipped", at="2026-03-01T10:00"), parcel("updated", at=WEDNESDAY, number="C", previous_number="B"),
        parcel("updated", at=TUESDAY, number="B", previous_number="A"), parcel("picked_up", at=MONDAY, number="A"),
    ]  # fmt: skip
    folded = {fold(arrived) for arrived in permutations(chain)}

    assert [(one.id, one.numbers) for order in folded for one in order.shipments] == [("A", ("A", "B", "C"))]


def test_a_carrier_that_still_speaks_of_the_old_number_does_not_bring_it_back() -> None:
    late = parcel("import_customs", at="2026-03-03T12:00", number="OLD", place="Moscow")
    shipment = fold([*RENUMBERED, late]).shipments[0]

    assert (shipment.number, shipment.numbers) == ("NEW", ("OLD", "NEW"))
    assert "Moscow" in [line.place for line in shipment.checkpoints]


def test_a_number_given_back_is_the_present_one_again() -> None:
    back = parcel("updated", at="2026-03-05T10:00", number="OLD", previous_number="NEW")

    assert fold([*RENUMBERED, back]).shipments[0].numbers == ("NEW", "OLD")


def test_a_shipment_keeps_the_id_it_was_given() -> None:
    order = fold([
        event("order.shipped", at=MONDAY), parcel("picked_up", at=MONDAY, number="A", id="P1"),
        parcel("updated", at=TUESDAY, number="B", id="P1"),
    ])  # fmt: skip

    assert [(one.id, one.numbers) for one in order.shipments] == [("P1", ("A", "B"))]


# Arrival of the whole order


def test_an_order_arrives_with_its_last_parcel() -> None:
    told = [
        event("order.shipped", at=MONDAY),
        parcel("delivered", at=TUESDAY, number="A"),
        parcel("in_transit", at=TUESDAY, number="B"),
    ]
    assert arrivals(fold(told)) == []

    last = parcel("delivered", at=WEDNESDAY, number="B")
    for arrived in permutations([*told, last]):
        assert arrivals(fold(arrived)) == [
            Moment(type="order.delivered", at=utc(WEDNESDAY), event_id=last.ref, shipment="B"),
        ]


def test_an_order_still_partly_unsent_has_not_arrived() -> None:
    assert arrivals(fold([event("order.partly_shipped", at=MONDAY), parcel("delivered", at=TUESDAY)])) == []


def test_hearing_of_an_arrival_again_does_not_move_it() -> None:
    first = parcel("delivered", at=TUESDAY)
    told = [event("order.shipped", at=MONDAY), first, parcel("delivered", at=WEDNESDAY, place="Door")]

    assert [(one.at, one.event_id) for one in arrivals(fold(told))] == [(utc(TUESDAY), first.ref)]


@pytest.mark.parametrize("type_", ["shipment.updated", "order.updated"])
def test_an_arrival_told_in_passing_counts(type_: str) -> None:
    told = event(type_, at=TUESDAY, shipment={"number": "RR1CN", "state": "delivered"})

    assert [one.at for one in arrivals(fold([event("order.shipped", at=MONDAY), told]))] == [utc(TUESDAY)]


def test_an_order_on_its_way_back_has_not_arrived() -> None:
    told = [event("order.shipped", at=MONDAY), parcel("delivered", at=TUESDAY), parcel("returning", at=WEDNESDAY)]

    assert arrivals(fold(told)) == []


# Disputes, reviews, refunds, conversation, buyer


def test_a_dispute_is_open_until_it_is_closed() -> None:
    opened = event(
        "dispute.opened", at=MONDAY, dispute={"id": "d", "reason": "late", "answer_by": "2026-03-09T00:00:00Z"}
    )
    updated = event("dispute.updated", at=TUESDAY, dispute={"id": "d", "state": "waiting_seller", "answer_by": None})
    closed = event("dispute.closed", at=WEDNESDAY, dispute={"id": "d"})
    told_after = event("dispute.updated", at="2026-03-05T10:00", dispute={"id": "d", "state": "refunded"})

    found = fold([updated, opened]).open_dispute
    assert found is not None
    assert (found.reason, found.state, found.answer_by, found.opened_at) == (
        "late",
        "waiting_seller",
        None,
        utc(MONDAY),
    )
    assert fold([closed, updated, opened, told_after]).open_dispute is None
    assert fold([closed, updated, opened, told_after]).disputes[0].state == "refunded"


def test_the_newest_open_dispute_is_the_one() -> None:
    told = [event("dispute.opened", at=at, dispute={"id": id_}) for at, id_ in ((MONDAY, "a"), (TUESDAY, "b"))]
    order = fold([*told, event("dispute.closed", at=WEDNESDAY, dispute={"id": "b"})])

    assert order.open_dispute is not None
    assert order.open_dispute.id == "a"


def test_a_changed_review_keeps_the_day_it_was_posted() -> None:
    posted = event("review.posted", at=MONDAY, review={"stars": 1, "text": "late"})
    changed = event("review.changed", at=TUESDAY, review={"stars": 5})
    review = fold([changed, posted, event("order.paid", at=MONDAY)]).review

    assert review is not None
    assert (review.stars, review.text, review.posted_at) == (5, "late", utc(MONDAY))


def test_refunds_add_up_and_the_conversation_has_a_language() -> None:
    order = fold([
        event("refund.issued", at=MONDAY, refund={"amount": "5.00", "currency": "USD"}),
        event("refund.issued", at=TUESDAY, refund={"method": "card"}),
        event("message.received", at=MONDAY, message={"language": "es"}),
        event("order.cancel_requested", at=TUESDAY),
    ])  # fmt: skip

    assert [(one.amount, one.method) for one in order.refunds] == [(Decimal("5.00"), None), (None, "card")]
    assert (order.conversation_language, order.cancel_requested_at) == ("es", utc(TUESDAY))


def test_an_unsubscribed_buyer_is_remembered_by_category() -> None:
    order = fold([
        event("order.paid"), event("buyer.unsubscribed", at=MONDAY),
        event("buyer.unsubscribed", at=TUESDAY, unsubscribed={"category": "promotional"}),
    ])  # fmt: skip

    assert order.buyer.unsubscribed == {"relational", "promotional"}


# Lateness


@pytest.mark.parametrize(
    ("story", "now", "expected"),
    [
        pytest.param(["order.paid"], TUESDAY, False, id="paid, and there is time"),
        pytest.param(["order.paid"], "2026-03-05T10:00", True, id="paid, and the day to send has passed"),
        pytest.param(["order.placed"], "2026-03-05T10:00", False, id="never paid"),
        pytest.param(["order.paid", "order.cancelled"], "2026-03-05T10:00", False, id="cancelled"),
        pytest.param(["order.paid", "order.shipped"], "2026-03-05T10:00", False, id="sent in time"),
        pytest.param(["order.paid", "order.shipped"], "2026-04-05T10:00", True, id="sent in time, never arrived"),
        pytest.param(
            ["order.paid", "order.shipped", "shipment.delivered"], "2026-04-05T10:00", False, id="arrived in time"
        ),
    ],
)
def test_an_order_is_late_when_a_promised_day_has_passed(story: list[str], now: str, expected: bool) -> None:
    dates = {"ship_by": f"{WEDNESDAY}:00Z", "deliver_by": "2026-03-24T10:00:00Z"}
    promised = event("order.placed", at="2026-03-01T10:00", told=dates)
    told = [
        parcel("delivered", at=TUESDAY) if type_ == "shipment.delivered" else event(type_, at=TUESDAY)
        for type_ in story
    ]

    assert fold([promised, *told]).is_late(utc(now)) is expected
