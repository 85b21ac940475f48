"""What a sheet holds that was left aside: nothing is dropped in silence, and nobody has to read it row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Aside(StrEnum):
    """Why a value was left aside; the text ends a sentence that begins with how many rows."""

    STATUS = "a status that is not known: what their times tell is used"
    COUNTRY = "a country that is not known: without it neither language nor clock of the buyer is"
    EMAIL = "no e-mail address that could be written to"
    CURRENCY = "an amount without its currency"
    AMOUNT = "no amount"


LONGEST: Final = 40


@dataclass(slots=True)
class _Count:
    first: int
    header: str
    example: str
    rows: int = 0


@dataclass(slots=True)
class Notes:
    """Counts what was left aside, by kind."""

    unknown: tuple[str, ...] = ()
    """Headers that nobody knows."""
    header_line: int = 1
    _counts: dict[Aside, _Count] = field(default_factory=dict)

    def add(self, kind: Aside, *, line: int, header: str, value: object) -> None:
        """Note one value."""
        text = str(value)
        example = text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
        self._counts.setdefault(kind, _Count(line, header, example)).rows += 1

    def sentences(self, file: str) -> Iterator[str]:
        """Yield what there is to be said, one sentence each."""
        if self.unknown:
            yield f"{file}:{self.header_line}: columns that are not known were left aside: {_listed(self.unknown)}"
        for kind, count in self._counts.items():
            rows = "row has" if count.rows == 1 else "rows have"
            yield f"{file}:{count.first}: {count.header}: {count.rows} {rows} {kind} (first: {count.example!r})"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
