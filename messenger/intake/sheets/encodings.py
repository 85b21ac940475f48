"""In which encoding a text was written: BOM, UTF-8, then GB 18030, Windows-1251 and Windows-1252, told apart by their words."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path
from typing import Final

LADDER: Final = ("gb18030", "cp1251", "cp1252")
"""What is not UTF-8 is one of these; in this order where nothing else tells them apart."""
SAMPLE: Final = 64 * 1024
PIECE: Final = 1024 * 1024
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def encoding_of(path: Path, is_known: Callable[[str], bool] = lambda _: False) -> str:
    """Return the encoding of a text file, as Python calls it.

    Args:
        path: the file.
        is_known: whether the beginning, read in some encoding, makes sense to whoever wants to read it (a header with
            known columns). In that case nothing has to be guessed.

    Raises:
        ValueError: it is none of those that are read.
    """
    with path.open("rb") as stream:
        head = stream.read(SAMPLE)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if _is_utf8(path):
        return "utf-8"
    sample = _telling(path)
    possible = [name for name in LADDER if _can_be(sample, name)]
    if not possible:
        raise ValueError("its letters are in an encoding that is not known: save it as UTF-8")
    speaking = [name for name in possible if not head.isascii() and is_known(head.decode(name, "replace"))]
    return _likeliest(sample, speaking or possible)


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as stream:
        try:
            while piece := stream.read(PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _telling(path: Path) -> bytes:
    """The lines that hold more than ASCII, as many as make a sample: the others tell nothing."""
    found = bytearray()
    with path.open("rb") as stream:
        while len(found) < SAMPLE and (line := stream.readline(SAMPLE)):
            if not line.isascii():
                found += line
    return bytes(found)


def _can_be(sample: bytes, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        decoder.decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _likeliest(sample: bytes, names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    from charset_normalizer import from_bytes  # noqa: PLC0415  # large, and most sheets are UTF-8

    best = from_bytes(sample, cp_isolation=names).best()
    return best.encoding if best is not None and best.encoding in names else names[0]
