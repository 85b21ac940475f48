"""What the page of a simulation says, in every language messenger speaks to people; dates and numbers as CLDR writes them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files

from babel.dates import format_date, format_skeleton, format_time

from messenger.services.speaking.words import LANGUAGES, Words, words_of
from messenger.services.wording import reason_sentence


@dataclass(frozen=True, slots=True)
class PageWords:
    """The words of one language.

    Args:
        spoken: those that all of messenger shares.
        phrases: those of the page, by dotted key.
    """

    spoken: Words
    phrases: Mapping[str, str]
    _days: dict[date, str] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """Its tag, for the page's head."""
        return self.spoken.language

    def say(self, key: str, **filled: str) -> str:
        """Return a phrase with its places filled."""
        return self.phrases[key].format(**filled)

    def count(self, key: str, number: int) -> str:
        """Return counted things."""
        return self.say(f"{key}.{self.spoken.locale.plural_form(number)}", n=self.number(number))

    def number(self, value: int) -> str:
        """Return a number as the language writes it."""
        return self.spoken.number(value)

    def outcome(self, state: str) -> str:
        """Return how a message ended, as a heading."""
        return self.phrases.get(f"outcomes.{state}", state)

    def reason(self, reason: str, state: str) -> str:
        """Return why, as part of a sentence."""
        return reason_sentence(reason, self.language, state)

    def about(self, lack: str, name: str) -> str:
        """Return what a rule lacks: a deadline, a field, or an event, as a phrase; what has no words stays as it is."""
        key = {"deadline": f"deadlines.{name}", "detail": f"fields.{name}.name", "event": f"events.{name}.if"}.get(
            lack, ""
        )
        return self.spoken.say(key) if key in self.spoken else name

    def day(self, day: date) -> str:
        """Return a day with its year."""
        return str(format_date(day, "medium", locale=self.spoken.locale))

    def short_day(self, day: date) -> str:
        """Return a day as it stands in a timeline, with its weekday."""
        if day not in self._days:
            self._days[day] = str(
                format_skeleton("MMMEd", datetime.combine(day, datetime.min.time()), locale=self.spoken.locale)
            )
        return self._days[day]

    def time(self, at: datetime) -> str:
        """Return a time of day."""
        return _clock_time(at.hour, at.minute, self.language)

    def moment(self, at: datetime) -> str:
        """Return a day and a time."""
        return f"{self.short_day(at.date())}, {self.time(at)}"

    def hours(self, span: timedelta) -> str:
        """Return a length of time in hours and minutes."""
        minutes = round(span / timedelta(minutes=1))
        return self.say("hours", hours=self.number(minutes // 60), minutes=f"{minutes % 60:02}")


@lru_cache(maxsize=24 * 60 * len(LANGUAGES))
def _clock_time(hour: int, minute: int, language: str) -> str:
    return str(format_time(datetime(2000, 1, 1, hour, minute).time(), "short", locale=words_of(language).locale))  # noqa: DTZ001  # a wall clock


@lru_cache(maxsize=1)
def all_phrases() -> Mapping[str, Mapping[str, str]]:
    """Return every phrase of every language, by language and dotted key."""
    told = tomllib.loads(files("messenger.cli").joinpath("simulate_page.toml").read_text(encoding="utf-8"))
    return {language: _flat(phrases) for language, phrases in told.items()}


def page_words(language: str) -> PageWords:
    """Return the words of a language that messenger speaks."""
    spoken = words_of(language)
    return PageWords(spoken, all_phrases()[spoken.language])


def _flat(tree: Mapping[str, object], room: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found.update(_flat(value, f"{room}{key}.") if isinstance(value, Mapping) else {f"{room}{key}": str(value)})
    return found
