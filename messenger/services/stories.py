"""What a simulation keeps of each order while it is played, and of each message that was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from messenger.domain.messages import Key, PlannedMessage
from messenger.domain.orders import Order
from messenger.domain.planning import Memory

Buyer = tuple[str, str]
"""Shop, and who the buyer is within it."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What the buyer reads. ``digest`` tells one wording from another, ``version`` one template from another."""

    subject: str = ""
    text: str = ""
    digest: str = ""
    version: str = ""


@dataclass(slots=True)
class Story:
    """One order while it is played.

    Args:
        rows: its outbox.
        ended_at: when each of them came to its end.
        waited: rows as they were when they began to wait for a person, and when that was.
        memory: of planning, so that what has not changed is not worked out again.
    """

    order: Order | None = None
    buyer: Buyer | None = None
    rows: dict[Key, PlannedMessage] = field(default_factory=dict)
    ended_at: dict[Key, datetime] = field(default_factory=dict)
    waited: dict[Key, tuple[PlannedMessage, datetime]] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
