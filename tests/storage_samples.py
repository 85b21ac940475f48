"""Events, messages and write-backs for tests of a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread

from sqlalchemy import create_engine, make_url, text

from messenger.domain.events import Event, parse_event
from messenger.domain.messages import Category, Key, Letter, Outcome, PlannedMessage, Receipt, State
from messenger.ports import Commitment, OrderKey, Result, Settlement, Store, Verdict
from messenger.storage.columns import microseconds

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ORDER = OrderKey(shop="toys", number="8134")
OTHER = OrderKey(shop="toys", number="9000")
LETTER = Letter(
    key=Key("toys", "shipped", "8134/1", 1), sender="Toys <care@toys.example>", recipient="ana@example.com", recipient_name="Ана",
    subject="Заказ", text="Текст\n", html="<p>Текст</p>", platform_text="Текст", locale="ru", message_id="m@toys.example", date=NOW,
    headers=(("Reply-To", "a@toys.example"),),
)  # fmt: skip


def event(id_: str, type_: str = "order.paid", *, number: str | None = "8134", **sections: object) -> Event:
    document = {
        "specversion": "1.0",
        "id": id_,
        "source": "erp",
        "type": type_,
        "time": "2026-03-02T10:00:00Z",
        "data": {"shop": "toys", **sections},
    }
    return parse_event(document | ({"subject": number} if number else {}))


def message(number: int = 1, *, due: datetime = NOW) -> PlannedMessage:
    return PlannedMessage(
        key=Key("toys", "shipped", f"8134/{number}", 1), order="8134", template="shipped", category=Category.TRANSACTIONAL,
        trigger="erp#e", trigger_at=NOW, shipment=None, wanted_at=due, due_at=due, expires_at=NOW + timedelta(days=3),
        stale_at=NOW + timedelta(days=7),
    )  # fmt: skip


def accept(store: Store, *events: Event) -> list[Verdict]:
    intake = store.open_intake(kind="test", name="test", at=NOW)
    verdicts = store.accept(events, intake=intake, at=NOW)
    store.close_intake(intake, at=NOW)
    return verdicts


def take_in(store: Store, order: OrderKey = ORDER, *, buyer_key: str = "", email_key: str = "") -> set[str]:
    """Take an order in; returns the ids of the events that were seen."""
    with store.begin() as unit:
        unit.lock(order)
        seen = {one.id for one in unit.events(order)}
        unit.describe(order, status="paid", buyer_key=buyer_key, email_key=email_key, updated_at=NOW)
        unit.processed(order)
    return seen


def plan(store: Store, *messages: PlannedMessage) -> None:
    with store.begin() as unit:
        unit.lock(ORDER)
        unit.add(messages)


def claim(store: Store, owner: str = "a", *, now: datetime = NOW, limit: int = 100) -> list[PlannedMessage]:
    return store.claim(owner=owner, now=now, lease_until=now + MINUTE, limit=limit)


def commitment(row: PlannedMessage, *, letter: Letter | None = LETTER) -> Commitment:
    return Commitment(
        id=row.id, owner=row.owner or "", token=row.token, message=row, letter=letter, digest="d", template_version="v", at=NOW
    )  # fmt: skip


def settlement(row: PlannedMessage, target: PlannedMessage) -> Settlement:
    return Settlement(id=row.id, owner=row.owner or "", token=row.token, at=NOW, message=target)


def result(row: PlannedMessage, state: State, outcome: Outcome) -> Result:
    return Result(
        id=row.id, owner=row.owner or "", token=row.token, message=replace(row, state=state, reply="250 ok"),
        receipt=Receipt(outcome=outcome, reply="250 ok", code=250), started_at=NOW, at=NOW,
    )  # fmt: skip


def doubtful(store: Store) -> PlannedMessage:
    """A message whose worker died while sending it, as it was claimed."""
    plan(store, message())
    (row,) = claim(store)
    store.commit([commitment(row)])
    store.rescue(now=NOW + 2 * MINUTE)
    return row


def only(store: Store) -> PlannedMessage:
    (row,) = store.outbox()
    return row


def together(*works: Callable[[], object]) -> None:
    """Run all of them at once, and raise what the first of them raised."""
    problems: list[Exception] = []

    def guarded(work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # raised below, in the test's own thread
            problems.append(error)

    threads = [Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def fill(
    url: str, count: int, *, first: int = 1, state: State = State.PLANNED, due: datetime = NOW, span: timedelta = MINUTE,
    buyers: int = 1000,
) -> None:  # fmt: skip
    """Put many rows into the outbox by one statement, each of an order of its own.

    Args:
        url: of the database.
        count: how many.
        first: number of the first, which names its order.
        state: of all of them; what has left, left when it was due.
        due: when the first is due.
        span: within this time after it, evenly, all others are.
        buyers: how many buyers share them.
    """
    numbers = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)",
        "postgresql": "WITH n(i) AS (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)))",
    }
    has_left = state in {State.SENT, State.BOUNCED, State.COMPLAINED}
    told = text(
        f"""INSERT INTO outbox (shop, rule, scope, step, order_number, template, category, trigger, trigger_at, wanted_at, due_at,
            expires_at, stale_at, state, because, buyer, sent_at)
        {numbers[make_url(url).get_backend_name()]}, r(i, at) AS (SELECT i, :due + (i - :first) * :step FROM n)
        SELECT 'toys', 'shipped', 'f' || i, 1, 'f' || i, 'shipped', 'transactional', 'erp#e', at, at, at, at + 259200000000,
            at + 604800000000, '{state}', '', 'id:b' || (i % :buyers), {"at" if has_left else "NULL"} FROM r"""
    )
    given = {
        "first": first, "last": first + count - 1, "due": microseconds(due), "buyers": buyers,
        "step": span // timedelta(microseconds=1) // count,
    }  # fmt: skip
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(told, given)
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
