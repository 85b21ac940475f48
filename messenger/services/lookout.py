"""The lookout: compares what is with what should be, opens alerts and ends them. What only a moment shows is raised there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.alerts import Alert, AlertKind
from messenger.domain.holds import holdings
from messenger.domain.rules import Hold
from messenger.ports import Clock, OrderKey, Space, Store
from messenger.services.clearing import NEVER, silent_sources
from messenger.services.home import Home
from messenger.services.minding import (
    Matter,
    Matters,
    accounts_in_trouble,
    gave_up,
    left_to_people,
    urgent_at_risk,
)

LEAST_FREE: Final = 256 * 2**20
LEAST_SHARE: Final = 0.05
"""With less room than either, SQLite may soon refuse everything, even to delete."""
STILL_FOR: Final = timedelta(minutes=30)
"""So long what is due may lie there while nothing leaves."""
AFTER_OUTAGE: Final = "outage"
"""Subject of the alert that an outage leaves behind."""
SPREADS_FOR: Final = timedelta(hours=2)
"""How long what fell due meanwhile is spread over."""


@dataclass(slots=True, kw_only=True)
class Lookout:
    """Looks around; may be done by any number of processes.

    Args:
        home: returns the generation that is worked by.
        spaces: returns the room on the disks that matter.
    """

    store: Store
    clock: Clock
    home: Callable[[], Home]
    spaces: Callable[[], Collection[Space]] = tuple
    _watched_since: datetime | None = None
    """Since when something has been due, seen by this process, without anything leaving."""

    def look(self) -> None:
        """Open what is the matter, end what is not any more."""
        now, known = self.clock.now(), self.store.alerts(only_open=False)
        open_ = [one for one in known if one.is_open]
        for kind, matters in self._found(known, open_, now).items():
            self._settle(kind, matters, [one for one in open_ if one.kind is kind and _is_ours(one)], now)

    def _found(self, known: Collection[Alert], open_: Collection[Alert], now: datetime) -> Mapping[AlertKind, Matters]:
        def of(kind: AlertKind, alerts: Collection[Alert]) -> list[Alert]:
            return [one for one in alerts if one.kind is kind]

        shops = self.home().shops
        return {
            AlertKind.ACCOUNT: accounts_in_trouble(self.store, now),
            AlertKind.UNCERTAIN: left_to_people(self.store),
            AlertKind.APPROVAL: self._shut_valves(),
            AlertKind.SOURCE_SILENT: self._silent_sources(now),
            AlertKind.URGENT: urgent_at_risk(self.store, of(AlertKind.URGENT, open_), now),
            AlertKind.DISK: self._full_disks(),
            AlertKind.STAND_STILL: self._standing_still(of(AlertKind.STAND_STILL, open_), now),
            AlertKind.CONVERSATION: self._unanswered(of(AlertKind.CONVERSATION, open_)),
            **{
                one: gave_up(self.store, one, shops, of(one, known), now)
                for one in (AlertKind.FAILED, AlertKind.POISON)
            },
        }

    def _settle(self, kind: AlertKind, matters: Matters, open_: Collection[Alert], now: datetime) -> None:
        for (shop, subject), one in matters.items():
            self.store.raise_alert(kind=kind, subject=subject, shop=shop, at=now, buyers=one.buyers, detail=one.detail)
        for alert in open_:
            if (alert.shop, alert.subject) not in matters:
                self.store.end_alert(kind=kind, subject=alert.subject, shop=alert.shop, at=now)

    def _shut_valves(self) -> Matters:
        return {
            (one.shop, one.name): Matter(buyers=one.buyers, detail=f"messenger outbox approve --intake {one.intake}")
            for one in self.store.held_back()
        }

    def _silent_sources(self, now: datetime) -> Matters:
        """Sources that were heard once, or that somebody waits for."""
        shops = [shop for shop in self.home().shops.values() if shop.sources]
        heard = self.store.heard() if shops else {}
        found: dict[tuple[str, str], Matter] = {}
        for shop in shops:
            silent = silent_sources(shop, heard, now)
            waiting = self.store.held_buyers(shop=shop.id, hold=Hold.SOURCE_SILENT) if silent else 0
            for name, since in silent.items():
                if since > NEVER or waiting:
                    found[shop.id, name] = Matter(buyers=waiting, detail=_last_heard(since))
        return found

    def _full_disks(self) -> Matters:
        return {
            ("", one.folder): Matter(detail=f"{one.free // 2**20} MiB of {one.total // 2**20} MiB")
            for one in self.spaces()
            if one.free < LEAST_FREE or one.free < one.total * LEAST_SHARE
        }

    def _standing_still(self, open_: Collection[Alert], now: datetime) -> Matters:
        """What is due and does not leave; what an outage left behind is over when all of it has been spread."""
        outage = {
            (one.shop, one.subject): Matter(buyers=one.buyers, detail=one.detail)
            for one in open_
            if one.subject == AFTER_OUTAGE and now - one.since < SPREADS_FOR
        }
        buyers = self._buyers_at_a_stand_still(now)
        return outage | ({("", ""): Matter(buyers=buyers)} if buyers else {})

    def _buyers_at_a_stand_still(self, now: datetime) -> int:
        """How many wait in vain. What was taken in late is due at once, so only what was watched, or nobody works at, counts."""
        last = self.store.last_alive()
        if last is not None and now - last > STILL_FOR:
            return self.store.standing_still(since=now - STILL_FOR, now=now)
        since = self._watched_since or now
        buyers = self.store.standing_still(since=since, now=now)
        self._watched_since = since if buyers else None
        return buyers if now - since >= STILL_FOR else 0

    def _unanswered(self, open_: Collection[Alert]) -> Matters:
        """Conversations that were raised and go on; one is over once somebody has answered, or its order is gone."""
        raised = {
            OrderKey(shop=one.shop, number=one.subject): Matter(buyers=one.buyers, detail=one.detail) for one in open_
        }
        events = self.store.events_of(list(raised)) if raised else {}
        orders = {key: self.home().order(events.get(key, ())) for key in raised}
        return {
            (key.shop, key.number): raised[key]
            for key, order in orders.items()
            if order is not None and any(one.hold is Hold.CONVERSATION for one in holdings(order))
        }


def tell_of_outage(store: Store, now: datetime, *, messages: int, since: datetime) -> None:
    """Open the alert of a long stand-still that is just over; it ends when what fell due meanwhile has been spread."""
    detail = f"{messages} · {since:%Y-%m-%d %H:%M} UTC → {now:%Y-%m-%d %H:%M} UTC"
    store.raise_alert(kind=AlertKind.STAND_STILL, subject=AFTER_OUTAGE, at=now, detail=detail)


def _is_ours(alert: Alert) -> bool:
    """Whether the lookout ends it: others raise some of these kinds too, and end what they have raised."""
    match alert.kind:
        case AlertKind.SOURCE_SILENT:
            return bool(alert.shop)
        case AlertKind.STAND_STILL:
            return alert.subject in {"", AFTER_OUTAGE}
        case AlertKind.UNCERTAIN | AlertKind.FAILED | AlertKind.POISON:
            return not alert.subject
    return True


def _last_heard(since: datetime) -> str:
    return "" if since <= NEVER else f"{since:%Y-%m-%d %H:%M} UTC"
