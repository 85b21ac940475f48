"""Text as filters see it: full-width letters, unseen characters, look-alikes and numbers for letters are undone."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

_UNSEEN: Final = re.compile("[\u00ad\u034f\u061c\u180e\ufe0f\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u206f]+")
_LEET: Final = str.maketrans("013457@$", "oieastas")
_TO_LATIN: Final = str.maketrans("асеорхукмтвніјѕ", "aceopxykmtbhijs")
_TO_CYRILLIC: Final = str.maketrans("aceopxykmtbh", "асеорхукмтвн")
_SPELLED: Final = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*]){3,}[^\W\d_](?!\w)")
_SUSPECT: Final = re.compile(
    r"[a-z][013457@$]|[013457@$][a-z]|[a-z][а-яёіјѕ]|[а-яёіјѕ][a-z]|(?<!\w)[^\W\d_][ .\-_*][^\W\d_][ .\-_*][^\W\d_][ .\-_*]"
)
_TOKEN: Final = re.compile(r"[^\s]+")
_HAS_LATIN: Final = re.compile(r"[a-z]")
_HAS_CYRILLIC: Final = re.compile(r"[а-яёіјѕԁԛԝ]")
MIXED: Final = re.compile(r"(?<![^\W\d_])(?=[^\W\d_]*[A-Za-z])(?=[^\W\d_]*[А-Яа-яЁёІіЈјЅѕ])[^\W\d_]{2,}")
"""A word with letters of both alphabets, in text that was not case-folded."""


def visible(text: str) -> str:
    """Return a text with usual letters for full-width ones and without characters that nobody sees."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).replace("\u2019", "'").replace("\u2018", "'")


@lru_cache(maxsize=512)
def normal(text: str) -> str:
    """Return a text as the word lists are written: visible, and in small letters."""
    return visible(text).casefold()


def undisguised(text: str) -> str:
    """Return normalised text with what is meant to escape a filter spelled out; the same text when nothing is."""
    if _SUSPECT.search(text) is None:
        return text
    joined = _SPELLED.sub(lambda found: re.sub(r"[ .\-_*]", "", found.group()), text)
    return _TOKEN.sub(lambda found: _plain(found.group()), joined)


def _plain(token: str) -> str:
    if token.isalpha() and token.isascii():
        return token
    latin = _HAS_LATIN.search(token) is not None
    if latin and _HAS_CYRILLIC.search(token):
        letters = len(_HAS_LATIN.findall(token)) - len(_HAS_CYRILLIC.findall(token))
        return token.translate(_TO_LATIN if letters >= 0 else _TO_CYRILLIC)
    digits = sum(one.isdigit() for one in token)
    letters = sum(one.isalpha() for one in token)
    if latin and letters > digits and (digits or "@" in token or "$" in token) and "." not in token.strip("."):
        return token.translate(_LEET)
    return token


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, without blanks around them."""
    return [
        one.strip()
        for one in re.split(r"[.!?。！？]+(?=\s|$|[\u4e00-\u9fff])|[。！？]|\n+", text)
        if one and one.strip()
    ]
