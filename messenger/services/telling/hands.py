"""What people do at a desk, as a timeline tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from messenger.ports import Entry
from messenger.services.telling.narrator import Narrator, shown

DONE: Final[Mapping[str, str]] = {
    "opened": "opened by {by}, to be sent by hand",
    "edited": "{by} changed the text",
    "sent_again": "{by} sent it by hand as well",
    "undone": "{by} took back what they had said",
    "told": "{by} told so",
}
"""By what the record calls it."""


def told_at_a_desk(entry: Entry, by: str, narrator: Narrator) -> str:
    """Return what a person did with a message at a desk, or took back; empty for any other line of the record."""
    detail = dict(entry.detail or {})
    if entry.what in DONE:
        text = detail.get("text")
        return DONE[entry.what].format(by=by) + (f": {shown(text)}" if text else "")
    if "undone" not in detail:
        return ""
    return f"{DONE['undone'].format(by=by)}; it {narrator.standing(entry.what, entry.reason, entry.because)}"


def by_hand(entry: Entry, by: str) -> str:
    """Return by whose hand a message left; nothing when no person sent it."""
    if not by:
        return ""
    return f", by hand ({by})" + (", with a text of their own" if "edited" in (entry.detail or {}) else "")
