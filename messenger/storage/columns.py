"""What columns are made of: instants as integers, amounts as text, and one way to name constraints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Index, Integer, MetaData, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

Serial = BigInteger().with_variant(Integer, "sqlite")


def microseconds(at: datetime | None) -> int | None:
    """Return an instant as it is kept: microseconds since 1970 in UTC.

    Raises:
        ValueError: it is naive.
    """
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError(f"an instant must be aware, got {at!r}")
    return (at - EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 in UTC, so that both engines sort them alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Refuse a naive time, keep an aware one."""
        return microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Return the instant in UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class Amount(TypeDecorator[Decimal]):
    """An exact decimal, kept as text: SQLite knows no other exact form."""

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Keep every digit."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Return it with every digit."""
        return None if value is None else Decimal(value)


def partial(name: str, condition: ColumnElement[bool], *columns: ColumnElement[object]) -> Index:
    """Return an index over the rows that meet a condition; a query uses it when it states the same condition in words."""
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)
