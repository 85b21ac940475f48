"""Group commit: what arrives while one transaction runs goes into the next one together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")


class GroupCommit(Generic[Item]):
    """Writes items in batches, one transaction at a time, and tells each caller whether its own was applied.

    Args:
        write: a blocking function that applies a batch and returns for each whether it was applied; run in a thread.
        most: items in one transaction.
    """

    def __init__(self, write: Callable[[Sequence[Item]], Sequence[bool]], *, most: int = 50) -> None:
        self._write = write
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[bool]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def put(self, item: Item) -> bool:
        """Return, once the item's transaction has ended, whether it was applied.

        Raises:
            Exception: whatever the transaction raised; every item of the batch gets it.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._run())
        return await future

    async def settled(self) -> None:
        """Wait until everything that was put has been written, or could not be."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait([self._writer])

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                applied = await asyncio.to_thread(self._write, [item for item, _ in batch])
            except Exception as error:  # noqa: BLE001  # handed to everyone who waits for it
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), is_applied in zip(batch, applied, strict=True):
                if not future.done():
                    future.set_result(is_applied)
