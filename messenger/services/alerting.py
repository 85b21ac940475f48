"""Alerting: looks for what staff must know of, and tells them, calmly and from one process at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Thread
from typing import Final

from messenger.domain.alerts import Alert, AlertKind
from messenger.domain.notices import Manner, Notice, notice_due
from messenger.errors import MessengerError, StorageError
from messenger.ports import Bulletin, Clock, Notifier, Store, Telling
from messenger.services.bulletins import Speaker
from messenger.services.lookout import Lookout
from messenger.services.outage import Outage

log = logging.getLogger(__name__)

LEASE: Final = timedelta(minutes=15)
"""So long one process may take to tell people before another one does it: longer than all ways together may take."""
FIRST_PAUSE: Final = timedelta(minutes=1)
"""After people could not be told; doubled each time."""
LONGEST_PAUSE: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=90)
"""How long an alert that is over is remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crier:
    """Tells people, in every way there is.

    Args:
        notifiers: the ways; none: nobody is told.
        manner: when people want to be told.
        speaker: in which words.
    """

    notifiers: Sequence[Notifier]
    manner: Manner
    speaker: Speaker

    def cry(self, bulletin: Bulletin, *, at: datetime, in_trouble: Collection[str] = ()) -> list[str]:
        """Tell people in every way that may work; returns the names of those that did.

        Args:
            bulletin: what to say.
            at: now.
            in_trouble: transports that do not work; used only when no other way does.
        """
        sound = [one for one in self.notifiers if one.transport not in in_trouble]
        lame = [one for one in self.notifiers if one.transport in in_trouble]
        return _tell_by(sound, bulletin, at) or _tell_by(lame, bulletin, at)

    def each(self, bulletin: Bulletin, *, at: datetime) -> dict[str, str]:
        """Tell people in every way; returns what was wrong with each, by its name; an empty text for nothing."""
        return {one.name: _problem(one, bulletin, at) for one in self.notifiers}


def _tell_by(notifiers: Sequence[Notifier], bulletin: Bulletin, at: datetime) -> list[str]:
    reached = []
    for one in notifiers:
        problem = _problem(one, bulletin, at)
        if problem:
            log.warning("people_not_reached", extra={"way": one.name, "problem": problem})
        else:
            log.info("people_told", extra={"way": one.name})
            reached.append(one.name)
    return reached


def _problem(notifier: Notifier, bulletin: Bulletin, at: datetime) -> str:
    """Why people were not told this way; empty when they were. No trace: it might quote an address that is secret."""
    try:
        notifier.notify(bulletin, at=at)
    except MessengerError as error:
        return str(error).lstrip(": ") or type(error).__name__  # a finding without a file begins so
    except Exception as error:  # noqa: BLE001  # whatever an adapter stumbles over, the other ways are tried
        return type(error).__name__
    return ""


@dataclass(slots=True)
class Pause:
    """How long to wait after people could not be told."""

    failures: int = 0
    until: datetime | None = None

    def begins(self, now: datetime) -> None:
        """Note a failure."""
        self.until, self.failures = now + pause_after(self.failures), self.failures + 1

    def is_over(self, now: datetime) -> bool:
        """Whether people may be told again."""
        return self.until is None or now >= self.until


@dataclass(slots=True, kw_only=True)
class Alerting:
    """One process's part in it. ``run`` is called every now and then, from a thread that may be kept waiting.

    Args:
        owner: this process.
        crier: returns how people are told by the present settings.
    """

    store: Store
    clock: Clock
    owner: str
    lookout: Lookout
    crier: Callable[[], Crier]
    _outage: Outage = field(default_factory=Outage)
    _pause: Pause = field(default_factory=Pause)
    _thread: Thread | None = None

    def run_aside(self, wait: float) -> None:
        """Do so in a thread of its own, unless one is still at it, and wait so many seconds for its end.

        A mail server may keep it waiting for minutes; the end of the process does not wait for that.
        """
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self.run, name="alerting", daemon=True)
            self._thread.start()
        self._thread.join(wait)

    def run(self) -> None:
        """Look around and tell people; nothing leaves this but lines in the log."""
        try:
            self._look_and_tell()
            self._tell_of_outage()
        except Exception:  # the next look tries again
            log.exception("alerting_failed")

    def _look_and_tell(self) -> None:
        try:
            self.lookout.look()
            self.tell()
            over = self._outage.back(self.clock.now())
            if over is not None and over.ended_at is not None:
                self.store.raise_alert(kind=over.kind, subject=over.subject, at=over.since, detail=over.detail)
                self.store.end_alert(kind=over.kind, subject=over.subject, at=over.ended_at)
                log.info("database_back", extra={"since": over.since.isoformat()})
        except StorageError as error:
            log.warning("database_away", extra={"problem": str(error)})
            self._outage.away(self.clock.now(), str(error))

    def tell(self) -> bool:
        """Tell people what they have to be told now, if this process is the one to do it; returns whether they were told."""
        crier, now = self.crier(), self.clock.now()
        if not crier.notifiers:
            return False
        turn = self.store.take_telling(owner=self.owner, now=now, until=now + LEASE)
        if turn is None:
            return False
        alerts = self.store.alerts(only_open=False)
        notice = notice_due(alerts, crier.manner, now=now, told_at=turn.told_at, digest_at=turn.digest_at)
        bulletin = self._bulletin(crier, notice, turn) if notice is not None else None
        if bulletin is not None and not crier.cry(bulletin, at=now, in_trouble=_in_trouble(alerts)):
            self._give_up(turn, now)
            return False
        self._note(Notice() if notice is None else notice, now)
        return bulletin is not None

    def _bulletin(self, crier: Crier, notice: Notice, turn: Telling) -> Bulletin | None:
        needs = self.store.needs(since=turn.digest_at) if notice.is_digest else {}
        return crier.speaker.bulletin(notice, needs)

    def _give_up(self, turn: Telling, now: datetime) -> None:
        pause = pause_after(turn.failures)
        log.error("people_not_told", extra={"again_in_seconds": pause.total_seconds()})
        self.store.telling_failed(owner=self.owner, again_at=now + pause)

    def _note(self, notice: Notice, now: datetime) -> None:
        opened = [one.id for one in (*notice.opened, *notice.again)]
        over = [one.id for one in notice.over]
        self.store.told(owner=self.owner, opened=opened, over=over, at=now, digest=notice.is_digest)
        if notice.is_digest:
            self.store.forget_alerts(before=now - KEPT)

    def _tell_of_outage(self) -> None:
        """The same for what only this process knows."""
        if self._outage.alert is None:
            return
        crier, now = self.crier(), self.clock.now()
        notice = self._outage.notice(crier.manner, now) if crier.notifiers else None
        bulletin = crier.speaker.bulletin(notice, {}) if notice is not None else None
        if notice is None or bulletin is None or not self._pause.is_over(now):
            return
        if crier.cry(bulletin, at=now):
            self._outage.told(notice, now)
            self._pause = Pause()
        else:
            self._pause.begins(now)


def pause_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row before this one."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(failures, 10)))


def _in_trouble(alerts: Collection[Alert]) -> set[str]:
    return {one.subject for one in alerts if one.is_open and one.kind is AlertKind.ACCOUNT}
