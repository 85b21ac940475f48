"""The archive: what is over moves out of the way of what is not, and comes back when it is touched."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

CHUNKS: int = 200
"""How many short transactions one call takes at most."""


class Archive(Protocol):
    """Keeps the queue small. Nothing here forgets a key: a message that was planned once is never planned anew.

    ``Unit.lock`` of an archived order brings it back first, in the same transaction and with the same ids, together with
    the orders whose messages went out with its own; so does a mail of it that comes back. ``messages_of``, ``record_of``,
    ``message``, ``frozen`` and ``by_message_id`` look into both places; lists show what has not moved away.
    """

    def archive(self, *, before: datetime, now: datetime, most: int = CHUNKS) -> int:
        """Move away the messages, tries and records of orders that were over before then; returns how many orders.

        An order is over when its facts can wake no rule any more (``open_until``), none of its messages waits, is on its way
        or is uncertain, and nothing was written about any of them since. Orders whose messages went out together move
        together. Works in short transactions and leaves the lock for a moment after each.
        """
        ...

    def unarchive(self, *, since: datetime, most: int = CHUNKS) -> int:
        """Bring back orders of which a message left since then, because rules look further back now; returns how many."""
        ...

    def forget_letters(self, *, before: datetime, now: datetime, most: int = CHUNKS) -> int:
        """Forget the texts of messages that ended before then, all but digest and version; returns how many.

        What may still be tried again keeps its letter: every try sends the same bytes.
        """
        ...

    def forget_ticks(self, *, before: datetime, now: datetime) -> int:
        """Forget slots bought before then, but the newest of each name; returns how many."""
        ...
