"""What runs in the process that reads a sheet: it opens one file and gives out its rows, some at a time.

A request is ``{"open": path}``, answered by ``{}``, and after it ``{"more": rows}``, answered by
``{"rows": [[line, [cell, ...]], ...], "end": whether that was all}``. Either can be answered by ``{"problem": words}``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from errno import EINVAL
from itertools import islice
from pathlib import Path
from typing import Any, Final

from messenger.intake.sheets.cells import packed
from messenger.intake.sheets.detecting import HEAD, Kind, kind_of
from messenger.intake.sheets.encodings import encoding_of
from messenger.intake.sheets.headers import delimiter_of, knows
from messenger.intake.sheets.unpacking import TooMuch, check_size, check_unpacked

ENOUGH: Final = 2 * 1024 * 1024
"""Characters of one answer; a row more may stand in it."""
WIDEST: Final = 512
"""Columns."""
MOST_ROWS: Final = 1_000_000
_LONGEST_RECORD: Final = 128 * 1024
_NO_SHEET: Final = {
    Kind.EMPTY: "the file is empty",
    Kind.MARKUP: "it is a web page or XML, whatever its name says: open it in a spreadsheet program and save it as .xlsx",
    Kind.JSON_LINES: "it holds JSON, not a sheet: take it in with --format jsonl",
}

Numbered = tuple[int, list[object]]


class Reader:
    """Reads the one file that the process was started for."""

    def __init__(self) -> None:
        self._rows: Iterator[Numbered] = iter(())

    def __call__(self, request: Any, /) -> Any:  # Any: JSON
        """Return the answer to one request."""
        try:
            if "open" in request:
                self._rows = _rows(Path(request["open"]))
                return {}
            return self._more(int(request["more"]))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a damaged file makes a reader raise
            return {"problem": _problem(error)}

    def _more(self, most: int) -> dict[str, object]:
        found: list[Numbered] = []
        size = 0
        for line, cells in islice(self._rows, most):
            found.append((line, cells))
            size += sum(len(one) for one in cells if isinstance(one, str))
            if size > ENOUGH:
                return {"rows": found, "end": False}
        return {"rows": found, "end": len(found) < most}


answer = Reader()
"""The process has one file, and this is who reads it."""


def _problem(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno != EINVAL:  # which is what seeking to nowhere in a damaged file gives
        return (error.strerror or str(error)).lower()
    return str(error) if isinstance(error, ValueError) else f"the file is damaged: {error}"


def _rows(path: Path) -> Iterator[Numbered]:
    check_size(path)
    with path.open("rb") as stream:
        kind = kind_of(stream.read(HEAD))
    if kind in _NO_SHEET:
        raise ValueError(_NO_SHEET[kind])
    return _packed_rows(_of_text(path) if kind is Kind.TEXT else _of_workbook(path, kind))


def _packed_rows(rows: Iterable[tuple[int, Iterable[object]]]) -> Iterator[Numbered]:
    """Rows that hold anything, ready to travel."""
    count = 0
    for line, cells in rows:
        made = [_packed(cell, line, column) for column, cell in enumerate(islice(cells, WIDEST), start=1)]
        if not any(one != "" for one in made):
            continue
        count += 1
        if count > MOST_ROWS:
            raise TooMuch(f"the sheet has more than {MOST_ROWS} rows: split it")
        yield line, made


def _packed(cell: object, line: int, column: int) -> object:
    try:
        return packed(cell)
    except ValueError as error:
        raise TooMuch(f"row {line}, column {column}: {error}") from None


def _of_workbook(path: Path, kind: Kind) -> Iterator[tuple[int, Iterable[object]]]:
    from python_calamine import CalamineError, load_workbook  # noqa: PLC0415  # a text needs none of it

    if kind is Kind.XLSX:
        check_unpacked(path)
    try:
        book = load_workbook(path)
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.start is not None and sheet.total_height:
                yield from enumerate(sheet.iter_rows(), start=1)
                return
    except CalamineError as error:
        raise ValueError(f"the file cannot be read as a sheet: {error}") from None


def _of_text(path: Path) -> Iterator[tuple[int, Iterable[object]]]:
    encoding = encoding_of(path, knows)
    csv.field_size_limit(_LONGEST_RECORD)
    with path.open(encoding=encoding, newline="") as stream:
        head = stream.read(HEAD)
        stream.seek(0)
        reader = csv.reader(stream, delimiter=delimiter_of(head))
        try:
            yield from enumerate(reader, start=1)  # rows as a spreadsheet shows them: a cell may hold several lines
        except csv.Error as error:
            problem = f"line {reader.line_num}: the row cannot be read: {error} (is a quotation mark missing?)"
            raise ValueError(problem) from None
        except UnicodeDecodeError:
            problem = f"a letter after line {reader.line_num} is not one of {encoding}, in which the others are: save the file as UTF-8"
            raise ValueError(problem) from None
