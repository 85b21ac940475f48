"""The whole program, on SQLite and on PostgreSQL: what schedules promise, seen in a mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from messenger.domain.events import Event
from messenger.homes import present_home
from messenger.services.publishing import edition_of
from tests.builders import event, utc
from tests.whole import Whole, whole

START = utc("2026-03-02T10:00")
DAY = timedelta(days=1)
Scene = Callable[[Whole], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path, migrated_url: str) -> Callable[[Scene], None]:
    """Runs a scene in a shop of its own."""

    async def run(scene: Scene) -> None:
        async with whole(tmp_path, at=START, url=migrated_url) as shop:
            await scene(shop)

    return lambda scene: asyncio.run(run(scene))


def shipped(order: str, *, at: str = "2026-03-02T10:00", buyer: str = "") -> list[Event]:
    who = buyer or f"b{order}"
    told = {"id": who, "name": "Ana", "email": f"{who}@example.com", "country": "ES", "language": "es"}
    return [
        event("order.paid", at="2026-03-02T09:00", order=order, buyer=told, told={"items": [{"title": "Puzzle"}]}),
        event("order.shipped", at=at, order=order, shipment={"number": f"RR{order}"}),
    ]


SHIPPED = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
STUCK = """
[rules.stuck]
template = "customs-delay"
silent = "5d"
since = "shipment.*"
where = { shipment.state = "import_customs" }
"""
SOURCE = '\n[sources.erp]\nkind = "file"\nshop = "toys"\nfresh = "12h"\n'


def test_a_source_that_is_down_for_six_days_lets_no_silence_speak_and_only_what_is_true_when_it_is_back(
    play: Callable[[Scene], None],
) -> None:
    async def scene(shop: Whole) -> None:
        shop.settings(SOURCE)
        shop.rules(STUCK)
        customs = [
            one
            for order in ("1", "2")
            for one in (
                *shipped(order),
                event("shipment.import_customs", order=order, shipment={"number": f"RR{order}"}, at="2026-03-02T11:00"),
            )
        ]
        shop.ingest(*customs, source="erp", at=utc("2026-03-02T12:00"))
        for hours in range(6, 6 * 24 + 1, 6):
            await shop.run(utc("2026-03-02T12:00") + timedelta(hours=hours))
        assert shop.mails == 0
        assert shop.states() == {"1/stuck/1": "held:hold", "2/stuck/1": "held:hold"}
        assert {row.because for row in shop.rows()} == {"source_silent erp"}

        news = event("shipment.delivered", order="1", shipment={"number": "RR1"}, at="2026-03-06T08:00")
        shop.ingest(news, source="erp", at=utc("2026-03-08T13:00"))
        await shop.run(hours=0.1)

        assert shop.states() == {"1/stuck/1": "cancelled:event", "2/stuck/1": "sent:"}
        assert shop.mails == 1

    play(scene)


def test_an_empty_poll_is_a_sign_of_life(play: Callable[[Scene], None]) -> None:
    async def scene(shop: Whole) -> None:
        shop.settings(SOURCE)
        shop.rules(STUCK)
        customs = event("shipment.import_customs", order="1", shipment={"number": "RR1"}, at="2026-03-02T11:00")
        shop.ingest(*shipped("1"), customs, source="erp", at=utc("2026-03-02T12:00"))
        shop.ingest(source="erp", at=utc("2026-03-07T10:30"))
        await shop.run(utc("2026-03-07T11:00"))

        assert shop.states() == {"1/stuck/1": "sent:"}

    play(scene)


def test_more_than_the_valve_lets_through_waits_for_a_person(play: Callable[[Scene], None]) -> None:
    async def scene(shop: Whole) -> None:
        shop.rules(SHIPPED, head='version = 1\n[safety]\nmax_new_messages = 20\n[defaults]\nwindow = "always"\n')
        shop.ingest(*[one for number in range(20) for one in shipped(f"a{number}")])
        shop.ingest(*[one for number in range(21) for one in shipped(f"b{number}")])
        await shop.run(hours=1)

        states = shop.states()
        assert {state for name, state in states.items() if name.startswith("a")} == {"sent:"}
        assert {state for name, state in states.items() if name.startswith("b")} == {"waiting_approval:approval"}
        assert shop.mails == 20
        assert any("waiting_approval valve" in line for line in shop.told("b1"))
        await shop.run(hours=100)
        assert {state for name, state in shop.states().items() if name.startswith("b")} == {"expired:approval"}

    play(scene)


def test_two_orders_of_one_buyer_share_a_cap(play: Callable[[Scene], None]) -> None:
    async def scene(shop: Whole) -> None:
        shop.rules(SHIPPED + 'cap = { per_buyer = "1/1d" }\n')
        shop.ingest(*shipped("1", buyer="ana"), *shipped("2", buyer="ana"), *shipped("3"))
        await shop.run(hours=1)
        assert shop.states() == {"1/shipped/1": "sent:", "2/shipped/1": "planned:cap", "3/shipped/1": "sent:"}
        await shop.run(hours=23)
        assert shop.mails == 2
        await shop.run(hours=1.1)
        assert shop.mails == 3

    play(scene)


def test_two_orders_of_one_buyer_go_out_in_one_message(play: Callable[[Scene], None]) -> None:
    async def scene(shop: Whole) -> None:
        shop.rules(SHIPPED + 'merge = { within = "6h", same = "buyer" }\n')
        shop.ingest(*shipped("1", buyer="ana"), *shipped("2", buyer="ana", at="2026-03-02T14:00"))
        await shop.run(hours=1)

        assert shop.states() == {"1/shipped/1": "sent:", "2/shipped/1": "merged:"}
        assert shop.mails == 1

    play(scene)


def test_what_was_to_go_out_together_is_free_again_when_the_other_is_cancelled(play: Callable[[Scene], None]) -> None:
    """The template needs a tracking number that the first order lacks: its message is left out, the second one's is not."""

    async def scene(shop: Whole) -> None:
        shop.rules(SHIPPED + 'merge = { within = "6h", same = "buyer" }\n')
        first, second = shipped("1", buyer="ana"), shipped("2", buyer="ana", at="2026-03-02T12:00")
        shop.ingest(first[0], event("order.shipped", order="1", at="2026-03-02T10:00"), *second)
        await shop.run(hours=1)
        assert shop.states() == {"1/shipped/1": "skipped:missing_data", "2/shipped/1": "planned:"}
        await shop.run(hours=2)
        assert shop.states()["2/shipped/1"] == "sent:"

    play(scene)


def test_a_changed_rule_moves_what_waits_and_takes_nothing_back(play: Callable[[Scene], None]) -> None:
    async def scene(shop: Whole) -> None:
        shop.rules(SHIPPED)
        shop.ingest(*shipped("1"))
        await shop.run(hours=1)
        publish(shop, SHIPPED + 'delay = "2d"\n')
        shop.ingest(*shipped("2"))
        before = {row.order: row.due_at for row in shop.rows()}
        publish(shop, SHIPPED + 'delay = "3d"\n')
        await shop.run(hours=1)
        after = {row.order: row.due_at for row in shop.rows()}

        assert after["1"] == before["1"]
        assert after["2"] == before["2"] + DAY
        assert shop.mails == 1

    def publish(shop: Whole, rules: str) -> None:
        shop.rules(rules)
        publish_now(shop)

    play(scene)


def publish_now(shop: Whole) -> None:
    """What ``messenger publish`` does; on SQLite a changed folder is published by itself."""
    with shop.open() as engine:
        engine.store.publish(edition_of(shop.folder, at=shop.clock.now(), by="test"))


def test_a_renamed_rule_repeats_nothing_and_a_new_one_does_not_tell_old_orders_again(
    play: Callable[[Scene], None],
) -> None:
    async def scene(shop: Whole) -> None:
        shop.rules(SHIPPED)
        shop.ingest(*shipped("1"))
        await shop.run(hours=1)
        assert shop.mails == 1
        shop.rules('[rules.on-its-way]\ntemplate = "shipped"\non = "order.shipped"\nformerly = ["shipped"]\n'
                   '[rules.twin]\ntemplate = "shipped"\non = "order.shipped"\n')  # fmt: skip
        publish_now(shop)
        shop.ingest(event("order.updated", order="1", at="2026-03-02T12:00"))
        await shop.run(hours=1)

        assert shop.mails == 1
        assert shop.states() == {"1/shipped/1": "sent:"}

    play(scene)


def test_a_broken_edit_keeps_the_last_good_rules_also_over_a_restart(play: Callable[[Scene], None]) -> None:
    async def scene(shop: Whole) -> None:
        shop.rules(SHIPPED)
        shop.ingest(*shipped("1"))
        (shop.folder / "schedules.toml").write_text(
            "version = 1\n[rules.shipped]\non = 'order.shiped'\n", encoding="utf-8"
        )
        with shop.open() as engine:
            present = present_home(shop.folder, engine.settings, engine.store, at=shop.clock.now(), by="test")
            assert present.home.generation == 1
            assert any("order.shiped" in str(finding) for finding in present.findings)
        await shop.run(hours=1)

        assert shop.mails == 1

    play(scene)


def test_an_answer_lifts_the_hold_of_a_conversation_and_three_days_of_silence_do(play: Callable[[Scene], None]) -> None:
    async def scene(shop: Whole) -> None:
        shop.rules(SHIPPED + 'expiry = "9d"\n')
        for order in ("1", "2"):
            asked = event(
                "message.received", order=order, at="2026-03-02T09:30", message={"id": f"m{order}", "text": "?"}
            )
            shop.ingest(*shipped(order), asked)
        await shop.run(hours=1)
        assert shop.states() == {"1/shipped/1": "held:hold", "2/shipped/1": "held:hold"}
        shop.ingest(
            event("message.answered", order="1", at="2026-03-02T11:30", message={"id": "a1"}),
            at=utc("2026-03-02T11:31"),
        )
        await shop.run(hours=0.1)
        assert shop.states() == {"1/shipped/1": "sent:", "2/shipped/1": "held:hold"}
        await shop.run(utc("2026-03-05T09:29"))
        assert shop.mails == 1
        await shop.run(utc("2026-03-05T09:31"))
        assert shop.mails == 2

    play(scene)


def test_a_shop_that_is_paused_sends_nothing_until_it_goes_on(play: Callable[[Scene], None]) -> None:
    async def scene(shop: Whole) -> None:
        shop.rules(SHIPPED)
        shop.ingest(*shipped("1"))
        with shop.open() as engine:
            assert engine.store.pause("toys", at=shop.clock.now(), by="Ann")
        await shop.run(hours=1)
        assert shop.mails == 0
        with shop.open() as engine:
            assert engine.store.resume("toys") is not None
        await shop.run(hours=1)
        assert shop.mails == 1

    play(scene)


def test_a_staff_rule_writes_when_a_person_starts_it(play: Callable[[Scene], None]) -> None:
    async def scene(shop: Whole) -> None:
        shop.rules('[rules.sorry]\ntemplate = "delay-apology"\ntrigger = "staff"\n')
        moving = event("shipment.in_transit", order="1", at="2026-03-02T11:00", shipment={"number": "RR1"})
        shop.ingest(*shipped("1"), moving)
        await shop.run(hours=1)
        assert shop.states() == {}
        shop.ingest(event("staff.started", order="1", at="2026-03-02T11:05", staff={"rule": "sorry", "by": "Ann"}))
        await shop.run(hours=1)
        assert shop.states() == {"1/sorry/1": "sent:"}

    play(scene)


def test_how_long_parcels_take_is_counted_once_a_day_and_asked_when_a_message_is_due(
    play: Callable[[Scene], None],
) -> None:
    async def scene(shop: Whole) -> None:
        shop.rules(SHIPPED + "where = { lane.p90_days = { max = 9 } }\n")
        for number in range(20):
            order = f"old{number}"
            arrived = event("shipment.delivered", order=order, at="2026-03-09T10:00", shipment={"number": f"RR{order}"})
            shop.ingest(*shipped(order), arrived)
        shop.clock.advance_to(utc("2026-03-10T09:00"))
        await shop.run(hours=0)
        shop.ingest(*shipped("new", at="2026-03-10T09:30"))
        await shop.run(utc("2026-03-10T09:40"))

        assert shop.states()["new/shipped/1"] == "sent:"
        with shop.open() as engine:
            (lane,) = engine.store.lanes().values()
        assert (lane.parcels, str(lane.p90_days)) == (20, "7.0")

    play(scene)
