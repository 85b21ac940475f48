"""PO files: written so that translators see what they need, read as any editor or server may have left them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_string
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import PoFileError, PoFileParser, denormalize, normalize

from messenger.errors import Finding, TemplateError

WIDTH: Final = 77
_STRING: Final = r'"(?:[^"\\]|\\.)*"'
_LINE: Final = re.compile(rf"(?:#~\s*)?(?:(?:msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?)\s*{_STRING}|{_STRING})\s*")
_NO_FLAGS: Final = frozenset({"fuzzy", "python-format", "python-brace-format"})
"""The first is a field of its own; the others babel adds by itself to whatever looks like them."""
_CHARSET: Final = re.compile(rb'Content-Type:[^"\n]*charset=([A-Za-z0-9_.:-]+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One unit as it stands in a PO file.

    Args:
        context: names the unit.
        source: the English text.
        text: its translation; empty while there is none.
        fuzzy: it needs work.
        line: of the PO file; 0 for one that was not read.
        notes: what translators should know, a line each.
        reference: file and line of the English text.
        flags: what a translation server is told, ``fuzzy`` left out.
        previous: the English text it was translated from, where that is another one.
        comments: the translators' own.
    """

    context: str
    source: str
    text: str
    fuzzy: bool = False
    line: int = 0
    notes: tuple[str, ...] = ()
    reference: str = ""
    flags: tuple[str, ...] = ()
    previous: str = ""
    comments: tuple[str, ...] = ()

    def alike(self) -> tuple[object, ...]:
        """Return what makes two entries say the same, however their lines are wrapped."""
        notes, flags = " ".join(" ".join(self.notes).split()), sorted(", ".join(self.flags).split(", "))
        return (
            self.context,
            self.source,
            self.text,
            self.fuzzy,
            notes,
            self.reference,
            flags,
            self.previous,
            self.comments,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A PO file: its header, its entries in their order, and the obsolete ones."""

    header: Mapping[str, str]
    entries: tuple[Entry, ...]
    obsolete: tuple[Entry, ...] = ()
    comments: tuple[str, ...] = field(default=())

    def alike(self) -> tuple[object, ...]:
        """Return what makes two files say the same."""
        return [one.alike() for one in self.entries], [(one.context, one.source, one.text) for one in self.obsolete]


def header(locale: str) -> dict[str, str]:
    """Return the header of a new file."""
    return {
        "Project-Id-Version": "messenger",
        "Language": locale.replace("-", "_"),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": f"{get_plural(Locale.parse(locale.replace('-', '_'))).plural_forms};",
        "X-Source-Language": "en",
    }


def write(book: Book) -> str:
    """Return the file's text."""
    told = "".join(f"{name}: {value}\n" for name, value in book.header.items())
    lines = [*(f"# {one}".rstrip() for one in book.comments), 'msgid ""', f"msgstr {normalize(told, width=WIDTH)}", ""]
    for entry in book.entries:
        lines += [*_entry(entry), ""]
    for entry in book.obsolete:
        lines += [*(f"# {one}".rstrip() for one in entry.comments), *_strings(entry, prefix="#~ "), ""]
    return "\n".join(lines)


def _entry(entry: Entry) -> Iterator[str]:
    yield from (f"# {one}".rstrip() for one in entry.comments)
    yield from (f"#. {one}" for one in entry.notes)
    if entry.reference:
        yield f"#: {entry.reference}"
    flags = [*(["fuzzy"] if entry.fuzzy else []), *entry.flags]
    if flags:
        yield f"#, {', '.join(flags)}"
    if entry.previous:
        yield from (f"#| {line}" for line in f"msgid {normalize(entry.previous, width=WIDTH)}".split("\n"))
    yield from _strings(entry)


def _strings(entry: Entry, prefix: str = "") -> Iterator[str]:
    for word, text in (("msgctxt", entry.context), ("msgid", entry.source), ("msgstr", entry.text)):
        yield from (f"{prefix}{line}" for line in f"{word} {normalize(text, width=WIDTH)}".split("\n"))


class _Seen(Catalog):
    """Keeps every message as it was read: babel's own catalogue would make one of two that have the same name."""

    def __init__(self) -> None:
        super().__init__(charset="utf-8")
        self.seen: list[Message] = []

    def __setitem__(self, id: object, message: Message) -> None:  # noqa: A002  # babel's signature
        self.seen.append(message)


def read(file: str, raw: bytes) -> Book:
    """Return what a PO file says.

    Args:
        file: as findings name it.
        raw: its bytes.

    Raises:
        TemplateError: it cannot be read as PO or in its encoding, or names a unit twice; each place is named.
    """
    lines = re.split(r"\r\n|\r|\n", _decoded(file, raw).removeprefix("\ufeff"))
    wrong = [
        Finding(file, number, 1, "", f"is not PO: {line.strip()[:60]}", 'write msgid "…" or msgstr "…", each in quotes')
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#") and not _LINE.fullmatch(line.strip())
    ]
    if wrong:
        raise TemplateError(wrong[:20])
    catalog = _Seen()
    try:
        PoFileParser(catalog, abort_invalid=True).parse(["" if line.startswith("#~|") else line for line in lines])
    except PoFileError as error:
        raise TemplateError([Finding(file, (error.lineno or 0) + 1, 1, "", f"is not PO: {error}")]) from None
    except (IndexError, AttributeError, ValueError) as error:  # what babel raises on strings in odd places
        raise TemplateError([Finding(file, 0, 0, "", f"is not PO: {error}")]) from None
    return _book(file, catalog)


def _book(file: str, catalog: _Seen) -> Book:
    heads = [one for one in catalog.seen if not one.id]
    entries = [_read(one) for one in catalog.seen if one.id and not isinstance(one.id, tuple)]
    findings = [
        Finding(file, one.lineno or 0, 1, "", "has plural forms", "plurals stand inside a text, in plural(one=…)")
        for one in catalog.seen
        if isinstance(one.id, tuple)
    ]
    first: dict[str, Entry] = {}
    for entry in entries:
        known = first.setdefault(entry.context, entry)
        if known is not entry:
            told = f"stands here and in line {known.line}"
            findings.append(Finding(file, entry.line, 1, entry.context, told, "leave one of them"))
    if findings:
        raise TemplateError(findings)
    head = heads[0] if heads else None
    return Book(
        header=dict(message_from_string(str(head.string)).items()) if head else {}, entries=tuple(entries),
        obsolete=tuple(_read(one) for one in catalog.obsolete.values() if isinstance(one.id, str)),
        comments=tuple(head.user_comments) if head else (),
    )  # fmt: skip


def _read(message: Message) -> Entry:
    comments = [one for one in message.user_comments if not one.startswith("|")]
    flags = [one for one in message.flags if one and one not in _NO_FLAGS]
    name, line = message.locations[0] if message.locations else ("", None)
    return Entry(
        context=message.context or "", source=str(message.id), text=str(message.string or ""), fuzzy="fuzzy" in message.flags,
        line=message.lineno or 0, notes=tuple(message.auto_comments), reference=f"{name}:{line}" if line else name,
        flags=tuple(flags), previous=_previous(message.user_comments), comments=tuple(comments),
    )  # fmt: skip


def _previous(comments: Sequence[str]) -> str:
    """The English text before, out of lines such as ``#| msgid "…"``."""
    strings: list[str] = []
    wanted = False
    for one in comments:
        words = one.removeprefix("|").strip() if one.startswith("|") else ""
        if words.startswith("msg"):
            wanted = words.startswith("msgid ")
            words = words.partition(" ")[2].strip()
        if wanted and re.fullmatch(_STRING, words):
            strings.append(words)
    return denormalize("\n".join(strings)) if strings else ""


def _decoded(file: str, raw: bytes) -> str:
    """The file's text; its header says in which encoding, and that has to be true."""
    found = _CHARSET.search(raw)
    charset = found.group(1).decode().lower() if found else "utf-8"
    charset = "utf-8" if charset == "charset" else charset  # as templates of gettext have it
    remedy = "save the file as UTF-8, and let its header say charset=UTF-8"
    try:
        text = raw.decode(charset)
    except LookupError:
        raise TemplateError([Finding(file, 1, 1, "", f"has an unknown encoding {charset!r}", remedy)]) from None
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise TemplateError([Finding(file, line, 1, "", f"is not {charset.upper()}", remedy)]) from None
    if charset.replace("-", "") not in {"utf8", "ascii"} and not raw.isascii() and _is_utf8(raw):
        told = f"the header says {charset.upper()}, but the text is UTF-8"
        raise TemplateError([Finding(file, 1, 1, "", told, remedy)])
    return text


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
