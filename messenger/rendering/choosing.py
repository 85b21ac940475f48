"""Which text a message gets: the locale first, then the variant with most matching selectors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from messenger.errors import Finding, TemplateError
from messenger.rendering.compile import Compiled
from messenger.rendering.locales import Choice, choose_locale
from messenger.rendering.staleness import SOURCE_LOCALE, WhenStale, is_stale, when_stale
from messenger.rendering.variants import Shelf, fits, weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The text a message gets, and what was passed over for it."""

    compiled: Compiled
    choice: Choice
    passed_over: tuple[str, ...]
    """Files that would have spoken for another shop, country, method, carrier or channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """Which text a message gets, before it is compiled."""

    choice: Choice
    variant: str
    passed_over: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Every template that compiles, and the findings about those that do not.

    ``templates`` maps a name to locales to variants; the empty variant is the plain text.
    """

    templates: Mapping[str, Mapping[str, Shelf]] = field(default_factory=dict)
    phrases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    contents: Mapping[str, bytes] = field(default_factory=dict)
    """By file: what was read, for the age of a translation."""

    @property
    def locales(self) -> tuple[str, ...]:
        """Every locale with at least one text."""
        return tuple(sorted({locale for locales in self.templates.values() for locale in locales}))

    def choose(
        self, template: str, *, buyer: str | None, conversation: str | None, country: str | None, countries: Mapping[str, str],
        shop_language: str, selectors: Mapping[str, str | None], locale: str | None = None,
    ) -> Chosen:  # fmt: skip
        """Return the text for a message: the locale first, then the variant with most matching selectors.

        Args:
            template: its name.
            buyer: the buyer's own language tag.
            conversation: the language the buyer wrote in.
            country: ISO 3166 code of the buyer's country.
            countries: the ``[languages]`` table.
            shop_language: the shop's default.
            selectors: what variants may depend on, by the names in ``SELECTORS``.
            locale: asks for this language instead of the buyer's.

        Raises:
            LookupError: there is no usable text in any language that would do.
        """
        picked = self.pick(
            template, buyer=buyer, conversation=conversation, country=country, countries=countries, shop_language=shop_language,
            selectors=selectors, locale=locale,
        )  # fmt: skip
        try:
            compiled = self.templates[template][picked.choice.locale][picked.variant]
        except TemplateError as error:
            raise LookupError(f"{error} (messenger check tells all)") from None
        return Chosen(compiled=compiled, choice=picked.choice, passed_over=picked.passed_over)

    def pick(
        self, template: str, *, buyer: str | None, conversation: str | None, country: str | None, countries: Mapping[str, str],
        shop_language: str, selectors: Mapping[str, str | None], locale: str | None = None,
    ) -> Picked:  # fmt: skip
        """Return which text ``choose`` would give, compiling none; a text that is too old gives way where its source says so.

        Raises:
            LookupError: there is no usable text in any language that would do, or a person has to look at it.
        """
        there = self.templates.get(template, {})
        old: list[str] = []
        while True:
            try:
                choice = choose_locale(
                    buyer=locale or buyer, conversation=None if locale else conversation, country=None if locale else country,
                    countries=countries, shop=shop_language, available=[one for one in there if one not in old],
                )  # fmt: skip
            except LookupError as error:
                raise LookupError(self._nothing(template) or error.args[0]) from None
            variants = there[choice.locale]
            fitting = [name for name in variants if fits(name, selectors)]
            if not fitting:
                raise LookupError(f"{template} has no plain text in {choice.locale}, only variants that do not fit")
            best = max(fitting, key=weight)
            file = variants.file_of(best)
            then = WhenStale.SEND if locale else self._when_stale(there, choice.locale, best)
            if then is WhenStale.HOLD:
                told = f'{file} is older than its source, which says when_stale = "hold": messenger translations stale'
                raise LookupError(f"{told} --locale {choice.locale} shows where")
            if then is WhenStale.SEND:
                break
            old.append(choice.locale)
        if old:
            choice = replace(choice, because=f"{choice.because}; the text in {', '.join(old)} is older than its source")
        passed = tuple(sorted(variants.file_of(name) for name in variants if name != best))
        return Picked(choice=choice, variant=best, passed_over=passed)

    def _when_stale(self, there: Mapping[str, Shelf], locale: str, variant: str) -> WhenStale:
        """What becomes of a text: it is sent unless it is older than its source and that asks for something else."""
        shelf = there.get(SOURCE_LOCALE, Shelf())
        if locale == SOURCE_LOCALE or variant not in shelf:
            return WhenStale.SEND
        source = self.contents.get(shelf.file_of(variant), b"")
        then = when_stale(source)
        if then is WhenStale.SEND:
            return then
        target = self.contents.get(there[locale].file_of(variant), b"")
        return then if is_stale(source, target) else WhenStale.SEND

    def _nothing(self, template: str) -> str:
        """Why there is no text, if a broken file or an unknown name is the reason."""
        own = re.compile(rf"/{re.escape(template)}(@[^/]*)?\.md$")
        broken = sorted({one.file for one in self.findings if one.severity == "error" and own.search(one.file)})
        if broken:
            return f"{', '.join(broken)} cannot be used as it is (messenger check tells why)"
        known = ", ".join(sorted(self.templates)) or "none"
        return "" if template in self.templates else f"there is no such text (there are: {known})"

    def phrase(self, locale: str) -> Mapping[str, str]:
        """Return the few words the layout needs, in this locale; English ones stand in for missing ones."""
        return dict(self.phrases.get("en", {})) | dict(self.phrases.get(locale, {}))
