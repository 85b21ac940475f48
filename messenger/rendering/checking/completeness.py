"""Which messages a locale lacks: told of each where buyers depend on it, told in one line where there is a way round."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from messenger.errors import Finding
from messenger.rendering.catalogue import Catalogue
from messenger.rendering.checking.sources import SOURCE_LOCALE
from messenger.rendering.checking.uses import Uses
from messenger.rendering.locales import choose_locale

_UNTIL: Final = "buyers get another language until it is there"


def of_locales(catalogue: Catalogue, root: str, uses: Uses, languages: Collection[str]) -> Iterator[Finding]:
    """Yield what each locale lacks.

    Args:
        catalogue: all texts.
        root: the template folder's own name.
        uses: templates that rules use; empty when that is not known, and all count then.
        languages: the default languages of shops. What a rule uses and one of these, or English, lacks is a warning
            of its own: there is nothing left that a buyer of the shop would rather read.
    """
    depended_on = _depended_on(catalogue, languages)
    broken = {finding.file for finding in catalogue.findings}
    for locale in catalogue.locales:
        files = {name: f"{root}/{locale}/{name}.md" for name in sorted(catalogue.templates)}
        lacking = [
            name for name, file in files.items() if locale not in catalogue.templates[name] and file not in broken
        ]
        needed = [name for name in lacking if locale in depended_on and (name in uses or not uses)]
        yield from (Finding(files[name], 0, 0, "", "is missing", _UNTIL, "warning") for name in needed)
        if len(lacking) > len(needed):
            told = (
                f"has {len(files) - len(lacking)} of {len(files)} messages; buyers get another language for the others"
            )
            yield Finding(f"{root}/{locale}", 0, 0, "", told, "see messenger coverage", "notice")


def _depended_on(catalogue: Catalogue, languages: Collection[str]) -> frozenset[str]:
    """The locales in which a shop writes to those whose language it does not have, and English."""
    available = {*catalogue.locales, SOURCE_LOCALE}
    return frozenset(
        choose_locale(buyer=None, conversation=None, country=None, countries={}, shop=one, available=available).locale
        for one in (*languages, SOURCE_LOCALE)
    )
