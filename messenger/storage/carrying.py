"""Carried messages: a row that is ``merged`` goes out in the letter of its carrier and shares its fate, so none is ever lost.

The law, kept by every write of a state, in the same transaction:

* A row may become ``merged`` only in the unit that settles its carrier as ``claimed`` or ``awaiting_staff`` (owner and token
  of the carrier are checked by that very write), and only while the carrier's letter is not frozen. Otherwise it waits.
* While the carrier is in hand, awaiting staff, sending, uncertain or sent, its members stay merged. They stay too while it is
  ``planned`` after a try, because its frozen letter names them and every later try sends the same bytes.
* When the carrier fails, they fail with it; when a person lets it try again, they are merged again; when a person lets one
  of them go on its own, the carrier's letter is forgotten.
* When it goes anywhere else, they wait again on their own. If its letter was frozen it is forgotten: it names what has left,
  and nobody can have it, because only what was surely not accepted can go back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, Text, and_, case, cast, delete, insert, null, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from messenger.domain.messages import Key, PlannedMessage, State
from messenger.storage.outbox_table import carried, outbox, stated
from messenger.storage.rows import entry_values, message_of, told
from messenger.storage.sql import among, among_those, is_sqlite, numbers
from messenger.storage.tables import bodies, record

CARRYING: Final = frozenset({State.CLAIMED, State.AWAITING_STAFF, State.SENDING, State.UNCERTAIN, State.SENT, State.BOUNCED,
                             State.COMPLAINED})  # fmt: skip
ON_THE_WAY: Final = frozenset({State.CLAIMED, State.AWAITING_STAFF, State.SENDING, State.UNCERTAIN})
"""States of a carrier in which nothing changes for its members."""

_carrier = outbox.alias("carrier_row")
_frozen = select(bodies.c.outbox_id).where(bodies.c.outbox_id == _carrier.c.id).exists()
_failed = _carrier.c.state == "failed"
_stays = or_(_carrier.c.state.in_(sorted(CARRYING)), and_(_carrier.c.state == "planned", _frozen))
_state = case((_failed, "failed"), (_stays, "merged"), else_="planned")
_step = cast(_carrier.c.step, Text())
_name = _carrier.c.shop + "/" + _carrier.c.rule + "/" + _carrier.c.scope + "/" + _step
_SHARED: Final = {
    "state": _state,
    "reason": case((_failed, _carrier.c.reason), else_=null()),
    "because": case((_failed, _carrier.c.because), else_=_name),
    "carrier": case((or_(_failed, _stays), outbox.c.carrier), else_=null()),
    "sent_at": case((_stays, _carrier.c.sent_at), else_=null()),
    "cleared_at": null(),
}
_differs = or_(outbox.c.state != _state, and_(_stays, _carrier.c.sent_at.is_not(None), outbox.c.sent_at.is_(None)))


@cache
def _any_member(*, on_sqlite: bool) -> Select[Any]:
    return select(outbox.c.id).where(carried, among_those(outbox.c.carrier, "carriers", on_sqlite=on_sqlite)).limit(1)


@cache
def _sharing(*, on_sqlite: bool) -> ReturningUpdate[Any]:
    theirs = and_(
        carried, among_those(outbox.c.carrier, "carriers", on_sqlite=on_sqlite), outbox.c.carrier == _carrier.c.id
    )
    with_it = and_(theirs, stated({State.MERGED, State.FAILED}), _differs)
    return update(outbox).where(with_it).values(_SHARED).returning(outbox)


def share(connection: Connection, carriers: Mapping[int, Key], *, at: datetime) -> None:
    """Let the members of these rows, whose states were just written, share what has become of them.

    Args:
        connection: in the transaction that wrote them.
        carriers: rows that may have members, by id.
        at: now, for the record.
    """
    if not carriers:
        return
    told_of = {"carriers": numbers(connection, carriers)}
    if connection.execute(_any_member(on_sqlite=is_sqlite(connection)), told_of).first() is None:
        return  # as nearly always
    rows = connection.execute(_sharing(on_sqlite=is_sqlite(connection)), told_of).mappings()
    changed = [message_of(row) for row in rows]
    if not changed:
        return
    connection.execute(insert(record), [entry_values(told(one, at)) for one in changed])
    by_name = {str(key): id_ for id_, key in carriers.items()}
    forget_letters(connection, {by_name[one.because] for one in changed if one.carrier is None})


def may_carry(connection: Connection, settled: Collection[int], wanted: Collection[int]) -> set[int]:
    """Return which of the wanted carriers may take somebody along: settled in this unit, their letter not frozen."""
    found = set(settled) & set(wanted)
    if not found:
        return found
    frozen = select(bodies.c.outbox_id).where(among(connection, bodies.c.outbox_id, sorted(found)))
    return found - set(connection.execute(frozen).scalars())


def leaving(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Return which of these rows are carried, and by whom."""
    if not ids:
        return {}
    mine = and_(carried, among(connection, outbox.c.id, ids))
    return {id_: by for id_, by in connection.execute(select(outbox.c.id, outbox.c.carrier).where(mine)) if by}


def forget_letters(connection: Connection, carriers: Collection[int]) -> None:
    """Forget what was frozen for these rows: it names members that go their own way now. The next try writes anew."""
    if carriers:
        connection.execute(delete(bodies).where(among(connection, bodies.c.outbox_id, sorted(carriers))))


def waiting_again(message: PlannedMessage) -> PlannedMessage:
    """Return a row that was to be carried by one that cannot carry it: it waits, and goes out on its own."""
    return replace(message, state=State.PLANNED, reason=None, carrier=None, cleared_at=None)
