"""Reading ``[sources.<name>]`` of the kind ``aliexpress``: a shop's orders and parcels are read there from time to time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from messenger.config.logins import LONGEST, up_to
from messenger.config.platform_transports import safe_link
from messenger.config.rates import rate
from messenger.config.secrets import Secret, secret
from messenger.config.sources_base import SourceSettings, read_common
from messenger.config.spans import elapsed, length
from messenger.config.tables import Reader, Table, Wrong, one_of, shown
from messenger.config.values import link, zone
from messenger.domain.pacing import Rate

ALIEXPRESS_KIND: Final = "aliexpress"
NEW, TOP = "new", "top"
GATEWAYS: Final = (NEW, TOP)
SIGNS: Final[Mapping[str, tuple[str, ...]]] = {NEW: ("sha256", "md5"), TOP: ("md5", "hmac", "hmac-sha256")}
"""How calls can be signed, by gateway; the first is usual."""
SELLERS: Final = ("china", "overseas")
"""The two kinds of sellers have calls of their own."""
OFF: Final = "off"
LEAST, USUAL, SELDOM = timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=24)
LONGEST_HISTORY: Final = timedelta(days=180)
HISTORY: Final = timedelta(days=30)
TRACKING: Final[timedelta | None] = timedelta(hours=6)
PACE: Final = Rate(1, timedelta(seconds=1))
ZONE: Final = "Asia/Shanghai"


@dataclass(frozen=True, slots=True, kw_only=True)
class AliExpressSettings(SourceSettings):
    """One shop with AliExpress. ``timeout`` is in seconds, for each step of a call.

    Args:
        app_key: what the platform calls our program by; ``app_secret`` proves it.
        gateway: ``new`` or ``top``.
        sign: how calls are signed.
        seller: ``china`` or ``overseas``.
        url: where it answers; empty for its own addresses.
        every: how often orders are read.
        history: how far back finished orders are read the first time.
        tracking: how often parcels on their way are asked about; None for never.
        tracking_zone: whose clock a parcel's history is written by.
        rate: so many calls are made.
        redirect: the page that the seller is led to after the login; as the app has it.
    """

    app_key: Secret | None
    app_secret: Secret | None
    gateway: str = NEW
    sign: str = SIGNS[NEW][0]
    seller: str = SELLERS[0]
    url: str = ""
    every: timedelta = USUAL
    history: timedelta = HISTORY
    tracking: timedelta | None = TRACKING
    tracking_zone: str = ZONE
    rate: Rate = PACE
    redirect: str = ""
    timeout: float = 30.0


def read_aliexpress(
    name: str, table: Table, shops: Collection[str], *, home: Path, environ: Mapping[str, str]
) -> AliExpressSettings:
    """Return the settings as far as they can be read."""
    a_secret: Reader[Secret | None] = secret(home, environ)
    shop, fresh = read_common(table, shops)
    gateway = table.take("gateway", one_of(GATEWAYS), NEW) or NEW
    return AliExpressSettings(
        name=name,
        shop=shop,
        fresh=fresh,
        app_key=table.need("app_key", a_secret, None, remedy='write app_key = "env:ALIEXPRESS_APP_KEY"'),
        app_secret=table.need("app_secret", a_secret, None, remedy='write app_secret = "env:ALIEXPRESS_APP_SECRET"'),
        gateway=gateway,
        sign=table.take("sign", one_of(SIGNS[gateway]), SIGNS[gateway][0]),
        seller=table.take("seller", one_of(SELLERS), SELLERS[0]),
        url=table.take("url", safe_link, ""),
        every=table.take("every", _turns, USUAL),
        history=table.take("history", _history, HISTORY),
        tracking=table.take("tracking", _or_off, TRACKING),
        tracking_zone=table.take("tracking_zone", zone, ZONE),
        rate=table.take("rate", rate, PACE),
        redirect=table.take("redirect", link, ""),
        timeout=table.take("timeout", up_to(LONGEST, "1h"), timedelta(seconds=30)).total_seconds(),
    )


def _turns(value: object) -> timedelta:
    found = elapsed(value)
    if not LEAST <= found <= SELDOM:
        raise Wrong(f"must be from 1m to 24h, got {shown(value)}", 'write "10m"')
    return found


def _history(value: object) -> timedelta:
    found = length(value)
    if found > LONGEST_HISTORY:
        raise Wrong(f"must be 180d at most, got {shown(value)}", "the platform lists no older orders")
    return found


def _or_off(value: object) -> timedelta | None:
    if value == OFF:
        return None
    found = elapsed(value)
    if not timedelta(hours=1) <= found <= timedelta(hours=48):
        raise Wrong(f'must be from 1h to 48h, or "off", got {shown(value)}', 'write "6h": each parcel is a call')
    return found
