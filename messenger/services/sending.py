"""Sending: one transport at work, from the first message that is put in its hands to the last answer."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Final

from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.errors import StorageError
from messenger.ports import Transport
from messenger.services.parcels import Parcel

log = logging.getLogger(__name__)

SLOW: Final = 10.0
"""Seconds after which a message that has no answer makes its domain a slow one."""

LAST_WORDS: Final = 5.0
"""Seconds that what is known already may take to be written down when everything is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Whom a way tells what happens. Each may wait for the database.

    Args:
        is_ours: whether a claim can still be ours.
        commits: the commit point; whether the message may be sent.
        answered: told how a message ended.
        left_over: told of rows that were not handed over, and whether their account is in trouble.
        is_shut: whether the account is in trouble, and not this process's to probe.
        is_slow: whether a domain has asked for less.
    """

    is_ours: Callable[[Parcel], bool]
    commits: Callable[[Parcel], Awaitable[bool]]
    answered: Callable[[Parcel, Receipt], Coroutine[None, None, None]]
    left_over: Callable[[list[Parcel]], Awaitable[None]]
    is_shut: Callable[[], bool]
    is_slow: Callable[[str], bool]


@dataclass(slots=True, eq=False)
class Way:
    """Hands messages to one transport; the account is in the first one's hands until it has proved to be in order.

    Args:
        transport: which.
        desk: whom to tell.
        slots: conversations it can have at a time; a domain that is slow, or not known yet, has half of them at most.
        changed: set whenever something was answered.
    """

    transport: Transport
    desk: Desk
    slots: int
    changed: asyncio.Event
    is_stopping: bool = False
    _waiting: deque[Parcel] = field(default_factory=deque)
    _on_the_way: dict[Key, tuple[Parcel, float]] = field(default_factory=dict)
    _committed: set[Key] = field(default_factory=set)
    _answers: set[asyncio.Task[None]] = field(default_factory=set)
    _orphans: list[Parcel] = field(default_factory=list)
    _domains: Counter[str] = field(default_factory=Counter)
    _good: set[str] = field(default_factory=set)
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _is_proved: bool = False
    _is_in_trouble: bool = False
    _is_over: bool = False

    @property
    def in_hand(self) -> int:
        """How many messages it holds."""
        return len(self._waiting) + len(self._on_the_way)

    def put(self, parcel: Parcel) -> None:
        """Put a message into its hands."""
        self._waiting.append(parcel)
        self._more.set()

    def end(self) -> None:
        """Let it come to its end when it has nothing left to carry."""
        self._is_over = True
        self._more.set()

    def stop(self) -> None:
        """Hand nothing over any more; what is on its way gets its answer."""
        self.is_stopping = True
        self._more.set()

    async def run(self) -> None:
        """Carry what is put into its hands, until the end; then nothing is left in them."""
        try:
            while await self._has_work():
                if not self.desk.is_shut():
                    self._is_proved = self._is_in_trouble = False
                    await self.transport.carry(self._stream(), committing=self._committing, done=self._done)
                    self._forget_unanswered()
                if self.is_stopping or self.desk.is_shut():
                    await self._give_up_waiting()
        except asyncio.CancelledError:
            await self._cut_off()
            raise
        except Exception:
            self._orphans += [
                *self._waiting,
                *(one for key, (one, _) in self._on_the_way.items() if key not in self._committed),
            ]
            raise
        await self._give_up_waiting()

    def take_orphans(self) -> list[Parcel]:
        """Return those that nobody could mark as leaving, and that have not been sent; they are forgotten here."""
        found, self._orphans = self._orphans, []
        return found

    async def _has_work(self) -> bool:
        while not (self._waiting or self._is_over or self.is_stopping):
            self._more.clear()
            await self._more.wait()
        return bool(self._waiting) and not self.is_stopping

    # --- what the transport asks --------------------------------------------------------------------------------

    async def _stream(self) -> AsyncIterator[FrozenMessage]:
        is_first = True
        while (parcel := await self._next(alone=not is_first)) is not None:
            is_first = False
            key = parcel.message.key
            self._on_the_way[key] = (parcel, self._now())
            self._domains[parcel.domain] += 1
            yield parcel.content

    async def _next(self, *, alone: bool) -> Parcel | None:
        """The next that may go; None when the stream is over.

        Args:
            alone: one is on its way already: until the account has proved to be in order, no other follows it.
        """
        while not self._is_ending:
            chosen = None if alone and not self._is_proved else self._chosen()
            if chosen is not None:
                return chosen
            if self._is_over and not self._waiting:
                return None
            self._more.clear()
            try:
                async with asyncio.timeout(SLOW if self._waiting else None):
                    await self._more.wait()
            except TimeoutError:
                pass  # a domain may have become a slow one, or another has become free
        return None

    @property
    def _is_ending(self) -> bool:
        return self.is_stopping or self._is_in_trouble or self.desk.is_shut()

    def _chosen(self) -> Parcel | None:
        """The first whose domain has a place; what may be somebody else's by now is not even tried."""
        index = 0
        while index < len(self._waiting):
            parcel = self._waiting[index]
            if not self._has_place(parcel.domain):
                index += 1
                continue
            del self._waiting[index]
            if self.desk.is_ours(parcel):
                return parcel
            self._orphans.append(parcel)
            self.changed.set()
        return None

    def _has_place(self, domain: str) -> bool:
        """One bad destination never takes more than half of the conversations."""
        if self._domains[domain] < max(1, self.slots // 2):
            return True
        return domain in self._good and not self.desk.is_slow(domain) and not self._is_late(domain)

    def _is_late(self, domain: str) -> bool:
        late = self._now() - SLOW
        return any(parcel.domain == domain and since < late for parcel, since in self._on_the_way.values())

    async def _committing(self, key: Key) -> bool:
        self._prove()
        parcel, _ = self._on_the_way[key]
        if self.is_stopping or not self.desk.is_ours(parcel):
            self._orphans.append(parcel)
        elif await self._commits(parcel):
            self._committed.add(key)
            return True
        self._drop(key)
        return False

    async def _commits(self, parcel: Parcel) -> bool:
        try:
            return await self.desk.commits(parcel)
        except StorageError as error:  # without a durable mark nothing may be sent
            log.warning("commit_point_broken", extra={"key": str(parcel.message.key), "problem": str(error)})
            self._orphans.append(parcel)
            return False

    async def _done(self, key: Key, receipt: Receipt) -> None:
        parcel, _ = self._on_the_way[key]
        try:
            await asyncio.shield(self._write(key, receipt))  # also when the conversation breaks off
        finally:
            if receipt.outcome is Outcome.ACCOUNT:
                self._is_in_trouble = True
            if receipt.outcome is Outcome.ACCEPTED:
                self._good.add(parcel.domain)
            self._drop(key)
            self._prove()

    def _write(self, key: Key, receipt: Receipt) -> asyncio.Task[None]:
        """Begin to write down how a message ended; whatever becomes of everything else, that goes on."""
        parcel, _ = self._on_the_way[key]
        writing = asyncio.get_running_loop().create_task(self.desk.answered(parcel, receipt))
        self._answers.add(writing)
        writing.add_done_callback(self._answers.discard)
        return writing

    def _prove(self) -> None:
        self._is_proved = True
        self._more.set()

    def _drop(self, key: Key) -> None:
        parcel, _ = self._on_the_way.pop(key)
        self._committed.discard(key)
        self._domains[parcel.domain] -= 1
        self.changed.set()
        self._more.set()

    # --- what is left -------------------------------------------------------------------------------------------

    def _forget_unanswered(self) -> None:
        """What a transport neither asked about nor answered was not sent."""
        for key in list(self._on_the_way):
            self._orphans.append(self._on_the_way[key][0])
            self._drop(key)

    async def _give_up_waiting(self) -> None:
        left = [*self._waiting]
        self._waiting.clear()
        self.changed.set()
        if left:
            await self.desk.left_over(left)

    async def _cut_off(self) -> None:
        """Nobody waits for the answers any more: what may have been sent is uncertain."""
        for key in list(self._on_the_way):
            if key in self._committed:
                self._write(key, Receipt(outcome=Outcome.UNCERTAIN, reply="stopped before the answer came"))
            else:  # its commit point may be passed at this very moment, but nobody has been told to send it
                self._orphans.append(self._on_the_way[key][0])
            self._drop(key)
        if self._answers:  # not for as long as whoever cuts off waits: what is left in hand is still to be told
            await asyncio.wait(set(self._answers), timeout=LAST_WORDS / 2)
        await self._give_up_waiting()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
