"""What all sources of events have in common."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from messenger.config.spans import length
from messenger.config.tables import Table, a_text, one_of
from messenger.domain.shops import Source

FRESH: Final = timedelta(hours=12)
NEVER_SILENT: Final = timedelta.max
"""For a source that may be silent for as long as it likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """Where events come from; each kind adds what it needs. ``shop`` is the one they are about."""

    name: str
    shop: str
    fresh: timedelta = FRESH

    @property
    def source(self) -> Source:
        """What the shop needs to know of it."""
        return Source(name=self.name, fresh=self.fresh)


def read_common(table: Table, shops: Collection[str], *, fresh: timedelta = FRESH) -> tuple[str, timedelta]:
    """Return ``shop`` and ``fresh`` of a source; ``fresh`` as usual for its kind unless it is told."""
    known = one_of(sorted(shops)) if shops else a_text
    shop = table.need("shop", known, "", remedy=f'write shop = "{min(shops, default="toys")}"')
    return shop, table.take("fresh", length, fresh)
