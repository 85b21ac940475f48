"""Parcels of one shop with 17TRACK: new numbers are registered, and what moved is read again; implements ``ports.Poller``.

What moves is posted to us as well. What was posted while we were away is dropped after an hour and a half: reading it again
finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

import orjson

from messenger.domain.events import parse_event
from messenger.errors import EventError, SourceAway, SourceShut
from messenger.platforms.seventeentrack.client import AT_ONCE, NUMBER, Client, Moved, Refused
from messenger.platforms.seventeentrack.failures import CallFailed, Trouble
from messenger.platforms.seventeentrack.parcels import Parcel, named, tag_of
from messenger.ports import Clock, Line, Page, Perhaps, Rejected, Turn
from messenger.ports.deliveries import IfNew, Told
from messenger.ports.parcels import ToldParcel

OVERLAP: Final = timedelta(minutes=30)
"""So much of what was read the last time is read again: what moved in its last moments may have been listed late."""
FIRST: Final = timedelta(days=30)
"""How far back the first look goes."""
A_DAY: Final = timedelta(days=1)
REGISTRATION: Final = "registration"

NewParcels = Callable[[int], tuple[Sequence[ToldParcel], int]]
"""Returns some parcels that were told of behind this mark and are on their way, and the next mark; the same mark at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a source has come.

    Args:
        mark: parcels told of up to here have been registered.
        read_at: what moved up to then has been read; None at the very first.
        not_before: no number is registered before then.
    """

    mark: int = 0
    read_at: datetime | None = None
    not_before: datetime | None = None


@dataclass(slots=True, kw_only=True)
class SeventeenTrack:
    """The parcels of one shop.

    Args:
        source: what its events are from.
        fresh: finds parcels to be registered.
        alarm: told, by the capability, what a person has to see to; told an empty text when that is over.
    """

    name: str
    shop: str
    every: timedelta
    source: str
    client: Client
    clock: Clock
    fresh: NewParcels
    alarm: Callable[[str, str], None]
    _lines: int = field(default=0)

    def poll(self, turn: Turn) -> Iterator[Page]:
        """Yield news; see ``ports.Poller.poll``."""
        self._lines = 0
        try:
            progress = yield from self._registered(read_progress(turn.cursor))
            yield from self._read(progress)
        except CallFailed as error:
            raise _told(error) from error

    # --- numbers that are new -------------------------------------------------------------------------------------

    def _registered(self, progress: Progress) -> Generator[Page, None, Progress]:
        """Register what is new, page by page; returns how far that came."""
        if progress.not_before is not None and self.clock.now() < progress.not_before:
            return progress
        progress = replace(progress, not_before=None)
        while True:
            found, mark = self.fresh(progress.mark)
            if mark == progress.mark:
                self.alarm(REGISTRATION, "")
                return progress
            lines, pause = self._register(found)
            progress = replace(progress, mark=mark) if pause is None else replace(progress, not_before=pause)
            yield Page(lines=lines, cursor=written(progress))
            if pause is not None:
                return progress

    def _register(self, found: Sequence[ToldParcel]) -> tuple[list[Line | Rejected | Perhaps], datetime | None]:
        """Register parcels; returns what has to be said about them, and until when no more is registered."""
        lines: list[Line | Rejected | Perhaps] = []
        usable = [one for one in found if NUMBER.fullmatch(one.number)]
        lines += [
            self._rejected(one.number, "17TRACK takes 5 to 50 letters, digits and hyphens")
            for one in found
            if one not in usable
        ]
        for start in range(0, len(usable), AT_ONCE):
            some = usable[start : start + AT_ONCE]
            refused = self.client.register([(one.number, tag_of(one.shop, one.order)) for one in some])
            pause = self._pause_for(refused)
            if pause is not None:
                return lines, pause
            lines += [self._rejected(one.number, f"17TRACK does not look for it: {one.failure}") for one in refused]
        return lines, None

    def _pause_for(self, refused: Sequence[Refused]) -> datetime | None:
        """Until when no number is taken any more, whichever it is; None while numbers are taken."""
        now, troubles = self.clock.now(), {one.failure.trouble: one.failure for one in refused}
        if Trouble.QUOTA in troubles:
            self.alarm(
                REGISTRATION,
                f"new parcels are not looked for: the quota of 17TRACK is used up ({troubles[Trouble.QUOTA]})",
            )
            return now + A_DAY
        if Trouble.TOMORROW in troubles:
            return (now + A_DAY).replace(hour=0, minute=0, second=0, microsecond=0)
        if Trouble.PASSING in troubles:
            raise troubles[Trouble.PASSING]
        return None

    def _rejected(self, number: str, problem: str) -> Rejected:
        self._lines += 1
        return Rejected(file=self.name, line=self._lines, problem=f"{number}: {problem}")

    # --- what moved -----------------------------------------------------------------------------------------------

    def _read(self, progress: Progress) -> Iterator[Page]:
        now = self.clock.now()
        since = (progress.read_at or now - FIRST) - OVERLAP
        moved = self._moved(since)
        while some := list(islice(moved, AT_ONCE)):
            told = self.client.read(some)
            lines = [line for one in told for line in self._events(Parcel(told=one, at=now))]
            yield Page(lines=lines, cursor=written(progress))
        yield Page(lines=[], cursor=written(replace(progress, read_at=now)))

    def _moved(self, since: datetime) -> Iterator[Moved]:
        """Numbers of this shop that were looked for since then; those that nobody named are everybody's."""
        for one in self.client.moved():
            if one.at is not None and one.at < since:
                return
            if one.at is not None and named(one.tag)[0] in {"", self.shop}:
                yield one

    def _events(self, parcel: Parcel) -> Iterator[Line | Rejected | Perhaps]:
        for told in parcel.events():
            self._lines += 1
            try:
                yield self._line(told)
            except EventError as error:
                yield Rejected(file=self.name, line=self._lines, problem=error.problem, field=error.field)

    def _line(self, told: Told) -> Line | Perhaps:
        document = told.document if isinstance(told, IfNew) else told
        if not isinstance(document, dict):
            raise EventError("", "is no event")
        whole = {
            "specversion": "1.0",
            "source": self.source,
            **document,
            "data": {"shop": self.shop, **document["data"]},
        }
        line = Line(file=self.name, line=self._lines, event=parse_event(whole))
        return Perhaps(line=line, among=told.among) if isinstance(told, IfNew) else line


def _told(error: CallFailed) -> SourceAway | SourceShut:
    if error.trouble is Trouble.SETTINGS:
        return SourceShut(
            f"17TRACK does not let us in: {error} (look at key, and at the addresses that its console allows)"
        )
    if error.trouble is Trouble.QUOTA:
        return SourceShut(f"17TRACK: {error}")
    return SourceAway(f"17TRACK: {error}")


def read_progress(cursor: str) -> Progress:
    """Return what a cursor says; the beginning where it says nothing that can be read."""
    try:
        told = orjson.loads(cursor)
        return Progress(
            mark=int(told["mark"]), read_at=_moment(told["read_at"]), not_before=_moment(told["not_before"])
        )
    except (ValueError, KeyError, TypeError):
        return Progress()


def written(progress: Progress) -> str:
    """Return the cursor that says this."""
    told = {"mark": progress.mark, "read_at": progress.read_at, "not_before": progress.not_before}
    return orjson.dumps(told).decode()


def _moment(told: object) -> datetime | None:
    return datetime.fromisoformat(told).astimezone(UTC) if isinstance(told, str) else None
