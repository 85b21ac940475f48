"""What is posted to us: which readers there are, and what reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from messenger.config.settings import Settings
from messenger.config.sources import WebhookSettings
from messenger.intake import standard_events
from messenger.platforms.aftership import deliveries as aftership
from messenger.platforms.seventeentrack import deliveries as seventeentrack
from messenger.platforms.shopify import deliveries as shopify
from messenger.platforms.woocommerce import deliveries as woocommerce
from messenger.ports.deliveries import Delivery, NotForUs, Reader, Told
from messenger.services.receiving import API, Inlet, Receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from messenger.bootstrap.engine import Engine


def _nobody(delivery: Delivery) -> Iterator[Told]:
    """No reader yet: what comes is kept."""
    raise NotForUs(delivery.headers.get("content-type") or "no content type")


READERS: Final[Mapping[str, Reader]] = {
    "standard": standard_events.read,
    "shopify": shopify.read,
    "woocommerce": woocommerce.read,
    "aftership": aftership.read,
    "17track": seventeentrack.read,
}
"""By scheme."""


def inlets_of(settings: Settings) -> dict[str, Inlet]:
    """Return what is posted to, by the name of the source."""
    found = {
        one.name: Inlet(
            name=one.name, shop=one.shop, sender=f"{one.scheme}/{one.shop}", read=READERS.get(one.scheme, _nobody)
        )
        for one in hooks_of(settings).values()
    }
    if settings.web.tokens:
        found[API] = Inlet(name=API, shop="", sender=API, read=standard_events.read)
    return found


def receiving_of(engine: Engine) -> Receiving:
    """Return what reads deliveries, by settings and rules as they are at the time."""
    return Receiving(
        store=engine.store, spool=engine.spool, ingest=engine.ingest, clock=engine.clock,
        inlets=lambda: inlets_of(engine.settings),
    )  # fmt: skip


def hooks_of(settings: Settings) -> dict[str, WebhookSettings]:
    """Return what others may post to, by the name of the source."""
    return {name: one for name, one in settings.sources.items() if isinstance(one, WebhookSettings)}


def receive(engine: Engine) -> int:
    """Read what was posted, if anything can be; returns how many deliveries that were."""
    if not inlets_of(engine.settings):
        return 0
    receiving = receiving_of(engine)
    done = receiving.run()
    if engine.store.buys_tick("deliveries", f"{engine.clock.now():%Y-%m-%dT%H}"):
        receiving.forget()
    return done
