"""The table of what was promised and what was seen, printed when a run of the fault suite ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

HEAD = ("bar", "size", "expected", "seen")


class Measured(Protocol):
    """Puts one promise that was put to the test into the table."""

    def __call__(self, name: str, *, size: str, expected: str, seen: str) -> None:
        """Say which promise, how large the test was, what was promised and what was seen."""
        ...


def told(states: Mapping[str, int]) -> str:
    """Return how many messages are in which state, as the table says it."""
    return ", ".join(f"{state} {number}" for state, number in sorted(states.items()))


def lines(bars: Iterable[Sequence[str]]) -> list[str]:
    """Return the table as text, columns below each other."""
    rows = [HEAD, *sorted(tuple(one) for one in bars)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
