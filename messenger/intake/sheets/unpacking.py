"""How much a packed sheet really holds: counted before anything reads it, so that a small file cannot become a huge one."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MIB: Final = 1024 * 1024
PIECE: Final = MIB
FREE_OF_RATIO: Final = 16 * MIB
"""Unpacked so small, no ratio looks odd."""


class TooMuch(ValueError):
    """A file holds more than is read; the message says how much, and how much may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """What one file may hold.

    Args:
        packed: bytes of the file as it is.
        unpacked: bytes of what is in it.
        ratio: how many times larger than the file its content may be; a sheet of real orders stays below 60.
        members: files within it.
    """

    packed: int = 256 * MIB
    unpacked: int = 512 * MIB
    ratio: int = 150
    members: int = 1000


USUAL: Final = Most()


def check_size(path: Path, most: Most = USUAL) -> None:
    """Refuse a file that is too large as it is.

    Raises:
        TooMuch: it is.
    """
    size = path.stat().st_size
    if size > most.packed:
        raise TooMuch(f"the file has {_mib(size)}, at most {_mib(most.packed)} are read: split it")


def check_unpacked(path: Path, most: Most = USUAL) -> None:
    """Refuse a packed file whose content is too large, by what it says of itself and then by counting.

    Raises:
        TooMuch: it is.
        zipfile.BadZipFile: it is damaged.

    Source: the sheet bombs of docs/sources.md, S33: 618 KiB that unpack to 573 MiB.
    """
    packed = max(1, path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > most.members:
            raise TooMuch(f"{len(members)} files are packed in it, at most {most.members} are read")
        _judge(sum(one.file_size for one in members), packed, most)
        counted = 0
        for one in members:
            with archive.open(one) as stream:
                while piece := stream.read(PIECE):
                    counted += len(piece)
                    _judge(counted, packed, most)


def _judge(unpacked: int, packed: int, most: Most) -> None:
    if unpacked > most.unpacked:
        raise TooMuch(f"it unpacks to more than {_mib(most.unpacked)}: split the sheet, or save it as CSV")
    if unpacked > FREE_OF_RATIO and unpacked > packed * most.ratio:
        raise TooMuch(
            f"it unpacks to {unpacked // packed} times its size, as no sheet of orders does (at most {most.ratio})"
        )


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB"
