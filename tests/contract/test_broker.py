"""Events from a broker: kept before they are acknowledged, taken in once, whoever dies in between. On a real NATS server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from messenger.bootstrap.aside import Aside
from messenger.config.sources import BrokerSettings
from messenger.domain.alerts import AlertKind
from messenger.errors import StorageError
from messenger.ports import OrderKey
from messenger.ports.deliveries import Delivery
from messenger.services.listening import PATIENCE, Ear, Listening
from tests.nats_server import STREAM, Nats, nats_server, needs_nats
from tests.stage import HEAD, START, Stage
from tests.stage import stage as a_stage

pytestmark = needs_nats
PATIENT = 60.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Nats]:
    with nats_server(tmp_path / "nats") as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, broker: Nats) -> Iterator[Stage]:
    opened = a_stage(tmp_path)
    (opened.folder / "schedules.toml").write_text(HEAD, encoding="utf-8")
    opened.settings(
        more=f'\n[sources.erp]\nkind = "broker"\nurl = "{broker.url}"\nstream = "{STREAM}"\nsubject = "orders.>"\nshop = "toys"\n'
    )
    yield opened
    opened.close()


def event(id_: str, order: str = "1") -> dict[str, object]:
    return {
        "specversion": "1.0", "id": id_, "source": "erp", "type": "order.paid", "time": "2026-03-02T10:00:00Z", "subject": order,
        "data": {},
    }  # fmt: skip


def until(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENT
    while not is_so():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.05)


def kept(on: Stage) -> list[str]:
    return [one.delivery.id for one in on.engine.spool.listed()]


def types(on: Stage, order: str) -> list[str]:
    key = OrderKey(shop="toys", number=order)
    return [one.type for one in on.engine.store.events_of([key]).get(key, [])]


def test_what_lies_in_the_stream_is_kept_acknowledged_and_taken_in(stage: Stage, broker: Nats) -> None:
    broker.publish(*(event(f"e-{number}", str(number)) for number in range(120)))
    broker.publish(b'{"shop":"toys"}', headers={
        "content-type": "application/json", "ce-specversion": "1.0", "ce-id": "b", "ce-source": "erp", "ce-type": "order.paid",
        "ce-time": "2026-03-02T10:00:00Z", "ce-subject": "binary",
    })  # fmt: skip
    broker.publish([event("l-1", "list"), event("l-2", "list")], headers={"Nats-Msg-Id": "named"})
    stage.engine.aside.listening.start_due()

    until(lambda: len(kept(stage)) == 122, "all messages")
    until(lambda: broker.left() == (0, 0), "all to be acknowledged")
    assert kept(stage)[0] == f"{STREAM}:1"
    assert kept(stage)[-1] == "named"
    assert stage.engine.receive() == 122
    assert (types(stage, "0"), types(stage, "119"), types(stage, "binary")) == (["order.paid"],) * 3
    assert types(stage, "list") == ["order.paid"] * 2
    assert stage.engine.store.heard() == {"erp": START}


def test_what_cannot_be_kept_is_not_acknowledged_and_comes_again(stage: Stage, broker: Nats) -> None:
    tried: list[str] = []

    def full(delivery: Delivery) -> bool:
        tried.append(delivery.id)
        if len(tried) < 3:
            raise StorageError("the disk is full")
        return stage.engine.spool.keep(delivery)

    ear = an_ear(stage, keep=full)
    listening = Listening(store=stage.engine.store, clock=stage.clock, ears=lambda: {"erp": lambda: ear})
    broker.publish(event("e-1"))
    listening.start_due()
    until(lambda: len(tried) >= 3, "it to come again")
    until(lambda: broker.left() == (0, 0), "it to be acknowledged")
    listening.stop()

    assert tried == [f"{STREAM}:1"] * 3
    assert kept(stage) == [f"{STREAM}:1"]


def test_kept_and_not_acknowledged_it_comes_again_and_is_known(stage: Stage, broker: Nats) -> None:
    """A process that dies between the two: its message is given out again, and changes nothing."""
    first = an_ear(stage, keep=lambda delivery: stage.engine.spool.keep(delivery) and dying())
    listening = Listening(store=stage.engine.store, clock=stage.clock, ears=lambda: {"erp": lambda: first})
    broker.publish(event("e-1"))
    listening.start_due()
    until(lambda: len(kept(stage)) == 1, "it to be kept")
    listening.stop()
    assert broker.left() == (0, 1)
    broker.asked(
        lambda streams: streams.delete_consumer(STREAM, "messenger")
    )  # as if the time for its answer were over

    stage.engine.aside.listening.start_due()
    until(lambda: broker.left() == (0, 0), "it to be acknowledged")
    stage.engine.receive()
    assert (kept(stage), types(stage, "1")) == ([f"{STREAM}:1"], ["order.paid"])


def dying() -> bool:
    raise SystemExit


def an_ear(on: Stage, *, keep: Callable[[Delivery], bool]) -> Ear:
    from messenger.intake.broker import Listener  # noqa: PLC0415  # an extra

    (one,) = (one for one in on.engine.settings.sources.values() if isinstance(one, BrokerSettings))
    return Listener(
        name=one.name, address=one.address, stream=one.stream, subject=one.subject, durable=one.durable, keep=keep,
        hear=lambda: None, clock=on.clock, again=0.1,
    )  # fmt: skip


def test_a_broker_that_is_away_is_told_after_some_patience_and_listened_to_again(stage: Stage, broker: Nats) -> None:
    broker.publish(event("e-1"))
    broker.kill()
    aside = Aside(stage.engine)
    for _ in range(PATIENCE):
        aside.listening.start_due()
        until(lambda: not any(thread.is_alive() for _, thread in aside.listening._threads.values()), "it to give up")
    (alert,) = stage.engine.store.alerts()
    assert (alert.kind, alert.subject, alert.shop) == (AlertKind.SOURCE_SILENT, "erp", "")

    broker.start()
    aside.listening.start_due()
    until(lambda: kept(stage) == [f"{STREAM}:1"], "the message that lay there")
    until(lambda: stage.engine.store.alerts() == [], "the alert to end")
    aside.stop()


def test_a_stream_that_is_not_there_is_told_with_its_name(
    stage: Stage, broker: Nats, caplog: pytest.LogCaptureFixture
) -> None:
    broker.asked(lambda streams: streams.delete_stream(STREAM))
    aside = Aside(stage.engine)
    aside.listening.start_due()
    until(lambda: not any(thread.is_alive() for _, thread in aside.listening._threads.values()), "it to give up")

    (record,) = [one for one in caplog.records if one.message == "broker_away"]
    assert "NotFound" in record.problem  # type: ignore[attr-defined]  # a field of ours
    aside.stop()


def test_two_processes_share_what_there_is(stage: Stage, broker: Nats) -> None:
    broker.publish(*(event(f"e-{number}", str(number)) for number in range(100)))
    asides = [Aside(stage.engine), Aside(stage.engine)]
    for one in asides:
        one.listening.start_due()
    until(lambda: len(kept(stage)) == 100, "all messages")
    until(lambda: broker.left() == (0, 0), "all to be acknowledged")
    for one in asides:
        one.stop()

    assert sorted(kept(stage)) == sorted(f"{STREAM}:{number}" for number in range(1, 101))
