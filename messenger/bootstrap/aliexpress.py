"""Wiring of AliExpress: how a shop there is called, logged in to, and read."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from messenger.config.platform_aliexpress import AliExpressMessages
from messenger.config.secrets import Secret
from messenger.config.settings import Settings
from messenger.config.sources_aliexpress import NEW, PACE, SIGNS, AliExpressSettings
from messenger.domain.alerts import AlertKind
from messenger.domain.pacing import Rate, reserved
from messenger.platforms.aliexpress.client import App, Client, Gateway, addresses
from messenger.platforms.aliexpress.orders import CHINA, OVERSEAS, Calls, Orders
from messenger.platforms.aliexpress.poller import AliExpress
from messenger.platforms.aliexpress.session import Session
from messenger.platforms.aliexpress.signing import Scheme
from messenger.platforms.aliexpress.tokens import EARLY, TokenDesk
from messenger.platforms.aliexpress.tracking import Parcel
from messenger.platforms.lines import Line
from messenger.platforms.logins import Login
from messenger.ports import Clock, Store
from messenger.services.home import Home
from messenger.services.under_way import UnderWay

KIND: Final = "aliexpress"
CALLS: Final[dict[str, Calls]] = {"china": CHINA, "overseas": OVERSEAS}
Wait = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How one shop there is reached, whoever wants to reach it."""

    shop: str
    app_key: Secret | None
    app_secret: Secret | None
    gateway: str = NEW
    sign: str = SIGNS[NEW][0]
    url: str = ""
    rate: Rate = PACE
    timeout: float = 30.0
    line: Line = field(repr=False)

    @property
    def account(self) -> str:
        """Whose login it is."""
        return f"{KIND}/{self.shop}"

    @property
    def remedy(self) -> str:
        """What a person does when only a person can help."""
        return f"messenger aliexpress login {self.shop}"


def access_of(one: AliExpressSettings) -> Access:
    """Return how the shop of a source is reached."""
    return Access(
        shop=one.shop, app_key=one.app_key, app_secret=one.app_secret, gateway=one.gateway, sign=one.sign, url=one.url,
        rate=one.rate, timeout=one.timeout, line=Line(timeout=one.timeout),
    )  # fmt: skip


def access_to_messages(one: AliExpressMessages) -> Access:
    """Return how the shop of a transport is reached."""
    return Access(
        shop=one.shop, app_key=one.app_key, app_secret=one.app_secret, gateway=one.gateway, sign=one.sign, url=one.url,
        rate=one.rate or PACE, timeout=one.timeout, line=Line(timeout=one.timeout),
    )  # fmt: skip


def desk_of(access: Access, clock: Clock) -> TokenDesk:
    """Return where tokens for a shop are given out."""
    return TokenDesk(client=_client(access, clock, lambda: None), account=access.account)


def session_of(access: Access, store: Store, clock: Clock, *, owner: str, wait: Wait = time.sleep) -> Session:
    """Return what can be asked in a shop's name, at the shop's pace, which all processes share.

    Args:
        access: how it is reached.
        store: keeps the login, and the pace.
        clock: tells the time.
        owner: this process.
        wait: waits so many seconds.
    """
    client = _client(access, clock, partial(_keep_pace, access, store, clock, wait))
    login = Login(
        vault=store, clock=clock, account=access.account, owner=owner, renew=desk_of(access, clock).renew,
        remedy=access.remedy, early=EARLY,
    )  # fmt: skip
    return Session(client=client, login=login, wait=wait, chance=random.random)


def poller_of(
    one: AliExpressSettings,
    access: Access,
    store: Store,
    clock: Clock,
    home: Callable[[], Home],
    *,
    owner: str,
    wait: Wait,
) -> AliExpress:
    """Return what reads the orders and parcels of a source's shop."""
    return AliExpress(
        name=one.name, shop=one.shop, every=one.every, source=access.account, clock=clock,
        orders=Orders(session_of(access, store, clock, owner=owner, wait=wait), CALLS[one.seller]),
        parcels=partial(_parcels, UnderWay(store=store, clock=clock, home=home, shop=one.shop)),
        alarm=partial(_alarm, store, clock, one), history=one.history, parcels_every=one.tracking,
        parcels_zone=ZoneInfo(one.tracking_zone),
    )  # fmt: skip


def _client(access: Access, clock: Clock, pace: Callable[[], None]) -> Client:
    gateway = Gateway(access.gateway)
    return Client(
        http=access.line, app=App(key=_revealing(access.app_key), secret=_revealing(access.app_secret)), clock=clock,
        gateway=gateway, where=addresses(gateway, access.url), scheme=Scheme(access.sign), pace=pace,
    )  # fmt: skip


def _keep_pace(access: Access, store: Store, clock: Clock, wait: Wait) -> None:
    """Take the next place for a call of this shop, and wait for it."""
    at = store.turn_allowance(f"{access.account} calls", lambda known: reserved(known, access.rate, clock.now()))
    seconds = (at - clock.now()) / timedelta(seconds=1)
    if seconds > 0:
        wait(seconds)


def _revealing(secret: Secret | None) -> Callable[[], str]:
    if secret is None:
        raise ValueError("settings without a secret are refused when they are read")
    return secret.reveal


def _parcels(under_way: UnderWay, after: str) -> Iterator[Parcel]:
    for order, parcel in under_way.behind(after):
        method = parcel.method or order.shipping_method or ""
        yield Parcel(order=order.number, number=parcel.number or "", method=method, country=order.buyer.country or "")


def _alarm(store: Store, clock: Clock, one: AliExpressSettings, door: str, problem: str) -> None:
    """Open or end the alert of one capability; that of the source as a whole is its turns'."""
    subject, now = f"{one.name} {door}", clock.now()
    if problem:
        store.raise_alert(kind=AlertKind.ACCESS, subject=subject, shop=one.shop, at=now, detail=problem)
    else:
        store.end_alert(kind=AlertKind.ACCESS, subject=subject, shop=one.shop, at=now)


def accesses(settings: Settings) -> dict[str, tuple[Access, str]]:
    """Return how each shop there is reached, and the page that its login leads to, by shop."""
    by_messages = {
        one.shop: (access_to_messages(one), "")
        for one in settings.platforms.values()
        if isinstance(one, AliExpressMessages)
    }
    by_orders = {
        one.shop: (access_of(one), one.redirect)
        for one in settings.sources.values()
        if isinstance(one, AliExpressSettings)
    }
    return by_messages | by_orders
