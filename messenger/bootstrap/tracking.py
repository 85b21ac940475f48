"""Wiring of 17TRACK: whose parcels are looked for, and at which pace it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from messenger.config.sources_17track import SeventeenTrackSettings
from messenger.domain.alerts import AlertKind
from messenger.domain.pacing import reserved
from messenger.platforms.lines import Line
from messenger.platforms.seventeentrack.client import API, Client
from messenger.platforms.seventeentrack.poll import SeventeenTrack
from messenger.ports import Clock, Store
from messenger.services.home import Home
from messenger.services.tracking import FreshParcels

KIND: Final = "17track"
TIMEOUT: Final = 30.0


def client_of(one: SeventeenTrackSettings, store: Store, clock: Clock, wait: Callable[[float], None]) -> Client:
    """Return what makes calls for a source, at the pace that all processes share."""
    if one.key is None:
        raise ValueError("settings without a secret are refused when they are read")
    pace = partial(_keep_pace, one, store, clock, wait)
    return Client(http=Line(timeout=TIMEOUT), key=one.key.reveal, url=one.url or API, pace=pace)


def poller_of(
    one: SeventeenTrackSettings, store: Store, clock: Clock, home: Callable[[], Home], *, wait: Callable[[float], None]
) -> SeventeenTrack:
    """Return what registers the parcels of a source's shop, and reads what moved."""
    return SeventeenTrack(
        name=one.name, shop=one.shop, every=one.every, source=f"{KIND}/{one.shop}", clock=clock,
        client=client_of(one, store, clock, wait), alarm=partial(_alarm, store, clock, one),
        fresh=FreshParcels(store=store, clock=clock, home=home, shop=one.shop).after,
    )  # fmt: skip


def _keep_pace(one: SeventeenTrackSettings, store: Store, clock: Clock, wait: Callable[[float], None]) -> None:
    """Take the next place for a call with this key, and wait for it."""
    name = f"{KIND}/{one.key.source if one.key else ''} calls"
    at = store.turn_allowance(name, lambda known: reserved(known, one.rate, clock.now()))
    seconds = (at - clock.now()) / timedelta(seconds=1)
    if seconds > 0:
        wait(seconds)


def _alarm(store: Store, clock: Clock, one: SeventeenTrackSettings, door: str, problem: str) -> None:
    subject, now = f"{one.name} {door}", clock.now()
    if problem:
        store.raise_alert(kind=AlertKind.ACCESS, subject=subject, shop=one.shop, at=now, detail=problem)
    else:
        store.end_alert(kind=AlertKind.ACCESS, subject=subject, shop=one.shop, at=now)
