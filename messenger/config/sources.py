"""Reading ``[sources.<name>]``: where facts about a shop come from."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from messenger.config.spans import length
from messenger.config.tables import Table, a_text, one_of
from messenger.domain.shops import Source

FILE_KIND: Final = "file"
KINDS: Final = (FILE_KIND, "imap", "mail")
"""The last two bring mails back (``config.mailboxes``); the others bring events."""
LATER_KINDS: Final = ("webhook", "folder", "poll", "broker", "aliexpress", "ebay", "amazon", "shopify", "woocommerce",
                      "17track", "aftership")  # fmt: skip
FRESH: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """Events that ``messenger ingest --source NAME`` brings. ``shop`` is the one they are about."""

    name: str
    shop: str
    fresh: timedelta = FRESH

    @property
    def source(self) -> Source:
        """What the shop needs to know of it."""
        return Source(name=self.name, fresh=self.fresh)


def read_source(name: str, table: Table, shops: Collection[str]) -> SourceSettings | None:
    """Return a source as far as it can be read; ``None`` for a kind that is not available."""
    kind = table.need("kind", one_of(KINDS, later=LATER_KINDS), "", remedy=f'write kind = "{FILE_KIND}"')
    if "kind" in table and not kind:
        return None
    known = one_of(sorted(shops)) if shops else a_text
    found = SourceSettings(
        name=name,
        shop=table.need("shop", known, "", remedy=f'write shop = "{min(shops, default="toys")}"'),
        fresh=table.take("fresh", length, FRESH),
    )
    table.close()
    return found
