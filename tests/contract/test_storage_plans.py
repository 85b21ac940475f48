"""What every store promises however much it holds: no look at what is due, and no write-back, reads a whole table.

The statements are taken as the store sends them and explained by the engine itself, on tables with rows and statistics.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.ports import BuyerKey, OrderKey, Unit
from messenger.storage import SqlStore
from messenger.storage.engine import Database
from tests.storage_samples import MINUTE, NOW, claim, fill, result, settlement
from tests.storage_samples import commitment as to_send
from tests.storage_samples import event as an_event

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MANY = 4000
LARGE = frozenset({"outbox", "inbox", "orders", "record", "bodies", "attempts", "journeys", "intakes"})
"""Tables that grow with every order or poll."""
WHOLE = re.compile(r"^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?$")
SMALL = frozenset(
    {
        "ix_outbox_in_hand", "ix_outbox_gated", "ix_outbox_urgent", "ix_outbox_uncertain", "ix_outbox_carrier",
        "ix_orders_needs_fold", "ix_inbox_received", "ix_intakes_open", "ix_inbox_failed", "ix_orders_given_up",
    }
)  # fmt: skip
"""Indexes over what is few at any time: reading one from end to end is no whole table."""
IN_ORDER = frozenset({"ix_outbox_due", "ix_outbox_account", "ix_journeys_lane"})
"""Indexes read in their order until enough was found."""


@pytest.fixture
def store(store: SqlStore, migrated_url: str) -> SqlStore:
    """A store with rows that wait, rows that have left, orders and events, all of them taken in."""
    fill(migrated_url, MANY, due=NOW + DAY, span=30 * DAY)
    fill(migrated_url, MANY, first=10**6, state=State.SENT, due=NOW - 300 * DAY, span=299 * DAY)
    fill(migrated_url, 60, first=2 * 10**6, buyers=20)
    engine = create_engine(migrated_url)
    orders = (
        "INSERT INTO orders (shop, number, status, buyer_key, email_key, open_until, generation, paid_at) "
        "SELECT shop, order_number, 'paid', buyer, 'email:' || order_number, due_at, 1, 1 FROM outbox"
    )
    inbox = (
        "INSERT INTO inbox (shop, order_number, source, event_id, type, time, state, intake, received_at, fingerprint, document) "
        "SELECT shop, CASE WHEN id % 9 > 0 THEN order_number END, 'erp', scope, 'order.paid', 1, 'processed', 1, 1, 'f', '{}' "
        "FROM outbox"
    )
    intakes = "INSERT INTO intakes (kind, name, opened_at, closed_at) SELECT 'poll', scope, 1, 1 FROM outbox"
    with engine.begin() as connection:
        for statement in (orders, inbox, intakes, "ANALYZE"):
            connection.execute(text(statement))
    engine.dispose()
    return store


def statements(engine: Engine, work: Callable[[], object]) -> list[tuple[str, Any]]:
    """Everything the store says to the database while it works."""
    said: list[tuple[str, Any]] = []

    def listen(_: object, __: object, statement: str, parameters: Any, ___: object, many: bool) -> None:
        said.append((statement, parameters[0] if many else parameters))

    event.listen(engine, "before_cursor_execute", listen)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    return [(statement, given) for statement, given in said if not statement.startswith(("INSERT", "BEGIN"))]


def whole_reads(engine: Engine, statement: str, given: Any) -> Iterator[str]:
    """What a statement reads from end to end."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given):
                found = WHOLE.match(row[-1])
                if found and found[1].removesuffix("_1") in LARGE and found[2] not in SMALL | IN_ORDER:
                    yield row[-1]
            return
        (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given).scalar_one()
        yield from _whole(plan["Plan"] if isinstance(plan, dict) else json.loads(plan)["Plan"])


def _whole(node: dict[str, Any]) -> Iterator[str]:
    if (
        node["Node Type"] == "Seq Scan"
        and node["Relation Name"] in LARGE
        and node["Plan Rows"] + node["Total Cost"] > 50
    ):
        yield f"Seq Scan on {node['Relation Name']}: {node.get('Filter', '')}"
    is_index = node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}
    if is_index and "Index Cond" not in node and node["Index Name"] not in SMALL | IN_ORDER:
        yield f"all of {node['Index Name']}"
    for below in node.get("Plans", ()):
        yield from _whole(below)


def hand(store: SqlStore) -> list[PlannedMessage]:
    return claim(store, limit=20)


def settle(store: SqlStore) -> object:
    return store.settle([settlement(row, replace(row, state=State.HELD, reason=Reason.HOLD)) for row in hand(store)])


def send(store: SqlStore) -> object:
    rows = hand(store)
    store.commit([to_send(row) for row in rows])
    return store.record([result(row, State.SENT, "accepted") for row in rows])  # type: ignore[arg-type]  # its word


def clear(store: SqlStore) -> object:
    rows = hand(store)
    buyers = {BuyerKey(row.key.shop, row.buyer) for row in rows}
    others = {BuyerKey("toys", "email:f1"), BuyerKey("toys", "order:f1")}

    def work(unit: Unit) -> object:
        unit.lock_buyers(buyers)
        unit.payments(buyers | others)
        unit.buyer_messages(buyers, since=NOW - 7 * DAY)
        return unit.settle([settlement(row, replace(row, cleared_at=NOW)) for row in rows])

    return store.together(work)


def take_in(store: SqlStore) -> object:
    order = OrderKey(shop="toys", number="f1")
    intake = store.open_intake(kind="test", name="test", at=NOW)
    store.accept([an_event("new", number="f1")], intake=intake, at=NOW)
    store.close_intake(intake, at=NOW, source="erp")
    assert store.backlog(limit=10) == [order]
    with store.begin() as unit:
        unit.lock(order)
        unit.describe(
            order, status="paid", buyer_key="id:b1", email_key="", updated_at=NOW, open_until=NOW, generation=1
        )
        unit.messages(order)
        unit.match(order, ["RR1"])
        unit.processed(order)
    return store.failed(order, error="boom", at=NOW)


WORK: dict[str, Callable[[SqlStore], object]] = {
    "claim": hand,
    "pulse": lambda store: store.pulse(now=NOW),
    "pulse, with a shop stopped": lambda store: (
        store.pause("books", at=NOW, by="a"),
        store.pulse(now=NOW),
        hand(store),
    ),
    "settle": settle,
    "send": send,
    "clear": clear,
    "rescue": lambda store: (hand(store), store.rescue(now=NOW + 2 * MINUTE)),
    "heartbeat": lambda store: store.heartbeat(owner="a", lease_until=NOW),
    "unresolved": lambda store: store.unresolved(),
    "take in": take_in,
    "gated": lambda store: store.gated(),
    "judge": lambda store: store.judge(1, limit=9, now=NOW),
    "to be planned anew": lambda store: store.to_replan(2, now=NOW + DAY, limit=9),
    "nothing to be planned anew": lambda store: store.to_replan(1, now=NOW, limit=9),
    "wake": lambda store: store.wake(shop="toys", hold="source_silent", now=NOW),
    "sent since": lambda store: store.sent_since(NOW - 3 * DAY),
    "what waits for approval": lambda store: list(store.waiting_for_approval(intake=1)),
    "one message": lambda store: (store.message(1), store.frozen(1)),
}


@pytest.mark.parametrize("name", WORK)
def test_no_large_table_is_read_whole(store: SqlStore, name: str) -> None:
    engine = store._database.engine
    said = statements(engine, lambda: WORK[name](store))

    assert said
    found = {(statement, reads) for statement, given in said for reads in whole_reads(engine, statement, given)}
    assert found == set()


@pytest.mark.parametrize(("name", "most"), [("claim", 10), ("pulse", 6), ("settle", 12), ("clear", 16)])
def test_a_batch_takes_a_handful_of_statements(store: SqlStore, name: str, most: int) -> None:
    said: Sequence[tuple[str, Any]] = statements(store._database.engine, lambda: WORK[name](store))

    assert len(said) <= most


def test_a_buyers_messages_are_found_by_name_also_when_statistics_are_out_of_date(migrated_url: str) -> None:
    """Statistics that know of nothing sent once made PostgreSQL walk all that had been sent, for every batch."""
    fill(migrated_url, MANY, due=NOW + DAY, span=30 * DAY)
    engine = create_engine(migrated_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'sent', sent_at = due_at WHERE id % 2 = 0"))
    store = SqlStore(Database(engine))
    buyers = [BuyerKey("toys", f"id:b{number}") for number in range(50)]

    def look(unit: Unit) -> object:
        unit.lock_buyers(buyers)
        return unit.buyer_messages(buyers, since=NOW)

    said = statements(engine, lambda: store.together(look))
    reads = [reading for statement, given in said for reading in outbox_reads(engine, statement, given)]
    store.close()

    assert len(reads) == 4
    assert all("buyer" in reading or "order_number" in reading for reading in reads), reads


def outbox_reads(engine: Engine, statement: str, given: Any) -> Iterator[str]:
    """By what each part of a statement finds its messages."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given):
                if " outbox" in row[-1]:
                    yield row[-1]
            return
        (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given).scalar_one()
        nodes = [plan["Plan"]]
        while nodes:
            node = nodes.pop()
            nodes += node.get("Plans", ())
            if node.get("Relation Name") == "outbox":
                yield node.get("Index Cond", node["Node Type"])
