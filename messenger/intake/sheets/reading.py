"""Reading one sheet: from its rows to events, line by line, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

from messenger.domain.events import parse_event
from messenger.errors import EventError
from messenger.intake.sheets.facts import Facts
from messenger.intake.sheets.grouping import Numbered, grouped
from messenger.intake.sheets.headers import FIRST_ROWS, Columns, columns_of
from messenger.intake.sheets.layouts import TITLES, Layout, layouts
from messenger.intake.sheets.notes import Notes
from messenger.intake.sheets.opening import USUAL, SheetFile, Unreadable
from messenger.intake.sheets.orders import STATUSES, OrderReader, Refused
from messenger.intake.sheets.steps import types_of
from messenger.intake.sheets.times import WallClock
from messenger.ports import Line, Rejected
from messenger.rendering.killable import Limits


@dataclass(slots=True)
class SheetReader:
    """Reads one export sheet.

    Args:
        path: the file.
        file: how it is named in messages.
        shop: whose orders these are; empty: ``shop_of`` is asked.
        shop_of: returns whose orders the export of a platform holds.
        layout: whose export it is; empty: told by its columns.
        zone: whose wall times those without an offset are; empty: the platform's.
        limits: what reading it may use.
    """

    path: Path
    file: str
    shop: str = ""
    shop_of: Callable[[str], str] = str
    layout: str = ""
    zone: str = ""
    limits: Limits = USUAL
    platform: str = ""
    """Whose export it turned out to be; known once the first line is."""
    types: frozenset[str] = frozenset()
    """Of events that such a sheet can tell; likewise."""
    _notes: Notes = field(default_factory=Notes)

    def lines(self) -> Generator[Line | Rejected, None, None]:
        """Yield each order's events, or what keeps the order out."""
        with SheetFile(self.path, self.limits) as sheet:
            line = 1
            try:
                rows = sheet.rows()
                columns, rest = self._header(rows)
                reader = OrderReader(columns, self._clock(columns.layout), self._notes)
                for group in grouped(rest, columns):
                    line = group[-1][0]
                    yield from self._order(reader, group)
            except Unreadable as error:
                yield Rejected(file=self.file, line=line, problem=str(error))

    def notes(self) -> list[str]:
        """Return what was left aside, as sentences; complete once all lines were read."""
        return list(self._notes.sentences(self.file))

    def _header(self, rows: Iterator[Numbered]) -> tuple[Columns, Iterator[Numbered]]:
        among = [layouts()[self.layout]] if self.layout else list(layouts().values())
        passed: list[Numbered] = []
        for line, row in rows:
            columns = columns_of(row, line, among)
            if columns is not None:
                self.platform = columns.layout.name
                self.types = types_of({*columns.places}, _words(columns))
                self.shop = self.shop or self.shop_of(self.platform)
                self._notes.unknown, self._notes.header_line = tuple(columns.unknown), line
                return columns, chain(rows)
            passed.append((line, row))
            if len(passed) >= FIRST_ROWS:
                break
        raise Unreadable(_no_header(passed, among))

    def _clock(self, layout: Layout) -> WallClock:
        return WallClock(ZoneInfo(self.zone or layout.zone), "mdy" if self.zone else layout.dates)

    def _order(self, reader: OrderReader, group: Sequence[Numbered]) -> Iterator[Line | Rejected]:
        try:
            facts = reader.read(group)
        except Refused as refused:
            for one in refused.problems:
                yield Rejected(file=self.file, line=one.line, field=one.header, problem=one.text)
            return
        yield from self._events(facts)

    def _events(self, facts: Facts) -> Iterator[Line | Rejected]:
        try:
            documents = facts.documents(source=f"sheet/{self.platform}/{self.shop}", shop=self.shop)
            lines = [Line(file=self.file, line=facts.line, event=parse_event(one)) for one in documents]
        except EventError as error:  # an order is taken in whole or not at all
            yield Rejected(file=self.file, line=facts.line, field=error.field, problem=error.problem)
            return
        yield from lines


def _words(columns: Columns) -> set[str]:
    """The statuses that can stand in the sheet's columns."""
    return {*columns.layout.statuses.values()} if any(name in columns.places for name in STATUSES) else set()


def _no_header(passed: Sequence[Numbered], among: Sequence[Layout]) -> str:
    wanted = " or ".join(TITLES[one.name] for one in among)
    widest = max((row for _, row in passed), key=len, default=())
    found = ", ".join(str(cell)[:30] for cell in widest[:8] if cell != "")
    first = among[0]
    needed = ", ".join(sorted(first.needs | {"placed_at"})) if len(among) == 1 else ""
    told = f"no row looks like the header of an order export of {wanted}"
    if needed:
        told += f" (needed: {needed})"
    return f"{told}; the first rows begin with: {found}" if found else f"{told}: the sheet is empty"
