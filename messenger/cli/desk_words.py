"""What the desk says, in every language messenger speaks to people."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, format_time

from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.rules import Hold
from messenger.domain.shops import Shop
from messenger.services.home import Home
from messenger.services.speaking.words import LANGUAGES, Words, words_of
from messenger.services.telling.narrator import shown
from messenger.services.wording import sentence

SAYS_MORE: Final = frozenset({Reason.WHERE_FAILED, Reason.MISSING_DATA, Reason.POLICY, Reason.RETRY, Reason.DESK_FULL})
"""Reasons whose cause says more, as the program names it."""


@dataclass(frozen=True, slots=True)
class DeskWords:
    """The words of one language.

    Args:
        spoken: those that all of messenger shares.
        phrases: those of the desk.
    """

    spoken: Words
    phrases: Mapping[str, object]

    def say(self, key: str, **filled: str) -> str:
        """Return a phrase, by its dotted key, with its places filled."""
        found: object = self.phrases
        for part in key.split("."):
            assert isinstance(found, Mapping)  # noqa: S101  # a test asks every key
            found = found[part]
        return str(found).format(**filled)

    def count(self, key: str, number: int, **filled: str) -> str:
        """Return counted things."""
        form = self.spoken.locale.plural_form(number)
        return self.say(f"{key}.{form}", n=self.spoken.number(number), **filled)

    def time(self, at: datetime, zone: ZoneInfo, *, now: datetime | None = None) -> str:
        """Return a time of day on a clock; with its day where ``now`` is given and is another one."""
        local = at.astimezone(zone)
        told = str(format_time(local.time(), "HH:mm", locale=self.spoken.locale))
        if now is None or now.astimezone(zone).date() == local.date():
            return told
        return f"{format_skeleton('MMMEd', local, locale=self.spoken.locale)}, {told}"

    def standing(self, row: PlannedMessage, event: str = "") -> str:
        """Return how a message stands and why, as part of a sentence; ``event`` is the type of what happened."""
        told = sentence(row.state, str(row.reason or ""), self.spoken.language)
        why = self._why(row, event)
        return self.spoken.say("bracketed", text=told, more=why) if why else told

    def _why(self, row: PlannedMessage, event: str) -> str:
        if event and f"events.{event}.if" in self.spoken:
            return self.spoken.say(f"events.{event}.if")
        hold = row.because.partition(" ")[0]
        if row.state is State.HELD and hold in {*Hold}:
            return self.spoken.say(f"holds.{hold}")
        return shown(row.because) if row.reason in SAYS_MORE else ""


@cache
def _all() -> Mapping[str, Mapping[str, object]]:
    return tomllib.loads(files("messenger.cli").joinpath("desk_words.toml").read_text(encoding="utf-8"))


def desk_words(language: str) -> DeskWords:
    """Return the words of a language; of one that messenger does not speak, the English ones."""
    spoken = language.replace("_", "-").partition("-")[0].casefold()
    words = words_of(spoken if spoken in LANGUAGES else "en")
    return DeskWords(words, _all()[words.language])


def language_of(home: Home, wanted: str | None, shop: Shop | None = None) -> str:
    """Return in which language the desk speaks: the one that is wanted, else that of the shop's staff, or the first shop's."""
    told = shop or next(iter(home.shops.values()), None)
    return wanted or (told.staff_language if told is not None else "en")
