"""Deliveries: what others post to us, kept as it came before anybody reads it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from messenger.ports.polling import Hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request of a sender whom we know, as it arrived.

    Args:
        source: the configured source it came to.
        id: what the sender calls it, or a digest; the same when the same is sent again.
        received_at: aware, UTC.
        headers: those that say what it is, by name in small letters; none that lets anybody in.
        body: the raw bytes.
    """

    source: str
    id: str
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


class DeliveryState(StrEnum):
    """What became of a delivery."""

    RECEIVED = "received"  # kept; not read yet
    PROCESSED = "processed"  # read; what it tells is in the inbox
    UNKNOWN = "unknown"  # of a kind that no reader knows: kept, plans nothing
    PERSON = "person"  # asks for what only a person does
    FAILED = "failed"  # could not be read: kept until a person has looked
    CONFLICT = "conflict"  # named as one that came before, with other content: that one stays


READ: Final = frozenset({DeliveryState.PROCESSED})
"""Nobody has to do anything about these."""
OTHERS: Final = frozenset(DeliveryState) - READ - {DeliveryState.RECEIVED}
"""Somebody may want to look at these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDelivery:
    """A delivery as it is kept.

    Args:
        number: as people name it.
        tries: how often it was taken in hand.
        note: why it failed, or what else there is to say. It may show a value that was wrong: not for logs.
    """

    number: int
    delivery: Delivery
    state: DeliveryState
    tries: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IfNew:
    """A fact that its sender repeats with everything else it says: an event only when it is news.

    It is not when the same source has told an event with this id, or when the last event of these types that it told about
    the same order (about the same parcel, where the event is a parcel's) up to that time is of this very type.

    Args:
        document: the event.
        among: types.
    """

    document: Mapping[str, object]
    among: frozenset[str] = frozenset()


Told = Mapping[str, object] | IfNew | Hint
"""What a delivery tells: events as CloudEvents documents, or what is to be read again by its source. ``specversion``, ``source``
and ``data.shop`` may be left out: they are then the configured source's."""
Reader = Callable[[Delivery], Iterator[Told]]
"""Reads one delivery.

Raises:
    NotForUs, ForAPerson: as they say.
    EventError: it cannot be read; so does anything else that leaves it.
"""


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a delivery, by its number."""

    number: int
    state: DeliveryState
    note: str = ""


class NotForUs(Exception):
    """A reader does not know this kind of delivery: it is kept, and plans nothing. The message names the kind."""


class ForAPerson(Exception):
    """A delivery asks for what only a person does: to erase or tell a buyer's data. The message says what, without addresses."""


class Spool(Protocol):
    """Keeps deliveries, so that a sender is answered at once and what it said is read later.

    Raises:
        StorageError: by any method: it cannot be written or read.
    """

    def keep(self, delivery: Delivery) -> bool:
        """Keep a delivery; False when it was kept before. What is kept stays so, whatever happens to the machine.

        One that is named as another, of the same source, and has other content is kept beside it as a ``conflict``.
        """
        ...

    def take(self, *, now: datetime, until: datetime, limit: int) -> list[KeptDelivery]:
        """Return what was received and nobody else has in hand, oldest first; nobody else gets it before ``until``.

        Raises ``tries`` in the same step. What was taken ``SUSPECT`` times without an end comes alone, and last.
        """
        ...

    def end(self, endings: Collection[Ending], *, at: datetime) -> None:
        """Say what became of deliveries."""
        ...

    def listed(
        self, *, states: Collection[DeliveryState] = (), source: str = "", numbers: Collection[int] = ()
    ) -> Iterator[KeptDelivery]:
        """Stream deliveries, oldest first: in these states, of this source, with these numbers, where any are named."""
        ...

    def replay(self, numbers: Collection[int], *, at: datetime) -> int:
        """Let these deliveries be read again as if they had just come; returns how many there are."""
        ...

    def counts(self, states: Collection[DeliveryState] = ()) -> dict[tuple[str, DeliveryState], int]:
        """Return how many deliveries of each source stand in each of these states, or in any."""
        ...

    def forget(self, *, before: datetime, states: Collection[DeliveryState], limit: int) -> int:
        """Forget what came before then and stands in these states, up to so many; returns how many."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...


SUSPECT: Final = 3
"""Taken so often without an end, a delivery may be what ends its reader."""
MOST_TRIES: Final = 5
"""Taken more often than that, it has failed."""
