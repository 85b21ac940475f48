"""Reading ``[sources.<name>]`` of the kind ``webhook``: others post to ``/hooks/<name>``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from messenger.config.rates import rate
from messenger.config.secrets import Secret, secret
from messenger.config.sources_base import NEVER_SILENT, SourceSettings, read_common
from messenger.config.tables import Table, list_of, one_of
from messenger.domain.pacing import Rate

WEBHOOK_KIND: Final = "webhook"
SCHEMES: Final = ("standard", "shopify", "woocommerce", "17track", "aftership", "aliexpress", "top", "ebay")
"""How deliveries are signed; ``intake.signatures`` knows how each is verified."""
BESIDES: Final = frozenset({"17track", "ebay"})
"""What these tell is told elsewhere too, or is no news of orders: that they are silent says nothing about what we know."""
USUAL_RATE: Final = Rate(6000, timedelta(minutes=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings(SourceSettings):
    """What is posted to ``/hooks/<name>``.

    Args:
        scheme: how it is signed.
        secrets: those in use, several while they rotate; of eBay the verification token.
        rate: so many deliveries are taken.
    """

    scheme: str
    secrets: tuple[Secret, ...] = ()
    rate: Rate = USUAL_RATE


def read_webhook(
    name: str, table: Table, shops: Collection[str], *, home: Path, environ: Mapping[str, str]
) -> WebhookSettings:
    """Return the settings as far as they can be read."""
    shop, fresh = read_common(table, shops)
    scheme = table.need("scheme", one_of(SCHEMES), "", remedy='write scheme = "standard"')
    if scheme in BESIDES and "fresh" not in table:
        fresh = NEVER_SILENT
    secrets = list_of(secret(home, environ), alone=True)
    return WebhookSettings(
        name=name,
        shop=shop,
        fresh=fresh,
        scheme=scheme,
        secrets=table.need("secrets", secrets, (), remedy='write secrets = ["env:NAME"]'),
        rate=table.take("rate", rate, USUAL_RATE),
    )
