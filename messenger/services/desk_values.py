"""What a person at a desk is shown, and what came of what they said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from messenger.domain.messages import PlannedMessage, State
from messenger.domain.orders import Order
from messenger.domain.shops import Shop
from messenger.errors import UsageError
from messenger.ports.desk import Opening
from messenger.rendering.policy import Breach


class Word(StrEnum):
    """What a person can say became of a message. The text is what is stored."""

    SENT = "sent"
    SKIPPED = "skipped"
    REFUSED = "refused"
    ALREADY_TOLD = "already_told"
    BUYER_WROTE = "buyer_wrote"


class Obstacle(StrEnum):
    """Why a person cannot have, or do, what they asked for."""

    UNKNOWN = "unknown"  # there is no such message
    NOT_HERE = "not_here"  # it does not lie on a desk (any more)
    IN_OTHER_HANDS = "in_other_hands"
    PAUSED = "paused"
    NOT_OPENED = "not_opened"  # this person has never seen its text
    TEXT = "text"  # the platform forbids what was written
    NOT_PLAIN = "not_plain"
    NOTHING_TO_UNDO = "nothing_to_undo"
    MOVED_ON = "moved_on"  # what was said cannot be taken back any more


class DeskRefused(UsageError):
    """The answer at the desk is no; the message says why, ``obstacle`` and what goes with it say it to a program.

    Args:
        obstacle: what stands in the way.
        text: the same as a sentence.
        row: the message as it is.
        person: who has it, has paused it.
        until: how long.
        breaches: what the platform minds.
    """

    def __init__(
        self, obstacle: Obstacle, text: str, *, row: PlannedMessage | None = None, person: str = "",
        until: datetime | None = None, breaches: tuple[Breach, ...] = (),
    ) -> None:  # fmt: skip
        self.obstacle = obstacle
        self.row = row
        self.person = person
        self.until = until
        self.breaches = breaches
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One message as it lies before a person.

    Args:
        row: it.
        order: as it is now.
        shop: whose login it is sent from.
        opening: what was written for this person, and until when it is theirs alone.
        clock: the buyer's.
        is_its_hour: whether it would leave by itself at this hour of the buyer's day.
        along: numbers of other orders that the text speaks of as well.
        meaning: the same in the language of the staff; empty where they read the text itself, or nobody has written it.
        meaning_locale: which that is.
        warnings: what the platform does not like about a text that a person has changed.
        is_edit_lost: the order has moved on since this person changed the text, so it was written anew.
    """

    row: PlannedMessage
    order: Order
    shop: Shop
    opening: Opening
    clock: ZoneInfo
    is_its_hour: bool = True
    along: tuple[str, ...] = ()
    meaning: str = ""
    meaning_locale: str = ""
    warnings: tuple[Breach, ...] = ()
    is_edit_lost: bool = False

    @property
    def text(self) -> str:
        """What is to be sent."""
        return self.opening.text

    @property
    def link(self) -> str:
        """Where the order is on the platform; empty when the source did not tell."""
        return self.order.url or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A message that nobody has to send any more, or not now: the guard said no.

    Args:
        row: as it is now; it says why.
        event: the type of what happened, where that is why.
    """

    row: PlannedMessage
    event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the desk had for a person who asked for the next message.

    Args:
        sheet: it; None when there is nothing for them now.
        gone: messages that were looked at on the way, and are not sent.
        left: how many more lie there, whoever may take them.
        in_other_hands: how many of those others have in hand.
        later: how many wait for an hour that suits their buyers.
        next_at: when the first of those may be sent.
        paused: how many belong to shops that are paused.
    """

    sheet: Sheet | None = None
    gone: tuple[Gone, ...] = ()
    left: int = 0
    in_other_hands: int = 0
    later: int = 0
    next_at: datetime | None = None
    paused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came of what a person said about a message.

    Args:
        word: what they said.
        row: as it is now.
        was: how it stood before.
        is_second: the buyer has got it on another way too; what they said is kept all the same.
        by: the person.
    """

    word: Word
    row: PlannedMessage
    was: State
    by: str
    is_second: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """One line of the list: a message on a desk, and who has it in hand."""

    row: PlannedMessage
    person: str = ""
    until: datetime | None = None
