"""How far a shop has been read, as one small text: what is still to be read, and up to when each kind of list has been.

Pages are read from the last to the first: an order that leaves a list meanwhile moves others to an earlier page, never to a
later one, so that none is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import orjson

from messenger.platforms.aliexpress.events import FINISH
from messenger.platforms.aliexpress.orders import MANY, Query

OPEN, ENDED, ENDED_OLD, SWEEP, PAST, PARCELS = "open", "ended", "ended_old", "sweep", "past", "parcels"
OVERLAP: Final = timedelta(minutes=10)
"""Read again each time: what changed a moment before the list was made may not have been in it yet."""
OPEN_SPAN: Final = timedelta(days=180)
"""Open orders that were placed longer ago the platform does not list."""
ENDED_SPAN: Final = timedelta(days=30)
"""So long a span of finished orders it lists at once."""
SWEPT: Final = timedelta(days=1)
"""How often everything that is open is read, whenever it changed."""
OLD: Final = timedelta(hours=1)
"""How often finished orders are read that were placed more than ``ENDED_SPAN`` ago."""
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One list that is to be read.

    Args:
        kind: what it is for.
        created: from when to when its orders were placed.
        changed: from when to when they last changed; None for whenever.
        page: the page to be read next: 0 for the first, which says how many there are; below 0, one after the other.
        marks: which kinds have been read up to when, once it has been.
        after: of parcels: the order behind which to go on.
    """

    kind: str
    created: tuple[datetime, datetime]
    changed: tuple[datetime, datetime] | None = None
    page: int = 0
    marks: Mapping[str, datetime] = field(default_factory=dict)
    after: str = ""

    @property
    def query(self) -> Query:
        """What the platform is asked for."""
        is_open = self.kind in {OPEN, SWEEP}
        return Query(created=self.created, changed=self.changed, status="" if is_open else FINISH)

    @property
    def number(self) -> int:
        """The number of the page to be read next."""
        return max(1, abs(self.page))

    def after_page(self, pages: int, *, is_full: bool) -> Job | None:
        """Return what is left once a page has been read; None when nothing is.

        Args:
            pages: how many there are, as that page said.
            is_full: whether it held as many orders as fit.
        """
        if self.page < 0 or (self.page == 0 and pages == MANY):
            return replace(self, page=-self.number - 1) if is_full else None
        if self.page == 0:
            return replace(self, page=pages) if pages > 1 else None
        return replace(self, page=self.page - 1) if self.page > 1 else None


@dataclass(frozen=True, slots=True)
class Progress:
    """What is still to be read, and up to when each kind has been."""

    jobs: tuple[Job, ...] = ()
    read: Mapping[str, datetime] = field(default_factory=dict)

    def planned(self, now: datetime, *, history: timedelta, parcels_every: timedelta | None) -> Progress:
        """Return what a turn has to read: what the last one left, else what is new."""
        if self.jobs:
            return self
        jobs = [*self._open(now), *self._ended(now, history)]
        if parcels_every is not None and self._is_old(PARCELS, now, parcels_every):
            jobs.append(Job(kind=PARCELS, created=(now, now), marks={PARCELS: now}))
        return replace(self, jobs=tuple(jobs))

    def _open(self, now: datetime) -> Iterator[Job]:
        created, marks = (now - OPEN_SPAN, now), {OPEN: now}
        if self._is_old(SWEEP, now, SWEPT):
            yield Job(kind=SWEEP, created=created, marks=marks | {SWEEP: now})
        else:
            yield Job(kind=OPEN, created=created, changed=(self.read[OPEN] - OVERLAP, now), marks=marks)

    def _ended(self, now: datetime, history: timedelta) -> Iterator[Job]:
        marks = {ENDED: now}
        since = self.read.get(ENDED)
        if since is None:
            yield from _past(now, history)
            return
        created = (now - ENDED_SPAN, now)
        yield Job(kind=ENDED, created=created, changed=(since - OVERLAP, now), marks=marks)
        if self._is_old(ENDED_OLD, now, OLD):
            yield from self._ended_old(now, self.read.get(ENDED_OLD, since))

    @staticmethod
    def _ended_old(now: datetime, since: datetime) -> Iterator[Job]:
        spans = list(_spans(now - OPEN_SPAN, now - ENDED_SPAN, ENDED_SPAN))
        for number, created in enumerate(spans, start=1):
            marks = {ENDED_OLD: now} if number == len(spans) else {}
            yield Job(kind=ENDED_OLD, created=created, changed=(since - OVERLAP, now), marks=marks)

    def _is_old(self, kind: str, now: datetime, every: timedelta) -> bool:
        return kind not in self.read or now - self.read[kind] >= every

    def going_on(self, rest: Job | None) -> Progress:
        """Return what is left once part of the first job has been done: ``rest``, or nothing of it."""
        first, *others = self.jobs
        if rest is not None:
            return replace(self, jobs=(rest, *others))
        return Progress(jobs=tuple(others), read={**self.read, **first.marks})


def _past(now: datetime, history: timedelta) -> Iterator[Job]:
    """Finished orders of the past, by the day on which they were placed: the platform lists no more at once for certain."""
    days = list(_spans(now - history, now, DAY)) or [(now - OVERLAP, now)]
    for number, created in enumerate(days, start=1):
        marks = {ENDED: now, ENDED_OLD: now} if number == len(days) else {}
        yield Job(kind=PAST, created=created, marks=marks)


def _spans(start: datetime, end: datetime, length: timedelta) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        yield start, min(end, start + length)
        start += length


def written(progress: Progress) -> str:
    """Return it as a cursor."""
    jobs = [
        {
            "kind": one.kind, "created": one.created, "changed": one.changed, "page": one.page, "marks": dict(one.marks),
            "after": one.after,
        }
        for one in progress.jobs
    ]  # fmt: skip
    return orjson.dumps({"jobs": jobs, "read": dict(progress.read)}).decode()


def read_progress(cursor: str) -> Progress:
    """Return what a cursor says; an empty one says that nothing has been read."""
    if not cursor:
        return Progress()
    told = orjson.loads(cursor)
    jobs = tuple(
        Job(
            kind=one["kind"], created=_both(one["created"]), changed=_both(one["changed"]) if one["changed"] else None,
            page=one["page"], marks=_instants(one["marks"]), after=one["after"],
        )
        for one in told["jobs"]
    )  # fmt: skip
    return Progress(jobs=jobs, read=_instants(told["read"]))


def _both(told: Sequence[str]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(told[0]), datetime.fromisoformat(told[1])


def _instants(told: Mapping[str, str]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(at) for name, at in told.items()}
