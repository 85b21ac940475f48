"""Rows of one order that stand below one another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from messenger.intake.sheets.cells import Row
from messenger.intake.sheets.headers import Columns

Numbered = tuple[int, Row]
MOST_ROWS = 500
"""Of one order; what is more than that is not one order."""


def grouped(rows: Iterable[Numbered], columns: Columns) -> Iterator[list[Numbered]]:
    """Yield the rows of each order together; rows that are no orders are passed over.

    A row without a number goes with the one above it, as merged cells come out, unless it tells a time of ordering.
    """
    group: list[Numbered] = []
    for line, row in rows:
        if _is_footer(row, columns):
            continue
        if group and not _belongs(row, group[0][1], columns):
            yield group
            group = []
        if len(group) < MOST_ROWS:
            group.append((line, row))
    if group:
        yield group


def _belongs(row: Row, first: Row, columns: Columns) -> bool:
    number = columns.cell(row, "number")
    if number == "":
        return columns.cell(row, "placed_at") == "" and columns.cell(first, "number") != ""
    return number == columns.cell(first, "number")


def _is_footer(row: Row, columns: Columns) -> bool:
    told = [re.sub(r"^\d+\s+", "", cell.casefold()) for cell in row if isinstance(cell, str) and cell]
    return len(told) <= 2 and any(text.startswith(columns.layout.footers) for text in told)
