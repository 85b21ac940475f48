"""Which language a buyer is written to in, and what was tried first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.languages import get_official_languages


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The locale of a text, and how it came to be chosen.

    Args:
        locale: a folder under templates/.
        wished: the tag that would have been best, empty when nothing is known.
        because: where the chosen tag came from.
        tried: every tag that was looked for before, in order.
    """

    locale: str
    wished: str
    because: str
    tried: tuple[str, ...]

    @property
    def is_fallback(self) -> bool:
        """Whether the buyer gets another language, script or regional form than the one known to be theirs.

        A plain language serves all its regions (``es`` for ``es-MX``); ``pt-BR`` for ``pt-PT``, or ``zh`` (simplified) for
        ``zh-TW``, is a makeshift.
        """
        if not self.wished:
            return False
        wished, given = _parts(self.wished), _parts(self.locale)
        regions = {wished.region, given.region}
        return (wished.language, wished.script) != (given.language, given.script) or (
            None not in regions and len(regions) > 1
        )


def choose_locale(
    *,
    buyer: str | None,
    conversation: str | None,
    country: str | None,
    countries: Mapping[str, str],
    shop: str,
    available: Collection[str],
) -> Choice:
    """Return the best available locale.

    In order: the buyer's own tag, the language of the conversation, what the seller says of the country, the country's
    main language by CLDR, the shop's, English. Each tag falls back by CLDR's parents, then to its language, then to the form
    that CLDR takes the plain language for (``pt`` is ``pt-BR``). A plain language looks for the buyer's country first.

    Raises:
        LookupError: none of them is available.
    """
    return _chosen(buyer, conversation, country, countries.get(country or ""), shop, tuple(available))


@lru_cache(maxsize=4096)
def _chosen(
    buyer: str | None, conversation: str | None, country: str | None, of_country: str | None, shop: str, available: tuple[str, ...]
) -> Choice:  # fmt: skip
    by_name = {name.lower(): name for name in available}
    wishes = [
        (buyer, "the buyer's language"),
        (conversation, "the language of the conversation"),
        (of_country, "the language set for the country"),
        (main_language(country), "the main language of the country"),
        (shop, "the shop's language"),
        ("en", "the last resort"),
    ]
    wished = next((normal(tag) for tag, _ in wishes[:4] if tag), "")
    tried: list[str] = []
    for tag, because in wishes:
        if not tag:
            continue
        told = chain(tag)
        for one in filter(None, (_in_country(tag, country), *told, _usual(tag))):
            if one.lower() in by_name:
                return Choice(locale=by_name[one.lower()], wished=wished, because=because, tried=tuple(tried))
            if one in told and one not in tried:
                tried.append(one)
    raise LookupError(f"there is no text in {' or '.join(tried)} (there is: {', '.join(sorted(available)) or 'none'})")


def _in_country(tag: str, country: str | None) -> str | None:
    """A plain language as it is spoken in the buyer's country: ``pt`` and BR are ``pt-BR``."""
    plain = normal(tag)
    return f"{plain}-{country}" if country and "-" not in plain else None


def _usual(tag: str) -> str | None:
    """The form that CLDR takes a plain language for: ``pt`` is ``pt-BR``."""
    language, _, region = _likely(normal(tag).partition("-")[0])
    return f"{language}-{region}" if region else None


class _Parts(NamedTuple):
    language: str
    script: str
    region: str | None


@lru_cache(maxsize=512)
def _parts(tag: str) -> _Parts:
    """The parts of a tag; the script is the usual one where none is told, the region only what is told."""
    try:
        told = Locale.parse(normal(tag).replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return _Parts(tag.partition("-")[0].lower(), "", None)
    _, script, _ = _likely(str(told))
    return _Parts(told.language, told.script or script, told.territory)


def _likely(name: str) -> tuple[str, str, str]:
    """Language, script and region that CLDR supposes for a tag."""
    usual: Mapping[str, str] = get_global("likely_subtags")
    found = usual.get(name) or usual.get(name.partition("_")[0]) or f"{name.partition('_')[0]}__"
    language, script, region = (*found.split("_"), "", "")[:3]
    return language, script, region


@lru_cache(maxsize=512)
def normal(tag: str) -> str:
    """Return a tag in its usual spelling: ``PT_br`` is ``pt-BR``; an unknown one is left as it is."""
    try:
        return str(Locale.parse(tag.replace("-", "_"))).replace("_", "-")
    except (UnknownLocaleError, ValueError, TypeError):
        return tag


@lru_cache(maxsize=512)
def chain(tag: str) -> tuple[str, ...]:
    """Return a tag and what stands in for it: CLDR's parents, then the bare language. ``pt-PT`` gives ``pt-PT, pt``."""
    return tuple(dict.fromkeys(_chain(normal(tag))))


def _chain(tag: str) -> Iterator[str]:
    parents: Mapping[str, str] = get_global("parent_exceptions")
    current = tag.replace("-", "_")
    while current and current != "root":
        yield current.replace("_", "-")
        current = parents.get(current) or current.rpartition("_")[0]
    yield tag.partition("-")[0]


@lru_cache(maxsize=512)
def main_language(country: str | None) -> str | None:
    """Return the language most used in a country's public life, by CLDR; None when it is not known."""
    if not country:
        return None
    official = get_official_languages(country, de_facto=True)
    return official[0].replace("_", "-") if official else None
