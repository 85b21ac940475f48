"""Leases: how long a worker may keep what it claimed, what happens when it died, and whether anything is going on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, or_, select, update

from messenger.domain.messages import Key, PlannedMessage, Reason
from messenger.ports import Pulse
from messenger.storage.engine import Database
from messenger.storage.intake import to_be_taken_in
from messenger.storage.rows import entry_values, message_of, told
from messenger.storage.tables import outbox, record

waiting = outbox.c.state.in_(["planned", "held"])
"""What a worker may claim once it is due."""
doubtful = and_(outbox.c.state == "uncertain", outbox.c.owner.is_(None))
"""Perhaps sent, and in nobody's hands."""


def heartbeat(database: Database, *, owner: str, lease_until: datetime) -> int:
    """Extend all leases of an owner; returns how many it still has."""
    mine = update(outbox).where(outbox.c.owner == owner).values(lease_until=lease_until)
    return database.transact(lambda connection: connection.execute(mine).rowcount)


def rescue(database: Database, *, now: datetime) -> tuple[int, int]:
    """Free what dead workers left; see ``ports.Store.rescue``."""
    dead = and_(outbox.c.owner.is_not(None), outbox.c.lease_until <= now)
    free = {"owner": None, "lease_until": None}
    claimed = update(outbox).where(dead, outbox.c.state == "claimed").values(state="planned", reason=None, **free)
    sending = (
        update(outbox)
        .where(dead, outbox.c.state == "sending")
        .values(state="uncertain", reason=str(Reason.CRASHED), because="", resend_at=None, **free)
        .returning(outbox)
    )

    def free_all(connection: Connection) -> tuple[int, int]:
        freed = connection.execute(claimed).rowcount
        lost = connection.execute(sending).mappings().all()
        connection.execute(update(outbox).where(dead, outbox.c.state == "uncertain").values(**free))
        if lost:
            connection.execute(insert(record), [entry_values(told(message_of(row), now)) for row in lost])
        return freed, len(lost)

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
    """Return whether anything is going on."""
    may_be_claimed = or_(and_(waiting, outbox.c.due_at <= now), and_(doubtful, outbox.c.resend_at <= now))
    with database.read() as connection:
        due = connection.execute(select(func.count()).select_from(outbox).where(may_be_claimed)).scalar() or 0
        in_hand, lease = connection.execute(
            select(func.count(), func.min(outbox.c.lease_until)).where(outbox.c.owner.is_not(None))
        ).one()
        next_due = connection.execute(select(func.min(outbox.c.due_at)).where(waiting)).scalar()
        resend = connection.execute(select(func.min(outbox.c.resend_at)).where(doubtful)).scalar()
        backlog = to_be_taken_in(connection)
    return Pulse(due=due, in_hand=in_hand, next_lease=lease, next_due=next_due, next_resend=resend, backlog=backlog)
