"""Names and titles as they may be shown: one harmless line, and a salutation that one could say."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"
"""Without these two Persian and Indic names would be misspelt; all other unseen characters are dropped."""


def clean(text: str, *, keeping: str = "") -> str:
    """Return a name or title as one harmless line: no control or direction characters but those to keep, single spaces."""
    if text.isprintable():  # holds no character of the categories below
        return " ".join(text.split())
    kept = "".join(
        " " if unicodedata.category(one) in {"Cc", "Zl", "Zp"} else one
        for one in text
        if one in _JOINERS or one in keeping or unicodedata.category(one) not in {"Cf", "Cs"}
    )
    return " ".join(kept.split())


def spoken_name(name: str | None) -> str | None:
    """Return the buyer's name as one writes it in a salutation; None when there is none that one could say."""
    cleaned = clean(name or "")
    if not any(one.isalpha() for one in cleaned):
        return None
    shown = cleaned if len(cleaned) <= 60 else cleaned[:59].rstrip() + "…"
    letters = [one for one in shown if one.isalpha()]
    is_name = re.fullmatch(r"[\w .'’-]+", shown) is not None
    if (
        is_name
        and len(letters) > 2
        and (shown == shown.upper() or shown == shown.lower())
        and shown.upper() != shown.lower()
    ):
        return shown.title()
    return shown
