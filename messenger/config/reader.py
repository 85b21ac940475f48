"""Reading a TOML file so that every mistake in it can be told at once, with its line and column."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from messenger.config.positions import Path as KeyPath
from messenger.config.positions import Positions
from messenger.config.syntax import syntax_finding
from messenger.errors import Finding

ERROR: Final = "error"
WARNING: Final = "warning"
BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


class Document:
    """One TOML file: its values, their places, and the mistakes found in it so far."""

    def __init__(self, path: Path) -> None:
        self.file = as_typed(path)
        self.findings: list[Finding] = []
        self.values: Mapping[str, object] = {}
        self._positions: Positions | None = None
        source = self._source(path)
        if source is not None:
            self._parse(source)

    @property
    def is_readable(self) -> bool:
        """Whether the text is TOML at all; what stands in it may still be wrong."""
        return self._positions is not None

    def line(self, path: KeyPath) -> int:
        """Return the line on which a key or table begins; 0 when it is not in the file."""
        return self._positions.key(path).line if self._positions else 0

    def place(self, path: KeyPath) -> tuple[int, int]:
        """Return line and column of a value; 0 and 0 when it is not in the file."""
        return self._positions.value(path) if self._positions else (0, 0)

    def add(
        self, path: KeyPath, problem: str, remedy: str = "", *, at_key: bool = False, severity: str = ERROR
    ) -> None:
        """Note a mistake (or a likely slip) at the value of ``path``, or at its key."""
        line, column = (0, 0)
        if self._positions:
            line, column = self._positions.key(path) if at_key else self._positions.value(path)
        self.findings.append(Finding(self.file, line, column, dotted(path), problem, remedy, severity))

    def _source(self, path: Path) -> str | None:
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            self._note(0, 0, "there is no such file", "'messenger init' writes one")
            return None
        except OSError as problem:
            self._note(0, 0, f"cannot be read: {problem.strerror}")
            return None
        try:
            return data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as problem:
            before = data[: problem.start].split(b"\n")
            place = (len(before), len(before[-1].decode("utf-8", "replace")) + 1)
            self._note(*place, f"is not UTF-8 text: byte 0x{data[problem.start]:02x}", "save the file as UTF-8")
            return None

    def _parse(self, source: str) -> None:
        try:
            self.values = tomllib.loads(source, parse_float=Decimal)
        except tomllib.TOMLDecodeError as problem:
            self.findings.append(syntax_finding(self.file, source, str(problem)))
        except RecursionError:
            self._note(0, 0, "is nested too deeply", "a table holds at most a few tables")
        except ValueError:  # Python does not read decimal numbers of more than 4300 digits
            self._note(0, 0, "holds a number of thousands of digits")
        else:
            self._positions = Positions(source.encode())

    def _note(self, line: int, column: int, problem: str, remedy: str = "") -> None:
        self.findings.append(Finding(self.file, line, column, "", problem, remedy))


def as_typed(path: Path) -> str:
    """Return the path as a person in the present directory would type it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def dotted(path: KeyPath) -> str:
    """Return the path as it would be written in TOML; indexes are left to line and column."""
    keys = [part for part in path if isinstance(part, str)]
    return ".".join(key if BARE.fullmatch(key) else '"' + ascii(key)[1:-1].replace('"', '\\"') + '"' for key in keys)
