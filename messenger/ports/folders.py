"""Folders that are watched for files of orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from messenger.ports.values import Line, Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look into a folder came to.

    Args:
        memory: what to remember of it until the next one.
        ready: files that are complete and were not read before, the oldest first.
    """

    memory: str
    ready: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRead:
    """A file while it is read.

    Args:
        memory: what to remember once it has been read to its end.
        lines: what it holds; None when its very content was read before, under whatever name.
        notes: returns what was left aside, once all lines were read.
        is_news: whether somebody has put in what the platform knows now: not an old file once more.
    """

    memory: str
    lines: Iterator[Line | Rejected] | None = None
    notes: Callable[[], list[str]] = list
    is_news: bool = True


class WatchedFolder(Protocol):
    """One folder. It is only read: nothing in it is moved, marked or deleted.

    ``name`` is the source's, ``shop`` the shop that it tells about, ``every`` the time between looks.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  # told above

    @property
    def shop(self) -> str: ...  # noqa: D102  # told above

    @property
    def every(self) -> timedelta: ...  # noqa: D102  # told above

    def look(self, memory: str, *, now: datetime) -> Look:
        """Return what is ready to be read.

        Raises:
            SourceAway: the folder cannot be read.
        """
        ...

    def read(self, file: str, memory: str) -> AbstractContextManager[FileRead]:
        """Open one file that is ready.

        Raises:
            SourceAway: it cannot be read now.
        """
        ...
