"""A folder that people, or programs, put files of orders into: each is read once it is complete, and by its content only once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from messenger.errors import SourceAway
from messenger.intake.formats import Manner, Opened, opened
from messenger.ports.folders import FileRead, Look

ENDINGS: Final = frozenset({".xls", ".xlsx", ".csv", ".jsonl", ".ndjson", ".json", ".txt", ".tsv"})
"""Files of other kinds are left alone: a folder may hold anything."""
SETTLED: Final = timedelta(minutes=1)
"""Nobody has written to a file for so long: it is complete at the first sight."""
REMEMBERED: Final = 1000
"""Contents; an older one that comes back is read again, which changes nothing."""
PIECE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """How a file looked; ``digest`` is empty while it has not been read."""

    size: int
    changed: int
    """Nanoseconds."""
    digest: str = ""

    def is_same(self, other: Seen | None) -> bool:
        """Whether nobody has written to it in between."""
        return other is not None and (self.size, self.changed) == (other.size, other.changed)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of a folder.

    Args:
        files: those that were there at the last look.
        contents: digests of what was read, in the order in which it was.
    """

    files: Mapping[str, Seen] = field(default_factory=dict)
    contents: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Memory:
        """Return what a text remembers."""
        if not text:
            return cls()
        told = json.loads(text)
        return cls({name: Seen(*one) for name, one in told["files"].items()}, tuple(told["contents"]))

    def __str__(self) -> str:
        files = {name: [one.size, one.changed, one.digest] for name, one in sorted(self.files.items())}
        return json.dumps({"files": files, "contents": self.contents}, ensure_ascii=False)

    def with_read(self, file: str, digest: str) -> Memory:
        """Return the memory with one more file that was read."""
        seen = replace(self.files[file], digest=digest)
        contents = self.contents if digest in self.contents else (*self.contents, digest)[-REMEMBERED:]
        return Memory({**self.files, file: seen}, contents)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The adapter. ``path`` is absolute; ``manner`` names the shop."""

    name: str
    path: Path
    every: timedelta
    manner: Manner

    @property
    def shop(self) -> str:
        """Whose orders these are."""
        return self.manner.shop

    def look(self, memory: str, *, now: datetime) -> Look:
        """Return the files that are complete: as they were at the last look, or untouched for ``SETTLED``."""
        known = Memory.of(memory)
        files: dict[str, Seen] = {}
        ready: list[str] = []
        for name, seen in self._files():
            before = known.files.get(name)
            is_same = seen.is_same(before)
            files[name] = before if is_same and before is not None else seen
            is_quiet = now.timestamp() - seen.changed / 1e9 >= SETTLED.total_seconds()
            if not files[name].digest and seen.size and (is_same or is_quiet):
                ready.append(name)
        ready.sort(key=lambda name: (files[name].changed, name))
        return Look(memory=str(Memory(files, known.contents)), ready=ready)

    def _files(self) -> Iterator[tuple[str, Seen]]:
        try:
            for path in sorted(self.path.iterdir()):
                if _is_wanted(path):
                    stat = path.stat()
                    yield path.name, Seen(stat.st_size, stat.st_mtime_ns)
        except OSError as error:
            raise SourceAway(
                f"the folder {self.path} cannot be read: {(error.strerror or str(error)).lower()}"
            ) from error

    @contextmanager
    def read(self, file: str, memory: str) -> Iterator[FileRead]:
        """Open a file, unless its very content was read before."""
        known = Memory.of(memory)
        with ExitStack() as stack:
            digest, found = self._opened(file, known, stack)
            after = str(known.with_read(file, digest))
            if found is None:
                yield FileRead(memory=after, is_news=digest == known.contents[-1])
            else:
                yield FileRead(memory=after, lines=found.lines, notes=found.notes)

    def _opened(self, file: str, known: Memory, stack: ExitStack) -> tuple[str, Opened | None]:
        """What is in a file, and the file itself unless that was read before."""
        path = self.path / file
        try:
            digest = _digest(path)
            found = None if digest in known.contents else stack.enter_context(opened(path, self.manner, file=file))
        except OSError as error:
            raise SourceAway(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
        return digest, found


def _is_wanted(path: Path) -> bool:
    """Whether a file is for us: not hidden, not another program's lock, not a link, and of a kind that holds orders."""
    is_hidden = path.name.startswith((".", "~"))
    return not is_hidden and path.suffix.casefold() in ENDINGS and path.is_file() and not path.is_symlink()


def _digest(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            found.update(piece)
    return found.hexdigest()[:40]
