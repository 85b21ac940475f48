"""The small language of the word lists: phrases that staff can write, made into patterns that are quick to try.

``word*`` has any ending, ``(a|b)`` is one of them, ``...`` stands for some words of the same sentence, ``@name`` for any
phrase of a set. Where a list needs more (a number of digits), the usual signs of regular expressions may be written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_GAP: Final = r"[^.!?。！？\n]{0,60}?"
_MARK: Final = "\0"
_MOST_NEEDLES: Final = 12


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of one list. A phrase is tried only on a text that holds one of its ``needles``."""

    tried: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]

    @property
    def needles(self) -> Iterator[str]:
        """Strings one of which is in every text in which any of them stands."""
        return (needle for needles, _ in self.tried for needle in needles)

    def search(self, text: str) -> re.Match[str] | None:
        """Return where any of them stands in normalised text."""
        for needles, pattern in self.tried:
            for needle in needles:
                if needle in text:
                    if (found := pattern.search(text)) is not None:
                        return found
                    break
        return None

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield every place where one of them stands."""
        for needles, pattern in self.tried:
            if any(needle in text for needle in needles):
                yield from pattern.finditer(text)


def phrases_of(told: Sequence[str], sets: Mapping[str, Sequence[str]], *, spaced: bool) -> Phrases:
    """Return the phrases of a list.

    Args:
        told: as they stand in a word list.
        sets: what ``@name`` stands for.
        spaced: whether the language puts blanks between words; only then a phrase starts and ends with whole words.
    """
    return Phrases(
        tuple(
            (needles_of(one.casefold()), re.compile(_bounded(_pattern(one.casefold(), sets), spaced=spaced)))
            for one in told
        )
    )


def needles_of(phrase: str) -> tuple[str, ...]:
    """Return strings one of which is in every text that a phrase matches; an empty one when nothing can be told."""
    best: tuple[str, ...] = ("",)
    for needles in _needed(phrase):
        if min(map(len, needles)) > min(map(len, best)) and len(needles) <= _MOST_NEEDLES:
            best = needles
    return best


def _needed(phrase: str) -> Iterator[tuple[str, ...]]:
    """What the parts of a phrase need: a run of plain signs, or one of what stands between brackets."""
    at = 0
    while at < len(phrase):
        if phrase[at] == "(":
            end = _closing(phrase, at)
            if phrase[end + 1 : end + 2] not in {"?", "*", "{"}:
                inner = [needles_of(one) for one in _split(phrase[at + 1 : end])]
                yield tuple(dict.fromkeys(needle for one in inner for needle in one))
            at = end + 1
            continue
        found = _RUN.match(phrase, at) or _OTHER.match(phrase, at)
        assert found is not None, phrase  # noqa: S101  # _OTHER takes any sign
        if found.re is _RUN:
            yield (found.group(),)
        at = found.end()


_RUN: Final = re.compile(r"(?:[^\\()\[\]{}?*+.|@ ](?![?{]|(?<=\W)\*))+")
"""Plain signs, none of which may be left out."""
_OTHER: Final = re.compile(r"\[[^\]]*\]|\{[^}]*\}|\\.|@\w+|.")


def _closing(phrase: str, start: int) -> int:
    depth = 0
    for at in range(start, len(phrase)):
        depth += (phrase[at] == "(") - (phrase[at] == ")")
        if depth == 0:
            return at
    raise ValueError(f"a bracket is never closed in {phrase!r}")


def _split(inner: str) -> list[str]:
    """The alternatives between brackets."""
    found, depth = [""], 0
    for sign in inner:
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += sign
    return found


def _pattern(phrase: str, sets: Mapping[str, Sequence[str]]) -> str:
    for name, members in sets.items():
        phrase = phrase.replace(f"@{name}", f"(?:{'|'.join(members)})")
    phrase = phrase.replace("...", _MARK)
    phrase = re.sub(r"(?<=\w)\*", r"\\w*", phrase)
    phrase = re.sub(r"\((?!\?)", "(?:", phrase)
    phrase = re.sub(r" ?\0 ?", lambda _: _MARK, phrase)
    phrase = re.sub(r" (\??)(?![^\[\]]*\])", lambda blank: r"\s*" if blank.group(1) else r"\s+", phrase)
    return phrase.replace(_MARK, rf"\b{_GAP}\b")


def _bounded(pattern: str, *, spaced: bool) -> str:
    if not spaced:
        return f"(?:{pattern})"
    start = "" if pattern.startswith("%") else r"(?<!\w)"
    return rf"{start}(?:{pattern})(?!\w)"
