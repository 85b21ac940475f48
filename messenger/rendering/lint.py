"""Checks a template folder as a whole: every file, every locale against English, every text with sample orders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from messenger.domain.shops import Shop
from messenger.errors import Finding, RenderError
from messenger.rendering.catalogue import Catalogue, Chosen, Shelf, load
from messenger.rendering.compile import Compiled
from messenger.rendering.context import words_for
from messenger.rendering.locales import Choice
from messenger.rendering.render import render
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES

SOURCE_LOCALE = "en"
_SHOP = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>")


def check_catalogue(folder: Path) -> list[Finding]:
    """Return every finding about the templates of a folder."""
    catalogue = load(folder)
    found = [*catalogue.findings, *_against_source(catalogue, folder), *_rendered(catalogue)]
    return sorted(found, key=lambda one: (one.file, one.line, one.column))


def _against_source(catalogue: Catalogue, folder: Path) -> Iterator[Finding]:
    """Texts a locale lacks, and placeholders a translation lost or invented."""
    broken = {finding.file for finding in catalogue.findings}
    for name, locales in catalogue.templates.items():
        source = _plain(locales, SOURCE_LOCALE)
        for locale in catalogue.locales:
            file = f"{folder.name}/{locale}/{name}.md"
            if locale not in locales and file not in broken:
                yield Finding(file, 0, 0, "", "is missing", "buyers get another language until it is there", "warning")
            plain = _plain(locales, locale)
            if source is None or plain is None or locale == SOURCE_LOCALE:
                continue
            yield from _difference(plain.file, source.placeholders - plain.placeholders, "does not speak of", "does")
            yield from _difference(plain.file, plain.placeholders - source.placeholders, "speaks of", "does not")


def _plain(locales: Mapping[str, Shelf], locale: str) -> Compiled | None:
    return locales[locale].get("") if locale in locales else None


def _difference(file: str, names: frozenset[str], verb: str, source: str) -> Iterator[Finding]:
    if names:
        problem = f"{verb} {', '.join(sorted(names))}"
        yield Finding(file, 0, 0, "", problem, f"the {SOURCE_LOCALE} text {source}", "warning")


def _rendered(catalogue: Catalogue) -> Iterator[Finding]:
    """Each text with each sample; what lacks facts is no mistake of the text."""
    for locales in catalogue.templates.values():
        for locale, variants in locales.items():
            for compiled in variants.values():
                choice = Choice(locale=locale, wished=locale, because="", tried=())
                chosen = Chosen(compiled=compiled, choice=choice, passed_over=())
                phrases = catalogue.phrase(locale)
                for name, order in SAMPLES.items():
                    words = words_for(order, shipment_id=None, shop=_SHOP, now=SAMPLE_NOW, greetings=phrases)
                    try:
                        render(chosen, words, phrases=phrases, country=order.buyer.country, zone=ZoneInfo("UTC"))
                    except RenderError as error:
                        if not error.missing.startswith("not known"):
                            yield Finding(compiled.file, 0, 0, "", f"with the sample {name!r}: {error.missing}")
                            break
