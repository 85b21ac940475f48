"""Polling: each source that has to be asked is asked when it is its turn, by one process at a time, aside from all else.

News is accepted first, and only then does the cursor move: a turn that is cut short is taken again, and the same fact has the
same event id.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice
from threading import Event, Thread
from typing import Final

from messenger.domain.alerts import AlertKind
from messenger.errors import MessengerError, SourceAway, SourceShut, StorageError
from messenger.ports import Clock, Line, Page, Perhaps, Poller, PollState, Rejected, Store, Turn, TurnOver
from messenger.services.ingesting import Ingest, Report
from messenger.services.known import Known

log = logging.getLogger(__name__)

LONGEST_TURN: Final = timedelta(minutes=5)
"""After so long a turn ends with the page in hand; what is left is the next turn's, at once."""
LEASE: Final = timedelta(minutes=15)
"""A process that holds the turn for longer is taken for dead: longer than a turn and its last page may last."""
FIRST_PAUSE: Final = timedelta(seconds=30)
"""After a turn that went wrong; doubled each time, with some luck so that processes do not keep step."""
LONGEST_PAUSE: Final = timedelta(hours=1)
PATIENCE: Final = 3
"""Turns in a row that go wrong before people are told; a wait of hours that was asked for is told at once."""
KIND: Final = "poll"


@dataclass(slots=True, kw_only=True)
class Polling:
    """One process's part in it.

    Args:
        ingest: where news goes.
        owner: this process.
        pollers: returns the sources that are to be asked, by the present settings.
        chance: returns a number from 0 to 1, for pauses.
        close: gives up what the pollers keep open.
    """

    store: Store
    clock: Clock
    ingest: Ingest
    owner: str
    pollers: Callable[[], Sequence[Poller]]
    chance: Callable[[], float] = random.random
    close: Callable[[], None] = lambda: None
    _threads: dict[str, Thread] = field(default_factory=dict)
    _stopped: Event = field(default_factory=Event)

    def start_due(self) -> None:
        """Let every source have its turn whose time has come, each in a thread of its own: none waits for another."""
        states, now = self.store.polls(), self.clock.now()
        for poller in self.pollers():
            running = self._threads.get(poller.name)
            if is_due(states.get(poller.name), now) and not (running is not None and running.is_alive()):
                thread = Thread(target=self.run, args=(poller,), name=f"poll {poller.name}", daemon=True)
                self._threads[poller.name] = thread
                thread.start()

    def stop(self, wait: float = 5.0) -> None:
        """End every turn after the page in hand, and wait so many seconds for each."""
        self._stopped.set()
        for thread in self._threads.values():
            thread.join(wait)
        self.close()

    def wait(self, seconds: float) -> None:
        """Wait within a turn.

        Raises:
            TurnOver: it is to end at once.
        """
        if self._stopped.wait(seconds):
            raise TurnOver

    def run(self, poller: Poller, *, is_asked: bool = False) -> Report | None:
        """Take one turn, if it is time and nobody else has it; returns what it brought, or None.

        Nothing leaves this but lines in the log and alerts.

        ``is_asked``: a person wants it now.
        """
        try:
            return self._turn(poller, is_asked=is_asked)
        except StorageError as error:  # the turn is this process's own: it takes it again
            log.warning("database_away", extra={"problem": str(error)})
        return None

    def _turn(self, poller: Poller, *, is_asked: bool) -> Report | None:
        now = self.clock.now()
        turn = self.store.take_poll(poller.name, owner=self.owner, now=now, until=now + LEASE, is_asked=is_asked)
        if turn is None:
            return None
        reading = _Reading(
            poller,
            turn,
            Known(self.store),
            is_over=lambda: self._stopped.is_set() or self.clock.now() > now + LONGEST_TURN,
        )
        report = self._accept(poller, reading)
        self.store.move_poll(poller.name, owner=self.owner, cursor=reading.cursor, hints=reading.hints)
        if reading.trouble is not None:
            self._failed(poller, reading.trouble)
        else:
            self._went_well(poller, has_more=reading.is_cut)
        return report

    def _accept(self, poller: Poller, reading: _Reading) -> Report:
        """One intake, so that its valve sees all that a turn brings; a turn that brings nothing makes none."""
        lines = reading.lines()
        first = list(islice(lines, 1))
        if not first:
            return Report()
        report = self.ingest.accept(chain(first, lines), kind=KIND, name=poller.name)
        for problem in report.problems:
            log.warning("line_not_taken_in", extra={"source": poller.name, "problem": problem})
        log.info("polled", extra={"source": poller.name, "received": report.received, "new": report.new})
        return report

    def _went_well(self, poller: Poller, *, has_more: bool) -> None:
        """What has more to tell is not up to date yet: it counts as heard from when it was read to its end."""
        now = self.clock.now()
        if not has_more:
            self.store.hear(poller.name, at=now)
        next_at = now if has_more else now + poller.every
        self.store.end_poll(poller.name, owner=self.owner, at=now, next_at=next_at)
        self.store.end_alert(kind=AlertKind.SOURCE_SILENT, subject=poller.name, at=now)
        self.store.end_alert(kind=AlertKind.ACCESS, subject=poller.name, shop=poller.shop, at=now)

    def _failed(self, poller: Poller, trouble: MessengerError) -> None:
        now, problem = self.clock.now(), str(trouble)
        known = self.store.polls().get(poller.name)
        failures = known.failures if known is not None else 0
        again_at = now + pause_after(failures, self.chance())
        asked = trouble.again_at if isinstance(trouble, SourceAway) else None
        if asked is not None:
            again_at = max(again_at, asked)
        log.warning(
            "source_not_read", extra={"source": poller.name, "problem": problem, "again_at": again_at.isoformat()}
        )
        self.store.fail_poll(poller.name, owner=self.owner, again_at=again_at, problem=problem)
        if isinstance(trouble, SourceShut):
            self.store.raise_alert(kind=AlertKind.ACCESS, subject=poller.name, shop=poller.shop, at=now, detail=problem)
        elif failures + 1 >= PATIENCE or again_at - now > LONGEST_PAUSE * 2:
            self.store.raise_alert(kind=AlertKind.SOURCE_SILENT, subject=poller.name, at=now, detail=problem)


@dataclass(slots=True)
class _Reading:
    """A turn while it is being read: its lines, one after the other, and how far it came."""

    poller: Poller
    turn: Turn
    known: Known
    is_over: Callable[[], bool]
    cursor: str = ""
    hints: tuple[str, ...] = ()
    trouble: MessengerError | None = None
    is_cut: bool = False

    def lines(self) -> Iterator[Line | Rejected]:
        """Yield what every page holds. What is in the way ends it, and is kept for later: the pages before count."""
        self.cursor = self.turn.cursor
        try:
            for page in self.poller.poll(self.turn):
                yield from self._news(page)
                self.cursor, self.hints = page.cursor, (*self.hints, *page.hints)
                if self.is_over():
                    self.is_cut = True
                    return
        except TurnOver:
            self.is_cut = True
        except (SourceAway, SourceShut) as trouble:
            self.trouble = trouble
        except StorageError:
            raise
        except MessengerError as trouble:  # such as a secret that is not set
            self.trouble = SourceShut(str(trouble))
        except Exception as error:  # a mistake of ours, or what nobody thought of: it is tried again, but calmly
            log.exception("poll_failed", extra={"source": self.poller.name})
            self.trouble = SourceAway(f"stopped by {type(error).__name__}")

    def _news(self, page: Page) -> Iterator[Line | Rejected]:
        """The page's lines without those that say again what was said before."""
        for one in page.lines:
            if isinstance(one, Perhaps) and not self.known.is_news(one.line.event, one.among):
                continue
            line = one.line if isinstance(one, Perhaps) else one
            if isinstance(line, Line):
                self.known.add(line.event)
            yield line


def is_due(state: PollState | None, now: datetime) -> bool:
    """Return whether a source's time has come."""
    return state is None or state.next_at is None or state.next_at <= now


def pause_after(failures: int, chance: float) -> timedelta:
    """Return how long to wait after so many failures in a row before this one: the half of it for sure, the rest by chance."""
    whole = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(failures, 10)))
    return whole * (0.5 + 0.5 * chance)
