"""The hall: all transports at work in one pass, each on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from messenger.services.parcels import Parcel
from messenger.services.sending import Way


class Hall:
    """The ways at work in one pass, each on its own: none waits for another."""

    def __init__(self, opens: Callable[[str, asyncio.Event], Way]) -> None:
        self._opens = opens
        self._ways: dict[str, Way] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    def put(self, transport: str, parcel: Parcel) -> None:
        """Put a message into a transport's hands."""
        if transport not in self._ways or self._tasks[transport].done():
            self._ways[transport] = self._opens(transport, self._changed)
            task = asyncio.get_running_loop().create_task(self._ways[transport].run())
            task.add_done_callback(lambda _: self._changed.set())
            self._tasks[transport] = task
        self._ways[transport].put(parcel)

    def in_hand(self, transport: str) -> int:
        """Return how many messages a transport holds."""
        return self._ways[transport].in_hand if transport in self._ways else 0

    @property
    def is_busy(self) -> bool:
        """Whether anything is in anybody's hands."""
        return any(way.in_hand for way in self._ways.values())

    @property
    def has_changed(self) -> bool:
        """Whether anything was answered since somebody looked away."""
        return self._changed.is_set()

    def look_away(self) -> None:
        """Forget what was answered so far."""
        self._changed.clear()

    async def change(self, seconds: float) -> None:
        """Wait until something was answered, for so long at most.

        Raises:
            Exception: what a transport raised.
        """
        self._raise_what_broke()
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass  # time to look for something due
        self._changed.clear()
        self._raise_what_broke()

    def _raise_what_broke(self) -> None:
        for task in self._tasks.values():
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                raise error

    def stop(self) -> None:
        """Hand nothing over any more."""
        for way in self._ways.values():
            way.stop()

    async def finish(self) -> None:
        """Let every way come to its end.

        Raises:
            Exception: what a transport raised.
        """
        for way in self._ways.values():
            way.end()
        await asyncio.gather(*self._tasks.values())

    async def cut(self) -> None:
        """End everything now; what may have been sent is uncertain."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def orphans(self) -> list[Parcel]:
        """Return what was not sent, and whose row nobody could write."""
        return [parcel for way in self._ways.values() for parcel in way.take_orphans()]
