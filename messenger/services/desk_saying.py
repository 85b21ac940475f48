"""Saying: what people at a desk say became of a message. It is a fact, kept with their name, and can be taken back for a while."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from messenger.domain.desks import LEAVES_NO_DOUBT, OPEN_FOR, UNDONE_WITHIN
from messenger.domain.events import parse_event
from messenger.domain.guarding import Stay
from messenger.domain.messages import PLATFORM, Letter, PlannedMessage, Reason, State
from messenger.ports import Change, Clock, Entry, Line, OrderKey, Store, Unit
from messenger.ports.desk import Act, Opening
from messenger.services.clearing import Clearing
from messenger.services.desk_opening import held_row, locked, not_in_other_hands, plain
from messenger.services.desk_values import DeskRefused, Obstacle, Said, Word
from messenger.services.home import Home
from messenger.services.ingesting import Ingest
from messenger.services.people import PERSON, Person
from messenger.services.preparing import Postman
from messenger.services.recording import entry_of
from messenger.services.starting import SOURCE
from messenger.services.wording import sentence

ENDS: Final[Mapping[Word, tuple[State, Reason]]] = {
    Word.SKIPPED: (State.CANCELLED, Reason.STAFF),
    Word.REFUSED: (State.FAILED, Reason.PLATFORM_REFUSED),
    Word.ALREADY_TOLD: (State.SKIPPED, Reason.ALREADY_TOLD),
}
"""How a message ends by what a person says, and why."""
EVENTS: Final = ("message.received", "message.answered", "conversation.closed")
"""What a person may tell about a conversation."""


@dataclass(frozen=True, slots=True)
class Saying:
    """Takes down what people say."""

    store: Store
    home: Home
    clock: Clock
    postman: Postman

    def sent(self, row: PlannedMessage, who: Person, *, text: str = "") -> Said:
        """Note that a person has sent a message, whatever has become of its row meanwhile.

        Args:
            row: it, as it was last seen.
            who: the person, who has opened it before.
            text: what they really sent, if it is not what was opened.

        Raises:
            DeskRefused: nothing was ever written for this person.
        """
        now, really = self.clock.now(), plain(text)

        def work(unit: Unit) -> Said:
            held = held_row(unit, row)
            opening = next((one for one in unit.openings(held.id) if one.person == who.name), None)
            if opening is None:
                told = f"{who.name} has not opened message {held.id}: what was sent is not known"
                raise DeskRefused(Obstacle.NOT_OPENED, told, row=held)
            if _has_said_so(unit, held, who, now):
                return Said(word=Word.SENT, row=held, was=held.state, by=who.name)
            opening = replace(opening, edited=really or opening.edited, until=now)
            unit.keep_opening(opening)
            self._remember(unit, held, who, Word.SENT, now)
            if held.state in LEAVES_NO_DOUBT:
                return self._sent_again(unit, held, opening, who, now)
            return self._sent(unit, held, opening, who, now)

        return self.store.together(work)

    def ended(self, row: PlannedMessage, who: Person, word: Word) -> Said:
        """End a message that lies on a desk: it is not to be sent, the platform refuses it, or the buyer knows already.

        Raises:
            DeskRefused: it does not lie there any more, or somebody else has it in hand.
        """
        now = self.clock.now()

        def work(unit: Unit) -> Said:
            held = locked(unit, row)
            not_in_other_hands(unit, held, who, now)
            state, reason = ENDS[word]
            ended = replace(held, state=state, reason=reason, because=str(who))
            self._remember(unit, held, who, word, now)
            self._change(unit, held, ended, who.detail, now)
            self._let_go(unit, held.id, who, now)
            return Said(word=word, row=ended, was=held.state, by=who.name)

        return self.store.together(work)

    def buyer_wrote(self, row: PlannedMessage, who: Person, *, text: str = "", language: str = "") -> Said:
        """Take in that the buyer has written: what waits for them is held until somebody has answered."""
        told = {name: value for name, value in (("text", plain(text)), ("language", language)) if value}
        self.tell(OrderKey(shop=row.key.shop, number=row.order), "message.received", who, told)
        now = self.clock.now()
        guard = Clearing(self.store, self.postman, who.name).desk_guard(now)

        def work(unit: Unit) -> Said:
            held = held_row(unit, row)
            self._remember(unit, held, who, Word.BUYER_WROTE, now)
            self._let_go(unit, held.id, who, now)
            order = self.home.order(unit.events(OrderKey(shop=held.key.shop, number=held.order)))
            decision = guard.of(unit, held, order) if held.state is State.AWAITING_STAFF and order else None
            if not isinstance(decision, Stay):
                return Said(word=Word.BUYER_WROTE, row=held, was=held.state, by=who.name)
            self._change(unit, held, decision.message, {"opened_by": who.name}, now)
            return Said(word=Word.BUYER_WROTE, row=decision.message, was=held.state, by=who.name)

        return self.store.together(work)

    def tell(self, order: OrderKey, type_: str, who: Person, message: Mapping[str, str] | None = None) -> None:
        """Take in one event about the conversation with an order's buyer, in a person's name."""
        now = self.clock.now()
        data: dict[str, object] = {"shop": order.shop} | ({"message": message} if message else {})
        event = parse_event(
            {
                "specversion": "1.0", "id": uuid4().hex, "source": SOURCE, "type": type_, "subject": order.number,
                "time": now.isoformat(), "data": data,
            }
        )  # fmt: skip
        ingest = Ingest(self.store, self.home, self.clock)
        ingest.accept([Line(file=SOURCE, line=1, event=event)], kind="staff", name=who.name)
        entry = Entry(shop=order.shop, order=order.number, at=now, what="told", because=event.ref, detail=who.detail)
        self.store.together(lambda unit: unit.note([entry]))
        ingest.take_in()

    # --- taking it back -----------------------------------------------------------------------------------------

    def undo(self, who: Person, *, message: int | None = None) -> Said:
        """Take back the last thing a person said, about this message if one is named.

        Raises:
            DeskRefused: they said nothing in the last minutes, or the message has moved on since.
        """
        now = self.clock.now()

        def last(unit: Unit) -> Act | None:
            mine = unit.acts(person=who.name, since=now - UNDONE_WITHIN, messages=[] if message is None else [message])
            return mine[0] if mine else None

        act = self.store.together(last)
        row = self.store.message(act.message) if act else None
        if act is None or row is None:
            about = "" if message is None else f" about message {message}"
            minutes = UNDONE_WITHIN.seconds // 60
            told = f"{who.name} has said nothing{about} in the last {minutes} minutes that could be taken back"
            raise DeskRefused(Obstacle.NOTHING_TO_UNDO, told)
        if act.what == Word.BUYER_WROTE:
            self.tell(OrderKey(shop=row.key.shop, number=row.order), "conversation.closed", who)
        return self.store.together(lambda unit: self._undone(unit, row, act, who, now))

    def _undone(self, unit: Unit, row: PlannedMessage, act: Act, who: Person, now: datetime) -> Said:
        held, word = held_row(unit, row), Word(act.what)
        said = Said(word=word, row=held, was=held.state, by=who.name)
        unit.take_back(act, at=now)
        if word is Word.BUYER_WROTE or act.state in LEAVES_NO_DOUBT:
            unit.note(
                [replace(entry_of(held, now, detail=who.detail | {"undone": word}), what="undone", because=str(who))]
            )
            return said
        if not _is_as_said(held, word, who):
            told = f"message {held.id} has moved on since: it {sentence(held.state, str(held.reason or ''))}"
            raise DeskRefused(Obstacle.MOVED_ON, told, row=held)
        before = replace(
            held, state=act.state, reason=act.reason, because=act.because, sent_at=None, message_id=None, locale=None, variant=None,
        )  # fmt: skip
        self._change(unit, held, before, who.detail | {"undone": word}, now)
        unit.bring_back(before, at=now)
        self._free_those_told(unit, before, who, now)
        if before.state is State.AWAITING_STAFF:
            self._let_go(unit, held.id, who, now + OPEN_FOR)
        return replace(said, row=before)

    # --- the record ---------------------------------------------------------------------------------------------

    def _sent(self, unit: Unit, row: PlannedMessage, opening: Opening, who: Person, now: datetime) -> Said:
        letter = _as_sent(opening)
        sent = replace(
            row, state=State.SENT, reason=None, because=str(who), sent_at=now, channel=PLATFORM, transport=self._desk_of(row),
            locale=letter.locale, variant=opening.variant, message_id=letter.message_id, resend_at=None,
        )  # fmt: skip
        detail = who.detail | {"channel": PLATFORM, "locale": letter.locale, "variant": opening.variant}
        self._change(unit, row, sent, detail | ({"edited": "yes"} if opening.edited else {}), now)
        unit.keep_letter(row.id, letter, digest=_digest(letter), version=opening.version, at=now)
        self._told_along(unit, sent, opening, who, now)
        return Said(word=Word.SENT, row=sent, was=row.state, by=who.name)

    def _sent_again(self, unit: Unit, row: PlannedMessage, opening: Opening, who: Person, now: datetime) -> Said:
        """The buyer has got it on another way too: nothing changes, but what this person sent is kept."""
        detail = who.detail | {"text": opening.text, "locale": opening.letter.locale}
        unit.note([replace(entry_of(row, now, detail=detail), what="sent_again", because=str(who))])
        return Said(word=Word.SENT, row=row, was=row.state, by=who.name, is_second=True)

    def _told_along(self, unit: Unit, sent: PlannedMessage, opening: Opening, who: Person, now: datetime) -> None:
        """What the text spoke for, and went its own way meanwhile, is not said again."""
        for id_ in opening.along:
            member = unit.row(id_)
            if member is not None and member.state.is_waiting:
                told = replace(member, state=State.SKIPPED, reason=Reason.ALREADY_TOLD, because=str(sent.key))
                self._change(unit, member, told, who.detail, now)

    def _free_those_told(self, unit: Unit, row: PlannedMessage, who: Person, now: datetime) -> None:
        for opening in unit.openings(row.id):
            for id_ in opening.along if opening.person == who.name else ():
                member = unit.row(id_)
                if member is not None and (member.reason, member.because) == (Reason.ALREADY_TOLD, str(row.key)):
                    waits = replace(member, state=State.PLANNED, reason=None, because=member.trigger, due_at=now)
                    self._change(unit, member, waits, who.detail | {"undone": Word.SENT}, now)

    def _desk_of(self, row: PlannedMessage) -> str | None:
        shop = self.home.shops.get(row.key.shop)
        return row.transport or (shop.channels.get(PLATFORM) if shop else None)

    def _remember(self, unit: Unit, row: PlannedMessage, who: Person, word: Word, now: datetime) -> None:
        state = State.PLANNED if row.state is State.CLAIMED else row.state
        unit.keep_act(
            Act(
                message=row.id, shop=row.key.shop, transport=self._desk_of(row) or "", person=who.name, what=word, at=now,
                state=state, reason=row.reason, because=row.because,
            )
        )  # fmt: skip

    @staticmethod
    def _change(unit: Unit, was: PlannedMessage, row: PlannedMessage, detail: Mapping[str, str], now: datetime) -> None:
        if unit.change([Change(message=row, was=was.state)], at=now):
            unit.note([entry_of(row, now, was, detail)])

    @staticmethod
    def _let_go(unit: Unit, message: int, who: Person, until: datetime) -> None:
        """Let the person have the message until then, and no longer."""
        for one in unit.openings(message):
            if one.person == who.name:
                unit.keep_opening(replace(one, until=until))


def _has_said_so(unit: Unit, row: PlannedMessage, who: Person, now: datetime) -> bool:
    """Whether this person has said so before: saying it twice is saying it once."""
    if row.state is not State.SENT:
        return False
    mine = unit.acts(person=who.name, since=now - timedelta(days=1), messages=[row.id])
    return any(one.what == Word.SENT for one in mine)


def _is_as_said(row: PlannedMessage, word: Word, who: Person) -> bool:
    """Whether the row still is as this person's word has left it."""
    state = State.SENT if word is Word.SENT else ENDS[word][0]
    said = f"{PERSON}{who.name}"
    return row.state is state and (row.because == said or row.because.startswith(f"{said}: "))


def _as_sent(opening: Opening) -> Letter:
    """The letter as the person really sent it."""
    text = opening.text
    return replace(opening.letter, text=text, platform_text=text, html="")


def _digest(letter: Letter) -> str:
    return hashlib.sha256(letter.platform_text.encode()).hexdigest()
