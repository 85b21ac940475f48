"""Polling: sources that have to be asked for news, and what is kept about whose turn it is and where it goes on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from messenger.ports.values import Line, OrderKey, Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a poller.

    Args:
        cursor: where its last turn ended, in its own words; empty at the very first.
        hints: what it was asked to read again, such as numbers of orders.
    """

    cursor: str = ""
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Perhaps:
    """A line that counts only when it is news; ``among`` as in ``ports.deliveries.IfNew``."""

    line: Line
    among: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some news.

    Args:
        lines: the news.
        cursor: where to go on once it has been accepted.
        hints: those of the turn that have been read with this page.
    """

    lines: Sequence[Line | Rejected | Perhaps]
    cursor: str
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A push that says only that something has changed: ``ref`` (an order's number) is to be read again by its source."""

    source: str
    ref: str


class TurnOver(Exception):
    """A turn is to end at once: the process is about to. What was yielded before counts; raised by whatever waits in a turn."""


class Poller(Protocol):
    """Asks one source for news.

    ``name`` is the source's, ``shop`` the shop that it tells about, ``every`` the time between turns.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  # told above

    @property
    def shop(self) -> str: ...  # noqa: D102  # told above

    @property
    def every(self) -> timedelta: ...  # noqa: D102  # told above

    def poll(self, turn: Turn) -> Iterator[Page]:
        """Yield news, page by page, until there is no more, beginning with what the turn's hints name.

        The same fact gives the same event id whenever it is read, so that reading it again is harmless. It may be left off
        after any page; the next turn goes on from the cursor of the last page that was taken.

        Raises:
            SourceAway: it cannot be read now; the pages before this count.
            SourceShut: only a person can help.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PollState:
    """How a poller stands.

    Args:
        next_at: when its next turn is; None when it never had one.
        polled_at: when a turn last went well.
        failures: how many turns in a row went wrong.
        problem: why the last one did; empty when it went well.
    """

    name: str
    next_at: datetime | None = None
    polled_at: datetime | None = None
    failures: int = 0
    problem: str = ""


class Polls(Protocol):
    """What is kept about pollers: one process at a time has the turn."""

    def polls(self) -> dict[str, PollState]:
        """Return how every poller stands that ever had a turn, by its name."""
        ...

    def take_poll(
        self, name: str, *, owner: str, now: datetime, until: datetime, is_asked: bool = False
    ) -> Turn | None:
        """Give ``owner`` the turn until then; None when it is not time yet, or another owner has it.

        ``is_asked``: a person wants it now, so it is time.
        """
        ...

    def move_poll(self, name: str, *, owner: str, cursor: str, hints: Collection[str] = ()) -> bool:
        """Go on from here the next time, and forget these hints; returns whether ``owner`` still had the turn."""
        ...

    def end_poll(self, name: str, *, owner: str, at: datetime, next_at: datetime) -> bool:
        """Say that a turn went well; returns whether ``owner`` still had it."""
        ...

    def fail_poll(self, name: str, *, owner: str, again_at: datetime, problem: str) -> bool:
        """Say that a turn went wrong, and when it is tried again; returns whether ``owner`` still had it."""
        ...

    def poll_again(self, name: str, refs: Collection[str], *, at: datetime) -> None:
        """Ask a source to read these again; it has its turn at once, unless it waits after a failure."""
        ...

    def wake_poll(self, name: str, *, at: datetime) -> None:
        """Let a source have its turn at once although it waits after failures: a person has mended what was in the way."""
        ...

    def orders_in(self, shop: str, statuses: Collection[str], *, after: str, limit: int) -> list[OrderKey]:
        """Return orders of a shop that stand so, by number, behind this one; not those that were moved away."""
        ...

    def hear(self, source: str, *, at: datetime) -> None:
        """Say that a source was heard from although it told nothing new."""
        ...
