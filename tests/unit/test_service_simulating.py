"""The laws of every play, tried on random schedules and random events; and what the simulator itself decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messenger.config.places import country_zones
from messenger.domain.calendars import Calendar
from messenger.domain.conditions import Condition
from messenger.domain.events import Event
from messenger.domain.folding import fold
from messenger.domain.lanes import Journey, LaneKey, snapshot
from messenger.domain.messages import WAITING
from messenger.domain.orders import Deadline
from messenger.domain.planning import Memory, matches, plan
from messenger.domain.rules import (
    Cap,
    Caps,
    Closed,
    Hold,
    Merge,
    Once,
    OnDeadline,
    OnEvent,
    OnSilence,
    Rule,
    Same,
    Schedule,
)
from messenger.domain.shops import Mode, Shop
from messenger.domain.timing import EVERY_DAY, Hours, Span
from messenger.rendering.catalogue import Catalogue, load
from messenger.services.gathering import circles, unique
from messenger.services.home import Home
from messenger.services.ingesting import journeys_of
from messenger.services.scenery import Lanes
from messenger.services.simulating import Line, Simulator
from tests.builders import event

TEXTS: Final = Path(__file__).parent.parent / "golden" / "simulate" / "home" / "templates"
START: Final = datetime(2026, 3, 20, tzinfo=UTC)
"""The clocks of Madrid go forward nine days later."""
SHOP: Final = Shop(
    id="toys", name="Toys", sender="Toys <care@toys.example>", mode=Mode.LIVE, channels={"email": "main"}
)
ZONES: Final = {"b1": "Europe/Madrid", "b2": "Pacific/Auckland", "b3": "America/New_York"}
DELIVERED: Final = "shipment.delivered"


@cache
def texts() -> Catalogue:
    return load(TEXTS)


def home_with(*rules: Rule, shop: Shop = SHOP) -> Home:
    return Home(shops={"toys": shop}, schedule=Schedule(rules=rules), catalogue=texts(), zones=country_zones())


# --- random schedules ------------------------------------------------------------------------------------------------

TYPES: Final = (
    "order.paid",
    "order.shipped",
    "shipment.in_transit",
    "shipment.import_customs",
    DELIVERED,
    "order.completed",
)
spans: Final = st.sampled_from(
    [Span(elapsed=timedelta(0)), Span(elapsed=timedelta(minutes=90)), Span(elapsed=timedelta(hours=5)), Span(days=1), Span(days=3),
     Span(business=2)]
)  # fmt: skip
steps: Final = st.lists(spans, min_size=1, max_size=3, unique_by=lambda one: one.length).map(
    lambda found: tuple(sorted(found, key=lambda one: one.length))
)
windows: Final = st.sampled_from(
    [(time(9), time(20)), (time(21), time(2)), (time(0), time(0)), (time(2, 15), time(2, 45)), (time(12), time(12, 1))]
)
weekdays: Final = st.sampled_from([EVERY_DAY, frozenset({0, 1, 2, 3, 4}), frozenset({5, 6}), frozenset({2})])
triggers: Final = st.one_of(
    st.lists(st.sampled_from([*TYPES, "shipment.*"]), min_size=1, max_size=2, unique=True).map(lambda found: OnEvent(types=tuple(found))),
    st.sampled_from(["shipment.*", "order.*", "shipment.in_transit"]).map(lambda since: OnSilence(since=since)),
    st.booleans().map(lambda before: OnDeadline(deadline=Deadline.SHIP_BY, before=before)),
)  # fmt: skip
caps: Final = st.builds(
    Caps,
    per_order=st.none() | st.builds(Cap, count=st.integers(1, 2), span=st.sampled_from([timedelta(days=1), timedelta(days=4)])),
    per_buyer=st.none() | st.builds(Cap, count=st.integers(1, 2), span=st.sampled_from([timedelta(hours=7), timedelta(days=2)])),
)  # fmt: skip
merges: Final = st.none() | st.builds(
    Merge, within=st.sampled_from([timedelta(hours=2), timedelta(days=2)]), same=st.sampled_from(Same)
)
conditions: Final = st.sampled_from([
    Condition(field="told.note", excluded=(True,)), Condition(field="order.status", any_of=("paid", "shipped")),
    Condition(field="shipment.state", any_of=("in_transit", "import_customs")), Condition(field="order.late", excluded=(True,)),
    Condition(field="buyer.paid_since", excluded=(True,)), Condition(field="calendar.closed", excluded=(True,)),
    Condition(field="dispute.open", excluded=(True,)),
])  # fmt: skip
SELLER: Final = Calendar(
    name="seller", closed=((date(2026, 3, 24), date(2026, 3, 26)), (date(2026, 4, 3), date(2026, 4, 3)))
)
NAMES: Final = ("a", "b", "c", "d")


@st.composite
def rules(draw: st.DrawFn) -> tuple[Rule, ...]:
    count = draw(st.integers(1, len(NAMES)))
    return tuple(draw(a_rule(name, later=NAMES[index + 1 : count])) for index, name in enumerate(NAMES[:count]))


@st.composite
def a_rule(draw: st.DrawFn, name: str, *, later: Sequence[str]) -> Rule:
    opens, closes = draw(windows)
    once = draw(st.sampled_from([*Once, Once.SHIPMENT, Once.OCCURRENCE]))
    urgent = draw(st.booleans()) and draw(st.booleans())
    closed = draw(st.sampled_from([*Closed, Closed.SEND, Closed.SEND]))
    return Rule(
        name=name,
        template=draw(st.sampled_from(["note", "news", "orders", "parcels"])),
        trigger=draw(triggers),
        delays=draw(steps),
        hours=Hours(opens=opens, closes=closes, days=draw(weekdays), closed_on=SELLER if closed is Closed.WAIT else None),
        calendar=SELLER,
        closed=closed,
        where=tuple(draw(st.lists(conditions, max_size=1))),
        zone=draw(st.sampled_from(["buyer", "shop", "Asia/Kathmandu"])),
        cancel_on=tuple(draw(st.lists(st.sampled_from(["order.cancelled", DELIVERED, "dispute.opened"]), max_size=2, unique=True))),
        once_per=once,
        once_span=timedelta(days=3) if once is Once.BUYER else None,
        expiry=draw(st.sampled_from([Span(days=3), Span(elapsed=timedelta(hours=6)), Span(days=9)])),
        holds=frozenset({Hold.DISPUTE}) if urgent else frozenset(draw(st.lists(st.sampled_from(Hold), max_size=4))),
        caps=Caps() if urgent else draw(caps),
        urgent=urgent,
        priority=draw(st.integers(0, 2)),
        group=draw(st.sampled_from(["", "", "g"])),
        supersedes=tuple(draw(st.lists(st.sampled_from(later), max_size=1))) if later else (),
        merge=draw(merges),
    )  # fmt: skip


# --- random events ---------------------------------------------------------------------------------------------------


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Events of up to four orders of up to three buyers within three weeks; some name only a parcel or a buyer."""
    events: list[Event] = []
    for number in range(draw(st.integers(1, 4))):
        buyer = draw(st.sampled_from(sorted(ZONES)))
        told = {
            "id": buyer,
            "email": f"{buyer}@example.com",
            "timezone": ZONES[buyer],
            "language": draw(st.sampled_from(["en", "ru"])),
        }
        opened = draw(moments)
        events.append(
            event(
                "order.paid",
                order=f"o{number}",
                at=opened,
                id_=f"o{number}",
                told={"ship_by": "2026-04-01T10:00:00Z"},
                buyer=told,
            )
        )
        count = draw(st.integers(0, 7))
        events += [draw(an_event(f"o{number}", f"o{number}-{index}", buyer)) for index in range(count)]
    return events


moments: Final = st.integers(0, 21 * 24).map(
    lambda hours: (START + timedelta(hours=hours)).replace(tzinfo=None).isoformat()
)


@st.composite
def an_event(draw: st.DrawFn, order: str, id_: str, buyer: str) -> Event:
    type_ = draw(
        st.sampled_from([*TYPES, *TYPES, "order.cancelled", "dispute.opened", "dispute.closed", "message.received", "message.answered",
                         "refund.issued", "review.posted", "order.received"])
    )  # fmt: skip
    at = draw(moments)
    if type_.startswith("shipment."):
        number = draw(st.sampled_from([f"{order}P1", f"{order}P2"]))
        return event(
            type_, order=draw(st.sampled_from([order, order, None])), at=at, id_=id_, shipment={"number": number}
        )
    if type_.startswith("dispute."):
        return event(type_, order=order, at=at, id_=id_, dispute={"id": "d"})
    if type_ == "message.received" and draw(st.booleans()):
        return event(type_, order=None, at=at, id_=id_, buyer={"id": buyer})
    if type_ == "review.posted":
        return event(type_, order=order, at=at, id_=id_, review={"stars": draw(st.integers(1, 5))})
    return event(type_, order=order, at=at, id_=id_)


many: Final = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def shown(lines: Sequence[Line]) -> bytes:
    return b"\n".join(orjson.dumps({**line.document(), "text": line.digest}) for line in lines)


def reached(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.outcome in {"sent", "merged"}]


# --- the laws --------------------------------------------------------------------------------------------------------


@many
@given(rules(), streams())
def test_every_message_leaves_in_its_hours(schedule: tuple[Rule, ...], events: list[Event]) -> None:
    by_name = {rule.name: rule for rule in schedule}
    buyers = {
        event.order: str(event.data["buyer"]["timezone"])
        for event in events
        if event.order and "timezone" in event.data.get("buyer", {})
    }

    for line in Simulator(home_with(*schedule)).play(events):
        if line.outcome == "sent":
            rule = by_name[line.rule]
            zone = {"buyer": buyers[line.order], "shop": SHOP.zone}.get(rule.zone, rule.zone)
            assert is_inside(line.at.astimezone(ZoneInfo(zone)), rule.hours), line
            assert (
                rule.closed is Closed.SEND or rule.hours.opens >= rule.hours.closes or not is_closed(line.at, zone)
            ), line


def is_inside(local: datetime, hours: Hours) -> bool:
    """Whether a wall clock lies in the window, thought of otherwise than the program does."""
    at, opens, closes = local.time(), hours.opens, hours.closes
    today, yesterday = local.weekday() in hours.days, (local.weekday() - 1) % 7 in hours.days
    if opens < closes:
        return today and opens <= at < closes
    return (today and at >= opens) or (yesterday and at < closes)


def is_closed(at: datetime, zone: str) -> bool:
    return SELLER.is_closed(at.astimezone(ZoneInfo(zone)).date())


@many
@given(rules(), streams(), caps)
def test_caps_that_all_share_are_never_exceeded(schedule: tuple[Rule, ...], events: list[Event], shared: Caps) -> None:
    capped = [replace(rule, caps=shared, urgent=False) for rule in schedule]

    sent = [line for line in Simulator(home_with(*capped)).play(events) if line.outcome == "sent"]

    buyer = {event.order: str(event.data["buyer"]["id"]) for event in events if event.order and "buyer" in event.data}
    for line in sent:
        of_order = [one.at for one in sent if one.order == line.order]
        of_buyer = [one.at for one in sent if buyer[one.order] == buyer[line.order]]
        for cap, times in ((shared.per_order, of_order), (shared.per_buyer, of_buyer)):
            if cap is not None:
                assert sum(line.at - cap.span < at <= line.at for at in times) <= cap.count


@many
@given(rules(), streams())
def test_a_capped_message_finds_room_whatever_else_was_sent(schedule: tuple[Rule, ...], events: list[Event]) -> None:
    by_name = {rule.name: rule for rule in schedule}
    sent = [line for line in Simulator(home_with(*schedule)).play(events) if line.outcome == "sent"]

    for line in sent:
        cap = by_name[line.rule].caps.per_order
        if cap is not None:
            before = [one for one in sent if one.order == line.order and line.at - cap.span < one.at < line.at]
            assert len(before) < cap.count


@many
@given(rules(), streams())
def test_every_message_has_an_end_and_a_reason(schedule: tuple[Rule, ...], events: list[Event]) -> None:
    lines = Simulator(home_with(*schedule)).play(events)
    sent = {f"{one.shop}/{one.rule}/{one.scope}/{one.step}": one for one in lines if one.outcome == "sent"}

    for line in lines:
        assert line.outcome not in WAITING
        if line.outcome == "merged":
            carrier = sent[line.because]
            assert (carrier.at, carrier.rule, carrier.locale, carrier.digest) == (
                line.at,
                line.rule,
                line.locale,
                line.digest,
            )
        elif line.outcome == "superseded":
            assert line.because in sent
        elif line.outcome != "sent":
            assert line.reason
            assert line.because


@many
@given(rules(), streams())
def test_no_message_has_two_lines(schedule: tuple[Rule, ...], events: list[Event]) -> None:
    lines = Simulator(home_with(*schedule)).play(events)

    assert len({(one.shop, one.rule, one.scope, one.step) for one in lines}) == len(lines)


@many
@given(rules(), streams(), st.randoms())
def test_the_order_of_lines_and_repeats_change_nothing(
    schedule: tuple[Rule, ...], events: list[Event], chance: object
) -> None:
    again = [*events, *events[: len(events) // 2]]
    chance.shuffle(again)  # type: ignore[attr-defined]  # Hypothesis's Random has no public name

    assert shown(Simulator(home_with(*schedule)).play(again)) == shown(Simulator(home_with(*schedule)).play(events))


@many
@given(rules(), streams())
def test_playing_twice_gives_the_same_bytes(schedule: tuple[Rule, ...], events: list[Event]) -> None:
    simulator = Simulator(home_with(*schedule))

    assert shown(simulator.play(events)) == shown(simulator.play(events))


@many
@given(rules(), streams())
def test_nothing_is_sent_after_an_event_that_cancels_it(schedule: tuple[Rule, ...], events: list[Event]) -> None:
    by_name = {rule.name: rule for rule in schedule}
    by_ref = {event.ref: event for event in events}

    for line in reached(Simulator(home_with(*schedule)).play(events)):
        rule, trigger = by_name[line.rule], by_ref.get(line.because)
        if trigger is None or not isinstance(rule.trigger, OnEvent):
            continue
        for other in events:
            is_about_it = other.order == line.order and not other.type.startswith("shipment.")
            in_time = other is not trigger and trigger.time <= other.time <= line.at
            cancels = any(matches(pattern, other.type) for pattern in rule.cancel_on)
            assert not (is_about_it and in_time and cancels), (line, other)


@many
@given(rules(), streams())
def test_nothing_is_sent_while_a_dispute_holds_it(schedule: tuple[Rule, ...], events: list[Event]) -> None:
    by_name = {rule.name: rule for rule in schedule}

    for line in reached(Simulator(home_with(*schedule)).play(events)):
        if Hold.DISPUTE in by_name[line.rule].holds:
            known = [one for one in events if one.order == line.order and one.time <= line.at]
            assert fold(known).open_dispute is None


@many
@given(rules(), streams(), moments)
def test_what_was_sent_until_an_instant_does_not_depend_on_what_comes_later(
    schedule: tuple[Rule, ...], events: list[Event], until: str
) -> None:
    end = datetime.fromisoformat(until).replace(tzinfo=UTC)
    whole = [line for line in reached(Simulator(home_with(*schedule)).play(events)) if line.at <= end]

    assert shown(reached(Simulator(home_with(*schedule), end=end).play(events))) == shown(whole)


# --- how it is played ------------------------------------------------------------------------------------------------


@many
@given(rules(), streams())
def test_playing_apart_is_playing_together(schedule: tuple[Rule, ...], events: list[Event]) -> None:
    apart = Simulator(home_with(*schedule)).play(events)
    together = Simulator(home_with(*schedule), staff=5).play(
        events
    )  # people at desks tie all orders together; here is none

    assert shown(apart) == shown(together)


@many
@given(rules(), streams())
def test_remembering_changes_no_plan(schedule: tuple[Rule, ...], events: list[Event]) -> None:
    memory = Memory()
    mine = sorted((one for one in events if one.order == "o0"), key=lambda one: one.time)

    for count in range(1, len(mine) + 1):
        order = fold(mine[:count])
        fresh = plan(order, schedule, country_zones(), SHOP)
        assert plan(order, schedule, country_zones(), SHOP, memory=memory) == fresh


@given(streams())
@many
def test_each_event_is_in_one_circle_with_all_of_its_buyer_and_parcel(events: list[Event]) -> None:
    found = circles(unique(events))

    assert sorted(one.id for circle in found for one in circle) == sorted(one.id for one in events)
    for name in ZONES:
        assert sum(any(one.data.get("buyer", {}).get("id") == name for one in circle) for circle in found) <= 1


# --- what all orders share -------------------------------------------------------------------------------------------


@st.composite
def journeys(draw: st.DrawFn) -> list[Event]:
    """Parcels of two countries that arrive; some arrivals are told late, some are told again otherwise."""
    events: list[Event] = []
    for number in range(draw(st.integers(0, 45))):
        order, left, took = f"o{number}", draw(st.integers(0, 40)), draw(st.integers(1, 30))
        country = draw(st.sampled_from(["ES", "ES", "ES", "FR"]))
        events.append(
            event("order.shipped", order=order, at=day(left), id_=f"{order}-1", buyer={"id": order, "country": country})
        )
        late = draw(st.sampled_from([0, 0, 0, 2, 200]))
        arrived = {"number": f"{order}P", "at": f"{day(left + took)}Z"}
        events.append(event(DELIVERED, order=order, at=day(left + took + late), id_=f"{order}-2", shipment=arrived))
        if draw(st.booleans()) and draw(st.booleans()):
            events.append(
                event("order.updated", order=order, at=day(left + took + 9), id_=f"{order}-3", buyer={"country": "FR"})
            )
    return events


def day(number: int) -> str:
    return (START + timedelta(days=number, hours=number % 24)).replace(tzinfo=None).isoformat()


@many
@given(journeys(), st.integers(0, 320))
def test_a_snapshot_tells_what_was_known_when_the_day_began(events: list[Event], number: int) -> None:
    home = home_with(LANE_RULE)
    when = (START + timedelta(days=number)).date()
    known = [one for one in events if one.time.date() < when]
    orders = [fold([one for one in known if one.order == order]) for order in {one.order for one in known}]
    expected: dict[LaneKey, list[Journey]] = {}
    for order in orders:
        for journey in journeys_of(order, home.schedule):
            expected.setdefault(journey.lane, []).append(journey)

    found = Lanes.of(home, [[(one.time, [one]) for one in circle] for circle in circles(unique(events))]).on(when)

    for key in {*expected, *found}:
        lane = snapshot(key, expected.get(key, []), when)
        told = found.get(key) or snapshot(key, [], when)
        assert (told.parcels, told.p50_days, told.p90_days) == (lane.parcels, lane.p50_days, lane.p90_days)


LANE_RULE: Final = Rule(
    name="slow", template="lane", trigger=OnEvent(types=("order.shipped",)), where=(Condition(field="lane.late", any_of=(True,)),),
)  # fmt: skip
