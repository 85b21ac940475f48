"""Which pieces of a translation are older than the text they were translated from.

The front matter of a translation holds ``source``: one fingerprint of six digits for each of its units, in their order, of
the text that unit was translated from. A unit is current while its fingerprint is one of the source's units, and while it
stands inside the same conditions and loops: a condition that changed in the source alone would let a translation say what is
not true.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from messenger.rendering.segments import Document, Kind, Unit, cut, fingerprint

SOURCE_LOCALE: Final = "en"
"""Every other language is translated from this one."""
OWN: Final = "------"
"""Stands for a unit that was translated from nothing: the language's own."""
UNKNOWN: Final = "000000"
_MARK: Final = re.compile(r"[0-9a-f]{6}|-{6}")
_NAMES: Final = re.compile(r"\{\{-?\s*([\w.]+)")
_POLICY: Final = re.compile(rb"^[ \t]*when_stale[ \t]*=[ \t]*[\"'](\w+)[\"']", re.MULTILINE)


class Standing(StrEnum):
    """How a unit of a translation stands to its source."""

    CURRENT = "current"
    STALE = "stale"
    MISSING = "missing"
    SUPERFLUOUS = "superfluous"
    UNMARKED = "unmarked"
    """It was never said which text it was translated from."""
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A unit of the source and its translation.

    Args:
        id: names the source's unit; for one that has no source, the translation's own.
        source: None for what only the translation has.
        target: None for what is missing.
        index: the translation's number in its file; -1 when it is missing.
        standing: how the two stand.
        was: fingerprint of the text it was translated from; empty when that is not known.
    """

    id: str
    source: Unit | None
    target: Unit | None
    index: int
    standing: Standing
    was: str = ""


def pairs(source: Document, target: Document | None) -> tuple[Pair, ...]:
    """Return the source's units, in their order, with their translations; then what only the translation has."""
    ids, units = source.ids(), source.units
    found = _matched(source, target) if target is not None else {}
    partner = {i: j for j, i in found.items()}
    listed = [
        Pair(id=ids[i], source=unit, target=None, index=-1, standing=Standing.MISSING)
        if (j := partner.get(i)) is None or target is None
        else _pair(ids[i], unit, target, j)
        for i, unit in enumerate(units)
    ]
    if target is None:
        return tuple(listed)
    marks, own = _marks(target), target.ids()
    listed += [
        Pair(id=own[j], source=None, target=unit, index=j, standing=_alone(marks, j), was=marks[j] if marks else "")
        for j, unit in enumerate(target.units)
        if j not in found
    ]
    return tuple(listed)


def pairs_by_name(source: Document, target: Document | None) -> tuple[Pair, ...]:
    """Return phrases with their translations; nothing is known of their age."""
    there = {unit.name: (j, unit) for j, unit in enumerate(target.units)} if target else {}
    return tuple(
        Pair(id=unit.name, source=unit, target=there[unit.name][1], index=there[unit.name][0], standing=Standing.UNMARKED)
        if unit.name in there
        else Pair(id=unit.name, source=unit, target=None, index=-1, standing=Standing.MISSING)
        for unit in source.units
    )  # fmt: skip


def _pair(id_: str, unit: Unit, target: Document, j: int) -> Pair:
    marks, said = _marks(target), target.value("source").split()
    if not said:
        standing, was = Standing.UNMARKED, ""
    elif marks:
        was = marks[j]
        standing = Standing.CURRENT if was == mark_of(unit, target.units[j]) else Standing.STALE
    else:
        was = unit.fingerprint if unit.fingerprint in said else ""
        standing = Standing.CURRENT if was and is_in_place(unit, target.units[j]) else Standing.STALE
    return Pair(id=id_, source=unit, target=target.units[j], index=j, standing=standing, was=was)


def _alone(marks: Sequence[str], j: int) -> Standing:
    return Standing.OWN if marks and marks[j] == OWN else Standing.SUPERFLUOUS


def _marks(target: Document) -> tuple[str, ...]:
    """The fingerprints of a translation; none when they are not one for each unit."""
    said = target.value("source").split()
    fits = len(said) == len(target.units) and all(_MARK.fullmatch(one) for one in said)
    return tuple(said) if fits else ()


def _matched(source: Document, target: Document) -> dict[int, int]:
    """The number of each translated unit to that of its source: by fingerprint, else by kind, place and placeholders."""
    marks = _marks(target)
    found: dict[int, int] = {}
    free = list(range(len(source.units)))
    for j, mark in enumerate(marks):
        unit = target.units[j]
        same = [i for i in free if _is_marked(source.units[i], unit, mark)]
        if same:
            found[j] = next((i for i in same if is_in_place(source.units[i], unit)), same[0])
            free.remove(found[j])
    left = [j for j in range(len(target.units)) if j not in found and not (marks and marks[j] == OWN)]
    found.update(_aligned(source.units, free, target.units, left))
    return found


def _is_marked(source: Unit, target: Unit, mark: str) -> bool:
    return source.name == target.name and mark in {source.fingerprint, mark_of(source, target)}


def is_in_place(source: Unit, target: Unit) -> bool:
    """Whether a translation is written under the same conditions as its source."""
    return [one.replace("'", '"') for one in source.inside] == [one.replace("'", '"') for one in target.inside]


def mark_of(source: Unit, target: Unit) -> str:
    """Return the fingerprint of a translation that fits its source, where it stands now."""
    if is_in_place(source, target):
        return source.fingerprint
    return fingerprint("\n".join((source.text, *source.inside, OWN, *target.inside)))


def _aligned(
    sources: Sequence[Unit], rows: Sequence[int], targets: Sequence[Unit], columns: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """The best pairs of two sequences that keep their order (a longest common subsequence, weighted by likeness)."""
    best = [[0.0] * (len(columns) + 1) for _ in range(len(rows) + 1)]
    for a in range(len(rows) - 1, -1, -1):
        for b in range(len(columns) - 1, -1, -1):
            like = _likeness(sources[rows[a]], targets[columns[b]])
            both = best[a + 1][b + 1] + like if like else 0.0
            best[a][b] = max(both, best[a + 1][b], best[a][b + 1])
    a = b = 0
    while a < len(rows) and b < len(columns):
        like = _likeness(sources[rows[a]], targets[columns[b]])
        if like and best[a][b] == best[a + 1][b + 1] + like:
            yield columns[b], rows[a]
            a, b = a + 1, b + 1
        elif best[a][b] == best[a + 1][b]:
            a += 1
        else:
            b += 1


def _likeness(one: Unit, other: Unit) -> float:
    if one.kind is not other.kind or one.name != other.name:
        return 0.0
    mine, its = set(_NAMES.findall(one.text)), set(_NAMES.findall(other.text))
    shared = len(mine & its) / len(mine | its) if mine | its else 1.0
    return 1.0 + 2 * (one.inside == other.inside) + 2 * shared + (one.has_words == other.has_words)


def marked(source: Document, target: Document, *, accepts: Callable[[Pair], bool] = lambda _: True) -> str:
    """Return the translation's text with ``source`` saying that the accepted units are current.

    Args:
        source: the text it was translated from, as it is now.
        target: the translation.
        accepts: which units; the others stay as they are. A unit that the source does not have becomes the language's own.
    """
    marks = [UNKNOWN] * len(target.units)
    for pair in pairs(source, target):
        if pair.target is None:
            continue
        if pair.standing is Standing.CURRENT or accepts(pair):
            marks[pair.index] = mark_of(pair.source, pair.target) if pair.source else OWN
        else:
            marks[pair.index] = pair.was or UNKNOWN
    told = " ".join(marks)
    return target.raw if told == target.value("source") else target.with_value("source", told)


class WhenStale(StrEnum):
    """What becomes of a message whose text is older than its source; the source's front matter says it."""

    SEND = "send"
    FALLBACK = "fallback"
    HOLD = "hold"


def when_stale(source: bytes) -> WhenStale:
    """Return what a source text asks for; looks at the front matter only if it may say something."""
    if not _POLICY.search(source):
        return WhenStale.SEND
    document = _read(source)
    said = document.value("when_stale") if document else ""
    return WhenStale(said) if said in set(WhenStale) else WhenStale.SEND


@lru_cache(maxsize=1024)
def is_stale(source: bytes, target: bytes) -> bool:
    """Return whether a unit of a translation is older than its source, missing, or left over from an earlier one."""
    of_source, of_target = _read(source), _read(target)
    if of_source is None or of_target is None or not of_target.value("source"):
        return False
    old = {Standing.STALE, Standing.MISSING, Standing.SUPERFLUOUS}
    return any(pair.standing in old for pair in pairs(of_source, of_target))


def _read(raw: bytes) -> Document | None:
    try:
        return cut(raw.decode("utf-8"))
    except ValueError:
        return None


__all__ = [
    "OWN",
    "SOURCE_LOCALE",
    "Kind",
    "Pair",
    "Standing",
    "WhenStale",
    "is_in_place",
    "is_stale",
    "mark_of",
    "marked",
    "pairs",
    "pairs_by_name",
    "when_stale",
]
