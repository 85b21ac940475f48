"""The template folder: which texts there are, in which locales and variants, and which one a message gets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from messenger.errors import Finding, TemplateError
from messenger.rendering.choosing import Catalogue, Chosen, Picked
from messenger.rendering.compile import Compiled, compile_template
from messenger.rendering.folder import PHRASES, content_of, layout_of, locales_of, named, phrases_of, shown
from messenger.rendering.source import read_source
from messenger.rendering.variants import SELECTORS, Shelf

__all__ = ["PHRASES", "SELECTORS", "Catalogue", "Chosen", "Picked", "Shelf", "load", "reloaded"]


def load(folder: Path, *, known_good: bool = False) -> Catalogue:
    """Return every text of a template folder; a broken file is a finding and stops no other.

    Args:
        folder: with a folder for each locale.
        known_good: the folder was checked before, as it is: each text is compiled when it is first wanted, so that
            a command that writes nothing starts at once.
    """
    findings: list[Finding] = []
    layout = layout_of(folder, findings)
    templates: dict[str, dict[str, Shelf]] = {}
    phrases: dict[str, Mapping[str, str]] = {}
    contents: dict[str, bytes] = {}
    for locale in locales_of(folder, findings):
        phrases[locale] = phrases_of(folder / locale, findings)
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
        name, variant = named(path, file, folder)
        content = content_of(path, file)

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


def reloaded(before: Catalogue, folder: Path) -> Catalogue:
    """Return the folder as it is now; where a file no longer compiles, its last good version stays in use."""
    fresh = load(folder)
    broken = {finding.file for finding in fresh.findings if finding.severity == "error"}
    templates = {name: dict(there) for name, there in fresh.templates.items()}
    contents = dict(fresh.contents) | {file: before.contents[file] for file in broken & before.contents.keys()}
    for name, locales in before.templates.items():
        for locale, variants in locales.items():
            for variant in variants:
                if variants.file_of(variant) in broken:
                    templates.setdefault(name, {}).setdefault(locale, Shelf()).put(variant, variants[variant])
    return Catalogue(
        templates=templates, phrases=dict(before.phrases) | dict(fresh.phrases), findings=fresh.findings, contents=contents,
    )  # fmt: skip
