"""Making the transports of platforms from settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from messenger.bootstrap import aliexpress
from messenger.config.platform_aliexpress import AliExpressMessages
from messenger.config.platform_transports import PlatformSettings
from messenger.config.secrets import Secret
from messenger.config.settings import Settings
from messenger.domain.alerts import AlertKind
from messenger.platforms.aliexpress.send import AliExpressTransport
from messenger.platforms.ebay.client import Client
from messenger.platforms.ebay.send import EbayTransport
from messenger.platforms.ebay.tokens import App, TokenDesk
from messenger.platforms.lines import Line
from messenger.platforms.logins import Login
from messenger.ports import Clock, Store, Transport
from messenger.ports.credentials import MESSAGES

if TYPE_CHECKING:
    from messenger.bootstrap.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a platform's transport is made with besides its settings; ``owner`` is this process."""

    vault: Store = field(repr=False)
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


def _aliexpress(one: PlatformSettings, means: Means) -> Transport:
    if not isinstance(one, AliExpressMessages):
        raise TypeError(f"settings of the kind aliexpress are read as such, not as {type(one).__name__}")
    access = aliexpress.access_to_messages(one)
    session = aliexpress.session_of(access, means.vault, means.clock, owner=means.owner)
    return AliExpressTransport(one.name, session, hands=one.connections, close=access.line.close)


MAKERS: Final[Mapping[str, Callable[[PlatformSettings, Means], Transport]]] = {"aliexpress": _aliexpress, "ebay": _ebay}


def tell_of_doors(engine: Engine) -> None:
    """Open the alert of each transport whose platform does not let us write any more; end it when it does again."""
    now, shut = engine.clock.now(), engine.store.accounts_shut(MESSAGES)
    for name, one in engine.settings.platforms.items():
        subject, problem = f"{name} {MESSAGES}", shut.get(account_of(one))
        if problem is None:
            engine.store.end_alert(kind=AlertKind.ACCESS, subject=subject, shop=one.shop, at=now)
            continue
        detail = f"the desk writes instead: {problem}"
        engine.store.raise_alert(kind=AlertKind.ACCESS, subject=subject, shop=one.shop, at=now, detail=detail)
