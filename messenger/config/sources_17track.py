"""Reading ``[sources.<name>]`` of the kind ``17track``: parcels are looked for there, and what moved is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from messenger.config.platform_transports import safe_link
from messenger.config.rates import rate
from messenger.config.secrets import Secret, secret
from messenger.config.sources_base import SourceSettings, read_common
from messenger.config.spans import elapsed
from messenger.config.tables import Reader, Table, Wrong, shown
from messenger.domain.pacing import Rate

SEVENTEENTRACK_KIND: Final = "17track"
PACE: Final = Rate(2, timedelta(seconds=1))
"""Three calls a second are allowed, whichever process makes them."""
LEAST, USUAL, LONGEST = timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeventeenTrackSettings(SourceSettings):
    """Parcels of one shop with 17TRACK.

    Args:
        key: the API key.
        every: how often what moved is read.
        url: where it answers; empty for its own address.
        rate: so many calls are made.
    """

    key: Secret | None
    every: timedelta = USUAL
    url: str = ""
    rate: Rate = PACE


def read_17track(
    name: str, table: Table, shops: Collection[str], *, home: Path, environ: Mapping[str, str]
) -> SeventeenTrackSettings:
    """Return the settings as far as they can be read."""
    a_secret: Reader[Secret | None] = secret(home, environ)
    shop, fresh = read_common(table, shops)
    return SeventeenTrackSettings(
        name=name,
        shop=shop,
        fresh=fresh,
        key=table.need("key", a_secret, None, remedy='write key = "env:TRACK17_KEY"'),
        every=table.take("every", _turns, USUAL),
        url=table.take("url", safe_link, ""),
        rate=table.take("rate", rate, PACE),
    )


def _turns(value: object) -> timedelta:
    found = elapsed(value)
    if not LEAST <= found <= LONGEST:
        raise Wrong(f"must be from 5m to 24h, got {shown(value)}", "write 30m: what moves is posted to us at once")
    return found
