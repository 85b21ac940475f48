"""A language that nobody speaks: English, accented, bracketed and a third longer.

What is still plain English in a preview was not in any template; what is cut off or breaks the page will do so in German.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path
from typing import Final

from babel import Locale

from messenger.errors import UsageError
from messenger.rendering.blocks import TAG
from messenger.rendering.catalogue import PHRASES
from messenger.rendering.formats import plural_categories
from messenger.rendering.segments import Document, Kind, cut, cut_phrases
from messenger.rendering.staleness import SOURCE_LOCALE

LOCALE: Final = "en-150"
"""English as nowhere in particular: the formats of a language that CLDR knows."""
RTL_LOCALE: Final = "he"
LONGER: Final = 0.35
_ACCENTED: Final = dict(
    zip(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "ÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽåƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž",
        strict=True,
    )
)
_HEBREW: Final = "אבגדהוזחטיכלמנסעפצקרשתאבגד"
_RIGHT_TO_LEFT: Final = {
    letter: _HEBREW[index % 26] for index, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
}
_KEPT: Final = re.compile(
    TAG.pattern + r"|\]\((?:\{\{.*?\}\}|[^)])*\)|https?://[^\s<>]*|mailto:[^\s<>)]*|&#?\w+;|\\.|\{\w*\}", re.DOTALL
)
_FORM: Final = re.compile(r"""(\w+)=("[^"]*"|'[^']*')""")
_UNDERLINED: Final = re.compile(r"(\n[ ]{0,3}(?:=+|-+)[ \t]*)$")
_FILLING: Final = "lorem ipsum dolor sit amet consectetur adipiscing elit "


def pseudo(text: str, *, locale: str = LOCALE) -> str:
    """Return a text in the pseudo-language; placeholders, tags, links and addresses stay as they are."""
    letters = _RIGHT_TO_LEFT if locale == RTL_LOCALE else _ACCENTED
    if not any(one.isalpha() for one in _KEPT.sub("", text)) and "plural" not in text:
        return text
    line = _UNDERLINED.search(text)
    words = text[: line.start()] if line else text
    filling = _filling(len(_KEPT.sub("", words)), letters)
    made = "".join(
        _tag(piece, letters, locale) if is_kept else _changed(piece, letters) for piece, is_kept in _pieces(words)
    )
    return f"⟦{made} {filling}⟧{line.group(1) if line else ''}"


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    at = 0
    for found in _KEPT.finditer(text):
        yield text[at : found.start()], False
        yield found.group(), True
        at = found.end()
    yield text[at:], False


def _changed(text: str, letters: Mapping[str, str]) -> str:
    return "".join(letters.get(one, one) for one in text)


def _filling(length: int, letters: Mapping[str, str]) -> str:
    wanted = max(1, ceil(length * LONGER) - 3)  # the brackets and a blank count as well
    return _changed((_FILLING * (wanted // len(_FILLING) + 1))[:wanted].strip() or "l", letters)


def _tag(tag: str, letters: Mapping[str, str], locale: str) -> str:
    """A tag as it is, but for the forms of a plural: they are text, one for each the language has."""
    head, plural, rest = tag.partition("plural(")
    if not tag.startswith("{{") or not plural:
        return tag
    forms = {found.group(1): found.group(2) for found in _FORM.finditer(rest)}
    wanted = sorted(plural_categories(Locale.parse(locale.replace("-", "_"))))
    told = ", ".join(f"{one}={_changed(forms.get(one, forms['other']), letters)}" for one in wanted if "other" in forms)
    return f"{head}plural({told}{rest[rest.rindex(')') :]}" if told and ")" in rest else tag


def translated(document: Document, *, locale: str = LOCALE) -> str:
    """Return a whole file in the pseudo-language."""
    return document.join(
        {
            index: pseudo(unit.text, locale=locale)
            for index, unit in enumerate(document.units)
            if unit.kind is not Kind.CODE
        }
    )


def make(home: Path, output: Path, *, locale: str = LOCALE) -> list[str]:
    """Make a small home with English and the pseudo-language, so that no buyer ever gets it; returns what was written.

    Args:
        home: with ``templates`` and ``schedules.toml``.
        output: a folder; files in it are replaced.
        locale: ``LOCALE`` or ``RTL_LOCALE``.

    Raises:
        UsageError: the output is the home itself, or a file cannot be read.
    """
    if output.resolve() == home.resolve():
        raise UsageError(f"{output} is the home itself: buyers would get these texts; name another folder")
    templates = output / "templates"
    for name in ("_layout", SOURCE_LOCALE):
        if (home / "templates" / name).is_dir():
            shutil.copytree(home / "templates" / name, templates / name, dirs_exist_ok=True)
    if (home / "schedules.toml").is_file():
        shutil.copyfile(home / "schedules.toml", output / "schedules.toml")
    (templates / locale).mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    for path in sorted((home / "templates" / SOURCE_LOCALE).iterdir()):
        if path.name == PHRASES or (path.suffix == ".md" and path.stem != "STYLE"):
            document = _document(path)
            (templates / locale / path.name).write_bytes(translated(document, locale=locale).encode("utf-8"))
            written.append(f"templates/{locale}/{path.name}")
    return written


def _document(path: Path) -> Document:
    try:
        raw = path.read_bytes().decode("utf-8")
        return cut_phrases(raw) if path.name == PHRASES else cut(raw)
    except ValueError as error:
        raise UsageError(f"{path}: {error} (messenger check tells more)") from None
