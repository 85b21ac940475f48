"""One locale's files beside the English ones they are translated from."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError

from messenger.errors import Finding, UsageError
from messenger.rendering.catalogue import PHRASES
from messenger.rendering.segments import Document, cut, cut_phrases
from messenger.rendering.source import LARGEST
from messenger.rendering.staleness import SOURCE_LOCALE, Pair, pairs, pairs_by_name

PHRASE_STEM: Final = "_phrases"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A source file and its translation, unit by unit.

    Args:
        stem: the file's name without its ending: ``shipped@channel=platform``, or ``_phrases``.
        source_file: as findings name it.
        target_file: likewise.
        path: where the translation is, or would be.
        source: the English file.
        target: the translation; None while there is none.
        pairs: the source's units with their translations, then what only the translation has.
    """

    stem: str
    source_file: str
    target_file: str
    path: Path
    source: Document
    target: Document | None
    pairs: tuple[Pair, ...]

    @property
    def is_phrases(self) -> bool:
        """Whether these are the layout's few words."""
        return self.stem == PHRASE_STEM

    @property
    def template(self) -> str:
        """The template's name, without the variant."""
        return self.stem.partition("@")[0]

    @property
    def variant(self) -> str:
        """What the text is for only, for example ``channel=platform``."""
        return self.stem.partition("@")[2]

    def context(self, pair: Pair) -> str:
        """Return under which name a unit goes to translators."""
        return f"{self.stem}/{pair.id}"


def sheets(folder: Path, locale: str) -> tuple[list[Sheet], list[Finding]]:
    """Return every file of the source with its translation into a locale, and what is wrong with those left out.

    Args:
        folder: the template folder.
        locale: a BCP 47 tag; its folder need not exist.

    Raises:
        UsageError: it is no locale, or the source's own, or its folder is a link.
    """
    checked(locale)
    if (folder / locale).is_symlink():
        raise UsageError(f"{folder.name}/{locale} is a link: copy the folder instead of linking it")
    made: list[Sheet] = []
    findings: list[Finding] = []
    for path in _files(folder / SOURCE_LOCALE):
        target = folder / locale / path.name
        shown = f"{folder.name}/{SOURCE_LOCALE}/{path.name}", f"{folder.name}/{locale}/{path.name}"
        source, wrong = _document(path, shown[0])
        there, wrong_there = _document(target, shown[1]) if target.exists() or target.is_symlink() else (None, [])
        findings += [*wrong, *wrong_there]
        if source is None or wrong_there:
            continue
        match = pairs_by_name if path.name == PHRASES else pairs
        made.append(
            Sheet(
                stem=path.stem, source_file=shown[0], target_file=shown[1], path=target, source=source, target=there,
                pairs=match(source, there),
            )
        )  # fmt: skip
    return made, findings


def checked(locale: str) -> str:
    """Return a locale that texts can be translated into.

    Raises:
        UsageError: it is no locale, or the source's own.
    """
    if locale == SOURCE_LOCALE:
        raise UsageError(f"{SOURCE_LOCALE} is what the others are translated from: name another locale")
    try:
        known = Locale.parse(locale.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        raise UsageError(f"{locale!r} is not a locale: write ru or pt-BR") from None
    if (usual := str(known).replace("_", "-")) != locale:
        raise UsageError(f"{locale!r} is written {usual}")
    return locale


def locales(folder: Path) -> list[str]:
    """Return every locale with a folder, but the source's."""
    there = (path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    names = (path.name for path in there if not path.name.startswith(("_", ".")))
    return sorted(name for name in names if name != SOURCE_LOCALE and _is_locale(name))


def strangers(folder: Path, locale: str) -> list[str]:
    """Return texts of a locale for which the source has no template at all."""
    known = {path.stem.partition("@")[0] for path in _files(folder / SOURCE_LOCALE)}
    there = (path for path in _files(folder / locale) if path.stem.partition("@")[0] not in known)
    return [f"{folder.name}/{locale}/{path.name}" for path in there]


def _is_locale(name: str) -> bool:
    try:
        checked(name)
    except UsageError:
        return False
    return True


def _files(folder: Path) -> Iterator[Path]:
    if (folder / PHRASES).is_file():
        yield folder / PHRASES
    for path in sorted(folder.glob("*.md")):
        if path.stem != "STYLE" and not path.is_symlink():
            yield path


def _document(path: Path, file: str) -> tuple[Document | None, list[Finding]]:
    """A file, cut; what cannot be cut is told and left alone."""
    if path.is_symlink():
        return None, [Finding(file, 0, 0, "", "is a link", "copy the file instead of linking it")]
    if not path.is_file():
        return None, [Finding(file, 0, 0, "", "is no file", "remove it")]
    if (size := path.stat().st_size) > LARGEST:
        return None, [Finding(file, 0, 0, "", f"the file has {size} bytes", f"at most {LARGEST}")]
    try:
        raw = path.read_bytes().decode("utf-8")
        return (cut_phrases(raw) if path.name == PHRASES else cut(raw)), []
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return None, [Finding(file, line, 1, "", "is not UTF-8", "save the file as UTF-8")]
    except ValueError as error:
        return None, [Finding(file, 1, 1, "", str(error), 'start with +++, subject = "…", +++')]
    except OSError as error:
        return None, [Finding(file, 0, 0, "", f"cannot be read: {error.strerror}")]


def write(path: Path, text: str) -> None:
    """Put a text in place of a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix + "~")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
