"""A clock that was ahead and is put right: what was reckoned by it must not keep anything waiting for as long as it was wrong."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Connection, and_, literal, true, type_coerce, update

from messenger.domain.messages import Reason
from messenger.storage.account_tables import allowances, breakers
from messenger.storage.outbox_table import claimable, doubtful, in_hand, outbox

log = logging.getLogger(__name__)

SET_BACK: Final = timedelta(minutes=15)
"""A clock that shows so much less than a worker has seen already was set back; and what lies so far ahead was reckoned before."""
_PUT_OFF: Final = and_(claimable, outbox.c.reason.in_([str(Reason.RETRY), str(Reason.RATE)]))
_RECKONED: Final = (
    (allowances.c.free_at, true()), (allowances.c.slowed_at, true()), (breakers.c.since, true()), (breakers.c.probe_at, true()),
    (outbox.c.lease_until, in_hand), (outbox.c.resend_at, doubtful), (outbox.c.due_at, _PUT_OFF), (outbox.c.not_before, _PUT_OFF),
)  # fmt: skip
"""Instants that are so many seconds after the moment at which they were written, and of which rows."""


def follow(connection: Connection, *, seen: datetime, now: datetime) -> None:
    """Put what was reckoned by a clock as far back as the clock was set; change nothing when it was not.

    Args:
        connection: in a write transaction.
        seen: the last instant at which a worker was at work.
        now: what the clock shows.
    """
    by = seen - now
    if by < SET_BACK:
        return
    for column, those in _RECKONED:
        reckoned = update(column.table).where(those, column > now + SET_BACK)
        connection.execute(reckoned.values({column.name: _earlier(column, by)}))
    log.warning("clock_set_back", extra={"seconds": round(by.total_seconds())})


def _earlier(column: Column[Any], by: timedelta) -> Any:  # Any: an expression of instants, kept as microseconds
    return type_coerce(column, BigInteger) - literal(by // timedelta(microseconds=1), BigInteger)
