"""What has to be looked at now: the conditions that a claim, the pulse and an outage share."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select, true

from messenger.domain.messages import State
from messenger.storage.outbox_table import claimable, doubtful, outbox, stated
from messenger.storage.sql import among
from messenger.storage.tables import pauses

by_time = stated({State.PLANNED, State.HELD})


def due(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a row has to be looked at; what waits for a person only once it has expired."""
    return and_(claimable, outbox.c.due_at <= now, or_(by_time, outbox.c.expires_at <= now))


def resendable(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a second copy may be made."""
    return and_(doubtful, outbox.c.resend_at <= now)


def running(connection: Connection) -> ColumnElement[bool] | None:
    """Return the condition that a row's shop has not been stopped; None when everything is."""
    stopped = stopped_shops(connection)
    if "" in stopped:
        return None
    return ~among(connection, outbox.c.shop, sorted(stopped)) if stopped else true()


def stopped_shops(connection: Connection) -> set[str]:
    """Return the shops that somebody has stopped; an empty name stands for all of them."""
    return set(connection.execute(select(pauses.c.shop)).scalars())
