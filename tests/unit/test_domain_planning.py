"""Planning is a pure function of facts and rules; reconciling keeps the outbox true to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.config.places import country_zones
from messenger.domain.calendars import Calendar
from messenger.domain.conditions import Condition
from messenger.domain.events import Event, parse_event
from messenger.domain.folding import fold
from messenger.domain.guarding import Decision, Go, Stay, Surroundings, decide
from messenger.domain.messages import Key, PlannedMessage, Reason, State
from messenger.domain.orders import Deadline
from messenger.domain.planning import Plan, plan
from messenger.domain.reconciling import reconcile
from messenger.domain.rules import (
    Cap,
    Caps,
    Closed,
    Hold,
    Once,
    OnDeadline,
    OnEvent,
    OnSilence,
    OnStaff,
    Rule,
    Schedule,
)
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


def guard(
    row: PlannedMessage,
    events: Sequence[Event],
    *rules: Rule,
    now: datetime | None = None,
    shop: Shop | None = SHOP,
    rows: Sequence[PlannedMessage] = (),
    silent: dict[str, datetime] | None = None,
) -> Decision:
    around = Surroundings(
        schedule=Schedule(rules=rules), shop=shop, zones=country_zones(), now=now or row.due_at, rows=[row, *rows],
        silent=silent or {},
    )  # fmt: skip
    return decide(row, fold(events), around)


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
    decision = guard(rows[0], after, CUSTOMS_SILENCE)
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

    decision = guard(row, [paid(), shipped()], SHIPPED)

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

    decision = guard(row, [paid(), shipped(), *more], SHIPPED, now=at(now), shop=shop)

    assert isinstance(decision, Stay)
    assert (decision.message.state, decision.message.reason) == expected


def test_a_held_message_waits_again_when_the_dispute_is_closed() -> None:
    opened = [paid(), shipped(), event("dispute.opened", "2026-03-03T10:00", dispute={"id": "d1"})]
    (row,) = rows_after([paid(), shipped()], SHIPPED)
    decision = guard(row, opened, SHIPPED)
    assert isinstance(decision, Stay)

    assert rows_after(opened, SHIPPED, rows=[decision.message]) == [decision.message]
    closed = [*opened, event("dispute.closed", "2026-03-05T10:00", dispute={"id": "d1"})]
    assert [row.state for row in rows_after(closed, SHIPPED, rows=[decision.message])] == [State.PLANNED]


def test_what_was_told_before_is_asked_only_at_the_claim() -> None:
    rule = replace(SHIPPED, where=(Condition(field="told.delay-apology", excluded=(True,)),))
    (row,) = rows_after([paid(), shipped()], rule)
    apology = replace(row, key=Key("toys", "delay-apology", "8134", 1), template="delay-apology", state=State.SENT)

    free = guard(row, [paid(), shipped()], rule)
    told = guard(row, [paid(), shipped()], rule, rows=[apology])

    assert isinstance(free, Go)
    assert isinstance(told, Stay)
    assert told.message.reason is Reason.WHERE_FAILED


# --- groups, people, calendars -------------------------------------------------------------------------------------


def test_of_a_group_the_highest_priority_speaks_of_an_event_and_the_others_say_why_not() -> None:
    usual = replace(SHIPPED, name="usual", group="shipped")
    special = replace(SHIPPED, name="special", group="shipped", priority=5)

    found = plan_of([paid(), shipped()], usual, special)

    assert [one.rule.name for one in found.wanted] == ["special"]
    assert [(one.key.rule, one.reason, one.because) for one in found.unwanted] == [("usual", Reason.GROUP, "special")]


def test_of_equals_in_a_group_the_first_of_the_file_speaks() -> None:
    rules = [replace(SHIPPED, name=name, group="shipped") for name in ("one", "two", "three")]

    assert [one.rule.name for one in plan_of([paid(), shipped()], *rules).wanted] == ["one"]


def test_a_rule_whose_conditions_fail_leaves_the_word_to_its_group() -> None:
    elsewhere = (Condition(field="buyer.country", any_of=("BR",)),)
    special = replace(SHIPPED, name="special", group="shipped", priority=5, where=elsewhere)
    usual = replace(SHIPPED, name="usual", group="shipped")

    assert [one.rule.name for one in plan_of([paid(), shipped()], special, usual).wanted] == ["usual"]


def test_the_guard_notices_that_another_rule_of_the_group_now_speaks() -> None:
    usual = replace(SHIPPED, name="usual", group="shipped")
    special = replace(
        SHIPPED, name="special", group="shipped", priority=5, where=(Condition(field="buyer.country", any_of=("BR",)),)
    )
    (row,) = rows_after([paid(), shipped()], usual, special)
    moved = event("order.updated", "2026-03-03T01:00", buyer={"country": "BR"})

    decision = guard(row, [paid(), shipped(), moved], usual, special)

    assert isinstance(decision, Stay)
    assert (decision.message.state, decision.message.reason) == (State.SKIPPED, Reason.GROUP)


STAFF = Rule(name="resend", template="resend", trigger=OnStaff(), once_per=Once.OCCURRENCE, formerly=("second-parcel",))


def started(rule: str, when: str) -> Event:
    return event("staff.started", when, staff={"rule": rule, "by": "Ann"})


def test_a_staff_rule_speaks_once_for_each_time_a_person_starts_it() -> None:
    events = [
        paid(),
        started("resend", "2026-03-05T10:00"),
        started("second-parcel", "2026-03-09T10:00"),
        started("other", "2026-03-09T11:00"),
    ]

    found = plan_of(events, STAFF).wanted

    assert [one.message.trigger_at for one in found] == [at("2026-03-05T10:00"), at("2026-03-09T10:00")]


HOLIDAYS = Calendar(name="seller", closed=((date(2026, 3, 2), date(2026, 3, 6)),))
CLOSED_SHOP = replace(SHIPPED, name="closed", trigger=OnEvent(types=("order.paid",)), delays=(Span(),), during=HOLIDAYS)


def test_a_rule_about_a_closed_period_speaks_of_what_happened_in_it_and_until_it_ends() -> None:
    inside = event("order.paid", "2026-03-03T10:00", buyer=BUYER)

    (wanted,) = plan_of([inside], CLOSED_SHOP).wanted

    assert wanted.closure is not None
    assert (wanted.closure.first, wanted.closure.last, wanted.closure.reopens) == (
        date(2026, 2, 28), date(2026, 3, 8), date(2026, 3, 9),
    )  # fmt: skip
    assert wanted.message.expires_at == at("2026-03-06T10:00")
    late = replace(inside, time=at("2026-03-06T21:00"))
    assert plan_of([late], replace(CLOSED_SHOP, expiry=Span(days=9))).wanted[0].message.expires_at == at(
        "2026-03-08T23:00"
    )


def test_a_rule_about_a_closed_period_does_not_speak_of_other_days() -> None:
    (unwanted,) = plan_of([event("order.paid", "2026-03-09T10:00", buyer=BUYER)], CLOSED_SHOP).unwanted

    assert (unwanted.reason, unwanted.because) == (
        Reason.WHERE_FAILED, "2026-03-09 is not in a closed period of the calendar seller",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("closed", "state", "due"),
    [
        (Closed.SEND, State.PLANNED, "2026-03-04T09:00"),
        (Closed.WAIT, State.PLANNED, "2026-03-07T09:00"),
        (Closed.DROP, State.EXPIRED, "2026-03-04T09:00"),
    ],
)
def test_on_a_closed_day_a_message_leaves_waits_or_is_dropped(closed: Closed, state: State, due: str) -> None:
    hours = replace(DAYTIME, closed_on=HOLIDAYS if closed is Closed.WAIT else None)
    rule = replace(SHIPPED, calendar=HOLIDAYS, closed=closed, hours=hours, expiry=Span(days=9))

    (wanted,) = plan_of([paid(), shipped()], rule).wanted

    assert (wanted.message.state, wanted.message.due_at) == (state, at(due))


def test_business_days_skip_what_the_calendar_closes() -> None:
    rule = replace(SHIPPED, calendar=HOLIDAYS, delays=(Span(business=2),))

    (wanted,) = plan_of([paid(), shipped()], rule).wanted

    assert wanted.message.wanted_at == at("2026-03-10T22:30")


# --- holds, caps, once per buyer ------------------------------------------------------------------------------------


def sent(number: int, when: str, *, rule: str = "other", order: str = "9000") -> PlannedMessage:
    (row,) = rows_after([paid(), shipped()], SHIPPED)
    key = Key("toys", rule, f"{order}/{number}", 1)
    return replace(row, key=key, order=order, state=State.SENT, sent_at=at(when))


def test_a_capped_message_waits_for_its_turn_and_says_so() -> None:
    rule = replace(SHIPPED, caps=Caps(per_buyer=Cap(count=1, span=timedelta(days=1))))
    (row,) = rows_after([paid(), shipped()], rule)

    decision = guard(row, [paid(), shipped()], rule, rows=[sent(1, "2026-03-03T15:00")])

    assert isinstance(decision, Stay)
    waiting = decision.message
    assert (waiting.state, waiting.reason, waiting.due_at) == (State.PLANNED, Reason.CAP, at("2026-03-04T15:00"))
    assert isinstance(guard(waiting, [paid(), shipped()], rule, rows=[sent(1, "2026-03-03T15:00")]), Go)


def test_a_message_that_the_cap_keeps_until_it_expires_has_expired_of_it() -> None:
    rule = replace(SHIPPED, caps=Caps(per_buyer=Cap(count=1, span=timedelta(days=30))))
    (row,) = rows_after([paid(), shipped()], rule)

    decision = guard(row, [paid(), shipped()], rule, rows=[sent(1, "2026-03-03T15:00")])

    assert isinstance(decision, Stay)
    assert (decision.message.state, decision.message.reason) == (State.EXPIRED, Reason.CAP)


@pytest.mark.parametrize(("told_at", "goes"), [("2026-01-02T08:59", True), ("2026-01-02T09:01", False)])
def test_once_per_buyer_looks_at_all_orders_of_the_buyer(told_at: str, *, goes: bool) -> None:
    rule = replace(SHIPPED, once_per=Once.BUYER, once_span=timedelta(days=61))
    (row,) = rows_after([paid(), shipped()], rule)

    decision = guard(row, [paid(), shipped()], rule, rows=[sent(1, told_at, rule="shipped")])

    assert isinstance(decision, Go) is goes
    if isinstance(decision, Stay):
        assert (decision.message.state, decision.message.reason) == (State.SKIPPED, Reason.ONCE)


def test_a_silent_source_holds_what_it_may_have_news_about_and_a_person_may_lift_it() -> None:
    (row,) = rows_after([paid(), shipped()], SHIPPED)
    silent = {"erp": at("2026-03-01T00:00")}

    decision = guard(row, [paid(), shipped()], SHIPPED, silent=silent)

    assert isinstance(decision, Stay)
    assert (decision.message.state, decision.message.because) == (State.HELD, "source_silent erp")
    assert rows_after([paid(), shipped()], SHIPPED, rows=[decision.message]) == [decision.message]
    released = replace(row, released_at=row.due_at)
    assert isinstance(guard(released, [paid(), shipped()], SHIPPED, silent=silent), Go)
    deaf = replace(SHIPPED, holds=frozenset({Hold.DISPUTE}))
    assert isinstance(guard(row, [paid(), shipped()], deaf, silent=silent), Go)


def test_what_a_hold_kept_back_leaves_one_an_hour() -> None:
    (row,) = rows_after([paid(), shipped()], SHIPPED)
    was_held = replace(row, reason=Reason.HOLD)

    decision = guard(was_held, [paid(), shipped()], SHIPPED, rows=[sent(1, "2026-03-04T08:30")])

    assert isinstance(decision, Stay)
    assert (decision.message.state, decision.message.due_at) == (State.PLANNED, at("2026-03-04T09:30"))
    assert isinstance(guard(was_held, [paid(), shipped()], SHIPPED, rows=[sent(1, "2026-03-04T08:00")]), Go)


def test_a_dispute_that_is_opened_while_a_worker_has_the_message_takes_it_away() -> None:
    (row,) = rows_after([paid(), shipped()], SHIPPED)
    opened = [paid(), shipped(), event("dispute.opened", "2026-03-04T09:00", dispute={"id": "d1"})]

    (after,) = rows_after(opened, SHIPPED, rows=[replace(row, state=State.CLAIMED, owner="a")])

    assert after.state is State.PLANNED


# --- names that change ----------------------------------------------------------------------------------------------


def test_a_renamed_rule_keeps_its_rows() -> None:
    (row,) = rows_after([paid(), shipped()], SHIPPED)
    renamed = replace(SHIPPED, name="on-its-way", formerly=("shipped",))
    order = fold([paid(), shipped()])
    wishes = plan(order, [renamed], country_zones(), SHOP)

    for old in (row, replace(row, state=State.SENT)):
        assert not reconcile([old], wishes, rules={"on-its-way"}, order=order, aliases={"shipped": "on-its-way"})
    assert isinstance(guard(row, [paid(), shipped()], renamed), Go)


def test_a_new_rule_does_not_repeat_to_old_orders_what_they_were_told() -> None:
    (row,) = rows_after([paid(), shipped()], SHIPPED)
    order = fold([paid(), shipped()])
    wishes = plan(order, [SHIPPED, replace(SHIPPED, name="new")], country_zones(), SHOP)

    def added(state: State, introduced: set[str]) -> list[str]:
        told = [replace(row, state=state)]
        found = reconcile(told, wishes, rules={"shipped", "new"}, order=order, introduced=introduced)
        return [one.key.rule for one in found.new]

    assert added(State.SENT, {"new"}) == []
    assert added(State.SENT, set()) == ["new"]
    assert added(State.PLANNED, {"new"}) == ["new"]
