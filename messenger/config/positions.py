"""Where every key and every value of a TOML file stands.

``tomllib`` gives values without places, so the same text is read a second time by tree-sitter, which gives places.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Path = tuple[str | int, ...]
"""The way to a value: keys of tables and indexes of arrays."""


class Place(NamedTuple):
    """A place in a file, both numbers from 1; 0 when it is not known."""

    line: int
    column: int


NOWHERE = Place(0, 0)


class Positions:
    """The places of all keys and values of one file that ``tomllib`` could read."""

    def __init__(self, source: bytes) -> None:
        self._lines = source.split(b"\n")
        self._keys: dict[Path, Place] = {}
        self._values: dict[Path, Place] = {}
        self._counts: dict[Path, int] = {}
        tree = Parser(Language(tree_sitter_toml.language())).parse(source)
        for node in tree.root_node.named_children:
            self._add_part(node)

    def key(self, path: Path) -> Place:
        """Return where the key of this path is written, else where the nearest table around it is."""
        return self._nearest(path, self._keys)

    def value(self, path: Path) -> Place:
        """Return where the value of this path begins; for a table its heading."""
        return self._values.get(path) or self._keys.get(path) or (self.value(path[:-1]) if path else NOWHERE)

    def _nearest(self, path: Path, places: dict[Path, Place]) -> Place:
        while path:
            if path in places:
                return places[path]
            path = path[:-1]
        return NOWHERE

    def _add_part(self, node: Node) -> None:
        if node.type == "pair":
            self._add_pair((), node)
        elif node.type in {"table", "table_array_element"}:
            heading, *pairs = [child for child in node.named_children if child.type != "comment"]
            path = self._add_heading(heading, repeated=node.type == "table_array_element")
            for pair in pairs:
                self._add_pair(path, pair)

    def _add_heading(self, heading: Node, *, repeated: bool) -> Path:
        path: Path = ()
        parts = list(_parts(heading))
        for index, part in enumerate(parts):
            path = (*path, _name(part))
            self._keys.setdefault(path, self._place(part))
            if repeated and index == len(parts) - 1:
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
                self._keys.setdefault(path, self._place(part))
        return path

    def _add_pair(self, path: Path, pair: Node) -> None:
        if pair.type != "pair" or len(pair.named_children) < 2:
            return
        key, value = pair.named_children[:2]
        for part in _parts(key):
            path = (*path, _name(part))
            self._keys.setdefault(path, self._place(part))
        self._add_value(path, value)

    def _add_value(self, path: Path, value: Node) -> None:
        self._values[path] = self._place(value)
        children = [child for child in value.named_children if child.type != "comment"]
        if value.type == "inline_table":
            for pair in children:
                self._add_pair(path, pair)
        elif value.type == "array":
            for index, element in enumerate(children):
                self._add_value((*path, index), element)

    def _place(self, node: Node) -> Place:
        row, column = node.start_point
        before = self._lines[row][:column].decode("utf-8", "replace")
        return Place(row + 1, len(before) + 1)


def _parts(key: Node) -> Iterable[Node]:
    """Return the parts of a key in order; a dotted key nests to the left, as deep as it is long."""
    found: list[Node] = []
    while key.type == "dotted_key":
        *rest, last = key.named_children
        found.append(last)
        if not rest:
            break
        found.extend(reversed(rest[1:]))
        key = rest[0]
    else:
        found.append(key)
    return reversed(found)


def _name(key: Node) -> str:
    text = (key.text or b"").decode("utf-8", "replace")
    return text if key.type == "bare_key" else next(_unquoted(text), text)


def _unquoted(text: str) -> Iterator[str]:
    yield from tomllib.loads(f"{text} = 0")
