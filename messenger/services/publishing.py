"""Generations: rules, settings and texts as one numbered whole, so that every node works by the same ones."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final

from messenger.ports import Edition, Store

FILES: Final = ("messenger.toml", "schedules.toml")
LOOKED_BACK: Final = 10
"""Generations that are searched for a rule before it is called new."""


def files_of(home: Path) -> dict[str, bytes]:
    """Return everything of a home that makes a generation: configuration, rules, and every file under templates/.

    Raises:
        OSError: one of them cannot be read.
    """
    found = {name: (home / name).read_bytes() for name in FILES if (home / name).is_file()}
    templates = sorted(path for path in (home / "templates").rglob("*") if path.is_file() and not path.is_symlink())
    hidden = [path for path in templates if any(part.startswith(".") for part in path.relative_to(home).parts)]
    return found | {path.relative_to(home).as_posix(): path.read_bytes() for path in templates if path not in hidden}


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return what tells one generation from another."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{name}\0{len(files[name])}\0".encode())
        whole.update(files[name])
    return whole.hexdigest()


def edition_of(home: Path, *, at: datetime, by: str) -> Edition:
    """Return a home as it would be published."""
    files = files_of(home)
    return Edition(number=0, digest=digest_of(files), published_at=at, by=by, files=files)


def unpack(edition: Edition, folder: Path) -> Path:
    """Write a generation's files into ``folder/<number>`` and return that folder; files that are there already stay.

    Raises:
        ValueError: a name would lead out of the folder.
    """
    target = folder / f"{edition.number}-{edition.digest[:12]}"
    if target.is_dir():
        return target
    unfinished = folder / f".{target.name}"
    for name, content in edition.files.items():
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute():
            raise ValueError(f"a generation holds the file name {name!r}")
        path = unfinished.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if unfinished.is_dir() and not target.is_dir():
        unfinished.rename(target)
    return target


def introduced(store: Store, number: int) -> frozenset[str]:
    """Return the rules of a generation that one of the last generations did not have, under any name of theirs."""
    edition = store.generation(number)
    if edition is None or number <= 1:
        return frozenset()
    now = _rules(edition)
    before = [
        _rules(found) for older in range(max(1, number - LOOKED_BACK), number) if (found := store.generation(older))
    ]
    return frozenset(name for name, names in now.items() if any(not names & frozenset(rules) for rules in before))


def _rules(edition: Edition) -> dict[str, frozenset[str]]:
    """The rules of a generation, each with all its names."""
    try:
        read = tomllib.loads(edition.files.get("schedules.toml", b"").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}
    rules = read.get("rules", {})
    return {
        name: frozenset((name, *rule.get("formerly", ()))) for name, rule in rules.items() if isinstance(rule, dict)
    }
