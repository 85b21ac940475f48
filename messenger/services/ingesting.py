"""Taking events in: accept them into the inbox, then fold and plan order by order.

Two transactions: an event is stored first and only then answered; folding, planning and the mark ``processed`` commit
together. Nothing here asks the clock for a decision: what is stale or expired is found when a message is claimed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from messenger.domain.folding import fold
from messenger.domain.messages import PlannedMessage, State
from messenger.domain.orders import Buyer, Order
from messenger.domain.planning import plan, reconcile
from messenger.errors import MessengerError
from messenger.ports import Change, Clock, Entry, Line, OrderKey, Rejected, Store, Unit, Verdict
from messenger.services.home import Home

log = logging.getLogger(__name__)

T = TypeVar("T")

ROWS_PER_TRANSACTION = 50
ORDERS_PER_TRANSACTION = 10
ORDERS_AT_ONCE = 200


@dataclass(slots=True)
class Report:
    """What an intake came to. ``problems`` holds rejected and conflicting lines, ready to be shown."""

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


@dataclass(frozen=True, slots=True)
class Ingest:
    """The use case behind ``messenger ingest`` and every other way in."""

    store: Store
    home: Home
    clock: Clock

    def accept(
        self, lines: Iterable[Line | Rejected], *, kind: str, name: str, progress: Callable[[int], None] | None = None
    ) -> Report:
        """Store every readable event as received, and say what became of each line.

        The intake is closed only when it has been read to its end; until then nothing is planned from it.

        Args:
            lines: events and refusals, in the order of the source.
            kind: ``file``, ``stdin`` …, for the record.
            name: of the file or source.
            progress: told how many lines have been dealt with since it was last told.
        """
        report = Report()
        intake = self.store.open_intake(kind=kind, name=name, at=self.clock.now())
        for chunk in _chunks(lines, ROWS_PER_TRANSACTION):
            report.received += len(chunk)
            good = [line for line in (self._checked(line) for line in chunk) if self._counted(line, report)]
            events = [line for line in good if isinstance(line, Line)]
            verdicts = self.store.accept([line.event for line in events], intake=intake, at=self.clock.now())
            for line, verdict in zip(events, verdicts, strict=True):
                self._count(line, verdict, report)
            if progress:
                progress(len(chunk))
        self.store.close_intake(intake, at=self.clock.now())
        return report

    def take_in(self, progress: Callable[[int], None] | None = None) -> int:
        """Fold and plan every order with received events; returns how many orders were dealt with."""
        done = 0
        orders: Sequence[OrderKey] = ()
        while done == 0 or len(orders) == ORDERS_AT_ONCE:
            orders = self.store.backlog(limit=ORDERS_AT_ONCE)
            if not orders:
                break
            for chunk in _chunks(orders, ORDERS_PER_TRANSACTION):
                self._take_in_together(chunk)
                done += len(chunk)
                if progress:
                    progress(len(chunk))
        return done

    def replan(self) -> int:
        """Plan every order again, as after a change of the rules; returns how many orders were looked at."""
        done = 0
        for chunk in _chunks(self.store.find_orders(), ORDERS_PER_TRANSACTION):
            self._take_in_together(chunk)
            done += len(chunk)
        return done

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

    def _take_in_together(self, orders: Sequence[OrderKey]) -> None:
        try:
            with self.store.begin() as unit:
                for order in sorted(orders, key=str):
                    self._take_in(unit, order)
        except MessengerError:
            raise
        except Exception:  # one bad order must not stop the others: each is tried alone
            log.exception("intake_chunk_failed", extra={"orders": len(orders)})
            for order in orders:
                self._take_in_alone(order)

    def _take_in_alone(self, order: OrderKey) -> None:
        try:
            with self.store.begin() as unit:
                self._take_in(unit, order)
        except MessengerError:
            raise
        except Exception as error:  # counted and shown; from the fifth time on only this order is blocked
            given_up = self.store.failed(order, error=f"{type(error).__name__}: {error}", at=self.clock.now())
            log.exception("intake_failed", extra={"order": str(order), "given_up": given_up})

    def _take_in(self, unit: Unit, key: OrderKey) -> None:
        unit.lock(key)
        order = self._folded(unit, key)
        if order is not None:
            now = self.clock.now()
            unit.describe(key, status=order.status, **buyer_keys(order.buyer), updated_at=now)
            self._plan(unit, order)
        unit.processed(key)

    def _folded(self, unit: Unit, key: OrderKey) -> Order | None:
        """The order as all its events tell it, with the events that waited for one of its parcels."""
        events = unit.events(key)
        if not any(event.order is not None for event in events):
            return None
        order = fold(events)
        numbers = {number for shipment in order.shipments for number in (shipment.id, *shipment.numbers)}
        return fold(unit.events(key)) if numbers and unit.match(key, sorted(numbers)) else order

    def _plan(self, unit: Unit, order: Order) -> None:
        shop = self.home.shops.get(order.shop)
        if shop is None:
            return
        key = OrderKey(shop=order.shop, number=order.number)
        wishes = plan(order, self.home.schedule.rules, self.home.zones, shop)
        difference = reconcile(unit.messages(key), wishes, rules=self.home.rule_names, order=order)
        if not difference:
            return
        unit.add(difference.new)
        applied = set(unit.change([Change(message=new, was=old.state) for old, new in difference.changed]))
        now = self.clock.now()
        entries = [_entry(message, now, None) for message in difference.new]
        entries += [_entry(new, now, old) for old, new in difference.changed if new.key in applied]
        unit.note(entries)


def buyer_keys(buyer: Buyer) -> dict[str, str]:
    """Return the names under which events about this buyer may come: by id, and by e-mail address without case."""
    return {
        "buyer_key": f"id:{buyer.id}" if buyer.id else "",
        "email_key": f"email:{buyer.email.casefold()}" if buyer.email else "",
    }


def _entry(message: PlannedMessage, at: datetime, before: PlannedMessage | None) -> Entry:
    moved = before is not None and message.state is State.PLANNED and before.state is State.PLANNED
    detail = {"due": message.due_at.isoformat(), "template": message.template}
    if before is not None and before.due_at != message.due_at:
        detail["was"] = before.due_at.isoformat()
    return Entry(
        shop=message.key.shop,
        order=message.order,
        at=at,
        what="moved" if moved else str(message.state),
        key=message.key,
        reason=str(message.reason or ""),
        because=message.because,
        detail=detail,
    )


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
