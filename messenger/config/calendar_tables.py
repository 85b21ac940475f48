"""Reading ``[calendars.<name>]``: when the seller works."""

from __future__ import annotations

import re
from typing import Final

from messenger.config.calendars import calendar_of, day, holiday_country, period
from messenger.config.tables import Reader, Table, list_of
from messenger.config.values import ID_PATTERN, NAME_RULE
from messenger.config.values import days as days_of
from messenger.domain.calendars import WORKING_WEEK, Calendar

NONE: Final[tuple[str, ...]] = ()


def read_calendars(root: Table) -> dict[str, Calendar]:
    """Return every calendar by name, as far as it can be read; mistakes are noted."""
    return {name: _calendar(name, table) for name, table in root.tables("calendars")}


def _calendar(name: str, table: Table) -> Calendar:
    if not re.fullmatch(ID_PATTERN, name):
        table.wrong("", "is not a name", NAME_RULE, at_key=True)
    calendar = calendar_of(
        name,
        holidays=table.take("holidays", _checked(holiday_country), ""),
        closed=table.take("closed", list_of(_checked(period)), NONE),
        open_=table.take("open", list_of(_checked(day)), NONE),
        days=table.take("days", days_of, WORKING_WEEK),
    )
    table.close()
    return calendar


def _checked(reader: Reader[object]) -> Reader[str]:
    """Return a reader of texts that ``reader`` can read."""

    def read(value: object) -> str:
        reader(value)
        return str(value)

    return read
