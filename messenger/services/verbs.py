"""Verbs: what people can do with messages of the queue, to which of them, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from messenger.domain.messages import Key, PlannedMessage, Reason, State
from messenger.ports import OrderKey


class Verb(StrEnum):
    """What a person can do with a message."""

    APPROVE = "approve"
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"
    RETRY = "retry"
    SENT = "sent"


NOT_LEFT: Final = frozenset({State.PLANNED, State.HELD, State.WAITING_APPROVAL, State.AWAITING_STAFF})
WENT_WRONG: Final = frozenset({State.FAILED, State.UNCERTAIN})
IN_HAND: Final = frozenset({State.CLAIMED, State.SENDING})
FITS: Final[Mapping[Verb, frozenset[State]]] = {
    Verb.APPROVE: frozenset({State.WAITING_APPROVAL}),
    Verb.HOLD: NOT_LEFT,
    Verb.RELEASE: frozenset({State.HELD}),
    Verb.CANCEL: NOT_LEFT,
    Verb.RETRY: WENT_WRONG,
    Verb.SENT: WENT_WRONG,
}
ONLY: Final[Mapping[Verb, str]] = {
    Verb.APPROVE: "only what waits for approval can be approved",
    Verb.HOLD: "only what has not left yet can be held",
    Verb.RELEASE: "only what is held can be released",
    Verb.CANCEL: "only what has not left yet can be cancelled",
    Verb.RETRY: "only what has failed, or was perhaps sent, can be tried again",
    Verb.SENT: "only of what has failed, or was perhaps sent, a person can say that it went out",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which messages are meant: those of an order, of an intake, of a shop, or, when nothing is named, all.

    Args:
        order: with ``rule`` and ``step`` only these of it.
        intake: what its valve held back; only for approval.
        shop: only for approval, and for what went wrong.
        id: one message, by its number.
        states: for what went wrong: failed, perhaps sent, or both.
        reasons: for what went wrong: only these; empty for all.
    """

    order: OrderKey | None = None
    rule: str | None = None
    step: int | None = None
    intake: int | None = None
    shop: str | None = None
    id: int | None = None
    states: tuple[State, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One message that is meant, as it was when it was chosen."""

    id: int
    key: Key
    order: str
    state: State

    @classmethod
    def of(cls, row: PlannedMessage) -> Target:
        """Return the target that a row is."""
        return cls(id=row.id, key=row.key, order=row.order, state=row.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A message that was left as it is, and why, as a sentence without a full stop."""

    target: Target
    why: str


@dataclass(slots=True)
class Outcome:
    """What became of the messages that were meant.

    Args:
        done: those that were changed, and the state each has now.
        refused: those that the act does not fit.
        moved: those that had changed between the choice and the act, and what they are now.
    """

    done: list[tuple[Target, State]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    moved: list[Refusal] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether all that was meant was done."""
        return bool(self.done) and not (self.refused or self.moved)

    def add(self, other: Outcome) -> None:
        """Take in what became of more of them."""
        self.done += other.done
        self.refused += other.refused
        self.moved += other.moved
