"""Reading ``[sources.<name>]``: where facts about a shop come from. Each kind has a file of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from messenger.config.sources_17track import SEVENTEENTRACK_KIND, SeventeenTrackSettings, read_17track
from messenger.config.sources_aliexpress import ALIEXPRESS_KIND, AliExpressSettings, read_aliexpress
from messenger.config.sources_base import SourceSettings, read_common
from messenger.config.sources_broker import BROKER_KIND, BrokerSettings, read_broker
from messenger.config.sources_folder import FOLDER_KIND, FolderSettings, read_folder
from messenger.config.sources_webhook import WEBHOOK_KIND, WebhookSettings, read_webhook
from messenger.config.tables import Table, one_of

__all__ = [
    "AliExpressSettings", "BrokerSettings", "FolderSettings", "SeventeenTrackSettings", "SourceSettings", "WebhookSettings", "read_source",
]  # fmt: skip

FILE_KIND: Final = "file"
KINDS: Final = (FILE_KIND, FOLDER_KIND, WEBHOOK_KIND, ALIEXPRESS_KIND, SEVENTEENTRACK_KIND, BROKER_KIND, "imap", "mail")
"""The last two bring mails back (``config.mailboxes``); the others bring events."""
LATER_KINDS: Final = ("poll", "ebay", "amazon", "shopify", "woocommerce", "aftership")


def read_source(
    name: str, table: Table, shops: Collection[str], *, home: Path, environ: Mapping[str, str]
) -> SourceSettings | None:
    """Return a source as far as it can be read; ``None`` for a kind that is not available."""
    kind = table.need("kind", one_of(KINDS, later=LATER_KINDS), "", remedy=f'write kind = "{FILE_KIND}"')
    if "kind" in table and not kind:
        return None
    if kind == WEBHOOK_KIND:
        found: SourceSettings = read_webhook(name, table, shops, home=home, environ=environ)
    elif kind == ALIEXPRESS_KIND:
        found = read_aliexpress(name, table, shops, home=home, environ=environ)
    elif kind == SEVENTEENTRACK_KIND:
        found = read_17track(name, table, shops, home=home, environ=environ)
    elif kind == BROKER_KIND:
        found = read_broker(name, table, shops, home=home, environ=environ)
    elif kind == FOLDER_KIND:
        found = read_folder(name, table, shops, home=home)
    else:
        shop, fresh = read_common(table, shops)
        found = SourceSettings(name=name, shop=shop, fresh=fresh)
    table.close()
    return found
