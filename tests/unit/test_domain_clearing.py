"""Clearing decides about messages in order, so that each sees what was decided before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta

from messenger.config.places import country_zones
from messenger.domain.clearing import Clearance, clear
from messenger.domain.events import Event
from messenger.domain.folding import fold
from messenger.domain.guarding import Go, Surroundings
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.orders import Order
from messenger.domain.planning import plan
from messenger.domain.rules import Cap, Caps, Merge, OnEvent, Rule, Same, Schedule
from messenger.domain.shops import Desk, Mode, Shop
from messenger.domain.timing import Hours, Span
from tests.builders import event, utc

SHOP = Shop(id="toys", name="Toys", sender="Toys <care@toys.example>", mode=Mode.LIVE, channels={"email": "main"}, zone="Europe/Madrid")  # fmt: skip
BUYER = {"id": "b1", "name": "Ana", "email": "ana@example.com", "country": "FR", "language": "es"}
NOW = utc("2026-03-03T10:00")
SHIPPED = Rule(name="shipped", template="shipped", trigger=OnEvent(types=("order.shipped",)))
MERGING = replace(SHIPPED, merge=Merge(within=timedelta(hours=6), same=Same.BUYER))


def shipped(order: str, *, at: str = "2026-03-03T10:00", buyer: dict[str, str] = BUYER) -> Order:
    told: list[Event] = [event("order.shipped", at=at, order=order, buyer=buyer, shipment={"number": f"RR{order}"})]
    return fold(told)


class Play:
    """Orders, their rows, and the rules; ``clear`` claims what is due and decides."""

    def __init__(self, *orders: Order, rules: Sequence[Rule], shop: Shop = SHOP) -> None:
        self.orders = {order.number: order for order in orders}
        self.schedule = Schedule(rules=tuple(rules))
        self.shop = shop
        wanted = [one.message for order in orders for one in plan(order, rules, country_zones(), shop).wanted]
        self.rows = [replace(row, id=number) for number, row in enumerate(wanted, start=1)]

    def clear(self, *also: PlannedMessage, languages: dict[str, str] | None = None) -> Clearance:
        batch = [
            replace(row, state=State.CLAIMED) for row in self.rows if row.due_at <= NOW and row.state is State.PLANNED
        ]

        def around(_: PlannedMessage, rows: Sequence[PlannedMessage]) -> Surroundings:
            return Surroundings(schedule=self.schedule, shop=self.shop, zones=country_zones(), now=NOW, rows=rows)

        def voice(row: PlannedMessage, _: Go, __: Order) -> tuple[str, str]:
            return (languages or {}).get(row.order, "es"), ""

        return clear(
            batch, [*self.rows, *also], orders=lambda _, number: self.orders.get(number), around=around, voice=voice
        )


def names(made: Clearance) -> list[str]:
    return [f"{one.message.order}/{one.message.key.rule}" for one in made.cleared]


def test_what_may_leave_is_cleared_with_its_way_and_the_moment() -> None:
    (cleared,) = Play(shipped("1"), rules=[SHIPPED]).clear().cleared

    row = cleared.message
    assert (row.state, row.channel, row.transport, row.cleared_at) == (State.CLAIMED, "email", "main", NOW)
    assert cleared.riders == ()


def test_a_cap_counts_what_the_same_batch_has_cleared() -> None:
    capped = replace(SHIPPED, caps=Caps(per_buyer=Cap(count=2, span=timedelta(days=1))))
    made = Play(*(shipped(str(number)) for number in range(4)), rules=[capped]).clear()

    assert names(made) == ["0/shipped", "1/shipped"]
    assert [(row.order, row.state, row.reason) for row in made.stayed] == [
        ("2", State.PLANNED, Reason.CAP), ("3", State.PLANNED, Reason.CAP),
    ]  # fmt: skip


def test_urgent_messages_are_decided_first_then_older_ones_then_those_of_higher_priority() -> None:
    late = replace(SHIPPED, name="late", priority=9)
    urgent = replace(SHIPPED, name="urgent", urgent=True)
    made = Play(shipped("1", at="2026-03-03T09:00"), shipped("2"), rules=[SHIPPED, late, urgent]).clear()

    assert names(made) == ["1/urgent", "2/urgent", "1/late", "1/shipped", "2/late", "2/shipped"]


def test_an_order_that_is_no_longer_known_gets_nothing() -> None:
    play = Play(shipped("1"), rules=[SHIPPED])
    play.orders.clear()

    (row,) = play.clear().stayed

    assert (row.state, row.reason) == (State.SKIPPED, Reason.ERASED)


def test_a_message_silences_those_it_supersedes_in_the_same_batch_and_outside_it() -> None:
    soon = replace(SHIPPED, name="soon", delays=(Span(elapsed=timedelta(hours=1)),))
    strong = replace(SHIPPED, name="strong", supersedes=("shipped", "soon"))
    play = Play(shipped("1"), shipped("2", buyer=BUYER | {"id": "b2"}), rules=[SHIPPED, soon, strong])
    play.rows = [row for row in play.rows if row.order == "1" or row.key.rule != "strong"]

    made = play.clear()

    assert names(made) == ["1/strong", "2/shipped"]
    assert [(row.key.rule, row.state, row.because) for row in made.stayed] == [
        ("shipped", State.SUPERSEDED, "toys/strong/1/1")
    ]
    ((was, row),) = made.changed
    assert (row.key.rule, was.state, row.state) == ("soon", State.PLANNED, State.SUPERSEDED)


def test_of_what_is_due_together_the_one_that_silences_the_others_speaks_first() -> None:
    weak, middle = SHIPPED, replace(SHIPPED, name="middle", supersedes=("shipped",))
    strong = replace(SHIPPED, name="strong", supersedes=("middle", "shipped"))

    made = Play(shipped("1"), rules=[weak, middle, strong]).clear()

    assert names(made) == ["1/strong"]
    assert [row.key.rule for row in made.stayed] == ["shipped", "middle"]


def test_a_message_that_may_not_leave_silences_nobody() -> None:
    strong = replace(SHIPPED, name="strong", supersedes=("shipped",), channels=("platform",))

    assert names(Play(shipped("1"), rules=[SHIPPED, strong]).clear()) == ["1/shipped"]


def test_what_is_due_soon_for_the_same_ears_rides_along() -> None:
    first, soon = shipped("1"), shipped("2", at="2026-03-03T15:00")
    too_late, stranger = (
        shipped("3", at="2026-03-03T16:01"),
        shipped("4", buyer=BUYER | {"id": "b2", "email": "b@example.com"}),
    )

    made = Play(first, soon, too_late, stranger, rules=[MERGING]).clear()

    assert names(made) == ["1/shipped", "4/shipped"]
    assert [rider.message.order for rider in made.cleared[0].riders] == ["2"]
    ((_, row),) = made.changed
    assert (row.state, row.carrier, row.because) == (State.MERGED, 1, "toys/shipped/1/1")
    assert made.cleared[1].riders == ()


def test_messages_of_one_batch_ride_together_and_count_once_for_the_cap() -> None:
    capped = replace(MERGING, caps=Caps(per_buyer=Cap(count=1, span=timedelta(days=1))))
    made = Play(shipped("1"), shipped("2"), shipped("3"), rules=[capped]).clear()

    assert names(made) == ["1/shipped"]
    assert [(row.order, row.state) for row in made.stayed] == [("2", State.MERGED), ("3", State.MERGED)]


def test_another_language_does_not_ride() -> None:
    made = Play(shipped("1"), shipped("2"), rules=[MERGING]).clear(languages={"2": "ru"})

    assert names(made) == ["1/shipped", "2/shipped"]


def test_with_the_order_meant_other_orders_of_the_buyer_do_not_ride() -> None:
    rule = replace(MERGING, merge=Merge(within=timedelta(hours=6), same=Same.ORDER))

    assert names(Play(shipped("1"), shipped("2"), rules=[rule]).clear()) == ["1/shipped", "2/shipped"]


def test_a_message_whose_guard_is_false_does_not_ride() -> None:
    disputed = fold(
        [
            event("order.shipped", at="2026-03-03T10:00", order="2", buyer=BUYER, shipment={"number": "RR2"}),
            event("dispute.opened", at="2026-03-03T09:00", order="2", dispute={"id": "D"}),
        ]
    )
    made = Play(shipped("1"), disputed, rules=[MERGING]).clear()

    assert names(made) == ["1/shipped"]
    assert [(row.order, row.state) for row in made.stayed] == [("2", State.HELD)]


def test_what_another_worker_holds_is_left_alone() -> None:
    play = Play(shipped("1"), shipped("2"), rules=[replace(MERGING, supersedes=("other",))])
    play.rows[1] = replace(play.rows[1], state=State.CLAIMED, owner="b")

    made = play.clear()

    assert names(made) == ["1/shipped"]
    assert made.changed == []


def test_a_message_for_a_desk_waits_for_people() -> None:
    shop = replace(SHOP, channels={"platform": "desk"}, desks={"desk": Desk()})
    made = Play(shipped("1"), rules=[SHIPPED], shop=shop).clear()

    (row,) = made.stayed
    assert made.cleared == []
    assert (row.state, row.channel, row.transport, row.due_at) == (
        State.AWAITING_STAFF, "platform", "desk", row.expires_at,
    )  # fmt: skip


def test_a_rule_that_is_not_open_stays() -> None:
    night = replace(SHIPPED, hours=Hours(opens=time(22), closes=time(23)))
    play = Play(shipped("1"), rules=[night])
    play.rows = [replace(row, due_at=NOW) for row in play.rows]

    (row,) = play.clear().stayed

    assert (row.state, row.due_at) == (State.PLANNED, utc("2026-03-03T21:00"))
