"""Folders: files of orders that somebody puts there are taken in, each in one intake, by one process at a time.

A file is accepted first, and only then remembered: one whose reading was cut short is read again, and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread
from typing import Final

from messenger.domain.alerts import AlertKind
from messenger.errors import SourceAway, StorageError
from messenger.ports import Clock, Line, Rejected, Store
from messenger.ports.folders import WatchedFolder
from messenger.services.ingesting import Ingest, Report

log = logging.getLogger(__name__)

KIND: Final = "folder"
LEASE: Final = timedelta(minutes=30)
"""A process that looks for longer is taken for dead: longer than the largest sheet takes."""
AGAIN: Final = timedelta(minutes=1)
"""After a look that went wrong."""
PATIENCE: Final = 3
"""Looks in a row that go wrong before people are told."""
MOST_PROBLEMS: Final = 3
"""Of one file, that are told in the alert; the log has them all."""


class _Halted(Exception):  # it is no error
    """The process ends; what was read of a file so far is not planned from."""


@dataclass(slots=True, kw_only=True)
class Folders:
    """One process's part in it.

    Args:
        ingest: where orders go.
        owner: this process.
        folders: returns those that are watched, by the present settings.
    """

    store: Store
    clock: Clock
    ingest: Ingest
    owner: str
    folders: Callable[[], Sequence[WatchedFolder]]
    _thread: Thread | None = None
    _stopped: Event = field(default_factory=Event)

    def start_due(self) -> None:
        """Look into every folder whose time has come, aside from all else; does not wait."""
        if self._thread is not None and self._thread.is_alive():
            return
        states, now = self.store.polls(), self.clock.now()
        due = [
            one for one in self.folders() if (known := states.get(one.name)) is None or (known.next_at or now) <= now
        ]
        if due:
            self._thread = Thread(target=self._look_into, args=(due,), name="folders", daemon=True)
            self._thread.start()

    def stop(self, wait: float = 5.0) -> None:
        """End before the next line, and wait so many seconds for that; a file that was not read to its end is read again."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(wait)

    def _look_into(self, due: Sequence[WatchedFolder]) -> None:
        for one in due:
            if not self._stopped.is_set():
                self.run(one)

    def run(self, folder: WatchedFolder) -> list[Report]:
        """Look into one folder, if it is time and nobody else does; returns what each new file came to.

        Nothing leaves this but lines in the log and alerts.
        """
        try:
            return self._turn(folder)
        except _Halted:  # the file is read again, by whoever looks next: at once
            now = self.clock.now()
            self.store.end_poll(folder.name, owner=self.owner, at=now, next_at=now)
        except SourceAway as error:
            self._failed(folder, str(error))
        except StorageError as error:
            log.warning("database_away", extra={"problem": str(error)})
        except Exception as error:  # what nobody thought of: the next look tries again
            log.exception("folder_failed", extra={"source": folder.name})
            self._failed(folder, f"stopped by {type(error).__name__}")
        return []

    def _turn(self, folder: WatchedFolder) -> list[Report]:
        now = self.clock.now()
        turn = self.store.take_poll(folder.name, owner=self.owner, now=now, until=now + LEASE)
        if turn is None:
            return []
        look = folder.look(turn.cursor, now=now)
        memory, reports = look.memory, []
        is_mine = self.store.move_poll(folder.name, owner=self.owner, cursor=memory)
        for file in look.ready:
            if self._stopped.is_set() or not is_mine:
                break
            memory, report = self._take_in(folder, file, memory)
            reports += [report] if report is not None else []
            is_mine = self.store.move_poll(folder.name, owner=self.owner, cursor=memory)
        self._went_well(folder)
        return reports

    def _take_in(self, folder: WatchedFolder, file: str, memory: str) -> tuple[str, Report | None]:
        """Take one file in; returns what to remember, and what it came to."""
        with folder.read(file, memory) as found:
            if found.lines is None:
                if found.is_news:
                    self.store.hear(folder.name, at=self.clock.now())
                return found.memory, None
            name = f"{folder.name}/{file}"
            report = self.ingest.accept(self._going(found.lines), kind=KIND, name=name, source=folder.name)
            self._tell(folder, file, report, found.notes())
            return found.memory, report

    def _going(self, lines: Iterator[Line | Rejected]) -> Iterator[Line | Rejected]:
        for line in lines:
            if self._stopped.is_set():
                raise _Halted
            yield line

    def _tell(self, folder: WatchedFolder, file: str, report: Report, notes: Sequence[str]) -> None:
        known = {"source": folder.name, "file": file}
        log.info(
            "file_taken_in",
            extra={**known, "received": report.received, "new": report.new, "rejected": report.rejected},
        )
        for note in notes:
            log.warning("left_aside", extra={**known, "problem": note})
        for problem in report.problems:
            log.warning("line_not_taken_in", extra={**known, "problem": problem})
        if not report.is_clean:
            more = len(report.problems) - MOST_PROBLEMS
            told = [*report.problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
            self.store.raise_alert(
                kind=AlertKind.SHEETS, subject=f"{folder.name}/{file}"[:200], shop=folder.shop, at=self.clock.now(),
                detail="\n".join(told),
            )  # fmt: skip

    def _went_well(self, folder: WatchedFolder) -> None:
        now = self.clock.now()
        self.store.end_poll(folder.name, owner=self.owner, at=now, next_at=now + folder.every)
        self.store.end_alert(kind=AlertKind.SOURCE_SILENT, subject=folder.name, at=now)

    def _failed(self, folder: WatchedFolder, problem: str) -> None:
        now = self.clock.now()
        log.warning("source_not_read", extra={"source": folder.name, "problem": problem})
        known = self.store.polls().get(folder.name)
        self.store.fail_poll(folder.name, owner=self.owner, again_at=now + max(AGAIN, folder.every), problem=problem)
        if known is not None and known.failures + 1 >= PATIENCE:
            self.store.raise_alert(kind=AlertKind.SOURCE_SILENT, subject=folder.name, at=now, detail=problem)
