"""Reading ``[sources.<name>]`` of the kind ``folder``: files of orders that somebody puts into a folder."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from messenger.config.sources_base import SourceSettings, read_common
from messenger.config.spans import elapsed
from messenger.config.tables import Table, Wrong, a_text, one_of, shown
from messenger.config.values import zone

FOLDER_KIND: Final = "folder"
FORMATS: Final = ("auto", "jsonl", "aliexpress", "shopify", "ebay")
"""What files can be; ``intake.formats`` reads them."""
EVERY: Final = timedelta(minutes=1)
LEAST, LONGEST = timedelta(seconds=1), timedelta(days=1)
FRESH: Final = timedelta(hours=36)
"""Sheets are exported by hand, once a day: half a day's grace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSettings(SourceSettings):
    """A folder that is watched.

    Args:
        path: absolute.
        every: how often it is looked into.
        format: what its files are.
        zone: IANA name, of times in sheets without an offset; empty: the platform's.
    """

    path: Path
    every: timedelta = EVERY
    format: str = FORMATS[0]
    zone: str = ""


def read_folder(name: str, table: Table, shops: Collection[str], *, home: Path) -> FolderSettings:
    """Return the settings as far as they can be read."""
    shop, fresh = read_common(table, shops, fresh=FRESH)
    return FolderSettings(
        name=name,
        shop=shop,
        fresh=fresh,
        path=(home / table.need("path", a_text, "", remedy='write path = "inbox"')).expanduser(),
        every=table.take("every", _pace, EVERY),
        format=table.take("format", one_of(FORMATS), FORMATS[0]),
        zone=table.take("zone", zone, ""),
    )


def _pace(value: object) -> timedelta:
    found = elapsed(value)
    if not LEAST <= found <= LONGEST:
        raise Wrong(f"must be from 1s to 24h, got {shown(value)}")
    return found
