"""A file of orders, whatever it is: JSON Lines of events, or a platform's export sheet; told by what is in it."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from messenger.errors import UsageError
from messenger.intake.files import read_json_lines
from messenger.intake.sheets.detecting import HEAD, is_sheet
from messenger.intake.sheets.layouts import LAYOUTS
from messenger.intake.sheets.reading import SheetReader
from messenger.ports import Line, Rejected

AUTO: Final = "auto"
JSON_LINES: Final = "jsonl"
FORMATS: Final = (AUTO, JSON_LINES, *LAYOUTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How files are read.

    Args:
        format: one of ``FORMATS``.
        shop: of orders that name none; sheets never do.
        shop_of: which shop a sheet is about when ``shop`` is empty, by its platform.
        zone: IANA name, for times in sheets without an offset; empty: the platform's.
    """

    format: str = AUTO
    shop: str = ""
    shop_of: Callable[[str], str] = str
    zone: str = ""

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UsageError(f"unknown format {self.format!r} (known: {', '.join(FORMATS)})")
        try:
            ZoneInfo(self.zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise UsageError(f"unknown time zone {self.zone!r}: write one like America/Los_Angeles") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file while it is read.

    Args:
        lines: its events, and why there is none where there is none.
        notes: returns what was left aside, as sentences, once all lines were read.
        platform: whose export it is; empty: it is no sheet.
        types: of events that a sheet with these columns can tell.
        is_sheet: whether it was read as one.
    """

    lines: Iterator[Line | Rejected]
    notes: Callable[[], list[str]] = list
    platform: str = ""
    types: frozenset[str] = frozenset()
    is_sheet: bool = False


@contextmanager
def opened(path: Path, manner: Manner, *, file: str = "") -> Iterator[Opened]:
    """Yield a file ready to be read.

    Args:
        path: the file.
        manner: how it is read.
        file: how it is named in messages; its path unless told.

    Raises:
        OSError: it cannot be read.
        UsageError: nobody can tell which shop it is about.
    """
    with path.open("rb") as stream:
        if _wants_sheet(stream.read(HEAD), manner):
            with _sheet(path, manner, file or str(path)) as found:
                yield found
            return
        stream.seek(0)
        yield Opened(lines=read_json_lines(stream, file=file or str(path), shop=manner.shop or None))


@contextmanager
def opened_stream(stream: BinaryIO, manner: Manner, *, file: str) -> Iterator[Opened]:
    """Yield what comes in on a stream ready to be read; a sheet is kept in a file meanwhile."""
    source = stream if isinstance(stream, io.BufferedReader) else io.BytesIO(stream.read())
    head = source.peek(HEAD)[:HEAD] if isinstance(source, io.BufferedReader) else source.getbuffer()[:HEAD].tobytes()
    if not _wants_sheet(head, manner):
        yield Opened(lines=read_json_lines(source, file=file, shop=manner.shop or None))
        return
    with ExitStack() as stack:
        kept = stack.enter_context(tempfile.NamedTemporaryFile(prefix="messenger-", suffix=".sheet"))
        shutil.copyfileobj(source, kept)
        kept.flush()
        yield stack.enter_context(_sheet(Path(kept.name), manner, file))


def _wants_sheet(head: bytes, manner: Manner) -> bool:
    return is_sheet(head) if manner.format == AUTO else manner.format != JSON_LINES


@contextmanager
def _sheet(path: Path, manner: Manner, file: str) -> Iterator[Opened]:
    layout = manner.format if manner.format in LAYOUTS else ""
    reader = SheetReader(path, file, shop=manner.shop, shop_of=manner.shop_of, layout=layout, zone=manner.zone)
    with closing(reader.lines()) as lines:
        first = list(islice(lines, 1))  # by now the platform is known, and which shop this is about
        yield Opened(
            lines=chain(first, lines), notes=reader.notes, platform=reader.platform, types=reader.types, is_sheet=True
        )
