"""Breakers: whether an account is asked to carry messages, and when a single one may find out how it is.

Pure. An account that is in trouble is left alone for a pause that doubles; then one message of one process probes it, and
only what becomes of that message decides. What else comes back late changes nothing, so that the pause stays true.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

PREFIX: Final = "account/"
"""How the queue of an account begins; its name follows."""
ENOUGH: Final = 5
"""Failures in a row that open a breaker, where one alone proves nothing."""
FIRST: Final = timedelta(seconds=30)
FIRST_OF_LOGIN: Final = timedelta(minutes=2)
"""A login that is refused again and again gets an account locked: at most three of them in ten minutes."""
LONGEST: Final = timedelta(minutes=15)
_PROVES_IT: Final = frozenset({"auth", "tls"})
"""Stages at which one failure is enough: trying again with the same password or certificate shows the same."""
_REFUSES_US: Final = frozenset({"greeting", "mail"})
"""Stages at which a no for good is meant for us, whatever the message."""
_FOR_GOOD: Final = 500


class Phase(StrEnum):
    """How an account is treated. The text is what is stored and shown."""

    CLOSED = "closed"
    """It is used."""
    OPEN = "open"
    """It is left alone."""
    PROBING = "probing"
    """One message is finding out how it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What is known of one account, by all processes together. All instants are aware and UTC.

    Args:
        transport: whose account.
        failures: in a row, while it is closed.
        pause: how long it was left alone last.
        since: when it was opened; None while it is closed.
        probe_at: when it may be probed; while it is probed, when the prober is given up.
        prober: the process that probes it.
        stage: where the conversation ended that opened it.
        reply: what was said then.
    """

    transport: str
    phase: Phase = Phase.CLOSED
    failures: int = 0
    pause: timedelta = timedelta(0)
    since: datetime | None = None
    probe_at: datetime | None = None
    prober: str = ""
    stage: str = ""
    reply: str = ""

    @property
    def is_open(self) -> bool:
        """Whether messages in general have to wait."""
        return self.phase is not Phase.CLOSED

    def may_be_probed(self, now: datetime) -> bool:
        """Return whether somebody may probe it: its pause is over, or whoever was at it has died."""
        return self.is_open and self.probe_at is not None and self.probe_at <= now


def queue_of(transport: str) -> str:
    """Return the queue in which messages wait for an account."""
    return f"{PREFIX}{transport}"


def failed(breaker: Breaker, *, by: str, stage: str, code: int, reply: str, now: datetime) -> Breaker:
    """Return the breaker after trouble with the account.

    Args:
        breaker: as it was.
        by: the process that tells; while it is probed only the prober counts.
        stage: where the conversation ended.
        code: what the other side said; 0 for nothing.
        reply: the same in words.
        now: aware, UTC.
    """
    match breaker.phase:
        case Phase.OPEN:
            return breaker
        case Phase.PROBING if breaker.prober != by:
            return breaker
    failures = breaker.failures + 1
    told = replace(breaker, failures=failures, stage=stage, reply=reply)
    if breaker.phase is Phase.CLOSED and failures < ENOUGH and not _proves_it(stage, code):
        return told
    pause = min(LONGEST, max(breaker.pause * 2 if breaker.is_open else FIRST, _first(stage)))
    return replace(
        told, phase=Phase.OPEN, pause=pause, probe_at=now + pause, prober="", since=breaker.since or now
    )  # fmt: skip


def works(breaker: Breaker, *, by: str) -> Breaker:
    """Return the breaker after a conversation in which the account was in order, told by this process."""
    if breaker.phase is Phase.OPEN or (breaker.phase is Phase.PROBING and breaker.prober != by):
        return breaker
    return Breaker(transport=breaker.transport)


def probed(breaker: Breaker, *, by: str, now: datetime, until: datetime) -> Breaker:
    """Return the breaker with this process as its prober, until then; as it was when it may not be probed."""
    if not breaker.may_be_probed(now):
        return breaker
    return replace(breaker, phase=Phase.PROBING, prober=by, probe_at=until)


def handed_back(breaker: Breaker, *, by: str, now: datetime) -> Breaker:
    """Return the breaker after its prober found nothing out: the next message may probe it at once."""
    if breaker.phase is not Phase.PROBING or breaker.prober != by:
        return breaker
    return replace(breaker, phase=Phase.OPEN, prober="", probe_at=now)


def hurried(breaker: Breaker, *, now: datetime) -> Breaker:
    """Return the breaker as one that may be probed now: somebody has changed the settings, or says so."""
    if breaker.phase is not Phase.OPEN or breaker.may_be_probed(now):
        return breaker
    return replace(breaker, probe_at=now)


def _proves_it(stage: str, code: int) -> bool:
    return stage in _PROVES_IT or (stage in _REFUSES_US and code >= _FOR_GOOD)


def _first(stage: str) -> timedelta:
    return FIRST_OF_LOGIN if stage == "auth" else FIRST
