"""Planning is a pure function of facts and rules; reconciling keeps the outbox true to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.config.places import country_zones
from messenger.domain.conditions import Condition
from messenger.domain.events import Event, parse_event
from messenger.domain.folding import fold
from messenger.domain.guarding import Go, Stay, decide
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.orders import Deadline
from messenger.domain.planning import Plan, plan, reconcile
from messenger.domain.rules import Once, OnDeadline, OnEvent, OnSilence, Rule
from messenger.domain.shops import Mode, Shop
from messenger.domain.timing import Hours, Span

SHOP = Shop(
    id="toys", name="Sunny Toys", sender="Sunny Toys <care@toys.example>", mode=Mode.LIVE, channels={"email": "main"}
)
DAYTIME = Hours(opens=time(9), closes=time(20))
BUYER: dict[str, object] = {"name": "Ana", "email": "ana@example.com", "country": "ES"}

SHIPPED = Rule(
    name="shipped",
    template="shipped",
    trigger=OnEvent(types=("order.shipped",)),
    delays=(Span(days=1),),
    hours=DAYTIME,
    cancel_on=("order.cancelled", "shipment.delivered"),
)
CUSTOMS_SILENCE = Rule(
    name="stuck",
    template="customs-delay",
    trigger=OnSilence(since="shipment.*"),
    delays=(Span(days=5), Span(days=10)),
    where=(Condition(field="shipment.state", any_of=("import_customs",)),),
    once_per=Once.SHIPMENT,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def event(type_: str, when: str, *, id_: str | None = None, **sections: dict[str, object]) -> Event:
    return parse_event(
        {
            "specversion": "1.0", "id": id_ or f"{type_}@{when}", "source": "erp", "type": type_, "time": f"{when}:00Z",
            "subject": "8134", "data": {"shop": "toys", **sections},
        }
    )  # fmt: skip


def paid() -> Event:
    return event("order.paid", "2026-03-01T10:00", buyer=BUYER)


def shipped(when: str = "2026-03-02T22:30") -> Event:
    return event("order.shipped", when, shipment={"number": "RR1"})


def parcel(state: str, when: str, number: str = "RR1") -> Event:
    return event(f"shipment.{state}", when, id_=f"{state}-{number}@{when}", shipment={"number": number})


def plan_of(events: Sequence[Event], *rules: Rule) -> Plan:
    return plan(fold(events), rules, country_zones(), SHOP)


def rows_after(events: Sequence[Event], *rules: Rule, rows: Sequence[PlannedMessage] = ()) -> list[PlannedMessage]:
    order = fold(events)
    difference = reconcile(
        rows, plan(order, rules, country_zones(), SHOP), rules={rule.name for rule in rules}, order=order
    )
    changed = {new.key: new for _, new in difference.changed}
    return [changed.get(row.key, row) for row in rows] + list(difference.new)


def test_a_message_is_due_in_the_buyers_morning_after_the_delay() -> None:
    (wanted,) = plan_of([paid(), shipped()], SHIPPED).wanted

    assert wanted.message.wanted_at == at("2026-03-03T22:30")
    assert wanted.message.due_at == at("2026-03-04T09:00")  # ten in Madrid, nine on the Canaries
    assert str(wanted.message.key) == "toys/shipped/8134/1"


def test_a_message_without_an_opening_before_it_expires_is_expired_at_once() -> None:
    sunday = replace(SHIPPED, hours=replace(DAYTIME, days=frozenset({6})), expiry=Span(days=2))

    (wanted,) = plan_of([paid(), shipped()], sunday).wanted

    assert (wanted.message.state, wanted.message.reason) == (State.EXPIRED, Reason.WINDOW)


@pytest.mark.parametrize(
    ("delivered_at", "is_cancelled"),
    [
        pytest.param("2026-03-02T22:30", True, id="the same instant cancels"),
        pytest.param("2026-03-03T05:00", True, id="later cancels"),
        pytest.param("2026-03-02T22:29", False, id="earlier does not"),
    ],
)
def test_an_event_cancels_by_its_own_time(delivered_at: str, *, is_cancelled: bool) -> None:
    events = [paid(), shipped(), parcel("delivered", delivered_at)]

    (wanted,) = plan_of(events, SHIPPED).wanted

    assert (wanted.message.state is State.CANCELLED) == is_cancelled


def test_the_order_of_arrival_does_not_change_the_rows() -> None:
    events = [
        paid(),
        shipped(),
        parcel("import_customs", "2026-03-08T10:00"),
        parcel("customs_released", "2026-03-12T10:00"),
    ]
    outcomes = set()
    for arrival in permutations(events):
        rows: list[PlannedMessage] = []
        for count in range(1, len(arrival) + 1):
            rows = rows_after(arrival[:count], SHIPPED, rows=rows)
        outcomes.add(tuple(sorted((str(row.key), row.state, row.due_at) for row in rows)))

    assert len(outcomes) == 1


@given(st.permutations([0, 1, 2, 3]), st.integers(1, 4))
def test_planning_twice_changes_nothing(arrival: list[int], count: int) -> None:
    facts = [paid(), shipped(), parcel("import_customs", "2026-03-08T10:00"), parcel("delivered", "2026-03-20T10:00")]
    events = [facts[index] for index in arrival[:count]]
    order = fold(events)
    rows = rows_after(events, SHIPPED, CUSTOMS_SILENCE)

    again = reconcile(
        rows, plan(order, [SHIPPED, CUSTOMS_SILENCE], country_zones(), SHOP), rules={"shipped", "stuck"}, order=order
    )

    assert not again


def test_each_delay_is_a_step_of_its_own() -> None:
    steps = plan_of([paid(), shipped(), parcel("import_customs", "2026-03-08T10:00")], CUSTOMS_SILENCE).wanted

    assert [(one.message.key.step, one.message.wanted_at) for one in steps] == [
        (1, at("2026-03-13T10:00")),
        (2, at("2026-03-18T10:00")),
    ]


def test_a_newer_line_leaves_the_row_alone_and_the_claim_moves_it() -> None:
    before = [paid(), shipped(), parcel("import_customs", "2026-03-08T10:00")]
    after = [*before, parcel("import_customs", "2026-03-11T10:00")]
    rows = rows_after(before, CUSTOMS_SILENCE)

    assert rows_after(after, CUSTOMS_SILENCE, rows=rows) == rows
    decision = decide(
        rows[0], order=fold(after), rule=CUSTOMS_SILENCE, shop=SHOP, zones=country_zones(), now=rows[0].due_at, told=()
    )
    assert isinstance(decision, Stay)
    assert decision.message.due_at == at("2026-03-16T10:00")


def test_silence_ends_with_delivery() -> None:
    rows = rows_after([paid(), shipped(), parcel("import_customs", "2026-03-08T10:00")], CUSTOMS_SILENCE)
    delivered = [
        paid(),
        shipped(),
        parcel("import_customs", "2026-03-08T10:00"),
        parcel("delivered", "2026-03-12T09:00"),
    ]

    ended = rows_after(delivered, CUSTOMS_SILENCE, rows=rows)

    assert {(row.state, row.reason) for row in ended} == {(State.CANCELLED, Reason.EVENT)}
    assert ended[0].because == "erp#delivered-RR1@2026-03-12T09:00"


def test_a_deadline_moves_its_message() -> None:
    rule = Rule(
        name="late", template="late-shipment-apology", trigger=OnDeadline(deadline=Deadline.SHIP_BY, before=False),
        delays=(Span(elapsed=timedelta(hours=1)),), where=(Condition(field="order.status", any_of=("paid",)),),
    )  # fmt: skip
    told = [paid(), event("order.updated", "2026-03-01T11:00", order={"ship_by": "2026-03-05T12:00:00Z"})]
    rows = rows_after(told, rule)
    moved = rows_after(
        [*told, event("order.updated", "2026-03-02T11:00", order={"ship_by": "2026-03-07T12:00:00Z"})], rule, rows=rows
    )

    assert [row.due_at for row in rows] == [at("2026-03-05T13:00")]
    assert [row.due_at for row in moved] == [at("2026-03-07T13:00")]
    assert [row.state for row in rows_after([*told, shipped()], rule, rows=rows)] == [State.SKIPPED]


def test_a_message_whose_reason_comes_back_waits_again_under_the_same_key() -> None:
    rule = replace(SHIPPED, where=(Condition(field="buyer.country", excluded=("RU",)),))
    facts = [paid(), shipped()]
    rows = rows_after(facts, rule)
    to_russia = [*facts, event("order.updated", "2026-03-03T10:00", buyer={"country": "RU"})]
    skipped = rows_after(to_russia, rule, rows=rows)
    back = rows_after(
        [*to_russia, event("order.updated", "2026-03-03T11:00", buyer={"country": "ES"})], rule, rows=skipped
    )

    assert [(row.state, row.reason) for row in skipped] == [(State.SKIPPED, Reason.WHERE_FAILED)]
    assert [(row.state, row.key) for row in back] == [(State.PLANNED, rows[0].key)]


@pytest.mark.parametrize("state", [State.SENDING, State.UNCERTAIN, State.SENT, State.BOUNCED])
def test_what_may_have_left_is_never_touched(state: State) -> None:
    rows = [replace(row, state=state) for row in rows_after([paid(), shipped()], SHIPPED)]

    assert rows_after([paid(), shipped(), event("order.cancelled", "2026-03-03T10:00")], SHIPPED, rows=rows) == rows


def test_a_removed_rule_takes_its_waiting_messages_along() -> None:
    rows = rows_after([paid(), shipped()], SHIPPED)

    assert [(row.state, row.reason) for row in rows_after([paid(), shipped()], rows=rows)] == [
        (State.SKIPPED, Reason.RULE_REMOVED)
    ]


def test_two_parcels_get_a_message_each_when_the_rule_speaks_per_shipment() -> None:
    rule = Rule(
        name="customs", template="customs-arrived", trigger=OnEvent(types=("shipment.import_customs",)), once_per=Once.SHIPMENT,
        cancel_on=("shipment.customs_released",),
    )  # fmt: skip
    events = [
        paid(), parcel("import_customs", "2026-03-08T10:00"), parcel("import_customs", "2026-03-09T10:00", "RR2"),
        parcel("customs_released", "2026-03-10T10:00", "RR2"),
    ]  # fmt: skip

    states = {one.message.key.scope: one.message.state for one in plan_of(events, rule).wanted}

    assert states == {"8134/RR1": State.PLANNED, "8134/RR2": State.CANCELLED}


def test_the_guard_lets_a_true_message_go_inside_its_window() -> None:
    (row,) = rows_after([paid(), shipped()], SHIPPED)

    decision = decide(
        row, order=fold([paid(), shipped()]), rule=SHIPPED, shop=SHOP, zones=country_zones(), now=row.due_at, told=()
    )

    assert isinstance(decision, Go)
    assert (decision.channel, decision.transport, decision.recipient) == ("email", "main", "ana@example.com")


@pytest.mark.parametrize(
    ("shop", "more", "now", "expected"),
    [
        pytest.param(SHOP, [], "2026-03-04T21:00", (State.PLANNED, None), id="at night it waits for the morning"),
        pytest.param(SHOP, [], "2026-03-07T08:00", (State.EXPIRED, Reason.DUE), id="after its expiry it is not sent"),
        pytest.param(SHOP, [], "2026-04-07T08:00", (State.SKIPPED, Reason.STALE_EVENT), id="old news is stale"),
        pytest.param(
            SHOP, [event("dispute.opened", "2026-03-03T10:00", dispute={"id": "d1"})], "2026-03-04T09:00", (State.HELD, Reason.HOLD),
            id="a dispute holds it",
        ),
        pytest.param(replace(SHOP, mode=Mode.REHEARSE), [], "2026-03-04T09:00", (State.SKIPPED, Reason.REHEARSAL), id="rehearsal"),
        pytest.param(
            replace(SHOP, mode=Mode.APPROVE), [], "2026-03-04T09:00", (State.WAITING_APPROVAL, Reason.APPROVAL), id="approval",
        ),
        pytest.param(replace(SHOP, channels={}), [], "2026-03-04T09:00", (State.SKIPPED, Reason.NO_CHANNEL), id="no channel"),
        pytest.param(
            SHOP, [event("order.updated", "2026-03-03T10:00", buyer={"email": None})], "2026-03-04T09:00",
            (State.SKIPPED, Reason.NO_RECIPIENT), id="no address",
        ),
    ],
)  # fmt: skip
def test_the_guard_keeps_back_what_must_not_leave_now(
    shop: Shop, more: list[Event], now: str, expected: tuple[State, Reason | None]
) -> None:
    (row,) = rows_after([paid(), shipped()], SHIPPED)

    decision = decide(
        row,
        order=fold([paid(), shipped(), *more]),
        rule=SHIPPED,
        shop=shop,
        zones=country_zones(),
        now=at(now),
        told=(),
    )

    assert isinstance(decision, Stay)
    assert (decision.message.state, decision.message.reason) == expected


def test_a_held_message_waits_again_when_the_dispute_is_closed() -> None:
    opened = [paid(), shipped(), event("dispute.opened", "2026-03-03T10:00", dispute={"id": "d1"})]
    (row,) = rows_after([paid(), shipped()], SHIPPED)
    decision = decide(row, order=fold(opened), rule=SHIPPED, shop=SHOP, zones=country_zones(), now=row.due_at, told=())
    assert isinstance(decision, Stay)

    assert rows_after(opened, SHIPPED, rows=[decision.message]) == [decision.message]
    closed = [*opened, event("dispute.closed", "2026-03-05T10:00", dispute={"id": "d1"})]
    assert [row.state for row in rows_after(closed, SHIPPED, rows=[decision.message])] == [State.PLANNED]


def test_what_was_told_before_is_asked_only_at_the_claim() -> None:
    rule = replace(SHIPPED, where=(Condition(field="told.delay-apology", excluded=(True,)),))
    (row,) = rows_after([paid(), shipped()], rule)
    order = fold([paid(), shipped()])

    free = decide(row, order=order, rule=rule, shop=SHOP, zones=country_zones(), now=row.due_at, told=())
    told = decide(row, order=order, rule=rule, shop=SHOP, zones=country_zones(), now=row.due_at, told={"delay-apology"})

    assert isinstance(free, Go)
    assert isinstance(told, Stay)
    assert told.message.reason is Reason.WHERE_FAILED
