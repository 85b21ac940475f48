"""The outlook of a waiting message: everything that stands between it and its buyer, as things are now.

The guard itself is asked, again and again: each time as if what stood in the way before had been dealt with. So nothing
here decides anything, and nothing can be told that the guard would not do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.breakers import PREFIX, Breaker
from messenger.domain.caps import counts_from, opens_at
from messenger.domain.clearing import HORIZON
from messenger.domain.guarding import Decision, Go, Surroundings, decide, may_open
from messenger.domain.lanes import Lane, LaneKey
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.orders import Order, Payment
from messenger.domain.rules import Rule
from messenger.domain.shops import Shop
from messenger.domain.suppressions import Suppression, address_key
from messenger.ports import BuyerKey, Pause, Store
from messenger.services.clearing import silent_sources
from messenger.services.home import Home
from messenger.services.people import PERSON
from messenger.services.speaking.times import hours_in_words, trigger_in_words
from messenger.services.telling.narrator import LANGUAGE, Narrator, shown
from messenger.services.wording import reason_sentence

MOST: Final = 12
"""Obstacles that are looked for; there are fewer kinds of them."""
AT_WORK: Final = timedelta(minutes=2)
"""A worker that has given no sign of life for so long is not at work."""
GOES_ON: Final = frozenset({State.PLANNED, State.HELD, State.WAITING_APPROVAL})
"""States from which a message may still leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """One thing that stands between a message and its buyer.

    Args:
        kind: ``paused``, ``hold``, ``cap``, ``approval`` …: a reason, or a word for what is none.
        text: it in words.
        until: when it ends by itself; None when an event or a person ends it.
        is_final: the message will not be sent because of it.
    """

    kind: str
    text: str
    until: datetime | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a waiting message has before it.

    Args:
        obstacles: in the order in which they are met.
        leaves_at: when it leaves if nothing else happens; None when it does not.
        go: over which channel it would leave; None when it would not.
    """

    obstacles: tuple[Obstacle, ...]
    leaves_at: datetime | None = None
    go: Go | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is true around the messages of one buyer at this moment."""

    home: Home
    shop: Shop | None
    now: datetime
    rows: Sequence[PlannedMessage] = ()
    silent: Mapping[str, datetime] = field(default_factory=dict)
    payments: Sequence[Payment] = ()
    lanes: Mapping[LaneKey, Lane] = field(default_factory=dict)
    pauses: Sequence[Pause] = ()
    suppressed: Mapping[str, Sequence[Suppression]] = field(default_factory=dict)
    alive: datetime | None = None
    """When a worker was last at work."""
    accounts: Mapping[str, Breaker] = field(default_factory=dict)
    """Accounts that are, or were, in trouble."""

    def around(self, at: datetime) -> Surroundings:
        """Return what the guard looks at, were it asked at this instant."""
        return Surroundings(
            schedule=self.home.schedule, shop=self.shop, zones=self.home.zones, now=at, rows=self.rows, silent=self.silent,
            payments=self.payments, lanes=self.lanes, suppressed=self.suppressed,
        )  # fmt: skip

    @property
    def pause(self) -> Pause | None:
        """The pause that keeps the shop's messages back, if one does."""
        mine = {"", self.shop.id} if self.shop else {""}
        return next((one for one in sorted(self.pauses, key=lambda one: one.shop) if one.shop in mine), None)


def situation_of(
    store: Store, home: Home, *, shop: str, buyer: str, now: datetime, email: str | None = None
) -> Situation:
    """Return what is true around one buyer's messages; ``email`` is the address they would go to."""
    key = BuyerKey(shop, buyer)
    rows, payments = store.together(
        lambda unit: (unit.buyer_messages([key], since=now - HORIZON), unit.payments([key]))
    )
    found = home.shops.get(shop)
    silent = silent_sources(found, store.heard(), now) if found and found.sources else {}
    return Situation(
        home=home, shop=found, now=now, rows=rows.get(key, ()), payments=payments.get(key, ()), lanes=store.lanes(),
        silent=silent, suppressed=_suppressed(store, email), pauses=store.pauses(), alive=store.last_alive(), accounts=store.breakers(),
    )  # fmt: skip


def crowding(message: PlannedMessage, rule: Rule, rows: Sequence[PlannedMessage], at: datetime) -> list[PlannedMessage]:
    """Return the messages because of which a cap kept this one waiting at an instant, oldest first."""
    counted = [
        (when, row)
        for row in rows
        if row.key != message.key and (when := counts_from(row, at)) is not None and when <= at
    ]
    found: dict[int, tuple[datetime, PlannedMessage]] = {}
    mine = [(when, row) for when, row in counted if row.order == message.order]
    for cap, among in ((rule.caps.per_order, mine), (rule.caps.per_buyer, counted)):
        if cap is not None and opens_at(cap, [when for when, _ in among], at) is not None:
            found |= {row.id: (when, row) for when, row in among if when > at - cap.span}
    return [row for _, row in sorted(found.values(), key=lambda one: (one[0], one[1].id))]


class Prospect:
    """Looks ahead for the messages of one order."""

    def __init__(self, order: Order, situation: Situation, narrator: Narrator) -> None:
        self._order = order
        self._situation = situation
        self._narrator = narrator
        self._now = situation.now

    def of(self, row: PlannedMessage) -> Outlook:
        """Return what this waiting message has before it."""
        found = list(self._outside(row))
        message, at = self._freed(row), self._now
        for _ in range(MOST):
            decision = self._ask(message, at)
            if isinstance(decision, Go):
                found += self._left_lying(row) if not found else ()
                waits = any(one.until is None for one in found)
                return Outlook(obstacles=tuple(found), leaves_at=None if waits else at, go=decision)
            told = decision.message
            found.append(self._obstacle(message, told, at))
            if told.state not in GOES_ON:
                break
            message, at = _past(message, told, at)
        return Outlook(obstacles=tuple(found))

    def _ask(self, message: PlannedMessage, at: datetime) -> Decision:
        by_hand = message.state is State.AWAITING_STAFF
        return (may_open if by_hand else decide)(message, self._order, self._situation.around(at))

    # --- what the guard is not asked about ----------------------------------------------------------------------

    def _outside(self, row: PlannedMessage) -> Iterator[Obstacle]:
        pause = self._situation.pause
        if pause is not None:
            stopped = f"the shop {pause.shop}" if pause.shop else "everything"
            text = f"{stopped} has been paused by {pause.by} since {self._narrator.when(pause.since)}"
            yield Obstacle(kind=str(Reason.PAUSED), text=text)
        if row.gated:
            yield Obstacle(kind="valve", text=f"intake {row.intake} has not been taken in to its end yet")
        if row.state is State.HELD and row.because.startswith(PERSON):
            yield Obstacle(kind=str(Reason.HOLD), text=self._narrator.hold(row.because))
        account = self._situation.accounts.get(row.queue.removeprefix(PREFIX)) if row.queue.startswith(PREFIX) else None
        if account is not None and account.is_open:
            yield self._trouble(account)
        if row.state is State.AWAITING_STAFF:
            yield Obstacle(kind="desk", text="a person has to send it by hand")

    def _trouble(self, account: Breaker) -> Obstacle:
        since = f" since {self._narrator.when(account.since)}" if account.since else ""
        text = f"the account {account.transport} is in trouble{since} ({shown(account.reply or account.stage)})"
        again = account.probe_at if account.probe_at and account.probe_at > self._now else None
        tried = f"; it is tried again {self._narrator.when(again)}" if again else ""
        return Obstacle(kind=str(Reason.BREAKER), text=text + tried)

    def _left_lying(self, row: PlannedMessage) -> Iterator[Obstacle]:
        """Nothing stands in its way, and nobody has taken it: is there a worker at all?"""
        alive, late = self._situation.alive, self._now - AT_WORK
        if row.due_at <= late and (alive is None or alive <= late):
            seen = f" (one was last seen {self._narrator.when(alive)})" if alive else ""
            yield Obstacle(kind="worker", text=f"no worker is at work{seen}: messenger run starts one")

    @staticmethod
    def _freed(row: PlannedMessage) -> PlannedMessage:
        """The row as if the person who holds it had let it go."""
        by_a_person = row.state is State.HELD and row.because.startswith(PERSON)
        return replace(row, reason=None) if by_a_person else row

    # --- what it is asked about ---------------------------------------------------------------------------------

    def _obstacle(self, message: PlannedMessage, told: PlannedMessage, at: datetime) -> Obstacle:
        rule = self._situation.home.schedule.rule(told.key.rule)
        match told.state:
            case State.HELD:
                until = told.due_at if told.due_at < told.expires_at else None
                ends = f", until {self._narrator.when(until)} at the latest" if until else ""
                return Obstacle(kind=str(Reason.HOLD), text=self._narrator.hold(told.because) + ends, until=until)
            case State.WAITING_APPROVAL:
                text = f"a person has to approve it: {self._narrator.approval(told.because)}"
                return Obstacle(kind=str(Reason.APPROVAL), text=text)
            case State.PLANNED:
                text = self._later(message, told, at, rule)
                return Obstacle(kind=str(told.reason or "time"), text=text, until=told.due_at)
        standing = self._narrator.standing(told.state, str(told.reason or ""), told.because, rule)
        return Obstacle(kind=str(told.reason or told.state), text=standing, is_final=True)

    def _later(self, message: PlannedMessage, told: PlannedMessage, at: datetime, rule: Rule | None) -> str:
        due = self._narrator.when(told.due_at)
        if rule is None:
            return f"not before {due}"
        if told.reason is None:
            return self._by_the_clock(message, told, at, rule)
        why = f"{reason_sentence(told.reason, LANGUAGE, told.state)}; not before {due}"
        cause = {Reason.CAP: self.crowd(message, rule, at), Reason.RETRY: shown(told.because)}.get(told.reason, "")
        return f"{why} ({cause})" if cause else why

    def _by_the_clock(self, message: PlannedMessage, told: PlannedMessage, at: datetime, rule: Rule) -> str:
        """It is not time yet: the rule wants it later, or its hours are over."""
        narrator, words = self._narrator, self._narrator.words
        parts: list[str] = []
        if told.trigger != message.trigger:
            parts.append(f"there is newer news: {narrator.event(told.trigger)}")
        if told.wanted_at > at:
            parts.append(f"it is wanted {trigger_in_words(rule, words)}: at {narrator.when(told.wanted_at)}")
        if told.due_at > max(at, told.wanted_at):
            parts.append(f"it leaves {self._hours(rule, at)}: next at {narrator.when(told.due_at)}")
        return "; ".join(parts)

    def _hours(self, rule: Rule, at: datetime) -> str:
        """The rule's hours; where the buyer's zone is not known, whose clocks they have to suit."""
        hours = hours_in_words(rule.hours, rule.zone, self._narrator.words)
        shop = self._situation.shop
        place = self._situation.home.zones.of_rule(
            rule.zone, buyer=self._order.buyer, shop_zone=shop.zone if shop else "UTC", hours=rule.hours, at=at
        )
        return f"{hours} ({place.because})" if len(place.zones) > 1 else hours

    def crowd(self, message: PlannedMessage, rule: Rule, at: datetime) -> str:
        """Return the messages that count for a cap, in words."""
        crowd = crowding(message, rule, self._situation.rows, at)
        return self._narrator.words.both(
            [
                f"{self._narrator.name(row.key, order=row.order)} {'left' if row.sent_at else 'is leaving'}"
                f"{f' {self._narrator.when(row.sent_at)}' if row.sent_at else ''}"
                for row in crowd
            ]
        )


def _past(message: PlannedMessage, told: PlannedMessage, at: datetime) -> tuple[PlannedMessage, datetime]:
    """The message, and the instant, at which an obstacle has been dealt with."""
    match told.state:
        case State.HELD:
            ends = told.due_at if told.due_at < told.expires_at else at
            return replace(message, released_at=ends, reason=None), max(at, ends)
        case State.WAITING_APPROVAL:
            return replace(message, approved_by="somebody", reason=None), at
        case _:
            moved = replace(told, not_before=None, reason=None, state=message.state)
            return moved, max(at, told.due_at)


__all__ = ["Obstacle", "Outlook", "Prospect", "Situation", "crowding", "situation_of"]


def _suppressed(store: Store, email: str | None) -> Mapping[str, Sequence[Suppression]]:
    if not email:
        return {}
    key = address_key(store.secret("addresses"), email)
    return {email: store.suppressed([key]).get(key, [])}
