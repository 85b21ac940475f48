"""Making the transports of platforms from settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from messenger.config.platform_transports import PlatformSettings
from messenger.config.secrets import Secret
from messenger.config.settings import Settings
from messenger.platforms.ebay.client import Client
from messenger.platforms.ebay.send import EbayTransport
from messenger.platforms.ebay.tokens import App, TokenDesk
from messenger.platforms.lines import Line
from messenger.platforms.logins import Login
from messenger.ports import Clock, Transport, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a platform's transport is made with besides its settings; ``owner`` is this process."""

    vault: Vault = field(repr=False)
    clock: Clock
    owner: str


def platform_transports(settings: Settings, means: Means) -> dict[str, Transport]:
    """Return the transport of every platform that is configured, by its name."""
    return {name: MAKERS[one.kind](one, means) for name, one in settings.platforms.items()}


def account_of(one: PlatformSettings) -> str:
    """Return the name under which the tokens of a transport's shop are kept."""
    return f"{one.kind}/{one.shop}"


def ebay_desk(one: PlatformSettings, means: Means, http: Line) -> TokenDesk:
    """Return where eBay gives out tokens for a transport's shop."""
    app = App(key=_revealing(one.app_key), secret=_revealing(one.app_secret))
    return TokenDesk(http=http, app=app, clock=means.clock, account=account_of(one), url=one.url)


def ebay_access(one: PlatformSettings, means: Means) -> tuple[Client, Line]:
    """Return what makes calls for a transport's shop, and the line that they take."""
    http = Line(timeout=one.timeout)
    desk = ebay_desk(one, means, http)
    login = Login(
        vault=means.vault, clock=means.clock, account=desk.account, owner=means.owner, renew=desk.renew,
        remedy=f"messenger ebay login {one.name}",
    )  # fmt: skip
    return Client(http=http, login=login, url=one.url), http


def _ebay(one: PlatformSettings, means: Means) -> Transport:
    client, http = ebay_access(one, means)
    return EbayTransport(one.name, client, means.clock, hands=one.connections, close=http.close)


def _revealing(secret: Secret | None) -> Callable[[], str]:
    if secret is None:
        raise ValueError("settings without a secret are refused when they are read")
    return secret.reveal


MAKERS: Final[Mapping[str, Callable[[PlatformSettings, Means], Transport]]] = {"ebay": _ebay}
