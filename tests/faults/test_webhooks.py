"""What was acknowledged is taken in once, whenever the process that kept it dies; senders hear at once, whoever else is busy."""

from __future__ import annotations

import os
import random
import socket
import time
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import httpx2
import pytest

from benchmarks.webhooks import measure
from messenger.ports import OrderKey
from messenger.ports.deliveries import DeliveryState
from tests.faults.crowd import Crowd, crowd, until
from tests.faults.posting import Console, Senders, console, shipped, signed, states, until_read, with_hook
from tests.faults.table import Measured
from tests.faults.troubles import trouble

pytestmark = pytest.mark.timeout(1800)
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
EACH = 20
"""Deliveries of each round."""


def told(workers: Crowd, numbers: range) -> list[int]:
    """How many events each order has."""
    with workers.store() as store:
        found = store.events_of([OrderKey(shop="toys", number=str(number)) for number in numbers])
        return [len(found.get(OrderKey(shop="toys", number=str(number)), ())) for number in numbers]


def test_killed_between_keeping_and_reading_a_delivery_is_read_once(tmp_path: Path, database: str) -> None:
    with crowd(tmp_path, url=database, uncertain="ask") as workers, console(workers) as desk:
        with_hook(workers)
        desk.start()
        Senders(desk).post([1])
        desk.kill()
        assert states(workers) == {DeliveryState.RECEIVED: 1}

        workers.start()
        workers.until_arrived(1)
        until_read(workers)
        workers.until_rest()
        workers.stop_all()
        found = workers.account()

        assert states(workers) == {DeliveryState.PROCESSED: 1}
        assert told(workers, range(1, 2)) == [1]
    assert (found.rows, found.seconds, found.states) == (1, 0, {"sent": 1})


def test_consoles_are_killed_at_any_moment_while_senders_post(tmp_path: Path, measured: Measured) -> None:
    chance, total = random.Random(10), ROUNDS * EACH
    with crowd(tmp_path, uncertain="ask") as workers, console(workers) as desk:
        with_hook(workers)
        workers.messenger("db", "upgrade")
        senders = Senders(desk)
        for number in range(ROUNDS):
            desk.start()
            posting = Thread(target=senders.post, args=[range(number * EACH, (number + 1) * EACH)])
            posting.start()
            time.sleep(chance.uniform(0.0, 2.5))  # the harm: at a moment that nobody chose
            desk.kill()
            desk.start()
            posting.join()
            time.sleep(chance.uniform(0.0, 2.5))  # the same, while it reads: no worker does
            desk.kill()
        workers.start()
        workers.until_arrived(total)
        until_read(workers)
        workers.until_rest()
        workers.stop_all()
        found, events, left = workers.account(), told(workers, range(total)), states(workers)

    measured(
        "kill -9 between keeping and reading", size=f"{2 * ROUNDS} kills, {total} deliveries, {senders.tries} posts",
        expected="each acknowledged one taken in once", seen=f"lost {events.count(0)}, twice {sum(one > 1 for one in events)}, {left}",
    )  # fmt: skip
    assert events == [1] * total
    assert left == {DeliveryState.PROCESSED: total}
    assert (found.rows, found.seconds, found.states) == (total, 0, {"sent": total})


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(tmp_path: Path) -> None:
    wrong, most = trouble("full"), 300
    with crowd(tmp_path, uncertain="ask") as workers:
        wrong.prepare(workers)
        with_hook(workers)
        try:
            workers.messenger("db", "upgrade")
            with console(workers) as desk:
                desk.start()
                Senders(desk).post(range(10))
                wrong.begin(workers)
                answers = [post(desk, number) for number in until_refused(desk, range(10, most))]
                assert [(one.status_code, one.headers["retry-after"]) for one in answers] == [(503, "60")] * len(
                    answers
                )
                assert httpx2.get(f"{desk.address}/healthz").status_code == 200
                wrong.end(workers)
                Senders(desk).post(range(most))
                until(lambda: states(workers) == {DeliveryState.PROCESSED: most}, "all deliveries to be read")
                assert told(workers, range(most)) == [1] * most
        finally:
            wrong.close()


@pytest.mark.parametrize("name", ["read-only", "failing"])
def test_whatever_is_wrong_with_the_database_senders_are_answered(name: str, tmp_path: Path) -> None:
    wrong, total = trouble(name), 40
    with crowd(tmp_path, uncertain="ask") as workers:
        wrong.prepare(workers)
        with_hook(workers)
        workers.messenger("db", "upgrade")
        with console(workers) as desk:
            desk.start()
            Senders(desk).post([0])
            wrong.begin(workers)
            assert {post(desk, number).status_code for number in range(1, total)} == {200}
            wrong.end(workers)

            until(lambda: states(workers) == {DeliveryState.PROCESSED: total}, "all deliveries to be read")
            assert told(workers, range(total)) == [1] * total


def until_refused(desk: Console, numbers: range) -> list[int]:
    """Post until one is not taken; returns some that are posted next. A full disk may have room in a file that is there."""
    for number in numbers:
        if post(desk, number).status_code != 200:
            return list(range(number, min(number + 3, numbers.stop)))
    raise AssertionError("all was taken")


def post(desk: Console, number: int) -> httpx2.Response:
    """Post one delivery once."""
    body = shipped(number)
    return httpx2.post(f"{desk.address}/hooks/erp", content=body, headers=signed(number, body), timeout=60)


def test_lines_that_break_and_bodies_that_lie_do_no_harm(tmp_path: Path) -> None:
    body = shipped(1)
    with crowd(tmp_path) as workers, console(workers) as desk:
        with_hook(workers)
        desk.start()
        head = "".join(f"{name}: {value}\r\n" for name, value in signed(1, body).items())
        begin = f"POST /hooks/erp HTTP/1.1\r\nHost: x\r\n{head}".encode()
        for rest in (
            b"Content-Length: %d\r\n\r\n" % len(body) + body[:20],  # cut short, and hung up
            b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",  # no last piece, and hung up
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",  # a piece of no length
            b"Content-Length: -1\r\n\r\n",
            b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",  # two ways to say how long it is
        ):
            hang_up_after(desk.address, begin + rest)
        assert httpx2.post(f"{desk.address}/hooks/erp", content=b"x" * 2_000_000).status_code in {401, 413}
        assert httpx2.post(f"{desk.address}/hooks/erp", content=body, headers=signed(1, body)).status_code == 200

        until(lambda: states(workers) == {DeliveryState.PROCESSED: 1}, "the only whole delivery to be read")
        assert "Traceback" not in desk.log.read_text(encoding="utf-8")


def hang_up_after(address: str, text: bytes) -> None:
    """Send this, and hang up without waiting for an answer."""
    found = urlsplit(address)
    with socket.create_connection((found.hostname or "", found.port or 0), timeout=10) as line:
        line.sendall(text)


def test_senders_are_answered_while_two_workers_send(tmp_path: Path, measured: Measured) -> None:
    deliveries = 100 if ROUNDS <= 3 else 1000
    found = measure(tmp_path, deliveries=deliveries, orders_=deliveries * 4)

    measured(
        "signed deliveries beside two workers (SQLite)", size=f"{deliveries} deliveries", expected="all kept, the answer in milliseconds",
        seen=f"kept {found.kept}, p50 {found.percentile(50):.1f} ms, p99 {found.percentile(99):.1f} ms, {found.sent} mails meanwhile",
    )  # fmt: skip
    assert found.kept == deliveries
    assert len(found.seconds) == deliveries
    assert found.sent > 0
