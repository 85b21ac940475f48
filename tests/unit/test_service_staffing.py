"""People in a simulation: each message takes one of them a while, in the desk's hours and the buyer's, and a day has an end."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from messenger.cli.simulate_desk import desk_hours
from messenger.config.places import country_zones
from messenger.domain.events import Event
from messenger.domain.rules import Merge, OnEvent, Rule, Same, Schedule
from messenger.domain.shops import Desk, Mode, Shop
from messenger.domain.timing import Hours
from messenger.rendering.catalogue import Catalogue, load
from messenger.services.home import Home
from messenger.services.simulating import Line, Played, Simulator
from tests.builders import event, utc

TEXTS: Final = Path(__file__).parent.parent / "golden" / "simulate" / "home" / "templates"
NINE_TO_FIVE: Final = Hours(opens=time(9), closes=time(17))
SHIPPED: Final = Rule(name="shipped", template="note", trigger=OnEvent(types=("order.shipped",)))
URGENT: Final = replace(
    SHIPPED, name="held", urgent=True, trigger=OnEvent(types=("shipment.customs_action_needed",)), priority=-5
)
MINUTE: Final = timedelta(minutes=1)


@cache
def texts() -> Catalogue:
    return load(TEXTS)


def shop(desk: Desk, *, zone: str = "UTC") -> Shop:
    return Shop(
        id="toys", name="Toys", sender="Toys <care@toys.example>", mode=Mode.LIVE, channels={"platform": "desk"}, zone=zone,
        desks={"desk": desk},
    )  # fmt: skip


def play(
    desk: Desk, *events: Event, rules: tuple[Rule, ...] = (SHIPPED,), staff: int | None = 1, each: timedelta = MINUTE
) -> Played:
    home = Home(shops={"toys": shop(desk)}, schedule=Schedule(rules=rules), catalogue=texts(), zones=country_zones())
    return Simulator(home, staff=staff, each=each).played(events)


def shipped(
    count: int, *, at: str = "2026-03-03T10:00", first: int = 1, zone: str = "UTC", buyer: str = ""
) -> list[Event]:  # fmt: skip
    return [
        event(
            "order.shipped", at=at, order=str(number), shipment={"number": f"RR{number}"},
            buyer={"id": buyer or f"b{number}", "country": "ES", "timezone": zone, "language": "en"},
        )
        for number in range(first, first + count)
    ]  # fmt: skip


def ends(played: Played) -> list[tuple[str, str, str | None]]:
    return [(one.order, one.outcome, one.reason) for one in sorted(played.lines, key=lambda one: int(one.order))]


def sent_at(played: Played) -> list[datetime]:
    return sorted(line.at for line in played.lines if line.outcome == "sent")


def test_each_message_keeps_one_person_busy_for_a_while() -> None:
    start = utc("2026-03-03T10:00")

    assert sent_at(play(Desk(), *shipped(3))) == [start, start + MINUTE, start + 2 * MINUTE]
    assert sent_at(play(Desk(), *shipped(3), staff=2)) == [start, start, start + MINUTE]
    assert sent_at(play(Desk(), *shipped(3), each=5 * MINUTE))[-1] == start + 10 * MINUTE
    load = play(Desk(), *shipped(3), staff=2).workload
    assert (load.messages, load.time_each(3), load.longest_wait) == ({date(2026, 3, 3): 3}, 1.5 * MINUTE, MINUTE)


def test_what_is_not_done_by_the_evening_is_done_the_next_morning() -> None:
    desk = Desk(hours=NINE_TO_FIVE)
    played = play(desk, *shipped(4, at="2026-03-03T16:57"), each=2 * MINUTE)

    assert [at.time() for at in sent_at(played)] == [time(16, 57), time(16, 59), time(9), time(9, 2)]


def test_nobody_writes_to_a_buyer_who_sleeps_others_come_first() -> None:
    day = replace(SHIPPED, hours=NINE_TO_FIVE)
    late = shipped(3, at="2026-03-03T16:58", zone="UTC")
    far = shipped(1, at="2026-03-03T16:59", first=9, zone="America/New_York")
    played = play(Desk(), *late, *far, rules=(day,), each=3 * MINUTE)

    assert {line.order: f"{line.at:%d %H:%M}" for line in played.lines} == {
        "1": "03 16:58", "9": "03 17:01", "2": "04 09:00", "3": "04 09:03",
    }  # fmt: skip
    assert played.workload.expired == 0


def test_of_a_day_that_is_too_short_the_urgent_and_the_first_are_sent_and_the_rest_is_left_out() -> None:
    customs = event("shipment.customs_action_needed", at="2026-03-03T10:00", order="4", shipment={"number": "RR4"})
    played = play(Desk(per_day=2), *shipped(4), customs, rules=(SHIPPED, URGENT))

    assert Counter((one.rule, one.outcome, one.reason) for one in played.lines) == {
        ("held", "sent", None): 1, ("shipped", "sent", None): 1, ("shipped", "skipped", "desk_full"): 3,
    }  # fmt: skip
    assert played.workload.left_out == 3


def test_the_next_day_has_its_own_places_on_the_shops_clock() -> None:
    events = [*shipped(3, at="2026-03-03T23:30"), *shipped(2, at="2026-03-04T00:10", first=4)]

    assert [end[1] for end in ends(play(Desk(per_day=2), *events))] == ["sent", "sent", "skipped", "sent", "sent"]
    assert [end[1] for end in ends(play(Desk(per_day=2), *events, staff=None))] == [
        "sent", "sent", "skipped", "sent", "sent",
    ]  # fmt: skip


def test_with_nobody_there_the_places_are_taken_and_stay_taken() -> None:
    played = play(Desk(per_day=2), *shipped(3), *shipped(1, at="2026-03-04T10:00", first=4), staff=0)

    assert ends(played) == [
        ("1", "awaiting_staff", None), ("2", "awaiting_staff", None), ("3", "skipped", "desk_full"), ("4", "skipped", "desk_full"),
    ]  # fmt: skip


def test_what_was_to_go_with_a_message_that_finds_no_place_is_not_lost() -> None:
    merging = replace(SHIPPED, merge=Merge(within=timedelta(hours=6), same=Same.BUYER))
    played = play(
        Desk(per_day=1), *shipped(1), *shipped(2, at="2026-03-03T10:30", first=2, buyer="b2"), rules=(merging,)
    )

    assert [end[1:] for end in ends(played)] == [("sent", None), ("skipped", "desk_full"), ("skipped", "desk_full")]


def test_everybody_is_told_apart_only_where_a_day_has_no_end() -> None:
    def shown(lines: list[Line]) -> list[tuple[str, datetime]]:
        return [(line.order, line.at) for line in lines]

    assert shown(list(play(Desk(), *shipped(5), staff=None).lines)) == shown(
        list(play(Desk(per_day=5), *shipped(5), staff=None).lines)
    )


def test_desks_are_told_in_a_few_words() -> None:
    weekdays = replace(NINE_TO_FIVE, days=frozenset(range(5)))

    assert desk_hours([shop(Desk())]) == []
    assert desk_hours([shop(Desk(hours=weekdays)), replace(shop(Desk(hours=weekdays)), id="cups")]) == [
        "desk 09:00-17:00 without sat, sun"
    ]
    assert desk_hours([shop(Desk(per_day=300))]) == ["desk always, 300 a day"]
