"""What a running shop opens alerts for, and that each is over when its reason has gone. Both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from messenger.domain.alerts import Alert, AlertKind
from messenger.domain.breakers import Breaker, failed
from messenger.domain.messages import Outcome
from messenger.domain.pacing import LONG_PAUSE, SPREAD
from messenger.ports import OrderKey, Space
from messenger.services.lookout import LEAST_FREE, SPREADS_FOR, STILL_FOR, Lookout
from messenger.services.queueing import Choice, Verb
from tests.builders import event
from tests.stage import HEAD, START, Stage, shipped, stage

SHIPPED = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
SOURCE = '\n[sources.erp]\nkind = "file"\nshop = "toys"\nfresh = "12h"\n'
HOUR = timedelta(hours=1)
GIB = 2**30


@pytest.fixture
def shop(tmp_path: Path, engine_name: str, migrated_url: str) -> Iterator[Stage]:
    found = stage(tmp_path, url=migrated_url if engine_name == "postgres" else "")
    yield found
    found.close()


def look(shop: Stage, *spaces: Space) -> list[Alert]:
    engine = shop.engine
    Lookout(store=engine.store, clock=shop.clock, home=lambda: engine.home, spaces=lambda: spaces).look()
    return engine.store.alerts()


def kinds(shop: Stage) -> list[str]:
    return [str(one.kind) for one in look(shop)]


def test_a_shop_where_all_goes_well_has_no_alerts(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.run()

    assert kinds(shop) == []
    assert [row.state for row in shop.rows()] == ["sent"]


# --- account --------------------------------------------------------------------------------------------------------


def refuses_us(shop: Stage, code: int) -> None:
    step = partial(failed, by="a", stage="auth", code=code, reply=f"{code} no", now=shop.clock.at)
    shop.engine.store.turn_breaker("main", step)


def test_an_account_in_trouble_is_told_with_its_reply_and_its_buyers_until_it_works(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped("1"), *shipped("2"))
    refuses_us(shop, 535)
    shop.run(START + timedelta(seconds=1))
    (alert,) = look(shop)
    assert (alert.kind, alert.subject, alert.shop, alert.detail) == ("account", "main", "", "535 no")

    shop.at(START + timedelta(minutes=20))
    assert [one.buyers for one in look(shop)] == [2]

    shop.engine.store.turn_breaker("main", lambda one: Breaker(transport=one.transport))
    assert kinds(shop) == []


# --- uncertain, failed, poison ----------------------------------------------------------------------------------------


def test_what_was_perhaps_sent_is_told_until_a_person_has_decided(tmp_path: Path, migrated_url: str) -> None:
    shop = stage(tmp_path / "asking", url=migrated_url, uncertain="ask")
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.transport.answer(Outcome.UNCERTAIN)
    shop.run()
    shop.dispatcher().resolve_uncertain()
    (alert,) = look(shop)
    assert (alert.kind, alert.shop, alert.subject, alert.buyers) == ("uncertain", "toys", "", 1)

    queue = shop.queue
    queue.act(Verb.SENT, queue.choose(Verb.SENT, Choice(order=OrderKey(shop="toys", number="1"))), by="ana")
    assert kinds(shop) == []
    shop.close()


def test_what_failed_is_told_until_somebody_says_so_and_again_for_what_fails_later(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped("1"))
    shop.transport.answer(Outcome.PERMANENT)
    shop.run()
    (alert,) = look(shop)
    assert (alert.kind, alert.shop, alert.buyers, alert.ends_by_itself) == ("failed", "toys", 1, False)

    shop.at(START + HOUR)
    shop.engine.store.end_alert(kind=alert.kind, subject="", shop="toys", at=shop.clock.at, by="ana")
    assert kinds(shop) == []

    shop.ingest(*shipped("2"))
    shop.transport.answer(Outcome.PERMANENT)
    shop.run(START + 2 * HOUR)
    assert kinds(shop) == ["failed"]


def test_what_failed_and_is_tried_again_is_over(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.transport.answer(Outcome.PERMANENT)
    shop.run()
    look(shop)

    queue = shop.queue
    queue.act(Verb.RETRY, queue.choose(Verb.RETRY, Choice(order=OrderKey(shop="toys", number="1"))), by="ana")
    assert kinds(shop) == []


# --- urgent -----------------------------------------------------------------------------------------------------------

URGENT = f'{SHIPPED}urgent = true\nexpiry = "8h"\n'


def test_an_urgent_message_that_may_expire_is_told_until_it_has_left(shop: Stage) -> None:
    shop.rules(URGENT)
    shop.ingest(*shipped(at="2026-03-02T12:00"))
    shop.transport.answer(Outcome.TEMPORARY)
    shop.run()
    assert kinds(shop) == []

    shop.at(START + 3 * HOUR)
    (alert,) = look(shop)
    assert (alert.kind, alert.shop, alert.subject) == ("urgent", "toys", "1")

    shop.run()
    assert kinds(shop) == []


def test_an_urgent_message_that_has_expired_stays_until_somebody_has_dealt_with_it(shop: Stage) -> None:
    shop.rules(URGENT)
    shop.ingest(*shipped(at="2026-03-02T12:00"))
    shop.transport.answer(Outcome.TEMPORARY)
    shop.run()
    shop.at(START + 3 * HOUR)
    look(shop)

    shop.run(START + 9 * HOUR)
    assert [row.state for row in shop.rows()] == ["expired"]
    (alert,) = look(shop)
    assert alert.kind == "urgent"
    shop.engine.store.end_alert(kind=alert.kind, subject="1", shop="toys", at=shop.clock.at, by="ana")
    assert kinds(shop) == []


# --- approval ---------------------------------------------------------------------------------------------------------


def test_a_shut_valve_is_told_with_the_file_the_buyers_and_the_way_out(shop: Stage) -> None:
    shop.rules(SHIPPED, head=HEAD.replace("1000", "2"))
    shop.ingest(*(one for number in range(4) for one in shipped(str(number))))

    (alert,) = look(shop)
    intake = shop.rows("0")[0].intake
    assert (alert.kind, alert.shop, alert.subject, alert.buyers) == ("approval", "toys", f"test ({intake})", 4)
    assert alert.detail == f"messenger outbox approve --intake {intake}"


def test_a_shut_valve_is_over_when_it_is_approved(shop: Stage) -> None:
    shop.rules(SHIPPED, head=HEAD.replace("1000", "2"))
    shop.ingest(*(one for number in range(4) for one in shipped(str(number))))
    look(shop)

    queue = shop.queue
    queue.act(Verb.APPROVE, queue.choose(Verb.APPROVE, Choice(intake=shop.rows("0")[0].intake)), by="ana")

    assert look(shop) == []
    (alert,) = shop.engine.store.alerts(only_open=False)
    assert (alert.ended_at, alert.ended_by) == (START, "")


# --- source_silent -----------------------------------------------------------------------------------------------------


def test_a_source_that_falls_silent_is_told_until_it_is_heard_again(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.settings(more=SOURCE)
    shop.ingest(*shipped(), source="erp")
    assert kinds(shop) == []

    shop.at(START + 12 * HOUR + HOUR)
    (alert,) = look(shop)
    assert (alert.kind, alert.shop, alert.subject) == ("source_silent", "toys", "erp")
    assert alert.detail == f"{START:%Y-%m-%d %H:%M} UTC"

    shop.ingest(source="erp")
    assert kinds(shop) == []


def test_the_buyers_who_wait_for_a_silent_source_are_counted(shop: Stage) -> None:
    shop.rules(f'{SHIPPED}delay = "13h"\n')
    shop.settings(more=SOURCE)
    shop.ingest(*shipped("1"), *shipped("2"), source="erp")
    shop.run(START + 13 * HOUR)

    assert [one.buyers for one in look(shop)] == [2]


def test_a_source_that_never_was_heard_is_told_only_when_somebody_waits_for_it(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.settings(more=SOURCE)
    assert kinds(shop) == []

    shop.ingest(*shipped())
    shop.run()
    assert [(one.kind, one.buyers) for one in look(shop)] == [("source_silent", 1)]


def test_a_mailbox_that_others_tell_of_is_left_to_them(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.engine.store.raise_alert(kind=AlertKind.SOURCE_SILENT, subject="bounces", at=START)

    assert kinds(shop) == ["source_silent"]


# --- conversation -------------------------------------------------------------------------------------------------------


def asks(shop: Stage, at: str) -> None:
    shop.ingest(event("message.received", at=at, order="1", message={"id": "q", "text": "Where is it?"}), at=at)


def test_a_buyer_nobody_answered_is_told_until_somebody_does(shop: Stage) -> None:
    shop.rules(f'{SHIPPED}expiry = "9d"\nmax_age = "9d"\n')
    shop.ingest(*shipped())
    asks(shop, "2026-03-02T12:00")
    shop.run("2026-03-02T12:05")
    assert [row.state for row in shop.rows()] == ["held"]

    shop.run("2026-03-05T13:30")
    (alert,) = look(shop)
    assert (alert.kind, alert.subject, alert.buyers) == ("conversation", "1", 1)

    shop.ingest(event("message.answered", at="2026-03-05T14:00", order="1"), at="2026-03-05T14:00")
    assert kinds(shop) == []


# --- disk ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "total", "is_told"),
    [
        pytest.param(LEAST_FREE, 4 * GIB, False, id="just enough"),
        pytest.param(LEAST_FREE - 1, 4 * GIB, True, id="less than 256 MiB"),
        pytest.param(50 * GIB, 1000 * GIB, False, id="just 5 %"),
        pytest.param(49 * GIB, 1000 * GIB, True, id="less than 5 %"),
    ],
)
def test_a_disk_that_fills_up_is_told(shop: Stage, free: int, total: int, is_told: bool) -> None:
    shop.rules(SHIPPED)
    found = look(shop, Space(folder="/srv", free=free, total=total), Space(folder="/tmp", free=GIB, total=2 * GIB))  # noqa: S108  # only a name

    assert [(one.kind, one.subject) for one in found] == ([("disk", "/srv")] if is_told else [])


def test_a_disk_with_room_again_is_over(shop: Stage) -> None:
    shop.rules(SHIPPED)
    look(shop, Space(folder="/srv", free=1, total=GIB))

    assert look(shop, Space(folder="/srv", free=GIB, total=GIB)) == []


# --- stand_still -----------------------------------------------------------------------------------------------------------


def test_messages_that_lie_there_while_a_worker_looks_on_are_told_until_they_leave(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped("1"), *shipped("2"))
    engine = shop.engine
    engine.store.alive(now=START)
    lookout = Lookout(store=engine.store, clock=shop.clock, home=lambda: engine.home)
    for minutes in (0, 15, 29):
        shop.at(START + timedelta(minutes=minutes))
        engine.store.alive(now=shop.clock.at)
        lookout.look()
        assert engine.store.alerts() == []

    shop.at(START + STILL_FOR)
    lookout.look()
    (alert,) = engine.store.alerts()
    assert (alert.kind, alert.subject, alert.buyers) == ("stand_still", "", 2)

    shop.run()
    lookout.look()
    assert engine.store.alerts() == []


def test_what_was_taken_in_late_does_not_stand_still(shop: Stage) -> None:
    shop.rules(SHIPPED)
    engine = shop.engine
    lookout = Lookout(store=engine.store, clock=shop.clock, home=lambda: engine.home)
    lookout.look()
    shop.ingest(*shipped(at="2026-03-02T09:10"), at="2026-03-02T14:00")
    lookout.look()

    assert engine.store.alerts() == []


def test_messages_that_lie_there_while_nobody_works_are_told_by_whoever_looks(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.engine.store.alive(now=START)
    shop.ingest(*shipped())
    shop.at(START + STILL_FOR)
    assert kinds(shop) == []

    shop.at(START + STILL_FOR + timedelta(seconds=1))
    assert kinds(shop) == ["stand_still"]


def test_an_account_in_trouble_is_not_also_a_stand_still(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    trouble = lambda one: failed(one, by="a", stage="auth", code=535, reply="535", now=START)  # noqa: E731
    shop.engine.store.turn_breaker("main", trouble)
    shop.run(START + timedelta(seconds=1))

    shop.at(START + STILL_FOR)
    assert "stand_still" not in kinds(shop)


def test_a_long_outage_is_told_while_what_fell_due_is_spread(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.engine.store.alive(now=START)
    shop.at(START + LONG_PAUSE + HOUR)
    shop.engine.worker()._keep().spread_after_outage()

    (alert,) = look(shop)
    assert (alert.kind, alert.subject) == ("stand_still", "outage")
    assert alert.detail.startswith("1 · 2026-03-02 12:00 UTC")
    shop.run(shop.clock.at + SPREADS_FOR)
    assert kinds(shop) == []
    assert SPREADS_FOR == SPREAD


# --- files -------------------------------------------------------------------------------------------------------------------


def test_a_broken_edit_is_told_until_it_is_mended(shop: Stage) -> None:
    if shop.environ:
        pytest.skip("files are edited where the database is a file")
    shop.rules(SHIPPED)
    worker, path = shop.engine.worker(), shop.folder / "schedules.toml"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace("order.shipped", "order.shiped"), encoding="utf-8")

    worker._look_for_edits()
    (alert,) = shop.engine.store.alerts()
    assert (alert.kind, alert.subject) == ("files", "")
    assert "schedules.toml:" in alert.detail

    path.write_text(good, encoding="utf-8")
    worker._look_for_edits()
    assert shop.engine.store.alerts() == []


def test_mistakes_found_at_the_start_are_told_too(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.close()
    path = shop.folder / "schedules.toml"
    path.write_text("version = 2\n", encoding="utf-8")

    shop.engine.worker()

    assert [str(one.kind) for one in shop.engine.store.alerts()] == ["files"]
