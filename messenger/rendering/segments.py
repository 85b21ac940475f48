"""A template file cut into the pieces a translator works on, so that the untouched ones keep every byte."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from messenger.rendering.blocks import Body, Kind, Statement, Unit, fingerprint

_FENCE: Final = re.compile(r"\ufeff?\+\+\+[ \t]*\r?\n((?:.*?\r?\n)?)\+\+\+[ \t]*(?:\r?\n|$)", re.DOTALL)
_LITERAL: Final = r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\r\n]|\\.)*"|\'[^\'\r\n]*\''
_KEY: Final = re.compile(rf"^[ \t]*([A-Za-z_]+)[ \t]*=[ \t]*({_LITERAL})", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A text of the front matter: what it says, and where its quoted form stands."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file, cut. What is between the units is kept as it is.

    Args:
        raw: the file's text, with its own line ends.
        items: units and statements in the order of the file.
        values: the texts of the front matter.
        fence: where the closing ``+++`` begins; 0 for a file without front matter.
    """

    raw: str
    items: tuple[Unit | Statement, ...]
    values: Mapping[str, Value]
    fence: int

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units in the order of the file."""
        return tuple(one for one in self.items if isinstance(one, Unit))

    @property
    def newline(self) -> str:
        """How lines end in this file."""
        return "\r\n" if "\r\n" in self.raw else "\n"

    def value(self, key: str) -> str:
        """Return a text of the front matter; empty when it is not there."""
        found = self.values.get(key)
        return found.text if found else ""

    def ids(self) -> tuple[str, ...]:
        """Return a name for each unit that stays the same when others come, go or move."""
        seen: dict[str, int] = {}
        made: list[str] = []
        for unit in self.units:
            name = unit.name or unit.fingerprint
            seen[name] = seen.get(name, 0) + 1
            made.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
        return tuple(made)

    def join(self, texts: Mapping[int, str] | None = None) -> str:
        """Return the file's text with some units, by their number, written anew; every other byte is as it was."""
        pieces: list[str] = []
        at = 0
        for index, unit in enumerate(self.units):
            pieces.append(self.raw[at : unit.start])
            new = (texts or {}).get(index, unit.text)
            pieces.append(self.raw[unit.start : unit.end] if new == unit.text else self._written(unit, new))
            at = unit.end
        pieces.append(self.raw[at:])
        return "".join(pieces)

    def _written(self, unit: Unit, text: str) -> str:
        if unit.name:
            return _quoted(text, like=self.raw[unit.start : unit.end])
        return text.replace("\n", self.newline + unit.indent)

    def with_value(self, key: str, text: str) -> str:
        """Return the file's text with one text of the front matter written anew or added at its end."""
        there = self.values.get(key)
        if there is not None:
            quoted = _quoted(text, like=self.raw[there.start : there.end])
            return self.raw[: there.start] + quoted + self.raw[there.end :]
        return f"{self.raw[: self.fence]}{key} = {_quoted(text)}{self.newline}{self.raw[self.fence :]}"


def _quoted(text: str, *, like: str = '"') -> str:
    """A text as TOML writes it; in single quotes if it was and can be."""
    if like.startswith("'") and not like.startswith("'''") and not set(text) & set("'\n\r"):
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def cut(raw: str) -> Document:
    """Return a template cut into units.

    Raises:
        ValueError: it has no front matter.
    """
    found = _FENCE.match(raw)
    if found is None:
        raise ValueError("the front matter is missing")
    values = dict(_values(raw, found.start(1), found.end(1)))
    head = (_named(raw, kind, values[kind]) for kind in (Kind.SUBJECT, Kind.PREHEADER) if kind in values)
    items = (*sorted(head, key=lambda unit: unit.start), *Body(raw, found.end()).items())
    return Document(raw=raw, items=items, values=values, fence=found.end(1))


def cut_phrases(raw: str) -> Document:
    """Return a file of phrases cut into units, one for each text."""
    values = dict(_values(raw, 0, len(raw)))
    items = tuple(_named(raw, Kind.PHRASE, value, name=name) for name, value in values.items())
    return Document(raw=raw, items=items, values=values, fence=0)


def _named(raw: str, kind: Kind, value: Value, *, name: str = "") -> Unit:
    line = raw.count("\n", 0, value.start) + 1
    return Unit(kind=kind, name=name or str(kind), text=value.text, line=line, start=value.start, end=value.end)


def _values(raw: str, start: int, end: int) -> Iterator[tuple[str, Value]]:
    """Every text whose quoted form was found for certain."""
    try:
        known = tomllib.loads(raw[start:end].removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:
        return
    for found in _KEY.finditer(raw, start, end):
        key = found.group(1)
        text = known.get(key)
        if isinstance(text, str) and tomllib.loads(f"v = {found.group(2)}")["v"] == text:
            yield key, Value(text=text, start=found.start(2), end=found.end(2))


__all__ = ["Document", "Kind", "Statement", "Unit", "Value", "cut", "cut_phrases", "fingerprint"]
