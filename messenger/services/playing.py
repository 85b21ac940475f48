"""Playing: the outbox, the orders and the clock of one simulation.

The planning, guarding, clearing and writing are those of production; only the outbox is a dictionary, every transport
accepts, and people do what they are asked.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from messenger.domain.clearing import Cleared, Rider, clear
from messenger.domain.desks import seat, suits_at
from messenger.domain.events import Event
from messenger.domain.guarding import Stay, Surroundings, may_open
from messenger.domain.messages import Key, PlannedMessage, Reason, State
from messenger.domain.orders import Order, Payment
from messenger.domain.planning import plan
from messenger.domain.reaching import buyer_of
from messenger.domain.reconciling import reconcile
from messenger.services.enveloping import Secrets
from messenger.services.gathering import Inbox, OrderName
from messenger.services.home import Home
from messenger.services.preparing import Postman, Unwritable
from messenger.services.scenery import Lanes
from messenger.services.staffing import Staff
from messenger.services.stories import Buyer, Story, Wording

CLAIMABLE: Final = frozenset({State.PLANNED, State.HELD, State.WAITING_APPROVAL, State.AWAITING_STAFF})
FOR_A_PERSON: Final = frozenset({State.WAITING_APPROVAL, State.AWAITING_STAFF})


class Stage:
    """Those who are played together.

    Args:
        home: rules, texts and shops.
        staff: the people at the desks.
        lanes: what parcels take; shared by all that are played.
        end: the clock stops here; None lets it run until nothing waits.
    """

    def __init__(self, home: Home, staff: Staff, lanes: Lanes, *, end: datetime | None = None) -> None:
        self._home = home
        self._staff = staff
        self._lanes = lanes
        self._end = end
        self._postman = Postman(home, Secrets.pretended(b"simulation"))
        self._inbox = Inbox()
        self._buyers: defaultdict[Buyer, set[OrderName]] = defaultdict(set)
        self._payments: defaultdict[Buyer, dict[str, Payment]] = defaultdict(dict)
        self._queue: list[tuple[datetime, int, Key, OrderName]] = []
        self._ids = 0
        self._now = datetime.min.replace(tzinfo=UTC)
        self.stories: defaultdict[OrderName, Story] = defaultdict(Story)
        self.wording: dict[int, Wording] = {}
        """By id of the row that was written."""

    # --- facts come in ------------------------------------------------------------------------------------------

    def take_in(self, events: Iterable[Event], now: datetime) -> None:
        """Fold and plan anew every order that these events speak of."""
        self._now = now
        for name in self._inbox.receive(events, now):
            order = self._home.order(self._inbox.events(name))
            if order is None or name[0] not in self._home.shops:
                continue
            if self._inbox.meet(name, order, now):
                order = self._home.order(self._inbox.events(name)) or order
            self._meet(name, order)
            self._plan(name, order, now)

    def _meet(self, name: OrderName, order: Order) -> None:
        story = self.stories[name]
        buyer = (name[0], buyer_of(order))
        if story.buyer is not None and story.buyer != buyer:  # what was told to one is told to the other
            self._payments[story.buyer].pop(order.number, None)
            self._buyers[story.buyer].discard(name)
            story.rows = {key: replace(row, buyer=buyer[1]) for key, row in story.rows.items()}
        self._buyers[buyer].add(name)
        story.order, story.buyer = order, buyer
        if order.settled_at is not None:
            self._payments[buyer][order.number] = Payment(order=order.number, at=order.settled_at)

    def _plan(self, name: OrderName, order: Order, now: datetime) -> None:
        story, home = self.stories[name], self._home
        schedule = home.schedule
        wishes = plan(order, schedule.rules, home.zones, home.shops[name[0]], schedule.names, story.memory)
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

    def _put(self, name: OrderName, row: PlannedMessage, now: datetime) -> None:
        """Write a row; what waits is looked at when it is due, what has ended ended now."""
        story = self.stories[name]
        was = story.rows.get(row.key)
        story.rows[row.key] = row
        if row.state in CLAIMABLE:
            heapq.heappush(self._queue, (max(row.due_at, now), row.id, row.key, name))
            story.ended_at.pop(row.key, None)
        else:
            story.ended_at.setdefault(row.key, now)
        if row.state in FOR_A_PERSON:
            if was is None or was.state is not row.state:
                story.waited[row.key] = (row, now)
        elif row.state is not State.EXPIRED:
            story.waited.pop(row.key, None)
        if was is not None and was.state is State.AWAITING_STAFF is not row.state:
            self._staff.take_off(row, now)

    # --- time passes --------------------------------------------------------------------------------------------

    def let_time_pass(self, until: datetime | None) -> None:
        """Claim what falls due before ``until``; None goes on until nothing waits."""
        while (now := self._next()) is not None:
            if (until is not None and now >= until) or (self._end is not None and now > self._end):
                return
            self._now = now
            by_hand = self._staff.take_up(now)
            if by_hand is not None:
                self._taken_up(by_hand, now)
                continue
            for buyer, batch in self._due(now).items():
                self._clear(buyer, batch, now)

    def _next(self) -> datetime | None:
        """When there is something to do next."""
        times = [self._staff.next_at(self._now), self._queue[0][0] if self._queue else None]
        return min((at for at in times if at is not None), default=None)

    def _due(self, now: datetime) -> dict[Buyer, list[PlannedMessage]]:
        batches: defaultdict[Buyer, list[PlannedMessage]] = defaultdict(list)
        seen: set[Key] = set()
        while self._queue and self._queue[0][0] <= now:
            _, _, key, name = heapq.heappop(self._queue)
            row = self.stories[name].rows[key]
            if key not in seen and row.state in CLAIMABLE and row.due_at <= now:
                seen.add(key)
                batches[key.shop, row.buyer].append(replace(row, state=State.CLAIMED))
        return batches

    def _clear(self, buyer: Buyer, batch: Sequence[PlannedMessage], now: datetime) -> None:
        made = clear(
            batch, self._rows_of(buyer), orders=self._order, around=self._around(buyer, now), voice=self._postman.voice
        )
        made = seat(made, self._home.shops, self._staff.load_of, now)
        reasons = {row.key: row for row in batch if row.reason is Reason.RETRY}
        for row in (*made.stayed, *(row for _, row in made.changed)):
            told = _still_told(row, reasons.get(row.key))
            self._put((row.key.shop, row.order), self._by_people(told, now), now)
        for cleared in made.cleared:
            self._send(cleared, now)
        for row in (*made.stayed, *(row for _, row in made.changed)):
            if row.reason is Reason.DESK_FULL:
                self._free_riders(row, now)
        for row in made.stayed:
            if row.state is State.AWAITING_STAFF:
                self._staff.hand_over(row, now)
                if self._staff.are_instant:
                    self._by_hand(row, now)

    def _around(
        self, buyer: Buyer, now: datetime
    ) -> Callable[[PlannedMessage, Sequence[PlannedMessage]], Surroundings]:
        home, lanes, payments = self._home, self._lanes.on(now.date()), list(self._payments[buyer].values())

        def around(message: PlannedMessage, rows: Sequence[PlannedMessage]) -> Surroundings:
            shop, story = home.shops.get(message.key.shop), self.stories[message.key.shop, message.order]
            return Surroundings(
                schedule=home.schedule, shop=shop, zones=home.zones, now=now, rows=rows, payments=payments, lanes=lanes,
                memory=story.memory,
            )  # fmt: skip

        return around

    def _order(self, shop: str, number: str) -> Order | None:
        return self.stories[shop, number].order

    def _rows_of(self, buyer: Buyer) -> list[PlannedMessage]:
        return [
            row
            for name in sorted(self._buyers[buyer])
            for row in self.stories[name].rows.values()
            if row.state in CLAIMABLE or row.state.is_committed
        ]

    def _send(self, cleared: Cleared, now: datetime) -> None:
        row = cleared.message
        name = (row.key.shop, row.order)
        written = self._postman.write(row, cleared.go, cleared.order, now, cleared.riders)
        if isinstance(written, Unwritable):
            self._put(name, _unwritten(row, cleared, written, now), now)
            self._free_riders(row, now)
            return
        letter = written.letter
        digest = hashlib.sha256(f"{letter.subject}\n{letter.text}".encode()).hexdigest()
        self.wording[row.id] = Wording(letter.subject, letter.text, digest, written.version)
        sent = replace(
            row, state=State.SENT, reason=None, sent_at=now, locale=letter.locale, variant=written.variant, because=row.trigger
        )  # fmt: skip
        self._put(name, sent, now)
        for rider in cleared.riders:
            along = self.stories[row.key.shop, rider.message.order].rows[rider.message.key]
            self._put((row.key.shop, along.order), replace(along, locale=letter.locale, variant=written.variant), now)

    def _free_riders(self, carrier: PlannedMessage, now: datetime) -> None:
        """What was to go out together with a message that does not leave waits again."""
        for name in sorted(self._buyers[carrier.key.shop, carrier.buyer]):
            for row in list(self.stories[name].rows.values()):
                if row.state is State.MERGED and row.carrier == carrier.id:
                    freed = replace(row, state=State.PLANNED, carrier=None, because=str(carrier.key))
                    self._put(name, freed, now)

    # --- people -------------------------------------------------------------------------------------------------

    def _by_people(self, row: PlannedMessage, now: datetime) -> PlannedMessage:
        """What people make of a row that waits for them, if anybody is there."""
        if row.state is State.WAITING_APPROVAL and self._staff.are_there:
            return replace(row, state=State.PLANNED, approved_by="staff", due_at=now)
        return row

    def _taken_up(self, handed: PlannedMessage, now: datetime) -> None:
        """A person takes up a message; one whose buyer sleeps is put off, one that is not sent any more takes no time."""
        row, at = self._by_hand(handed, now, minds_hours=True), now
        if isinstance(row, datetime):
            self._staff.put_off(handed, row, at)
        elif row.state is State.SENT:
            self._staff.busy(handed, at)

    def _by_hand(
        self, handed: PlannedMessage, now: datetime, *, minds_hours: bool = False
    ) -> PlannedMessage | datetime:
        """A person opens a message, looks whether it is still true, and sends it; returns its row, or from when on it suits."""
        story = self.stories[handed.key.shop, handed.order]
        row = story.rows[handed.key]
        if row.state is not State.AWAITING_STAFF or story.order is None:
            return row
        buyer = (row.key.shop, row.buyer)
        rows = self._rows_of(buyer)
        decision = may_open(row, story.order, self._around(buyer, now)(row, rows))
        if isinstance(decision, Stay):
            self._put((row.key.shop, row.order), decision.message, now)
            self._free_riders(row, now)
            return decision.message
        later = suits_at(decision.wanted.openings, now) if minds_hours else now
        if later is not None and later > now:
            return later
        taken = [one for one in rows if one.state is State.MERGED and one.carrier == row.id]
        riders = [
            Rider(message=one, order=order)
            for one in taken
            if (order := self._order(one.key.shop, one.order)) is not None
        ]
        self._send(Cleared(message=row, order=story.order, go=decision, riders=tuple(riders)), now)
        return story.rows[row.key]


def _unwritten(row: PlannedMessage, cleared: Cleared, written: Unwritable, now: datetime) -> PlannedMessage:
    """A row for which no letter can be written. Nobody mends a template during a play: it is looked at when it expires."""
    kept = replace(written.applied_to(row, now), cleared_at=None)
    if not written.may_be_mended:
        return kept
    expires_at = cleared.go.wanted.message.expires_at
    return replace(kept, not_before=expires_at, due_at=expires_at)


def _still_told(row: PlannedMessage, was: PlannedMessage | None) -> PlannedMessage:
    """A message that expires because its template is broken says so, not only when."""
    return replace(row, because=was.because) if was is not None and row.state is State.EXPIRED else row
