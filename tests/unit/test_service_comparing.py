"""What another home's schedules and texts would have made of the same events."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson

from messenger.config.places import country_zones
from messenger.domain.events import Event
from messenger.domain.rules import Once, OnEvent, Rule, Schedule
from messenger.domain.shops import Mode, Shop
from messenger.domain.timing import Span
from messenger.rendering.catalogue import Catalogue, load
from messenger.services.comparing import Change, Different, compare
from messenger.services.home import Home
from messenger.services.simulating import Simulator
from tests.builders import event, parcel

TEXTS = load(Path(__file__).parent.parent / "golden" / "simulate" / "home" / "templates")
SHOP = Shop(id="toys", name="Toys", sender="Toys <care@toys.example>", mode=Mode.LIVE, channels={"email": "main"})
THANKS = Rule(name="thanks", template="note", trigger=OnEvent(types=("order.paid",)))
ARRIVED = Rule(
    name="arrived", template="news", trigger=OnEvent(types=("shipment.delivered",)), once_per=Once.SHIPMENT, delays=(Span(days=1),)
)  # fmt: skip
BUYER = {"id": "b1", "name": "Ana", "email": "ana@example.com", "language": "en", "timezone": "UTC"}
EVENTS = [
    event("order.paid", order="8134", at="2026-03-02T10:00", buyer=BUYER),
    event("order.paid", order="8135", at="2026-03-02T11:00", buyer=BUYER),
    parcel("delivered", at="2026-03-09T10:00", number="RR1"),
    parcel("delivered", at="2026-03-09T12:00", number="RR2"),
]


def home_with(*rules: Rule, texts: Catalogue = TEXTS, shop: Shop = SHOP) -> Home:
    return Home(shops={"toys": shop}, schedule=Schedule(rules=rules), catalogue=texts, zones=country_zones())


def differences(before: Home, after: Home, events: list[Event] | None = None) -> list[Different]:
    told = EVENTS if events is None else events
    renamed = {**before.schedule.aliases, **after.schedule.aliases}
    return compare(Simulator(before).play(told), Simulator(after).play(told), renamed=renamed)


def shown(found: list[Different]) -> list[tuple[str, str, str, str]]:
    return [(str(one.change), one.line.order, one.rule, f"{one.line.at:%d %H:%M}") for one in found]


def test_equal_homes_do_not_differ() -> None:
    assert differences(home_with(THANKS, ARRIVED), home_with(THANKS, ARRIVED)) == []


def test_another_delay_lists_exactly_the_moved_messages() -> None:
    later = replace(ARRIVED, delays=(Span(days=2),))

    found = differences(home_with(THANKS, ARRIVED), home_with(THANKS, later))

    assert shown(found) == [("moved", "8134", "arrived", "11 10:00"), ("moved", "8134", "arrived", "11 12:00")]
    assert found[0].document() == {
        "change": "moved", "shop": "toys", "order": "8134", "shipment": "RR1", "rule": "arrived", "step": 1, "template": "news",
        "from": "2026-03-10T10:00:00Z", "to": "2026-03-11T10:00:00Z", "from_local": "2026-03-10T10:00:00+00:00",
        "to_local": "2026-03-11T10:00:00+00:00",
    }  # fmt: skip


def test_a_new_rule_adds_and_an_old_one_removes() -> None:
    found = differences(home_with(THANKS), home_with(ARRIVED))

    assert shown(found) == [
        ("removed", "8134", "thanks", "02 10:00"),
        ("added", "8134", "arrived", "10 10:00"),
        ("added", "8134", "arrived", "10 12:00"),
        ("removed", "8135", "thanks", "02 11:00"),
    ]
    assert found[0].document()["now"] is None


def test_what_is_no_longer_sent_says_what_became_of_it() -> None:
    cancelled = replace(ARRIVED, cancel_on=("order.paid", "order.received"))
    received = event("order.received", order="8134", at="2026-03-09T20:00")

    found = differences(home_with(ARRIVED), home_with(cancelled), [*EVENTS, received])

    assert {one.change for one in found} == {Change.REMOVED}
    assert found[0].document()["now"] == {
        "outcome": "cancelled", "reason": "event", "because": received.ref, "at": "2026-03-09T20:00:00Z",
    }  # fmt: skip


def test_what_is_left_out_in_both_plays_is_no_difference() -> None:
    paid = event("order.paid", order="8134", at="2026-03-02T10:00", buyer={"id": "b1", "timezone": "UTC"})
    later = replace(THANKS, delays=(Span(days=1),))

    assert differences(home_with(THANKS), home_with(later), [paid]) == []


def test_another_text_is_told_as_reworded() -> None:
    found = differences(home_with(THANKS), home_with(replace(THANKS, template="news")))

    assert [one.change for one in found] == [Change.REWORDED, Change.REWORDED]
    assert found[0].document()["changed"] == {"subject": {"from": "Order 8134", "to": "News of order 8134"}}


def test_another_language_is_told_as_reworded() -> None:
    russian = replace(SHOP, default_language="ru")
    nobody = [
        event(
            "order.paid",
            order="8134",
            at="2026-03-02T10:00",
            buyer={"id": "b1", "email": "b1@example.com", "timezone": "UTC"},
        )
    ]

    found = differences(home_with(THANKS), home_with(THANKS, shop=russian), nobody)

    assert found[0].rewording()["locale"] == ("en", "ru")


def test_a_message_that_moved_reads_otherwise_only_if_its_template_is_another() -> None:
    moved_and_new = replace(ARRIVED, delays=(Span(days=2),), template="note")

    found = differences(home_with(ARRIVED), home_with(moved_and_new))

    assert [one.change for one in found] == [Change.MOVED, Change.REWORDED] * 2


def test_a_renamed_rule_is_the_same_rule() -> None:
    renamed = replace(THANKS, name="gratitude", formerly=("thanks",))

    assert differences(home_with(THANKS), home_with(renamed)) == []
    assert differences(home_with(renamed), home_with(THANKS)) == []


def test_a_message_that_waits_at_the_end_counts_as_coming() -> None:
    soon, late = home_with(THANKS), home_with(replace(THANKS, delays=(Span(elapsed=timedelta(hours=3)),)))
    end = EVENTS[0].time + timedelta(hours=2)

    before, after = (Simulator(one, end=end).play(EVENTS[:1]) for one in (soon, late))

    assert [one.change for one in compare(before, after, renamed={})] == [Change.MOVED]


def test_documents_are_json() -> None:
    for one in differences(home_with(THANKS), home_with(ARRIVED)):
        assert orjson.loads(orjson.dumps(one.document()))["change"] == one.change
