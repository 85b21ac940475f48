"""Simulate: play events on a virtual clock and tell what would be written, when, and what not, and why.

The planning, guarding and writing are those of production; only the outbox is a dictionary and every transport accepts.
Nothing is sent. Equal input gives equal output, to the byte.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from messenger.domain.events import Event
from messenger.domain.folding import fold
from messenger.domain.guarding import Stay, decide
from messenger.domain.messages import Key, PlannedMessage, State
from messenger.domain.orders import Order
from messenger.domain.planning import plan, reconcile
from messenger.domain.shops import Mode
from messenger.services.home import Home
from messenger.services.ingesting import buyer_keys
from messenger.services.preparing import Postman, Unwritable


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


_CLAIMABLE = frozenset({State.PLANNED, State.HELD})


class Simulator:
    """Plays the events of many orders; each order is on its own, so they are played one after the other."""

    def __init__(
        self, home: Home, *, at: datetime | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> None:
        live = {name: replace(shop, mode=Mode.LIVE) for name, shop in home.shops.items()}
        self._home = replace(home, shops=live)
        self._at = at
        self._start = start
        self._end = end
        self._postman = Postman(self._home, b"simulation")

    def play(self, events: Iterable[Event]) -> list[Line]:
        """Return every message as it ended, by instant, order, rule and step."""
        lines = [line for story in _stories(events) for line in self._play_order(story)]
        if self._start is not None:
            lines = [line for line in lines if line.at >= self._start]
        return sorted(lines, key=lambda one: (one.at, one.shop, one.order, one.rule, one.shipment or "", one.step))

    def _play_order(self, story: Sequence[Event]) -> Iterator[Line]:
        known: list[Event] = []
        rows: dict[Key, PlannedMessage] = {}
        ended_at: dict[Key, datetime] = {}
        since = datetime.min.replace(tzinfo=UTC)
        for now, arriving in self._arrivals(story):
            self._let_time_pass(known, rows, ended_at, since=since, until=now)
            known.extend(arriving)
            self._take_in(known, rows, ended_at, now)
            since = now
        self._let_time_pass(known, rows, ended_at, since=since, until=None)
        order = _folded(known)
        if order is not None:
            for key, row in rows.items():
                yield self._line(row, order, ended_at.get(key, row.due_at))

    def _arrivals(self, story: Sequence[Event]) -> Iterator[tuple[datetime, list[Event]]]:
        if self._at is not None:
            yield self._at, list(story)
            return
        by_time: defaultdict[datetime, list[Event]] = defaultdict(list)
        for event in story:
            by_time[event.time].append(event)
        for now in sorted(by_time):
            if self._end is None or now <= self._end:
                yield now, by_time[now]

    def _take_in(
        self, known: Sequence[Event], rows: dict[Key, PlannedMessage], ended_at: dict[Key, datetime], now: datetime
    ) -> None:
        order = _folded(known)
        shop = self._home.shops.get(order.shop) if order else None
        if order is None or shop is None:
            return
        wishes = plan(order, self._home.schedule.rules, self._home.zones, shop)
        difference = reconcile(list(rows.values()), wishes, rules=self._home.rule_names, order=order)
        for row in (*difference.new, *(new for _, new in difference.changed)):
            rows[row.key] = row
            if not row.state.is_waiting:
                ended_at[row.key] = now

    def _let_time_pass(
        self,
        known: Sequence[Event],
        rows: dict[Key, PlannedMessage],
        ended_at: dict[Key, datetime],
        *,
        since: datetime,
        until: datetime | None,
    ) -> None:
        """Claim what falls due from ``since`` on, in due order, before the next events (or until nothing waits)."""
        order = _folded(known)
        if order is None:
            return
        queue = [(max(row.due_at, since), key) for key, row in rows.items() if row.state in _CLAIMABLE]
        heapq.heapify(queue)
        while queue:
            now, key = heapq.heappop(queue)
            if (until is not None and now >= until) or (self._end is not None and now > self._end):
                break
            after = self._claim(rows[key], order, rows, now)
            rows[key] = after
            if after.state in _CLAIMABLE:
                heapq.heappush(queue, (max(after.due_at, now), key))
            else:
                ended_at[key] = now

    def _claim(
        self, row: PlannedMessage, order: Order, rows: dict[Key, PlannedMessage], now: datetime
    ) -> PlannedMessage:
        decision = decide(
            row,
            order=order,
            rule=self._home.schedule.rule(row.key.rule),
            shop=self._home.shops.get(order.shop),
            zones=self._home.zones,
            now=now,
            told=frozenset(one.template for one in rows.values() if one.state.is_committed),
        )
        if isinstance(decision, Stay):
            return decision.message
        written = self._postman.write(row, decision, order, now)
        if isinstance(written, Unwritable):
            return written.applied_to(row, now)
        return replace(
            row, state=State.SENT, sent_at=now, channel=decision.channel, locale=written.letter.locale, variant=written.variant,
            because=row.because or row.trigger,
        )  # fmt: skip

    def _line(self, row: PlannedMessage, order: Order, at: datetime) -> Line:
        rule = self._home.schedule.rule(row.key.rule)
        shop = self._home.shops[order.shop]
        zone = rule.zone if rule else "buyer"
        if rule is None:
            local = at
        else:
            place = self._home.zones.of_rule(
                zone, buyer=order.buyer, shop_zone=shop.zone, hours=rule.hours, at=row.trigger_at
            )
            local = at.astimezone(place.main)
        return Line(
            at=at, local=local, shop=order.shop, order=order.number, shipment=row.shipment, rule=row.key.rule, step=row.key.step,
            template=row.template, variant=row.variant, locale=row.locale, channel=row.channel, outcome=str(row.state),
            reason=str(row.reason) if row.reason else None, because=row.because,
        )  # fmt: skip


def _folded(events: Sequence[Event]) -> Order | None:
    return fold(events) if any(event.order is not None for event in events) else None


def _stories(events: Iterable[Event]) -> list[list[Event]]:
    """The events of each order, with those that name only its parcel or its buyer; later repeats are dropped."""
    unique = list({event.ref: event for event in reversed(list(events))}.values())[::-1]
    stories: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
    homeless: list[Event] = []
    for event in unique:
        if event.order is None:
            homeless.append(event)
        else:
            stories[event.shop, event.order].append(event)
    if homeless:
        _house(homeless, stories)
    return [stories[key] for key in sorted(stories)]


def _house(homeless: Sequence[Event], stories: dict[tuple[str, str], list[Event]]) -> None:
    """Give events without an order to the orders they speak about, as the inbox does."""
    by_name: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
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
