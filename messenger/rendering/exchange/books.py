"""A locale's texts as one PO file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from messenger.rendering.exchange.notes import Samples, flags, notes
from messenger.rendering.exchange.po import Book, Entry, header
from messenger.rendering.exchange.sheets import Sheet
from messenger.rendering.segments import fingerprint
from messenger.rendering.staleness import Pair, Standing, is_in_place


def listed(sheets: Sequence[Sheet]) -> Iterator[tuple[Sheet, Pair]]:
    """Yield every unit that translators get: all of the source with words, and others only while they are not right."""
    for sheet in sheets:
        for pair in sheet.pairs:
            wrong = pair.standing in {Standing.STALE, Standing.MISSING} and sheet.target is not None
            if pair.source is not None and (pair.source.has_words or wrong):
                yield sheet, pair


def memory(book: Book | None) -> dict[str, str]:
    """Return the English texts that an earlier file knows, by their fingerprints."""
    if book is None:
        return {}
    told = [one.previous for one in book.entries if one.previous]
    told += [one.source for one in (*book.obsolete, *book.entries)]
    return {fingerprint(text): text for text in told}


def is_fuzzy(pair: Pair) -> bool:
    """Whether a translation needs work."""
    return pair.standing is Standing.STALE


def book(sheets: Sequence[Sheet], locale: str, *, purposes: Mapping[str, str], earlier: Book | None = None) -> Book:
    """Return everything a locale's translators work on.

    Args:
        sheets: its files.
        locale: its tag.
        purposes: what each template is for.
        earlier: the file as it was; gives its header, the translators' comments, and English texts of before.
    """
    samples, known = Samples(), memory(earlier)
    before = {_key(one): one for one in earlier.entries} if earlier else {}
    entries: list[Entry] = []
    present: set[tuple[str, str]] = set()
    for sheet, pair in listed(sheets):
        if (unit := pair.source) is None:
            continue
        context = sheet.context(pair)
        fuzzy = is_fuzzy(pair)
        was = known.get(pair.was, "") if fuzzy and pair.was != unit.fingerprint else ""
        keys = ((sheet.stem, unit.fingerprint), *([(sheet.stem, pair.was)] if fuzzy else []))
        present.update(keys)
        comments = next((before[key].comments for key in keys if key in before), ())
        entries.append(
            Entry(
                context=context, source=unit.text, text=pair.target.text if pair.target else "", fuzzy=fuzzy,
                notes=(*notes(sheet, unit, locale=locale, purpose=purposes.get(sheet.template, ""), samples=samples), *_moved(pair)),
                reference=f"{sheet.source_file}:{unit.line}", flags=flags(unit), previous=was, comments=comments,
            )
        )  # fmt: skip
    head = dict(earlier.header) if earlier and earlier.header else header(locale)
    return Book(
        header=head | {"Content-Type": "text/plain; charset=UTF-8"}, entries=tuple(entries),
        obsolete=_obsolete(earlier, present), comments=earlier.comments if earlier else (),
    )  # fmt: skip


def _moved(pair: Pair) -> tuple[str, ...]:
    """What a translator cannot see in the words."""
    if not is_fuzzy(pair) or pair.source is None or pair.target is None or is_in_place(pair.source, pair.target):
        return ()
    return (
        f"Moved: the translation stands inside {' '.join(pair.target.inside) or 'no condition'}; taken in, it moves",
    )


def _key(entry: Entry) -> tuple[str, str]:
    """What an entry is about, whatever its unit is called now: the file and the English text."""
    return entry.context.rpartition("/")[0], fingerprint(entry.source)


def _obsolete(earlier: Book | None, present: Collection[tuple[str, str]]) -> tuple[Entry, ...]:
    """What the source no longer has, kept for a translator who may need the words again."""
    if earlier is None:
        return ()
    gone = [one for one in (*earlier.obsolete, *earlier.entries) if _key(one) not in present and one.text]
    return tuple({one.context: one for one in gone}.values())
