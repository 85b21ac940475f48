"""The desk: people send by hand what a platform lets only a person send, one message at a time, each in one person's hands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from messenger.domain.desks import OPEN_FOR, suits_at, turn
from messenger.domain.messages import PlannedMessage, State
from messenger.domain.orders import Order
from messenger.domain.planning import plan
from messenger.domain.reconciling import present_key
from messenger.errors import UsageError
from messenger.ports import Clock, OrderKey, Store, Unit
from messenger.ports.desk import Opening
from messenger.services.clearing import OrderDesk
from messenger.services.desk_opening import Taking, locked, not_in_other_hands
from messenger.services.desk_saying import Saying
from messenger.services.desk_values import (
    DeskRefused,
    Found,
    Gone,
    Lying,
    Obstacle,
    Said,
    Sheet,
    Word,
)
from messenger.services.enveloping import Secrets
from messenger.services.finding import events_about, hint
from messenger.services.home import Home
from messenger.services.people import Person
from messenger.services.preparing import Postman

__all__ = ["Desk", "DeskRefused", "Found", "Gone", "Lying", "Obstacle", "Said", "Sheet", "Word"]

A_SHIFT: Final = timedelta(hours=8)
"""Whoever has said something within it goes on with the same shop's messages."""
LOOKED_AT: Final = 50
"""Orders that are fetched together."""


@dataclass(slots=True)
class Desk:
    """The use case behind ``messenger desk``.

    Args:
        store: of everything.
        home: the generation to work by.
        clock: tells the time.
    """

    store: Store
    home: Home
    clock: Clock
    _taking: Taking = field(init=False)
    _saying: Saying = field(init=False)

    def __post_init__(self) -> None:
        postman = Postman(self.home, Secrets.of(self.store))
        self._taking = Taking(self.store, self.home, self.clock, postman)
        self._saying = Saying(self.store, self.home, self.clock, postman)

    # --- what lies there ----------------------------------------------------------------------------------------

    def lying(self, *, shop: str | None = None, at: str = "") -> list[Lying]:
        """Return what lies on the desks: urgent messages first, then shop by shop, each as it will be taken up.

        Args:
            shop: only this one's.
            at: the shop whose login is open: its messages come before those of the others.

        Raises:
            UsageError: there is no such shop.
        """
        if shop is not None and shop not in self.home.shops:
            raise UsageError(f"there is no shop {shop!r}{hint(shop, self.home.shops, 'shops')}")
        now = self.clock.now()
        rows, opened = self.store.together(lambda unit: (unit.on_desks(shop=shop), unit.in_hand(now=now)))
        mine = {one.message: one for one in opened}
        ordered = sorted(rows, key=lambda row: (not row.urgent, row.key.shop != at, row.key.shop, turn(row)))
        return [_line(row, mine.get(row.id)) for row in ordered]

    # --- taking one up ------------------------------------------------------------------------------------------

    def next(self, person: str, *, shop: str | None = None, passing: Collection[int] = ()) -> Found:
        """Give a person the next message: what they have in hand, else the first that nobody has and that suits its buyer.

        Those that need not be sent any more are ended on the way, and told.

        Args:
            person: to whom.
            shop: only of this one.
            passing: ids of messages that they have put off.

        Raises:
            UsageError: there is no such shop, or nobody is named.
        """
        who, now = Person.of(person), self.clock.now()
        lines = self.lying(shop=shop, at=self._shop_of(who, now))
        lines.sort(key=lambda one: one.person != who.name)
        paused = {one.shop for one in self.store.pauses()}
        look = _Look(left=len(lines))
        for line, at in self._with_hours([one for one in lines if one.row.id not in passing], now):
            if line.person not in {"", who.name}:
                look.in_other_hands += 1
            elif paused & {"", line.row.key.shop}:
                look.paused += 1
            elif at is not None and at > now and line.person != who.name:
                look.put_off(at)
            elif (sheet := self._taken(line.row.id, who, look)) is not None:
                return look.found(sheet)
        return look.found(None)

    def _taken(self, message: int, who: Person, look: _Look) -> Sheet | None:
        try:
            found = self._taking.open(message, who)
        except DeskRefused:  # somebody was faster, or facts were
            return None
        if isinstance(found, Sheet):
            return found
        look.gone.append(found)
        return None

    def open(self, message: int, person: str) -> Sheet | Gone:
        """Give this message to a person, written from the order as it is now; or tell why nobody has to send it any more.

        Raises:
            DeskRefused: it is not theirs to have.
        """
        return self._taking.open(message, Person.of(person))

    def renew(self, message: int, person: str) -> datetime:
        """Let a person have a message for another while; returns until when.

        Raises:
            DeskRefused: it is somebody else's by now, or lies there no longer.
        """
        return self._held_until(message, Person.of(person), self.clock.now() + OPEN_FOR)

    def put_back(self, message: int, person: str) -> None:
        """Let others have a message that a person has opened.

        Raises:
            DeskRefused: it is not theirs.
        """
        self._held_until(message, Person.of(person), self.clock.now())

    def _held_until(self, message: int, who: Person, until: datetime) -> datetime:
        row, now = self._taking.row(message), self.clock.now()

        def work(unit: Unit) -> None:
            held = locked(unit, row)
            not_in_other_hands(unit, held, who, now)
            mine = next((one for one in unit.openings(held.id) if one.person == who.name), None)
            if mine is None:
                raise DeskRefused(Obstacle.NOT_OPENED, f"{who.name} has not opened message {held.id}", row=held)
            unit.keep_opening(replace(mine, until=until))

        self.store.together(work)
        return until

    def edit(self, message: int, person: str, text: str) -> Sheet | Gone:
        """Keep what a person wants to send in place of what was written; an empty text goes back to that.

        Raises:
            DeskRefused: the platform forbids it, or the message is not theirs.
        """
        return self._taking.open(message, Person.of(person), text=text)

    # --- saying what became of it -------------------------------------------------------------------------------

    def confirm(self, message: int, person: str, *, text: str = "", why: str = "") -> Said:
        """Note that a person has sent a message they had opened: a fact, whatever has become of the message meanwhile.

        Args:
            message: which.
            person: who.
            text: what they really sent, if it is not what they were shown.
            why: a remark, for the record.

        Raises:
            DeskRefused: they have never opened it.
        """
        return self._saying.sent(self._taking.row(message), Person.of(person, why), text=text)

    def skip(self, message: int, person: str, *, why: str = "") -> Said:
        """End a message: it is not to be sent.

        Raises:
            DeskRefused: it lies there no longer, or somebody else has it in hand.
        """
        return self._saying.ended(self._taking.row(message), Person.of(person, why), Word.SKIPPED)

    def refused(self, message: int, person: str, *, why: str = "") -> Said:
        """Note that the platform did not let the person send it; ``why`` are the platform's words.

        Raises:
            DeskRefused: as ``skip``.
        """
        return self._saying.ended(self._taking.row(message), Person.of(person, why), Word.REFUSED)

    def already_told(self, message: int, person: str, *, why: str = "") -> Said:
        """End a message because the buyer knows already.

        Raises:
            DeskRefused: as ``skip``.
        """
        return self._saying.ended(self._taking.row(message), Person.of(person, why), Word.ALREADY_TOLD)

    def buyer_wrote(self, message: int, person: str, *, text: str = "", language: str = "") -> Said:
        """Take in that the person found a message of the buyer: what waits for them is held until somebody has answered.

        Raises:
            DeskRefused: there is no such message.
        """
        return self._saying.buyer_wrote(self._taking.row(message), Person.of(person), text=text, language=language)

    def answered(self, order: OrderKey, person: str, *, closed: bool = False) -> None:
        """Take in that somebody has answered the buyer, or that nothing more is to be said.

        Raises:
            UsageError: nothing is known of such an order.
        """
        events_about(self.store, self.home, order)
        self._saying.tell(order, "conversation.closed" if closed else "message.answered", Person.of(person))

    def undo(self, person: str, *, message: int | None = None) -> Said:
        """Take back the last thing that a person said within the last ten minutes, about this message if one is named.

        Raises:
            DeskRefused: there is nothing to take back, or the message has moved on since.
        """
        return self._saying.undo(Person.of(person), message=message)

    # --- whose turn it is ---------------------------------------------------------------------------------------

    def _shop_of(self, who: Person, now: datetime) -> str:
        """The shop whose login the person has open, as far as can be known."""
        acts = self.store.together(lambda unit: unit.acts(person=who.name, since=now - A_SHIFT))
        return acts[0].shop if acts else ""

    def _with_hours(self, lines: Sequence[Lying], now: datetime) -> Iterator[tuple[Lying, datetime | None]]:
        """Yield each with the instant from which it suits its buyer; None where only opening it can tell."""
        orders, waiting = OrderDesk(self.store, self.home), iter(lines)
        while some := list(islice(waiting, LOOKED_AT)):
            orders.look_up([one.row for one in some])
            for one in some:
                order = orders.find(one.row.key.shop, one.row.order)
                yield one, self._hour(one.row, order, now) if order is not None else None

    def _hour(self, row: PlannedMessage, order: Order, now: datetime) -> datetime | None:
        schedule, shop = self.home.schedule, self.home.shops.get(row.key.shop)
        key = present_key(row.key, schedule.aliases)
        rule = schedule.rule(key.rule)
        if rule is None or shop is None:
            return None
        wanted = plan(order, schedule.peers(rule), self.home.zones, shop, schedule.names).find(key)
        if wanted is None or wanted.message.state is not State.PLANNED or wanted.message.wanted_at > now:
            return None
        return suits_at(wanted.openings, now)


@dataclass(slots=True)
class _Look:
    """What a person's look through the desk has met so far."""

    left: int
    gone: list[Gone] = field(default_factory=list)
    in_other_hands: int = 0
    later: int = 0
    next_at: datetime | None = None
    paused: int = 0

    def put_off(self, at: datetime) -> None:
        self.later += 1
        self.next_at = min(at, self.next_at or at)

    def found(self, sheet: Sheet | None) -> Found:
        left = self.left - len(self.gone) - (sheet is not None)
        return Found(
            sheet=sheet, gone=tuple(self.gone), left=left, in_other_hands=self.in_other_hands, later=self.later,
            next_at=self.next_at, paused=self.paused,
        )  # fmt: skip


def _line(row: PlannedMessage, opening: Opening | None) -> Lying:
    if opening is None:
        return Lying(row=row)
    return Lying(row=row, person=opening.person, until=opening.until)
