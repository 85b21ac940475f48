"""What a file is, by its first bytes; its name says nothing that could be relied on."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

JSON_LINES: Final = "jsonl"
HEAD: Final = 4096
"""Bytes of a file that are looked at."""


class Kind(StrEnum):
    """How a file is written."""

    JSON_LINES = JSON_LINES
    XLSX = "xlsx"
    XLS = "xls"
    TEXT = "csv"
    MARKUP = "markup"
    """A web page, or XML, that calls itself a sheet."""
    EMPTY = "empty"


def kind_of(head: bytes) -> Kind:
    """Return what a file is that begins like this."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Kind.XLSX
    if head.startswith((b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\t\x08", b"\t\x04", b"\t\x02")):
        return Kind.XLS
    text = head.removeprefix(b"\xef\xbb\xbf").replace(b"\x00", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    first = text.lstrip()[:1]
    if not first:
        return Kind.EMPTY
    return Kind.JSON_LINES if first == b"{" else Kind.MARKUP if first == b"<" else Kind.TEXT


def is_sheet(head: bytes) -> bool:
    """Return whether a file that begins like this is a sheet, or wants to be one; anything else is read as JSON Lines."""
    return kind_of(head) not in {Kind.JSON_LINES, Kind.EMPTY}
