"""What 17TRACK posts: where a parcel is, and that a parcel is no longer looked for. Source: docs/sources.md, S51."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from messenger.errors import EventError
from messenger.platforms.reading import body_of, inner, text
from messenger.platforms.seventeentrack.parcels import Parcel
from messenger.ports.deliveries import Delivery, NotForUs, Told

UPDATED: Final = "TRACKING_UPDATED"
STOPPED: Final = "TRACKING_STOPPED"
"""Nothing was heard for a month, or it has arrived: a fact about 17TRACK, not about the parcel."""


def read(delivery: Delivery) -> Iterator[Told]:
    """Yield what a delivery tells.

    Raises:
        NotForUs: of another kind.
        EventError: it cannot be read.
    """
    body = body_of(delivery.body)
    event = text(body, "event")
    if event == STOPPED:
        return
    if event != UPDATED:
        raise NotForUs(event or "no event")
    parcel = Parcel(told=inner(body, "data"), at=delivery.received_at)
    if not parcel.number:
        raise EventError("data.number", "is missing: it names the parcel")
    yield from parcel.events()
