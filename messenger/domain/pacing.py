"""Pacing: how many messages may go to an account or a domain in a span of time.

Pure. An allowance is one instant, the moment at which everything that was handed out has been earned back; so processes
share it through one row, take from it in batches, and never count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

SPANS: Final = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LONG_PAUSE: Final = timedelta(hours=6)
"""After so long a stand-still, of everything or of one account, what has fallen due meanwhile is spread."""
SPREAD: Final = timedelta(hours=2)
"""Over how long."""
AT_ONCE: Final = 10
"""One in so many may leave at once; the rest follows evenly, so that no span of time sees more than the rate says."""
CALMS_DOWN: Final = timedelta(minutes=10)
"""After so long without another complaint a domain is trusted with twice as much."""
SLOWEST: Final = 6
_TOO_FAST: Final = re.compile(r"4\.7\.\d{1,3}")
_CLOSING: Final = 421


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages in any span of this length.

    Raises:
        ValueError: none at all, or in no time.
    """

    count: int
    span: timedelta

    def __post_init__(self) -> None:
        if self.count < 1 or self.span <= timedelta(0):
            raise ValueError(f"a rate is at least one message in some time, got {self.count} in {self.span}")

    @property
    def burst(self) -> int:
        """How many may leave at once after a rest."""
        return max(1, self.count // AT_ONCE)

    @property
    def interval(self) -> timedelta:
        """How far apart messages are after that."""
        return -(-self.span // (self.count - self.burst + 1))  # rounded up: never faster


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What an account or a domain has used up. All instants are aware and UTC.

    Args:
        name: ``main``, or ``main/gmail.com`` for a domain reached by it.
        free_at: when all that was handed out has been earned back; None when nothing was.
        slowness: how often it was halved because the domain asked for less.
        slowed_at: when that last happened.
    """

    name: str
    free_at: datetime | None = None
    slowness: int = 0
    slowed_at: datetime | None = None

    def slowness_at(self, now: datetime) -> int:
        """Return how slow it still is: every ten quiet minutes it becomes twice as fast."""
        if self.slowed_at is None:
            return 0
        return max(0, self.slowness - max(0, (now - self.slowed_at) // CALMS_DOWN))


def parsed_rate(text: str) -> Rate:
    """Return the rate that a text such as ``300/m`` tells; spans are s, m, h and d.

    Raises:
        ValueError: it tells none.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,6})/([smhd])", text)
    if found is None:
        raise ValueError(f"cannot read {text!r}")
    return Rate(int(found[1]), SPANS[found[2]])


def available(allowance: Allowance, rate: Rate, now: datetime) -> int:
    """Return how many may leave now."""
    ahead = max(timedelta(0), (allowance.free_at or now) - now)
    room = rate.interval * (rate.burst - 1) - ahead
    return 0 if room < timedelta(0) else room // rate.interval + 1


def taken(allowance: Allowance, rate: Rate, wanted: int, now: datetime) -> tuple[Allowance, int]:
    """Return the allowance after some of those wanted were let go, and how many."""
    count = min(wanted, available(allowance, rate, now))
    if count <= 0:
        return allowance, 0
    start = max(now, allowance.free_at or now)
    return replace(allowance, free_at=start + rate.interval * count), count


def reserved(allowance: Allowance, rate: Rate, now: datetime) -> tuple[Allowance, datetime]:
    """Return the allowance after a place was kept for one message, and the instant at which it may leave."""
    start = max(now, allowance.free_at or now)
    return replace(allowance, free_at=start + rate.interval), max(now, start - rate.interval * (rate.burst - 1))


def free_from(allowance: Allowance, rate: Rate, now: datetime) -> datetime:
    """Return the instant at which the next message may leave."""
    return reserved(allowance, rate, now)[1]


def is_too_fast(code: int, status: str) -> bool:
    """Return whether an answer means that the domain wants less at a time. Source: RFC 5321, 3.8; RFC 3463, 3.8."""
    return code == _CLOSING or _TOO_FAST.fullmatch(status) is not None


def slowed(allowance: Allowance, now: datetime) -> Allowance:
    """Return the allowance of a domain that has just asked for less; answers that come together count once."""
    if allowance.slowed_at is not None and now - allowance.slowed_at < timedelta(seconds=30):
        return allowance
    return replace(allowance, slowness=min(SLOWEST, allowance.slowness_at(now) + 1), slowed_at=now)


def present_rate(allowance: Allowance, rate: Rate | None, now: datetime) -> Rate | None:
    """Return the rate that holds for a domain now: the configured one, and what its slowness leaves; None for no limit."""
    slowness = allowance.slowness_at(now)
    if not slowness:
        return rate
    slow = Rate(1, timedelta(seconds=1) * (1 << slowness))
    return slow if rate is None or slow.interval > rate.interval else rate
