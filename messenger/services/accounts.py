"""Accounts: which messages may leave by them now, and which have to wait; what is known is shared by all processes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from messenger.domain.breakers import Breaker, Phase, failed, handed_back, probed, works
from messenger.domain.guarding import Go
from messenger.domain.messages import Outcome, PlannedMessage, Reason, Receipt
from messenger.domain.pacing import (
    LONG_PAUSE,
    SPREAD,
    Allowance,
    Rate,
    available,
    is_too_fast,
    present_rate,
    reserved,
    slowed,
    taken,
)
from messenger.ports import Clock, Store
from messenger.services.following import A_MOMENT, behind, later
from messenger.services.lookout import tell_of_outage
from messenger.services.parcels import domain_of

log = logging.getLogger(__name__)

KEPT_FOR: Final = timedelta(minutes=1)
"""A place that was kept for a message is its own for so long; who comes later asks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a transport may carry at a time; nothing limits what is not named.

    Args:
        connections: conversations it can have at the same time.
        whole: messages by the account.
        domains: to each of these domains.
    """

    connections: int = 4
    whole: Rate | None = None
    domains: Mapping[str, Rate] = field(default_factory=dict)


USUAL: Final = Limits()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A message that its guard lets pass, and where it goes; ``place`` is the instant that was kept for it, if one was."""

    message: PlannedMessage
    go: Go
    place: datetime | None = None

    @property
    def domain(self) -> str:
        """Where it goes."""
        return domain_of(self.go.recipient)


@dataclass(slots=True)
class Admission:
    """Which of some candidates may leave now, and the rows of the others as they shall be."""

    go: list[Candidate] = field(default_factory=list)
    stay: list[tuple[PlannedMessage, PlannedMessage]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Accounts:
    """The accounts as one process sees them. Its methods wait for the database: not for an event loop."""

    store: Store
    clock: Clock
    owner: str
    lease: timedelta
    limits: Mapping[str, Limits] = field(default_factory=dict)
    _known: dict[str, Breaker] = field(default_factory=dict)
    _allowances: dict[str, Allowance] = field(default_factory=dict)

    def refresh(self) -> None:
        """Look at what others have found out."""
        self._known = self.store.breakers()
        self._allowances = self.store.allowances(now=self.clock.now())

    def is_open(self, transport: str) -> bool:
        """Return whether an account is known to be in trouble."""
        breaker = self._known.get(transport)
        return breaker is not None and breaker.is_open

    def is_mine_to_probe(self, transport: str) -> bool:
        """Return whether this process is finding out how an account is."""
        breaker = self._known.get(transport)
        return breaker is not None and breaker.phase is Phase.PROBING and breaker.prober == self.owner

    def room(self, transport: str, places: int) -> int:
        """Return how many of these places its rate leaves."""
        rate = self.limits_of(transport).whole
        if rate is None:
            return places
        return min(places, available(self._allowance(transport), rate, self.clock.now()))

    def next_room(self) -> datetime | None:
        """Return when an account whose rate is used up may carry its next message; None when none is."""
        now = self.clock.now()
        used_up = [
            now + one.whole.interval
            for name, one in self.limits.items()
            if one.whole is not None and not available(self._allowance(name), one.whole, now)
        ]
        return min(used_up, default=None)

    def is_slow(self, transport: str, domain: str) -> bool:
        """Return whether a domain has asked for less."""
        return self._allowance(f"{transport}/{domain}").slowness_at(self.clock.now()) > 0

    # --- before a try -------------------------------------------------------------------------------------------

    def admit(self, transport: str, candidates: Sequence[Candidate], *, places: int) -> Admission:
        """Return which of these may leave by an account now.

        Args:
            transport: its name.
            candidates: cleared messages, the first to leave first.
            places: how many more may be in hand.
        """
        if self._known.get(transport, Breaker(transport=transport)).is_open:
            return self._behind_a_breaker(transport, candidates)
        found = Admission()
        willing = [one for one in candidates if self._domain_allows(transport, one, found)]
        most = min(places, self._granted(transport, min(places, len(willing))))
        found.go = willing[:most]
        self._keep_waiting(found, willing[most:], "as many are on their way as may be", reason=Reason.RATE)
        return found

    def _behind_a_breaker(self, transport: str, candidates: Sequence[Candidate]) -> Admission:
        """All wait but one: the one by which this process probes the account."""
        found, now = Admission(), self.clock.now()
        breaker = self._known[transport]
        if candidates and breaker.may_be_probed(now) and not self.is_mine_to_probe(transport):
            breaker = self._turn(transport, partial(probed, by=self.owner, now=now, until=now + self.lease))
        probes = 1 if self.is_mine_to_probe(transport) else 0
        found.go = list(candidates[:probes])
        self._keep_waiting(found, candidates[probes:], breaker.reply or breaker.stage, reason=Reason.BREAKER)
        return found

    def waits_behind(self, message: PlannedMessage) -> PlannedMessage:
        """Return the row of a message that could not be handed over any more, because its account is in trouble."""
        breaker = self._known.get(message.transport or "", Breaker(transport=message.transport or ""))
        return behind(message, breaker.reply or breaker.stage, self._again_at(message.transport or ""))

    def _keep_waiting(self, found: Admission, candidates: Sequence[Candidate], why: str, *, reason: Reason) -> None:
        for one in candidates:
            again_at = self._again_at(one.message.transport or one.go.transport)
            row = replace(one.message, transport=one.go.transport)
            found.stay.append((one.message, behind(row, why, again_at, reason=reason)))

    def _again_at(self, transport: str) -> datetime:
        breaker, soon = self._known.get(transport), self.clock.now() + A_MOMENT
        return max(soon, breaker.probe_at) if breaker is not None and breaker.probe_at is not None else soon

    def _granted(self, transport: str, wanted: int) -> int:
        rate = self.limits_of(transport).whole
        if rate is None or not wanted:
            return wanted
        now = self.clock.now()

        def step(allowance: Allowance) -> tuple[Allowance, int]:
            became, count = taken(allowance, rate, wanted, now)
            self._allowances[transport] = became
            return became, count

        return self.store.turn_allowance(transport, step)

    def _domain_allows(self, transport: str, one: Candidate, found: Admission) -> bool:
        """Whether a message may go to its domain now; if not, a place is kept for it."""
        name, now = f"{transport}/{one.domain}", self.clock.now()
        rate = present_rate(self._allowance(name), self.limits_of(transport).domains.get(one.domain), now)
        if rate is None or (one.place is not None and one.place <= now < one.place + KEPT_FOR):
            return True

        def step(allowance: Allowance) -> tuple[Allowance, datetime]:
            became, at = reserved(allowance, rate, now)
            self._allowances[name] = became
            return became, at

        at = self.store.turn_allowance(name, step)
        if at <= now:
            return True
        uncounted = replace(one.message, attempts=max(0, one.message.attempts - 1))
        found.stay.append((one.message, later(uncounted, one.go, at, one.domain, reason=Reason.RATE)))
        return False

    # --- after a try --------------------------------------------------------------------------------------------

    def is_news(self, transport: str, receipt: Receipt) -> bool:
        """Return whether ``told`` would have something to write: most answers say nothing new about an account."""
        breaker = self._known.get(transport)
        is_known_good = breaker is None or (not breaker.failures and not breaker.is_open)
        is_calm = receipt.outcome is not Outcome.ACCOUNT and not is_too_fast(receipt.code, receipt.status)
        return not (is_known_good and is_calm)

    def told(self, transport: str, receipt: Receipt, *, domain: str = "") -> None:
        """Take in what one try says about its account, and about the domain it went to."""
        if receipt.outcome is Outcome.ACCOUNT:
            trouble = partial(
                failed, by=self.owner, stage=receipt.stage, code=receipt.code, reply=receipt.reply, now=self.clock.now()
            )  # fmt: skip
            self._turn(transport, trouble)
            return
        breaker = self._known.get(transport)
        if breaker is not None and (breaker.failures or self.is_mine_to_probe(transport)):
            self._let_waiting_out(breaker)
            self._turn(transport, partial(works, by=self.owner))
        if domain and is_too_fast(receipt.code, receipt.status) and receipt.stage not in _ABOUT_US:
            self._slow_down(f"{transport}/{domain}")

    def _let_waiting_out(self, breaker: Breaker) -> None:
        """After a long time nobody gets a heap at once: what waits is spread before the account is used again."""
        now = self.clock.now()
        if breaker.since is None or now - breaker.since <= LONG_PAUSE or not self.is_mine_to_probe(breaker.transport):
            return
        moved = self.store.spread(now=now, over=SPREAD, transport=breaker.transport)
        if moved:
            log.warning("spread_after_trouble", extra={"transport": breaker.transport, "messages": moved})
            tell_of_outage(self.store, now, messages=moved, since=breaker.since)

    def hand_back(self, transport: str) -> None:
        """Say that a probe found nothing out, if this process was at one."""
        if self.is_mine_to_probe(transport):
            self._turn(transport, partial(handed_back, by=self.owner, now=self.clock.now()))

    def _slow_down(self, name: str) -> None:
        now = self.clock.now()

        def step(allowance: Allowance) -> tuple[Allowance, None]:
            found.append(slowed(allowance, now))
            return found[-1], None

        found: list[Allowance] = []
        self.store.turn_allowance(name, step)
        self._allowances[name] = found[-1]  # another thread may be looking at them anew at this moment
        log.info("domain_slowed", extra={"domain": name, "slowness": found[-1].slowness})

    def _turn(self, transport: str, step: Callable[[Breaker], Breaker]) -> Breaker:
        was, became = self.store.turn_breaker(transport, step)
        self._known[transport] = became
        if became.pause != was.pause:
            log.warning(
                "account_works" if became.phase is Phase.CLOSED else "account_in_trouble", extra=_fields(became)
            )
        return became

    def limits_of(self, transport: str) -> Limits:
        """Return how much a transport may carry."""
        return self.limits.get(transport, USUAL)

    def _allowance(self, name: str) -> Allowance:
        return self._allowances.get(name, Allowance(name=name))


_ABOUT_US: Final = frozenset({"connect", "greeting", "ehlo", "tls", "auth", "mail"})
"""Stages that have nothing to do with where a message goes."""


def _fields(breaker: Breaker) -> dict[str, object]:
    return {"transport": breaker.transport, "stage": breaker.stage, "pause_seconds": breaker.pause.total_seconds()}
