"""Beating: a worker's sign of life, from a thread of its own, and whether it has stood still in between."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

from messenger.errors import StorageError
from messenger.ports import Clock, Store
from messenger.services.clocks import running_time

log = logging.getLogger(__name__)


class Heart:
    """Extends a worker's leases, and notices when the process itself stood still for longer than they last.

    Args:
        store: where the leases are.
        clock: of the leases.
        owner: whose they are.
        lease: how long each beat lasts.
        seconds: a count of seconds that goes on while the process stands still.
    """

    def __init__(
        self, store: Store, clock: Clock, owner: str, lease: timedelta, *, seconds: Callable[[], float] = running_time
    ) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._lease = lease
        self._seconds = seconds
        self._lock = threading.Lock()
        self._seen = 0.0
        self._is_beating = False
        self._stood_still_until = float("-inf")

    def mark(self) -> float:
        """Return this moment, as ``is_steady`` takes it."""
        self._look()
        return self._seconds()

    def age(self, since: float) -> timedelta:
        """Return how long ago a mark was made."""
        return timedelta(seconds=self._seconds() - since)

    def is_steady(self, since: float) -> bool:
        """Return whether the process has not stood still for a whole lease since then; else its claims are not its own."""
        self._look()
        return since >= self._stood_still_until

    def beat(self) -> None:
        """Extend the leases once; trouble with the database is told, not raised: the leases then run out."""
        self._look()
        now = self._clock.now()
        try:
            self._store.heartbeat(owner=self._owner, lease_until=now + self._lease, now=now)
        except StorageError as error:
            log.warning("heartbeat_failed", extra={"problem": str(error)})
        except Exception:  # whatever it is, the next beat tries again
            log.exception("heartbeat_failed")

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """Beat three times a lease, from a thread of its own: a slow render on the event loop must not look like a death."""
        over = threading.Event()
        self._seen, self._is_beating = self._seconds(), True

        def beat() -> None:
            while not over.wait(self._lease.total_seconds() / 3):
                self.beat()

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self._is_beating = False

    def _look(self) -> None:
        with self._lock:
            now, before = self._seconds(), self._seen
            if self._is_beating and now - before > self._lease.total_seconds():
                self._stood_still_until = now
                log.warning("stood_still", extra={"for_seconds": round(now - before, 1)})
            self._seen = now
