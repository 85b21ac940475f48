"""Stopping a shop, or everything, and letting it go on, so that nobody gets a heap of messages at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from messenger.domain.pacing import LONG_PAUSE, SPREAD
from messenger.errors import UsageError
from messenger.ports import Clock, Pause, Store
from messenger.services.finding import hint
from messenger.services.home import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What came of letting a shop, or everything, go on.

    Args:
        ended: the pause that is over; None when there was none.
        spread: messages that had fallen due and now leave one after the other.
        until: by when they will have left.
        still: pauses that go on stopping what was meant, or part of it.
    """

    ended: Pause | None
    spread: int = 0
    until: datetime | None = None
    still: tuple[Pause, ...] = ()


@dataclass(frozen=True, slots=True)
class Pausing:
    """The use case behind ``messenger pause`` and ``messenger resume``; an empty shop means everything."""

    store: Store
    home: Home
    clock: Clock

    def pause(self, shop: str, *, by: str) -> tuple[Pause, bool]:
        """Stop; returns the pause that is in force, and whether it began now.

        Raises:
            UsageError: there is no such shop.
        """
        self._known(shop)
        is_new = self.store.pause(shop, at=self.clock.now(), by=by)
        return next(one for one in self.store.pauses() if one.shop == shop), is_new

    def resume(self, shop: str) -> Resumed:
        """Go on. After more than six hours what has fallen due meanwhile is spread before anything can leave.

        Raises:
            UsageError: there is no such shop, and nothing of this name is stopped.
        """
        now, stopped = self.clock.now(), {one.shop: one for one in self.store.pauses()}
        if shop not in stopped:
            self._known(shop)
        pause = stopped.get(shop)
        moved = self._spread(shop, now, stopped) if pause is not None and now - pause.since > LONG_PAUSE else 0
        ended = self.store.resume(shop)
        still = tuple(one for one in self.store.pauses() if not one.shop or not shop or one.shop == shop)
        return Resumed(ended=ended, spread=moved, until=now + SPREAD if moved else None, still=still)

    def _spread(self, shop: str, now: datetime, stopped: dict[str, Pause]) -> int:
        """Each shop on its own: one that is still stopped by itself stays as it is."""
        if shop:
            return self.store.spread(now=now, over=SPREAD, shop=shop)
        going_on = [one for one in sorted(self.home.shops) if one not in stopped]
        return sum(self.store.spread(now=now, over=SPREAD, shop=one) for one in going_on)

    def _known(self, shop: str) -> None:
        if shop and shop not in self.home.shops:
            raise UsageError(f"there is no shop {shop!r}{hint(shop, self.home.shops, 'shops')}")
