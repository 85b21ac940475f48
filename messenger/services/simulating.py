"""Simulate: play events on a virtual clock and tell what would be written, when, and what not, and why.

Nothing is sent. Equal input gives equal output, to the byte.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from messenger.domain.events import Event
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.orders import Order
from messenger.domain.shops import Mode
from messenger.domain.timing import ALWAYS
from messenger.services.gathering import OrderName, circles, unique
from messenger.services.home import Home
from messenger.services.playing import Stage
from messenger.services.scenery import Lanes, Texts
from messenger.services.staffing import AT_ONCE, PER_MESSAGE, Staff, Workload
from messenger.services.stories import Story, Wording

__all__ = ["AT_ONCE", "PER_MESSAGE", "Line", "Played", "Simulator", "Workload"]

_NO_WORDING = Wording()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One simulated message as it ended. ``local`` is ``at`` on the buyer's clock."""

    at: datetime
    local: datetime
    shop: str
    order: str
    shipment: str | None
    rule: str
    step: int
    template: str
    variant: str | None
    locale: str | None
    channel: str | None
    outcome: str
    reason: str | None
    because: str
    scope: str = ""
    subject: str = ""
    text: str = ""
    """What the buyer reads; empty unless it was asked for."""
    digest: str = ""
    """Tells one wording from another; not printed."""
    version: str = ""
    """Of the template it was made from; not printed."""

    def document(self) -> dict[str, object]:
        """Return the line as ``simulate --json`` prints it."""
        return {
            "at": instant_text(self.at), "local": self.local.isoformat(), "shop": self.shop, "order": self.order,
            "shipment": self.shipment, "rule": self.rule, "step": self.step, "template": self.template,
            "variant": self.variant, "locale": self.locale, "channel": self.channel, "outcome": self.outcome,
            "reason": self.reason, "because": self.because,
        }  # fmt: skip

    @property
    def place(self) -> tuple[object, ...]:
        """Where the line stands among all others."""
        return self.at, self.order, self.rule, self.step, self.shop, self.scope


def instant_text(at: datetime) -> str:
    """Return an instant as JSON shows it."""
    return at.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of a play.

    Args:
        lines: every message as it ended, in their order.
        workload: what the people had to do.
        orders: as they were at the end, by shop and number; empty unless details were asked for.
        clocks: the zone of each of their buyers.
    """

    lines: Sequence[Line]
    workload: Workload
    orders: Mapping[OrderName, Order] = field(default_factory=dict)
    clocks: Mapping[OrderName, ZoneInfo] = field(default_factory=dict)


class Simulator:
    """Plays the events of many orders on one clock, so that what counts for a buyer counts across orders.

    Args:
        home: rules, texts and shops; a rehearsing shop is played as if it were live.
        at: take everything in at this instant; None plays each event at its own time.
        start: leave out what ends before.
        end: stop the clock here; None runs until nothing waits.
        staff: how many people send by hand at each desk; None for as many as it takes. With 0 nobody approves either,
            and what waits for a person is told as waiting.
        each: what one message takes one of them.
        detailed: keep the texts and the orders, for a page that shows them.
        progress: told how many events have been played since it was last told.
    """

    def __init__(
        self, home: Home, *, at: datetime | None = None, start: datetime | None = None, end: datetime | None = None,
        staff: int | None = AT_ONCE, each: timedelta = PER_MESSAGE, detailed: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        shops = {
            name: replace(shop, mode=Mode.LIVE) if shop.mode is Mode.REHEARSE else shop
            for name, shop in home.shops.items()
        }
        self._home = replace(home, shops=shops, catalogue=Texts.of(home.catalogue))
        self._at = at
        self._start = start
        self._end = end
        self._staff = staff
        self._each = each
        self._detailed = detailed
        self._progress = progress

    def play(self, events: Iterable[Event]) -> Sequence[Line]:
        """Return every message as it ended, by instant, order, rule and step."""
        return self.played(events).lines

    def played(self, events: Iterable[Event]) -> Played:
        """Return every message as it ended, what the people had to do, and details if they were asked for."""
        staff = Staff(self._staff, self._home.shops, each=self._each)
        lines: list[Line] = []
        orders: dict[OrderName, Order] = {}
        clocks: dict[OrderName, ZoneInfo] = {}
        told = unique(events)
        apart = circles(told)
        lanes = Lanes.of(self._home, map(self._moments, apart))
        for circle in [told] if staff.are_limited else apart:  # when a person has time ties every order to every other
            stage = Stage(self._home, staff, lanes, end=self._end)
            self._perform(stage, circle)
            for name, story in sorted(stage.stories.items()):
                if story.order is None:
                    continue
                clock = self._clock(story.order)
                lines += self._lines(story, story.order, clock, stage.wording)
                if self._detailed:
                    orders[name], clocks[name] = story.order, clock
        lines.sort(key=lambda line: line.place)
        staff.workload.left_out = sum(line.reason == Reason.DESK_FULL for line in lines)
        return Played(lines=lines, workload=staff.workload, orders=orders, clocks=clocks)

    def _perform(self, stage: Stage, events: Sequence[Event]) -> None:
        for now, arriving in self._moments(events):
            stage.let_time_pass(now)
            stage.take_in(arriving, now)
            if self._progress:
                self._progress(len(arriving))
        stage.let_time_pass(None)

    def _moments(self, events: Sequence[Event]) -> Iterator[tuple[datetime, Sequence[Event]]]:
        if self._at is not None:
            yield self._at, events
            return
        by_time: defaultdict[datetime, list[Event]] = defaultdict(list)
        for event in events:
            if self._end is None or event.time <= self._end:
                by_time[event.time].append(event)
        yield from by_time.items()  # events come by time

    def _lines(self, story: Story, order: Order, clock: ZoneInfo, wording: Mapping[int, Wording]) -> Iterator[Line]:
        for key, found in story.rows.items():
            row, at = found, story.ended_at.get(key, found.due_at)
            if self._staff == 0 and key in story.waited:
                row, at = story.waited[key]
            if self._start is None or at >= self._start:
                spoken = row.carrier if row.state is State.MERGED else row.id
                yield self._line(row, order, at.astimezone(clock), wording.get(spoken or 0, _NO_WORDING))

    def _line(self, row: PlannedMessage, order: Order, local: datetime, wording: Wording) -> Line:
        return Line(
            at=local.astimezone(UTC), local=local, shop=order.shop, order=order.number, shipment=row.shipment, rule=row.key.rule,
            step=row.key.step, template=row.template, variant=row.variant, locale=row.locale, channel=row.channel,
            outcome=str(row.state), reason=str(row.reason) if row.reason else None, because=row.because, scope=row.key.scope,
            subject=wording.subject, text=wording.text if self._detailed else "", digest=wording.digest, version=wording.version,
        )  # fmt: skip

    def _clock(self, order: Order) -> ZoneInfo:
        at = order.history[0].at
        shop = self._home.shops[order.shop]
        return self._home.zones.of_buyer(order.buyer, hours=ALWAYS, at=at, shop_zone=shop.zone).main
