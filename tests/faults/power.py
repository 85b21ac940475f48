"""What a power cut leaves of a database: what was synced is there; of the rest, who knows.

Processes that run with ``power.c`` before the C library note what they write. ``Disk`` plays that again up to any moment, and
then cuts the power: each write that no sync has followed is there, or is not, or a few of its sectors are; the same goes for
names of files that were made or removed while the folder was not synced.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SECTOR: Final = 512
Promised = defaultdict[str, set[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of the trace.

    Args:
        kind: the letter; see ``power.c``. ``M`` is a mark that a test has made.
        name: of the file; of a mark, what it says.
        at: its own place in the trace.
        number: where it was written, how long it is now, or up to which place of the trace it is synced.
        content: what was written.
    """

    kind: str
    name: str
    at: int
    number: int = 0
    content: bytes = b""


def steps(trace: Path) -> Iterator[Step]:
    """Yield the entries, in the order in which things were done."""
    told = trace.read_bytes() if trace.exists() else b""
    at = 0
    while at < len(told):
        end = told.index(b"\n", at)
        kind, *words = told[at:end].decode().split(" ")
        length = int(words[2]) if kind == "W" else 0
        name = " ".join(words) if kind == "M" else "" if kind == "D" else words[0]
        number = int(words[1] if kind in "WTS" else words[0]) if kind in "WTSD" else 0
        yield Step(kind=kind, name=name, at=at, number=number, content=told[end + 1 : end + 1 + length])
        at = end + 1 + length


def mark(trace: Path, *said: str) -> None:
    """Note that something has happened by now that a power cut must not undo."""
    with trace.open("a", encoding="utf-8") as file:
        file.write("".join(f"M {one}\n" for one in said))


@dataclass(slots=True, eq=False)
class File:
    """One file: what is surely on the disk, and what is not yet."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[Step] = field(default_factory=list)

    def sync(self, before: int) -> None:
        """Put on the disk what was done before this place of the trace."""
        for step in self.pending:
            if step.at < before:
                _apply(self.content, step)
        self.pending = [step for step in self.pending if step.at >= before]

    def after_the_cut(self, chance: random.Random) -> bytes:
        """Return what is left of it."""
        left = bytearray(self.content)
        for step in self.pending:
            for part in _survivors(step, chance):
                _apply(left, part)
        return bytes(left)


@dataclass(slots=True)
class Name:
    """One entry of the folder."""

    file: File
    made: int = -1
    """When; -1 once that is on the disk."""
    removed: int | None = None
    """When, while that is not on the disk."""


@dataclass(slots=True)
class Disk:
    """The files of a database on a disk whose power may be cut."""

    names: dict[str, list[Name]]

    @classmethod
    def of(cls, folder: Path) -> Disk:
        """What is in a folder that nobody has open."""
        return cls({path.name: [Name(File(bytearray(path.read_bytes())))] for path in sorted(folder.iterdir())})

    def play(self, step: Step) -> None:
        """Do what a process has done."""
        entries = self.names.setdefault(step.name, []) if step.kind in "WTSCU" else []
        alive = next((one for one in entries if one.removed is None), None)
        if step.kind == "D":
            self._sync_names(step.number)
        elif step.kind == "U" and alive:
            alive.removed = step.at
        elif step.kind in "CWTS":
            if alive is None:
                alive = Name(File(), made=step.at)
                entries.append(alive)
            if step.kind == "S":
                alive.file.sync(step.number)
            elif step.kind in "WT":
                alive.file.pending.append(step)

    def _sync_names(self, before: int) -> None:
        for name, entries in self.names.items():
            self.names[name] = [one for one in entries if one.removed is None or one.removed >= before]
            for one in self.names[name]:
                one.made = -1 if one.made < before else one.made

    def cut(self, folder: Path, chance: random.Random) -> None:
        """Write into an empty folder what is there when the power is back."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, entries in self.names.items():
            for one in entries:  # what was removed first, in its place what was made later
                is_there = one.made < 0 or chance.random() < 0.5
                if is_there and (one.removed is None or chance.random() < 0.5):
                    (folder / name).write_bytes(one.file.after_the_cut(chance))


def moments(trace: Path, before: Path, chance: random.Random, *, number: int) -> Iterator[tuple[Disk, Promised]]:
    """Play a trace; yields the disk at many moments and at the last, with what had been marked by then, by kind of mark.

    Args:
        trace: what was noted.
        before: the files as they were before it.
        chance: chooses the moments.
        number: how many, besides the last.
    """
    done = list(steps(trace))
    chosen = set(chance.sample(range(len(done)), min(number, len(done))))
    disk, promised = Disk.of(before), Promised(set)
    for place, step in enumerate(done):
        disk.play(step)
        if step.kind == "M":
            what, _, name = step.name.partition(" ")
            promised[what].add(name)
        if place in chosen:
            yield disk, promised
    yield disk, promised


def _apply(content: bytearray, step: Step) -> None:
    if step.kind == "T":
        del content[step.number :]
        content.extend(bytes(step.number - len(content)))
        return
    content.extend(bytes(max(0, step.number - len(content))))
    content[step.number : step.number + len(step.content)] = step.content


def _survivors(step: Step, chance: random.Random) -> Iterator[Step]:
    """What becomes of a write that was not synced: all of it, nothing, or some of its sectors."""
    fate = chance.random()
    if step.kind == "T" or fate < 0.7:
        if fate < 0.35:
            yield step
        return
    at = step.number
    while at < step.number + len(step.content):
        end = min((at // SECTOR + 1) * SECTOR, step.number + len(step.content))
        if chance.random() < 0.5:
            part = step.content[at - step.number : end - step.number]
            yield Step(kind="W", name=step.name, at=step.at, number=at, content=part)
        at = end
