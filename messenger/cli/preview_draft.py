"""A file that is to be previewed as it is: which text it would be, in which language."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from messenger.bootstrap import default_home
from messenger.errors import UsageError
from messenger.rendering.child import Draft
from messenger.rendering.source import LARGEST

LAYOUT: Final = Path("_layout/email.html")
_SELECTORS: Final = re.compile(r"[a-z]+=[A-Za-z0-9_.-]+(?:@[a-z]+=[A-Za-z0-9_.-]+)*")


def is_file(template: str) -> bool:
    """Return whether an argument names a file rather than a text."""
    return template.endswith(".md") or "/" in template


def draft_of(path: str, home: Path, locale: str | None, known: Collection[str]) -> Draft:
    """Return the draft in a file; ``shipped@country=br.md`` in a folder ``pt-BR`` says what it is meant to be.

    Raises:
        UsageError: there is no such file, it is too large or no text, or nothing tells its language.
    """
    file = Path(path)
    language = locale or (file.absolute().parent.name if file.absolute().parent.name in known else None)
    if language is None:
        raise UsageError(f"{path}: nothing tells its language (write --locale es)")
    try:
        if file.stat().st_size > LARGEST:
            raise UsageError(f"{path} has {file.stat().st_size} bytes (at most {LARGEST})")
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8: save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    name, _, variant = file.stem.partition("@")
    selectors = variant if _SELECTORS.fullmatch(variant) else ""
    return Draft(text=text, file=path, name=name, locale=language, variant=selectors, layout=layout_of(home))


def layout_of(home: Path) -> str:
    """Return the e-mail layout of a home, or the one that homes start with."""
    own = home / "templates" / LAYOUT
    if own.is_file():
        return own.read_text(encoding="utf-8")
    with default_home() as folder:
        return (folder / "templates" / LAYOUT).read_text(encoding="utf-8")
