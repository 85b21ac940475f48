"""What every spool promises: kept once and for good, read once, and never mixed up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from messenger.errors import StorageError
from messenger.ports.deliveries import OTHERS, READ, SUSPECT, Delivery, DeliveryState, Ending, KeptDelivery
from messenger.storage.spool import SqlSpool, _row, open_spool
from messenger.storage.spool_table import deliveries
from tests.storage_samples import MINUTE, NOW

LEASE = timedelta(seconds=30)


@pytest.fixture
def spool(migrated_url: str) -> Iterator[SqlSpool]:
    opened = open_spool(migrated_url)
    yield opened
    opened.close()


def delivery(name: str = "d-1", body: bytes = b'{"id":1}', *, source: str = "erp") -> Delivery:
    headers = {"content-type": "application/json", "x-wc-webhook-topic": "order.updated"}
    return Delivery(source=source, id=name, received_at=NOW, headers=headers, body=body)


def take(spool: SqlSpool, *, later: timedelta = timedelta(0), limit: int = 20) -> list[KeptDelivery]:
    return spool.take(now=NOW + later, until=NOW + later + LEASE, limit=limit)


def names(found: list[KeptDelivery]) -> list[str]:
    return [one.delivery.id for one in found]


def test_a_delivery_comes_back_as_it_was(spool: SqlSpool) -> None:
    odd = replace(delivery(), body=bytes(range(256)), headers={"x-note": "Посылка \u0001"})
    assert spool.keep(odd)

    (found,) = take(spool)
    assert found.delivery == odd
    assert (found.state, found.tries, found.note) == (DeliveryState.RECEIVED, 1, "")


def test_the_same_again_is_known(spool: SqlSpool) -> None:
    assert spool.keep(delivery())
    assert not spool.keep(replace(delivery(), received_at=NOW + MINUTE))
    assert spool.keep(delivery(source="other"))

    assert len(take(spool)) == 2


def test_other_content_under_the_same_name_is_kept_beside_it_and_not_read(spool: SqlSpool) -> None:
    spool.keep(delivery())

    assert not spool.keep(delivery(body=b"other"))
    assert not spool.keep(delivery(body=b"other"))
    assert [one.delivery.body for one in take(spool)] == [b'{"id":1}']
    (double,) = spool.listed(states=[DeliveryState.CONFLICT])
    assert double.delivery.body == b"other"
    assert spool.replay([double.number], at=NOW) == 0


def test_what_is_in_hand_is_nobody_elses_until_its_time_is_over(spool: SqlSpool) -> None:
    for number in range(3):
        spool.keep(delivery(f"d-{number}"))

    assert names(take(spool, limit=2)) == ["d-0", "d-1"]
    assert names(take(spool)) == ["d-2"]
    assert take(spool) == []
    assert names(take(spool, later=LEASE)) == ["d-0", "d-1", "d-2"]


def test_what_has_ended_is_not_read_again_unless_asked_for(spool: SqlSpool) -> None:
    spool.keep(delivery())
    (found,) = take(spool)
    spool.end([Ending(found.number, DeliveryState.FAILED, "x" * 2000)], at=NOW)

    assert take(spool, later=MINUTE) == []
    (kept,) = spool.listed()
    assert (kept.state, kept.note) == (DeliveryState.FAILED, "x" * 500)
    assert spool.replay([found.number, 4711], at=NOW) == 1
    (again,) = take(spool)
    assert (again.delivery, again.tries, again.note) == (delivery(), 1, "")


def test_what_may_be_what_ends_its_reader_comes_alone_and_last(spool: SqlSpool) -> None:
    for number in range(2):
        spool.keep(delivery(f"bad-{number}"))
    for count in range(SUSPECT):
        assert len(take(spool, later=count * LEASE)) == 2
    spool.keep(delivery("good"))

    at = SUSPECT * LEASE
    assert names(take(spool, later=at)) == ["good"]
    assert names(take(spool, later=at)) == ["bad-0"]
    assert names(take(spool, later=at)) == ["bad-1"]


def test_lists_are_chosen_from_and_stream_in_order(spool: SqlSpool) -> None:
    for number in range(250):
        spool.keep(delivery(f"d-{number}", source="erp" if number % 2 else "toys"))
    assert names(list(spool.listed())) == [f"d-{number}" for number in range(250)]
    first = take(spool, limit=1)[0]
    spool.end([Ending(first.number, DeliveryState.UNKNOWN)], at=NOW)

    assert names(list(spool.listed(states=[DeliveryState.UNKNOWN, DeliveryState.FAILED]))) == ["d-0"]
    assert len(list(spool.listed(source="erp"))) == 125
    assert names(list(spool.listed(numbers=[first.number]))) == ["d-0"]
    assert list(spool.listed(source="erp", states=[DeliveryState.UNKNOWN])) == []
    assert spool.counts([DeliveryState.UNKNOWN]) == {("toys", DeliveryState.UNKNOWN): 1}
    assert spool.counts() == {
        ("erp", DeliveryState.RECEIVED): 125, ("toys", DeliveryState.RECEIVED): 124, ("toys", DeliveryState.UNKNOWN): 1,
    }  # fmt: skip


def test_old_ones_are_forgotten_but_never_what_waits(spool: SqlSpool) -> None:
    for state in DeliveryState:
        spool.keep(delivery(state))
    ended = [one for one in take(spool) if one.delivery.id != DeliveryState.RECEIVED]
    spool.end([Ending(one.number, DeliveryState(one.delivery.id)) for one in ended], at=NOW)

    assert spool.forget(before=NOW, states=OTHERS, limit=10) == 0
    assert spool.forget(before=NOW + MINUTE, states=OTHERS, limit=3) == 3
    assert spool.forget(before=NOW + MINUTE, states=OTHERS, limit=3) == 1
    assert names(list(spool.listed())) == [DeliveryState.RECEIVED, DeliveryState.PROCESSED]
    assert spool.forget(before=NOW + MINUTE, states=READ, limit=3) == 1


def test_many_senders_at_once_keep_each_delivery_once(spool: SqlSpool) -> None:
    wanted = [delivery(f"d-{number % 20}", body=b"%d" % (number % 40)) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(spool.keep, wanted))

    assert sum(told) == 20
    assert spool.counts() == {("erp", DeliveryState.RECEIVED): 20, ("erp", DeliveryState.CONFLICT): 20}


def test_readers_at_once_share_what_there_is(spool: SqlSpool) -> None:
    for number in range(60):
        spool.keep(delivery(f"d-{number}"))
    with ThreadPoolExecutor(4) as pool:
        found = [one for batch in pool.map(lambda _: take(spool, limit=7), range(12)) for one in batch]

    assert sorted(names(found)) == sorted(f"d-{number}" for number in range(60))


def test_an_error_of_the_database_shows_nothing_that_was_posted(spool: SqlSpool) -> None:
    spool.keep(delivery(body=b"Ana Ruiz, Calle Mayor 1"))
    row = _row(delivery(body=b"Ana Ruiz, Calle Mayor 1")) | {"state": "received"}

    with pytest.raises(IntegrityError) as error:
        spool._database.transact(lambda connection: connection.execute(insert(deliveries).values(row)))
    assert "Ana" not in str(error.value)


# --- SQLite's own file ----------------------------------------------------------------------------------------------


def test_it_stands_beside_the_database_and_survives_a_power_cut(tmp_path: Path) -> None:
    spool = open_spool(f"sqlite:///{tmp_path}/data/messenger.db")
    spool.keep(delivery())
    with spool._database.read() as connection:
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    spool.close()

    assert (level, mode) == (2, "wal")
    again = open_spool(f"sqlite:///{tmp_path}/data/messenger.db")
    assert (tmp_path / "data" / "spool.db").exists()
    assert names(list(again.listed())) == ["d-1"]
    again.close()


def test_programs_that_start_together_make_it_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(open_spool, [f"sqlite:///{tmp_path}/messenger.db"] * 6))
    assert sum(spool.keep(delivery()) for spool in opened) == 1
    for spool in opened:
        spool.close()


def test_one_that_a_newer_version_wrote_is_left_alone(tmp_path: Path) -> None:
    open_spool(f"sqlite:///{tmp_path}/messenger.db").close()
    connection = sqlite3.connect(tmp_path / "spool.db")
    connection.execute("PRAGMA user_version = 9")
    connection.close()

    with pytest.raises(StorageError, match="is at step 9, this version knows 1"):
        open_spool(f"sqlite:///{tmp_path}/messenger.db")


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_text("Dear Ana, this is a letter and not a database. " * 40, encoding="utf-8")

    with pytest.raises(StorageError, match="not a database"):
        open_spool(f"sqlite:///{tmp_path}/messenger.db")
