"""Taking translations into the template folder: unit by unit, and no file that would not compile."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from messenger.errors import Finding, TemplateError
from messenger.rendering.compile import compile_template
from messenger.rendering.exchange.checks import problems
from messenger.rendering.exchange.sheets import Sheet, write
from messenger.rendering.segments import Unit, cut, cut_phrases
from messenger.rendering.source import read_source
from messenger.rendering.staleness import OWN, UNKNOWN, Pair, Standing, is_in_place, mark_of

_COMMENT: Final = re.compile(r"\{#.*?#\}", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a translator wants a unit to be.

    Args:
        pair: the unit.
        text: its translation.
        fuzzy: it still needs work: the unit stays, or becomes, stale.
        context: its name, for what is told.
        file: the PO file.
        line: where it stands there.
    """

    pair: Pair
    text: str
    fuzzy: bool
    context: str
    file: str
    line: int

    def refused(self, problem: str, remedy: str = "") -> Finding:
        """Return why it is not taken."""
        return Finding(self.file, self.line, 1, self.context, problem, remedy)


@dataclass(slots=True)
class Outcome:
    """What became of the wishes."""

    taken: list[str] = field(default_factory=list)
    refused: list[Finding] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    """Files that are written when the rest of them is translated, a sentence each."""
    notes: list[str] = field(default_factory=list)

    @property
    def refused_units(self) -> set[str]:
        """The names of units whose translation was not taken."""
        return {one.key for one in self.refused}


def apply(sheet: Sheet, wishes: Sequence[Wish], *, locale: str, outcome: Outcome) -> None:
    """Take in what can be taken of the wishes for one file, and write the file if that changes it."""
    fit = [wish for wish in wishes if _is_fit(sheet, wish, locale, outcome)]
    while fit:
        draft = _draft(sheet, fit)
        if isinstance(draft, str):
            outcome.waiting.append(draft)
            fit = [wish for wish in fit if not _needs_structure(wish)]
            if not fit:
                return
            draft = _draft(sheet, fit)
            if isinstance(draft, str):
                return
        wrong = _uncompilable(sheet, draft.raw, locale)
        if not wrong:
            _finish(sheet, draft, fit, outcome)
            return
        fit = _without(fit, draft, wrong, outcome)


def _is_fit(sheet: Sheet, wish: Wish, locale: str, outcome: Outcome) -> bool:
    source = wish.pair.source
    if source is None:
        return False
    old = wish.pair.target.text if wish.pair.target else None
    if sheet.is_phrases and wish.fuzzy:
        outcome.refused.append(wish.refused("is marked as fuzzy", "a phrase is right or not there: take the mark away"))
        return False
    if old is not None and wish.text == old:
        return True
    if sheet.is_phrases and wish.pair.target is None and sheet.target is not None:
        outcome.refused.append(wish.refused(f"is not in {sheet.target_file}", f'add {source.name} = "…" there first'))
        return False
    found = problems(source, old, wish.text, locale=locale)
    outcome.refused += [wish.refused(problem, remedy) for problem, remedy in found]
    return not found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A file as it would be. ``places`` maps the id of a unit to its number in the new file."""

    raw: str
    places: Mapping[str, int]
    dropped: tuple[str, ...] = ()


def _draft(sheet: Sheet, wishes: Sequence[Wish]) -> _Draft | str:
    """The file with these wishes, or why it is not written yet."""
    target = sheet.target
    if target is not None and not any(_needs_structure(wish) for wish in wishes):
        raw = target.join({wish.pair.index: wish.text for wish in wishes})
        places = {pair.id: pair.index for pair in sheet.pairs if pair.target is not None}
        return _Draft(raw=_marked(sheet, raw, wishes), places=places)
    return _rebuilt(sheet, wishes)


def _needs_structure(wish: Wish) -> bool:
    """Whether a unit is not there yet, or was left behind when the source put it under another condition."""
    pair = wish.pair
    if pair.source is None or pair.target is None:
        return True
    return pair.standing is Standing.STALE and not wish.fuzzy and not is_in_place(pair.source, pair.target)


def _rebuilt(sheet: Sheet, wishes: Sequence[Wish]) -> _Draft | str:
    """The file made anew from the source's structure; it has to be whole, as half of it would go out in English."""
    wanted = {wish.pair.id: wish.text for wish in wishes}
    if _has_its_own(sheet):
        return f"{sheet.target_file}: what is new is put in by hand, as the file has units or comments of its own"
    texts: dict[int, str] = {}
    absent = 0
    for index, pair in enumerate(one for one in sheet.pairs if one.source is not None):
        text = wanted.get(pair.id, pair.target.text if pair.target else None)
        if text is None and pair.source is not None and not pair.source.has_words:
            text = pair.source.text
        absent += text is None
        texts[index] = text or ""
    if absent:
        of = sum(pair.source is not None for pair in sheet.pairs)
        return f"{sheet.target_file}: written when all of it is translated; {absent} of {of} units are missing"
    raw = sheet.source.join(texts)
    if not sheet.is_phrases:
        raw = _without_key(_without_key(raw, "when_stale"), "source")
    places = {pair.id: index for index, pair in enumerate(one for one in sheet.pairs if one.source is not None)}
    dropped = tuple(pair.target.text for pair in sheet.pairs if pair.source is None and pair.target is not None)
    return _Draft(raw=_marked(sheet, raw, wishes, rebuilt=True), places=places, dropped=dropped)


def _has_its_own(sheet: Sheet) -> bool:
    """Whether making the file anew would lose what only it has."""
    own = any(pair.standing is Standing.OWN for pair in sheet.pairs)
    comments = set(_COMMENT.findall(sheet.target.raw)) if sheet.target else set()
    return own or bool(comments - set(_COMMENT.findall(sheet.source.raw)))


def _without_key(raw: str, key: str) -> str:
    value = cut(raw).values.get(key)
    if value is None:
        return raw
    start = raw.rfind("\n", 0, value.start) + 1
    end = raw.find("\n", value.end) + 1
    return raw[:start] + raw[end:]


def _marked(sheet: Sheet, raw: str, wishes: Sequence[Wish], *, rebuilt: bool = False) -> str:
    """The file saying which of its units are current; one that never said so only starts to when something changes."""
    if sheet.is_phrases:
        return raw
    document = cut(raw)
    untouched = sheet.target is not None and raw == sheet.target.raw
    if untouched and not document.value("source") and not any(wish.fuzzy for wish in wishes):
        return raw
    if rebuilt:
        units = [pair for pair in sheet.pairs if pair.source is not None]
    else:
        units = sorted((pair for pair in sheet.pairs if pair.target is not None), key=lambda pair: pair.index)
    by_id = {wish.pair.id: wish for wish in wishes}
    told = " ".join(_mark(pair, by_id.get(pair.id), rebuilt=rebuilt) for pair in units)
    return raw if told == document.value("source") else document.with_value("source", told)


def _mark(pair: Pair, wish: Wish | None, *, rebuilt: bool) -> str:
    """The fingerprint of the text that a unit is now a translation of."""
    if pair.source is None:
        return pair.was or OWN
    if wish is not None and wish.fuzzy:
        return pair.was if pair.standing is Standing.STALE and pair.was else UNKNOWN
    if wish is None and pair.standing is Standing.STALE:
        return pair.was or UNKNOWN
    if rebuilt or pair.target is None or pair.standing is Standing.UNMARKED:
        return pair.source.fingerprint
    return mark_of(pair.source, pair.target)


def _uncompilable(sheet: Sheet, raw: str, locale: str) -> list[Finding]:
    """Why the file could not be used."""
    if sheet.is_phrases:
        try:
            tomllib.loads(raw)
        except tomllib.TOMLDecodeError as error:
            return [Finding(sheet.target_file, 0, 0, "", f"cannot be read: {error}")]
        return []
    try:
        source = read_source(sheet.target_file, raw.encode("utf-8"))
        compile_template(source, name=sheet.template, locale=locale, variant=sheet.variant, layout="")
    except TemplateError as error:
        return list(error.findings)
    return []


def _without(wishes: Sequence[Wish], draft: _Draft, wrong: Sequence[Finding], outcome: Outcome) -> list[Wish]:
    """The wishes without those that make the file unusable; without all of them when it cannot be told which do."""
    units = cut(draft.raw).units if draft.raw.lstrip("\ufeff").startswith("+++") else cut_phrases(draft.raw).units
    guilty = {
        wish.context: finding
        for wish in wishes
        for finding in wrong
        if _covers(units[draft.places[wish.pair.id]], finding.line)
    }
    for wish in wishes:
        if wish.context in guilty or not guilty:
            finding = guilty.get(wish.context, wrong[0])
            place = "" if wish.context in guilty else f" ({finding.file}:{finding.line})"
            outcome.refused.append(
                wish.refused(f"the file could not be used any more: {finding.problem}{place}", finding.remedy)
            )
    return [wish for wish in wishes if guilty and wish.context not in guilty]


def _covers(unit: Unit, line: int) -> bool:
    return unit.line <= line <= unit.line + unit.text.count("\n")


def _finish(sheet: Sheet, draft: _Draft, wishes: Sequence[Wish], outcome: Outcome) -> None:
    outcome.taken += [wish.context for wish in wishes]
    if sheet.target is not None and draft.raw == sheet.target.raw:
        return
    write(sheet.path, draft.raw)
    outcome.written.append(sheet.target_file)
    outcome.notes += [
        f"{sheet.target_file}: left out, as the English text no longer has it: {text!r}" for text in draft.dropped
    ]
