"""Dispatch: claim what is due, ask the guard, render, freeze, hand over, and write down what happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from messenger.domain.messages import FrozenMessage, Outcome, PlannedMessage, Reason, Receipt
from messenger.domain.retry import LONGEST_CLAIM
from messenger.domain.rules import Uncertain
from messenger.errors import StorageError
from messenger.ports import Clock, Composer, Store, Transport
from messenger.services.accounts import Accounts, Limits
from messenger.services.beating import Heart
from messenger.services.clearing import Clearing, OrderDesk
from messenger.services.entrance import Admitted, Entrance
from messenger.services.enveloping import Secrets
from messenger.services.following import LEFT_TO_STAFF, following
from messenger.services.hall import Hall
from messenger.services.home import Home
from messenger.services.ledger import Ledger, insisting
from messenger.services.parcels import Packing, Parcel, Tally, put_back
from messenger.services.preparing import Postman
from messenger.services.sending import LAST_WORDS, Desk, Way
from messenger.services.verifying import looking_back

__all__ = ["Dispatcher", "Tally"]

log = logging.getLogger(__name__)

OnRefusal = Callable[[PlannedMessage, FrozenMessage, Receipt], None]

DEPTH: Final = 4
"""Messages a connection may have under way."""
AHEAD: Final = 3
"""So many times what may be under way is in hand at most: that, and twice as much waiting to follow."""
LOOK: Final = 1.0
"""Seconds between looks for something due while something is on its way."""


class Dispatcher:
    """Sends what is due. Each transport works on its own; none gets more in hand than it can carry soon.

    Args:
        store: of everything.
        home: the generation to work by.
        clock: tells the time.
        composer: makes the finished messages.
        transports: by name.
        owner: this process.
        lease: how long it may be silent before others take over what it holds.
        batch: how many messages one claim takes at most.
        limits: how much each transport may carry at a time.
        on_refusal: told, in a thread, of each message that was refused for good, once that is written down.
    """

    def __init__(  # noqa: PLR0913  # everything it works with, each by its name
        self,
        *,
        store: Store,
        home: Home,
        clock: Clock,
        composer: Composer,
        transports: Mapping[str, Transport],
        owner: str,
        lease: timedelta,
        batch: int,
        limits: Mapping[str, Limits] | None = None,
        on_refusal: OnRefusal = lambda _message, _content, _receipt: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._lease = lease
        self._batch = batch
        self._on_refusal = on_refusal
        self.heart = Heart(store, clock, owner, lease)
        self.accounts = Accounts(store=store, clock=clock, owner=owner, lease=lease, limits=limits or {})
        self._ledger = Ledger(store, clock, owner)
        self._transports = transports
        self._composer = composer
        self._hall: Hall | None = None
        self._is_stopping = False
        self._retired: list[Transport] = []
        self._work_by(home)

    def adopt(
        self,
        home: Home,
        transports: Mapping[str, Transport] | None = None,
        composer: Composer | None = None,
        *,
        limits: Mapping[str, Limits] | None = None,
    ) -> None:
        """Work by a new generation from now on."""
        if transports is not None:
            self._retired += self._transports.values()
            self._transports = transports
        self._composer = composer or self._composer
        self.accounts.limits = limits if limits is not None else self.accounts.limits
        self._work_by(home)

    def _work_by(self, home: Home) -> None:
        self._home = home
        postman = Postman(home, Secrets.of(self._store))
        clearing, orders = Clearing(self._store, postman, self._owner), OrderDesk(self._store, home)
        packing = Packing(self._store, self._clock, self._composer, postman, clearing, orders)
        self._entrance = Entrance(self.accounts, self._ledger, packing)

    def resolve_uncertain(self) -> None:
        """Give every message of unknown fate its policy: a time for the second copy or for a look, or a person."""
        for message in self._store.unresolved(resent=True):
            policy = self._home.policy_for(message)
            again = policy.then is Uncertain.VERIFY or (policy.then is Uncertain.RESEND and not message.resent)
            resend_at = self._clock.now() + policy.resend_after if again else None
            because = str(message.reason or Reason.CRASHED) if again else LEFT_TO_STAFF
            self._store.postpone(key=message.key, resend_at=resend_at, because=because)

    async def close(self) -> None:
        """Give up what the transports keep between passes."""
        self._retired += self._transports.values()
        await self._close_retired()

    async def _close_retired(self) -> None:
        retired, self._retired = self._retired, []
        for transport in retired:
            await transport.close()

    # --- one pass -----------------------------------------------------------------------------------------------

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop: nothing more is claimed or handed over."""
        return self._is_stopping

    @stopping.setter
    def stopping(self, value: bool) -> None:
        self._is_stopping = value
        if value and self._hall is not None:
            self._hall.stop()

    async def run_due(self, tally: Tally | None = None) -> Tally:
        """Deal with everything that is due now; returns what became of it.

        Cancelled, it ends at once and leaves nothing claimed: what may have been sent is uncertain.
        """
        tally = tally or Tally()
        hall = Hall(partial(self._open, tally))
        self._hall = hall
        try:
            await self._work(hall, tally)
            await hall.finish()
        except BaseException:
            await self._cut(hall)
            raise
        finally:
            self._hall = None
        await self._tidy_up(hall)
        return tally

    async def _cut(self, hall: Hall) -> None:
        """End everything now; a database that does not answer is not waited for."""

        async def cut() -> None:
            await hall.cut()
            await self._tidy_up(hall)

        cutting = asyncio.get_running_loop().create_task(cut())
        await asyncio.wait({cutting}, timeout=LAST_WORDS)
        cutting.cancel()

    async def _tidy_up(self, hall: Hall) -> None:
        await self._ledger.settled()
        await self._let_go(hall)
        await self._end_probes(hall)
        await self._close_retired()

    async def _work(self, hall: Hall, tally: Tally) -> None:
        while not self.stopping:
            await self._let_go(hall)
            await self._end_probes(hall)
            places, mark = self._places(hall), self.heart.mark()
            hall.look_away()
            claimed = await asyncio.to_thread(self._claim, places, self._rooms(hall)) if places else []
            if claimed:
                await self._keeping(claimed, self._deal_with(claimed, hall, tally, mark))
            elif hall.is_busy or hall.has_changed:  # what was just answered may be due again
                await hall.change(LOOK)
            else:
                return

    async def _keeping(self, claimed: Sequence[PlannedMessage], work: Coroutine[None, None, None]) -> None:
        """Do what is to be done with claimed rows; when that breaks off, those that nobody has in hand are put back."""
        try:
            await work
        except BaseException as error:
            uncounted = isinstance(error, StorageError | asyncio.CancelledError)  # else one of them may be poison
            self._ledger.let_go(
                put_back(one) if uncounted else replace(put_back(one), attempts=one.attempts) for one in claimed
            )
            raise

    def _places(self, hall: Hall) -> int:
        """How many messages to claim; none while so few would fit that it is better to wait for more room."""
        free = [(room, self._most(name)) for name, room in self._rooms(hall).items()]
        room, most = max(free, default=(self._batch, self._batch))
        return 0 if hall.is_busy and room < most // 2 else min(self._batch, room)

    def _slots(self, transport: str) -> int:
        return self.accounts.limits_of(transport).connections

    def _most(self, transport: str) -> int:
        return self._slots(transport) * DEPTH * AHEAD

    def _rooms(self, hall: Hall) -> dict[str, int]:
        """How many more each transport may have in hand."""
        return {name: max(0, self._most(name) - hall.in_hand(name)) for name in self._transports}

    def _claim(self, places: int, room: Mapping[str, int]) -> list[PlannedMessage]:
        now = self._clock.now()
        self.accounts.refresh()
        claimed = self._store.claim(
            owner=self._owner,
            now=now,
            lease_until=now + self._lease,
            limit=places,
            room={name: self.accounts.room(name, count) for name, count in room.items()},
        )
        if claimed:
            self.accounts.refresh()
        return claimed

    async def _deal_with(self, claimed: Sequence[PlannedMessage], hall: Hall, tally: Tally, mark: float) -> None:
        if self.stopping:
            await asyncio.to_thread(self._ledger.settle, [(one, put_back(one)) for one in claimed])
            return
        admitted = await asyncio.to_thread(self._entrance.admitted, claimed, self._rooms(hall), tally)
        await self._hand_over(admitted, hall, tally, mark)

    async def _hand_over(self, admitted: Sequence[Admitted], hall: Hall, tally: Tally, mark: float) -> None:
        """Put each together, and at once into its transport's hands."""
        settled: list[tuple[PlannedMessage, PlannedMessage]] = []
        for one, make in admitted:
            ready = put_back(one.message) if self.stopping else self._entrance.packing.made(one.message, make)
            if isinstance(ready, PlannedMessage):
                settled.append((one.message, ready))
                tally.add(ready.state)
                continue
            ready.mark = mark
            hall.put(one.go.transport, ready)
            await asyncio.sleep(0)  # what is on its way goes on
        if settled:
            await asyncio.to_thread(self._ledger.settle, settled)

    # --- what a transport tells ---------------------------------------------------------------------------------

    def _open(self, tally: Tally, transport: str, changed: asyncio.Event) -> Way:
        desk = Desk(
            is_ours=lambda one: self.heart.is_steady(one.mark) and self.heart.age(one.mark) < LONGEST_CLAIM,
            commits=self._ledger.commit,
            answered=partial(self._answered, tally, transport),
            left_over=partial(self._left_over, tally),
            is_shut=lambda: self.accounts.is_open(transport) and not self.accounts.is_mine_to_probe(transport),
            is_slow=lambda domain: self.accounts.is_slow(transport, domain),
        )
        return Way(looking_back(self._transports[transport]), desk, self._slots(transport), changed)

    async def _answered(self, tally: Tally, transport: str, one: Parcel, receipt: Receipt) -> None:
        if self.accounts.is_news(transport, receipt):
            await insisting(lambda: asyncio.to_thread(self.accounts.told, transport, receipt, domain=one.domain))
        policy = self._home.policy_for(one.message)
        row = following(one.message, one.go, receipt, now=self._clock.now(), policy=policy)
        tally.add(row.state)
        await self._ledger.record(one, row, receipt)
        if receipt.outcome is Outcome.PERMANENT:
            await asyncio.to_thread(self._tell_refusal, row, one.content, receipt)

    def _tell_refusal(self, row: PlannedMessage, content: FrozenMessage, receipt: Receipt) -> None:
        try:
            self._on_refusal(row, content, receipt)
        except Exception:  # what follows from a refusal must not stop what is sent
            log.exception("refusal_not_taken_in", extra={"key": str(row.key)})

    async def _left_over(self, tally: Tally, parcels: Sequence[Parcel]) -> None:
        """Put back what was not handed over; behind its account if that is in trouble."""
        pairs = [(one.message, self._back(one.message)) for one in parcels]
        for _, row in pairs:
            tally.add(row.state)
        try:
            await asyncio.to_thread(self._ledger.settle, pairs)
        except StorageError:
            self._ledger.let_go(row for _, row in pairs)

    def _back(self, message: PlannedMessage) -> PlannedMessage:
        if not self.stopping and self.accounts.is_open(message.transport or ""):
            return self.accounts.waits_behind(message)
        return put_back(message)

    # --- what is loose ------------------------------------------------------------------------------------------

    async def _let_go(self, hall: Hall) -> None:
        """Put back what is claimed and in nobody's hands."""
        self._ledger.let_go((put_back(one.message) for one in hall.orphans()), unsent=True)
        await self._ledger.release()

    async def _end_probes(self, hall: Hall) -> None:
        """Let others probe an account when what was to do so came to nothing: it was cancelled, say."""
        for name in self._transports:
            if self.accounts.is_mine_to_probe(name) and not hall.in_hand(name):
                await asyncio.to_thread(self.accounts.hand_back, name)
