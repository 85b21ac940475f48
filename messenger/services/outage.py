"""An outage of the database: no other process can be asked who tells people, so each that sees it tells them, as calmly."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.alerts import Alert, AlertKind
from messenger.domain.notices import Manner, Notice, notice_due

AWAY: Final = timedelta(minutes=5)
"""So long the database has to be away before it is worth telling."""
MACHINE: Final = platform.node() or "here"


@dataclass(slots=True)
class Outage:
    """What one process saw of the database being away, and what it told."""

    alert: Alert | None = None
    _since: datetime | None = None

    def away(self, now: datetime, problem: str) -> None:
        """Note that it does not answer."""
        self._since = self._since or now
        if now - self._since < AWAY:
            return
        known = self.alert or Alert(
            id=0, kind=AlertKind.DATABASE, subject=MACHINE, since=self._since, seen_at=now, detail=problem
        )
        since = known.since if known.is_open else self._since
        self.alert = replace(known, since=since, seen_at=now, ended_at=None, detail=problem)

    def back(self, now: datetime) -> Alert | None:
        """Note that it answers; returns the alert that is over with it."""
        self._since = None
        if self.alert is None or not self.alert.is_open:
            return None
        self.alert = replace(self.alert, ended_at=now)
        return self.alert

    def notice(self, manner: Manner, now: datetime) -> Notice | None:
        """Return what people have to be told now."""
        if self.alert is None:
            return None
        told = [one for one in (self.alert.told_at, self.alert.over_told_at) if one is not None]
        return notice_due([self.alert], manner, now=now, told_at=max(told, default=None), digest_at=now)

    def told(self, notice: Notice, now: datetime) -> None:
        """Note what people were told."""
        if self.alert is not None:
            self.alert = replace(self.alert, over_told_at=now) if notice.over else replace(self.alert, told_at=now)
