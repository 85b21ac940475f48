"""A shop that is read from the platform of ``aliexpress_server``, with a store of its own and a clock that is set by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx2

from messenger.domain.events import Event
from messenger.domain.orders import Order
from messenger.platforms.aliexpress.client import App as Keys
from messenger.platforms.aliexpress.client import Client, Gateway, addresses
from messenger.platforms.aliexpress.orders import CHINA, Calls, Orders
from messenger.platforms.aliexpress.poller import AliExpress
from messenger.platforms.aliexpress.send import AliExpressTransport
from messenger.platforms.aliexpress.session import Session
from messenger.platforms.aliexpress.signing import Scheme
from messenger.platforms.aliexpress.tokens import EARLY, TokenDesk
from messenger.platforms.aliexpress.tracking import Parcel
from messenger.platforms.logins import Login
from messenger.ports import Credentials, OrderKey
from messenger.services.clocks import SetClock
from messenger.services.ingesting import Report
from messenger.services.polling import Polling
from messenger.storage import SqlStore, create
from tests.builders import utc
from tests.platforms.aliexpress_server import KEY, SECRET, Platform, aliexpress_server
from tests.stage import HEAD, Stage, stage

START = utc("2026-03-02T12:00")
ACCOUNT = "aliexpress/toys"
MINUTE = timedelta(minutes=1)
EVERY = timedelta(minutes=10)
REMEDY = "messenger aliexpress login toys"


@dataclass
class Shop:
    """One shop with the platform."""

    platform: Platform
    clock: SetClock
    store: SqlStore
    http: httpx2.Client
    on: Stage | None = None
    gateway: Gateway = Gateway.NEW
    scheme: Scheme = Scheme.SHA256
    calls: Calls = CHINA
    simplify: bool = False
    owner: str = "me"
    waited: list[float] = field(default_factory=list)
    alarms: dict[str, str] = field(default_factory=dict)
    parcels: list[Parcel] = field(default_factory=list)
    parcels_every: timedelta | None = None

    @property
    def client(self) -> Client:
        """What makes the calls."""
        return Client(
            http=lambda: self.http, app=Keys(key=lambda: KEY, secret=lambda: SECRET), clock=self.clock, gateway=self.gateway,
            where=addresses(self.gateway, self.platform.url), scheme=self.scheme, simplify=self.simplify,
        )  # fmt: skip

    @property
    def desk(self) -> TokenDesk:
        """Where tokens are given out."""
        return TokenDesk(client=self.client, account=ACCOUNT)

    @property
    def tokens(self) -> Login:
        """What keeps the seller logged in."""
        return Login(
            vault=self.store, clock=self.clock, account=ACCOUNT, owner=self.owner, renew=self.desk.renew, remedy=REMEDY,
            early=EARLY,
        )  # fmt: skip

    @property
    def session(self) -> Session:
        """What can be asked."""
        return Session(client=self.client, login=self.tokens, wait=self.waited.append, chance=lambda: 1.0)

    def transport(self, *, hands: int = 2) -> AliExpressTransport:
        """What carries messages."""
        return AliExpressTransport("chat", self.session, hands=hands, close=lambda: None)

    @property
    def poller(self) -> AliExpress:
        """What reads the shop."""
        return AliExpress(
            name="ae", shop="toys", every=EVERY, source=ACCOUNT, orders=Orders(self.session, self.calls), clock=self.clock,
            parcels=self.open_parcels, alarm=self.alarms.__setitem__, parcels_every=self.parcels_every,
        )  # fmt: skip

    def exchange(self, code: str, *, redirect: str = "") -> Credentials:
        """Log in with a code, as the command does."""
        found = self.desk.log_in(code, redirect=redirect)
        self.store.keep_credentials(found, at=self.clock.now())
        return found

    def open_parcels(self, after: str) -> Iterable[Parcel]:
        """The parcels on their way."""
        return (one for one in self.parcels if one.order > after)

    def log_in(self, *, ends_in: timedelta = timedelta(days=30), refresh: str = "") -> None:
        """Let the seller be logged in here and there."""
        self.platform.lives = ends_in
        self.platform.log_in()
        number = self.platform.issued
        ends_at, now = self.clock.now() + ends_in, self.clock.now()
        found = Credentials(account=ACCOUNT, access=f"at-{number}", refresh=refresh or f"rt-{number}", ends_at=ends_at)
        self.store.keep_credentials(found, at=now)

    def poll(self, *, later: timedelta = timedelta(0)) -> Report:
        """Take one turn, and take in what it brought."""
        assert self.on is not None
        self.clock.advance_to(self.clock.now() + later)
        polling = Polling(
            store=self.store, clock=self.clock, ingest=self.on.engine.ingest, owner=self.owner, pollers=lambda: [self.poller],
            chance=lambda: 1.0,
        )  # fmt: skip
        report = polling.run(self.poller, is_asked=True)
        assert report is not None
        self.on.engine.ingest.take_in()
        return report

    def events(self, number: str) -> list[Event]:
        """What is known of an order."""
        key = OrderKey(shop="toys", number=number)
        return sorted(self.store.events_of([key]).get(key, []), key=lambda one: (one.time, one.id))

    def types(self, number: str) -> list[str]:
        """What happened to an order."""
        return [one.type for one in self.events(number) if one.type != "order.updated"]

    def order(self, number: str) -> Order:
        """An order as it is."""
        assert self.on is not None
        found = self.on.engine.home.order(self.events(number))
        assert found is not None
        return found

    @property
    def numbers(self) -> list[str]:
        """The orders that are known."""
        return [one.number for one in self.store.find_orders()]

    @property
    def problem(self) -> str:
        """Why the last turn went wrong."""
        return self.store.polls()["ae"].problem


@contextmanager
def a_shop(folder: Path) -> Iterator[Shop]:
    """Yield a shop in which the seller is logged in, with all of messenger around it."""
    on = stage(folder)
    (on.folder / "schedules.toml").write_text(HEAD, encoding="utf-8")
    on.at(START)
    with aliexpress_server(on.clock.now) as platform, httpx2.Client(timeout=10) as http:
        store = on.engine.store
        assert isinstance(store, SqlStore)
        shop = Shop(platform, on.clock, store, http, on)
        shop.log_in()
        yield shop
    on.close()


@contextmanager
def an_account(folder: Path) -> Iterator[Shop]:
    """Yield a shop with nothing around it but a store."""
    clock = SetClock(START)
    store = create(f"sqlite:///{folder}/messenger.db")
    with aliexpress_server(clock.now) as platform, httpx2.Client(timeout=10) as http:
        yield Shop(platform, clock, store, http)
    store.close()
