"""Columns by the names that exports give them: compared without line breaks, brackets, spaces, letter case and width."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from messenger.intake.sheets.cells import Cell, Row
from messenger.intake.sheets.layouts import Layout, layouts
from messenger.intake.sheets.words import normal

FIRST_ROWS: Final = 20
"""In one of these rows the header stands."""
FEWEST: Final = 3
"""Columns that a row must name to be taken for a header."""
DELIMITERS: Final = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Where the columns of one sheet are.

    Args:
        layout: whose export it is.
        line: of the header.
        places: by our name, the columns that hold it; some exports have one twice.
        headers: as they stand in the file, by column.
        unknown: headers that nobody knows.
    """

    layout: Layout
    line: int
    places: Mapping[str, Sequence[int]]
    headers: Sequence[str] = field(default=())
    unknown: Sequence[str] = ()

    def cell(self, row: Row, name: str) -> Cell:
        """Return what a row tells in a column; empty where there is no such column."""
        for place in self.places.get(name, ()):
            if place < len(row) and row[place] != "":
                return row[place]
        return ""

    def header(self, name: str) -> str:
        """Return how the file calls a column; our own name where it has none."""
        places = self.places.get(name, ())
        return shown_header(self.headers[places[0]]) if places else name

    @property
    def score(self) -> int:
        """How much the sheet looks like this layout."""
        return sum(2 if name in self.layout.telling else 1 for name in self.places)


def shown_header(text: str) -> str:
    """Return a header on one line, without what stands in brackets below it."""
    return re.sub(r"\s*[（(].*", "", text.strip(), flags=re.DOTALL).replace("\n", " ").strip() or text.strip()


def columns_of(row: Row, line: int, among: Sequence[Layout]) -> Columns | None:
    """Return the columns that a row names, in the layout it fits best; None when it is no header."""
    headers = [cell if isinstance(cell, str) else "" for cell in row]
    found = [one for layout in among if (one := _by(layout, headers, line)) is not None]
    return max(found, key=lambda one: one.score, default=None)


def _by(layout: Layout, headers: Sequence[str], line: int) -> Columns | None:
    names, aside = layout.names, layout.aside
    places: dict[str, list[int]] = {}
    unknown: list[str] = []
    for place, header in enumerate(headers):
        name = names.get(normal(header)) if header else None
        if name is not None:
            places.setdefault(name, []).append(place)
        elif header and normal(header) not in aside:
            unknown.append(shown_header(header))
    if len(places) < FEWEST or any(name not in places for name in layout.needs):
        return None
    if not any(name in places for name in layout.one_of):
        return None
    return Columns(layout=layout, line=line, places=places, headers=headers, unknown=unknown)


# --- of a text, before it is a sheet ---------------------------------------------------------------------------------


def knows(head: str) -> bool:
    """Return whether the beginning of a text has a header that some layout knows."""
    rows = csv.reader(head.splitlines(), delimiter=delimiter_of(head))
    among = tuple(layouts().values())
    return any(columns_of(row, 1, among) is not None for row, _ in zip(rows, range(FIRST_ROWS), strict=False))


def delimiter_of(head: str) -> str:
    """Return what parts the columns of a text: the sign that makes most known headers of one of its first lines."""
    lines = head.splitlines()[:FIRST_ROWS]
    if lines and (told := re.fullmatch(r"\ufeff?sep=(.)", lines[0].strip("\r\n"))):
        return told.group(1)
    known = {name for layout in layouts().values() for name in layout.names}
    return max(DELIMITERS, key=lambda sign: max((_known(line, sign, known) for line in lines), default=0))


def _known(line: str, sign: str, known: set[str]) -> int:
    return sum(normal(part.strip('" ')) in known for part in line.split(sign)) if sign in line else 0
