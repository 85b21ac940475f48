"""The table of what was promised and what was seen, printed when a run of the fault suite ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Protocol

NAME: Final = re.compile(r"(R\d+) (.*)")
"""A promise's number, as ``docs/explanation/guarantees.md`` lists it, and what is put to the test."""


class Measured(Protocol):
    """Puts one promise that was put to the test into the table."""

    def __call__(self, name: str, *, size: str, expected: str, seen: str) -> None:
        """Say which promise, how large the test was, what was promised and what was seen."""
        ...


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of it."""

    name: str
    size: str
    expected: str
    seen: str
    is_kept: bool = True
    """Whether the test has passed."""

    @property
    def number(self) -> str:
        """The promise's number; empty when it has none."""
        found = NAME.match(self.name)
        return found[1] if found else ""

    @property
    def what(self) -> str:
        """What is put to the test."""
        found = NAME.match(self.name)
        return found[2] if found else self.name

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in the table: by number, those without one last."""
        return (int(self.number[1:]) if self.number else 1000, self.what)


def told(states: Mapping[str, int]) -> str:
    """Return how many messages are in which state, as the table says it."""
    return ", ".join(f"{state} {number}" for state, number in sorted(states.items()))


def lines(bars: Iterable[Bar]) -> list[str]:
    """Return the table as text: what was promised and what was seen stand below each other."""
    found: list[str] = []
    for number, some in groupby(sorted(bars, key=lambda bar: bar.place), key=lambda bar: bar.number):
        for place, bar in enumerate(some):
            found += _lines(bar, "" if place else number)
    return found


def _lines(bar: Bar, number: str) -> Iterator[str]:
    yield f"{number:<5}{bar.what}: {bar.size}"
    yield f"       promised  {bar.expected}"
    yield f"       {'seen' if bar.is_kept else 'FAILED':<9} {bar.seen}"
