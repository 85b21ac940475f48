"""Dispatch: claim what is due, ask the guard, render, freeze, hand over, and write down what happened."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from messenger.domain.folding import fold
from messenger.domain.guarding import Go, Stay, decide
from messenger.domain.messages import FrozenMessage, Key, Letter, Outcome, PlannedMessage, Reason, Receipt, State
from messenger.domain.orders import Order
from messenger.domain.retry import MOST_CLAIMS, backoff
from messenger.domain.rules import Rule, Uncertain
from messenger.domain.timing import due_at
from messenger.errors import MessageRefused
from messenger.ports import Clock, Commitment, Composer, OrderKey, Result, Settlement, Store, Transport
from messenger.services.group_commit import GroupCommit
from messenger.services.home import Home
from messenger.services.preparing import Postman, Unwritable

log = logging.getLogger(__name__)

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
    rule: Rule | None
    go: Go | None
    started_at: datetime


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
        self._postman = Postman(home, store.secret("message-id"))
        self._commits: GroupCommit[Commitment] = GroupCommit(store.commit, lambda one: one.id)
        self._results: GroupCommit[Result] = GroupCommit(store.record, lambda one: one.id)
        self.stopping = False

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
        orders = await asyncio.to_thread(self._orders, claimed)
        settled: list[Settlement] = []
        in_hand: dict[str, list[_InHand]] = {}
        for message in claimed:
            if self.stopping:
                settled.append(self._settlement(message, _put_back(message)))
                continue
            ready = self._make_ready(message, orders.get(OrderKey(shop=message.key.shop, number=message.order)))
            if isinstance(ready, PlannedMessage):
                settled.append(self._settlement(message, ready))
                tally.add(ready.state)
            else:
                in_hand.setdefault(ready.message.transport or "", []).append(ready)
        if settled:
            await asyncio.to_thread(self._store.settle, settled)
        await asyncio.gather(*(self._carry(name, ready, tally) for name, ready in in_hand.items()))

    def _orders(self, claimed: Sequence[PlannedMessage]) -> dict[OrderKey, Order]:
        keys = list(dict.fromkeys(OrderKey(shop=one.key.shop, number=one.order) for one in claimed))
        found = self._store.events_of(keys)
        return {key: fold(events) for key, events in found.items() if any(event.order for event in events)}

    def _settlement(self, claimed: PlannedMessage, target: PlannedMessage) -> Settlement:
        return Settlement(id=claimed.id, owner=self._owner, token=claimed.token, at=self._clock.now(), message=target)

    def _make_ready(self, message: PlannedMessage, order: Order | None) -> _InHand | PlannedMessage:
        """The message ready to be carried, or the row as it shall be when it does not leave now."""
        if order is None:
            return replace(message, state=State.SKIPPED, reason=Reason.ERASED, because="the order is no longer known")
        if message.attempts > MOST_CLAIMS and message.reply is None:
            return _poison(message)
        try:
            return self._resend(message, order) if message.state is State.UNCERTAIN else self._first_try(message, order)
        except MessageRefused as error:
            return replace(message, state=State.FAILED, reason=Reason.REFUSED, because=str(error)[:300])

    def _first_try(self, message: PlannedMessage, order: Order) -> _InHand | PlannedMessage:
        now = self._clock.now()
        rule = self._home.schedule.rule(message.key.rule)
        decision = decide(
            message,
            order=order,
            rule=rule if rule and rule.enabled else None,
            shop=self._home.shops.get(message.key.shop),
            zones=self._home.zones,
            now=now,
            told=self._told(message, rule),
        )
        if isinstance(decision, Stay):
            return replace(decision.message, attempts=decision.message.attempts - 1)
        frozen = self._store.frozen(message.id) if message.message_id else None
        if frozen is not None:
            kept = replace(
                message, channel=message.channel or decision.channel, transport=message.transport or decision.transport
            )
            return self._in_hand(
                kept, frozen.letter, rule, decision, version=frozen.template_version, digest=frozen.digest
            )
        written = self._postman.write(message, decision, order, now)
        if isinstance(written, Unwritable):
            return written.applied_to(message, now)
        chosen = replace(
            message,
            channel=decision.channel,
            transport=decision.transport,
            locale=written.letter.locale,
            variant=written.variant,
            message_id=written.letter.message_id,
            trigger=decision.wanted.message.trigger,
        )
        return self._in_hand(chosen, written.letter, rule, decision, version=written.version)

    def _resend(self, message: PlannedMessage, order: Order) -> _InHand | PlannedMessage:
        """The same bytes once more, if there is still a reason for them; else a person decides what to believe."""
        frozen = self._store.frozen(message.id)
        rule = self._home.schedule.rule(message.key.rule)
        decision = decide(
            replace(message, state=State.CLAIMED),
            order=order,
            rule=rule,
            shop=self._home.shops.get(message.key.shop),
            zones=self._home.zones,
            now=self._clock.now(),
            told=self._told(message, rule),
        )
        if frozen is None or isinstance(decision, Stay):
            return replace(
                message,
                resend_at=None,
                because="not sent again: its reason has gone; perhaps it arrived the first time",
            )
        again = replace(message, resent=True)
        return self._in_hand(
            again, frozen.letter, rule, decision, version=frozen.template_version, digest=frozen.digest
        )

    def _told(self, message: PlannedMessage, rule: Rule | None) -> frozenset[str]:
        if rule is None or not any(condition.field.startswith("told.") for condition in rule.where):
            return frozenset()
        rows = self._store.messages_of(OrderKey(shop=message.key.shop, number=message.order))
        return frozenset(row.template for row in rows if row.state.is_committed)

    def _in_hand(
        self, message: PlannedMessage, letter: Letter, rule: Rule | None, go: Go, *, version: str, digest: str = ""
    ) -> _InHand:
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
            rule=rule,
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
            return await self._commits.put(
                Commitment(
                    id=one.message.id, owner=self._owner, token=one.message.token, message=one.message, letter=one.letter,
                    digest=one.digest, template_version=one.version, at=self._clock.now(),
                )
            )  # fmt: skip

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
        due: datetime | None = not_before
        if one.go is not None:
            due = due_at(not_before, one.go.wanted.rule.hours, one.go.wanted.place.zones)
        if due is None or due >= message.expires_at:
            return replace(message, state=State.EXPIRED, reason=Reason.DUE, because=because)
        return replace(
            message, state=State.PLANNED, reason=Reason.RETRY, because=because, not_before=not_before, due_at=due
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
    return replace(message, state=State.PLANNED, attempts=message.attempts - 1)
