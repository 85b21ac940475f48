"""Dispatch: claim what is due, ask the guard, render, freeze, hand over, and write down what happened."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

from messenger.domain.clearing import Cleared
from messenger.domain.guarding import Go
from messenger.domain.messages import FrozenMessage, Outcome, PlannedMessage, Reason, Receipt, State
from messenger.domain.retry import LONGEST_CLAIM, MOST_CLAIMS
from messenger.domain.rules import Uncertain
from messenger.errors import StorageError
from messenger.ports import Clock, Commitment, Composer, Result, Settlement, Store, Transport
from messenger.services.accounts import Accounts, Candidate, Limits
from messenger.services.beating import Heart
from messenger.services.clearing import Clearing, OrderDesk
from messenger.services.enveloping import Secrets
from messenger.services.following import LEFT_TO_STAFF, following
from messenger.services.group_commit import GroupCommit
from messenger.services.home import Home
from messenger.services.parcels import Make, Packing, Parcel, Tally, left_to_staff, poison, put_back
from messenger.services.preparing import Postman
from messenger.services.sending import LAST_WORDS, Desk, Hall, Way

__all__ = ["Dispatcher", "Tally"]

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
OnRefusal = Callable[[PlannedMessage, FrozenMessage, Receipt], None]

CLEARED_AT_ONCE: Final = 50
"""Messages decided in one transaction: their buyers are locked for as long as it takes."""
DEPTH: Final = 4
"""Messages a connection may have under way."""
AHEAD: Final = 3
"""So many times what may be under way is in hand at most: that, and twice as much waiting to follow."""
LOOK: Final = 1.0
"""Seconds between looks for something due while something is on its way."""
SOON: Final = 0.2
LATE: Final = 5.0
"""Seconds after which a database that is away is tried again, at first and later."""


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
        self._commits: GroupCommit[Commitment] = GroupCommit(store.commit, lambda one: one.id)
        self._results: GroupCommit[Result] = GroupCommit(store.record, lambda one: one.id)
        self._transports = transports
        self._composer = composer
        self._hall: Hall | None = None
        self._is_stopping = False
        self._loose: list[PlannedMessage] = []
        """Claimed rows that are in nobody's hands."""
        self._unsent: list[PlannedMessage] = []
        """Rows that a transport had in hand and has surely not sent."""
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
        self._clearing = Clearing(self._store, postman, self._owner)
        self._orders = OrderDesk(self._store, home)
        self._packing = Packing(self._store, self._clock, self._composer, postman, self._clearing, self._orders)

    def resolve_uncertain(self) -> None:
        """Give every message of unknown fate its policy: a time for the second copy, or a person."""
        for message in self._store.unresolved():
            policy = self._home.policy_for(message)
            if policy.then is Uncertain.RESEND:
                resend_at = self._clock.now() + policy.resend_after
                self._store.postpone(
                    key=message.key, resend_at=resend_at, because=str(message.reason or Reason.CRASHED)
                )
            else:
                self._store.postpone(key=message.key, resend_at=None, because=LEFT_TO_STAFF)

    async def close(self) -> None:
        """Give up what the transports keep between passes."""
        retired, self._retired = [*self._retired, *self._transports.values()], []
        for transport in retired:
            await transport.close()

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
        await self._results.settled()
        await self._let_go(hall)
        await self._end_probes(hall)
        await self._close_retired()

    async def _work(self, hall: Hall, tally: Tally) -> None:
        while not self.stopping:
            await self._let_go(hall)
            await self._end_probes(hall)
            places, mark = self._places(hall), self.heart.mark()
            hall.look_away()
            claimed = await self._claim(hall, places) if places else []
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
            self._loose += [
                put_back(one) if uncounted else replace(put_back(one), attempts=one.attempts) for one in claimed
            ]
            raise

    def _places(self, hall: Hall) -> int:
        """How many messages to claim; none while so few would fit that it is better to wait for more room."""
        free = [(self._room(hall, name), self._most(name)) for name in self._transports]
        room, most = max(free, default=(self._batch, self._batch))
        return 0 if hall.is_busy and room < most // 2 else min(self._batch, room)

    def _slots(self, transport: str) -> int:
        return self.accounts.limits_of(transport).connections

    def _most(self, transport: str) -> int:
        return self._slots(transport) * DEPTH * AHEAD

    def _room(self, hall: Hall, transport: str) -> int:
        return max(0, self._most(transport) - hall.in_hand(transport))

    async def _claim(self, hall: Hall, places: int) -> list[PlannedMessage]:
        room = {name: self._room(hall, name) for name in self._transports}
        return await asyncio.to_thread(self._claim_now, places, room)

    def _claim_now(self, places: int, room: Mapping[str, int]) -> list[PlannedMessage]:
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
            await asyncio.to_thread(self._settle, [(one, put_back(one)) for one in claimed])
            return
        await asyncio.to_thread(self._orders.look_up, claimed)
        places = {name: self._room(hall, name) for name in self._transports}
        admitted = await asyncio.to_thread(self._admitted, claimed, places, tally)
        await self._hand_over(admitted, hall, tally, mark)

    async def _hand_over(
        self, admitted: Sequence[tuple[Candidate, Make]], hall: Hall, tally: Tally, mark: float
    ) -> None:
        """Put each together, and at once into its transport's hands."""
        settled: list[tuple[PlannedMessage, PlannedMessage]] = []
        for one, make in admitted:
            ready = put_back(one.message) if self.stopping else self._packing.made(one.message, make)
            if isinstance(ready, PlannedMessage):
                settled.append((one.message, ready))
                tally.add(ready.state)
                continue
            ready.mark = mark
            hall.put(one.go.transport, ready)
            await asyncio.sleep(0)  # what is on its way goes on
        if settled:
            await asyncio.to_thread(self._settle, settled)

    # --- who may leave ------------------------------------------------------------------------------------------

    def _admitted(
        self, claimed: Sequence[PlannedMessage], places: Mapping[str, int], tally: Tally
    ) -> list[tuple[Candidate, Make]]:
        """Ask the guard, and then the accounts; whoever may not leave is written down."""
        again = [one for one in claimed if one.state is State.UNCERTAIN]
        fresh = self._clear([one for one in claimed if one.state is not State.UNCERTAIN], tally)
        wanted: list[tuple[Candidate, Make]] = [
            (Candidate(one.message, one.go), partial(self._packing.first, one)) for one in fresh
        ]
        wanted += self._wanted_again(again, tally)
        makes = {one.message.id: make for one, make in wanted}
        found: list[Candidate] = []
        for name in sorted({one.go.transport for one, _ in wanted}):
            mine = [one for one, _ in wanted if one.go.transport == name]
            admission = self.accounts.admit(name, mine, places=places.get(name, 0))
            found += admission.go
            self._settle(admission.stay)
            for _, row in admission.stay:
                tally.add(row.state)
        return [(one, makes[one.message.id]) for one in found]

    def _clear(self, fresh: Sequence[PlannedMessage], tally: Tally) -> list[Cleared]:
        """Ask the guard about messages, in transactions that lock their buyers; returns those that may leave."""
        poisoned = [one for one in fresh if one.attempts > MOST_CLAIMS and one.reply is None]
        self._settle([(one, poison(one)) for one in poisoned])
        for _ in poisoned:
            tally.add(State.FAILED)
        cleared: list[Cleared] = []
        healthy = [one for one in fresh if one not in poisoned]
        for start in range(0, len(healthy), CLEARED_AT_ONCE):
            batch = healthy[start : start + CLEARED_AT_ONCE]
            may_leave, stayed = self._clearing.clear(batch, self._orders.find, self._clock.now())
            cleared += may_leave
            for row in stayed:
                tally.add(row.state)
        return cleared

    def _wanted_again(self, again: Sequence[PlannedMessage], tally: Tally) -> list[tuple[Candidate, Make]]:
        """Which of those that were perhaps sent there is still a reason for; of the others a person decides what to believe."""
        found: list[tuple[Candidate, Make]] = []
        left: list[tuple[PlannedMessage, PlannedMessage]] = []
        for message in again:
            go = self._packing.wanted_again(message)
            if isinstance(go, Go) and go.transport in self._transports:
                found.append((Candidate(message, go), partial(self._packing.again, go)))
            else:
                left.append((message, go if isinstance(go, PlannedMessage) else left_to_staff(message)))
        self._settle(left)
        for _, row in left:
            tally.add(row.state)
        return found

    def _settle(self, pairs: Sequence[tuple[PlannedMessage, PlannedMessage]]) -> set[int]:
        if not pairs:
            return set()
        return self._store.settle([self._settlement(claimed, target) for claimed, target in pairs])

    def _settlement(self, claimed: PlannedMessage, target: PlannedMessage) -> Settlement:
        return Settlement(id=claimed.id, owner=self._owner, token=claimed.token, at=self._clock.now(), message=target)

    # --- one message --------------------------------------------------------------------------------------------

    def _open(self, tally: Tally, transport: str, changed: asyncio.Event) -> Way:
        desk = Desk(
            is_ours=lambda one: self.heart.is_steady(one.mark) and self.heart.age(one.mark) < LONGEST_CLAIM,
            commits=self._commit,
            answered=partial(self._answered, tally, transport),
            left_over=partial(self._left_over, tally),
            is_open=lambda: self.accounts.is_open(transport),
            is_slow=lambda domain: self.accounts.is_slow(transport, domain),
        )
        return Way(self._transports[transport], desk, self._slots(transport), changed)

    async def _commit(self, one: Parcel) -> bool:
        return await self._commits.put(
            Commitment(
                id=one.message.id, owner=self._owner, token=one.message.token, message=one.message, letter=one.letter,
                digest=one.digest, template_version=one.version, at=self._clock.now(),
            )
        )  # fmt: skip

    async def _answered(self, tally: Tally, transport: str, one: Parcel, receipt: Receipt) -> None:
        now = self._clock.now()
        await self._written(lambda: asyncio.to_thread(self.accounts.told, transport, receipt, domain=one.domain))
        policy = self._home.policy_for(one.message)
        row = following(one.message, one.go, receipt, now=now, policy=policy)
        tally.add(row.state)
        result = Result(
            id=one.message.id, owner=self._owner, token=one.message.token, message=row, receipt=receipt,
            started_at=one.started_at, at=now,
        )  # fmt: skip
        await self._written(lambda: self._results.put(result))
        if receipt.outcome is Outcome.PERMANENT:
            await asyncio.to_thread(self._tell_refusal, row, one.content, receipt)

    async def _written(self, write: Callable[[], Awaitable[Answer]]) -> Answer:
        """What is known is written down, however long the database is away."""
        wait = SOON
        while True:
            try:
                return await write()
            except StorageError as error:
                log.warning("result_not_written_yet", extra={"problem": str(error)})
                await asyncio.sleep(wait)
                wait = min(LATE, 2 * wait)

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
            await asyncio.to_thread(self._settle, pairs)
        except StorageError:
            self._loose += [row for _, row in pairs]

    def _back(self, message: PlannedMessage) -> PlannedMessage:
        if not self.stopping and self.accounts.is_open(message.transport or ""):
            return self.accounts.waits_behind(message)
        return put_back(message)

    # --- what is loose ------------------------------------------------------------------------------------------

    async def _let_go(self, hall: Hall) -> None:
        """Put back what is claimed and in nobody's hands; while the database is away it waits here."""
        self._unsent += [put_back(one.message) for one in hall.orphans()]
        if not (self._loose or self._unsent):
            return
        loose, self._loose, unsent, self._unsent = self._loose, [], self._unsent, []
        try:
            await asyncio.to_thread(self._release, loose, unsent)
        except StorageError as error:
            self._loose, self._unsent = loose + self._loose, unsent + self._unsent
            log.warning("claims_not_released_yet", extra={"messages": len(loose + unsent), "problem": str(error)})

    async def _end_probes(self, hall: Hall) -> None:
        """Let others probe an account when what was to do so came to nothing: it was cancelled, say."""
        for name in self._transports:
            if self.accounts.is_mine_to_probe(name) and not hall.in_hand(name):
                await asyncio.to_thread(self.accounts.hand_back, name)

    def _release(self, loose: Sequence[PlannedMessage], unsent: Sequence[PlannedMessage]) -> None:
        """Put rows back; of those that were not sent also when their commit point was passed and nobody heard of it."""
        done = self._settle([(one, one) for one in (*loose, *unsent)])
        now, not_sent = self._clock.now(), Receipt(outcome=Outcome.ACCOUNT, reply="not sent: the database was away")
        results = [
            Result(id=one.id, owner=self._owner, token=one.token, message=one, receipt=not_sent, started_at=now, at=now)
            for one in unsent
            if one.id not in done
        ]
        if results:
            self._store.record(results)
