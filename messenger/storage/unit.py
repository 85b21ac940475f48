"""Taking in: what one write transaction reads and writes about its orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, insert, literal, null, or_, select, update

from messenger.domain.events import Event
from messenger.domain.lanes import Journey
from messenger.domain.messages import WAITING, Key, PlannedMessage, State
from messenger.domain.suppressions import Suppression
from messenger.ports import BuyerKey, Change, Entry, OrderKey, Payment, Settlement
from messenger.storage import buyers as counting
from messenger.storage import claims, feedback, travel, valve
from messenger.storage.archived import bring_back
from messenger.storage.carrying import ON_THE_WAY, forget_letters, leaving, may_carry, share
from messenger.storage.columns import Instant
from messenger.storage.desk import SqlDeskUnit
from messenger.storage.documents import read_event
from messenger.storage.intake import HOMELESS_LOCK, may_be_taken
from messenger.storage.news import tell
from messenger.storage.outbox_table import OPEN, outbox, stated
from messenger.storage.rewriting import Rewrite, columns_without, travelling_row
from messenger.storage.rows import entry_values, message_of, values_of
from messenger.storage.sql import among, is_sqlite, pair_among, upsert
from messenger.storage.tables import inbox, orders, parcels, record, unmatched


class _Told(NamedTuple):
    """One stored event of an order. ``intake`` is 0 for one that was taken in before."""

    id: int
    document: str
    is_received: bool
    intake: int = 0


def events_of(connection: Connection, keys: Sequence[OrderKey]) -> dict[OrderKey, list[Event]]:
    """Return the events of several orders, with those of their buyers that name no order."""
    return {key: [read_event(one.document) for one in told] for key, told in _told_about(connection, keys).items()}


def _told_about(connection: Connection, keys: Sequence[OrderKey]) -> dict[OrderKey, list[_Told]]:
    found: defaultdict[OrderKey, list[_Told]] = defaultdict(list)
    names: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    mine = pair_among(connection, inbox.c.shop, inbox.c.order_number, [(key.shop, key.number) for key in keys])
    columns = (
        inbox.c.id,
        inbox.c.shop,
        inbox.c.order_number,
        inbox.c.state,
        inbox.c.intake,
        inbox.c.buyer_key,
        inbox.c.email_key,
    )
    there = or_(inbox.c.state == "processed", may_be_taken)
    for row in connection.execute(select(*columns, inbox.c.document).where(mine, there).order_by(inbox.c.id)):
        key = OrderKey(shop=row.shop, number=row.order_number)
        is_received = row.state == "received"
        found[key].append(_Told(row.id, row.document, is_received, row.intake if is_received else 0))
        names[row.shop][row.order_number].update(name for name in (row.buyer_key, row.email_key) if name)
    for shop in sorted({key.shop for key in keys}):
        if _buyers_spoke(connection, shop):
            numbers = [key.number for key in keys if key.shop == shop]
            _add_buyers(connection, shop, numbers, names[shop], found)
    return dict(found)


def _buyers_spoke(connection: Connection, shop: str) -> bool:
    any_at_all = and_(inbox.c.shop == shop, inbox.c.order_number.is_(None), inbox.c.state == "processed")
    return connection.execute(select(inbox.c.id).where(any_at_all).limit(1)).first() is not None


def _add_buyers(
    connection: Connection,
    shop: str,
    numbers: Sequence[str],
    names: defaultdict[str, set[str]],
    found: defaultdict[OrderKey, list[_Told]],
) -> None:
    described = select(orders.c.number, orders.c.buyer_key, orders.c.email_key).where(
        orders.c.shop == shop, among(connection, orders.c.number, numbers)
    )
    for number, *keys in connection.execute(described):
        names[number].update(key for key in keys if key)
    wanted = sorted(set().union(*names.values()))
    about = or_(among(connection, inbox.c.buyer_key, wanted), among(connection, inbox.c.email_key, wanted))
    rows = connection.execute(
        select(inbox.c.id, inbox.c.buyer_key, inbox.c.email_key, inbox.c.document)
        .where(inbox.c.shop == shop, inbox.c.order_number.is_(None), inbox.c.state == "processed", about)
        .order_by(inbox.c.id)
    ).all()
    for number, keys_of_order in names.items():
        found[OrderKey(shop=shop, number=number)] += [
            _Told(row.id, row.document, is_received=False)
            for row in rows
            if {row.buyer_key, row.email_key} & keys_of_order
        ]


_CHANGED: Final = columns_without("token", "attempts", "owner", "lease_until")
_change = Rewrite(
    _CHANGED,
    lambda seen: outbox.c.state == seen.c.b_was,
    lambda seen: {
        "token": outbox.c.token + 1,
        "owner": null(),
        "lease_until": null(),
        # Whoever lets it be tried again forgives what it did to its workers.
        "attempts": case((seen.c.b_was.in_(["failed", "uncertain"]), 0), else_=outbox.c.attempts),
    },
)
_UNFINISHED: Final = stated(OPEN | {State.MERGED})


class SqlUnit(SqlDeskUnit):
    """One write transaction; see ``ports.Unit``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._seen: dict[OrderKey, list[_Told]] = {}
        self._settled: set[int] = set()
        self._now: datetime | None = None
        self._shuts_out_settling = False
        self._has_told = False

    def lock(self, order: OrderKey) -> None:
        """Let no other unit work on this order until this one has ended; what was moved away comes back."""
        self._shut_out_settling()
        values = {"shop": order.shop, "number": order.number, "needs_fold": False}
        self._connection.execute(upsert(self._connection, orders).values(values).on_conflict_do_nothing())
        locked = select(orders.c.archived_at).where(_itself(order))
        if not is_sqlite(self._connection):
            locked = locked.with_for_update()
        if self._connection.execute(locked).scalar() is not None:
            bring_back(self._connection, [order])

    def _shut_out_settling(self) -> None:
        if not (self._shuts_out_settling or is_sqlite(self._connection)):
            self._connection.execute(select(func.pg_advisory_xact_lock_shared(HOMELESS_LOCK)))
        self._shuts_out_settling = True

    def events(self, order: OrderKey) -> list[Event]:
        """Return all events of the order, and those of its buyer."""
        told = _told_about(self._connection, [order]).get(order, [])
        self._seen[order] = [one for one in told if one.is_received]
        return [read_event(one.document) for one in told]

    def messages(self, order: OrderKey) -> list[PlannedMessage]:
        """Return every outbox row of the order, by id; they stay as they are until the unit ends."""
        return messages_of(self._connection, order, hold=True)

    def match(self, order: OrderKey, numbers: Iterable[str]) -> int:
        """Remember the order's parcels and give it the events that waited for them."""
        wanted = sorted(set(numbers))
        if not wanted:
            return 0
        rows = [{"shop": order.shop, "number": number, "order_number": order.number} for number in wanted]
        self._connection.execute(upsert(self._connection, parcels).on_conflict_do_nothing(), rows)
        named = among(self._connection, inbox.c.number, wanted)
        waiting = and_(inbox.c.shop == order.shop, named, unmatched)
        return self._connection.execute(
            update(inbox).where(waiting).values(order_number=order.number, state="received")
        ).rowcount

    def intake_of(self, order: OrderKey) -> int:
        """Return the newest intake among the received events that ``events`` returned; 0 when there was none."""
        return max((one.intake for one in self._seen.get(order, ())), default=0)

    def planned_by(self, order: OrderKey) -> int:
        """Return the generation that the order was planned by last."""
        return self._connection.execute(select(orders.c.generation).where(_itself(order))).scalar() or 0

    def describe(
        self, order: OrderKey, *, status: str, buyer_key: str, email_key: str, updated_at: datetime,
        paid_at: datetime | None = None, open_until: datetime | None = None, generation: int = 0,
    ) -> None:  # fmt: skip
        """Write what lists and look-ups need to know; an order stays open as long as a message of it waits."""
        self._now = updated_at
        values: dict[str, Any] = {  # Any: column values
            "status": status, "buyer_key": buyer_key, "email_key": email_key, "updated_at": updated_at, "paid_at": paid_at,
            "generation": generation,
        }  # fmt: skip
        if open_until is not None:
            rows = and_(outbox.c.shop == order.shop, outbox.c.order_number == order.number, _UNFINISHED)
            later = select(func.max(outbox.c.expires_at)).where(rows, outbox.c.expires_at > open_until)
            values["open_until"] = func.coalesce(later.scalar_subquery(), literal(open_until, Instant))
        self._connection.execute(update(orders).where(_itself(order)).values(values))

    def _keep_open(self, messages: Iterable[PlannedMessage]) -> None:
        """An order stays open at least as long as a message of it waits."""
        until: dict[OrderKey, datetime] = {}
        for one in messages:
            if one.state in OPEN:
                key = OrderKey(shop=one.key.shop, number=one.order)
                until[key] = max(until.get(key, one.expires_at), one.expires_at)
        for order, at in until.items():
            sooner = or_(orders.c.open_until.is_(None), orders.c.open_until < at)
            self._connection.execute(update(orders).where(_itself(order), sooner).values(open_until=at))

    def arrived(self, order: OrderKey, journeys: Sequence[Journey]) -> None:  # noqa: ARG002  # a journey names its order
        """Remember how long the order's parcels took."""
        travel.arrived(self._connection, journeys)

    def lock_buyers(self, buyers: Collection[BuyerKey]) -> None:
        """Let no other unit decide about these buyers until this one has ended."""
        counting.lock(self._connection, buyers)

    def buyer_messages(self, buyers: Collection[BuyerKey], *, since: datetime) -> dict[BuyerKey, list[PlannedMessage]]:
        """Return what counts for these buyers."""
        return counting.messages(self._connection, buyers, since=since)

    def payments(self, buyers: Collection[BuyerKey]) -> dict[BuyerKey, list[Payment]]:
        """Return which orders of these buyers were paid when."""
        return counting.payments(self._connection, buyers)

    def suppressed(self, addresses: Collection[str]) -> dict[str, list[Suppression]]:
        """Return the suppressions of these address keys."""
        return feedback.suppressed(self._connection, addresses)

    def settle(self, settlements: Sequence[Settlement]) -> set[int]:
        """End claims without sending, or keep them."""
        return claims.settle(self._connection, settlements, self._settled)

    def judge(self, intake: int, *, limit: int, now: datetime) -> int:
        """Open or close the valve for an intake and let its rows go."""
        return valve.judge(self._connection, intake, limit=limit, now=now)

    def add(self, messages: Sequence[PlannedMessage]) -> None:
        """Insert rows whose key is new."""
        if messages:
            statement = upsert(self._connection, outbox).on_conflict_do_nothing()
            self._connection.execute(statement, [values_of(message) for message in messages])
            self._keep_open(messages)
            self._tell(messages, self._now)

    def change(self, changes: Sequence[Change], *, at: datetime | None = None) -> list[Key]:
        """Apply changes to rows that are still as they were seen."""
        carriers = may_carry(self._connection, self._settled, _carriers(changes))
        possible = [one for one in changes if _is_possible(one, carriers)]
        rows = [(one, _unclaimed(one.message)) for one in possible]
        told = [travelling_row(row, _CHANGED, id_=row.id, was=str(one.was)) for one, row in rows]
        left = leaving(self._connection, [row.id for one, row in rows if one.was is State.FAILED])
        applied = _change(self._connection, told)
        forget_letters(self._connection, {left[id_] for id_ in left.keys() & applied})
        changed = [row for _, row in rows if row.id in applied]
        self._settled -= {row.id for row in changed}
        self._keep_open(changed)
        self._tell(changed, at or self._now)
        if changed:
            moved = {row.id: row.key for row in changed if row.state not in ON_THE_WAY}
            share(self._connection, moved, at=at or self._now or max(row.due_at for row in changed))
        return [row.key for row in changed]

    def _tell(self, messages: Iterable[PlannedMessage], now: datetime | None) -> None:
        """Let workers hear that something is due; once."""
        ready = WAITING - {State.CLAIMED}
        is_due = any(one.state in ready and not one.gated and (now is None or one.due_at <= now) for one in messages)
        if is_due and not self._has_told:
            tell(self._connection)
            self._has_told = True

    def processed(self, order: OrderKey) -> None:
        """Mark the order's events as taken in: those this unit has seen, or all when it did not look."""
        mine = and_(inbox.c.shop == order.shop, inbox.c.order_number == order.number, may_be_taken)
        seen = self._seen.get(order)
        if seen is not None:
            mine = and_(mine, among(self._connection, inbox.c.id, [one.id for one in seen]))
        self._connection.execute(update(inbox).where(mine).values(state="processed", error=None))
        self._connection.execute(update(orders).where(_itself(order)).values(needs_fold=False, failures=0))

    def note(self, entries: Sequence[Entry]) -> None:
        """Append to the record."""
        if entries:
            self._connection.execute(insert(record), [entry_values(entry) for entry in entries])


def _itself(order: OrderKey) -> ColumnElement[bool]:
    return and_(orders.c.shop == order.shop, orders.c.number == order.number)


def _carriers(changes: Iterable[Change]) -> set[int]:
    return {one.message.carrier for one in changes if one.message.state is State.MERGED and one.message.carrier}


def _is_possible(change: Change, carriers: Collection[int]) -> bool:
    """A merged row is its carrier's, and nobody else's; and only who finds a carrier on its way becomes merged."""
    if change.was is State.MERGED:
        return False
    return change.message.state is not State.MERGED or change.message.carrier in carriers


def _unclaimed(message: PlannedMessage) -> PlannedMessage:
    """The row in nobody's hands; what its worker had cleared is no longer cleared."""
    if message.state is not State.CLAIMED:
        return message
    return replace(message, state=State.PLANNED, cleared_at=None)


def messages_of(connection: Connection, order: OrderKey, *, hold: bool = False) -> list[PlannedMessage]:
    """Return every outbox row of an order, by id.

    Args:
        connection: in a write transaction if the rows are to be held.
        order: whose rows.
        hold: let nobody change them until the transaction ends.
    """
    mine = select(outbox).where(outbox.c.shop == order.shop, outbox.c.order_number == order.number)
    mine = mine.order_by(outbox.c.id)
    if hold and not is_sqlite(connection):
        mine = mine.with_for_update()
    return [message_of(row) for row in connection.execute(mine).mappings()]
