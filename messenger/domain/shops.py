"""Shops: who writes, and how far the program may go on its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from messenger.domain.rules import Uncertain


class Mode(StrEnum):
    """How far messages of a shop go."""

    REHEARSE = "rehearse"
    """All is planned and shown, nothing leaves, then or later."""
    APPROVE = "approve"
    """Every message waits for a person."""
    LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One storefront. ``channels`` maps a channel to the transport that carries it; ``zone`` is an IANA name."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertainPolicy:
    """What a transport does about a message that was perhaps accepted."""

    then: Uncertain = Uncertain.RESEND
    resend_after: timedelta = timedelta(minutes=10)
