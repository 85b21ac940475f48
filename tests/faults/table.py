"""The table of what was promised and what was seen, printed when a run of the fault suite ends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """One promise, put to the test: which, how large the test was, what was promised, what was seen."""

    name: str
    size: str
    expected: str
    seen: str


BARS: list[Bar] = []
"""What this run has measured."""


def measured(name: str, *, size: str, expected: str, seen: str) -> None:
    """Put a line into the table."""
    BARS.append(Bar(name, size, expected, seen))


def lines() -> list[str]:
    """Return the table as text, columns below each other."""
    rows = [("bar", "size", "expected", "seen"), *((one.name, one.size, one.expected, one.seen) for one in BARS)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
