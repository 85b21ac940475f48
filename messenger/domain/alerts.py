"""Alerts: what staff must know of, until it is over. Each kind says whether anything is lost and whether it can wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class AlertKind(StrEnum):
    """What is the matter."""

    ACCOUNT = "account"  # an account is in trouble: its messages wait
    UNCERTAIN = "uncertain"  # nobody knows whether a message arrived: a person has to say
    POISON = "poison"  # a message ended its worker again and again
    FAILED = "failed"  # messages were refused for good
    APPROVAL = "approval"  # an intake would send more than usual: its messages wait for a person
    SOURCE_SILENT = "source_silent"  # a source was not heard from: what rests on it waits
    ACCESS = (
        "access"  # a platform does not let us in, or not any more: a person has to log in again or ask for a permission
    )
    DELIVERIES = "deliveries"  # what was posted to us could not be read: it is kept
    SHEETS = "sheets"  # a file in a watched folder holds orders that could not be read
    PRIVACY = "privacy"  # somebody wants a buyer's data to be told or erased: a person does that
    CONVERSATION = "conversation"  # a buyer wrote, and nobody answered for three days
    URGENT = "urgent"  # an urgent message may expire before it leaves
    BOUNCES = "bounces"  # more mails come back than should
    COMPLAINTS = "complaints"  # more buyers call mails spam than should
    SENDER = "sender"  # our own address, its signature or its records are refused
    CONTENT = "content"  # what we write is refused, such as for its size
    FILES = "files"  # edited files have mistakes: the last good ones are worked by
    DISK = "disk"  # hardly any space is left
    DATABASE = "database"  # the database is away
    STAND_STILL = "stand_still"  # nothing left for long although it was due


class Loss(StrEnum):
    """What is lost while an alert is open."""

    NOTHING = "nothing"
    PERHAPS = "perhaps"  # a buyer may have got nothing, or may get nothing
    MESSAGES = "messages"  # some buyers got nothing, and will not unless somebody does something


@dataclass(frozen=True, slots=True)
class Gravity:
    """How bad a kind of alert is.

    Args:
        loss: what is lost.
        can_wait: whether the next day is early enough.
        ends_by_itself: whether it is over when its reason goes; if not, a person says so.
    """

    loss: Loss
    can_wait: bool
    ends_by_itself: bool


GRAVITY: Final[Mapping[AlertKind, Gravity]] = {
    AlertKind.ACCOUNT: Gravity(Loss.NOTHING, can_wait=False, ends_by_itself=True),
    AlertKind.UNCERTAIN: Gravity(Loss.PERHAPS, can_wait=True, ends_by_itself=True),
    AlertKind.POISON: Gravity(Loss.MESSAGES, can_wait=True, ends_by_itself=False),
    AlertKind.FAILED: Gravity(Loss.MESSAGES, can_wait=True, ends_by_itself=False),
    AlertKind.APPROVAL: Gravity(Loss.NOTHING, can_wait=False, ends_by_itself=True),
    AlertKind.SOURCE_SILENT: Gravity(Loss.NOTHING, can_wait=False, ends_by_itself=True),
    AlertKind.ACCESS: Gravity(Loss.NOTHING, can_wait=False, ends_by_itself=True),
    AlertKind.DELIVERIES: Gravity(Loss.PERHAPS, can_wait=False, ends_by_itself=True),
    AlertKind.SHEETS: Gravity(Loss.PERHAPS, can_wait=True, ends_by_itself=False),
    AlertKind.PRIVACY: Gravity(Loss.NOTHING, can_wait=True, ends_by_itself=False),
    AlertKind.CONVERSATION: Gravity(Loss.NOTHING, can_wait=True, ends_by_itself=True),
    AlertKind.URGENT: Gravity(Loss.PERHAPS, can_wait=False, ends_by_itself=False),
    AlertKind.BOUNCES: Gravity(Loss.MESSAGES, can_wait=False, ends_by_itself=False),
    AlertKind.COMPLAINTS: Gravity(Loss.NOTHING, can_wait=False, ends_by_itself=False),
    AlertKind.SENDER: Gravity(Loss.MESSAGES, can_wait=False, ends_by_itself=False),
    AlertKind.CONTENT: Gravity(Loss.MESSAGES, can_wait=True, ends_by_itself=False),
    AlertKind.FILES: Gravity(Loss.NOTHING, can_wait=True, ends_by_itself=True),
    AlertKind.DISK: Gravity(Loss.NOTHING, can_wait=False, ends_by_itself=True),
    AlertKind.DATABASE: Gravity(Loss.NOTHING, can_wait=False, ends_by_itself=True),
    AlertKind.STAND_STILL: Gravity(Loss.NOTHING, can_wait=False, ends_by_itself=True),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that staff must know of. One kind, shop and subject is one alert, however often it comes back.

    Args:
        id: as people name it.
        subject: what it is about: a transport, a source, an order; empty when there is only one of the kind.
        shop: whose; empty: everybody's.
        since: when it opened, or opened again.
        seen_at: when it was raised last.
        times: how often it was raised since it opened.
        buyers: how many buyers wait, as told last.
        detail: more, verbatim, without addresses.
        ended_at: since when it is over; None while it is open.
        ended_by: the person who dealt with it; empty when its reason went.
        told_at: when people were last told that it is open.
        over_told_at: when people were last told that it is over.
    """

    id: int
    kind: AlertKind
    subject: str
    shop: str = ""
    since: datetime
    seen_at: datetime
    times: int = 1
    buyers: int = 0
    detail: str = ""
    ended_at: datetime | None = None
    ended_by: str = ""
    told_at: datetime | None = None
    over_told_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.ended_at is None

    @property
    def loss(self) -> Loss:
        """What is lost."""
        return GRAVITY[self.kind].loss

    @property
    def can_wait(self) -> bool:
        """Whether the next day is early enough."""
        return GRAVITY[self.kind].can_wait

    @property
    def ends_by_itself(self) -> bool:
        """Whether it is over when its reason goes."""
        return GRAVITY[self.kind].ends_by_itself

    @property
    def is_believed_open(self) -> bool:
        """Whether the last that people were told of it is that it is open."""
        return self.told_at is not None and (self.over_told_at is None or self.over_told_at < self.told_at)
