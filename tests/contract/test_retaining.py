"""What is over moves out of the way by itself, one process at a time, and never what rules may still ask about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from messenger.domain.retention import Retention
from messenger.services.retaining import Retaining
from messenger.storage.tables import archive
from tests.builders import event
from tests.stage import Stage, stage

RULES = """\
[rules.review]
template = "review-request"
on = "order.delivered"
once_per = "buyer/30d"
[rules.shipped]
template = "shipped"
on = "order.shipped"
"""
BUYER = {"id": "b", "name": "Ana", "email": "ana@example.com", "country": "ES", "language": "es"}


@pytest.fixture
def shop(tmp_path: Path, engine_name: str, store_url: str) -> Stage:
    made = stage(tmp_path, url="" if engine_name == "sqlite" else store_url)
    made.rules(RULES)
    return made


def deliver(shop: Stage, order: str) -> None:
    at = shop.clock.now().replace(tzinfo=None).isoformat()
    told = {"items": [{"title": "Puzzle"}]}
    shop.ingest(event("order.paid", at=at, order=order, buyer=BUYER, told=told))
    shop.ingest(event("shipment.delivered", at=at, order=order, shipment={"number": f"RR{order}"}))
    shop.run()


def retain(shop: Stage, *, finished: int | None = 1) -> bool:
    span = None if finished is None else timedelta(days=finished)
    home = replace(shop.engine.home, retention=Retention(finished=span))
    return Retaining(shop.engine.store, home, shop.clock).run()


def archived(shop: Stage) -> int:
    store = shop.engine.store
    with store._database.read() as connection:  # type: ignore[attr-defined]  # what no port tells
        return len(connection.execute(archive.select()).all())


def test_a_buyer_is_not_asked_again_because_the_first_time_was_moved_away(shop: Stage) -> None:
    deliver(shop, "1")
    deliver(shop, "other")  # the newest stays at hand
    shop.at(shop.clock.now() + timedelta(days=25))

    assert retain(shop)
    deliver(shop, "2")

    assert archived(shop) == 0
    assert [str(shop.row("review", order).reason) for order in ("1", "2")] == ["None", "once"]


def test_it_moves_when_nothing_asks_any_more(shop: Stage) -> None:
    deliver(shop, "1")
    shop.at(shop.clock.now() + timedelta(days=61))
    deliver(shop, "2")

    assert retain(shop)

    assert archived(shop) == 1
    assert [row.state for row in shop.rows("1")] == ["sent"]
    assert shop.explain("1").messages[0].text == "was sent"
    assert shop.explain("1").messages[0].locale == "es"


def test_it_comes_back_when_rules_look_further_back_than_before(shop: Stage) -> None:
    deliver(shop, "1")
    shop.at(shop.clock.now() + timedelta(days=61))
    deliver(shop, "2")
    retain(shop)
    shop.at(shop.clock.now() + timedelta(minutes=10))

    retain(shop, finished=None)

    assert archived(shop) == 0


def test_one_process_does_it(shop: Stage) -> None:
    assert retain(shop)
    assert not retain(shop)
    shop.at(shop.clock.now() + timedelta(minutes=10))
    assert retain(shop)


def test_a_late_event_is_told_of_an_archived_order_and_nothing_is_sent_twice(shop: Stage) -> None:
    deliver(shop, "1")
    was = shop.rows("1")
    shop.at(shop.clock.now() + timedelta(days=100))
    deliver(shop, "2")
    retain(shop)
    assert archived(shop) == 1

    at = shop.clock.now().replace(tzinfo=None).isoformat()
    shop.ingest(event("shipment.delivered", at=at, order="1", shipment={"number": "RR1"}, id_="again"))
    shop.run()

    assert archived(shop) == 0
    assert [(row.id, row.state, row.sent_at) for row in shop.rows("1")] == [
        (row.id, row.state, row.sent_at) for row in was
    ]
    assert len(shop.transport.sent) == 2


def test_a_worker_does_it_while_it_keeps_house(shop: Stage) -> None:
    deliver(shop, "1")
    shop.at(shop.clock.now() + timedelta(days=220))
    deliver(shop, "2")

    shop.engine.worker()._housekeeping()

    assert archived(shop) == 1
