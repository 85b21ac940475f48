"""Feedback: reports that are kept once, messages that came back, and addresses that must not be written to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, and_, case, delete, func, insert, select, true, update

from messenger.domain.messages import PlannedMessage, State
from messenger.domain.reports import Kind
from messenger.domain.suppressions import EVERY_SHOP, Cause, Suppression
from messenger.ports.feedback import KeptReport, Returns
from messenger.ports.values import OrderKey
from messenger.storage import archived
from messenger.storage.engine import Database
from messenger.storage.feedback_tables import named, reports, suppressions
from messenger.storage.outbox_table import left, outbox
from messenger.storage.rows import entry_values, message_of, told
from messenger.storage.sql import among, upsert
from messenger.storage.tables import orders, record

PAGE: Final = 500
MOST_REFUSALS: Final = 200
MAY_COME_BACK: Final = {
    State.BOUNCED: (State.SENT, State.UNCERTAIN),
    State.COMPLAINED: (State.SENT, State.UNCERTAIN, State.BOUNCED),
}
"""From which states: what is uncertain has left after all, if something came back."""


class SqlFeedback:
    """The part of the store that knows what came back; see ``ports.Feedback``."""

    _database: Database

    def suppress(self, suppressions: Collection[Suppression]) -> int:
        """Remember addresses; returns how many are new."""
        return self._database.transact(lambda connection: sum(_suppress(connection, one) for one in suppressions))

    def lift(self, *, address: str, shop: str | None = None, category: str | None = None) -> list[Suppression]:
        """Forget suppressions of an address; returns what was forgotten."""
        mine = and_(
            suppressions.c.address == address,
            true() if shop is None else suppressions.c.shop == shop,
            true() if category is None else suppressions.c.category == category,
        )
        forgotten = delete(suppressions).where(mine).returning(suppressions)
        with self._database.write() as connection:
            return [_suppression(row) for row in connection.execute(forgotten).mappings()]

    def suppressions(self, *, shop: str | None = None, address: str | None = None) -> Iterator[Suppression]:
        """Stream suppressions, oldest first."""
        wanted = and_(
            true() if shop is None else suppressions.c.shop.in_((EVERY_SHOP, shop)),
            true() if address is None else suppressions.c.address == address,
        )
        order = (suppressions.c.since, suppressions.c.address, suppressions.c.shop, suppressions.c.category)
        seen = 0
        while True:  # a list of a few thousand: an offset is good enough
            page = select(suppressions).where(wanted).order_by(*order).limit(PAGE).offset(seen)
            with self._database.read() as connection:
                rows = [_suppression(row) for row in connection.execute(page).mappings()]
            yield from rows
            if len(rows) < PAGE:
                return
            seen += len(rows)

    def suppressed(self, addresses: Collection[str]) -> dict[str, list[Suppression]]:
        """Return the suppressions of these address keys."""
        with self._database.read() as connection:
            return suppressed(connection, addresses)

    def keep_report(self, report: KeptReport) -> bool:
        """Keep a report; False when it was kept before."""
        values = {
            "digest": report.digest, "received_at": report.received_at, "source": report.source, "kind": str(report.kind),
            "status": report.status[:12], "code": report.code, "words": report.words[:500], "shop": report.shop,
            "outbox_id": report.outbox_id, "address": report.address,
        }  # fmt: skip
        with self._database.write() as connection:
            made = upsert(connection, reports).values(values).on_conflict_do_nothing(index_elements=["digest"])
            return connection.execute(made.returning(reports.c.id)).first() is not None

    def knows_report(self, digest: str) -> bool:
        """Return whether a report was kept before."""
        with self._database.read() as connection:
            return connection.execute(select(reports.c.id).where(reports.c.digest == digest)).first() is not None

    def refusals(self, address: str, *, since: datetime) -> list[KeptReport]:
        """Return the bounces of this address that came since then."""
        mine = and_(reports.c.address == address, reports.c.received_at >= since, reports.c.kind == "bounce")
        newest = select(reports).where(mine).order_by(reports.c.received_at.desc()).limit(MOST_REFUSALS)
        with self._database.read() as connection:
            return [_report(row) for row in connection.execute(newest).mappings()]

    def lately_sent(self, email: str, *, shops: Collection[str], since: datetime) -> PlannedMessage | None:
        """Return the newest mail of these shops that was sent since then about an order of this address."""
        order = and_(orders.c.shop == outbox.c.shop, orders.c.number == outbox.c.order_number)
        theirs = and_(orders.c.shop.in_(shops), orders.c.email_key == f"email:{email.casefold()}")
        went = and_(outbox.c.channel == "email", outbox.c.sent_at >= since, outbox.c.state == str(State.SENT))
        newest = select(outbox).join(orders, order).where(theirs, went).order_by(outbox.c.sent_at.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(newest).mappings().first()
        return message_of(row) if row else None

    def email_of(self, order: OrderKey) -> str:
        """Return the address of an order's buyer in small letters."""
        mine = and_(orders.c.shop == order.shop, orders.c.number == order.number)
        with self._database.read() as connection:
            found = connection.execute(select(orders.c.email_key).where(mine)).scalar()
        return (found or "").partition(":")[2]

    def by_message_id(self, message_ids: Collection[str]) -> PlannedMessage | None:
        """Return the row with one of these Message-IDs."""
        if not message_ids:
            return None
        with self._database.read_at_once() as connection:
            mine = and_(named, among(connection, outbox.c.message_id, message_ids))
            row = connection.execute(select(outbox).where(mine).limit(1)).mappings().first()
            return message_of(row) if row else archived.order_named(connection, message_ids)

    def came_back(self, id_: int, *, state: State, because: str, at: datetime) -> bool:
        """Let a message be bounced or complained about; returns whether it now is."""
        before = [str(one) for one in MAY_COME_BACK[state]]
        known = func.coalesce(outbox.c.sent_at, outbox.c.claimed_at, outbox.c.due_at)
        values: dict[str, Any] = {  # Any: column values
            "state": str(state), "reason": None, "because": because[:300], "sent_at": known, "resend_at": None,
        }  # fmt: skip
        mine = and_(outbox.c.id == id_, outbox.c.state.in_(before), outbox.c.owner.is_(None))

        def write(connection: Connection) -> bool:
            archived.bring_back_message(connection, id_)
            row = connection.execute(update(outbox).where(mine).values(values).returning(outbox)).mappings().first()
            if row is None:
                return False
            connection.execute(insert(record), [entry_values(told(message_of(row), at))])
            return True

        return self._database.transact(write)

    def returns(self, *, since: datetime) -> dict[str, Returns]:
        """Return what became of the mails of each shop that were sent since then."""
        mine = and_(left, outbox.c.sent_at >= since, outbox.c.channel == "email")
        counts = [func.sum(case((outbox.c.state == word, 1), else_=0)) for word in ("bounced", "complained")]
        asked = select(outbox.c.shop, func.count(), *counts).where(mine).group_by(outbox.c.shop)
        with self._database.read() as connection:
            return {
                shop: Returns(sent=sent, bounced=int(bounced), complained=int(complained))
                for shop, sent, bounced, complained in connection.execute(asked)
            }


def suppressed(connection: Connection, addresses: Collection[str]) -> dict[str, list[Suppression]]:
    """Return the suppressions of these address keys, ended ones included."""
    found: dict[str, list[Suppression]] = {}
    if addresses:
        mine = select(suppressions).where(among(connection, suppressions.c.address, addresses))
        for row in connection.execute(mine).mappings():
            found.setdefault(row["address"], []).append(_suppression(row))
    return found


def _suppress(connection: Connection, one: Suppression) -> int:
    mine = and_(
        suppressions.c.address == one.address, suppressions.c.shop == one.shop, suppressions.c.category == one.category
    )
    row = connection.execute(select(suppressions).where(mine).with_for_update()).mappings().first()
    if row is None:
        values = {name: getattr(one, name) for name in _COLUMNS} | {"cause": str(one.cause)}
        made = upsert(connection, suppressions).values(values).on_conflict_do_nothing()
        return int(connection.execute(made.returning(suppressions.c.address)).first() is not None)
    was = _suppression(row)
    has_ended = was.until is not None and was.until <= one.since
    now = one if has_ended else _widened(was, one)
    values = {"cause": str(now.cause), "since": now.since, "until": now.until, "because": now.because, "by": now.by,
              "hint": now.hint or was.hint}  # fmt: skip
    connection.execute(update(suppressions).where(mine).values(values))
    return int(has_ended)


def _widened(was: Suppression, one: Suppression) -> Suppression:
    """The older one, with the later end; what has no end keeps having none."""
    if was.until is None or (one.until is not None and one.until <= was.until):
        return was
    return replace(one, since=was.since)


_COLUMNS: Final = ("address", "shop", "category", "hint", "since", "until", "because", "by")


def _suppression(row: RowMapping) -> Suppression:
    return Suppression(**{name: row[name] for name in _COLUMNS}, cause=Cause(row["cause"]))


def _report(row: RowMapping) -> KeptReport:
    values = {name: row[name] for name in _REPORTED}
    return KeptReport(kind=Kind(row["kind"]), **values)


_REPORTED: Final = ("digest", "received_at", "source", "status", "code", "words", "shop", "outbox_id", "address")
