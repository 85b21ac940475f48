"""Who gets a place at a desk today: the urgent first, then by priority, then by age; what is in hand stays in hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.clearing import Clearance
from messenger.domain.desks import Load, crowded_out, day_of, seat, turn
from messenger.domain.messages import Category, Key, PlannedMessage, Reason, State
from messenger.domain.shops import Desk, Shop
from tests.builders import utc

NOON = utc("2026-03-02T12:00")


def row(number: int, *, priority: int = 0, urgent: bool = False, hours: int = 0) -> PlannedMessage:
    at = NOON + timedelta(hours=hours)
    return PlannedMessage(
        key=Key("toys", "shipped", str(number), 1), order=str(number), template="shipped", category=Category.TRANSACTIONAL,
        trigger="erp#e", trigger_at=at, shipment=None, wanted_at=at, due_at=at, expires_at=at + timedelta(days=3),
        stale_at=at + timedelta(days=7), id=number, priority=priority, urgent=urgent, state=State.CLAIMED,
    )  # fmt: skip


def lying(*rows: PlannedMessage) -> list[PlannedMessage]:
    return [replace(one, state=State.AWAITING_STAFF, due_at=one.expires_at) for one in rows]


def left_out(arriving: list[PlannedMessage], load: Load, *, per_day: int) -> list[int]:
    return [one.id for one in crowded_out(arriving, load, per_day=per_day)]


def test_urgent_ones_come_first_then_priority_then_what_is_due_longest() -> None:
    rows = [row(1), row(2, hours=-1), row(3, priority=5), row(4, priority=-5, urgent=True), row(5, priority=5, hours=1)]

    assert [one.id for one in sorted(rows, key=turn)] == [4, 3, 5, 2, 1]
    assert left_out(rows, Load(), per_day=3) == [2, 1]


def test_who_was_put_off_is_due_only_from_then_on() -> None:
    early = replace(row(1, hours=-5), not_before=NOON + timedelta(hours=1))

    assert [one.id for one in sorted([early, row(2)], key=turn)] == [2, 1]


def test_who_gets_no_place_is_skipped_and_told_why() -> None:
    (full,) = crowded_out([row(1)], Load(sent=300), per_day=300)

    assert (full.state, full.reason, full.because) == (State.SKIPPED, Reason.DESK_FULL, "300 a day")


def test_what_lies_there_gives_way_to_the_urgent_and_to_higher_priority_but_not_to_its_equals() -> None:
    there = Load(lying=lying(row(1), row(2, priority=1)))

    assert left_out([row(3, hours=-9)], there, per_day=2) == [3]
    assert left_out([row(3, priority=1, hours=-9)], there, per_day=2) == [1]
    assert left_out([row(3, urgent=True), row(4, urgent=True)], there, per_day=2) == [2, 1]


def test_what_a_person_has_in_hand_keeps_its_place() -> None:
    there = Load(lying=lying(row(1), row(2)), opened={1})

    assert left_out([row(3, urgent=True)], there, per_day=2) == [2]
    assert left_out([row(3, urgent=True)], there, per_day=1) == [3, 2]


messages = st.builds(
    lambda priority, urgent, hours: (priority, urgent, hours),
    st.integers(-2, 2), st.booleans(), st.integers(-3, 3),
)  # fmt: skip


@given(st.lists(messages, max_size=8), st.lists(messages, max_size=8), st.integers(0, 6), st.integers(1, 9), st.data())
def test_no_place_is_given_twice_and_nobody_outranks_who_got_one(
    come: list[tuple[int, bool, int]], there: list[tuple[int, bool, int]], sent: int, per_day: int, data: st.DataObject
) -> None:
    numbers = count(1)

    def made(told: tuple[int, bool, int]) -> PlannedMessage:
        return row(next(numbers), priority=told[0], urgent=told[1], hours=told[2])

    arriving, resting = [made(one) for one in come], lying(*[made(one) for one in there])
    opened = data.draw(st.sets(st.sampled_from(resting))) if resting else set()
    in_hand = {one.id for one in opened}
    out = crowded_out(arriving, Load(lying=resting, opened=in_hand, sent=sent), per_day=per_day)
    lost = {one.id for one in out}
    kept = [one for one in (*arriving, *resting) if one.id not in lost]

    assert len(lost) == len(out)
    assert not lost & in_hand
    assert len(kept) == min(len(arriving) + len(resting), max(len(in_hand), per_day - sent, 0))
    for loser in (one for one in (*arriving, *resting) if one.id in lost):
        for winner in kept:
            if winner.id not in in_hand:
                assert (not winner.urgent, -winner.priority) <= (not loser.urgent, -loser.priority)
    assert (
        crowded_out(list(reversed(arriving)), Load(lying=resting[::-1], opened=in_hand, sent=sent), per_day=per_day)
        == out
    )


@pytest.mark.parametrize(("zone", "at", "began"), [
    pytest.param("Asia/Shanghai", "2026-03-02T17:00", "2026-03-02T16:00", id="already tomorrow there"),
    pytest.param("Asia/Shanghai", "2026-03-02T15:59", "2026-03-01T16:00", id="not yet tomorrow"),
    pytest.param("Europe/Madrid", "2026-03-29T12:00", "2026-03-28T23:00", id="a day of 23 hours"),
    pytest.param("UTC", "2026-03-02T00:00", "2026-03-02T00:00", id="its first instant"),
])  # fmt: skip
def test_a_day_begins_at_midnight_of_the_shops_clock(zone: str, at: str, began: str) -> None:
    assert day_of(utc(at), ZoneInfo(zone)) == utc(began)


# --- a batch ------------------------------------------------------------------------------------------------------------

SHOP = Shop(
    id="toys",
    name="Toys",
    sender="",
    zone="Asia/Shanghai",
    channels={"platform": "desk"},
    desks={"desk": Desk(per_day=2)},
)


class Asked:
    """A desk with a load, and which desks were asked about since when."""

    def __init__(self, load: Load | None = None) -> None:
        self.load = load or Load()
        self.desks: list[tuple[str, datetime]] = []

    def __call__(self, transport: str, since: datetime) -> Load:
        self.desks.append((transport, since))
        return self.load


def put(*rows: PlannedMessage) -> list[PlannedMessage]:
    return [replace(one, transport="desk") for one in lying(*rows)]


def test_of_a_batch_those_without_a_place_are_skipped_and_who_gives_way_is_changed() -> None:
    (old,) = put(row(1))
    asked = Asked(Load(lying=[old]))
    made = seat(Clearance(stayed=put(row(2), row(3, urgent=True))), {"toys": SHOP}, asked, NOON)

    assert [(one.id, one.state) for one in made.stayed] == [(2, State.SKIPPED), (3, State.AWAITING_STAFF)]
    assert made.changed == []
    assert asked.desks == [("desk", utc("2026-03-01T16:00"))]

    made = seat(Clearance(stayed=put(row(2, priority=1), row(3, urgent=True))), {"toys": SHOP}, asked, NOON)
    assert [one.state for one in made.stayed] == [State.AWAITING_STAFF] * 2
    assert [(was.id, now.id, now.reason) for was, now in made.changed] == [(1, 1, Reason.DESK_FULL)]


def test_what_the_batch_has_ended_lies_there_no_longer() -> None:
    first, second = put(row(1), row(2))
    ended = Clearance(
        stayed=[replace(first, state=State.EXPIRED), *put(row(3), row(4))],
        changed=[(second, replace(second, state=State.SUPERSEDED))],
    )
    made = seat(ended, {"toys": SHOP}, Asked(Load(lying=[first, second])), NOON)

    assert [one.state for one in made.stayed] == [State.EXPIRED, State.AWAITING_STAFF, State.AWAITING_STAFF]
    assert len(made.changed) == 1


def test_a_desk_that_sends_as_many_as_there_are_is_not_even_asked() -> None:
    asked = Asked(Load(sent=1000))
    made = Clearance(stayed=put(row(1)))

    assert seat(made, {"toys": replace(SHOP, desks={"desk": Desk()})}, asked, NOON).stayed == made.stayed
    assert seat(made, {}, asked, NOON).stayed == made.stayed
    assert asked.desks == []
