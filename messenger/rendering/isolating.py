"""Right to left: what is filled in keeps its own direction, so that the punctuation around it stays where it belongs.

In a text that runs from right to left a parcel number or a title in Latin letters would take the full stop behind it along to
the wrong side. Marks around each such place keep it apart. They are written when a text is compiled: writing a message costs
nothing more, and texts that run from left to right stay as they are to the byte.

Source: Unicode Standard Annex 9, 2.4 (explicit isolates) and 6.1; HTML, 4.5.24 (the bdi element).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError

FIRST_STRONG: Final = "\u2068"
POP: Final = "\u2069"
MARKS: Final = FIRST_STRONG + POP
_PRINTED: Final = re.compile(
    r"\{\{(-?)\s*([^\W\d_]\w*(?:\.\w+)*)(?:\s*\|\s*(money)\b(?:(?!\}\}).)*?)?\s*(-?)\}\}", re.DOTALL
)
_TAG: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_OF_THE_LANGUAGE: Final = frozenset({"greeting", "phrases", "subject", "preheader", "body", "lang", "dir"})
"""Names that hold words of the text's own language."""
_MARKUP: Final = re.compile(
    r"<!--.*?-->|<(title|style|script|textarea)\b.*?</\1\s*>|<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>",
    re.DOTALL | re.IGNORECASE,
)


@lru_cache(maxsize=512)
def direction_of(locale: str) -> str:
    """Return ``rtl`` or ``ltr``, by CLDR; ``ltr`` for a tag that is not known."""
    try:
        return Locale.parse(locale.replace("-", "_")).text_direction
    except (UnknownLocaleError, ValueError):
        return "ltr"


def isolated(text: str) -> str:
    """Return some words between marks."""
    return f"{FIRST_STRONG}{text}{POP}"


def isolate_text(template: str) -> str:
    """Return a piece of a template of plain text with marks around what is filled in.

    Addresses stay without: programs that make links of them would take the mark behind them along. They begin with a letter, so
    that they hold together by themselves.
    """
    return _TAG.sub(lambda found: _marked(found.group()), template)


def isolate_html(page: str, tags: Mapping[str, str]) -> str:
    """Return a masked page with ``bdi`` around what is filled in between its tags; attributes and titles stay as they are.

    Args:
        page: finished but for its tags of Jinja.
        tags: what each mask stands for.
    """
    if not tags:
        return page
    masks = re.compile("|".join(map(re.escape, sorted(tags, key=len, reverse=True))))
    return "".join(
        piece if is_markup else masks.sub(lambda found: _in_element(found.group(), tags), piece)
        for piece, is_markup in _pieces(page)
    )


def isolate_phrases(phrases: Mapping[str, str]) -> Mapping[str, str]:
    """Return the layout's few words with marks around the names that are filled in."""
    return {name: re.sub(r"\{\w+\}", lambda found: isolated(found.group()), text) for name, text in phrases.items()}


def _pieces(page: str) -> Iterable[tuple[str, bool]]:
    end = 0
    for found in _MARKUP.finditer(page):
        yield page[end : found.start()], False
        yield found.group(), True
        end = found.end()
    yield page[end:], False


def _in_element(mask: str, tags: Mapping[str, str]) -> str:
    found = _foreign(tags[mask])
    if found is None:
        return mask
    return _around(mask, found) if "-" in (found.group(1), found.group(4)) else f"<bdi>{mask}</bdi>"


def _marked(tag: str) -> str:
    found = _foreign(tag)
    if found is None or _is_address(found.group(2)):
        return tag
    return _around(tag, found)


def _around(shown: str, found: re.Match[str]) -> str:
    """Marks around a tag; where it takes away blanks on a side the mark does that in its stead."""
    before = f"{{{{- '{FIRST_STRONG}' }}}}" if found.group(1) else FIRST_STRONG
    after = f"{{{{ '{POP}' -}}}}" if found.group(4) else POP
    return f"{before}{shown}{after}"


def _foreign(tag: str) -> re.Match[str] | None:
    """A tag that fills in what may be of another language: a name as it is, or an amount; filters write the text's own."""
    found = _PRINTED.fullmatch(tag)
    return None if found is None or found.group(2).partition(".")[0] in _OF_THE_LANGUAGE else found


def _is_address(name: str) -> bool:
    return name.startswith("links.") or name.endswith("url")
