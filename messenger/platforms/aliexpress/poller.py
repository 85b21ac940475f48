"""A shop that is read from time to time: its orders, and where their parcels are; implements ``ports.Poller``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.events import parse_event
from messenger.errors import EventError, SourceAway, SourceShut
from messenger.platforms.aliexpress import orders, tracking
from messenger.platforms.aliexpress.events import Fact, events_of
from messenger.platforms.aliexpress.failures import CallFailed
from messenger.platforms.aliexpress.orders import PER_PAGE, Listed, Orders, whole
from messenger.platforms.aliexpress.progress import PARCELS, PAST, SWEEP, Job, read_progress, written
from messenger.platforms.aliexpress.sighting import Sighting
from messenger.platforms.aliexpress.tokens import warning
from messenger.platforms.aliexpress.tracking import Parcel
from messenger.platforms.reading import Fields
from messenger.ports import Clock, Line, Page, Perhaps, Rejected, Turn
from messenger.ports.deliveries import IfNew

log = logging.getLogger(__name__)

BEIJING: Final = ZoneInfo("Asia/Shanghai")
AT_ONCE: Final = 20
"""Parcels, or orders that a push named, of one page."""
RECENT: Final = timedelta(days=2)
"""When everything that is open is read, only what changed since then is read in full once more."""


@dataclass(slots=True, kw_only=True)
class AliExpress:
    """One shop.

    Args:
        name: of the source.
        source: what its events are from.
        parcels: yields the shop's parcels that are on their way, by order, behind the order with this number.
        alarm: told, by the capability, what a person has to see to; told an empty text when that is over.
        history: how far back finished orders are read the first time.
        parcels_every: how often parcels are asked about; None for never.
        parcels_zone: whose clock a parcel's history is written by.
    """

    name: str
    shop: str
    every: timedelta
    source: str
    orders: Orders
    clock: Clock
    parcels: Callable[[str], Iterable[Parcel]]
    alarm: Callable[[str, str], None]
    history: timedelta = timedelta(days=30)
    parcels_every: timedelta | None = None
    parcels_zone: ZoneInfo = BEIJING
    _before: tuple[str, ...] = field(default=())

    def poll(self, turn: Turn) -> Iterator[Page]:
        """Yield news; see ``ports.Poller.poll``."""
        self._look_at_doors()
        self._before = ()
        yield from self._hints(turn)
        progress = read_progress(turn.cursor).planned(
            self.clock.now(), history=self.history, parcels_every=self._parcels_every()
        )
        while progress.jobs:
            job = progress.jobs[0]
            if job.kind == PARCELS:
                lines, rest = self._parcels_page(job)
            else:
                lines, rest = self._orders_page(job, is_first=SWEEP not in progress.read)
            progress = progress.going_on(rest)
            yield Page(lines=lines, cursor=written(progress))

    def _look_at_doors(self) -> None:
        """Tell what a person has to see to. Without the orders there is nothing to do."""
        session = self.orders.session
        shut = session.shut_doors()
        self.alarm(tracking.DOOR, shut.get(tracking.DOOR, ""))
        kept = session.login.vault.credentials(session.login.account)
        self.alarm("login", warning(kept, now=self.clock.now(), remedy=session.login.remedy))
        if orders.DOOR in shut:
            raise SourceShut(f"{orders.DOOR}: {shut[orders.DOOR]} ({session.login.remedy})")

    def _parcels_every(self) -> timedelta | None:
        return None if tracking.DOOR in self.orders.session.shut_doors() else self.parcels_every

    # --- orders ---------------------------------------------------------------------------------------------------

    def _hints(self, turn: Turn) -> Iterator[Page]:
        """What a push named, read in full."""
        refs = iter(turn.hints)
        while some := tuple(islice(refs, AT_ONCE)):
            found = [one for ref in some if (one := self._in_full(ref, {})) is not None]
            yield Page(lines=self._lines(found), cursor=turn.cursor, hints=some)

    def _orders_page(self, job: Job, *, is_first: bool) -> tuple[list[Line | Rejected | Perhaps], Job | None]:
        listed = self._listed(job)
        found = [self._as_known(one, job, is_first=is_first) for one in listed.orders]
        rest = job.after_page(listed.pages, is_full=len(listed.orders) >= PER_PAGE)
        self._before = listed.numbers if rest is not None else ()
        return self._lines(found), rest

    def _listed(self, job: Job) -> Listed:
        try:
            listed = self.orders.page(job.query, job.number)
        except CallFailed as error:
            raise SourceAway(f"the list of orders is refused: {error}") from error
        if listed.numbers and listed.numbers == self._before:
            raise SourceAway(f"page {job.number} of the list repeats the one before it")
        return listed

    def _as_known(self, listed: Fields, job: Job, *, is_first: bool) -> Fields:
        """In full where that can matter: finished orders of the past plan nothing any more."""
        seen = Sighting(listed, self.clock.now())
        is_old = job.kind == SWEEP and not is_first and seen.changed_at < seen.seen_at - RECENT
        if job.kind == PAST or is_old or not seen.number:
            return listed
        return self._in_full(seen.number, listed) or listed

    def _in_full(self, number: str, listed: Fields) -> Fields | None:
        try:
            detail = self.orders.in_full(number)
        except CallFailed as error:
            log.warning("order_not_read", extra={"source": self.name, "order": number, "problem": str(error)})
            return None
        return whole(listed, detail)

    # --- parcels --------------------------------------------------------------------------------------------------

    def _parcels_page(self, job: Job) -> tuple[list[Line | Rejected | Perhaps], Job | None]:
        some = list(islice(self.parcels(job.after), AT_ONCE))
        told: list[Fact] = []
        for parcel in some:
            try:
                told += self._of_parcel(parcel)
            except SourceShut as error:  # orders are read all the same
                self.alarm(tracking.DOOR, str(error))
                return self._read(told), None
        rest = replace(job, after=_behind(some)) if len(some) == AT_ONCE else None
        return self._read(told), rest

    def _of_parcel(self, parcel: Parcel) -> Iterator[Fact]:
        if not parcel.can_be_asked:
            return
        try:
            answer = tracking.history(self.orders.session, parcel)
        except CallFailed as error:
            log.info("parcel_not_known", extra={"source": self.name, "order": parcel.order, "problem": str(error)})
            return
        yield from tracking.events_of(answer, parcel, zone=self.parcels_zone)

    # --- what they tell -------------------------------------------------------------------------------------------

    def _lines(self, found: Sequence[Fields]) -> list[Line | Rejected | Perhaps]:
        told: list[Line | Rejected | Perhaps] = []
        for one in found:
            try:
                told += self._read(list(events_of(one, seen_at=self.clock.now())))
            except EventError as error:
                told.append(Rejected(file=self.name, line=0, field=error.field, problem=error.problem))
        return told

    def _read(self, told: Iterable[Fact]) -> list[Line | Rejected | Perhaps]:
        return [self._line(one) for one in told]

    def _line(self, told: Fact) -> Line | Rejected | Perhaps:
        among = told.among if isinstance(told, IfNew) else None
        document = told.document if isinstance(told, IfNew) else told
        told_data = document.get("data")
        data = {"shop": self.shop, **(told_data if isinstance(told_data, dict) else {})}
        try:
            event = parse_event({"specversion": "1.0", "source": self.source, **document, "data": data})
        except EventError as error:
            return Rejected(file=self.name, line=0, field=error.field, problem=error.problem)
        line = Line(file=self.name, line=0, event=event)
        return line if among is None else Perhaps(line=line, among=among)


def _behind(parcels: Sequence[Parcel]) -> str:
    """The order behind which to go on. All parcels of an order are asked about together, or the rest of them again."""
    numbers = list(dict.fromkeys(one.order for one in parcels))
    return numbers[-2] if len(numbers) > 1 else numbers[-1]
