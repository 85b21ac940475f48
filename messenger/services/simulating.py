"""Simulate: play events on a virtual clock and tell what would be written, when, and what not, and why.

The planning, guarding, clearing and writing are those of production; only the outbox is a dictionary, every transport
accepts, and people do what they are asked. Nothing is sent. Equal input gives equal output, to the byte.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final

from messenger.domain.clearing import Cleared, Rider, clear
from messenger.domain.events import Event
from messenger.domain.folding import fold
from messenger.domain.guarding import Stay, Surroundings, may_open
from messenger.domain.lanes import Journey, Lane, LaneKey, snapshot
from messenger.domain.messages import Key, PlannedMessage, State
from messenger.domain.orders import Order, Payment
from messenger.domain.planning import plan, reconcile
from messenger.domain.reaching import buyer_keys, buyer_of
from messenger.domain.shops import Mode
from messenger.services.home import Home
from messenger.services.ingesting import journeys_of
from messenger.services.preparing import Postman, Unwritable
from messenger.services.staffing import AT_ONCE, Staff, Workload

OrderName = tuple[str, str]
"""Shop and number."""
CLAIMABLE: Final = frozenset({State.PLANNED, State.HELD, State.WAITING_APPROVAL, State.AWAITING_STAFF})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One simulated message as it ended. ``local`` is ``at`` on the clock of its rule: usually the buyer's."""

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
    digest: str = ""
    """Tells one wording from another; not printed."""

    def document(self) -> dict[str, object]:
        """Return the line as ``simulate --json`` prints it."""
        return {
            "at": _instant(self.at), "local": self.local.isoformat(), "shop": self.shop, "order": self.order,
            "shipment": self.shipment, "rule": self.rule, "step": self.step, "template": self.template,
            "variant": self.variant, "locale": self.locale, "channel": self.channel, "outcome": self.outcome,
            "reason": self.reason, "because": self.because,
        }  # fmt: skip


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@dataclass(slots=True)
class _Story:
    """One order while it is played."""

    known: list[Event] = field(default_factory=list)
    order: Order | None = None
    rows: dict[Key, PlannedMessage] = field(default_factory=dict)
    ended_at: dict[Key, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wording:
    subject: str
    text: str
    digest: str


class Simulator:
    """Plays the events of many orders on one clock, so that what counts for a buyer counts across orders.

    Args:
        home: rules, texts and shops; a rehearsing shop is played as if it were live.
        at: take everything in at this instant; None plays each event at its own time.
        start: leave out what ends before.
        end: stop the clock here; None runs until nothing waits.
        staff: how many people approve and send by hand; None for as many as it takes.
        progress: told how many events have been played since it was last told.
    """

    def __init__(
        self, home: Home, *, at: datetime | None = None, start: datetime | None = None, end: datetime | None = None,
        staff: int | None = AT_ONCE, progress: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        shops = {
            name: replace(shop, mode=Mode.LIVE) if shop.mode is Mode.REHEARSE else shop
            for name, shop in home.shops.items()
        }
        self._home = replace(home, shops=shops)
        self._at = at
        self._start = start
        self._end = end
        self._staff = staff
        self._progress = progress

    def play(self, events: Iterable[Event]) -> list[Line]:
        """Return every message as it ended, by instant, order, rule and step."""
        return self.played(events)[0]

    def played(self, events: Iterable[Event]) -> tuple[list[Line], Workload]:
        """Return every message as it ended, and what the people had to do."""
        stage = _Stage(self._home, Staff(self._staff, self._home.shops), self._end)
        for now, arriving in self._arrivals(_stories(events)):
            stage.let_time_pass(now)
            for name, told in arriving:
                stage.take_in(name, told, now)
            if self._progress:
                self._progress(sum(len(told) for _, told in arriving))
        stage.let_time_pass(None)
        lines = [line for line in stage.lines() if self._start is None or line.at >= self._start]
        lines.sort(key=lambda one: (one.at, one.shop, one.order, one.rule, one.shipment or "", one.step))
        return lines, stage.staff.workload

    def _arrivals(
        self, stories: Mapping[OrderName, Sequence[Event]]
    ) -> Iterator[tuple[datetime, list[tuple[OrderName, list[Event]]]]]:
        if self._at is not None:
            yield self._at, [(name, list(story)) for name, story in stories.items()]
            return
        by_time: defaultdict[datetime, defaultdict[OrderName, list[Event]]] = defaultdict(lambda: defaultdict(list))
        for name, story in stories.items():
            for event in story:
                by_time[event.time][name].append(event)
        for now in sorted(by_time):
            if self._end is None or now <= self._end:
                yield now, sorted(by_time[now].items())


class _Stage:
    """The outbox, the orders and the clock of one play."""

    def __init__(self, home: Home, staff: Staff, end: datetime | None) -> None:
        self._home = home
        self._end = end
        self._postman = Postman(home, b"simulation")
        self._stories: defaultdict[OrderName, _Story] = defaultdict(_Story)
        self._buyers: defaultdict[tuple[str, str], set[OrderName]] = defaultdict(set)
        self._payments: defaultdict[tuple[str, str], dict[str, Payment]] = defaultdict(dict)
        self._queue: list[tuple[datetime, int, Key, OrderName]] = []
        self._order_of: dict[Key, str] = {}
        self._wording: dict[Key, _Wording] = {}
        self._lanes = _Lanes(home)
        self._ids = 0
        self._since = datetime.min.replace(tzinfo=UTC)
        self.staff = staff

    # --- facts come in ------------------------------------------------------------------------------------------

    def take_in(self, name: OrderName, told: Sequence[Event], now: datetime) -> None:
        """Fold and plan one order with what has just been told of it."""
        self._since = now
        story = self._stories[name]
        story.known.extend(told)
        story.order = order = self._home.order(story.known)
        shop = self._home.shops.get(name[0])
        if order is None or shop is None:
            return
        self._meet(name, order)
        schedule = self._home.schedule
        wishes = plan(order, schedule.rules, self._home.zones, shop, schedule.names)
        difference = reconcile(
            list(story.rows.values()), wishes, rules=schedule.live_names, order=order, aliases=schedule.aliases
        )
        for row in difference.new:
            self._ids += 1
            self._put(name, replace(row, id=self._ids), now)
        for was, row in difference.changed:
            self._put(name, row, now)
            if not row.state.is_waiting:
                self._free_riders(was, now)

    def _meet(self, name: OrderName, order: Order) -> None:
        buyer = (name[0], buyer_of(order))
        self._buyers[buyer].add(name)
        if order.settled_at is not None:
            self._payments[buyer][order.number] = Payment(order=order.number, at=order.settled_at)
        self._lanes.learn(order)

    def _put(self, name: OrderName, row: PlannedMessage, now: datetime) -> None:
        """Write a row; what waits is looked at when it is due, what has ended ended now."""
        story = self._stories[name]
        story.rows[row.key] = row
        self._order_of[row.key] = name[1]
        if row.state in CLAIMABLE:
            heapq.heappush(self._queue, (max(row.due_at, now), row.id, row.key, name))
            story.ended_at.pop(row.key, None)
        else:
            story.ended_at.setdefault(row.key, now)

    # --- time passes --------------------------------------------------------------------------------------------

    def let_time_pass(self, until: datetime | None) -> None:
        """Claim what falls due before ``until``; None goes on until nothing waits."""
        while self._queue:
            due, by_hand = self._queue[0][0], self.staff.next_at(self._since)
            now = due if by_hand is None else min(due, by_hand)
            if (until is not None and now >= until) or (self._end is not None and now > self._end):
                return
            self._since = max(self._since, now)
            if by_hand == now and (key := self.staff.take_up(now)) is not None:
                self._by_hand(key, now)
                continue
            for buyer, batch in self._due(now).items():
                self._clear(buyer, batch, now)

    def _due(self, now: datetime) -> dict[tuple[str, str], list[PlannedMessage]]:
        batches: defaultdict[tuple[str, str], list[PlannedMessage]] = defaultdict(list)
        seen: set[Key] = set()
        while self._queue and self._queue[0][0] <= now:
            _, _, key, name = heapq.heappop(self._queue)
            row = self._stories[name].rows[key]
            if key not in seen and row.state in CLAIMABLE and max(row.due_at, self._since) <= now:
                seen.add(key)
                batches[key.shop, row.buyer].append(replace(row, state=State.CLAIMED))
        return batches

    def _clear(self, buyer: tuple[str, str], batch: Sequence[PlannedMessage], now: datetime) -> None:
        made = clear(
            batch, self._rows_of(buyer), orders=self._order, around=self._around(buyer, now), voice=self._postman.voice
        )
        for row in (*made.stayed, *(row for _, row in made.changed)):
            self._put((row.key.shop, row.order), self._by_people(row, now), now)
        for cleared in made.cleared:
            self._send(cleared, now)
        for row in made.stayed:
            if row.state is State.AWAITING_STAFF and self.staff.are_instant:
                self._by_hand(row.key, now)
            elif row.state is State.AWAITING_STAFF:
                self.staff.hand_over(row, now)

    def _around(
        self, buyer: tuple[str, str], now: datetime
    ) -> Callable[[PlannedMessage, Sequence[PlannedMessage]], Surroundings]:
        home, lanes, payments = self._home, self._lanes.on(now.date()), list(self._payments[buyer].values())

        def around(message: PlannedMessage, rows: Sequence[PlannedMessage]) -> Surroundings:
            shop = home.shops.get(message.key.shop)
            return Surroundings(
                schedule=home.schedule, shop=shop, zones=home.zones, now=now, rows=rows, payments=payments, lanes=lanes
            )

        return around

    def _order(self, shop: str, number: str) -> Order | None:
        return self._stories[shop, number].order

    def _rows_of(self, buyer: tuple[str, str]) -> list[PlannedMessage]:
        return [
            row
            for name in sorted(self._buyers[buyer])
            for row in self._stories[name].rows.values()
            if row.buyer == buyer[1] and (row.state in CLAIMABLE or row.state.is_committed)
        ]

    def _send(self, cleared: Cleared, now: datetime) -> None:
        row = cleared.message
        name = (row.key.shop, row.order)
        written = self._postman.write(row, cleared.go, cleared.order, now, cleared.riders)
        if isinstance(written, Unwritable):
            self._put(name, replace(written.applied_to(row, now), cleared_at=None), now)
            self._free_riders(row, now)
            return
        letter = written.letter
        self._wording[row.key] = _Wording(
            subject=letter.subject,
            text=letter.text,
            digest=hashlib.sha256(f"{letter.subject}\n{letter.text}\n{letter.html}".encode()).hexdigest(),
        )
        sent = replace(
            row,
            state=State.SENT,
            sent_at=now,
            locale=letter.locale,
            variant=written.variant,
            because=row.because or row.trigger,
        )
        self._put(name, sent, now)

    def _free_riders(self, carrier: PlannedMessage, now: datetime) -> None:
        """What was to go out together with a message that does not leave waits again."""
        if not carrier.id:
            return
        for name in sorted(self._buyers[carrier.key.shop, carrier.buyer]):
            for row in list(self._stories[name].rows.values()):
                if row.state is State.MERGED and row.carrier == carrier.id:
                    self._put(name, replace(row, state=State.PLANNED, carrier=None, because=row.trigger), now)

    # --- people -------------------------------------------------------------------------------------------------

    def _by_people(self, row: PlannedMessage, now: datetime) -> PlannedMessage:
        """What people make of a row that waits for them, if anybody is there."""
        if row.state is State.WAITING_APPROVAL and self.staff.are_there:
            return replace(row, state=State.PLANNED, approved_by="staff", due_at=now)
        return row

    def _by_hand(self, key: Key, now: datetime) -> None:
        """A person opens a message, looks whether it is still true, and sends it."""
        story = self._stories[key.shop, self._order_of[key]]
        row = story.rows[key]
        if row.state is not State.AWAITING_STAFF or story.order is None:
            return
        buyer = (key.shop, row.buyer)
        decision = may_open(row, story.order, self._around(buyer, now)(row, self._rows_of(buyer)))
        if isinstance(decision, Stay):
            self._put((key.shop, row.order), decision.message, now)
            self._free_riders(row, now)
            return
        taken = [one for one in self._rows_of(buyer) if one.state is State.MERGED and one.carrier == row.id]
        riders = [
            Rider(message=one, order=order) for one in taken if (order := self._stories[key.shop, one.order].order)
        ]
        self._send(Cleared(message=row, order=story.order, go=decision, riders=tuple(riders)), now)
        self.staff.sent(row, now)

    # --- what came of it ----------------------------------------------------------------------------------------

    def lines(self) -> Iterator[Line]:
        """Yield every message as it stands."""
        for name in sorted(self._stories):
            story = self._stories[name]
            if story.order is not None and name[0] in self._home.shops:
                for key, row in story.rows.items():
                    yield self._line(row, story.order, story.ended_at.get(key, row.due_at))

    def _line(self, row: PlannedMessage, order: Order, at: datetime) -> Line:
        rule = self._home.schedule.rule(row.key.rule)
        shop = self._home.shops[order.shop]
        zone = rule.zone if rule else "buyer"
        local = at
        if rule is not None:
            place = self._home.zones.of_rule(
                zone, buyer=order.buyer, shop_zone=shop.zone, hours=rule.hours, at=row.trigger_at
            )
            local = at.astimezone(place.main)
        wording = self._wording.get(row.key, _Wording("", "", ""))
        return Line(
            at=at, local=local, shop=order.shop, order=order.number, shipment=row.shipment, rule=row.key.rule, step=row.key.step,
            template=row.template, variant=row.variant, locale=row.locale, channel=row.channel, outcome=str(row.state),
            reason=str(row.reason) if row.reason else None, because=row.because, scope=row.key.scope,
            subject=wording.subject, text=wording.text, digest=wording.digest,
        )  # fmt: skip


class _Lanes:
    """The daily snapshots of a play, from the parcels that have arrived in it so far."""

    def __init__(self, home: Home) -> None:
        self._schedule = home.schedule
        self._is_asked = any(one.field.startswith("lane.") for rule in home.schedule.rules for one in rule.where)
        self._journeys: defaultdict[LaneKey, dict[tuple[str, str], Journey]] = defaultdict(dict)
        self._day = date.min
        self._snapshot: dict[LaneKey, Lane] = {}

    def learn(self, order: Order) -> None:
        """Remember the parcels of an order that have arrived."""
        for journey in journeys_of(order, self._schedule) if self._is_asked else ():
            self._journeys[journey.lane][journey.order, journey.shipment] = journey

    def on(self, day: date) -> Mapping[LaneKey, Lane]:
        """Return the snapshot of a day."""
        if self._is_asked and day != self._day:
            self._day = day
            self._snapshot = {key: snapshot(key, found.values(), day) for key, found in self._journeys.items()}
        return self._snapshot


def _stories(events: Iterable[Event]) -> dict[OrderName, list[Event]]:
    """The events of each order, with those that name only its parcel or its buyer; later repeats are dropped."""
    unique = list({event.ref: event for event in reversed(list(events))}.values())[::-1]
    stories: defaultdict[OrderName, list[Event]] = defaultdict(list)
    homeless: list[Event] = []
    for event in unique:
        if event.order is None:
            homeless.append(event)
        else:
            stories[event.shop, event.order].append(event)
    if homeless:
        _house(homeless, stories)
    return {key: stories[key] for key in sorted(stories)}


def _house(homeless: Sequence[Event], stories: dict[OrderName, list[Event]]) -> None:
    """Give events without an order to the orders they speak about, as the inbox does."""
    by_name: defaultdict[tuple[str, str], list[OrderName]] = defaultdict(list)
    for key, story in stories.items():
        order = fold(story)
        names = {number for shipment in order.shipments for number in (shipment.id, *shipment.numbers)}
        for name in (*names, *filter(None, buyer_keys(order.buyer).values())):
            by_name[key[0], name].append(key)
    for event in homeless:
        buyer = event.data.get("buyer", {})
        names = {
            event.tracking_number or "",
            f"id:{buyer.get('id')}",
            f"email:{str(buyer.get('email') or '').casefold()}",
        }
        for key in {key for name in names for key in by_name.get((event.shop, name), ())}:
            stories[key].append(event)
