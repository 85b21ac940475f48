"""Opening: a message on a desk given into a person's hands, written from the order as it is now, if the guard still agrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from unicodedata import category

from messenger.domain.clearing import Rider
from messenger.domain.desks import OPEN_FOR, suits_at
from messenger.domain.guarding import Go, Stay
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.orders import Order
from messenger.ports import BuyerKey, Change, Clock, OrderKey, Store, Unit
from messenger.ports.desk import Opening
from messenger.rendering.isolating import MARKS
from messenger.rendering.policy import Breach
from messenger.services.clearing import Clearing, DeskGuard
from messenger.services.desk_values import DeskRefused, Gone, Obstacle, Sheet
from messenger.services.home import Home
from messenger.services.people import Person
from messenger.services.preparing import Postman, Unwritable
from messenger.services.recording import entry_of
from messenger.services.wording import sentence

LONGEST: Final = 10_000
"""Characters of a text that a person writes; platforms allow fewer."""
KEPT: Final = frozenset({*"\n\t\u200c\u200d\u200e\u200f", *MARKS})
"""Invisible characters of a text that mean something: they end lines, join letters and emoji, and set directions."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """What was decided in the transaction, for a sheet."""

    row: PlannedMessage
    order: Order
    go: Go
    riders: tuple[Rider, ...]
    opening: Opening
    warnings: tuple[Breach, ...] = ()
    is_edit_lost: bool = False


@dataclass(frozen=True, slots=True)
class Taking:
    """Gives messages into people's hands."""

    store: Store
    home: Home
    clock: Clock
    postman: Postman

    def open(self, message: int, who: Person, *, text: str | None = None) -> Sheet | Gone:
        """Give a message to a person for a while, or end it when there is no reason for it any more.

        Args:
            message: id of its row.
            who: to whom.
            text: what they want to send in place of what is written; None keeps what they wanted before, if the order has
                not moved on since, and empty goes back to what is written.

        Raises:
            DeskRefused: it is not theirs to have, or the platform forbids the text.
        """
        row, now = self.row(message), self.clock.now()
        self._not_paused(row)
        guard = Clearing(self.store, self.postman, who.name).desk_guard(now)
        wanted = None if text is None else plain(text)

        def work(unit: Unit) -> _Ready | Gone:
            held = locked(unit, row)
            not_in_other_hands(unit, held, who, now)
            return self._open(unit, held, who, wanted, guard, now)

        found = self.store.together(work)
        return found if isinstance(found, Gone) else self._sheet(found, now)

    def row(self, message: int) -> PlannedMessage:
        """Return a message as it is.

        Raises:
            DeskRefused: there is none.
        """
        row = self.store.message(message)
        if row is None:
            raise DeskRefused(Obstacle.UNKNOWN, f"there is no message {message}: desk list tells the number of each")
        return row

    def _not_paused(self, row: PlannedMessage) -> None:
        pause = next((one for one in self.store.pauses() if one.shop in {"", row.key.shop}), None)
        if pause is not None:
            what = f"the shop {pause.shop}" if pause.shop else "everything"
            raise DeskRefused(Obstacle.PAUSED, f"{what} has been paused by {pause.by}", row=row, person=pause.by)

    # --- in the transaction -------------------------------------------------------------------------------------

    def _open(
        self, unit: Unit, row: PlannedMessage, who: Person, text: str | None, guard: DeskGuard, now: datetime
    ) -> _Ready | Gone:
        order = self._order(unit, row)
        if order is None:
            because = "the order is no longer known"
            return self._end(unit, row, replace(row, state=State.SKIPPED, reason=Reason.ERASED, because=because), who)
        decision = guard.of(unit, row, order)
        if isinstance(decision, Stay):
            return replace(self._end(unit, row, decision.message, who), event=_type_of(decision.message.because, order))
        if decision.desk is None:  # by now something carries it by itself
            return self._end(unit, row, _back(row, now, channel=None), who)
        riders = self._riders(unit, row, guard)
        if riders is None:  # what it spoke for has changed: it is put together anew
            return self._end(unit, row, _back(row, now, channel=row.channel), who)
        written = self.postman.write(row, decision, order, now, riders)
        if isinstance(written, Unwritable):
            return self._end(unit, row, written.applied_to(row, now), who)
        opening = Opening(
            message=row.id, person=who.name, opened_at=now, until=now + OPEN_FOR, letter=written.letter, variant=written.variant,
            version=written.version, along=tuple(one.message.id for one in riders),
        )  # fmt: skip
        return self._kept(unit, _Ready(row, order, decision, riders, opening), who, text, now)

    def _kept(self, unit: Unit, ready: _Ready, who: Person, text: str | None, now: datetime) -> _Ready:
        """The opening with the text that the person wants, kept and noted."""
        before = next((one for one in unit.openings(ready.row.id) if one.person == who.name), None)
        ready = self._edited(ready, before, text, now)
        unit.keep_opening(ready.opening)
        what = "edited" if text is not None else "opened" if before is None or not before.is_live(now) else ""
        if what:
            unit.note([replace(entry_of(ready.row, now, detail=who.detail), what=what, because=str(who))])
        return ready

    def _edited(self, ready: _Ready, before: Opening | None, text: str | None, now: datetime) -> _Ready:
        written = ready.opening.letter.platform_text
        is_lost = False
        if text is None and before is not None and before.edited:
            is_lost = before.letter.platform_text != written
            text = None if is_lost else before.edited
        if not text or text == written.strip():
            return replace(ready, is_edit_lost=is_lost)
        breaches = self.postman.accused(ready.row, ready.go, ready.order, now, text, ready.riders)
        if any(one.severity == "error" for one in breaches):
            told = "; ".join(str(one) for one in breaches if one.severity == "error")
            raise DeskRefused(
                Obstacle.TEXT, f"the platform forbids this text: {told}", row=ready.row, breaches=breaches
            )
        return replace(ready, opening=replace(ready.opening, edited=text), warnings=breaches)

    def _riders(self, unit: Unit, row: PlannedMessage, guard: DeskGuard) -> tuple[Rider, ...] | None:
        """The messages that go out together with it; None when there is no reason for one of them any more."""
        found: list[Rider] = []
        for member in unit.taken_along(row.id):
            order = self._order(unit, member)
            if order is None or isinstance(guard.of_member(unit, member, order, row), Stay):
                return None
            found.append(Rider(message=member, order=order))
        return tuple(found)

    def _order(self, unit: Unit, row: PlannedMessage) -> Order | None:
        return self.home.order(unit.events(OrderKey(shop=row.key.shop, number=row.order)))

    def _end(self, unit: Unit, row: PlannedMessage, now_it_is: PlannedMessage, who: Person) -> Gone:
        now = self.clock.now()
        unit.change([Change(message=now_it_is, was=row.state)], at=now)
        unit.note([entry_of(now_it_is, now, row, {"opened_by": who.name})])
        return Gone(row=now_it_is)

    # --- what is shown ------------------------------------------------------------------------------------------

    def _sheet(self, ready: _Ready, now: datetime) -> Sheet:
        shop = self.home.shops[ready.row.key.shop]
        meaning, locale = self._meaning(ready, now)
        return Sheet(
            row=ready.row, order=ready.order, shop=shop, opening=ready.opening, clock=ready.go.wanted.place.main,
            is_its_hour=suits_at(ready.go.wanted.openings, now) == now, meaning=meaning, meaning_locale=locale, warnings=ready.warnings,
            along=_others(ready.riders, ready.order), is_edit_lost=ready.is_edit_lost,
        )  # fmt: skip

    def _meaning(self, ready: _Ready, now: datetime) -> tuple[str, str]:
        """What the text says, in the language of the staff; empty where that has no such text, or is the text's own.

        What a person has written in its place they understand themselves.
        """
        wanted = self.home.shops[ready.row.key.shop].staff_language
        if ready.opening.edited or _spoken(wanted) == _spoken(ready.opening.letter.locale):
            return "", ""
        made = self.postman.write(ready.row, ready.go, ready.order, now, ready.riders, locale=wanted)
        if isinstance(made, Unwritable) or _spoken(made.letter.locale) != _spoken(wanted):
            return "", ""
        return made.letter.platform_text, made.letter.locale


def locked(unit: Unit, row: PlannedMessage) -> PlannedMessage:
    """Return a message that lies on a desk; it, its buyer and its desk's places are this unit's until it ends.

    Raises:
        DeskRefused: it does not lie on a desk any more.
    """
    held = held_row(unit, row)
    if held.state is not State.AWAITING_STAFF:
        told = sentence(held.state, str(held.reason or ""))
        raise DeskRefused(Obstacle.NOT_HERE, f"message {held.id} does not wait to be sent by hand: it {told}", row=held)
    return held


def held_row(unit: Unit, row: PlannedMessage) -> PlannedMessage:
    """Return a message as it is now, wherever it stands; it, its buyer and its desk's places are this unit's until it ends."""
    unit.lock_buyers([BuyerKey(row.key.shop, row.buyer)])
    unit.lock_desk(row.transport or "")
    held = unit.row(row.id)
    if held is None:
        raise DeskRefused(Obstacle.UNKNOWN, f"message {row.id} is over: it was moved to the archive", row=row)
    return held


def not_in_other_hands(unit: Unit, row: PlannedMessage, who: Person, now: datetime) -> None:
    """Look whether nobody else has it in hand.

    Raises:
        DeskRefused: somebody has.
    """
    for one in unit.openings(row.id):
        if one.person != who.name and one.is_live(now):
            told = f"{one.person} has message {row.id} in hand until {one.until:%H:%M} UTC"
            raise DeskRefused(Obstacle.IN_OTHER_HANDS, told, row=row, person=one.person, until=one.until)


def plain(text: str) -> str:
    """Return a text that a person wrote, as a platform can carry it: empty for none.

    Raises:
        DeskRefused: it holds what is no text, or is far too long.
    """
    told = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    odd = next((one for one in told if not _can_be_sent(one)), "")
    if odd:
        raise DeskRefused(Obstacle.NOT_PLAIN, f"the text holds a character that cannot be sent: {odd!a}")
    if len(told) > LONGEST:
        raise DeskRefused(Obstacle.NOT_PLAIN, f"the text has {len(told)} characters, at most {LONGEST} are read")
    return told


def _can_be_sent(character: str) -> bool:
    return character.isprintable() or character in KEPT or category(character) == "Zs"


def _back(row: PlannedMessage, now: datetime, *, channel: str | None) -> PlannedMessage:
    """The row waiting for a worker, who decides anew how it leaves."""
    transport = row.transport if channel else None
    return replace(
        row, state=State.PLANNED, reason=None, because=row.trigger, due_at=now, channel=channel, transport=transport
    )


def _type_of(because: str, order: Order) -> str:
    return next((moment.type for moment in order.history if moment.event_id == because), "")


def _spoken(locale: str) -> str:
    return locale.replace("_", "-").partition("-")[0].casefold()


def _others(riders: Sequence[Rider], order: Order) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.order.number for one in riders if one.order.number != order.number))
