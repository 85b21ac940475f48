"""An eBay transport at work against the eBay of this machine, with a real store for its tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from messenger.domain.messages import FrozenMessage, Key
from messenger.platforms.ebay.client import Client
from messenger.platforms.ebay.send import EbayTransport
from messenger.platforms.ebay.tokens import App, TokenDesk
from messenger.platforms.lines import Line
from messenger.platforms.logins import Login
from messenger.ports import Credentials
from messenger.services.clocks import SetClock
from messenger.storage import SqlStore, migrate, open_store
from tests.builders import utc
from tests.platforms.ebay_server import KEY, SECRET, Ebay, ebay_server

NOW = utc("2026-03-02T12:00")
ACCOUNT = "ebay/toys"
TIMEOUT = 5.0


@dataclass
class Shop:
    """A seller's side: transport, tokens, store, clock; and the eBay that it talks to."""

    ebay: Ebay
    store: SqlStore
    clock: SetClock
    desk: TokenDesk
    transport: EbayTransport

    def log_in(self, *, ends_in: timedelta = timedelta(hours=2)) -> Credentials:
        """Keep tokens that eBay knows."""
        self.ebay.access["access-0"] = self.clock.now() + ends_in
        found = Credentials(
            account=ACCOUNT, access="access-0", refresh="refresh-1", ends_at=self.clock.now() + ends_in,
            refresh_ends_at=self.clock.now() + timedelta(days=500),
        )  # fmt: skip
        self.store.keep_credentials(found, at=self.clock.now())
        return found


@contextmanager
def ebay_shop(folder: Path, *, hands: int = 2, timeout: float = TIMEOUT, owner: str = "worker-1") -> Iterator[Shop]:
    """Yield a seller who is logged in."""
    clock = SetClock(NOW)
    url = f"sqlite:///{folder}/ebay.db"
    migrate(url)
    store = open_store(url)
    ebay = Ebay(clock=clock.now)
    with ebay_server(ebay) as address:
        line = Line(timeout=timeout)
        app = App(key=lambda: KEY, secret=lambda: SECRET)
        desk = TokenDesk(http=line, app=app, clock=clock, account=ACCOUNT, url=address)
        login = Login(
            vault=store, clock=clock, account=ACCOUNT, owner=owner, renew=desk.renew, remedy="messenger ebay login chat"
        )
        client = Client(http=line, login=login, url=address)
        shop = Shop(ebay, store, clock, desk, EbayTransport("chat", client, clock, hands=hands, close=line.close))
        shop.log_in()
        yield shop
        line.close()
    store.close()


def a_text(
    number: int = 1, *, buyer: str = "", text: str = "", order: str = "", placed_at: datetime | None = NOW
) -> FrozenMessage:
    """A message to a buyer about an order."""
    words = text or f"Hello, your order {order or number} is on its way. If you have a question, reply to this message."
    about = [("Order", order or f"12-{number}")] + ([("Placed-At", placed_at.isoformat())] if placed_at else [])
    return FrozenMessage(
        key=Key("toys", "shipped", str(number), 1), sender="Toys <care@toys.example>", recipient=buyer or f"buyer{number}",
        content=words.encode(), text=words, about=tuple(about), written_at=NOW,
    )  # fmt: skip
