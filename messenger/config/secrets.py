"""Secrets: named in messenger.toml, looked up only when they are used, never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from messenger.config.tables import Reader, Wrong, any_text
from messenger.errors import ConfigurationError, Finding


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret by its source, ``env:NAME`` or ``file:PATH``. Printing it shows the source only."""

    source: str
    home: Path = field(default=Path(), repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False, hash=False)

    def __str__(self) -> str:
        return f"<{self.source}>"

    def reveal(self) -> str:
        """Return the secret itself; a file is read anew each time, so that keys can rotate.

        Raises:
            ConfigurationError: the variable is not set, or the file cannot be read, or it is empty.
        """
        kind, _, name = self.source.partition(":")
        value = self.environ.get(name, "") if kind == "env" else self._from_file(name)
        if not value:
            remedy = f"set {name}" if kind == "env" else "write the secret into it"
            raise ConfigurationError([Finding("", 0, 0, self.source, "is not set or empty", remedy)])
        return value

    def _from_file(self, name: str) -> str:
        try:
            return (self.home / name).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigurationError([Finding(name, 0, 0, self.source, f"cannot be read: {problem}")]) from problem


def secret(home: Path, environ: Mapping[str, str]) -> Reader[Secret]:
    """Return a reader of secrets. A literal is refused, and never repeated in the message."""

    def read(value: object) -> Secret:
        text = any_text(value) if isinstance(value, str) else ""
        if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+", text):
            raise Wrong("a secret does not stand in this file", "write env:NAME or file:PATH")
        return Secret(text, home, environ)

    return read
