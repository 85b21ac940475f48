"""Leases: how long a worker may keep what it claimed, what happens when it died, and whether anything is going on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, false, func, insert, or_, select, true, update

from messenger.domain.breakers import Breaker, queue_of
from messenger.domain.messages import Key, PlannedMessage, Reason
from messenger.domain.retry import LONGEST_CLAIM, LONGEST_HANDOVER
from messenger.ports import Pulse
from messenger.storage.accounts import keep_probing, open_accounts
from messenger.storage.carrying import share
from messenger.storage.due import due, resendable, running
from messenger.storage.engine import Database
from messenger.storage.intake import to_be_taken_in
from messenger.storage.outbox_table import claimable, doubtful, for_an_account, in_hand, outbox
from messenger.storage.rows import entry_values, message_of, told
from messenger.storage.tables import record


def heartbeat(database: Database, *, owner: str, lease_until: datetime, now: datetime | None = None) -> int:
    """Extend the leases of an owner; see ``ports.Claims.heartbeat``."""
    mine = and_(in_hand, outbox.c.owner == owner)
    if now is not None:
        since = now - LONGEST_CLAIM
        handed_over = and_(outbox.c.state == "sending", outbox.c.claimed_at > since - LONGEST_HANDOVER)
        mine = and_(mine, or_(outbox.c.claimed_at > since, handed_over))

    def beat(connection: Connection) -> int:
        keep_probing(connection, owner=owner, until=lease_until)
        return connection.execute(update(outbox).where(mine).values(lease_until=lease_until)).rowcount

    return database.transact(beat)


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


def unresolved(database: Database, *, resent: bool = False) -> list[PlannedMessage]:
    """Return uncertain rows for which nothing has been decided yet; ``resent`` takes in those that were sent again."""
    undecided = and_(doubtful, outbox.c.resend_at.is_(None), outbox.c.because == "")
    undecided = undecided if resent else and_(undecided, ~outbox.c.resent)
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
    """Return whether anything is going on; what is stopped, waits for its valve or for an account is not."""
    with database.read() as connection:
        of_shops = running(connection)
        if of_shops is None:
            of_shops = false()
        shut = open_accounts(connection)
        free = outbox.c.queue.not_in([queue_of(one) for one in shut]) if shut else true()
        ripe, again = (
            select(func.count()).select_from(outbox).where(condition, of_shops).scalar_subquery()
            for condition in (and_(due(now), free), resendable(now))
        )
        next_due, next_resend = (
            select(at).where(condition, of_shops, at.is_not(None)).order_by(at).limit(1).scalar_subquery()
            for at, condition in ((outbox.c.due_at, and_(claimable, free)), (outbox.c.resend_at, doubtful))
        )
        held = select(func.count(), func.min(outbox.c.lease_until)).where(in_hand)
        ripe_now, again_now, first_due, first_resend = connection.execute(
            select(ripe, again, next_due, next_resend)
        ).one()
        in_hands, lease = connection.execute(held).one()
        blocked, to_probe, next_probe = _behind(connection, shut, now, of_shops)
        backlog = to_be_taken_in(connection)
    return Pulse(
        due=ripe_now + again_now + to_probe, in_hand=in_hands, next_lease=lease, next_due=first_due, next_resend=first_resend,
        backlog=backlog, blocked=blocked, next_probe=next_probe,
    )  # fmt: skip


def _behind(
    connection: Connection, shut: Mapping[str, Breaker], now: datetime, of_shops: ColumnElement[bool]
) -> tuple[dict[str, int], int, datetime | None]:
    """How many due messages wait for each account in trouble; how many of those may be looked at now; the next probe."""
    found: dict[str, int] = {}
    ready = 0
    for transport in shut:
        waiting = and_(claimable, for_an_account, outbox.c.queue == queue_of(transport), of_shops)
        late = func.count().filter(outbox.c.expires_at <= now)
        counted = select(func.count(), late).where(waiting, outbox.c.due_at <= now)
        number, expired = connection.execute(counted).one()
        if number:
            found[transport] = number
            ready += max(expired, int(shut[transport].may_be_probed(now)))
    at = [one.probe_at for name, one in shut.items() if name in found and one.probe_at is not None]
    return found, ready, min(at, default=None)
