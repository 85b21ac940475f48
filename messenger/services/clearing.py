"""Clearing: the guard asked under a lock on the buyer, so that two workers cannot both find room under one cap."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from messenger.domain.alerts import AlertKind
from messenger.domain.breakers import PREFIX
from messenger.domain.clearing import HORIZON, Clearance, Cleared, Orders, clear
from messenger.domain.desks import Load, seat
from messenger.domain.guarding import Decision, Surroundings, may_open, may_ride, still_wanted
from messenger.domain.lanes import Lane, LaneKey
from messenger.domain.messages import Key, PlannedMessage, Reason, State
from messenger.domain.orders import Order, Payment
from messenger.domain.rules import Hold
from messenger.domain.shops import Shop
from messenger.domain.suppressions import Suppression, address_key
from messenger.ports import BuyerKey, Change, OrderKey, Settlement, Store, Unit
from messenger.services.home import Home
from messenger.services.preparing import Postman
from messenger.services.recording import entry_of

log = logging.getLogger(__name__)

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
LANES_FOR: Final = timedelta(minutes=10)
"""How long a snapshot of the lanes, which changes once a day, is kept in memory."""


@dataclass(slots=True)
class OrderDesk:
    """Orders as they are now, looked up together and kept for one batch."""

    store: Store
    home: Home
    _known: dict[tuple[str, str], Order | None] = field(default_factory=dict)

    def look_up(self, messages: Collection[PlannedMessage]) -> None:
        """Forget what was known and fetch the orders of these messages at once."""
        self._known.clear()
        self._fetch({(one.key.shop, one.order) for one in messages})

    def find(self, shop: str, number: str) -> Order | None:
        """Return an order; None when nothing is known of it any more."""
        if (shop, number) not in self._known:
            self._fetch({(shop, number)})
        return self._known[shop, number]

    def _fetch(self, names: Collection[tuple[str, str]]) -> None:
        keys = [OrderKey(shop=shop, number=number) for shop, number in sorted(names)]
        found = self.store.events_of(keys)
        for key in keys:
            self._known[key.shop, key.number] = self.home.order(found.get(key, ()))


def silent_sources(shop: Shop | None, heard: Mapping[str, datetime], now: datetime) -> dict[str, datetime]:
    """Return the shop's sources that were not heard from for longer than they may, and since when."""
    last = {one: heard.get(one.name, NEVER) for one in shop.sources} if shop else {}
    return {one.name: at for one, at in last.items() if now - at > one.fresh}


class Clearing:
    """Decides about claimed messages, in one transaction a batch."""

    def __init__(self, store: Store, postman: Postman, owner: str) -> None:
        self._store = store
        self._postman = postman
        self._home = postman.home
        self._owner = owner
        self._lanes: dict[LaneKey, Lane] = {}
        self._lanes_at = NEVER
        rules = self._home.schedule.rules
        self._asks_payments = any(one.field == "buyer.paid_since" for rule in rules for one in rule.where)

    def clear(
        self, batch: Sequence[PlannedMessage], orders: Orders, now: datetime
    ) -> tuple[list[Cleared], list[PlannedMessage]]:
        """Return which of these claimed messages may leave now, and the rows of those that stay, all of it written down."""
        heard = self._store.heard() if any(shop.sources for shop in self._home.shops.values()) else {}
        lanes = self._fresh_lanes(now)

        def work(unit: Unit) -> tuple[list[Cleared], list[PlannedMessage]]:
            buyers = {BuyerKey(one.key.shop, one.buyer) for one in batch}
            unit.lock_buyers(buyers)
            rows = unit.buyer_messages(buyers, since=now - HORIZON)
            payments = unit.payments(buyers) if self._asks_payments else {}
            suppressed = self._suppressed(batch, orders, unit.suppressed)
            around = self._around(now, heard, lanes, payments, suppressed)
            made = clear(
                batch,
                [row for mine in rows.values() for row in mine],
                orders=orders,
                around=around,
                voice=self._postman.voice,
            )
            return self._write(unit, batch, seat(made, self._home.shops, partial(_load_of, unit, now), now), now)

        cleared, stayed = self._store.together(work)
        _tell_staff(batch, cleared, self._store, now)
        return cleared, stayed

    def still_wanted(self, message: PlannedMessage, order: Order, now: datetime) -> Decision:
        """Return whether a perhaps sent message may be sent once more."""
        rows = self._store.messages_of(OrderKey(shop=message.key.shop, number=message.order))
        suppressed = self._suppressed([message], lambda _shop, _number: order, self._store.suppressed)
        around = self._around(now, self._store.heard(), self._fresh_lanes(now), {}, suppressed)
        return still_wanted(replace(message, state=State.CLAIMED), order, around(message, rows))

    def desk_guard(self, now: datetime) -> DeskGuard:
        """Return what asks the guard about messages on a desk; it is used in units that have locked their buyers."""
        heard = self._store.heard() if any(shop.sources for shop in self._home.shops.values()) else {}
        lanes = self._fresh_lanes(now)

        def surroundings(unit: Unit, message: PlannedMessage, order: Order) -> Surroundings:
            buyer = BuyerKey(message.key.shop, message.buyer)
            rows = unit.buyer_messages([buyer], since=now - HORIZON)[buyer]
            payments = unit.payments([buyer]) if self._asks_payments else {}
            suppressed = self._suppressed([message], lambda _shop, _number: order, unit.suppressed)
            opened = {one.message for one in unit.in_hand(now=now)} - {message.id}
            around = self._around(now, heard, lanes, payments, suppressed)
            return around(message, [_as_cleared(row, now) if row.id in opened else row for row in rows])

        return DeskGuard(surroundings)

    def _around(
        self,
        now: datetime,
        heard: Mapping[str, datetime],
        lanes: Mapping[LaneKey, Lane],
        payments: Mapping[BuyerKey, Sequence[Payment]],
        suppressed: Mapping[str, Sequence[Suppression]],
    ) -> Callable[[PlannedMessage, Sequence[PlannedMessage]], Surroundings]:
        home = self._home
        silent = {shop.id: silent_sources(shop, heard, now) for shop in home.shops.values()}

        def around(message: PlannedMessage, rows: Sequence[PlannedMessage]) -> Surroundings:
            shop = home.shops.get(message.key.shop)
            return Surroundings(
                schedule=home.schedule, shop=shop, zones=home.zones, now=now, rows=rows, lanes=lanes,
                silent=silent.get(message.key.shop, {}), payments=payments.get(BuyerKey(message.key.shop, message.buyer), ()),
                suppressed=suppressed,
            )  # fmt: skip

        return around

    def _suppressed(
        self,
        batch: Sequence[PlannedMessage],
        orders: Orders,
        ask: Callable[[Collection[str]], Mapping[str, Sequence[Suppression]]],
    ) -> Mapping[str, Sequence[Suppression]]:
        """What is kept against the addresses of these messages' buyers, by address."""
        found = (orders(one.key.shop, one.order) for one in batch)
        addresses = {order.buyer.email for order in found if order is not None and order.buyer.email}
        keys = {one: address_key(self._postman.secrets.addresses, one) for one in addresses}
        kept = ask(sorted(set(keys.values())))
        return {address: kept[key] for address, key in keys.items() if key in kept}

    def _fresh_lanes(self, now: datetime) -> Mapping[LaneKey, Lane]:
        if now - self._lanes_at > LANES_FOR:
            self._lanes, self._lanes_at = self._store.lanes(), now
        return self._lanes

    def _write(
        self, unit: Unit, batch: Sequence[PlannedMessage], made: Clearance, now: datetime
    ) -> tuple[list[Cleared], list[PlannedMessage]]:
        """Write what was decided; a message whose claim was lost meanwhile neither leaves nor takes anything along."""
        token = {one.key: one.token for one in batch}
        decided = [*made.stayed, *(one.message for one in made.cleared)]
        held = unit.settle(
            [
                Settlement(id=row.id, owner=self._owner, token=token[row.key], at=now, message=_uncounted(row))
                for row in decided
            ]
        )
        changes = [Change(message=row, was=was.state) for was, row in made.changed]
        applied = set(unit.change(changes, at=now)) if changes else set()
        unit.note([entry_of(row, now, was) for was, row in made.changed if row.key in applied])
        taken = applied | {row.key for row in made.stayed if row.id in held}
        cleared = [_with_riders(one, taken) for one in made.cleared if one.message.id in held]
        return cleared, [row for row in made.stayed if row.id in held]


@dataclass(frozen=True, slots=True)
class DeskGuard:
    """The guard of messages that lie on a desk, at one moment."""

    surroundings: Callable[[Unit, PlannedMessage, Order], Surroundings]

    def of(self, unit: Unit, message: PlannedMessage, order: Order) -> Decision:
        """Return whether a person may have the message now."""
        return may_open(message, order, self.surroundings(unit, message, order))

    def of_member(self, unit: Unit, member: PlannedMessage, order: Order, carrier: PlannedMessage) -> Decision:
        """Return whether there still is a reason for what goes out together with another message."""
        around = self.surroundings(unit, member, order)
        others = [row for row in around.rows if carrier.id not in {row.id, row.carrier}]
        return may_ride(replace(member, approved_by="with its carrier"), order, replace(around, rows=others))


def _as_cleared(row: PlannedMessage, now: datetime) -> PlannedMessage:
    """A message that a person has in hand counts as one that is on its way."""
    is_on_a_desk = row.state is State.AWAITING_STAFF
    return replace(row, state=State.CLAIMED, cleared_at=now) if is_on_a_desk else row


def _load_of(unit: Unit, now: datetime, transport: str, since: datetime) -> Load:
    unit.lock_desk(transport)
    return unit.load_of(transport, since=since, now=now)


def _tell_staff(batch: Sequence[PlannedMessage], cleared: Sequence[Cleared], store: Store, now: datetime) -> None:
    """Say that a buyer has waited for an answer so long that messages go on without one."""
    unanswered = {one.key for one in batch if one.reason is Reason.HOLD and one.because.startswith(Hold.CONVERSATION)}
    for one in cleared:
        if one.message.key in unanswered:
            shop, order = one.message.key.shop, one.message.order
            log.warning("conversation_unanswered", extra={"shop": shop, "order": order})
            store.raise_alert(kind=AlertKind.CONVERSATION, subject=order, shop=shop, at=now, buyers=1)


def _uncounted(row: PlannedMessage) -> PlannedMessage:
    """A message that stays has used up none of its attempts, and waits for no account any more."""
    if row.state is State.CLAIMED:
        return row
    queue = "" if row.queue.startswith(PREFIX) else row.queue
    return replace(row, attempts=max(0, row.attempts - 1), queue=queue)


def _with_riders(one: Cleared, taken: Collection[Key]) -> Cleared:
    return replace(one, riders=tuple(rider for rider in one.riders if rider.message.key in taken))
