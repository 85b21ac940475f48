"""Claims: what came of them. Every write-back names owner and token."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    and_,
    case,
    insert,
    literal,
    null,
    or_,
    select,
    true,
)

from messenger.domain.messages import Letter, Outcome, State
from messenger.ports import Commitment, Frozen, Result, Settlement
from messenger.storage.carrying import ON_THE_WAY, may_carry, share, waiting_again
from messenger.storage.documents import pack, unpack
from messenger.storage.engine import Database
from messenger.storage.outbox_table import outbox, stated
from messenger.storage.rewriting import Rewrite, Seen, columns_without, travelling_row
from messenger.storage.rows import entry_values, told
from messenger.storage.sql import is_sqlite, upsert_on
from messenger.storage.tables import attempts, bodies, record


def _still_held(*states: State) -> Any:  # Any: a function from what was seen to a condition
    def held(seen: Seen) -> ColumnElement[bool]:
        by_it = and_(outbox.c.owner == seen.c.b_owner, outbox.c.token == seen.c.b_token)
        return and_(by_it, stated(states))

    return held


def _once_resent(seen: Seen) -> dict[str, ColumnElement[bool]]:
    return {"resent": or_(outbox.c.resent, seen.c.resent)}


def _freed(seen: Seen) -> dict[str, ColumnElement[Any]]:
    """What was sent twice is never forgotten; and nobody holds the row any more."""
    return _once_resent(seen) | {"owner": null(), "lease_until": null()}


_HELD: Final = ("owner", "lease_until", "token")
_KEPT: Final = columns_without(
    *_HELD, "state", "buyer", "urgent", "gated", "intake", "carrier", "sent_at", "resend_at"
)  # fmt: skip
"""What a claim that goes on may write: nothing that says who holds it or where it is found."""
_ENDED: Final = columns_without(*_HELD)
_TRIED: Final = columns_without(
    *_HELD, "template", "category", "wanted_at", "stale_at", "priority", "buyer", "urgent", "gated", "intake", "approved_by",
    "released_at", "carrier",
)  # fmt: skip
"""What a try may change."""
_CHOSEN: Final = ("channel", "transport", "locale", "variant", "message_id", "trigger")

_keep = Rewrite(_KEPT, _still_held(State.CLAIMED), _once_resent)
_end = Rewrite(_ENDED, _still_held(State.CLAIMED, State.UNCERTAIN), _freed)
_tried = Rewrite(_TRIED, _still_held(State.SENDING, State.CLAIMED, State.UNCERTAIN), _freed)
"""Also what was refused before the commit point, when the row is still as the claim left it."""
_late = Rewrite(_TRIED, lambda _: outbox.c.state == "uncertain", _freed)
_sets_out = Rewrite(
    _CHOSEN,
    _still_held(State.CLAIMED, State.UNCERTAIN),
    lambda _: {
        "state": literal("sending"),
        "resent": case((outbox.c.state == "uncertain", true()), else_=outbox.c.resent),
    },
)


def settle(connection: Connection, settlements: Sequence[Settlement], settled: set[int]) -> set[int]:
    """End claims without sending, or keep them; see ``ports.Unit.settle``.

    Args:
        connection: in a write transaction.
        settlements: at most one for a row.
        settled: the ids this transaction has left on their way, which may carry others; kept up to date here.
    """
    if not settlements:
        return set()
    keeping = [one for one in settlements if one.message.state is State.CLAIMED]
    riding = [one for one in settlements if one.message.state is State.MERGED]
    ending = [one for one in settlements if one.message.state not in {State.CLAIMED, State.MERGED}]
    kept = _keep(connection, [_row(one, _KEPT) for one in keeping])
    ended = _end(connection, [_row(one, _ENDED) for one in ending])
    settled -= {one.id for one in settlements}
    settled |= kept | {one.id for one in ending if one.id in ended and one.message.state in ON_THE_WAY}
    if riding:
        ended |= _ride(connection, riding, settled)
    done = [one for one in settlements if one.id in ended]
    _tell(connection, done)
    return kept | ended


_entries: Final = insert(record)


def _ride(connection: Connection, riding: Sequence[Settlement], settled: Collection[int]) -> set[int]:
    """Merge claimed rows into their carriers; who finds no place waits again, and is not among the ids returned."""
    carriers = may_carry(connection, settled, {one.message.carrier for one in riding if one.message.carrier})
    aboard = {one.id for one in riding if one.message.carrier in carriers}
    rows = [one if one.id in aboard else replace(one, message=waiting_again(one.message)) for one in riding]
    written = _end(connection, [_row(one, _ENDED) for one in rows])
    left = {one.id: one.message.key for one in riding if one.id in written - aboard}
    share(connection, left, at=max(one.at for one in riding))
    return written & aboard


def _tell(connection: Connection, done: Sequence[Settlement | Result]) -> None:
    """Write the record of rows that have changed, and let their members share it."""
    if not done:
        return
    connection.execute(_entries, [entry_values(told(one.message, one.at)) for one in done])
    left = {one.id: one.message.key for one in done if one.message.state not in ON_THE_WAY}
    share(connection, left, at=max(one.at for one in done))


def _row(one: Settlement | Result | Commitment, columns: Iterable[str]) -> dict[str, object]:
    return travelling_row(one.message, columns, id_=one.id, owner=one.owner, token=one.token)


def write_down(
    database: Database, commitments: Sequence[Commitment], results: Sequence[Result]
) -> tuple[set[int], set[int]]:
    """Pass commit points and write results, in one transaction; see ``ports.Store.write_down``."""

    def write(connection: Connection) -> tuple[set[int], set[int]]:
        return _set_out(connection, commitments), _record(connection, results)

    return database.transact(write) if commitments or results else (set(), set())


def _set_out(connection: Connection, commitments: Sequence[Commitment]) -> set[int]:
    done = _sets_out(connection, [_row(one, _CHOSEN) for one in commitments])
    kept = [_body(one, one.letter) for one in commitments if one.id in done and one.letter is not None]
    if kept:
        connection.execute(_keep_body(on_sqlite=is_sqlite(connection)), kept)
    return done


@cache
def _keep_body(*, on_sqlite: bool) -> Insert:
    made = upsert_on(bodies, on_sqlite=on_sqlite)
    fresh = {name: made.excluded[name] for name in ("digest", "template_version", "letter", "frozen_at")}
    statement: Insert = made.on_conflict_do_update(index_elements=["outbox_id"], set_=fresh)
    return statement


def _body(one: Commitment, letter: Letter) -> dict[str, Any]:  # Any: column values
    return {
        "outbox_id": one.id, "shop": one.message.key.shop, "digest": one.digest, "template_version": one.template_version,
        "letter": pack(letter), "frozen_at": one.at,
    }  # fmt: skip


def _record(connection: Connection, results: Sequence[Result]) -> set[int]:
    """Write attempts and what follows from them."""
    if not results:
        return set()
    in_time = _tried(connection, [_row(one, _TRIED) for one in results])
    yes_after_all = [one for one in results if one.id not in in_time and one.receipt.outcome is Outcome.ACCEPTED]
    late = _late(connection, [_row(one, _TRIED) for one in yes_after_all])
    connection.execute(_attempts, [_attempt(one, in_time=one.id in in_time) for one in results])
    _tell(connection, [one for one in results if one.id in in_time | late])
    return in_time | late


_attempts: Final = insert(attempts)


def _attempt(one: Result, *, in_time: bool) -> dict[str, Any]:  # Any: column values
    return {
        "shop": one.message.key.shop, "outbox_id": one.id, "token": one.token, "owner": one.owner,
        "outcome": str(one.receipt.outcome), "code": one.receipt.code, "reply": one.receipt.reply[:500],
        "started_at": one.started_at, "at": one.at, "in_time": in_time,
    }  # fmt: skip


def frozen(connection: Connection, message_id: int) -> Frozen | None:
    """Return what was frozen at the first commit point; without the letter when that was forgotten."""
    row = connection.execute(select(bodies).where(bodies.c.outbox_id == message_id)).mappings().first()
    if row is None:
        return None
    letter = unpack(row["letter"]) if row["letter"] else None
    return Frozen(letter=letter, digest=row["digest"], template_version=row["template_version"])
