"""Reading where the database is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from messenger.config.tables import Wrong, a_text, shown
from messenger.errors import Finding

OVERRIDE: Final = "MESSENGER_DATABASE_URL"
DEFAULT_URL: Final = "sqlite:///data/messenger.db"

_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = re.compile(r"postgresql\+psycopg://([^@/\s]*@)?[^/?\s]*/[^/?\s]+(\?\S*)?")
_REMEDY: Final = f'write "{DEFAULT_URL}" or "postgresql+psycopg://user@host/name"'


def database_url(value: object, home: Path, *, may_hold_password: bool = False) -> str:
    """Return the database's URL; a relative SQLite path is taken from the home."""
    text = a_text(value)
    if text.startswith("sqlite:"):
        return _sqlite(text, home)
    if not _POSTGRES.fullmatch(text):
        raise Wrong(f"cannot use {_masked(text)}", _REMEDY)
    if not may_hold_password and re.search(r"://[^@/]*:[^@/]*@|[?&]password=", text):
        remedy = f"leave it out and use ~/.pgpass, PGPASSWORD or {OVERRIDE}"
        raise Wrong("a password does not stand in this file", remedy)
    return text


def override_finding(environ: Mapping[str, str]) -> Finding | None:
    """Return what is wrong with ``MESSENGER_DATABASE_URL``, if anything is."""
    value = environ.get(OVERRIDE)
    try:
        if value:
            database_url(value, Path("/"), may_hold_password=True)
    except Wrong as wrong:
        return Finding(OVERRIDE, 0, 0, "", wrong.problem, wrong.remedy)
    return None


def _sqlite(text: str, home: Path) -> str:
    path, mark, options = text.removeprefix(_SQLITE).partition("?")
    if not text.startswith(_SQLITE):
        raise Wrong(f"cannot use {shown(text)}", _REMEDY)
    if not path or ":memory:" in path or path.startswith("file:"):
        raise Wrong(f"{shown(text)} would forget everything when the program ends", _REMEDY)
    return f"{_SQLITE}{home / path}{mark}{options}"


def _masked(url: str) -> str:
    """Return the URL without anything that may be a password."""
    return shown(re.sub(r"://[^@/]*@", "://…@", url).partition("?")[0])
