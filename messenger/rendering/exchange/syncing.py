"""Two-way exchange with a committed folder of PO files in which a translation server works.

For every unit a small state file remembers what both sides agreed on last. What changed on one side since then is carried to
the other; what changed on both is a conflict: it is named, and neither side is touched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

from messenger.errors import Finding, TemplateError
from messenger.rendering.exchange.applying import Outcome, Wish, apply
from messenger.rendering.exchange.books import book, is_fuzzy, listed
from messenger.rendering.exchange.importing import Match, matched
from messenger.rendering.exchange.po import Book, Entry, read
from messenger.rendering.exchange.po import write as written
from messenger.rendering.exchange.sheets import Sheet, locales, sheets, write
from messenger.rendering.segments import fingerprint
from messenger.rendering.staleness import Pair

Item = TypeVar("Item")
_PASSES: Final = 5
STATE: Final = ".sync.json"
_FUZZY: Final = "~"


@dataclass(slots=True, kw_only=True)
class Synced:
    """What became of one locale."""

    locale: str
    outcome: Outcome = field(default_factory=Outcome)
    conflicts: list[Finding] = field(default_factory=list)
    to_po: list[str] = field(default_factory=list)
    """Units whose change in the templates went into the PO file."""
    obsolete: list[Finding] = field(default_factory=list)
    """Translations made since the last time of an English text that is no longer there."""
    po_written: bool = False

    def followed_by(self, later: Synced) -> Synced:
        """Return what became of both passes; what is refused or in conflict is what still is."""
        outcome = replace(
            later.outcome, taken=_union(self.outcome.taken, later.outcome.taken), notes=self.outcome.notes + later.outcome.notes,
            written=_union(self.outcome.written, later.outcome.written),
        )  # fmt: skip
        return replace(
            later, outcome=outcome, to_po=_union(self.to_po, later.to_po), obsolete=_union(self.obsolete, later.obsolete),
            po_written=self.po_written or later.po_written,
        )  # fmt: skip


def _union(one: list[Item], other: list[Item]) -> list[Item]:
    return list(dict.fromkeys([*one, *other]))


def sync(folder: Path, pos: Path, *, purposes: Mapping[str, str]) -> list[Synced]:
    """Bring a template folder and a folder of PO files together; returns what became of each locale.

    Args:
        folder: the templates.
        pos: with one ``<locale>.po`` for each locale; made if it is not there.
        purposes: what each template is for.
    """
    known = {path.stem.replace("_", "-") for path in pos.glob("*.po")}
    state = _state(pos / STATE)
    before = json.dumps(state, sort_keys=True)
    done: list[Synced] = []
    for locale in sorted(known | set(locales(folder))):
        agreed = state.setdefault(locale, {})
        told = Synced(locale=locale)
        for _ in range(_PASSES):  # what was taken in can move units that have the same words: until nothing changes
            mark = dict(agreed)
            more = _Locale(folder, pos, locale, purposes, agreed).sync()
            told = told.followed_by(more)
            if not more.po_written and not more.outcome.written and mark == agreed:
                break
        done.append(told)
    if json.dumps(state, sort_keys=True) != before:
        write(pos / STATE, json.dumps(state, indent=0, sort_keys=True, ensure_ascii=False) + "\n")
    return done


def _state(path: Path) -> dict[str, dict[str, str]]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as error:
        raise TemplateError(
            [Finding(str(path), 0, 0, "", f"cannot be read: {error}", "restore it, or delete it to begin anew")]
        ) from None
    return {str(locale): {str(unit): str(mark) for unit, mark in units.items()} for locale, units in told.items()}


def _mark(text: str, *, fuzzy: bool) -> str:
    return (fingerprint(text) if text else "") + (_FUZZY if fuzzy else "")


class _Locale:
    """One locale's way through a sync."""

    def __init__(
        self, folder: Path, pos: Path, locale: str, purposes: Mapping[str, str], agreed: dict[str, str]
    ) -> None:
        self._folder = folder
        self._locale = locale
        self._purposes = purposes
        self._agreed = agreed
        self._told = Synced(locale=locale)
        usual = pos / f"{locale}.po"
        other = pos / f"{locale.replace('-', '_')}.po"
        self._path = other if other.exists() and not usual.exists() else usual
        self._file = f"{pos.name}/{self._path.name}"

    def sync(self) -> Synced:
        """Carry over what changed on one side; returns what became of it."""
        try:
            old = read(self._file, self._path.read_bytes()) if self._path.exists() else None
        except TemplateError as error:
            self._told.outcome.refused += error.findings
            return self._told
        there, findings = sheets(self._folder, self._locale)
        self._told.outcome.refused += findings
        kept = self._take(old, there) if old is not None else {}
        self._give(old, kept)
        return self._told

    def _take(self, old: Book, there: list[Sheet]) -> dict[str, Entry]:
        """Take the PO file's changes in; returns the entries that stay there as they are."""
        kept: dict[str, Entry] = {}
        wishes: dict[str, list[Wish]] = {}
        index = {
            sheet.context(pair): (sheet, pair) for sheet in there for pair in sheet.pairs if pair.source is not None
        }
        for entry in old.entries:
            match = matched(entry, index, there, self._file)
            if isinstance(match, Finding):
                self._gone(entry, match)
                continue
            verdict = self._verdict(match)
            context = match.sheet.context(match.pair)
            if verdict is not None:
                kept[context] = replace(entry, context=context)
            if isinstance(verdict, Finding):
                self._told.conflicts.append(verdict)
            elif verdict is not None:
                wishes.setdefault(match.sheet.stem, []).append(verdict)
        for sheet in there:
            if sheet.stem in wishes:
                apply(sheet, wishes[sheet.stem], locale=self._locale, outcome=self._told.outcome)
        for one in self._told.outcome.taken:
            kept.pop(one, None)
        return kept

    def _gone(self, entry: Entry, finding: Finding) -> None:
        if entry.text and self._agreed.get(entry.context) != _mark(entry.text, fuzzy=entry.fuzzy):
            self._told.obsolete.append(finding)

    def _verdict(self, match: Match) -> Wish | Finding | None:
        """What is to be done about an entry: take it in, name a conflict, or nothing."""
        entry, pair = match.entry, match.pair
        now = pair.target.text if pair.target else ""
        here = _mark(now, fuzzy=is_fuzzy(pair) and not match.late)
        in_po = _mark(entry.text, fuzzy=entry.fuzzy)
        agreed = self._agreed.get(entry.context)
        if in_po in {here, agreed} or not entry.text or (entry.fuzzy and not now):
            return None  # also a text that was emptied: it is put back
        if agreed == here or (agreed is None and not now) or (match.late and _same_text(agreed, here)):
            return self._wish(match)
        place = f"{match.sheet.target_file}:{pair.target.line}" if pair.target else match.sheet.target_file
        told = f"changed here ({_short(entry.text)}) and in {place} ({_short(now)})"
        return Finding(self._file, entry.line, 1, entry.context, told, "make both the same, and sync again")

    def _wish(self, match: Match) -> Wish:
        return Wish(
            pair=match.pair, text=match.entry.text, fuzzy=match.entry.fuzzy or match.late,
            context=match.sheet.context(match.pair), file=self._file, line=match.entry.line,
        )  # fmt: skip

    def _give(self, old: Book | None, kept: Mapping[str, Entry]) -> None:
        """Write the PO file as the templates now are, but for what stays as it is there; remember what is agreed on."""
        there, _ = sheets(self._folder, self._locale)
        fresh = book(there, self._locale, purposes=self._purposes, earlier=old)
        before = {one.context: one for one in old.entries} if old else {}
        entries = tuple(_keeping(one, kept.get(one.context)) for one in fresh.entries)
        self._told.to_po += [
            one.context
            for one in entries
            if old is not None and one.context not in kept and _differs(one, before.get(one.context))
        ]
        fresh = replace(fresh, entries=entries)
        if old is None or fresh.alike() != old.alike():
            write(self._path, written(fresh))
            self._told.po_written = True
        self._remember(there, kept)

    def _remember(self, there: list[Sheet], kept: Mapping[str, Entry]) -> None:
        marks: dict[str, str] = {}
        for sheet, pair in listed(there):
            context, mark = sheet.context(pair), _of(pair)
            stays = kept.get(context)
            if stays is None or _mark(stays.text, fuzzy=stays.fuzzy) == mark:
                marks[context] = mark
            elif context in self._agreed:
                marks[context] = self._agreed[context]
        self._agreed.clear()
        self._agreed.update(marks)


def _of(pair: Pair) -> str:
    return _mark(pair.target.text if pair.target else "", fuzzy=is_fuzzy(pair))


def _same_text(agreed: str | None, here: str) -> bool:
    return agreed is not None and agreed.removesuffix(_FUZZY) == here.removesuffix(_FUZZY)


def _differs(one: Entry, other: Entry | None) -> bool:
    return (one.text, one.fuzzy) != ((other.text, other.fuzzy) if other else ("", False))


def _keeping(fresh: Entry, kept: Entry | None) -> Entry:
    return fresh if kept is None else replace(fresh, text=kept.text, fuzzy=kept.fuzzy)


def _short(text: str) -> str:
    one = " ".join(text.split())
    return repr(one if len(one) <= 40 else one[:39] + "…") if one else "nothing"
