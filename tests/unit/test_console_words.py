"""The console speaks en, zh and ru: every phrase of its pages is in each catalogue, with the same places to fill."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Final

import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from messenger.console.showing import NAVIGATION
from messenger.services.speaking.words import LANGUAGES

ROOM: Final = Path(__file__).parents[2] / "messenger" / "console"
PLACE: Final = re.compile(r"%\((\w+)\)s")
OURS: Final = frozenset({"messenger", "·", ":", "/"})


def phrases() -> set[str]:
    """Everything the console says in its own words."""
    found = {name for _, name, _ in NAVIGATION}
    for path in ROOM.glob("pages/*.html"):
        source = io.BytesIO(path.read_bytes())
        found |= {_first(text) for _, _, text, _ in babel_extract(source, ("_", "gettext"), [], {"trimmed": "true"})}
    for path in ROOM.glob("*.py"):
        source = io.BytesIO(path.read_bytes())
        found |= {str(text) for _, text, _, _ in extract("python", source, keywords={"say": None})}
    return found - {""}


def _first(told: object) -> str:
    """The phrase among what a call is given; empty where it is a name and not a phrase."""
    text = told[0] if isinstance(told, tuple) else told
    return text if isinstance(text, str) else ""


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_each_phrase_is_in_the_catalogue_and_nothing_else(language: str) -> None:
    with (ROOM / "locale" / f"{language}.po").open("rb") as source:
        catalogue = read_po(source, locale=language)
    kept = {str(one.id): one for one in catalogue if one.id}

    assert set(kept) == phrases()
    for one in kept.values():
        assert one.string
        assert not one.fuzzy
        assert set(PLACE.findall(str(one.id))) == set(PLACE.findall(str(one.string)))


def test_pages_hold_no_word_that_is_not_in_a_catalogue() -> None:
    for path in ROOM.glob("pages/*.html"):
        if path.name == "unsubscribe.html":
            continue  # it speaks to buyers, by a table of its own
        bare = re.sub(
            r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL
        )
        assert set(bare.split()) <= OURS, path.name
