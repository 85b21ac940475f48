"""Desks: who has which message in hand, what was written for them, and what people said became of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from messenger.domain.desks import Load
from messenger.domain.messages import Letter, PlannedMessage, Reason, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A message in one person's hands, as it was written for them.

    Args:
        message: id of its outbox row.
        person: who has opened it.
        opened_at: when it was written, from the order as it was then.
        until: so long nobody else is given it; what was written is kept beyond that, for a late word about it.
        letter: what was written.
        variant: of the text.
        version: of the template.
        along: ids of the messages that it speaks for as well.
        edited: what the person wrote in place of the text; empty when nothing.
    """

    message: int
    person: str
    opened_at: datetime
    until: datetime
    letter: Letter
    variant: str
    version: str
    along: tuple[int, ...] = ()
    edited: str = ""

    @property
    def text(self) -> str:
        """What leaves."""
        return self.edited or self.letter.platform_text

    def is_live(self, now: datetime) -> bool:
        """Return whether it is still this person's alone."""
        return self.until > now


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a person said about a message, and how its row was before.

    Args:
        id: its number; 0 before it is kept.
        message: id of the outbox row.
        shop: whose.
        transport: the desk; empty when it lay on none.
        person: who.
        what: ``sent``, ``skipped``, ``refused``, ``already_told`` or ``buyer_wrote``.
        at: when.
        state: of the row before, with ``reason`` and ``because``.
    """

    id: int = 0
    message: int
    shop: str
    transport: str
    person: str
    what: str
    at: datetime
    state: State
    reason: Reason | None = None
    because: str = ""


class DeskUnit(Protocol):
    """The part of a write transaction that knows desks."""

    def lock_desk(self, transport: str) -> None:
        """Let no other unit decide about this desk's places until this one has ended. Taken after buyers, before rows."""
        ...

    def load_of(self, transport: str, *, since: datetime, now: datetime) -> Load:
        """Return what lies on a desk, what people have in hand, and how much was sent from it since then."""
        ...

    def on_desks(self, *, shop: str | None = None) -> list[PlannedMessage]:
        """Return what lies on all desks, of one shop if it is named, by id."""
        ...

    def row(self, message: int) -> PlannedMessage | None:
        """Return an outbox row, which stays as it is until the unit ends."""
        ...

    def taken_along(self, message: int) -> list[PlannedMessage]:
        """Return the rows that go out together with this one, by id; they stay as they are until the unit ends."""
        ...

    def openings(self, message: int) -> list[Opening]:
        """Return what was written of a message for whom, the newest first."""
        ...

    def in_hand(self, *, now: datetime) -> list[Opening]:
        """Return what people have in hand."""
        ...

    def keep_opening(self, opening: Opening) -> None:
        """Keep what was written for a person, in place of what was before; forgets what is two days old."""
        ...

    def keep_letter(self, message: int, letter: Letter, *, digest: str, version: str, at: datetime) -> None:
        """Keep what a person really sent, where what others sent is kept."""
        ...

    def bring_back(self, row: PlannedMessage, *, at: datetime) -> None:
        """Forget what was kept as sent of a row that was not sent after all: what was to go out with it waits for it again."""
        ...

    def keep_act(self, act: Act) -> None:
        """Remember what a person said; forgets what is two days old."""
        ...

    def acts(self, *, person: str, since: datetime, messages: Collection[int] = ()) -> list[Act]:
        """Return what a person has said since then and not taken back, the newest first; only about these, if any are named."""
        ...

    def take_back(self, act: Act, *, at: datetime) -> None:
        """Say that an act was taken back."""
        ...
