"""Receiving: what was posted to us is read, later than it was answered, by whichever process comes to it first.

The same delivery read twice changes nothing: its events have ids of their own, and are accepted before it is marked as read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.alerts import AlertKind
from messenger.domain.events import Event, parse_event
from messenger.errors import EventError, MessengerError
from messenger.ports import Clock, Hint, Line, Store
from messenger.ports.deliveries import (
    MOST_TRIES,
    OTHERS,
    READ,
    DeliveryState,
    Ending,
    ForAPerson,
    IfNew,
    KeptDelivery,
    NotForUs,
    Reader,
    Spool,
    Told,
)
from messenger.services.ingesting import Ingest
from messenger.services.known import Known

log = logging.getLogger(__name__)

KIND: Final = "webhook"
API: Final = "/api"
"""Called so among the sources: programs with a token of ``[web]``. No source in messenger.toml can have this name."""
AT_ONCE: Final = 20
"""Deliveries that are read together."""
LEASE: Final = timedelta(seconds=30)
"""So long nobody else reads what a process has in hand; if it dies, another one does after that."""
KEPT: Final = timedelta(days=30)
"""What was read is forgotten after that."""
KEPT_LONGER: Final = timedelta(days=180)
"""And what somebody may have wanted to look at, after that."""
WORKED_AT: Final = timedelta(seconds=30)
"""So recently a worker has to have been at work."""
FORGOTTEN_AT_ONCE: Final = 500
MOST_PROBLEMS: Final = 3
"""Of one delivery, that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inlet:
    """A source that others post to.

    Args:
        shop: what it may tell about; empty: any shop, each event names its own.
        sender: what its events are from, where they do not say so themselves.
    """

    name: str
    shop: str
    sender: str
    read: Reader


@dataclass(slots=True, kw_only=True)
class Receiving:
    """Reads what lies in the spool.

    Args:
        inlets: by name of the source, as they are now.
        pollers: sources that are asked, and the shop of each: they read again what a push only hints at.
    """

    store: Store
    spool: Spool
    ingest: Ingest
    clock: Clock
    inlets: Callable[[], Mapping[str, Inlet]]
    pollers: Callable[[], Mapping[str, str]] = field(default=dict)

    def run(self) -> int:
        """Read everything that waits; returns how many deliveries that were."""
        done = 0
        while found := self._take():
            self._read_together(found)
            done += len(found)
        if done:
            self._tell()
        return done

    def forget(self) -> int:
        """Forget what is old; returns how many deliveries that were. Each time does a part."""
        now = self.clock.now()
        forgotten = sum(
            self.spool.forget(before=now - age, states=states, limit=FORGOTTEN_AT_ONCE)
            for age, states in ((KEPT, READ), (KEPT_LONGER, OTHERS))
        )
        if forgotten:
            self._tell()
        return forgotten

    def _take(self) -> list[KeptDelivery]:
        now = self.clock.now()
        return self.spool.take(now=now, until=now + LEASE, limit=AT_ONCE)

    def _read_together(self, found: list[KeptDelivery]) -> None:
        """Read deliveries, accept what they tell, and only then mark them."""
        inlets, known = self.inlets(), Known(self.store)
        readings = [self._read(one, inlets.get(one.delivery.source), known) for one in found]
        for name in dict.fromkeys(one.delivery.source for one in found):
            mine = [reading for reading, one in zip(readings, found, strict=True) if one.delivery.source == name]
            self._accept(name, mine)
        for hint in (hint for reading in readings for hint in reading.hints):
            self._pass_on(hint, inlets)
        self.spool.end([reading.ending for reading in readings], at=self.clock.now())

    def _accept(self, source: str, readings: list[_Reading]) -> None:
        """Accept what a source told; each shop's events of an hour are one intake, so that its valve sees all of them."""
        lines, now = [line for reading in readings for line in reading.lines], self.clock.now()
        if not lines:
            self.store.hear(source, at=now)
        for shop in dict.fromkeys(line.event.shop for line in lines):
            mine, hour = [line for line in lines if line.event.shop == shop], f"{now:%Y-%m-%dT%H}"
            report = self.ingest.accept(mine, kind=KIND, name=f"{shop} {hour}", source=source, stands=True)
            if report.conflict:
                log.warning("delivery_conflicts", extra={"source": source, "conflicts": report.conflict})

    def _pass_on(self, hint: Hint, inlets: Mapping[str, Inlet]) -> None:
        """Ask whoever polls the same shop to read this again."""
        pollers = self.pollers()
        shop = inlets[hint.source].shop if hint.source in inlets else ""
        names = [hint.source] if hint.source in pollers else [name for name, one in pollers.items() if one == shop]
        for name in names:
            self.store.poll_again(name, [hint.ref], at=self.clock.now())

    def _read(self, kept: KeptDelivery, inlet: Inlet | None, known: Known) -> _Reading:
        """What one delivery came to. Whatever its reader does wrong is this delivery's alone."""
        reading = _Reading(kept.number)
        try:
            mine = _readable(kept, inlet)
            for told in mine.read(kept.delivery):
                self._sort_in(told, kept, mine, known, reading)
        except NotForUs as error:
            reading.say(DeliveryState.UNKNOWN, str(error))
        except ForAPerson as error:
            reading.say(DeliveryState.PERSON, str(error))
            self._ask_a_person(kept, inlet, str(error))
        except EventError as error:
            reading.say(DeliveryState.FAILED, str(error))
        except MessengerError:
            raise
        except Exception as error:  # a body that no reader expected
            log.exception("delivery_not_read", extra={"source": kept.delivery.source, "number": kept.number})
            reading.say(DeliveryState.FAILED, f"{type(error).__name__}: {error}")
        return reading

    def _sort_in(self, told: Told, kept: KeptDelivery, inlet: Inlet, known: Known, reading: _Reading) -> None:
        if isinstance(told, Hint):
            reading.hints.append(told)
            return
        document = told.document if isinstance(told, IfNew) else told
        try:
            event = event_of(document, inlet)
            self._check_shop(event)
        except EventError as error:
            reading.reject(error)
            return
        if isinstance(told, IfNew) and not known.is_news(event, told.among):
            return
        known.add(event)
        reading.lines.append(Line(file=f"{kept.delivery.source}#{kept.number}", line=1, event=event))

    def _check_shop(self, event: Event) -> None:
        if event.shop not in self.ingest.home.shops:
            known = ", ".join(sorted(self.ingest.home.shops)) or "none"
            raise EventError("data.shop", f'unknown shop "{event.shop}" (shops in messenger.toml: {known})')

    def _ask_a_person(self, kept: KeptDelivery, inlet: Inlet | None, what: str) -> None:
        self.store.raise_alert(
            kind=AlertKind.PRIVACY, subject=f"{kept.delivery.source}#{kept.number}", at=self.clock.now(),
            shop=inlet.shop if inlet else "", detail=what,
        )  # fmt: skip

    def _tell(self) -> None:
        """Open the alert of each source with deliveries that could not be read; end it when there are none."""
        now, inlets = self.clock.now(), self.inlets()
        failed = {name: count for (name, _), count in self.spool.counts([DeliveryState.FAILED]).items()}
        for name in {*failed, *inlets}:
            shop = inlets[name].shop if name in inlets else ""
            if name in failed:
                detail = f"{failed[name]} · messenger intake list --state failed --source {name}"
                self.store.raise_alert(kind=AlertKind.DELIVERIES, subject=name, shop=shop, at=now, detail=detail)
            else:
                self.store.end_alert(kind=AlertKind.DELIVERIES, subject=name, shop=shop, at=now)


def is_worked_at(store: Store, now: datetime) -> bool:
    """Return whether a worker is at work, who reads what was posted."""
    last = store.last_alive()
    return last is not None and now - last < WORKED_AT


def event_of(document: Mapping[str, object], inlet: Inlet) -> Event:
    """Return the event that a document holds, completed by what its source says.

    Raises:
        EventError: it holds none, or it tells about a shop that its source has nothing to say about.
    """
    whole: dict[str, object] = {"specversion": "1.0", "source": inlet.sender} | dict(document)
    data = whole.get("data")
    if inlet.shop and isinstance(data, Mapping):
        whole["data"] = {"shop": inlet.shop} | dict(data)
    event = parse_event(whole)
    if inlet.shop and event.shop != inlet.shop:
        raise EventError("data.shop", f'is "{event.shop}", and the source {inlet.name} is about "{inlet.shop}" alone')
    return event


def _readable(kept: KeptDelivery, inlet: Inlet | None) -> Inlet:
    """Return what reads a delivery.

    Raises:
        EventError: nothing does.
    """
    if kept.tries > MOST_TRIES:
        raise EventError("", f"given up: {kept.tries - 1} times its reading did not end")
    if inlet is None:
        raise EventError("", f"there is no source {kept.delivery.source!r} in messenger.toml any more")
    return inlet


@dataclass(slots=True)
class _Reading:
    """What one delivery came to."""

    number: int
    lines: list[Line] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    _state: DeliveryState = DeliveryState.PROCESSED
    _notes: list[str] = field(default_factory=list)

    def say(self, state: DeliveryState, note: str) -> None:
        """How it ended."""
        self._state = state
        self._notes.append(note)

    def reject(self, error: EventError) -> None:
        """One of its events cannot be taken in; the others are."""
        self._state = DeliveryState.FAILED
        if len(self._notes) < MOST_PROBLEMS:
            self._notes.append(str(error))

    @property
    def ending(self) -> Ending:
        """What is written down."""
        return Ending(self.number, self._state, "; ".join(self._notes))
