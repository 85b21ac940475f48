"""What is posted to us: which readers there are, and what reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from messenger.bootstrap.sources import pollers_in
from messenger.config.settings import Settings
from messenger.config.sources import BrokerSettings, WebhookSettings
from messenger.intake import standard_events
from messenger.platforms.aftership import deliveries as aftership
from messenger.platforms.aliexpress import deliveries as aliexpress
from messenger.platforms.ebay import deliveries as ebay
from messenger.platforms.seventeentrack import deliveries as seventeentrack
from messenger.platforms.shopify import deliveries as shopify
from messenger.platforms.woocommerce import deliveries as woocommerce
from messenger.ports import BuyerKey, Store
from messenger.ports.deliveries import Delivery, NotForUs, Reader, Told
from messenger.services.receiving import API, Inlet, Receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messenger.bootstrap.engine import Engine


def _nobody(delivery: Delivery) -> Iterator[Told]:
    """No reader yet: what comes is kept."""
    raise NotForUs(delivery.headers.get("content-type") or "no content type")


EBAY: Final = "ebay"
READERS: Final[Mapping[str, Reader]] = {
    "standard": standard_events.read,
    "shopify": shopify.read,
    "woocommerce": woocommerce.read,
    "aftership": aftership.read,
    "aliexpress": aliexpress.read,
    "17track": seventeentrack.read,
}
"""By scheme."""


def inlets_of(settings: Settings, store: Store | None = None) -> dict[str, Inlet]:
    """Return what is posted to, by the name of the source; ``store`` answers readers that ask what is known."""
    found = {
        one.name: Inlet(name=one.name, shop=one.shop, sender=f"{one.scheme}/{one.shop}", read=_reader_of(one, store))
        for one in hooks_of(settings).values()
    }
    brokers = [one for one in settings.sources.values() if isinstance(one, BrokerSettings)]
    found |= {
        one.name: Inlet(name=one.name, shop=one.shop, sender=one.name, read=standard_events.read) for one in brokers
    }
    if settings.web.tokens:
        found[API] = Inlet(name=API, shop="", sender=API, read=standard_events.read)
    return found


def _reader_of(one: WebhookSettings, store: Store | None) -> Reader:
    if one.scheme == EBAY and store is not None:
        return partial(ebay.read, orders_of=partial(_orders_of, store, one.shop))
    return READERS.get(one.scheme, _nobody)


def _orders_of(store: Store, shop: str, ids: Sequence[str]) -> Sequence[str]:
    """The numbers of a shop's orders by buyers with one of these ids."""
    return [one.number for one in store.orders_of([BuyerKey(shop, f"id:{id_}") for id_ in ids])]


def receiving_of(engine: Engine) -> Receiving:
    """Return what reads deliveries, by settings and rules as they are at the time."""
    return Receiving(
        store=engine.store, spool=engine.spool, ingest=engine.ingest, clock=engine.clock,
        inlets=lambda: inlets_of(engine.settings, engine.store), pollers=lambda: pollers_in(engine.settings.sources),
    )  # fmt: skip


def hooks_of(settings: Settings) -> dict[str, WebhookSettings]:
    """Return what others may post to, by the name of the source."""
    return {name: one for name, one in settings.sources.items() if isinstance(one, WebhookSettings)}


def receive(engine: Engine) -> int:
    """Read what was posted, if anything can be; returns how many deliveries that were."""
    if not inlets_of(engine.settings, engine.store):
        return 0
    receiving = receiving_of(engine)
    done = receiving.run()
    if engine.store.buys_tick("deliveries", f"{engine.clock.now():%Y-%m-%dT%H}"):
        receiving.forget()
    return done
