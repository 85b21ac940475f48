"""Taking a table apart key by key: what cannot be read is noted and replaced, so that reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, TypeVar

from messenger.config.positions import Path as KeyPath
from messenger.config.reader import WARNING, Document

T = TypeVar("T")
Word = TypeVar("Word", bound=str)
Reader = Callable[[object], T]
"""Returns the typed value, or raises ``Wrong``."""

LONGEST_NUMBER: Final = 10**50
UNAVAILABLE: Final = "is not available in this version"


class Wrong(ValueError):
    """A value that cannot be used. ``inside`` leads from the value to the part that is meant."""

    def __init__(self, problem: str, remedy: str = "", *, inside: KeyPath = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.inside = inside


class Table:
    """One table of a document. Every key that is asked for is known; ``close`` reports the others."""

    def __init__(self, document: Document, path: KeyPath, values: Mapping[str, object]) -> None:
        self.document = document
        self.path = path
        self.values = values
        self._known: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def take(self, key: str, reader: Reader[T], default: T) -> T:
        """Return the value of ``key``; the default when it is missing or cannot be read."""
        self._known.add(key)
        if key not in self.values:
            return default
        try:
            return reader(self.values[key])
        except Wrong as wrong:
            self.document.add((*self.path, key, *wrong.inside), wrong.problem, wrong.remedy)
            return default

    def need(self, key: str, reader: Reader[T], default: T, *, remedy: str) -> T:
        """Return the value of ``key``; its absence is a mistake and gives the default."""
        if key not in self.values:
            self.document.add((*self.path, key), "is missing", remedy, at_key=True)
        return self.take(key, reader, default)

    def table(self, key: str) -> Table:
        """Return the table under ``key``; an empty one when it is missing or is no table."""
        return Table(self.document, (*self.path, key), self.take(key, a_table, {}))

    def maybe(self, key: str) -> Table | None:
        """Return the table under ``key``; None when there is none, or what stands there is no table."""
        inner = self.table(key)
        return inner if isinstance(self.values.get(key), Mapping) else None

    def tables(self, key: str) -> Iterator[tuple[str, Table]]:
        """Yield name and content of each table under ``key``."""
        outer = self.table(key)
        for name in outer.values:
            if isinstance(outer.values[name], Mapping):
                yield name, outer.table(name)
            else:
                outer.wrong(name, f"must be a table, got {shown(outer.values[name])}", f"write [{key}.{name}]")

    def wrong(self, key: str, problem: str, remedy: str = "", *, at_key: bool = False, inside: KeyPath = ()) -> None:
        """Note a mistake about ``key``, or about the table itself when ``key`` is empty."""
        self.document.add(self._path(key, inside), problem, remedy, at_key=at_key)

    def slip(self, key: str, problem: str, remedy: str = "", *, at_key: bool = False, inside: KeyPath = ()) -> None:
        """Note what is allowed and yet cannot be meant."""
        self.document.add(self._path(key, inside), problem, remedy, at_key=at_key, severity=WARNING)

    def _path(self, key: str, inside: KeyPath) -> KeyPath:
        return (*self.path, *((key,) if key else ()), *inside)

    def close(self) -> None:
        """Report every key that nobody asked for."""
        for key in self.values:
            if key not in self._known:
                self.wrong(key, "unknown key", nearest(key, self._known), at_key=True)


def shown(value: object) -> str:
    """Return a value as it may stand in a sentence: quoted, on one line, not too long."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, int) and abs(value) >= LONGEST_NUMBER:
        text = "a number of very many digits"  # Python does not write out more than 4300 of them
    elif isinstance(value, Mapping):
        text = "a table"
    elif isinstance(value, list):
        text = "a list"
    else:
        text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def spoken(words: Sequence[str], last: str) -> str:
    """Return words as a sentence lists them: ``a, b and c``."""
    return f" {last} ".join(one for one in (", ".join(words[:-1]), words[-1]) if one)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the known word most like this one, else the known words if they are few."""
    words = sorted(known)
    near = get_close_matches(word.casefold(), words, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(words)}" if 0 < len(words) <= 20 else ""


def a_table(value: object) -> Mapping[str, object]:
    """Return a table."""
    if not isinstance(value, Mapping):
        raise Wrong(f"must be a table, got {shown(value)}", "tables stand in { }, or below a [heading]")
    return value


def a_text(value: object) -> str:
    """Return a text on one line that is not blank and holds nothing invisible."""
    text = any_text(value)
    if not text.strip():
        raise Wrong("must not be empty")
    if not text.isprintable():
        raise Wrong(f"must be one line of visible text, got {shown(text)}")
    return text


def any_text(value: object) -> str:
    """Return a text as it is, even an empty one."""
    if not isinstance(value, str):
        raise Wrong(f"must be a text, got {shown(value)}", "texts stand in quotes")
    return value


def yes_or_no(value: object) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        raise Wrong(f"must be true or false, got {shown(value)}", "without quotes" if isinstance(value, str) else "")
    return value


def whole(low: int, high: int) -> Reader[int]:
    """Return a reader of whole numbers within these bounds."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Wrong(f"must be a whole number from {low} to {high}, got {shown(value)}")
        return value

    return read


def one_of(words: Iterable[Word], *, later: Collection[str] = ()) -> Reader[Word]:
    """Return a reader of one of these words; those of ``later`` are refused as not available."""
    known = {str(word): word for word in words}

    def read(value: object) -> Word:
        if len(known) == 1 and not isinstance(value, str):
            raise Wrong(f"can only be {shown(min(known))}, got {shown(value)}")
        text = any_text(value)
        if text in later:
            raise Wrong(f"{shown(text)} {UNAVAILABLE}", f"available: {', '.join(known)}")
        if text not in known:
            raise Wrong(f"unknown word {shown(text)}", nearest(text, known) or f"known: {', '.join(known)}")
        return known[text]

    return read


def list_of(reader: Reader[T], *, alone: bool = False) -> Reader[tuple[T, ...]]:
    """Return a reader of lists that are not empty and say nothing twice; ``alone`` also accepts a single value."""

    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            if alone:
                return (reader(value),)
            raise Wrong(f"must be a list, got {shown(value)}", "lists stand in [ ]")
        if not value:
            raise Wrong("must not be an empty list")
        found: list[T] = []
        for index, element in enumerate(value):
            try:
                one = reader(element)
            except Wrong as wrong:
                raise Wrong(wrong.problem, wrong.remedy, inside=(index, *wrong.inside)) from None
            if one in found:
                raise Wrong(f"names {shown(element)} twice", inside=(index,))
            found.append(one)
        return tuple(found)

    return read
