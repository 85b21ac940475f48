"""Screening: which of many lists of phrases could match in a text, found out for all of them at once.

Every phrase needs one of its needles, every needle the piece of it that is rarest: lists none of whose pieces are in the text
are ruled out by one intersection of sets.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from messenger.rendering.policy.phrases import Phrases

PIECE: Final = 3
"""Signs of a piece in languages that put blanks between words; the others say more with fewer."""
PIECE_UNSPACED: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """The pieces of one language's lists.

    Args:
        size: signs of a piece.
        lists: by piece, the lists that may match where it stands.
        always: lists with needles shorter than a piece.
    """

    size: int
    lists: Mapping[str, frozenset[str]]
    always: frozenset[str]


@dataclass(slots=True)
class View:
    """A text that is asked about many lists."""

    text: str
    _pieces: dict[int, set[str]] = field(default_factory=dict)
    _worth: dict[Screen, frozenset[str]] = field(default_factory=dict)

    def worth_trying(self, screen: Screen) -> frozenset[str]:
        """Return the lists that may match; all others do not."""
        found = self._worth.get(screen)
        if found is None:
            there = screen.lists.keys() & self._cut(screen.size)
            found = self._worth[screen] = screen.always.union(*(screen.lists[piece] for piece in there))
        return found

    def _cut(self, size: int) -> set[str]:
        pieces = self._pieces.get(size)
        if pieces is None:
            text = self.text
            pieces = self._pieces[size] = {text[at : at + size] for at in range(len(text) - size + 1)}
        return pieces


def screen_of(lists: Mapping[str, Phrases], *, spaced: bool) -> Screen:
    """Return the screen for these lists."""
    size = PIECE if spaced else PIECE_UNSPACED
    needles = {name: set(phrases.needles) for name, phrases in lists.items()}
    common = Counter(sign for one in needles.values() for needle in one for sign in needle)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for name, mine in needles.items():
        for needle in (one for one in mine if len(one) >= size):
            found[_rarest(needle, size, common)].add(name)
    return Screen(
        size=size,
        lists={piece: frozenset(names) for piece, names in found.items()},
        always=frozenset(name for name, mine in needles.items() if min(map(len, mine), default=0) < size),
    )


def _rarest(needle: str, size: int, common: Mapping[str, int]) -> str:
    def weight(piece: str) -> int:
        return sum(common[sign] for sign in piece)

    pieces: Iterable[str] = (needle[at : at + size] for at in range(len(needle) - size + 1))
    return min(pieces, key=weight)
