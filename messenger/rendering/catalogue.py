"""The template folder: which texts there are, in which locales and variants, and which one a message gets."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError

from messenger.errors import Finding, TemplateError
from messenger.rendering.compile import Compiled, check_layout, compile_template
from messenger.rendering.isolating import direction_of, isolate_phrases
from messenger.rendering.locales import Choice, choose_locale
from messenger.rendering.source import LARGEST, read_source, toml_problem
from messenger.rendering.staleness import SOURCE_LOCALE, WhenStale, is_stale, when_stale

SELECTORS: Final = ("shop", "country", "method", "carrier", "channel")
"""What a variant may depend on, the weightiest first."""
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SELECTOR = re.compile(r"([a-z]+)=([A-Za-z0-9_.-]+)")
PHRASES: Final = "_phrases.toml"


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


class Shelf(Mapping[str, Compiled]):
    """The variants of one text in one locale. What is known to be good is compiled when it is first wanted."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._made: dict[str, Compiled] = {}
        self._makers: dict[str, Callable[[], Compiled]] = {}

    def put(self, variant: str, made: Compiled) -> None:
        """Lay a compiled text here."""
        self._files[variant] = made.file
        self._made[variant] = made

    def promise(self, variant: str, file: str, maker: Callable[[], Compiled]) -> None:
        """Lay a text here that is compiled later."""
        self._files[variant] = file
        self._makers[variant] = maker

    def file_of(self, variant: str) -> str:
        """Return which file a variant stands in, without compiling it."""
        return self._files[variant]

    def __getitem__(self, variant: str) -> Compiled:
        if variant not in self._made:
            self._made[variant] = self._makers[variant]()
        return self._made[variant]

    def __contains__(self, variant: object) -> bool:
        return variant in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


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
            fitting = [name for name in variants if _fits(name, selectors)]
            if not fitting:
                raise LookupError(f"{template} has no plain text in {choice.locale}, only variants that do not fit")
            best = max(fitting, key=_weight)
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

    def reloaded(self, folder: Path) -> Catalogue:
        """Return the folder as it is now; where a file no longer compiles, its last good version stays in use."""
        fresh = load(folder)
        broken = {finding.file for finding in fresh.findings if finding.severity == "error"}
        templates = {name: dict(there) for name, there in fresh.templates.items()}
        contents = dict(fresh.contents) | {file: self.contents[file] for file in broken & self.contents.keys()}
        for name, locales in self.templates.items():
            for locale, variants in locales.items():
                for variant in variants:
                    if variants.file_of(variant) in broken:
                        templates.setdefault(name, {}).setdefault(locale, Shelf()).put(variant, variants[variant])
        return Catalogue(
            templates=templates, phrases=dict(self.phrases) | dict(fresh.phrases), findings=fresh.findings, contents=contents,
        )  # fmt: skip

    def phrase(self, locale: str) -> Mapping[str, str]:
        """Return the few words the layout needs, in this locale; English ones stand in for missing ones."""
        return dict(self.phrases.get("en", {})) | dict(self.phrases.get(locale, {}))


def _pairs(variant: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in _SELECTOR.findall(variant)]


def _fits(variant: str, selectors: Mapping[str, str | None]) -> bool:
    return all((selectors.get(name) or "").casefold() == value.casefold() for name, value in _pairs(variant))


def _weight(variant: str) -> tuple[int, tuple[bool, ...]]:
    names = {name for name, _ in _pairs(variant)}
    return len(names), tuple(name in names for name in SELECTORS)


def load(folder: Path, *, known_good: bool = False) -> Catalogue:
    """Return every text of a template folder; a broken file is a finding and stops no other.

    Args:
        folder: with a folder for each locale.
        known_good: the folder was checked before, as it is: each text is compiled when it is first wanted, so that
            a command that writes nothing starts at once.
    """
    findings: list[Finding] = []
    layout = _layout(folder, findings)
    templates: dict[str, dict[str, Shelf]] = {}
    phrases: dict[str, Mapping[str, str]] = {}
    contents: dict[str, bytes] = {}
    for locale in _locales(folder, findings):
        phrases[locale] = _phrases(folder / locale, findings)
        for path in sorted((folder / locale).glob("*.md")):
            if path.stem == "STYLE":
                continue
            _load_one(path, folder, locale, layout, templates, findings, contents, known_good=known_good)
    return Catalogue(templates=templates, phrases=phrases, findings=tuple(findings), contents=contents)


def _load_one(
    path: Path,
    folder: Path,
    locale: str,
    layout: str,
    templates: dict[str, dict[str, Shelf]],
    findings: list[Finding],
    contents: dict[str, bytes],
    *,
    known_good: bool,
) -> None:
    file = shown(path, folder)
    try:
        name, variant = _named(path, file, folder)
        content = _content(path, file)

        def make() -> Compiled:
            return compile_template(
                read_source(file, content), name=name, locale=locale, variant=variant, layout=layout
            )

        made = None if known_good else make()
    except TemplateError as error:
        findings.extend(error.findings)
        return
    except OSError as error:
        findings.append(Finding(file, 0, 0, "", f"cannot be read: {error.strerror}"))
        return
    contents[file] = content
    shelf = templates.setdefault(name, {}).setdefault(locale, Shelf())
    if made is None:
        shelf.promise(variant, file, make)
    else:
        shelf.put(variant, made)


def _content(path: Path, file: str) -> bytes:
    """The bytes of a file, no more than a text may have."""
    if not path.is_file():
        raise TemplateError([Finding(file, 0, 0, "", "is no file", "remove it")])
    if (size := path.stat().st_size) > LARGEST:
        raise TemplateError([Finding(file, 0, 0, "", f"the file has {size} bytes", f"at most {LARGEST}")])
    return path.read_bytes()


def shown(path: Path, folder: Path) -> str:
    """Return a template's path as findings name it: starting with the template folder's own name."""
    return str(Path(folder.name) / path.relative_to(folder))


def _named(path: Path, file: str, folder: Path) -> tuple[str, str]:
    name, *selectors = path.stem.split("@")
    if not _NAME.fullmatch(name):
        raise TemplateError(
            [Finding(file, 0, 0, "", f"the name {name!r} is not usable", "small letters, digits and dashes")]
        )
    if path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()):
        raise TemplateError(
            [Finding(file, 0, 0, "", "leads out of the template folder", "copy the file instead of linking it")]
        )
    for selector in selectors:
        found = _SELECTOR.fullmatch(selector)
        if found is None or found.group(1) not in SELECTORS:
            raise TemplateError(
                [
                    Finding(
                        file,
                        0,
                        0,
                        "",
                        f"cannot read the selector @{selector}",
                        f"write @country=br; selectors: {', '.join(SELECTORS)}",
                    )
                ]
            )
    return name, "@".join(sorted(selectors))


def _locales(folder: Path, findings: list[Finding]) -> Iterator[str]:
    if not folder.is_dir():
        findings.append(Finding(folder.name, 0, 0, "", "there is no template folder", "messenger init makes one"))
        return
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or path.name.startswith(("_", ".")):
            continue
        try:
            Locale.parse(path.name.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            findings.append(
                Finding(shown(path, folder), 0, 0, "", f"{path.name!r} is not a locale", "name the folder ru or pt-BR")
            )
        else:
            yield path.name


def _layout(folder: Path, findings: list[Finding]) -> str:
    path = folder / "_layout" / "email.html"
    plain = "<!doctype html><html><head><title>{{ subject }}</title></head><body>{{ body }}</body></html>"
    try:
        layout = _inside(path, folder).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        findings.append(
            Finding(
                shown(path, folder),
                0,
                0,
                "",
                f"the e-mail layout cannot be read: {_reason(error)}",
                "messenger init makes one",
            )
        )
        return plain
    wrong = check_layout(shown(path, folder), layout)
    findings.extend(wrong)
    return plain if wrong else layout


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return (error.strerror or str(error)).lower()


def _inside(path: Path, folder: Path) -> Path:
    if path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()):
        raise OSError("it leads out of the template folder; copy the file instead of linking it")
    return path


def _phrases(folder: Path, findings: list[Finding]) -> Mapping[str, str]:
    path = folder / PHRASES
    file = str(Path(folder.parent.name) / folder.name / PHRASES)
    try:
        values = tomllib.loads(_inside(path, folder.parent).read_text(encoding="utf-8"))
    except FileNotFoundError:
        findings.append(Finding(file, 0, 0, "", "is missing", "copy it from templates/en", "warning"))
        return {}
    except tomllib.TOMLDecodeError as error:
        line, column, problem = toml_problem(error)
        findings.append(Finding(file, line, column, "", f"cannot be read: {problem}"))
        return {}
    except (OSError, UnicodeDecodeError) as error:
        findings.append(Finding(file, 0, 0, "", f"cannot be read: {_reason(error)}"))
        return {}
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets in thousands
        findings.append(Finding(file, 0, 0, "", f"cannot be read: {type(error).__name__}", "make it simpler"))
        return {}
    phrases = {name: str(value) for name, value in values.items()}
    return isolate_phrases(phrases) if direction_of(folder.name) == "rtl" else phrases


def names(catalogue: Catalogue) -> Collection[str]:
    """Return the names of all templates that compile in some locale."""
    return catalogue.templates.keys()
