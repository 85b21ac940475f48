"""What the two engines say differently: stepping aside for a row that is there, and a list passed as one value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, Table, Text, any_, func, literal, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY


def is_sqlite(connection: Connection) -> bool:
    """Whether the connection leads to SQLite."""
    return connection.dialect.name == "sqlite"


def upsert(
    connection: Connection, table: Table
) -> Any:  # Any: both dialects' insert offer the same on_conflict methods
    """Return an INSERT that can step aside for a row that is there."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)


def among(
    connection: Connection, column: ColumnElement[Any], values: Iterable[str] | Iterable[int]
) -> ColumnElement[bool]:
    """Return the condition that a column is one of these values, passed as one array so that the plan is kept."""
    listed = list(values)
    if is_sqlite(connection):
        each = func.json_each(orjson.dumps(listed).decode()).table_valued("value")
        return column.in_(select(each.c.value))
    of = BigInteger() if isinstance(column.type, Integer) else Text()
    return column == any_(literal(listed, ARRAY(of)))


def pair_among(
    connection: Connection, first: ColumnElement[Any], second: ColumnElement[Any], pairs: Sequence[tuple[str, str]]
) -> ColumnElement[bool]:
    """Return the condition that two columns together are one of these pairs of texts."""
    both = tuple_(first, second)
    if is_sqlite(connection):
        each = func.json_each(orjson.dumps(pairs).decode()).table_valued("value")
        return both.in_(select(func.json_extract(each.c.value, "$[0]"), func.json_extract(each.c.value, "$[1]")))
    ones, others = (literal([pair[index] for pair in pairs], ARRAY(Text())) for index in (0, 1))
    return both.in_(select(func.unnest(ones), func.unnest(others)))
