"""People: who did something by hand, and why, as the record keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from messenger.errors import UsageError

PERSON: Final = "staff "
"""How the cause of a change begins when a person made it: ``staff Ann: the buyer called``."""
LONGEST: Final = 200
"""Characters of a name or a reason."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who, and why; the reason may be empty."""

    name: str
    why: str = ""

    @classmethod
    def of(cls, by: str, why: str = "") -> Person:
        """Return the person, in printable text on one line.

        Raises:
            UsageError: nobody is named.
        """
        name = _clean(by)
        if not name:
            raise UsageError("say who you are: --by NAME")
        return cls(name, _clean(why))

    def __str__(self) -> str:
        return f"{PERSON}{self.name}: {self.why}" if self.why else f"{PERSON}{self.name}"

    @property
    def detail(self) -> dict[str, str]:
        """What the record keeps beside the change."""
        return {"by": self.name, "why": self.why} if self.why else {"by": self.name}


def _clean(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())[:LONGEST]
