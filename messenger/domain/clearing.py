"""Clearing: deciding about a batch of claimed messages, in order, so that each sees what was decided before it.

Pure: the store locks the buyers and hands in what counts for them; the simulator hands in its own. What comes out is
what has to be written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.guarding import Go, Stay, Surroundings, decide, may_ride
from messenger.domain.messages import Key, PlannedMessage, Reason, State
from messenger.domain.orders import Order
from messenger.domain.reconciling import present_key
from messenger.domain.rules import Merge, Rule, Same

Orders = Callable[[str, str], Order | None]
"""Looks an order up by shop and number."""
Voice = Callable[[PlannedMessage, Go, Order], tuple[str, str]]
"""Tells in which locale, and by which variant, a message would be written."""
Around = Callable[[PlannedMessage, Sequence[PlannedMessage]], Surroundings]
"""Gives a message's surroundings, with the rows of its buyer as they are by now."""

HORIZON: Final = timedelta(days=400)
"""How far back messages can count: longer than any cap or ``once_per`` span that may be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rider:
    """A message that goes out together with another one."""

    message: PlannedMessage
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """A message that may leave, and those it takes along."""

    message: PlannedMessage
    order: Order
    go: Go
    riders: tuple[Rider, ...] = ()


@dataclass(slots=True)
class Clearance:
    """What was decided about a batch.

    Args:
        cleared: may leave now.
        stayed: claimed rows that do not leave, as they shall be; also those for a desk, superseded or taken along.
        changed: other rows of the buyers, as they were and as they shall be: superseded, or taken along.
    """

    cleared: list[Cleared] = field(default_factory=list)
    stayed: list[PlannedMessage] = field(default_factory=list)
    changed: list[tuple[PlannedMessage, PlannedMessage]] = field(default_factory=list)


def clear(
    batch: Iterable[PlannedMessage],
    rows: Iterable[PlannedMessage],
    *,
    orders: Orders,
    around: Around,
    voice: Voice,
) -> Clearance:
    """Return what becomes of each claimed message.

    Args:
        batch: the claimed rows.
        rows: all rows of their buyers that wait or count, the claimed ones among them.
        orders: the orders as they are now.
        around: surroundings of a message.
        voice: how a message would be written; asked only where messages may go out together.
    """
    return _Clearing(batch, rows, orders, around, voice).result()


class _Clearing:
    def __init__(
        self,
        batch: Iterable[PlannedMessage],
        rows: Iterable[PlannedMessage],
        orders: Orders,
        around: Around,
        voice: Voice,
    ) -> None:
        self._batch = _in_turn(batch, around)
        self._open = {one.key for one in self._batch}
        self._by_buyer: defaultdict[tuple[str, str], dict[Key, PlannedMessage]] = defaultdict(dict)
        for row in (*rows, *self._batch):
            self._by_buyer[row.key.shop, row.buyer][row.key] = row
        self._orders = orders
        self._around = around
        self._voice = voice
        self._made = Clearance()

    def result(self) -> Clearance:
        for message in self._batch:
            if message.key in self._open:
                self._open.discard(message.key)
                self._settle(message)
        return self._made

    def _settle(self, message: PlannedMessage) -> None:
        order = self._orders(message.key.shop, message.order)
        if order is None:
            because = "the order is no longer known"
            self._stay(replace(message, state=State.SKIPPED, reason=Reason.ERASED, because=because))
            return
        decision = decide(message, order, self._surroundings(message))
        if isinstance(decision, Stay):
            self._stay(decision.message)
            return
        self._silence_others(message, decision.wanted.rule)
        riders = tuple(self._riders(message, order, decision))
        if decision.desk is not None:
            self._stay(_for_the_desk(message, decision))
            return
        row = _ready(message, decision, self._around(message, ()).now)
        self._remember(row)
        self._made.cleared.append(Cleared(message=row, order=order, go=decision, riders=riders))

    def _surroundings(self, message: PlannedMessage) -> Surroundings:
        return self._around(message, list(self._by_buyer[message.key.shop, message.buyer].values()))

    def _stay(self, row: PlannedMessage) -> None:
        self._remember(row)
        self._made.stayed.append(row)

    def _remember(self, row: PlannedMessage) -> None:
        self._by_buyer[row.key.shop, row.buyer][row.key] = row

    def _change(self, was: PlannedMessage, row: PlannedMessage) -> None:
        """Write a row that is not in hand, or settle one of this batch."""
        self._remember(row)
        if was.key in self._open:
            self._open.discard(was.key)
            self._made.stayed.append(row)
        else:
            self._made.changed.append((was, row))

    def _others(self, message: PlannedMessage) -> list[PlannedMessage]:
        """Waiting rows of the same buyer that are not in another worker's hands."""
        mine = self._by_buyer[message.key.shop, message.buyer].values()
        return [
            row
            for row in mine
            if row.key != message.key
            and row.state.is_waiting
            and (row.state is not State.CLAIMED or row.key in self._open)
        ]

    def _silence_others(self, message: PlannedMessage, rule: Rule) -> None:
        if not rule.supersedes:
            return
        aliases = self._around(message, ()).schedule.aliases
        for row in self._others(message):
            same_parcel = None in {row.shipment, message.shipment} or row.shipment == message.shipment
            if row.order == message.order and same_parcel and present_key(row.key, aliases).rule in rule.supersedes:
                silenced = replace(row, state=State.SUPERSEDED, reason=None, because=str(message.key))
                self._change(row, silenced)

    def _riders(self, message: PlannedMessage, order: Order, go: Go) -> Iterable[Rider]:
        """Take along what is due soon for the same ears, in the same words."""
        merge = go.wanted.rule.merge
        if merge is None or message.message_id is not None:  # its letter is written and names whom it names
            return
        voice = self._voice(message, go, order)
        now = self._around(message, ()).now
        for row in sorted(self._others(message), key=lambda one: (one.due_at, one.id)):
            if not _could_ride(row, message, go.wanted.rule, merge) or row.due_at > now + merge.within:
                continue
            other = order if row.order == message.order else self._orders(row.key.shop, row.order)
            if other is None:
                continue
            decision = may_ride(row, other, self._surroundings(row))
            if isinstance(decision, Go) and _same_way(decision, go) and self._voice(row, decision, other) == voice:
                taken = replace(
                    row, state=State.MERGED, reason=None, because=str(message.key), carrier=message.id,
                    channel=go.channel, transport=go.transport,
                )  # fmt: skip
                self._change(row, taken)
                yield Rider(message=taken, order=other)


def _in_turn(batch: Iterable[PlannedMessage], around: Around) -> list[PlannedMessage]:
    """Urgent ones first, then those that silence others, then by due time and priority."""

    def turn(one: PlannedMessage) -> tuple[bool, int, datetime, int, int]:
        return not one.urgent, -around(one, ()).schedule.rank(one.key.rule), one.due_at, -one.priority, one.id

    return sorted(batch, key=turn)


def _could_ride(row: PlannedMessage, message: PlannedMessage, rule: Rule, merge: Merge) -> bool:
    is_planned = row.state in {State.PLANNED, State.CLAIMED} and not row.gated and row.message_id is None
    same_order = merge.same is Same.BUYER or row.order == message.order
    return is_planned and same_order and row.key.rule in rule.names


def _same_way(one: Go, other: Go) -> bool:
    return (one.channel, one.transport, one.recipient) == (other.channel, other.transport, other.recipient)


def _ready(message: PlannedMessage, go: Go, now: datetime) -> PlannedMessage:
    told = go.wanted.message
    return replace(
        message, channel=go.channel, transport=go.transport, cleared_at=now, trigger=told.trigger, trigger_at=told.trigger_at,
        expires_at=told.expires_at, shipment=told.shipment, reason=None, because=told.trigger,
    )  # fmt: skip


def _for_the_desk(message: PlannedMessage, go: Go) -> PlannedMessage:
    """The row in the hands of people; it is looked at again when it expires."""
    return replace(
        message, state=State.AWAITING_STAFF, reason=None, because="a person sends it by hand", channel=go.channel,
        transport=go.transport, due_at=go.wanted.message.expires_at,
    )  # fmt: skip
