"""What the doctor looks at, by the settings of a home."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Final

from messenger.bootstrap import tracking
from messenger.bootstrap.aliexpress import CALLS, access_of, session_of
from messenger.bootstrap.engine import Engine
from messenger.bootstrap.making import smtp_settings
from messenger.bootstrap.platforms import Means, account_of, ebay_access
from messenger.config.platform_transports import PlatformSettings
from messenger.config.sources import AliExpressSettings, SeventeenTrackSettings, SourceSettings, WebhookSettings
from messenger.config.transports import TransportSettings
from messenger.domain.breakers import Breaker
from messenger.errors import MessengerError, SourceAway
from messenger.mail.visiting import visit
from messenger.platforms.aliexpress.failures import CallFailed as AliExpressFailed
from messenger.platforms.aliexpress.orders import Orders, Query
from messenger.platforms.ebay.failures import CallFailed
from messenger.platforms.seventeentrack.failures import CallFailed as TrackingFailed
from messenger.services.doctor import Health, Patient, of_account, of_login, of_shop, of_source
from messenger.services.hearing import standings

Look = Iterable[tuple[Health, str]]


def patients_of(engine: Engine, *, shop: str = "", is_offline: bool = False) -> list[Patient]:
    """Return everything that is to be looked at.

    Args:
        engine: whose settings and store.
        shop: only what this shop relies on; empty for everything.
        is_offline: ask nobody.
    """
    found = [*_shops(engine), *_transports(engine, is_offline=is_offline), *_sources(engine, is_offline=is_offline)]
    return [one for one in found if not shop or one.shop == shop]


def _shops(engine: Engine) -> Iterator[Patient]:
    for name, one in engine.settings.shops.items():
        yield Patient(shop=name, name=name, kind=one.platform, look=partial(of_shop, one))


def _transports(engine: Engine, *, is_offline: bool) -> Iterator[Patient]:
    """Each transport that a shop uses, once for each shop, and those that none does."""
    breakers, waiting = engine.store.breakers(), engine.store.waiting_for_accounts(now=engine.clock.now())
    users: dict[str, list[str]] = {}
    for shop, one in engine.settings.shops.items():
        for name in one.channels.values():
            users.setdefault(name, []).append(shop)
    for name, way in engine.settings.ways.items():
        account = partial(of_account, breakers.get(name, Breaker(transport=name)), waiting.get(name, 0))
        kind, look = _of_way(engine, name, way, is_offline=is_offline)
        for shop in users.get(name, [""]):
            yield Patient(shop=shop, name=name, kind=kind, look=_all(account, look))


def _of_way(
    engine: Engine, name: str, way: TransportSettings | PlatformSettings, *, is_offline: bool
) -> tuple[str, Callable[[], Look]]:
    if isinstance(way, PlatformSettings):
        return way.kind, partial(_PLATFORMS[way.kind], engine, way, is_offline)
    return "smtp", (lambda: ()) if is_offline else lambda: [(Health.FINE, visit(smtp_settings(name, way)))]


def _ebay(engine: Engine, way: PlatformSettings, is_offline: bool) -> Look:  # noqa: FBT001  # bound by partial
    remedy = f"messenger ebay login {way.name}"
    found = list(of_login(engine.store, account_of(way), now=engine.clock.now(), remedy=remedy))
    yield from found
    if is_offline or any(health is Health.WRONG for health, _ in found):
        return
    client, line = ebay_access(way, Means(vault=engine.store, clock=engine.clock, owner="doctor"))
    try:
        next(client.conversations(), None)
    except CallFailed as error:
        raise SourceAway(f"messages cannot be read: {error}") from error
    finally:
        line.close()
    yield Health.FINE, "messages can be read and sent"


def _messages(engine: Engine, way: PlatformSettings, is_offline: bool) -> Look:  # noqa: ARG001, FBT001  # called as the others
    """Nothing can be asked about messages without an order: whether they are allowed shows with the first one."""
    remedy = f"messenger aliexpress login {way.shop}"
    yield from of_login(engine.store, account_of(way), now=engine.clock.now(), remedy=remedy)


_PLATFORMS: Final[Mapping[str, Callable[[Engine, PlatformSettings, bool], Look]]] = {
    "aliexpress": _messages,
    "ebay": _ebay,
}


def _sources(engine: Engine, *, is_offline: bool) -> Iterator[Patient]:
    settings, now = engine.settings.sources, engine.clock.now()
    known = [(one.shop, one.source) for one in settings.values()]
    polls = engine.store.polls()
    for standing in standings(engine.store, engine.spool, known, now):
        one = settings.get(standing.name)
        kind = _kind(one) if one is not None else "gone from messenger.toml"
        heard: Callable[[], Look] = partial(of_source, standing, polls.get(standing.name), now)
        asked = _asked(engine, one, is_offline=is_offline) if one is not None else tuple
        yield Patient(shop=standing.shop, name=standing.name, kind=kind, look=_all(heard, asked))


def _kind(one: SourceSettings) -> str:
    if isinstance(one, WebhookSettings):
        return f"webhook, {one.scheme}"
    if isinstance(one, SeventeenTrackSettings):
        return tracking.KIND
    name = type(one).__name__.removesuffix("Settings").lower()
    return "file" if name == "source" else name


def _asked(engine: Engine, one: SourceSettings, *, is_offline: bool) -> Callable[[], Look]:
    """What asking a source itself shows."""
    look = _ASKED.get(type(one))
    return partial(look, engine, one, is_offline) if look is not None else tuple


def _webhook(_: Engine, one: WebhookSettings, is_offline: bool) -> Look:  # noqa: ARG001, FBT001  # called as the others
    for secret in one.secrets:
        secret.reveal()  # says itself which is not set
    return ()


def _17track(engine: Engine, one: SeventeenTrackSettings, is_offline: bool) -> Look:  # noqa: FBT001  # bound by partial
    if is_offline:
        return
    client = tracking.client_of(one, engine.store, engine.clock, time.sleep)
    try:
        quota = client.quota()
    except TrackingFailed as error:
        yield Health.WRONG, f"17TRACK does not let us in: {error}"
        return
    finally:
        client.http.close()
    health = Health.FINE if quota.left > 0 else Health.WRONG
    yield health, f"17TRACK lets us in; {quota.left} of {quota.total} numbers are left"


def _aliexpress(engine: Engine, one: AliExpressSettings, is_offline: bool) -> Look:  # noqa: FBT001  # bound by partial
    access, now = access_of(one), engine.clock.now()
    found = list(of_login(engine.store, access.account, now=now, remedy=access.remedy))
    yield from found
    if is_offline or any(health is Health.WRONG for health, _ in found):
        return
    session = session_of(access, engine.store, engine.clock, owner="doctor")
    try:
        Orders(session, CALLS[one.seller]).page(Query(created=(now - A_DAY, now)), 1)
    except AliExpressFailed as error:
        raise SourceAway(f"orders cannot be read: {error}") from error
    finally:
        access.line.close()
    yield Health.FINE, "orders can be read"


_ASKED: Final[Mapping[type[SourceSettings], Callable[..., Look]]] = {
    WebhookSettings: _webhook,
    SeventeenTrackSettings: _17track,
    AliExpressSettings: _aliexpress,
}
"""How sources are asked once, by the kind of their settings; called with engine, settings, and whether nobody is to be asked."""
A_DAY: Final = timedelta(days=1)


def _all(*looks: Callable[[], Look]) -> Callable[[], Look]:
    """One look after the other; what one raises is what it found, and the others are taken all the same."""

    def look() -> Look:
        for one in looks:
            try:
                yield from one()
            except MessengerError as error:
                yield Health.WRONG, str(error).removeprefix(": ")

    return look
