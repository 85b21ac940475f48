"""Minding the queue: which of its messages are a matter for staff, as the lookout tells them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.alerts import Alert, AlertKind
from messenger.domain.messages import State
from messenger.ports import OrderKey, Store

LOOKS_BACK: Final = timedelta(days=1)
"""What failed longer before the first look at it is no news."""
LITTLE_TIME: Final = timedelta(hours=6)
"""An urgent message that did not leave and expires so soon is told."""


@dataclass(frozen=True, slots=True)
class Matter:
    """What an alert should say while it is open."""

    buyers: int = 0
    detail: str = ""


Matters = Mapping[tuple[str, str], Matter]
"""By shop and subject."""


def accounts_in_trouble(store: Store, now: datetime) -> Matters:
    """Return the accounts that are left alone, with what was said last."""
    open_ = [one for one in store.breakers().values() if one.is_open]
    buyers = store.account_buyers(now=now) if open_ else {}
    return {
        ("", one.transport): Matter(buyers=buyers.get(one.transport, 0), detail=one.reply or one.stage) for one in open_
    }


def left_to_people(store: Store) -> Matters:
    """Return the shops with messages that were perhaps sent, and only a person decides about."""
    return {(shop, ""): Matter(buyers=buyers) for shop, buyers in store.doubtful_buyers().items()}


def gave_up(store: Store, kind: AlertKind, shops: Collection[str], known: Collection[Alert], now: datetime) -> Matters:
    """Return the shops with messages that failed since somebody last said that he had dealt with it.

    Args:
        store: where they are.
        kind: ``failed`` or ``poison``.
        shops: their ids.
        known: every alert of this kind, also what is over.
        now: aware, UTC.
    """
    found: dict[tuple[str, str], Matter] = {}
    for shop in shops:
        dealt_with = [one.ended_at for one in known if one.shop == shop and one.ended_by and one.ended_at is not None]
        opened = [one.since - LOOKS_BACK for one in known if one.shop == shop and one.is_open]
        since = max(dealt_with, default=min(opened, default=now - LOOKS_BACK))
        buyers = store.failed_buyers(shop=shop, since=since, poison=kind is AlertKind.POISON)
        if buyers:
            found[shop, ""] = Matter(buyers=buyers)
    return found


def urgent_at_risk(store: Store, open_: Collection[Alert], now: datetime) -> Matters:
    """Return orders whose urgent message may expire; one that has expired since stays until somebody has dealt with it."""
    at_risk = store.urgent_at_risk(now=now, until=now + LITTLE_TIME)
    found = {(one.shop, one.number): Matter(buyers=1) for one in at_risk}
    for one in open_:
        if (one.shop, one.subject) not in found and _has_expired(store, one):
            found[one.shop, one.subject] = Matter(buyers=one.buyers, detail=one.detail)
    return found


def _has_expired(store: Store, alert: Alert) -> bool:
    rows = store.messages_of(OrderKey(shop=alert.shop, number=alert.subject))
    return any(row.urgent and row.state is State.EXPIRED and row.expires_at >= alert.since for row in rows)
