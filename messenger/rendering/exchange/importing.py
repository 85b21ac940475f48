"""Taking a translator's PO file in: what is fit goes into the template folder, what is not is named with its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from messenger.errors import Finding, TemplateError, UsageError
from messenger.rendering.exchange.applying import Outcome, Wish, apply
from messenger.rendering.exchange.books import is_fuzzy
from messenger.rendering.exchange.po import Book, Entry, read
from messenger.rendering.exchange.sheets import Sheet, checked, sheets
from messenger.rendering.segments import fingerprint
from messenger.rendering.staleness import Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An entry of a PO file and the unit it is about. ``late``: it translates an English text of before."""

    entry: Entry
    sheet: Sheet
    pair: Pair
    late: bool


def import_file(folder: Path, file: str, raw: bytes, *, locale: str = "") -> tuple[str, Outcome]:
    """Take a PO file in; returns its locale and what became of it.

    Args:
        folder: the template folder.
        file: the PO file, as findings name it.
        raw: its bytes.
        locale: overrides the file's own ``Language``.

    Raises:
        UsageError: it is not known which language it is in.
    """
    outcome = Outcome()
    try:
        book = read(file, raw)
    except TemplateError as error:
        outcome.refused += error.findings
        return locale, outcome
    found = checked(locale or language(book, file))
    there, findings = sheets(folder, found)
    outcome.refused += findings
    index = {sheet.context(pair): (sheet, pair) for sheet in there for pair in sheet.pairs if pair.source is not None}
    wishes: dict[str, list[Wish]] = {}
    for entry in book.entries:
        match = matched(entry, index, there, file)
        if isinstance(match, Finding):
            outcome.refused.append(match)
        elif (wish := wished(match, file)) is not None:
            wishes.setdefault(match.sheet.stem, []).append(wish)
    for sheet in there:
        if sheet.stem in wishes:
            apply(sheet, wishes[sheet.stem], locale=found, outcome=outcome)
    return found, outcome


def language(book: Book, file: str) -> str:
    """Return the locale a PO file is in.

    Raises:
        UsageError: its header does not say.
    """
    told = book.header.get("Language", "").strip()
    if not told:
        raise UsageError(f'{file}: the header has no Language: add "Language: es\\n", or name it with --locale')
    return told.replace("_", "-").partition("@")[0]


def matched(entry: Entry, index: dict[str, tuple[Sheet, Pair]], there: Sequence[Sheet], file: str) -> Match | Finding:
    """Return the unit an entry is about, or why there is none."""
    found = index.get(entry.context)
    if found is not None and found[1].source is not None and found[1].source.text == entry.source:
        return Match(entry=entry, sheet=found[0], pair=found[1], late=False)
    of_before = [one for one in _stale(there, entry) if one.pair.was == fingerprint(entry.source)]
    if len(of_before) == 1:
        return of_before[0]
    if found is not None:
        problem, remedy = "the English text is another one now", "export anew, and translate from there"
    else:
        near = get_close_matches(entry.context, index, n=1, cutoff=0.8)
        problem = "there is no such unit" if entry.context else "has no msgctxt"
        remedy = f"did you mean {near[0]}?" if near else "the English text may have changed: export anew"
    return Finding(file, entry.line, 1, entry.context, problem, remedy)


def _stale(there: Sequence[Sheet], entry: Entry) -> Iterator[Match]:
    stem = entry.context.rpartition("/")[0]
    for sheet in there:
        if sheet.stem == stem:
            for pair in sheet.pairs:
                if pair.source is not None and is_fuzzy(pair):
                    yield Match(entry=entry, sheet=sheet, pair=pair, late=True)


def wished(match: Match, file: str) -> Wish | None:
    """Return what an entry asks for; None when the unit is so already."""
    entry, pair = match.entry, match.pair
    now = pair.target.text if pair.target else ""
    fuzzy = entry.fuzzy or match.late
    if entry.text == now and (not now or fuzzy == is_fuzzy(pair)):
        return None
    if fuzzy and not now:
        return None  # a server's own guess, which nobody has looked at
    return Wish(pair=pair, text=entry.text, fuzzy=fuzzy, context=entry.context, file=file, line=entry.line)
