"""What can be wrong with the disk of a database while workers run, each with what messenger says of it."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import pytest

from tests.faults.crowd import Crowd
from tests.faults.shims import COMPILER, built

SIZE: Final = 48 * 2**20
"""Bytes of the small disk."""


class Trouble(Protocol):
    """Something that may be wrong for a while."""

    says: str
    """Part of the sentence by which a command refuses to work."""
    prefix: Sequence[str]
    """What a new process of ours is started by, while it is wrong."""

    def prepare(self, workers: Crowd) -> None:
        """Make everything ready, before there is a database; skips the test where this cannot be had."""
        ...

    def begin(self, workers: Crowd) -> None:
        """From now on it is wrong."""
        ...

    def end(self, workers: Crowd) -> None:
        """From now on it is in order."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


@dataclass(slots=True)
class Full:
    """A small disk is filled up to the last byte."""

    says: str = "its disk is full: make room on it; work goes on by itself then"
    prefix: Sequence[str] = ()
    _folder: Path | None = None

    def prepare(self, workers: Crowd) -> None:
        folder = workers.home / "data"
        folder.mkdir()
        mount = shutil.which("mount")
        if os.geteuid() != 0 or mount is None:
            pytest.skip("needs root: a small disk is mounted")
        words = [mount, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
        if subprocess.run(words, check=False, capture_output=True).returncode:
            pytest.skip("nothing may be mounted here")
        self._folder = folder

    def begin(self, workers: Crowd) -> None:
        with (workers.home / "data" / "ballast").open("wb", buffering=0) as file:
            for size in (2**20, 4096):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def end(self, workers: Crowd) -> None:
        (workers.home / "data" / "ballast").unlink()

    def close(self) -> None:
        if self._folder is not None:
            subprocess.run(["umount", "--lazy", self._folder], check=True)


@dataclass(slots=True)
class Limited:
    """No file may grow beyond what the largest one is by now."""

    says: str = "its disk refuses to work: is it full, or at a limit (ulimit -f)?"
    prefix: Sequence[str] = ()

    def prepare(self, workers: Crowd) -> None:  # noqa: ARG002  # it needs nothing of them
        if shutil.which("prlimit") is None:
            pytest.skip("needs prlimit (util-linux)")

    def begin(self, workers: Crowd) -> None:
        size = max(path.stat().st_size for path in (workers.home / "data").iterdir())
        self.prefix = ("prlimit", f"--fsize={size}:")
        self._limit(workers, size)

    def end(self, workers: Crowd) -> None:
        self.prefix = ()
        self._limit(workers, resource.RLIM_INFINITY)

    def _limit(self, workers: Crowd, size: int) -> None:
        for one in workers.workers:
            resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def close(self) -> None:
        pass


@dataclass(slots=True)
class Refusing:
    """Every change of the files is refused with an error of the machine; see ``disk.c``."""

    number: int
    says: str
    prefix: Sequence[str] = ()
    _switch: Path = field(default_factory=Path)

    def prepare(self, workers: Crowd) -> None:
        if COMPILER is None:
            pytest.skip("needs a C compiler named cc")
        folder = workers.home.parent
        self._switch = folder / "trouble"
        self._turn(0)
        workers.environ = workers.environ | {
            "LD_PRELOAD": built("disk.c", folder), "MESSENGER_DATA": str(workers.home / "data"), "MESSENGER_TROUBLE": str(self._switch),
        }  # fmt: skip

    def begin(self, workers: Crowd) -> None:  # noqa: ARG002  # they see the switch
        self._turn(self.number)

    def end(self, workers: Crowd) -> None:  # noqa: ARG002  # they see the switch
        self._turn(0)

    def _turn(self, number: int) -> None:
        with self._switch.open("r+b" if self._switch.exists() else "wb") as file:
            file.write(struct.pack("q", number))

    def close(self) -> None:
        pass


def trouble(name: str) -> Trouble:
    """Return the trouble of this name."""
    known: dict[str, Trouble] = {
        "full": Full(),
        "at its limit": Limited(),
        "read-only": Refusing(
            errno.EROFS, "the file cannot be written: give the user who runs messenger the right to write it"
        ),
        "failing": Refusing(errno.EIO, "its disk refuses to work"),
    }
    return known[name]
