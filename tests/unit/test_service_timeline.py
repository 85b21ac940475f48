"""The story of an order: what each event led to, what moved because of what, who decided, what left, and what stands before it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from messenger.bootstrap import open_app
from messenger.cli.explain import answer_lines, document, story
from messenger.domain.messages import Outcome
from messenger.intake.files import read_json_lines
from messenger.ports import Line, OrderKey
from messenger.services.clocks import SetClock
from messenger.services.explaining import Explain
from messenger.services.queueing import Choice, Verb
from messenger.services.telling.steps import grouped
from tests.builders import event, utc
from tests.homes import live_home
from tests.stage import START, Stage, shipped, stage

SHIPPED: Final = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
LATE: Final = '[rules.late]\ntemplate = "shipped"\nafter = "ship_by"\ndelay = "1h"\n'
ONE: Final = OrderKey(shop="toys", number="1")
PLANNED: Final = "shipped: planned for Mon 2026-03-02 11:00 (schedules.toml:6, generation 1)"
CAPPED: Final = (
    "shipped: moved from Mon 2026-03-02 11:00 to Tue 2026-03-03 13:00: "
    "the buyer has been written to often enough for now (shipped of order 2, Mon 2026-03-02 13:00)"
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Stage]:
    opened = stage(tmp_path)
    yield opened
    opened.close()


def texts(shop: Stage, order: str = "1") -> list[str]:
    return [step.text for step in shop.explain(order).steps if step.kind == "message"]


def follows(shop: Stage) -> dict[str, list[str]]:
    """What follows from each event, by the event's type."""
    found: dict[str, list[str]] = {}
    for step, following in grouped(shop.explain().steps):
        if step.kind == "event":
            found.setdefault(step.what, []).extend(one.text for one in following)
    return found


def promised(at: str, *, told: str) -> Any:
    return event("order.updated", order="1", at=told, told={"ship_by": f"{at}:00Z"})


def act(shop: Stage, verb: Verb, *, by: str, why: str = "") -> None:
    shop.queue.act(verb, shop.queue.choose(verb, Choice(order=ONE)), by=by, why=why)


def test_what_each_event_planned_stands_behind_it(shop: Stage) -> None:
    shop.rules(SHIPPED + 'delay = "1d"\ncancel_on = ["order.cancelled"]\n')
    shop.ingest(*shipped())
    shop.ingest(event("order.cancelled", at="2026-03-02T11:30", order="1"))

    assert follows(shop) == {
        "order.paid": [],
        "order.shipped": ["shipped: planned for Tue 2026-03-03 11:00 (schedules.toml:6, generation 1)"],
        "order.cancelled": [
            "shipped: was cancelled: something has happened that makes it pointless: the order was cancelled (Mon 2026-03-02 12:30)"
        ],
    }


def test_a_deadline_that_moves_a_message_is_named_as_what_moved_it(shop: Stage) -> None:
    shop.rules(LATE)
    shop.ingest(shipped()[0], promised("2026-03-05T10:00", told="2026-03-02T09:30"))
    shop.ingest(promised("2026-03-07T10:00", told="2026-03-02T12:30"), at="2026-03-02T12:40")

    assert texts(shop) == [
        "late: planned for Thu 2026-03-05 12:00 (schedules.toml:6, generation 1)",
        "late: moved from Thu 2026-03-05 12:00 to Sat 2026-03-07 12:00: the order's details changed (Mon 2026-03-02 13:30)",
    ]
    assert "the order's details changed (order.updated: order.ship_by); taken in Mon 2026-03-02 13:40" in "\n".join(
        story(shop.explain())
    )


def test_new_rules_that_move_a_message_are_named_and_its_first_line_stays_true(shop: Stage) -> None:
    shop.rules(LATE)
    shop.ingest(shipped()[0], promised("2026-03-05T10:00", told="2026-03-02T09:30"))
    shop.rules("# one line more\n" + LATE.replace("1h", "5h"))

    assert texts(shop) == [
        "late: planned for Thu 2026-03-05 12:00 (schedules.toml:6, generation 1)",
        "late: moved from Thu 2026-03-05 12:00 to Thu 2026-03-05 16:00: the rules changed (generation 2)",
    ]
    assert shop.explain().messages[0].line == 7


def test_newer_news_that_moves_a_silence_is_named(shop: Stage) -> None:
    shop.rules('[rules.stuck]\ntemplate = "customs-delay"\nsilent = "5d"\nsince = "shipment.*"\n')
    for day in (3, 4):
        at = f"2026-03-0{day}T10:00"
        shop.ingest(event("shipment.in_transit", order="1", at=at, shipment={"number": "RR1"}), *shipped()[:1], at=at)
    shop.run("2026-03-08T12:00")

    assert texts(shop)[-1] == (
        "stuck: moved from Sun 2026-03-08 11:00 to Mon 2026-03-09 11:00: the parcel was reported in transit (Wed 2026-03-04 11:00)"
    )


def test_what_was_planned_and_could_not_leave_is_told_as_moved(tmp_path: Path) -> None:
    told = {
        "specversion": "1.0", "id": "1", "source": "erp", "type": "order.shipped", "time": "2026-03-02T12:00:00Z", "subject": "501",
        "data": {"shop": "toys", "buyer": {"email": "ana@example.com", "timezone": "Europe/Madrid"}, "shipment": {"number": "RR1"}},
    }  # fmt: skip
    clock = SetClock(utc("2026-03-03T21:00"))
    with open_app(live_home(tmp_path, port=9), {}, clock=clock) as engine:
        lines = [one for one in read_json_lines([json.dumps(told).encode()], file="x") if isinstance(one, Line)]
        engine.ingest.accept(lines, kind="file", name="x")
        asyncio.run(engine.worker().run_until_idle())
        found = Explain(engine.store, engine.home, clock).order(OrderKey(shop="toys", number="501"))

    planned, moved = [step.text for step in found.steps if step.key is not None and step.key.rule == "shipped"]
    assert planned.startswith("shipped: planned for Tue 2026-03-03 13:00 (schedules.toml:")
    assert moved == (
        "shipped: moved from Tue 2026-03-03 13:00 to Wed 2026-03-04 09:00: it could not leave then, and its hours were over"
    )


def test_people_are_named_with_what_they_decided_and_why(shop: Stage) -> None:
    shop.rules(SHIPPED + 'approval = "staff"\n')
    shop.ingest(*shipped())
    shop.run()
    act(shop, Verb.HOLD, by="Ann", why="the buyer called")
    act(shop, Verb.RELEASE, by="Bob")
    shop.run()
    act(shop, Verb.APPROVE, by="Ann", why="fine")
    act(shop, Verb.CANCEL, by="Bob", why="no")

    asks = "shipped: waits for a person to approve it: the rule asks for approval"
    assert texts(shop) == [
        PLANNED, asks, "shipped: held by Ann: the buyer called", "shipped: released by Bob", asks, "shipped: approved by Ann: fine",
        "shipped: cancelled by Bob: no",
    ]  # fmt: skip


def test_a_hold_is_told_with_what_holds_and_what_lifted_it(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped(), event("dispute.opened", at="2026-03-02T11:00", order="1", dispute={"id": "d1"}))
    shop.run()
    shop.ingest(event("dispute.closed", at="2026-03-02T12:30", order="1", dispute={"id": "d1"}), at="2026-03-02T13:00")

    assert texts(shop)[1:] == [
        "shipped: held: a dispute is open (d1), since Mon 2026-03-02 12:00",
        "shipped: no longer held: the dispute was closed (Mon 2026-03-02 13:30); it leaves at once if its hours are open",
    ]


def test_a_cap_is_told_with_the_messages_that_filled_it_also_later(shop: Stage) -> None:
    shop.rules(SHIPPED + 'cap = { per_buyer = "1/1d" }\n')
    shop.ingest(*shipped("2", buyer="ana"))
    shop.run()
    shop.ingest(*shipped("1", buyer="ana"))
    shop.run()
    assert texts(shop) == [PLANNED, CAPPED]
    shop.run("2026-03-03T13:00")

    assert texts(shop)[:2] == [PLANNED, CAPPED]
    assert texts(shop)[2].startswith("shipped: sent by email in es")


def test_what_went_together_names_the_other_in_both_stories(shop: Stage) -> None:
    shop.rules(SHIPPED + 'merge = { within = "1h", same = "buyer" }\n')
    shop.ingest(*shipped("1", buyer="ana", at="2026-03-02T11:00"), *shipped("2", buyer="ana"))
    shop.run()

    assert texts(shop)[1:] == [
        "shipped: taken along by shipped of order 2",
        "shipped: went out together with another message: shipped of order 2",
    ]
    assert "in es, version" in "\n".join(story(shop.explain()))


def test_what_left_is_told_with_channel_language_text_and_answer(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.transport.answer(Outcome.TEMPORARY, Outcome.UNCERTAIN)
    shop.ingest(*shipped())
    for minute in (0, 10, 30):
        shop.run(f"2026-03-02T12:{minute:02}")

    version = (shop.engine.store.frozen(shop.row().id) or pytest.fail("nothing was frozen")).template_version[:12]
    assert texts(shop)[1:] == [
        (
            "shipped: moved from Mon 2026-03-02 11:00 to Mon 2026-03-02 13:04: the last try did not succeed, there will be another "
            "(451 4.3.0 try again later)"
        ),
        (
            "shipped: may or may not have been sent: the answer of the other side did not arrive; "
            f"tried by email in es, text shipped {version}, answer: the line broke before a reply"
        ),
        f"shipped: sent by email in es, text shipped {version}, answer: 250 2.0.0 kept in memory",
    ]


def test_the_language_is_told_with_what_was_wished_tried_and_passed_over(shop: Stage) -> None:
    (shop.folder / "templates" / "en" / "shipped@country=by.md").write_bytes(
        (shop.folder / "templates" / "en" / "shipped.md").read_bytes()
    )
    shop.rules(SHIPPED + 'delay = "1d"\n')
    shop.ingest(*shipped(country="FR", language="fr-CA", timezone=None))

    (standing,) = shop.explain().messages
    now = standing.now
    assert (now.locale, now.because, now.wished, now.tried) == ("en", "the shop's language", "fr-CA", ("fr-CA", "fr"))
    assert "templates/en/shipped@country=by.md" in now.passed_over
    lines = "\n".join(story(shop.explain()))
    assert "language now: en, the shop's language; wished fr-CA; not there: fr-CA, fr" in lines
    assert "templates/en/shipped@country=by.md" in lines


def test_times_are_the_buyers_with_the_zone_named_once_and_utc_in_json(shop: Stage) -> None:
    shop.rules(SHIPPED + 'delay = "1d"\n')
    shop.ingest(*shipped(name="Константин Вознесенский-Зильберштейн\x1b[31m\u202e"))
    lines = story(shop.explain())
    told = json.loads(orjson.dumps(document(shop.explain())))

    assert lines[0] == (
        "Order toys/1 of Константин Вознесенский-Зильберштейн [31m  in ES: shipped. Times in Europe/Madrid (the zone the platform told)."
    )
    assert "\n".join(lines).count("Europe/Madrid") == 1
    assert "T" not in {line[10:11] for line in lines[2:]}
    instants = [step["at"] for step in told["timeline"]] + [
        told["messages"][0][name] for name in ("due_at", "leaves_at")
    ]
    assert all(at.endswith("Z") for at in instants)
    planned = told["timeline"][-1]
    assert (planned["what"], planned["rule"], planned["follows"], planned["generation"], planned["due"]) == (
        "planned", "shipped", told["timeline"][-2]["event"], "1", "2026-03-03T10:00:00Z",
    )  # fmt: skip


def test_an_order_without_messages_says_how_to_ask_why(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(shipped()[0])

    assert story(shop.explain())[-1] == (
        "No rule has planned a message for it; messenger explain toys/1 --rule NAME tells why."
    )
    assert answer_lines(shop.why("shipped"))[-1] == (
        "  it writes as soon as the order has been shipped, and that has not happened (order.shipped)"
    )


def test_several_things_that_stand_before_a_message_are_all_told(shop: Stage) -> None:
    shop.settings(('mode = "live"', 'mode = "approve"'))
    office = 'version = 1\n[safety]\nmax_new_messages = 1000\n[defaults]\nwindow = "09:00-20:00"\n'
    shop.rules(SHIPPED + 'delay = "12h"\nexpiry = "9d"\n', head=office)
    shop.ingest(
        *shipped(), event("message.received", at="2026-03-02T11:30", order="1", message={"id": "m1", "text": "?"})
    )
    shop.engine.store.pause("toys", at=START, by="Ann")

    (standing,) = shop.explain().messages
    assert [one.kind for one in standing.outlook.obstacles] == ["paused", "time", "hold", "approval"]
    assert [one.text for one in standing.outlook.obstacles] == [
        "the shop toys has been paused by Ann since Mon 2026-03-02 13:00",
        (
            "it is wanted 12 hours after the order has been shipped: at Mon 2026-03-02 23:00; "
            "it leaves between 09:00 and 20:00 on the buyer's clock: next at Tue 2026-03-03 09:00"
        ),
        "the buyer waits for an answer, since Mon 2026-03-02 12:30, until Thu 2026-03-05 12:30 at the latest",
        "a person has to approve it: mode = approve",
    ]
    assert standing.outlook.leaves_at is None


def test_a_rehearsal_is_told_before_it_ends_the_message(shop: Stage) -> None:
    shop.settings(('mode = "live"', 'mode = "rehearse"'))
    shop.rules(SHIPPED + 'delay = "1d"\n')
    shop.ingest(*shipped())

    (standing,) = shop.explain().messages
    last = standing.outlook.obstacles[-1]
    assert (last.kind, last.is_final) == ("rehearsal", True)
    assert "the shop is rehearsing, nothing leaves" in last.text


def test_what_nobody_takes_says_that_no_worker_is_at_work(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.at("2026-03-02T15:00")
    assert [one.text for one in shop.explain().messages[0].outlook.obstacles] == [
        "no worker is at work: messenger run starts one"
    ]
    shop.engine.store.alive(now=shop.clock.now())

    (standing,) = shop.explain().messages
    assert (standing.outlook.obstacles, standing.outlook.leaves_at) == ((), utc("2026-03-02T15:00"))
    assert "      nothing stands in its way: it leaves as soon as a worker takes it" in story(shop.explain())
    shop.at("2026-03-02T16:00")
    assert "(one was last seen Mon 2026-03-02 16:00)" in shop.explain().messages[0].outlook.obstacles[0].text


def test_a_source_that_was_never_heard_from_is_told_as_such(shop: Stage) -> None:
    shop.settings(more='\n[sources.erp]\nkind = "file"\nshop = "toys"\n')
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.run()

    (standing,) = shop.explain().messages
    assert standing.text.endswith("no news comes in from the shop's sources (erp); none has ever come")
