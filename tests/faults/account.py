"""What became of everything: what the program believes, beside what the mail server saw."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What became of everything.

    Args:
        lost: orders whose message counts as sent but never arrived.
        unlisted: Message-IDs that arrived and that no row knows.
        silent: Message-IDs that arrived although the program believes they did not leave.
        altered: Message-IDs of which two copies differ.
    """

    rows: int
    states: dict[str, int]
    copies: Counter[str]
    lost: list[str]
    unlisted: list[str]
    silent: list[str]
    altered: list[str]

    @property
    def seconds(self) -> int:
        """Return how many second copies arrived."""
        return sum(self.copies.values()) - len(self.copies)

    @property
    def is_sound(self) -> bool:
        """Whether nothing was lost, altered, or sent behind the program's back."""
        return (
            not (self.lost or self.unlisted or self.silent or self.altered)
            and max(self.copies.values(), default=0) <= 2
        )
