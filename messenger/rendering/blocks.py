"""The blocks of a template's body: paragraphs, list items, headings, and the lines of structure between them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

TAG: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_STATEMENTS: Final = re.compile(r"[ \t]*(?:(?:\{%(?:(?!%\}).)*%\}|\{#(?:(?!#\}).)*#\})[ \t]*)+", re.DOTALL)
_CODE: Final = re.compile(r"[ \t]*(`{3,}|~{3,})")
_HEADING: Final = re.compile(r" {0,3}#{1,6}[ \t]+(?=\S)")
_ITEM: Final = re.compile(r"[ \t]*(?:[-*+]|(\d{1,9})[.)])[ \t]+(?=\S)")
_QUOTE: Final = re.compile(r" {0,3}>[ \t]?")
_UNDERLINE: Final = re.compile(r" {0,3}(?:=+|-+)[ \t]*")
_RULE: Final = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*")
_BLANKS: Final = re.compile(r"[ \t]*")


class Kind(StrEnum):
    """What a piece is; the words are those of notes for translators."""

    SUBJECT = "subject"
    PREHEADER = "preheader"
    HEADING = "heading"
    ITEM = "list item"
    QUOTE = "quotation"
    PARAGRAPH = "paragraph"
    CODE = "block"
    PHRASE = "phrase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    r"""One piece of text.

    Args:
        kind: what it is.
        name: ``subject``, ``preheader``, a phrase's name; empty in a body.
        text: what a translator reads and writes; lines are parted by ``\n``, marks such as ``- `` are left out.
        line: of the file, from 1.
        start: where it begins in the file's text.
        end: where it ends.
        lead: what stands before it on its first line.
        indent: what its further lines begin with.
        inside: the conditions and loops around it, outermost first.
    """

    kind: Kind
    name: str
    text: str
    line: int
    start: int
    end: int
    lead: str = ""
    indent: str = ""
    inside: tuple[str, ...] = ()

    @property
    def has_words(self) -> bool:
        """Whether there is anything to translate: placeholders alone are the same in every language."""
        return any(one.isalpha() for one in TAG.sub("", self.text)) or "plural" in self.text

    @property
    def fingerprint(self) -> str:
        """Six hexadecimal digits that change with the text."""
        return fingerprint(self.text)


def fingerprint(text: str) -> str:
    """Return six hexadecimal digits of a text; blanks at the ends of lines do not count."""
    lines = [line.rstrip() for line in unicodedata.normalize("NFC", text).split("\n")]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:6]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A line of ``{% … %}`` that stands alone: structure, not text."""

    tag: str
    line: int


@dataclass(slots=True)
class _Open:
    """A unit whose last line has not been seen."""

    kind: Kind
    lead: str
    start: int
    end: int
    lines: list[str]
    indent: str | None = None


class Body:
    """One pass over the lines of a body."""

    def __init__(self, raw: str, start: int) -> None:
        self._raw = raw
        self._start = start
        self._items: list[Unit | Statement] = []
        self._inside: list[str] = []
        self._open: _Open | None = None
        self._fence = ""

    def items(self) -> tuple[Unit | Statement, ...]:
        """Return units and statements in order."""
        for start, end in self._lines():
            self._line(start, self._raw[start:end])
        self._close()
        return tuple(self._items)

    def _lines(self) -> Iterator[tuple[int, int]]:
        """Where lines begin and end; a line end inside a tag ends no line."""
        tags = [found.span() for found in TAG.finditer(self._raw, self._start)]
        start = self._start
        for found in re.finditer(r"\r?\n|\Z", self._raw[self._start :]):
            at = self._start + found.start()
            while tags and tags[0][1] <= at:
                tags.pop(0)
            if tags and tags[0][0] < at:
                continue
            yield start, at
            start = self._start + found.end()

    def _line(self, start: int, line: str) -> None:
        if self._fence:
            self._more(start, line)
            if line.strip().startswith(self._fence) and not line.strip().strip(self._fence[0]):
                self._close()
        elif not line.strip():
            self._close()
        elif _STATEMENTS.fullmatch(line):
            self._close()
            self._statements(start, line)
        else:
            self._text(start, line)

    def _text(self, start: int, line: str) -> None:
        now, begun = self._open, self._begun(line)
        if begun is None and _RULE.fullmatch(line) and not (_is_paragraph(now) and _UNDERLINE.fullmatch(line)):
            self._close()
        elif begun is None and now is not None:
            self._more(start, line)
        else:
            self._close()
            kind, lead = begun or (Kind.PARAGRAPH, _blanks(line))
            self._open = _Open(kind, lead, start + len(lead), start + len(line), [line[len(lead) :]])
            if found := _CODE.match(line) if kind is Kind.CODE else None:
                self._fence = found.group(1)
            if kind is Kind.HEADING:
                self._close()

    def _begun(self, line: str) -> tuple[Kind, str] | None:
        """What this line begins, and what stands before its text; None when it goes on or begins a paragraph."""
        if _CODE.match(line):
            return Kind.CODE, _blanks(line)
        if found := _HEADING.match(line):
            return Kind.HEADING, found.group()
        if _RULE.fullmatch(line):
            return None
        if found := _ITEM.match(line):
            interrupts = self._open is None or self._open.kind is Kind.ITEM or found.group(1) in {None, "1"}
            return (Kind.ITEM, found.group()) if interrupts else None
        if (found := _QUOTE.match(line)) and (self._open is None or self._open.kind is not Kind.QUOTE):
            return Kind.QUOTE, found.group()
        return None

    def _more(self, start: int, line: str) -> None:
        now = self._open
        if now is None:
            return
        lead = "" if now.kind is Kind.CODE else _blanks(line)
        if now.kind is Kind.QUOTE and (found := _QUOTE.match(line)):
            lead = found.group()
        if now.indent is None:
            now.indent = lead
        now.lines.append(line[len(lead) :])
        now.end = start + len(line)

    def _statements(self, start: int, line: str) -> None:
        at = self._raw.count("\n", 0, start) + 1
        for found in TAG.finditer(line):
            if found.group().startswith("{#"):
                continue
            tag = spaced(found.group())
            word = tag.split()[1]
            if word in {"endif", "endfor", "elif", "else"} and self._inside:
                self._inside.pop()
            if word in {"if", "for", "elif", "else"}:
                self._inside.append(tag)
            self._items.append(Statement(tag=tag, line=at))

    def _close(self) -> None:
        now, self._open, self._fence = self._open, None, ""
        if now is None:
            return
        last = now.lines[-1]
        blanks = len(last) - len(last.rstrip())
        text = "\n".join([*now.lines[:-1], last.rstrip()])
        lines = self._raw.count("\n", 0, now.start) + 1
        indent = now.indent if now.indent is not None else _indent(now)
        self._items.append(
            Unit(
                kind=now.kind, name="", text=text, line=lines, start=now.start, end=now.end - blanks, lead=now.lead,
                indent=indent, inside=tuple(self._inside),
            )
        )  # fmt: skip


def _is_paragraph(now: _Open | None) -> bool:
    return now is not None and now.kind is Kind.PARAGRAPH


def _indent(now: _Open) -> str:
    """What a second line would begin with."""
    return " " * len(now.lead) if now.kind is Kind.ITEM else now.lead


def _blanks(line: str) -> str:
    found = _BLANKS.match(line)
    return found.group() if found else ""


def spaced(tag: str) -> str:
    """Return a tag with single blanks: ``{%-if  a%}`` is ``{% if a %}``."""
    inner = tag[2:-2].strip("-+").strip()
    return f"{tag[:2]} {' '.join(inner.split())} {tag[-2:]}"
