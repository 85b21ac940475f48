"""The words of one language: phrases with places to fill, counted words, and lists, as CLDR joins them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.lists import format_list
from babel.numbers import format_decimal

from messenger.errors import UsageError

LANGUAGES: Final = ("en", "zh", "ru")
"""Languages in which messenger speaks to the people of a shop; each is one file beside this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What can be said in one language.

    Args:
        language: as in ``LANGUAGES``.
        locale: whose plurals, lists and numbers are used.
        phrases: by dotted key.
    """

    language: str
    locale: Locale
    phrases: Mapping[str, str]

    def __contains__(self, key: str) -> bool:
        return key in self.phrases

    def say(self, key: str, **filled: str) -> str:
        """Return a phrase with its places filled."""
        return self.phrases[key].format(**filled)

    def sentence(self, key: str, **filled: str) -> str:
        """Return a phrase that begins with a capital letter."""
        said = self.say(key, **filled)
        return said[:1].upper() + said[1:]

    def count(self, key: str, *numbers: int) -> str:
        """Return counted things: ``3 days``, or for several numbers ``5 and 10 days``."""
        if numbers == (1,) and f"{key}.1" in self:
            return self.phrases[f"{key}.1"]
        form = self.locale.plural_form(numbers[-1])
        return self.say(f"{key}.{form}", n=self.both([self.number(number) for number in numbers]))

    def both(self, texts: Sequence[str]) -> str:
        """Return all of the texts as one phrase: ``a, b and c``."""
        return format_list(texts, locale=self.locale)

    def either(self, texts: Sequence[str]) -> str:
        """Return the texts as one phrase of which any may hold: ``a, b or c``."""
        return format_list(texts, style="or", locale=self.locale)

    def quoted(self, text: str) -> str:
        """Return a name or a value in the language's quotation marks."""
        return self.say("quoted", text=text)

    def quoted_names(self, names: Sequence[str]) -> str:
        """Return several names in quotation marks, joined by "and"."""
        return self.both([self.quoted(name) for name in names])

    def number(self, value: int | Decimal) -> str:
        """Return a number as the language writes it."""
        return format_decimal(value, locale=self.locale)


def words_of(language: str) -> Words:
    """Return the words for a language tag; of ``zh-CN`` those of ``zh``.

    Raises:
        UsageError: messenger does not speak this language.
    """
    found = language.replace("_", "-").partition("-")[0].casefold()
    if found not in LANGUAGES:
        raise UsageError(f"there are no words in the language {language!r} (write {_or(LANGUAGES)})")
    return _load(found)


@lru_cache(maxsize=len(LANGUAGES))
def _load(language: str) -> Words:
    text = files("messenger.services.speaking").joinpath(f"{language}.toml").read_text(encoding="utf-8")
    phrases = _flat(tomllib.loads(text))
    return Words(language=language, locale=Locale.parse(phrases["locale"], sep="-"), phrases=phrases)


def _flat(tree: Mapping[str, object], room: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            found.update(_flat(value, f"{room}{key}."))
        else:
            found[f"{room}{key}"] = str(value)
    return found


def _or(texts: Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} or {texts[-1]}"


def country_name(code: str, words: Words) -> str:
    """Return what a country is called; a code that CLDR does not know stays as it is."""
    return str(words.locale.territories.get(code.upper(), code))


def language_name(tag: str, words: Words) -> str:
    """Return what a language is called; a tag that CLDR does not know stays as it is."""
    try:
        named = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return tag
    name = named.get_language_name(words.locale) or tag
    more = [one for one in (named.get_script_name(words.locale), named.get_territory_name(words.locale)) if one]
    return words.say("bracketed", text=name, more=words.both(more)) if more else name
