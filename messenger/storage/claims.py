"""Claims: who holds which message for how long, and what came of it. Every write-back names owner and token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from messenger.domain.messages import Key, Outcome, PlannedMessage, Reason, State
from messenger.ports import Commitment, Frozen, Pulse, Result, Settlement
from messenger.storage.documents import pack, unpack
from messenger.storage.engine import Database
from messenger.storage.intake import upsert
from messenger.storage.rows import entry_values, message_of, slots, told, written
from messenger.storage.tables import attempts, bodies, inbox, intakes, outbox, record

_waiting = outbox.c.state.in_(["planned", "held"])


def claim(database: Database, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[PlannedMessage]:
    """Take what is due; see ``ports.Store.claim``."""
    due = (
        select(outbox.c.id).where(_waiting, outbox.c.due_at <= now).order_by(outbox.c.due_at, outbox.c.id).limit(limit)
    )
    again = (
        select(outbox.c.id)
        .where(outbox.c.state == "uncertain", outbox.c.resend_at <= now, outbox.c.owner.is_(None))
        .limit(limit)
    )
    raised = {
        "owner": owner,
        "lease_until": lease_until,
        "token": outbox.c.token + 1,
        "attempts": outbox.c.attempts + 1,
    }
    with database.read() as connection:
        if not any(connection.execute(found.limit(1)).first() for found in (due, again)):
            return []
    if not database.is_sqlite:
        due, again = due.with_for_update(skip_locked=True), again.with_for_update(skip_locked=True)
    with database.write() as connection:
        taken = connection.execute(
            update(outbox)
            .where(outbox.c.id.in_(due.scalar_subquery()))
            .values(state="claimed", **raised)
            .returning(outbox)
        )
        rows = [message_of(row) for row in taken.mappings()]
        resends = connection.execute(
            update(outbox).where(outbox.c.id.in_(again.scalar_subquery())).values(**raised).returning(outbox)
        )
        rows += [message_of(row) for row in resends.mappings()]
    return sorted(rows, key=lambda row: (row.due_at, row.id))


def _held_by(one: Settlement | Commitment | Result, *states: str) -> Any:  # Any: a SQL condition
    return and_(
        outbox.c.id == one.id, outbox.c.owner == one.owner, outbox.c.token == one.token, outbox.c.state.in_(states)
    )


def _write_back(connection: Connection, one: Settlement | Result, *states: str) -> bool:
    """Write the row as it shall be, with no one holding it, if it is still held as it was."""
    values = written(replace(one.message, owner=None, lease_until=None), leaving_out={"token"})
    where = {"b_id": one.id, "b_owner": one.owner, "b_token": one.token, "b_states": list(states)}
    return bool(connection.execute(_WRITE_BACK, values | where).rowcount)


_WRITE_BACK = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("b_id"),
        outbox.c.owner == bindparam("b_owner"),
        outbox.c.token == bindparam("b_token"),
        outbox.c.state.in_(bindparam("b_states", expanding=True)),
    )
    .values(slots(leaving_out={"token"}))
)


def settle(database: Database, settlements: Sequence[Settlement]) -> set[int]:
    """End claims without sending; see ``ports.Store.settle``."""
    done: set[int] = set()
    with database.write() as connection:
        for one in settlements:
            if _write_back(connection, one, "claimed", "uncertain"):
                done.add(one.id)
        entries = [entry_values(told(one.message, one.at)) for one in settlements if one.id in done]
        if entries:
            connection.execute(insert(record), entries)
    return done


def commit(database: Database, commitments: Sequence[Commitment]) -> set[int]:
    """The commit point; see ``ports.Store.commit``."""
    done: set[int] = set()
    with database.write() as connection:
        for one in commitments:
            message = one.message
            values = {
                name: getattr(message, name)
                for name in ("channel", "transport", "locale", "variant", "message_id", "trigger")
            }
            resent = message.state is State.UNCERTAIN
            sending = update(outbox).where(_held_by(one, "claimed", "uncertain")).values(state="sending", **values)
            if not connection.execute(sending.values(resent=True) if resent else sending).rowcount:
                continue
            done.add(one.id)
            if one.letter is not None:
                body = {"outbox_id": one.id, "shop": message.key.shop, "digest": one.digest, "template_version": one.template_version,
                        "letter": pack(one.letter)}  # fmt: skip
                statement = upsert(database, bodies).values(body)
                connection.execute(statement.on_conflict_do_update(index_elements=["outbox_id"], set_=body))
    return done


def record_results(database: Database, results: Sequence[Result]) -> set[int]:
    """Write attempts and what follows from them; see ``ports.Store.record``."""
    done: set[int] = set()
    with database.write() as connection:
        for one in results:
            in_time = _write_back(connection, one, "sending")
            if not in_time and one.receipt.outcome is Outcome.ACCEPTED:
                in_time = _late_acceptance(connection, one)
            if in_time:
                done.add(one.id)
            connection.execute(insert(attempts).values(_attempt(one, in_time=in_time)))
            if in_time:
                connection.execute(insert(record).values(entry_values(told(one.message, one.at))))
    return done


def _late_acceptance(connection: Connection, one: Result) -> bool:
    """A server's yes that came after the claim was lost still ends the doubt."""
    doubtful = and_(outbox.c.id == one.id, outbox.c.state == "uncertain", outbox.c.token <= one.token)
    free = replace(one.message, owner=None, lease_until=None)
    values = written(free, leaving_out={"token"}, prefix="")
    return bool(connection.execute(update(outbox).where(doubtful).values(values)).rowcount)


def _attempt(one: Result, *, in_time: bool) -> dict[str, Any]:  # Any: column values
    return {
        "shop": one.message.key.shop, "outbox_id": one.id, "token": one.token, "owner": one.owner,
        "outcome": str(one.receipt.outcome), "code": one.receipt.code, "reply": one.receipt.reply[:500],
        "started_at": one.started_at, "at": one.at, "in_time": in_time,
    }  # fmt: skip


def frozen(database: Database, message_id: int) -> Frozen | None:
    """Return what was frozen at the first commit point."""
    with database.read() as connection:
        row = connection.execute(select(bodies).where(bodies.c.outbox_id == message_id)).mappings().first()
    return (
        Frozen(letter=unpack(row["letter"]), digest=row["digest"], template_version=row["template_version"])
        if row
        else None
    )


def heartbeat(database: Database, *, owner: str, lease_until: datetime) -> int:
    """Extend all leases of an owner."""
    with database.write() as connection:
        return connection.execute(
            update(outbox).where(outbox.c.owner == owner).values(lease_until=lease_until)
        ).rowcount


def rescue(database: Database, *, now: datetime) -> tuple[int, int]:
    """Free what dead workers left; see ``ports.Store.rescue``."""
    dead = and_(outbox.c.owner.is_not(None), outbox.c.lease_until < now)
    with database.read() as connection:
        if connection.execute(select(outbox.c.id).where(dead).limit(1)).first() is None:
            return 0, 0
    free = {"owner": None, "lease_until": None}
    with database.write() as connection:
        claimed = (
            connection.execute(
                update(outbox)
                .where(dead, outbox.c.state == "claimed")
                .values(state="planned", reason=None, **free)
                .returning(outbox)
            )
            .mappings()
            .all()
        )
        lost = (
            connection.execute(
                update(outbox)
                .where(dead, outbox.c.state == "sending")
                .values(state="uncertain", reason=str(Reason.CRASHED), because="", resend_at=None, **free)
                .returning(outbox)
            )
            .mappings()
            .all()
        )
        connection.execute(update(outbox).where(dead, outbox.c.state == "uncertain").values(**free))
        entries = [entry_values(told(message_of(row), now)) for row in lost]
        if entries:
            connection.execute(insert(record), entries)
    return len(claimed), len(lost)


def unresolved(database: Database) -> list[PlannedMessage]:
    """Return uncertain rows for which nothing has been decided yet."""
    undecided = and_(
        outbox.c.state == "uncertain", outbox.c.resend_at.is_(None), outbox.c.owner.is_(None), outbox.c.because == ""
    )
    with database.read() as connection:
        return [message_of(row) for row in connection.execute(select(outbox).where(undecided)).mappings()]


def postpone(database: Database, *, key: Key, resend_at: datetime | None, because: str) -> None:
    """Give an uncertain row its second chance, or leave it to staff."""
    mine = and_(
        outbox.c.shop == key.shop, outbox.c.rule == key.rule, outbox.c.scope == key.scope, outbox.c.step == key.step
    )
    with database.write() as connection:
        connection.execute(
            update(outbox).where(mine, outbox.c.state == "uncertain").values(resend_at=resend_at, because=because)
        )


def pulse(database: Database, *, now: datetime) -> Pulse:
    """Return whether anything is going on."""
    with database.read() as connection:
        due = (
            connection.execute(
                select(func.count()).select_from(outbox).where(_waiting, outbox.c.due_at <= now)
            ).scalar()
            or 0
        )
        in_hand, lease = connection.execute(
            select(func.count(), func.min(outbox.c.lease_until)).where(outbox.c.owner.is_not(None))
        ).one()
        next_due = connection.execute(select(func.min(outbox.c.due_at)).where(_waiting)).scalar()
        resend = connection.execute(select(func.min(outbox.c.resend_at)).where(outbox.c.state == "uncertain")).scalar()
        closed = select(intakes.c.id).where(intakes.c.closed_at.is_not(None))
        backlog = (
            connection.execute(
                select(func.count()).select_from(inbox).where(inbox.c.state == "received", inbox.c.intake.in_(closed))
            ).scalar()
            or 0
        )
    return Pulse(due=due, in_hand=in_hand, next_lease=lease, next_due=next_due, next_resend=resend, backlog=backlog)
