"""Reading ``[transports.<name>]`` of a platform: its message calls, made in the name of one account."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from messenger.config.logins import LONGEST, up_to
from messenger.config.rates import rate
from messenger.config.secrets import Secret, secret
from messenger.config.spans import elapsed
from messenger.config.tables import Reader, Table, Wrong, a_text, one_of, shown, whole
from messenger.config.values import link, uncertain, uncertain_unread
from messenger.domain.addresses import is_loopback
from messenger.domain.pacing import Rate
from messenger.domain.rules import Uncertain


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What the transports of one kind do when nothing else is written."""

    uncertain: Uncertain = Uncertain.ASK
    connections: int = 2
    rate: Rate | None = None
    can_verify: bool = False
    """The platform can be asked what it has."""


PLATFORM_KINDS: Final[Mapping[str, Usual]] = {
    "aliexpress": Usual(uncertain=Uncertain.VERIFY, can_verify=True, connections=1),
    "ebay": Usual(uncertain=Uncertain.VERIFY, can_verify=True, rate=Rate(30, timedelta(minutes=1))),
}
"""The platforms whose message calls we can make: each carries the channel ``platform`` of shops there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSettings:
    """A platform's message calls. ``timeout`` is in seconds, for one call.

    Args:
        kind: the platform.
        shop: whose account there it uses.
        app_key: what the platform calls our program by; ``app_secret`` proves it.
        url: where the platform answers; empty for its own address.
        connections: at most so many calls at the same time.
        rate: at most so many messages in any such span of time; None for as many as it takes.
    """

    name: str
    kind: str
    shop: str = ""
    app_key: Secret | None = None
    app_secret: Secret | None = None
    url: str = ""
    connections: int = 2
    timeout: float = 30.0
    rate: Rate | None = None
    uncertain: Uncertain = Uncertain.ASK
    resend_after: timedelta = timedelta(minutes=10)

    @property
    def can_verify(self) -> bool:
        """Whether the platform can be asked what it has."""
        return PLATFORM_KINDS.get(self.kind, Usual()).can_verify

    @property
    def is_far(self) -> bool:
        """Whether it leads off this machine."""
        return not is_loopback(urlsplit(self.url).hostname or "")


def read_platform(
    name: str, kind: str, table: Table, *, shops: Collection[str], home: Path, environ: Mapping[str, str]
) -> PlatformSettings:
    """Return the settings as far as they can be read; mistakes are noted."""
    a_secret: Reader[Secret | None] = secret(home, environ)
    prefix, usual = kind.upper(), PLATFORM_KINDS.get(kind, Usual())
    settings = PlatformSettings(
        name=name,
        kind=kind,
        shop=table.need(
            "shop",
            one_of(sorted(shops)) if shops else a_text,
            "",
            remedy=f'write shop = "{min(shops, default="toys")}"',
        ),
        app_key=table.need("app_key", a_secret, None, remedy=f'write app_key = "env:{prefix}_APP_KEY"'),
        app_secret=table.need("app_secret", a_secret, None, remedy=f'write app_secret = "env:{prefix}_APP_SECRET"'),
        url=table.take("url", safe_link, ""),
        connections=table.take("connections", whole(1, 20), usual.connections),
        timeout=table.take("timeout", up_to(LONGEST, "1h"), timedelta(seconds=30)).total_seconds(),
        rate=table.take("rate", rate, usual.rate),
        uncertain=table.take("uncertain", uncertain if usual.can_verify else uncertain_unread, usual.uncertain),
        resend_after=table.take("resend_after", elapsed, timedelta(minutes=10)),
    )
    table.close()
    return settings


def safe_link(value: object) -> str:
    """Return a link over which a token can travel: https, or to this machine."""
    found = link(value)
    parts = urlsplit(found)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise Wrong(f"the token would travel unprotected to {shown(parts.hostname)}", "links start with https://")
    return found.rstrip("/")
