"""Markdown with Jinja in it: Jinja is masked while Markdown and CSS are worked on, so that neither can change it.

Buyer data comes in only when the finished Jinja template is rendered, after Markdown: it can never become markup.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.token import Token

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_STATEMENT_LINE = re.compile(r"^[ \t]*((?:\{%(?:(?!%\})[^\n])*%\}[ \t]*)+)$", re.MULTILINE)
_LITERAL_BRACE = "{{ '{' }}"


OPTIONS = {"html": False, "breaks": True}
"""No HTML of an author's own; a line end in a paragraph is a line end, as a translator sees it."""


class Mask:
    """Stands in for Jinja tags by words that Markdown and CSS leave alone."""

    def __init__(self, text: str) -> None:
        mark = "zq" + hashlib.sha256(text.encode()).hexdigest()[:12]
        while mark in text.lower():
            mark += "x"
        self._mark = mark
        self._tags: list[str] = []
        self._pattern = re.compile(rf"{mark}[sp](\d+){mark}")
        self._block = re.compile(rf"(?:{mark}s\d+{mark})+")

    def hide(self, text: str) -> str:
        """Return the text with every tag replaced; lines of statements become paragraphs of their own."""
        apart = _STATEMENT_LINE.sub(lambda found: f"\n{found.group(1).strip()}\n", text)
        return _TAG.sub(self._hidden, apart)

    def hide_layout(self, layout: str) -> str:
        """Return a layout with every tag replaced; its lines stay as they are."""
        return _TAG.sub(self._hidden, layout)

    def _hidden(self, found: re.Match[str]) -> str:
        tag = found.group()
        if tag.startswith("{#"):
            return ""
        self._tags.append(tag)
        return f"{self._mark}{'s' if tag.startswith('{%') else 'p'}{len(self._tags) - 1}{self._mark}"

    def show(self, text: str, change: Callable[[str], str] = str) -> str:
        """Return the text with the tags back in their places."""
        return self._pattern.sub(lambda found: change(self._tags[int(found.group(1))]), text)

    @property
    def printed(self) -> dict[str, str]:
        """What each masked placeholder is, by the word that stands in for it."""
        tags = enumerate(self._tags)
        return {f"{self._mark}p{number}{self._mark}": tag for number, tag in tags if tag.startswith("{{")}

    def keep_braces(self, text: str) -> str:
        r"""Return a masked text in which a brace is only a brace.

        Markdown turns ``\{`` and ``&#123;`` into ``{``: unmasked, they would begin a tag that nobody has checked.
        """
        return re.sub(r"\{", self._literal_brace, text)

    def _literal_brace(self, _: re.Match[str]) -> str:
        self._tags.append(_LITERAL_BRACE)
        return f"{self._mark}p{len(self._tags) - 1}{self._mark}"

    def is_statement(self, text: str) -> bool:
        """Whether a piece consists of masked statements only."""
        return self._block.fullmatch(text.strip()) is not None

    def is_only(self, text: str, word: str) -> bool:
        """Whether a masked piece is one statement and begins with this word."""
        return re.fullmatch(rf"\{{%[-+]?\s*{word}\b((?!%\}}).)*%\}}", self.show(text), re.DOTALL) is not None


def parsed(text: str, mask: Mask) -> list[Token]:
    """Return the Markdown tokens of a masked text, statements freed of their paragraphs and loops put inside lists."""
    tokens = MarkdownIt("commonmark", OPTIONS).parse(text)
    return _loops_inside_lists(_freed(tokens, mask), mask)


def _freed(tokens: list[Token], mask: Mask) -> list[Token]:
    freed: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        inner = tokens[index + 1] if index + 1 < len(tokens) else None
        if token.type == "paragraph_open" and inner is not None and mask.is_statement(inner.content):
            freed.append(Token("statement", "", 0, content=inner.content.strip()))
            index += 3
        else:
            freed.append(token)
            index += 1
    return freed


def _loops_inside_lists(tokens: list[Token], mask: Mask) -> list[Token]:
    """``{% for %}`` before a list and ``{% endfor %}`` after it repeat the items, not the list."""
    moved = list(tokens)
    for index, token in enumerate(moved[:-1]):
        opens = moved[index + 1]
        if (
            token.type == "statement"
            and mask.is_only(token.content, "for")
            and opens.type in {"bullet_list_open", "ordered_list_open"}
        ):
            end = next(
                at
                for at in range(index + 1, len(moved))
                if moved[at].type == opens.type.replace("open", "close") and moved[at].level == opens.level
            )
            after = moved[end + 1] if end + 1 < len(moved) else None
            if after is not None and after.type == "statement" and mask.is_only(after.content, "endfor"):
                moved[index], moved[index + 1] = opens, token
                moved[end], moved[end + 1] = moved[end + 1], moved[end]
    return moved


def to_html(tokens: list[Token]) -> str:
    """Return the HTML of the tokens; text is escaped, tags stay masked."""
    renderer = MarkdownIt("commonmark", OPTIONS)
    pieces: list[str] = []
    batch: list[Token] = []
    for token in tokens:
        if token.type == "statement":
            pieces.append(renderer.renderer.render(batch, renderer.options, {}))
            pieces.append(token.content)
            batch = []
        else:
            batch.append(token)
    pieces.append(renderer.renderer.render(batch, renderer.options, {}))
    return "".join(pieces)


def to_text(tokens: list[Token]) -> str:
    """Return plain text: paragraphs apart by an empty line, list items with a dash, links with their address."""
    pieces: list[str] = []
    depth = 0
    first_in_item = False
    for token in tokens:
        if token.type == "statement":
            pieces.append(token.content)
        elif token.type == "list_item_open":
            first_in_item = True
        elif token.type in {"bullet_list_open", "ordered_list_open"}:
            depth += 1
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            depth -= 1
            pieces.append("\n" if depth == 0 else "")
        elif token.type == "inline":
            lead = "  " * (depth - 1) + ("- " if first_in_item else "  ") if depth else ""
            pieces.append(lead + _inline(token.children or []) + ("\n" if depth else "\n\n"))
            first_in_item = False
        elif token.type in {"fence", "code_block"}:
            pieces.append(token.content + "\n")
        elif token.type == "hr":
            pieces.append("---\n\n")
    return "".join(pieces)


def _inline(tokens: list[Token]) -> str:
    pieces: list[str] = []
    links: list[tuple[str, int]] = []
    for token in tokens:
        if token.type in {"text", "code_inline"}:
            pieces.append(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            pieces.append("\n")
        elif token.type == "link_open":
            links.append((str(token.attrs.get("href", "")), len(pieces)))
        elif token.type == "link_close":
            address, start = links.pop()
            if "".join(pieces[start:]) != address:
                pieces.append(f": {address}")
    return "".join(pieces)
