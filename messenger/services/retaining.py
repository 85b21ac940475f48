"""Retaining: what is over moves out of the way, a little every few minutes; one process does it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.retention import TICKS
from messenger.ports import Clock, Store
from messenger.services.home import Home

log = logging.getLogger(__name__)

EVERY: Final = timedelta(minutes=10)
TICK: Final = "retention"


@dataclass(frozen=True, slots=True)
class Retaining:
    """Keeps at hand what rules may still ask about, and no more."""

    store: Store
    home: Home
    clock: Clock

    def run(self) -> bool:
        """Do what is to be done now, unless somebody else does; returns whether this process did.

        Each time does a part; what is left is done the next time.
        """
        now = self.clock.now()
        if not self.store.buys_tick(TICK, _slot(now)):
            return False
        keep = self.home.retention.kept(self.home.schedule)
        letters = self.store.forget_letters(before=now - self.home.retention.bodies, now=now)
        back = self.store.unarchive(since=now - keep)
        away = self.store.archive(before=now - keep, now=now)
        self.store.forget_ticks(before=now - TICKS, now=now)
        if letters or back or away:
            log.info("retained", extra={"archived": away, "brought_back": back, "letters_forgotten": letters})
        return True


def _slot(now: datetime) -> str:
    begun = now - timedelta(minutes=now.minute % (EVERY // timedelta(minutes=1)))
    return f"{begun:%Y-%m-%dT%H:%M}"
