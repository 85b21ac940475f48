"""What was posted is read later: once in effect, whatever comes twice, out of order, broken, or unknown; nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from messenger.bootstrap.posted import READERS, inlets_of
from messenger.domain.alerts import Alert, AlertKind
from messenger.errors import StorageError
from messenger.ports import Hint, OrderKey
from messenger.ports.deliveries import (
    MOST_TRIES,
    Delivery,
    DeliveryState,
    Ending,
    ForAPerson,
    Reader,
    Told,
)
from messenger.services.receiving import API, KEPT, KEPT_LONGER, LEASE, WORKED_AT, Inlet, Receiving, is_worked_at
from messenger.storage.spool import SqlSpool
from tests.stage import HEAD, START, Stage
from tests.stage import stage as a_stage
from tests.unit.test_platform_deliveries import WOO_ORDER

RULES = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
SOURCES = "".join(
    f'\n[sources.{name}]\nkind = "webhook"\nscheme = "{scheme}"\nsecrets = ["env:X"]\nshop = "toys"\n'
    for name, scheme in (("erp", "standard"), ("woo", "woocommerce"), ("shopify", "shopify"), ("new", "ebay"))
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    opened = a_stage(tmp_path)
    (opened.folder / "schedules.toml").write_text(HEAD + RULES, encoding="utf-8")
    opened.settings(more=SOURCES + '\n[web]\ntokens = ["env:T"]\n')
    yield opened
    opened.close()


def cloud_event(
    id_: str = "e-1", type_: str = "order.shipped", *, order: str | None = "1", **data: object
) -> dict[str, object]:
    found: dict[str, object] = {
        "specversion": "1.0",
        "id": id_,
        "source": "erp",
        "type": type_,
        "time": "2026-03-02T10:00:00Z",
        "data": data,
    }
    return found | ({"subject": order} if order else {})


def keep(on: Stage, body: object, *, source: str = "erp", name: str = "", **headers: str) -> None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content-type": "application/cloudevents+json"} if source in {"erp", API} else {}
    told = named | {key.replace("_", "-"): value for key, value in headers.items()}
    now = on.clock.now()
    on.engine.spool.keep(Delivery(source=source, id=name or f"d-{hash(raw)}", received_at=now, headers=told, body=raw))


def kept(on: Stage) -> list[tuple[DeliveryState, str]]:
    return [(one.state, one.note) for one in on.engine.spool.listed()]


def states(on: Stage) -> list[DeliveryState]:
    return [state for state, _ in kept(on)]


def open_alerts(on: Stage) -> list[Alert]:
    return on.engine.store.alerts()


def types(on: Stage, order: str) -> list[str]:
    key = OrderKey(shop="toys", number=order)
    return [one.type for one in on.engine.store.events_of([key]).get(key, [])]


def test_what_was_posted_is_read_and_planned_from(stage: Stage) -> None:
    keep(stage, cloud_event(order="1"))

    assert stage.engine.receive() == 1
    stage.engine.ingest.take_in()
    assert stage.row("shipped").state == "planned"
    assert kept(stage) == [(DeliveryState.PROCESSED, "")]
    assert stage.engine.store.heard() == {"erp": START}
    assert stage.engine.receive() == 0


def test_the_same_delivery_read_twice_changes_nothing(stage: Stage) -> None:
    keep(stage, cloud_event())
    stage.engine.receive()
    stage.engine.spool.replay([1], at=stage.clock.now())

    assert stage.engine.receive() == 1
    assert types(stage, "1") == ["order.shipped"]
    assert stage.engine.store.inbox_counts().conflict == 0


@dataclass
class CrashingSpool:
    """A process that dies between accepting what a delivery tells and marking it as read."""

    spool: SqlSpool
    is_dead: bool = field(default=True)

    def __getattr__(self, name: str) -> object:
        return getattr(self.spool, name)

    def end(self, endings: list[Ending], *, at: datetime) -> None:
        if self.is_dead:
            raise StorageError("the process died here")
        self.spool.end(endings, at=at)


def test_a_process_that_dies_before_it_marks_a_delivery_leaves_it_to_another(stage: Stage) -> None:
    keep(stage, cloud_event())
    engine = stage.engine
    spool = CrashingSpool(engine.spool)
    first = Receiving(
        store=engine.store, spool=spool, ingest=engine.ingest, clock=stage.clock,  # type: ignore[arg-type]  # the rest is the spool's
        inlets=lambda: inlets_of(engine.settings),
    )  # fmt: skip
    with pytest.raises(StorageError):
        first.run()

    assert engine.receive() == 0
    stage.at(START + LEASE)
    assert engine.receive() == 1
    assert (types(stage, "1"), states(stage)) == (["order.shipped"], [DeliveryState.PROCESSED])


@pytest.mark.parametrize(("body", "problem"), [
    pytest.param(b'{"specversion":"1.0","id":"e', "is not JSON", id="cut short"),
    pytest.param(b"\x1f\x8b\x08\x00\x00", "is not UTF-8", id="packed"),
    pytest.param(b'{"a":' * 100 + b"1" + b"}" * 100, "deeper than 32 levels", id="100 levels of JSON"),
    pytest.param(b'{"id":"a","id":"b"}', "names the key 'id' twice", id="a key twice"),
    pytest.param(json.dumps(cloud_event(shop="cars")).encode(), 'the source erp is about "toys" alone', id="another shop"),
    pytest.param(json.dumps(cloud_event() | {"data": {"order": {"total": "much"}}}).encode(), "data.order.total: must be", id="a wrong field"),
    pytest.param(b"", "is not JSON", id="empty"),
])  # fmt: skip
def test_what_cannot_be_read_is_kept_counted_shown_and_told(stage: Stage, body: bytes, problem: str) -> None:
    keep(stage, body)
    stage.engine.receive()

    ((state, note),) = kept(stage)
    assert state is DeliveryState.FAILED
    assert problem in note
    (alert,) = open_alerts(stage)
    assert (alert.kind, alert.subject, alert.shop) == (AlertKind.DELIVERIES, "erp", "toys")
    assert "messenger intake list --state failed --source erp" in alert.detail
    assert stage.engine.store.heard() == {"erp": START}


def test_of_a_batch_what_is_right_is_taken_in(stage: Stage) -> None:
    batch = [
        cloud_event("e-1"),
        cloud_event("e-2", order="2", buyer={"email": "nonsense"}),
        cloud_event("e-3", order="3"),
    ]
    keep(stage, batch, content_type="application/cloudevents-batch+json")
    stage.engine.receive()

    assert (types(stage, "1"), types(stage, "2"), types(stage, "3")) == (["order.shipped"], [], ["order.shipped"])
    assert states(stage) == [DeliveryState.FAILED]


def test_the_alert_ends_when_what_failed_could_be_read(stage: Stage) -> None:
    keep(stage, cloud_event(), name="e")
    reading(stage, failing(KeyError("a mistake of ours"))).run()
    (alert,) = open_alerts(stage)
    stage.engine.spool.replay([1], at=stage.clock.now())
    stage.engine.receive()

    assert alert.kind is AlertKind.DELIVERIES
    assert (open_alerts(stage), states(stage)) == ([], [DeliveryState.PROCESSED])


def test_a_type_that_nobody_knows_is_kept_in_the_inbox_and_plans_nothing(stage: Stage) -> None:
    keep(stage, cloud_event(type_="parcel.weighed", grams=200))
    stage.engine.receive()
    stage.engine.ingest.take_in()

    assert (states(stage), types(stage, "1"), stage.rows()) == ([DeliveryState.PROCESSED], ["parcel.weighed"], [])


def test_a_kind_that_no_reader_knows_is_kept_until_one_does(stage: Stage) -> None:
    keep(stage, {"id": 1}, source="woo", x_wc_webhook_topic="coupon.created")
    keep(stage, {"id": 1}, source="new", name="n-1")
    stage.engine.receive()

    assert [state for state, _ in kept(stage)] == [DeliveryState.UNKNOWN] * 2
    assert kept(stage)[0] == (DeliveryState.UNKNOWN, "coupon.created")
    assert open_alerts(stage) == []


def test_what_only_a_person_does_is_kept_and_told(stage: Stage) -> None:
    body = {
        "shop_domain": "toys.example",
        "customer": {"id": 191167, "email": "john@example.com"},
        "orders_to_redact": [299938],
    }
    keep(stage, body, source="shopify", x_shopify_topic="customers/redact")
    stage.engine.receive()

    assert kept(stage) == [(DeliveryState.PERSON, "customers/redact: customer 191167; orders 299938")]
    (alert,) = open_alerts(stage)
    assert (alert.kind, alert.subject, alert.shop) == (AlertKind.PRIVACY, "shopify#1", "toys")
    assert alert.detail == "customers/redact: customer 191167; orders 299938"


def test_a_source_that_is_no_longer_configured_loses_nothing(stage: Stage) -> None:
    keep(stage, cloud_event(), source="gone")
    stage.engine.receive()

    ((state, note),) = kept(stage)
    assert (state, "there is no source 'gone' in messenger.toml any more" in note) == (DeliveryState.FAILED, True)


def test_a_program_with_a_token_may_tell_of_any_shop_and_has_to_name_it(stage: Stage) -> None:
    keep(stage, [cloud_event("e-1", shop="toys"), cloud_event("e-2"), cloud_event("e-3", shop="cars")], source=API,
         content_type="application/cloudevents-batch+json")  # fmt: skip
    stage.engine.receive()

    ((_, note),) = kept(stage)
    assert note == 'data.shop: is missing; data.shop: unknown shop "cars" (shops in messenger.toml: toys)'
    assert types(stage, "1") == ["order.shipped"]


def test_what_is_posted_within_an_hour_is_one_intake(stage: Stage) -> None:
    for number in range(30):
        keep(stage, cloud_event(f"e-{number}", order=str(number)))
    stage.engine.receive()
    keep(stage, cloud_event("e-x", order="x"))
    stage.engine.receive()
    stage.at(START + timedelta(hours=1))
    keep(stage, cloud_event("e-y", order="y"))
    stage.engine.receive()
    stage.engine.ingest.take_in()

    assert len({row.intake for number in (*range(30), "x") for row in stage.rows(str(number))}) == 1
    assert stage.row(order="y").intake != stage.row(order="x").intake


def test_a_flood_is_held_back_by_the_valve_of_its_hour(stage: Stage) -> None:
    (stage.folder / "schedules.toml").write_text(HEAD.replace("1000", "5") + RULES, encoding="utf-8")
    stage.close()
    for number in range(8):
        keep(stage, cloud_event(f"e-{number}", order=str(number)))
        stage.engine.receive()
        stage.engine.ingest.take_in()

    assert [stage.row(order=str(number)).state for number in range(8)] == ["planned"] * 5 + ["waiting_approval"] * 3


# --- one whole order, whenever anything about it was changed ---------------------------------------------------------


def woo(on: Stage, **changes: object) -> None:
    keep(on, WOO_ORDER | changes, source="woo", x_wc_webhook_topic="order.updated")
    on.engine.receive()


def told_by_woo(on: Stage) -> list[str]:
    return [one for one in types(on, "727") if one != "order.updated"]


def test_an_edit_of_an_order_is_not_told_as_a_change_of_its_status(stage: Stage) -> None:
    for minute in range(5):
        woo(stage, date_modified_gmt=f"2026-03-02T09:0{minute}:00", customer_note=f"note {minute}")

    assert told_by_woo(stage) == ["order.placed", "order.paid"]


def test_each_change_of_status_is_told_once_also_when_it_comes_again(stage: Stage) -> None:
    woo(stage, status="on-hold", date_paid_gmt=None)
    woo(stage, status="processing", date_modified_gmt="2026-03-02T09:10:00")
    woo(stage, status="cancelled", date_modified_gmt="2026-03-02T09:20:00")
    woo(stage, status="cancelled", date_modified_gmt="2026-03-02T09:30:00")

    assert told_by_woo(stage) == ["order.placed", "order.payment_pending", "order.paid", "order.cancelled"]
    assert stage.engine.store.inbox_counts().conflict == 0


def test_many_deliveries_of_one_order_read_together_tell_the_same_as_one_by_one(stage: Stage) -> None:
    for minute in range(6):
        keep(stage, WOO_ORDER | {"status": "cancelled", "date_modified_gmt": f"2026-03-02T09:0{minute}:00"}, source="woo",
             x_wc_webhook_topic="order.updated")  # fmt: skip
    stage.engine.receive()

    assert told_by_woo(stage) == ["order.placed", "order.cancelled"]


def test_a_currency_that_changes_is_the_latest(stage: Stage) -> None:
    woo(stage, date_modified_gmt="2026-03-02T09:10:00", currency="USD", total="30.00")
    woo(stage, date_modified_gmt="2026-03-02T09:00:00")
    stage.engine.ingest.take_in()

    key = OrderKey(shop="toys", number="727")
    order = stage.engine.home.order(stage.engine.store.events_of([key])[key])
    assert order is not None
    assert (order.currency, str(order.total), states(stage)) == ("USD", "30.00", [DeliveryState.PROCESSED] * 2)


# --- readers that misbehave ------------------------------------------------------------------------------------------


def reading(on: Stage, read: Reader, *, pollers: Mapping[str, str] | None = None) -> Receiving:
    inlet = Inlet(name="erp", shop="toys", sender="test/toys", read=read)
    engine = on.engine
    return Receiving(
        store=engine.store, spool=engine.spool, ingest=engine.ingest, clock=on.clock, inlets=lambda: {"erp": inlet},
        pollers=lambda: pollers or {},
    )  # fmt: skip


def failing(error: BaseException) -> Reader:
    def read(_: Delivery) -> Iterator[Told]:
        raise error

    return read


@pytest.mark.parametrize(("error", "state", "note"), [
    (KeyError("order"), DeliveryState.FAILED, "KeyError: 'order'"),
    (RecursionError("too deep"), DeliveryState.FAILED, "RecursionError: too deep"),
    (ForAPerson("erase n-1"), DeliveryState.PERSON, "erase n-1"),
])  # fmt: skip
def test_what_a_reader_does_wrong_is_its_deliverys_alone(
    stage: Stage, error: BaseException, state: DeliveryState, note: str
) -> None:
    def read(delivery: Delivery) -> Iterator[Told]:
        yield from failing(error)(delivery) if delivery.id == "bad" else READERS["standard"](delivery)

    for name in ("one", "bad", "two"):
        keep(stage, cloud_event(f"e-{name}", order=name), name=name)
    reading(stage, read).run()

    assert kept(stage) == [(DeliveryState.PROCESSED, ""), (state, note), (DeliveryState.PROCESSED, "")]
    assert types(stage, "one") == types(stage, "two") == ["order.shipped"]


def test_a_database_that_is_away_ends_nothing(stage: Stage) -> None:
    keep(stage, cloud_event())
    with pytest.raises(StorageError):
        reading(stage, failing(StorageError("away"))).run()

    assert states(stage) == [DeliveryState.RECEIVED]


def test_a_delivery_whose_reading_never_ends_is_given_up(stage: Stage) -> None:
    keep(stage, cloud_event())
    for count in range(MOST_TRIES):
        stage.at(START + count * LEASE)
        with pytest.raises(StorageError):
            reading(stage, failing(StorageError("the machine stops"))).run()
    stage.at(START + MOST_TRIES * LEASE)
    stage.engine.receive()

    assert kept(stage) == [(DeliveryState.FAILED, f"given up: {MOST_TRIES} times its reading did not end")]


@pytest.mark.parametrize(("source", "asked"), [("ae", ["ae"]), ("erp", ["ae"]), ("strange", [])])
def test_a_hint_is_passed_on_to_whoever_polls_the_same_shop(stage: Stage, source: str, asked: list[str]) -> None:
    def read(_: Delivery) -> Iterator[Told]:
        yield Hint(source=source, ref="8134")

    keep(stage, b"{}")
    reading(stage, read, pollers={"ae": "toys", "other": "cars"}).run()

    now, until = stage.clock.now(), stage.clock.now() + LEASE
    turns = {name: stage.engine.store.take_poll(name, owner="me", now=now, until=until) for name in ("ae", "other")}
    assert [name for name, turn in turns.items() if turn and turn.hints == ("8134",)] == asked
    assert states(stage) == [DeliveryState.PROCESSED]


def test_old_deliveries_are_forgotten_and_what_failed_later(stage: Stage) -> None:
    keep(stage, cloud_event())
    keep(stage, b"{")
    receiving = reading(stage, READERS["standard"])
    receiving.run()
    stage.at(START + KEPT + LEASE)
    assert receiving.forget() == 1
    assert states(stage) == [DeliveryState.FAILED]
    assert len(open_alerts(stage)) == 1
    stage.at(START + KEPT_LONGER + LEASE)
    assert receiving.forget() == 1
    assert open_alerts(stage) == []


def test_processes_at_once_read_each_delivery_once_in_effect(stage: Stage) -> None:
    for number in range(60):
        keep(stage, cloud_event(f"e-{number}", order=str(number % 7)))
    threads = [Thread(target=reading(stage, READERS["standard"]).run) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert states(stage) == [DeliveryState.PROCESSED] * 60
    assert sum(len(types(stage, str(order))) for order in range(7)) == 60


def test_where_a_worker_is_at_work_others_leave_the_reading_to_it(stage: Stage) -> None:
    store = stage.engine.store
    assert not is_worked_at(store, START)
    store.alive(now=START)

    assert is_worked_at(store, START + WORKED_AT / 2)
    assert not is_worked_at(store, START + WORKED_AT)
