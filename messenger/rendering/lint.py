"""Checks a template folder as a whole: every file, every locale against English, every text with sample orders."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from messenger.errors import Finding, TemplateError
from messenger.rendering.catalogue import Catalogue, Shelf, load
from messenger.rendering.checking.completeness import of_locales
from messenger.rendering.checking.rendered import of_rendered, scenes
from messenger.rendering.checking.sources import SOURCE_LOCALE, Text, of_source
from messenger.rendering.checking.uses import NO_USES, PLATFORMS, Use, Uses
from messenger.rendering.compile import Compiled
from messenger.rendering.policy import rulebook
from messenger.rendering.source import read_source

_CHANNELS = ("email", "platform")


def check_catalogue(
    folder: Path, uses: Uses = NO_USES, *, platforms: Collection[str] = PLATFORMS, languages: Collection[str] = ()
) -> list[Finding]:
    """Return every finding about the templates of a folder.

    Args:
        folder: with a folder for each locale.
        uses: how the rules of the schedule use each template; one they do not name may be sent anywhere.
        platforms: whose content rules count.
        languages: the default languages of the shops.
    """
    catalogue = load(folder)
    found = [
        *catalogue.findings,
        *of_locales(catalogue, folder.name, uses, languages),
        *_texts(catalogue, folder, uses, frozenset(platforms)),
    ]
    return sorted(dict.fromkeys(found), key=lambda one: (one.file, one.line, one.column))


def _texts(catalogue: Catalogue, folder: Path, uses: Uses, platforms: frozenset[str]) -> Iterator[Finding]:
    told: set[tuple[str, str, str]] = set()
    tried = {locale: scenes(catalogue.phrase(locale)) for locale in catalogue.locales}
    for name, locales in catalogue.templates.items():
        use = uses.get(name, Use())
        for locale, shelf in sorted(locales.items(), key=lambda one: (one[0] != SOURCE_LOCALE, one[0])):
            for variant, compiled in shelf.items():
                text = _read(folder, compiled)
                english = _english(locales, folder, variant) if locale != SOURCE_LOCALE else None
                channels = _channels(shelf, variant, use.platforms & platforms)
                yield from of_source(text, english, use)
                for one in of_rendered(text, use, channels, catalogue.phrase(locale), tried[locale]):
                    known = (name, one.key, one.severity)
                    if one.severity != "notice" or known not in told:
                        told.add(known)
                        yield one


def _read(folder: Path, compiled: Compiled) -> Text:
    return Text(source=read_source(compiled.file, (folder.parent / compiled.file).read_bytes()), compiled=compiled)


def _english(locales: Mapping[str, Shelf], folder: Path, variant: str) -> Text | None:
    """The English text that a translation is of; None when there is none, or it cannot be read."""
    try:
        found = locales[SOURCE_LOCALE].get(variant) if SOURCE_LOCALE in locales else None
        return _read(folder, found) if found is not None else None
    except (OSError, TemplateError):
        return None


def _channels(shelf: Shelf, variant: str, platforms: frozenset[str]) -> dict[str, frozenset[str]]:
    """Through which channels a text leaves, and on which platforms: the plain one wherever there is no other for it."""
    marketplaces = frozenset(name for name in platforms if rulebook().column(name) != "own")
    selectors = [one for one in variant.split("@") if one]
    named = next((one.partition("=")[2] for one in selectors if one.startswith("channel=")), "")
    covered = {
        channel for channel in _CHANNELS if not named and "@".join(sorted([*selectors, f"channel={channel}"])) in shelf
    }
    found = {channel: marketplaces if channel == "platform" else platforms for channel in _CHANNELS}
    return {
        channel: where
        for channel, where in found.items()
        if where and channel not in covered and named in {"", channel}
    }
