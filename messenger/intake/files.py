"""Reads files of events: JSON Lines, one CloudEvent a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import orjson

from messenger.domain.events import parse_event
from messenger.errors import EventError
from messenger.ports import Line, Rejected

LONGEST_LINE: Final = 1024 * 1024
"""Bytes; a longer line is refused before it is parsed."""


def read_json_lines(lines: Iterable[bytes], *, file: str, shop: str | None = None) -> Iterator[Line | Rejected]:
    """Yield each line's event, or why there is none; blank lines are passed over.

    Args:
        lines: raw lines, for example an open binary file.
        file: how the source is named in messages.
        shop: given to events that name no shop of their own.
    """
    for number, raw in enumerate(lines, start=1):
        if len(raw) > LONGEST_LINE:
            yield Rejected(
                file=file, line=number, problem=f"the line is {len(raw)} bytes long, at most {LONGEST_LINE} are read"
            )
            continue
        text = raw.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else raw.strip()
        if text:
            yield _read(text, file=file, number=number, shop=shop)


def _read(text: bytes, *, file: str, number: int, shop: str | None) -> Line | Rejected:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Rejected(file=file, line=number, problem=f"is not JSON: {error} (one event a line)")
    if shop and isinstance(document, dict) and isinstance(document.get("data"), dict):
        document["data"].setdefault("shop", shop)
    try:
        return Line(file=file, line=number, event=parse_event(document))
    except EventError as error:
        return Rejected(file=file, line=number, field=error.field, problem=error.problem)
