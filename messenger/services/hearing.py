"""Hearing: how each source stands: when it was last heard from, and what of its deliveries still waits for somebody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from messenger.domain.shops import Source
from messenger.ports import Store
from messenger.ports.deliveries import DeliveryState, Spool
from messenger.services.clearing import NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one source stands.

    Args:
        shop: whose; empty: of any.
        heard_at: when it was last heard from; None when it never was.
        is_silent: whether that is longer ago than it may be.
        waiting: deliveries that were not read yet.
        failed: deliveries that could not be read.
        unknown: deliveries of kinds that no reader knows.
        person: deliveries that ask for what only a person does.
    """

    name: str
    shop: str
    heard_at: datetime | None
    is_silent: bool = False
    waiting: int = 0
    failed: int = 0
    unknown: int = 0
    person: int = 0


def standings(store: Store, spool: Spool, sources: Iterable[tuple[str, Source]], now: datetime) -> list[Standing]:
    """Return how sources stand, each given with its shop, and whatever else something was posted to."""
    heard, counts = store.heard(), spool.counts(frozenset(DeliveryState) - {DeliveryState.PROCESSED})
    told = dict.fromkeys(name for name, _ in counts)
    known = {one.name: (shop, one) for shop, one in sources}

    def standing(name: str) -> Standing:
        shop, source = known.get(name, ("", None))
        at = heard.get(name)
        return Standing(
            name=name, shop=shop, heard_at=at, is_silent=source is not None and now - (at or NEVER) > source.fresh,
            waiting=counts.get((name, DeliveryState.RECEIVED), 0), failed=counts.get((name, DeliveryState.FAILED), 0),
            unknown=counts.get((name, DeliveryState.UNKNOWN), 0), person=counts.get((name, DeliveryState.PERSON), 0),
        )  # fmt: skip

    return [standing(name) for name in dict.fromkeys([*known, *told])]
