"""Taking events in: accept them into the inbox, then fold and plan order by order.

Two transactions: an event is stored first and only then answered; folding, planning and the mark ``processed`` commit
together. Nothing here asks the clock for a decision: what is stale or expired is found when a message is claimed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from messenger.domain.guarding import lane_of
from messenger.domain.lanes import Journey
from messenger.domain.messages import PlannedMessage, State
from messenger.domain.orders import Deadline, Order
from messenger.domain.planning import plan
from messenger.domain.reaching import buyer_keys
from messenger.domain.reconciling import Difference, reconcile
from messenger.domain.rules import Schedule
from messenger.errors import MessengerError
from messenger.ports import Change, Clock, Line, OrderKey, Rejected, Store, Unit, Verdict
from messenger.services.home import Home
from messenger.services.publishing import introduced
from messenger.services.recording import entry_of

log = logging.getLogger(__name__)

T = TypeVar("T")

AUTO_LEAST = 100
"""Messages that one intake may always send within a day, with ``max_new_messages = "auto"``."""
AUTO_TIMES = 3
"""Beyond that, so many times what left on an average day of the last week."""
ROWS_PER_TRANSACTION = 50
ORDERS_PER_TRANSACTION = 10
ORDERS_AT_ONCE = 200


@dataclass(slots=True)
class Report:
    """What an intake came to. ``problems`` holds rejected and conflicting lines, ready to be shown."""

    intake: int = 0
    """Its number."""
    received: int = 0
    new: int = 0
    duplicate: int = 0
    conflict: int = 0
    rejected: int = 0
    unknown_type: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether every line was taken in or known already."""
        return not (self.rejected or self.conflict)


@dataclass(slots=True)
class Ingest:
    """The use case behind ``messenger ingest`` and every other way in. ``home`` is replaced when a generation is published."""

    store: Store
    home: Home
    clock: Clock
    _new_rules: tuple[int, frozenset[str]] = (0, frozenset())
    """Of a generation; asked only for orders that are older than it."""

    def accept(
        self,
        lines: Iterable[Line | Rejected],
        *,
        kind: str,
        name: str,
        source: str = "",
        stands: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Report:
        """Store every readable event as received, and say what became of each line.

        The intake is closed only when it has been read to its end; until then nothing is planned from it, unless it ``stands``.

        Args:
            lines: events and refusals, in the order of the source.
            kind: ``file``, ``stdin`` …, for the record.
            name: of the file or source.
            source: the configured source that was heard from by this, if it is one.
            stands: this goes on with the intake of that kind and name, as ``Inbox.open_intake`` says.
            progress: told how many lines have been dealt with since it was last told.
        """
        intake = self.store.open_intake(kind=kind, name=name, at=self.clock.now(), stands=stands)
        report = Report(intake=intake)
        for chunk in _chunks(lines, ROWS_PER_TRANSACTION):
            report.received += len(chunk)
            good = [line for line in (self._checked(line) for line in chunk) if self._counted(line, report)]
            events = [line for line in good if isinstance(line, Line)]
            verdicts = self.store.accept([line.event for line in events], intake=intake, at=self.clock.now())
            for line, verdict in zip(events, verdicts, strict=True):
                self._count(line, verdict, report)
            if progress:
                progress(len(chunk))
        self.store.close_intake(intake, at=self.clock.now(), source=source)
        return report

    def take_in(self, progress: Callable[[int], None] | None = None) -> int:
        """Fold and plan every order with received events; returns how many orders were dealt with.

        What an intake makes due can be claimed only when all of it has been planned and the valve has judged it.
        """
        done = 0
        batch = _Batch(intakes=set(), is_whole=False)
        while orders := self.store.backlog(limit=ORDERS_AT_ONCE):
            batch.is_whole = not done and len(orders) <= ORDERS_PER_TRANSACTION
            for chunk in _chunks(orders, ORDERS_PER_TRANSACTION):
                self._take_in_together(chunk, batch)
                done += len(chunk)
                if progress:
                    progress(len(chunk))
            if len(orders) < ORDERS_AT_ONCE:
                break
        self._judge(batch.intakes)
        return done

    def judge_left(self) -> None:
        """Judge intakes whose taking-in was cut short after the last order."""
        self._judge(self.store.gated())

    def replan(self) -> int:
        """Plan anew, by the present generation, every order that facts can still wake a rule for; returns how many."""
        done = 0
        generation = self.home.generation
        batch = _Batch(intakes=set(), is_whole=False)
        horizon = self.clock.now() - self.home.look_back
        while orders := self.store.to_replan(generation, now=horizon, limit=ORDERS_AT_ONCE):
            if not batch.intake:
                now = self.clock.now()
                batch.intake = self.store.open_intake(kind="generation", name=str(generation), at=now)
                self.store.close_intake(batch.intake, at=now)
                batch.intakes.add(batch.intake)
            for chunk in _chunks(orders, ORDERS_PER_TRANSACTION):
                self._take_in_together(chunk, batch)
                done += len(chunk)
        self._judge(batch.intakes)
        return done

    def _judge(self, intakes: Iterable[int]) -> None:
        for intake in sorted(intakes):
            held_back = self.store.judge(intake, limit=self._limit(), now=self.clock.now())
            if held_back:
                log.warning("valve_closed", extra={"intake": intake, "messages": held_back})

    def _valve(self, unit: Unit, intake: int) -> int:
        return unit.judge(intake, limit=self._limit(), now=self.clock.now())

    def _limit(self) -> int:
        """How many messages one intake may send within a day before a person has to agree."""
        told = self.home.schedule.max_new_messages
        if told is not None:
            return told
        now = self.clock.now()
        daily = self.store.sent_since(now - timedelta(days=7)) / 7
        return max(AUTO_LEAST, round(AUTO_TIMES * daily))

    def _checked(self, line: Line | Rejected) -> Line | Rejected:
        if isinstance(line, Line) and line.event.shop not in self.home.shops:
            known = ", ".join(sorted(self.home.shops)) or "none"
            problem = f'unknown shop "{line.event.shop}" (shops in messenger.toml: {known})'
            return Rejected(file=line.file, line=line.line, field="data.shop", problem=problem)
        return line

    @staticmethod
    def _counted(line: Line | Rejected, report: Report) -> bool:
        if isinstance(line, Rejected):
            report.rejected += 1
            report.problems.append(str(line))
            return False
        if not line.event.is_known:
            report.unknown_type += 1
            report.problems.append(
                f'{line.file}:{line.line}: type: unknown type "{line.event.type}": kept, plans nothing'
            )
        return True

    @staticmethod
    def _count(line: Line, verdict: Verdict, report: Report) -> None:
        if verdict is Verdict.NEW:
            report.new += 1
        elif verdict is Verdict.DUPLICATE:
            report.duplicate += 1
        else:
            report.conflict += 1
            report.problems.append(
                f"{line.file}:{line.line}: id: {line.event.ref} was received before with other content: the first one stays (conflict)"
            )

    def _take_in_together(self, orders: Sequence[OrderKey], batch: _Batch) -> None:
        def work(unit: Unit) -> None:
            for order in sorted(orders, key=str):
                self._take_in(unit, order, batch)
            if batch.is_whole:
                self._judge_within(unit, batch)

        try:
            self.store.together(work)
            if batch.is_whole:
                batch.intakes.clear()
        except MessengerError:
            raise
        except Exception:  # one bad order must not stop the others: each is tried alone
            log.exception("intake_chunk_failed", extra={"orders": len(orders)})
            for order in orders:
                self._take_in_alone(order, batch)

    def _judge_within(self, unit: Unit, batch: _Batch) -> None:
        """All that the intake brought stands in this very transaction, so it can be judged in it."""
        for intake in sorted(batch.intakes):
            self._valve(unit, intake)

    def _take_in_alone(self, order: OrderKey, batch: _Batch) -> None:
        try:
            self.store.together(lambda unit: self._take_in(unit, order, batch))
        except MessengerError:
            raise
        except Exception as error:  # counted and shown; from the fifth time on only this order is blocked
            given_up = self.store.failed(order, error=f"{type(error).__name__}: {error}", at=self.clock.now())
            log.exception("intake_failed", extra={"order": str(order), "given_up": given_up})

    def _take_in(self, unit: Unit, key: OrderKey, batch: _Batch) -> None:
        unit.lock(key)
        order = self._folded(unit, key)
        if order is not None:
            batch.before = unit.planned_by(key)
            unit.describe(
                key,
                status=order.status,
                **buyer_keys(order.buyer),
                updated_at=self.clock.now(),
                paid_at=order.settled_at,
                open_until=last_moment(order),
                generation=self.home.generation,
            )
            unit.arrived(key, journeys_of(order, self.home.schedule))
            self._plan(unit, order, batch)
        unit.processed(key)

    def _folded(self, unit: Unit, key: OrderKey) -> Order | None:
        """The order as all its events tell it, with the events that waited for one of its parcels."""
        order = self.home.order(unit.events(key))
        if order is None:
            return None
        numbers = {number for shipment in order.shipments for number in (shipment.id, *shipment.numbers)}
        matched = unit.match(key, sorted(numbers)) if numbers else 0
        return self.home.order(unit.events(key)) if matched else order

    def _plan(self, unit: Unit, order: Order, batch: _Batch) -> None:
        shop = self.home.shops.get(order.shop)
        if shop is None:
            return
        key = OrderKey(shop=order.shop, number=order.number)
        schedule = self.home.schedule
        wishes = plan(order, schedule.rules, self.home.zones, shop, schedule.names)
        difference = reconcile(
            unit.messages(key),
            wishes,
            rules=schedule.live_names,
            order=order,
            aliases=schedule.aliases,
            introduced=self._introduced(batch.before),
        )
        if not difference:
            return
        intake = batch.intake or unit.intake_of(key)
        if intake:
            batch.intakes.add(intake)
        self._write(unit, gated(difference, intake))

    def _introduced(self, before: int) -> frozenset[str]:
        """Rules that look back at an order which an earlier generation has planned already."""
        present = self.home.generation
        if before in {0, present}:
            return frozenset()
        if self._new_rules[0] != present:
            self._new_rules = (present, introduced(self.store, present))
        return self._new_rules[1]

    def _write(self, unit: Unit, difference: Difference) -> None:
        now = self.clock.now()
        unit.add(difference.new)
        applied = set(unit.change([Change(message=new, was=old.state) for old, new in difference.changed]))
        generation = {"generation": str(self.home.generation)} if self.home.generation else {}
        entries = [entry_of(message, now, detail=generation) for message in difference.new]
        entries += [entry_of(new, now, old, generation) for old, new in difference.changed if new.key in applied]
        unit.note(entries)


@dataclass(slots=True)
class _Batch:
    """What is being taken in together.

    Args:
        intakes: whose messages wait for the valve.
        is_whole: everything fits into one transaction.
        before: the generation that the order in hand was planned by last; 0 for a new order.
        intake: in whose name all of it is planned; 0 for that of the events.
    """

    intakes: set[int]
    is_whole: bool
    before: int = 0
    intake: int = 0


def gated(difference: Difference, intake: int) -> Difference:
    """Return the difference with every row that begins to wait marked as this intake's, to be claimed once it is judged."""
    if not intake:
        return difference

    def mark(row: PlannedMessage, was: PlannedMessage | None) -> PlannedMessage:
        begins = row.state is State.PLANNED and (was is None or not was.state.is_waiting)
        return replace(row, intake=intake, gated=True) if begins else row

    return Difference(
        new=tuple(mark(row, None) for row in difference.new),
        changed=tuple((was, mark(row, was)) for was, row in difference.changed),
    )


def last_moment(order: Order) -> datetime | None:
    """Return the last instant that the order's facts name: of its events, and of its deadlines."""
    moments = [moment.at for moment in order.history]
    moments += [at for name in Deadline if isinstance(at := getattr(order, name, None), datetime)]
    return max(moments, default=None)


def journeys_of(order: Order, schedule: Schedule) -> list[Journey]:
    """Return how long the order's parcels took that have arrived."""
    left = order.left_at
    if left is None:
        return []
    return [
        Journey(
            lane=lane_of(order, one.method, schedule), order=order.number, shipment=one.id, shipped_at=left,
            delivered_at=one.delivered_at,
        )
        for one in order.shipments
        if one.delivered_at is not None and one.delivered_at >= left
    ]  # fmt: skip


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
