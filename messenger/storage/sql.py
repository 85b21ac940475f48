"""What the two engines say differently: stepping aside for a row that is there, and many values passed as one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    Update,
    and_,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine


def is_sqlite(connection: Connection) -> bool:
    """Whether the connection leads to SQLite."""
    return connection.dialect.name == "sqlite"


def upsert(
    connection: Connection, table: Table
) -> Any:  # Any: both dialects' insert offer the same on_conflict methods
    """Return an INSERT that can step aside for a row that is there."""
    return upsert_on(table, on_sqlite=is_sqlite(connection))


def upsert_on(table: Table, *, on_sqlite: bool) -> Any:  # Any: as ``upsert``
    """Return the same, to be prepared once."""
    return sqlite.insert(table) if on_sqlite else postgresql.insert(table)


def not_by(column: Column[str]) -> ColumnElement[str]:
    """Return a text column that rows are not looked up by: without statistics SQLite takes an equation for the shortest way.

    Use it where an index of few rows serves, and one over the column would lead through a whole shop.
    """
    return column.concat(literal_column("''"))


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


def among_those(column: ColumnElement[Any], name: str, *, on_sqlite: bool) -> ColumnElement[bool]:
    """Return the condition that a column is one of the numbers of a parameter (see ``numbers``), for a prepared statement."""
    if on_sqlite:
        each = func.json_each(bindparam(name, type_=Text())).table_valued("value")
        return column.in_(select(each.c.value))
    return column == any_(bindparam(name, type_=ARRAY(BigInteger())))


def numbers(connection: Connection, values: Iterable[int]) -> object:
    """Return what fills the parameter of ``among_those``."""
    listed = list(values)
    return orjson.dumps(listed).decode() if is_sqlite(connection) else listed


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


def rows_of_pairs(
    columns: tuple[Column[str], Column[str]], name: str, condition: ColumnElement[bool], *, on_sqlite: bool
) -> Select[Any]:  # Any: all columns of the table
    """Return the rows of a table in which these two columns are one of some pairs of texts, and that meet a condition.

    The pairs are a parameter (see ``pairs_as``) and gone through one by one: PostgreSQL would else begin with whatever its
    statistics call empty, and walk all of it when they are out of date. To be prepared once: it takes long to put together.
    """
    table = columns[0].table
    if on_sqlite:
        each = func.json_each(bindparam(name, type_=Text())).table_valued("value")
        one, two = (func.json_extract(each.c.value, literal_column(f"'$[{index}]'")) for index in (0, 1))
        return select(table).where(tuple_(*columns).in_(select(one, two)), condition)
    texts = [bindparam(f"{name}_{index}", type_=ARRAY(Text())) for index in (0, 1)]
    pairs = func.unnest(*texts).table_valued("one", "two").render_derived(name="pairs")
    mine = and_(columns[0] == pairs.c.one, columns[1] == pairs.c.two, condition)
    found = select(table).where(mine).offset(literal_column("0")).lateral("found")  # an offset keeps the two apart
    return select(*found.c).select_from(pairs.join(found, true()))


def pairs_as(connection: Connection, name: str, pairs: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Return what fills the parameter of ``rows_of_pairs``."""
    if is_sqlite(connection):
        return {name: orjson.dumps(pairs).decode()}
    return {f"{name}_{index}": [pair[index] for pair in pairs] for index in (0, 1)}


def travelling(columns: Mapping[str, TypeEngine[Any]]) -> FromClause:
    """Return a table of rows that travel to PostgreSQL as one JSON value, the parameter ``rows`` (see ``packed``).

    Args:
        columns: names of its columns and what they hold; instants travel as they are kept, in microseconds.
    """
    typed = [column(name, type_) for name, type_ in columns.items()]
    told = cast(bindparam("rows", type_=Text()), postgresql.JSON)
    return func.json_to_recordset(told).table_valued(*typed, name="v").render_derived(with_types=True)


def packed(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as ``travelling`` reads them."""
    return orjson.dumps(rows).decode()


class OneByOne:
    """A statement that SQLite runs for one row after another: put into words once, and each row handed to it as it is.

    For the writes that every message needs: what an ORM or a JSON function spends on a row is more than SQLite does.
    """

    def __init__(self, statement: Update, *, prefix: str) -> None:
        made = statement.compile(dialect=sqlite.dialect(), compile_kwargs={"render_postcompile": True})
        self._words = str(made)
        self._values: list[tuple[bool, Any]] = [  # Any: a name of the row, or a value that is always the same
            (name.startswith(prefix), name.removeprefix(prefix) if name.startswith(prefix) else made.params[name])
            for name in made.positiontup or ()
        ]

    def __call__(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> list[bool]:
        """Run it for each row, values as SQLite keeps them; returns for each whether it has changed anything."""
        cursor = connection.connection.cursor()
        changed: list[bool] = []
        try:
            for row in rows:
                cursor.execute(self._words, [row[one] if is_told else one for is_told, one in self._values])
                changed.append(cursor.rowcount > 0)
        except sqlite3.Error as error:
            raise DBAPIError.instance(self._words, None, error, sqlite3.Error) from error
        finally:
            cursor.close()
        return changed
