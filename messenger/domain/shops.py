"""Shops: who writes, and how far the program may go on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from messenger.domain.orders import Deadline
from messenger.domain.rules import Uncertain
from messenger.domain.timing import ALWAYS, Hours, Span


class Mode(StrEnum):
    """How far messages of a shop go."""

    REHEARSE = "rehearse"
    """All is planned and shown, nothing leaves, then or later."""
    APPROVE = "approve"
    """Every message waits for a person."""
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A transport that is a person.

    Args:
        hours: when somebody is there, in the shop's zone.
        per_day: how many messages people can send from it in a day; None for as many as there are.
    """

    hours: Hours = ALWAYS
    per_day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A deadline the platform does not tell but that follows from what it tells: so long after a moment of the order."""

    since: str
    """A time field of the order (``placed_at`` …)."""
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a platform does by itself. Data from ``platforms/<name>/policy.toml``, with its source and date there.

    Args:
        deadlines: every deadline an order of this platform can have.
        derived: those that are computed where the platform does not tell them.
    """

    platform: str = "none"
    deadlines: frozenset[Deadline] = frozenset(Deadline)
    derived: Mapping[Deadline, Derived] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where facts about a shop come from. Heard from less recently than ``fresh`` ago, it counts as silent."""

    name: str
    fresh: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One storefront. ``channels`` maps a channel to the transport that carries it; ``zone`` is an IANA name.

    ``desks`` are those transports that are a person, by name.
    """

    id: str
    name: str
    sender: str
    mode: Mode = Mode.REHEARSE
    platform: str = "none"
    default_language: str = "en"
    staff_language: str = "en"
    zone: str = "UTC"
    channels: Mapping[str, str] = field(default_factory=dict)
    reply_to: str = ""
    url: str = ""
    survey_url: str = ""
    desks: Mapping[str, Desk] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertainPolicy:
    """What a transport does about a message that was perhaps accepted.

    Args:
        resend_after: how long it waits before it sends again, or asks the platform.
        can_verify: the platform can be asked what it has.
    """

    then: Uncertain = Uncertain.RESEND
    resend_after: timedelta = timedelta(minutes=10)
    can_verify: bool = False
