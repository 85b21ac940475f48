"""Dispatch: claim what is due, ask the guard, render, freeze, hand over, and write down what happened."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from messenger.domain.clearing import Cleared
from messenger.domain.guarding import Go
from messenger.domain.messages import FrozenMessage, Key, Letter, Outcome, PlannedMessage, Reason, Receipt, State
from messenger.domain.retry import MOST_CLAIMS, backoff
from messenger.domain.rules import Uncertain
from messenger.errors import MessageRefused
from messenger.ports import Clock, Commitment, Composer, Result, Settlement, Store, Transport
from messenger.services.clearing import Clearing, OrderDesk
from messenger.services.enveloping import Secrets
from messenger.services.group_commit import GroupCommit
from messenger.services.home import Home
from messenger.services.preparing import Postman, Unwritable

log = logging.getLogger(__name__)

CLEARED_AT_ONCE = 50
"""Messages decided in one transaction: their buyers are locked for as long as it takes."""
ACCOUNT_PAUSE = timedelta(minutes=1)
"""How long messages wait when nothing is wrong with them but the account is in trouble."""


@dataclass(slots=True)
class _InHand:
    """A claimed message on its way."""

    message: PlannedMessage
    parcel: FrozenMessage
    letter: Letter | None
    digest: str
    version: str
    go: Go
    started_at: datetime


Make = Callable[[PlannedMessage], _InHand | PlannedMessage]


@dataclass(slots=True)
class Tally:
    """What a pass did, by the state messages ended in."""

    counts: dict[str, int] = field(default_factory=dict)

    def add(self, state: State) -> None:
        """Count one message."""
        self.counts[state] = self.counts.get(state, 0) + 1

    @property
    def total(self) -> int:
        """How many messages were dealt with."""
        return sum(self.counts.values())


class Dispatcher:
    """Sends what is due, one batch of claims after the other."""

    def __init__(
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
    ) -> None:
        self._store = store
        self._home = home
        self._clock = clock
        self._composer = composer
        self._transports = transports
        self._owner = owner
        self._lease = lease
        self._batch = batch
        self._postman = Postman(home, Secrets.of(store))
        self._clearing = Clearing(store, self._postman, owner)
        self._orders = OrderDesk(store, home)
        self._commits: GroupCommit[Commitment] = GroupCommit(store.commit, lambda one: one.id)
        self._results: GroupCommit[Result] = GroupCommit(store.record, lambda one: one.id)
        self.stopping = False

    def adopt(
        self, home: Home, transports: Mapping[str, Transport] | None = None, composer: Composer | None = None
    ) -> None:
        """Work by a new generation from now on."""
        self._home = home
        self._transports = transports if transports is not None else self._transports
        self._composer = composer or self._composer
        self._postman = Postman(home, Secrets.of(self._store))
        self._clearing = Clearing(self._store, self._postman, self._owner)
        self._orders = OrderDesk(self._store, home)

    async def run_due(self, tally: Tally | None = None) -> Tally:
        """Deal with everything that is due now; returns what became of it."""
        tally = tally or Tally()
        while not self.stopping:
            now = self._clock.now()
            claimed = await asyncio.to_thread(
                self._store.claim,
                owner=self._owner,
                now=now,
                lease_until=now + self._lease,
                limit=self._batch,
            )
            if not claimed:
                break
            await self._deal_with(claimed, tally)
        return tally

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
                self._store.postpone(key=message.key, resend_at=None, because="left to staff")

    async def _deal_with(self, claimed: Sequence[PlannedMessage], tally: Tally) -> None:
        if self.stopping:
            await asyncio.to_thread(self._settle, [(one, _put_back(one)) for one in claimed])
            return
        await asyncio.to_thread(self._orders.look_up, claimed)
        again = [one for one in claimed if one.state is State.UNCERTAIN]
        fresh = [one for one in claimed if one.state is not State.UNCERTAIN]
        cleared = await asyncio.to_thread(self._clear, fresh, tally) if fresh else []
        settled: list[tuple[PlannedMessage, PlannedMessage]] = []
        in_hand: dict[str, list[_InHand]] = {}
        jobs: list[tuple[PlannedMessage, Make]] = [(one, self._resend) for one in again]
        jobs += [(one.message, partial(self._first_try, one)) for one in cleared]
        for message, make in jobs:
            ready = self._made(message, make)
            if isinstance(ready, PlannedMessage):
                settled.append((message, ready))
                tally.add(ready.state)
            else:
                in_hand.setdefault(ready.message.transport or "", []).append(ready)
        if settled:
            await asyncio.to_thread(self._settle, settled)
        await asyncio.gather(*(self._carry(name, ready, tally) for name, ready in in_hand.items()))

    def _clear(self, fresh: Sequence[PlannedMessage], tally: Tally) -> list[Cleared]:
        """Ask the guard about messages, in transactions that lock their buyers; returns those that may leave."""
        poisoned = [one for one in fresh if one.attempts > MOST_CLAIMS and one.reply is None]
        self._settle([(one, _poison(one)) for one in poisoned])
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

    def _settle(self, pairs: Sequence[tuple[PlannedMessage, PlannedMessage]]) -> None:
        if pairs:
            self._store.settle([self._settlement(claimed, target) for claimed, target in pairs])

    def _settlement(self, claimed: PlannedMessage, target: PlannedMessage) -> Settlement:
        return Settlement(id=claimed.id, owner=self._owner, token=claimed.token, at=self._clock.now(), message=target)

    @staticmethod
    def _made(message: PlannedMessage, make: Make) -> _InHand | PlannedMessage:
        """The message ready to be carried, or the row as it shall be when it does not leave now."""
        try:
            return make(message)
        except MessageRefused as error:
            return replace(message, state=State.FAILED, reason=Reason.REFUSED, because=str(error)[:300])

    def _first_try(self, cleared: Cleared, message: PlannedMessage) -> _InHand | PlannedMessage:
        now = self._clock.now()
        frozen = self._store.frozen(message.id) if message.message_id else None
        if frozen is not None:
            return self._in_hand(
                message, frozen.letter, cleared.go, version=frozen.template_version, digest=frozen.digest
            )
        written = self._postman.write(message, cleared.go, cleared.order, now, cleared.riders)
        if isinstance(written, Unwritable):
            return written.applied_to(message, now)
        chosen = replace(
            message, locale=written.letter.locale, variant=written.variant, message_id=written.letter.message_id
        )
        return self._in_hand(chosen, self._composer.seal(written.letter), cleared.go, version=written.version)

    def _resend(self, message: PlannedMessage) -> _InHand | PlannedMessage:
        """The same bytes once more, if there is still a reason for them; else a person decides what to believe."""
        if message.attempts > MOST_CLAIMS and message.reply is None:
            return _poison(message)
        frozen = self._store.frozen(message.id)
        order = self._orders.find(message.key.shop, message.order)
        decision = self._clearing.still_wanted(message, order, self._clock.now()) if order else None
        if frozen is None or not isinstance(decision, Go):
            return replace(
                message,
                resend_at=None,
                because="not sent again: its reason has gone; perhaps it arrived the first time",
            )
        return self._in_hand(message, frozen.letter, decision, version=frozen.template_version, digest=frozen.digest)

    def _in_hand(self, message: PlannedMessage, letter: Letter, go: Go, *, version: str, digest: str = "") -> _InHand:
        parcel = self._composer.compose(letter)
        made = hashlib.sha256(parcel.content).hexdigest()
        if digest and digest != made:
            raise MessageRefused("this version would no longer send the same bytes as the first try: decide by hand")
        return _InHand(
            message=message,
            parcel=parcel,
            letter=None if digest else letter,
            digest=made,
            version=version,
            go=go,
            started_at=self._clock.now(),
        )

    async def _carry(self, name: str, ready: Sequence[_InHand], tally: Tally) -> None:
        transport = self._transports[name]
        by_key = {one.message.key: one for one in ready}
        asked: set[Key] = set()

        async def stream() -> AsyncIterator[FrozenMessage]:
            for one in ready:
                if self.stopping:
                    return
                asked.add(one.message.key)
                yield one.parcel

        async def committing(key: Key) -> bool:
            one = by_key[key]
            may_leave = await self._commits.put(
                Commitment(
                    id=one.message.id, owner=self._owner, token=one.message.token, message=one.message, letter=one.letter,
                    digest=one.digest, template_version=one.version, at=self._clock.now(),
                )
            )  # fmt: skip
            if may_leave and one.message.state is State.UNCERTAIN:
                one.message = replace(one.message, resent=True)
            return may_leave

        async def done(key: Key, receipt: Receipt) -> None:
            one = by_key[key]
            now = self._clock.now()
            following = self._following(one, receipt, now)
            tally.add(following.state)
            await self._results.put(
                Result(id=one.message.id, owner=self._owner, token=one.message.token, message=following, receipt=receipt,
                       started_at=one.started_at, at=now)
            )  # fmt: skip

        await transport.carry(stream(), committing=committing, done=done)
        untouched = [
            self._settlement(one.message, _put_back(one.message)) for key, one in by_key.items() if key not in asked
        ]
        if untouched:
            await asyncio.to_thread(self._store.settle, untouched)

    def _following(self, one: _InHand, receipt: Receipt, now: datetime) -> PlannedMessage:
        """The row after a try: what the receipt's outcome asks for."""
        message = replace(one.message, reply=receipt.reply, reason=None, because="")
        match receipt.outcome:
            case Outcome.ACCEPTED:
                return replace(message, state=State.SENT, sent_at=now)
            case Outcome.PERMANENT:
                return replace(message, state=State.FAILED, reason=Reason.REFUSED, because=receipt.reply)
            case Outcome.UNCERTAIN:
                return self._uncertain(message, now)
            case Outcome.ACCOUNT:
                paused = replace(message, attempts=message.attempts - 1, reply=one.message.reply)
                return self._later(paused, one, now + ACCOUNT_PAUSE, receipt.reply)
            case Outcome.TEMPORARY:
                wait = (
                    timedelta(seconds=receipt.retry_after)
                    if receipt.retry_after
                    else backoff(max(1, message.attempts), str(message.key))
                )
                return self._later(message, one, now + wait, receipt.reply)

    def _uncertain(self, message: PlannedMessage, now: datetime) -> PlannedMessage:
        policy = self._home.policy_for(message)
        again = policy.then is Uncertain.RESEND and not message.resent and message.resend_at is None
        return replace(
            message,
            state=State.UNCERTAIN,
            reason=Reason.REPLY_LOST,
            because="" if again else "left to staff",
            resend_at=now + policy.resend_after if again else None,
        )

    @staticmethod
    def _later(message: PlannedMessage, one: _InHand, not_before: datetime, because: str) -> PlannedMessage:
        if one.message.state is State.UNCERTAIN:
            return replace(message, state=State.UNCERTAIN, reason=Reason.REPLY_LOST, resend_at=not_before)
        due = one.go.wanted.openings.first(not_before)
        if due is None or due >= message.expires_at:
            return replace(message, state=State.EXPIRED, reason=Reason.DUE, because=because)
        return replace(
            message,
            state=State.PLANNED,
            reason=Reason.RETRY,
            because=because,
            not_before=not_before,
            due_at=due,
            cleared_at=None,
        )


def _poison(message: PlannedMessage) -> PlannedMessage:
    """The row given up: whoever takes it in hand dies of it. What was perhaps sent is for a person to judge."""
    because = f"claimed {message.attempts} times without a result"
    if message.state is State.UNCERTAIN:
        return replace(message, resend_at=None, because=because)
    return replace(message, state=State.FAILED, reason=Reason.POISON, because=because)


def _put_back(message: PlannedMessage) -> PlannedMessage:
    """The row as it was before the claim."""
    if message.state is State.UNCERTAIN:
        return replace(message, attempts=message.attempts - 1)
    return replace(message, state=State.PLANNED, attempts=message.attempts - 1, cleared_at=None)
