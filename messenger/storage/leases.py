"""Leases: how long a worker may keep what it claimed, what happens when it died, and whether anything is going on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, false, func, insert, select, update

from messenger.domain.messages import Key, PlannedMessage, Reason
from messenger.ports import Pulse
from messenger.storage.carrying import share
from messenger.storage.due import due, resendable, running
from messenger.storage.engine import Database
from messenger.storage.intake import to_be_taken_in
from messenger.storage.outbox_table import claimable, doubtful, in_hand, outbox
from messenger.storage.rows import entry_values, message_of, told
from messenger.storage.tables import record


def heartbeat(database: Database, *, owner: str, lease_until: datetime) -> int:
    """Extend all leases of an owner; returns how many it still has."""
    mine = update(outbox).where(outbox.c.owner == owner).values(lease_until=lease_until)
    return database.transact(lambda connection: connection.execute(mine).rowcount)


def rescue(database: Database, *, now: datetime) -> tuple[int, int]:
    """Free what dead workers left; see ``ports.Store.rescue``."""
    dead = and_(in_hand, outbox.c.lease_until <= now)
    free = {"owner": None, "lease_until": None}
    claimed = (
        update(outbox)
        .where(dead, outbox.c.state == "claimed")
        .values(state="planned", cleared_at=None, **free)
        .returning(outbox.c.id, outbox.c.shop, outbox.c.rule, outbox.c.scope, outbox.c.step)
    )
    sending = (
        update(outbox)
        .where(dead, outbox.c.state == "sending")
        .values(state="uncertain", reason=str(Reason.CRASHED), because="", resend_at=None, **free)
        .returning(outbox)
    )

    def free_all(connection: Connection) -> tuple[int, int]:
        freed = {id_: Key(*name) for id_, *name in connection.execute(claimed)}
        share(connection, freed, at=now)
        lost = connection.execute(sending).mappings().all()
        connection.execute(update(outbox).where(dead, outbox.c.state == "uncertain").values(**free))
        if lost:
            connection.execute(insert(record), [entry_values(told(message_of(row), now)) for row in lost])
        return len(freed), len(lost)

    with database.read() as connection:
        if connection.execute(select(outbox.c.id).where(dead).limit(1)).first() is None:
            return 0, 0
    return database.transact(free_all)


def unresolved(database: Database) -> list[PlannedMessage]:
    """Return uncertain rows for which nothing has been decided yet."""
    undecided = and_(doubtful, outbox.c.resend_at.is_(None), ~outbox.c.resent, outbox.c.because == "")
    with database.read() as connection:
        rows = connection.execute(select(outbox).where(undecided).order_by(outbox.c.id))
        return [message_of(row) for row in rows.mappings()]


def postpone(database: Database, *, key: Key, resend_at: datetime | None, because: str) -> None:
    """Give an uncertain row its second chance, or leave it to staff."""
    mine = and_(
        outbox.c.shop == key.shop, outbox.c.rule == key.rule, outbox.c.scope == key.scope, outbox.c.step == key.step
    )
    decided = update(outbox).where(mine, doubtful).values(resend_at=resend_at, because=because)
    database.transact(lambda connection: connection.execute(decided))


def pulse(database: Database, *, now: datetime) -> Pulse:
    """Return whether anything is going on; what is stopped or waits for its valve is not."""
    with database.read() as connection:
        of_shops = running(connection)
        if of_shops is None:
            of_shops = false()
        ripe, again = (
            select(func.count()).select_from(outbox).where(condition, of_shops).scalar_subquery()
            for condition in (due(now), resendable(now))
        )
        next_due, next_resend = (
            select(at).where(condition, of_shops, at.is_not(None)).order_by(at).limit(1).scalar_subquery()
            for at, condition in ((outbox.c.due_at, claimable), (outbox.c.resend_at, doubtful))
        )
        held = select(func.count(), func.min(outbox.c.lease_until)).where(in_hand)
        ripe_now, again_now, first_due, first_resend = connection.execute(
            select(ripe, again, next_due, next_resend)
        ).one()
        in_hands, lease = connection.execute(held).one()
        backlog = to_be_taken_in(connection)
    return Pulse(
        due=ripe_now + again_now, in_hand=in_hands, next_lease=lease, next_due=first_due, next_resend=first_resend, backlog=backlog
    )  # fmt: skip
