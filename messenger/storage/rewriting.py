"""Many outbox rows written by one statement, each with values of its own and only while it is as it was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Final, Protocol

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    String,
    any_,
    bindparam,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.types import TypeEngine

from messenger.domain.messages import PlannedMessage
from messenger.storage.columns import Instant, microseconds
from messenger.storage.outbox_table import outbox
from messenger.storage.rows import values_of
from messenger.storage.sql import OneByOne, is_sqlite, packed, travelling

IDENTITY: Final = frozenset({"id", "shop", "rule", "scope", "step", "order_number"})
"""What a row is about; no write changes it."""
_INSTANTS: Final = frozenset(str(one.name) for one in outbox.columns if isinstance(one.type, Instant))
_SEEN: Final[Mapping[str, TypeEngine[Any]]] = {
    "id": BigInteger(),
    "b_owner": String(),
    "b_token": Integer(),
    "b_was": String(),
}


class Seen(Protocol):
    """How the rows were seen that are to be written, and what they shall be: by column, in ``c``."""

    @property
    def c(self) -> Any:  # Any: column elements by name
        """Its columns."""
        ...


def columns_without(*names: str) -> tuple[str, ...]:
    """Return the columns of the outbox that may be written, but for these; when a row was claimed is the claim's to say."""
    left_out = {*IDENTITY, "claimed_at", *names}
    return tuple(str(one.name) for one in outbox.columns if one.name not in left_out)


@dataclass(frozen=True, eq=False)
class Rewrite:
    """One UPDATE for many rows: on PostgreSQL in one statement, on SQLite, where a statement costs no journey, row by row.

    On PostgreSQL rows are locked by id, so that two that cross wait for each other in one order.

    Args:
        columns: what is written.
        where: asked of each row, given how it was seen: besides the columns there are ``b_owner``, ``b_token`` and ``b_was``.
        also: further values, given the same.
    """

    columns: Iterable[str]
    where: Callable[[Seen], ColumnElement[bool]]
    also: Callable[[Seen], Mapping[str, Any]] = field(default=lambda _: {})  # Any: column values

    def __call__(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> set[int]:
        """Write these rows (``travelling_row``); returns the ids of those that were still as they had been seen."""
        if not rows:
            return set()
        if is_sqlite(connection):
            written = self._on_sqlite(connection, rows)
            return {int(str(row["id"])) for row, is_written in zip(rows, written, strict=True) if is_written}
        told = {"rows": packed(rows), "ids": [row["id"] for row in rows]}
        return set(connection.execute(self._on_postgresql, told).scalars())

    @cached_property
    def _on_sqlite(self) -> OneByOne:
        names = [*self.columns, *_SEEN]
        told: dict[str, Any] = {name: bindparam(f"seen_{name}", None) for name in names}
        seen = SimpleNamespace(c=SimpleNamespace(**told))
        values = {name: told[name] for name in self.columns} | dict(self.also(seen))
        statement = update(outbox).where(outbox.c.id == seen.c.id, self.where(seen)).values(values)
        return OneByOne(statement, prefix="seen_")

    @cached_property
    def _on_postgresql(self) -> ReturningUpdate[int]:
        types = {name: _plain_type(outbox.c[name].type) for name in self.columns}
        told = travelling(types | dict(_SEEN))
        values = {name: told.c[name] for name in self.columns} | dict(self.also(told))
        row = outbox.alias("locked")
        mine = row.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger())))
        locked = select(row.c.id).where(mine).order_by(row.c.id).with_for_update().cte("locked_rows")
        there = (outbox.c.id == told.c.id, self.where(told), outbox.c.id.in_(select(locked.c.id)))
        return update(outbox).where(*there).values(values).returning(outbox.c.id)


def travelling_row(
    message: PlannedMessage, columns: Iterable[str], *, id_: int, owner: str = "", token: int = 0, was: str = ""
) -> dict[str, object]:
    """Return a message as a ``Rewrite`` over these columns takes it, and how its row was seen."""
    values = values_of(message)
    row = {name: microseconds(values[name]) if name in _INSTANTS else values[name] for name in columns}
    return row | {"id": id_, "b_owner": owner, "b_token": token, "b_was": was}


def _plain_type(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    return BigInteger() if isinstance(type_, Instant) else type_
