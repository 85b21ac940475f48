"""The ledger: what one process writes about the rows it has claimed, in groups, and however long the database is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from messenger.domain.messages import Outcome, PlannedMessage, Receipt
from messenger.errors import StorageError
from messenger.ports import Clock, Commitment, Result, Settlement, Store
from messenger.services.group_commit import GroupCommit
from messenger.services.parcels import Parcel

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

SOON: Final = 0.2
LATE: Final = 5.0
"""Seconds after which a database that is away is tried again, at first and later."""


class Ledger:
    """Writes commit points, results and settlements; everything names the owner and the claim it rests on."""

    def __init__(self, store: Store, clock: Clock, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._book: GroupCommit[Commitment | Result] = GroupCommit(self._write)
        self._loose: list[PlannedMessage] = []
        """Claimed rows that are in nobody's hands, as they shall be."""
        self._unsent: list[PlannedMessage] = []
        """The same of rows that a transport had in hand and has surely not sent."""

    async def commit(self, one: Parcel) -> bool:
        """Pass the commit point; returns whether the message may be sent.

        Raises:
            StorageError: the database is away, so it may not.
        """
        return await self._book.put(
            Commitment(
                id=one.message.id, owner=self._owner, token=one.message.token, message=one.message, letter=one.letter,
                digest=one.digest, template_version=one.version, at=self._clock.now(),
            )
        )  # fmt: skip

    async def record(self, one: Parcel, row: PlannedMessage, receipt: Receipt) -> None:
        """Write how a try ended, however long the database is away."""
        now = self._clock.now()
        result = self._result(row, receipt, token=one.message.token, started_at=one.started_at, at=now)
        await insisting(lambda: self._book.put(result))

    def _write(self, items: Sequence[Commitment | Result]) -> list[bool]:
        commitments = [one for one in items if isinstance(one, Commitment)]
        results = [one for one in items if isinstance(one, Result)]
        committed, recorded = self._store.write_down(commitments, results)
        return [one.id in (committed if isinstance(one, Commitment) else recorded) for one in items]

    def settle(self, pairs: Iterable[tuple[PlannedMessage, PlannedMessage]]) -> set[int]:
        """Write rows as they shall be: each as it was claimed, and as it shall be; returns those that were still held."""
        settlements = [
            Settlement(id=claimed.id, owner=self._owner, token=claimed.token, at=self._clock.now(), message=target)
            for claimed, target in pairs
        ]
        return self._store.settle(settlements) if settlements else set()

    def let_go(self, rows: Iterable[PlannedMessage], *, unsent: bool = False) -> None:
        """Remember rows to be put back by the next ``release``.

        Args:
            rows: as they shall be.
            unsent: a transport had them in hand, perhaps beyond their commit point, and has surely not sent them.
        """
        (self._unsent if unsent else self._loose).extend(rows)

    async def release(self) -> None:
        """Put back what was let go; while the database is away it is kept for the next time."""
        if not (self._loose or self._unsent):
            return
        loose, self._loose, unsent, self._unsent = self._loose, [], self._unsent, []
        try:
            await asyncio.to_thread(self._release, loose, unsent)
        except StorageError as error:
            self._loose, self._unsent = loose + self._loose, unsent + self._unsent
            log.warning("claims_not_released_yet", extra={"messages": len(loose + unsent), "problem": str(error)})

    async def settled(self) -> None:
        """Wait until every result that is known has been written."""
        await self._book.settled()

    def _release(self, loose: Sequence[PlannedMessage], unsent: Sequence[PlannedMessage]) -> None:
        done = self.settle((one, one) for one in (*loose, *unsent))
        now, not_sent = self._clock.now(), Receipt(outcome=Outcome.ACCOUNT, reply="not sent: the database was away")
        # The commit point may have been passed although nobody heard of it.
        results = [
            self._result(one, not_sent, token=one.token, started_at=now, at=now)
            for one in unsent
            if one.id not in done
        ]  # fmt: skip
        if results:
            self._store.record(results)

    def _result(
        self, row: PlannedMessage, receipt: Receipt, *, token: int, started_at: datetime, at: datetime
    ) -> Result:
        return Result(
            id=row.id, owner=self._owner, token=token, message=row, receipt=receipt, started_at=started_at, at=at
        )  # fmt: skip


async def insisting(write: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return what ``write`` returns, as soon as the database is there: what is known is written down."""
    wait = SOON
    while True:
        try:
            return await write()
        except StorageError as error:
            log.warning("not_written_yet", extra={"problem": str(error)})
            await asyncio.sleep(wait)
            wait = min(LATE, 2 * wait)
