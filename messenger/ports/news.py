"""News: who waits for work hears at once that there is some."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class News(Protocol):
    """Tells that something was received or has become due, so that nobody has to look for it every moment."""

    def news(self, heard: Callable[[], None]) -> AbstractContextManager[None]:
        """Within it, ``heard`` is called, from a thread of its own, when any process has made something due or received.

        Nothing may be built on it but haste: news may be lost with its connection, which is made anew, and ``heard`` may be
        called for nothing. Where all work is done by one machine (SQLite) it is never called.
        """
        ...
