"""Claims: who holds which message for how long, and what came of it. Every write-back names owner and token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from messenger.domain.messages import Outcome, PlannedMessage, State
from messenger.domain.retry import SUSPECT
from messenger.ports import Commitment, Frozen, Result, Settlement
from messenger.storage.documents import pack, unpack
from messenger.storage.engine import Database
from messenger.storage.leases import doubtful, waiting
from messenger.storage.rows import entry_values, message_of, slots, told, written
from messenger.storage.sql import is_sqlite, upsert
from messenger.storage.tables import attempts, bodies, outbox, record


def claim(database: Database, *, owner: str, now: datetime, lease_until: datetime, limit: int) -> list[PlannedMessage]:
    """Take what is due; see ``ports.Store.claim``."""
    due = select(outbox.c.id).where(waiting, outbox.c.due_at <= now).order_by(outbox.c.due_at, outbox.c.id)
    suspect = and_(outbox.c.attempts >= SUSPECT, outbox.c.reply.is_(None))
    again = select(outbox.c.id).where(doubtful, outbox.c.resend_at <= now).order_by(outbox.c.resend_at, outbox.c.id)
    raised = {
        "owner": owner,
        "lease_until": lease_until,
        "token": outbox.c.token + 1,
        "attempts": outbox.c.attempts + 1,
    }

    def take(connection: Connection) -> list[PlannedMessage]:
        resent = _taken(connection, again.limit(limit), raised)
        claimed = raised | {"state": "claimed"}
        taken = resent + _taken(connection, due.where(~suspect).limit(limit - len(resent)), claimed)
        return taken or _taken(connection, due.where(suspect).limit(min(limit, 1)), claimed)

    with database.read() as connection:
        if not any(connection.execute(found.limit(1)).first() for found in (due, again)):
            return []
    return sorted(database.transact(take), key=lambda row: (row.due_at, row.id))


def _taken(connection: Connection, chosen: Select[int], values: dict[str, Any]) -> list[PlannedMessage]:
    if not is_sqlite(connection):  # an array is worked out once; a plain IN may lock rows beyond the limit
        skipping = chosen.with_for_update(skip_locked=True)
        chosen = select(func.unnest(func.array(skipping.scalar_subquery(), type_=ARRAY(BigInteger))))
    rows = connection.execute(
        update(outbox).where(outbox.c.id.in_(chosen.scalar_subquery())).values(values).returning(outbox)
    )
    return [message_of(row) for row in rows.mappings()]


def _slots() -> dict[str, Any]:  # Any: see slots
    once_resent = or_(outbox.c.resent, bindparam("v_resent", type_=Boolean))
    return slots(leaving_out={"token"}) | {"resent": once_resent}


_WRITE_BACK = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("b_id"),
        outbox.c.owner == bindparam("b_owner"),
        outbox.c.token == bindparam("b_token"),
        outbox.c.state.in_(bindparam("b_states", expanding=True)),
    )
    .values(_slots())
)
_LATE_YES = update(outbox).where(outbox.c.id == bindparam("b_id"), outbox.c.state == "uncertain").values(_slots())
_COMMIT = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("b_id"),
        outbox.c.owner == bindparam("b_owner"),
        outbox.c.token == bindparam("b_token"),
        outbox.c.state.in_(["claimed", "uncertain"]),
    )
    .values(
        {
            name: bindparam(f"v_{name}")
            for name in ("channel", "transport", "locale", "variant", "message_id", "trigger")
        }
        | {"state": "sending", "resent": case((outbox.c.state == "uncertain", true()), else_=outbox.c.resent)}
    )
)


def _free(message: PlannedMessage) -> dict[str, Any]:  # Any: column values
    """The row as it shall be; nobody holds it unless it stays claimed."""
    if message.state is not State.CLAIMED:
        message = replace(message, owner=None, lease_until=None)
    return written(message, leaving_out={"token"})


def _write_back(connection: Connection, one: Settlement | Result, *states: str) -> bool:
    """Write the row as it shall be, if it is still held as it was."""
    where = {"b_id": one.id, "b_owner": one.owner, "b_token": one.token, "b_states": list(states)}
    return bool(connection.execute(_WRITE_BACK, _free(one.message) | where).rowcount)


def settle(database: Database, settlements: Sequence[Settlement]) -> set[int]:
    """End claims without sending; see ``ports.Store.settle``."""

    def end(connection: Connection) -> set[int]:
        done = [one for one in _in_order(settlements) if _write_back(connection, one, "claimed", "uncertain")]
        if done:
            connection.execute(insert(record), [entry_values(told(one.message, one.at)) for one in done])
        return {one.id for one in done}

    return database.transact(end) if settlements else set()


def commit(database: Database, commitments: Sequence[Commitment]) -> set[int]:
    """The commit point; see ``ports.Store.commit``."""

    def set_out(connection: Connection) -> set[int]:
        done = [one for one in _in_order(commitments) if _commit(connection, one)]
        kept = [body for one in done if (body := _body(one))]
        if kept:
            made = upsert(connection, bodies)
            fresh = {name: made.excluded[name] for name in ("digest", "template_version", "letter")}
            connection.execute(made.on_conflict_do_update(index_elements=["outbox_id"], set_=fresh), kept)
        return {one.id for one in done}

    return database.transact(set_out) if commitments else set()


def _commit(connection: Connection, one: Commitment) -> bool:
    message = one.message
    chosen = {
        f"v_{name}": getattr(message, name)
        for name in ("channel", "transport", "locale", "variant", "message_id", "trigger")
    }
    where = {"b_id": one.id, "b_owner": one.owner, "b_token": one.token}
    return bool(connection.execute(_COMMIT, chosen | where).rowcount)


def _body(one: Commitment) -> dict[str, Any] | None:  # Any: column values
    if one.letter is None:
        return None
    return {
        "outbox_id": one.id, "shop": one.message.key.shop, "digest": one.digest, "template_version": one.template_version,
        "letter": pack(one.letter),
    }  # fmt: skip


def record_results(database: Database, results: Sequence[Result]) -> set[int]:
    """Write attempts and what follows from them; see ``ports.Store.record``."""

    def write(connection: Connection) -> set[int]:
        ordered = _in_order(results)
        in_time = {one.id for one in ordered if _write_back(connection, one, "sending")}
        late = {one.id for one in ordered if one.id not in in_time and _ended_doubt(connection, one)}
        connection.execute(insert(attempts), [_attempt(one, in_time=one.id in in_time) for one in ordered])
        done = [entry_values(told(one.message, one.at)) for one in ordered if one.id in in_time | late]
        if done:
            connection.execute(insert(record), done)
        return in_time | late

    return database.transact(write) if results else set()


def _ended_doubt(connection: Connection, one: Result) -> bool:
    """A yes that came after the claim was lost still ends the doubt, also when a second copy is about to be made."""
    if one.receipt.outcome is not Outcome.ACCEPTED:
        return False
    return bool(connection.execute(_LATE_YES, _free(one.message) | {"b_id": one.id}).rowcount)


def _in_order(ones: Sequence[Any]) -> list[Any]:  # Any: settlements, commitments or results, which share only their id
    """By id: two transactions that touch the same rows in the same order cannot wait for each other."""
    return sorted(ones, key=lambda one: one.id)


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
    if row is None:
        return None
    return Frozen(letter=unpack(row["letter"]), digest=row["digest"], template_version=row["template_version"])
