"""The files of a template folder: what may be read of them, and what their names say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError

from messenger.errors import Finding, TemplateError
from messenger.rendering.compile import check_layout
from messenger.rendering.isolating import direction_of, isolate_phrases
from messenger.rendering.source import LARGEST, toml_problem
from messenger.rendering.variants import SELECTOR, SELECTORS

PHRASES: Final = "_phrases.toml"
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def content_of(path: Path, file: str) -> bytes:
    """Return the bytes of a file, no more than a text may have."""
    if not path.is_file():
        raise TemplateError([Finding(file, 0, 0, "", "is no file", "remove it")])
    if (size := path.stat().st_size) > LARGEST:
        raise TemplateError([Finding(file, 0, 0, "", f"the file has {size} bytes", f"at most {LARGEST}")])
    return path.read_bytes()


def shown(path: Path, folder: Path) -> str:
    """Return a template's path as findings name it: starting with the template folder's own name."""
    return str(Path(folder.name) / path.relative_to(folder))


def locales_of(folder: Path, findings: list[Finding]) -> Iterator[str]:
    """Yield the names of the folders that are locales; others are findings."""
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


def layout_of(folder: Path, findings: list[Finding]) -> str:
    """Return the e-mail layout; a plain page where it cannot be used."""
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
    if path.exists() and not path.is_file():
        raise OSError("it is no file")
    if path.exists() and (size := path.stat().st_size) > LARGEST:
        raise OSError(f"it has {size} bytes, {LARGEST} at most")
    return path


def phrases_of(folder: Path, findings: list[Finding]) -> Mapping[str, str]:
    """Return the layout's few words in one locale; none where they cannot be read."""
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


def named(path: Path, file: str, folder: Path) -> tuple[str, str]:
    """Return the template and the variant that a file's name says.

    Raises:
        TemplateError: it says nothing that is usable, or the file is a link.
    """
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
        found = SELECTOR.fullmatch(selector)
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
