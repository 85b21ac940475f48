"""Cells as they come out of a sheet, and how they travel from the process that reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

LONGEST_CELL: Final = 32_767
"""Characters; no spreadsheet program writes more."""
EXACT: Final = 10**15
"""From here on a spreadsheet keeps zeros in the place of the last digits of a number."""


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric cell."""

    value: float

    @property
    def is_exact(self) -> bool:
        """Whether every digit is as it was typed."""
        return self.value == int(self.value) and abs(self.value) < EXACT

    def __str__(self) -> str:
        return str(int(self.value)) if self.value == int(self.value) else repr(self.value)


Cell = str | Number | datetime
"""What a cell holds; an empty one holds the empty text. A datetime has no zone: it is what stands in the sheet."""
Row = Sequence[Cell]


def packed(value: object) -> object:
    """Return a cell as JSON.

    Raises:
        ValueError: it is longer than any cell can be.
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return value if abs(value) != float("inf") and value == value else ""  # noqa: PLR0124  # not a number
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"at": datetime.combine(value, time()).isoformat()}
    if isinstance(value, time | timedelta):
        return str(value)
    text = value if isinstance(value, str) else ""
    if len(text) > LONGEST_CELL:
        raise ValueError(f"a cell holds {len(text)} characters, at most {LONGEST_CELL} are read")
    return text


def unpacked(value: object) -> Cell:
    """Return a cell that travelled as JSON."""
    if isinstance(value, int | float):
        return Number(float(value))
    if isinstance(value, Mapping):
        return datetime.fromisoformat(str(value["at"]))
    return plain(str(value))


def plain(text: str) -> str:
    """Return a text without what spreadsheets and exports put around it so that it stays a text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip(" \t\n\u00a0\ufeff")
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        text = text[2:-1]
    return text.removeprefix("'").strip(" \t\n\u00a0") if text.startswith("'") else text


def is_blank(row: Row) -> bool:
    """Return whether a row holds nothing."""
    return not any(cell != "" for cell in row)
