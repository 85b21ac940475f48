"""Retention: how long what is over stays at hand, and how far back rules have to see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from messenger.domain.rules import Rule, Schedule

FINISHED: Final = timedelta(days=180)
LETTERS: Final = timedelta(days=90)
TICKS: Final = timedelta(days=30)
"""How long it is remembered who did what had to be done once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept where they are at hand.

    Args:
        finished: messages of an order that is over; None for as long as usual, or as rules need if that is longer.
        bodies: the texts that were sent; after that only digest and version of the template stay.
        place: line and column of ``finished`` in messenger.toml.
    """

    finished: timedelta | None = None
    bodies: timedelta = LETTERS
    place: tuple[int, int] = (0, 0)

    def kept(self, schedule: Schedule) -> timedelta:
        """Return how long messages stay at hand by these rules; never shorter than the rules look back."""
        longest = max((one.span for one in look_backs(schedule)), default=timedelta(0))
        return max(self.finished or FINISHED, longest)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookBack:
    """How far back a rule looks, and by which of its keys."""

    rule: Rule
    key: str
    span: timedelta


def look_backs(schedule: Schedule) -> Iterator[LookBack]:
    """Yield everything by which rules look back; also rules that are switched off, which may be switched on again.

    What was told about an order before (``told``) is not among it: an order that has something to say has all its messages.
    """
    for rule in schedule.rules:
        for key, cap in (("cap.per_order", rule.caps.per_order), ("cap.per_buyer", rule.caps.per_buyer)):
            if cap is not None:
                yield LookBack(rule=rule, key=key, span=cap.span)
        if rule.once_span is not None:
            yield LookBack(rule=rule, key="once_per", span=rule.once_span)
        last = rule.delays[-1].length + rule.expiry.length + rule.max_age.length
        yield LookBack(rule=rule, key="delay + expiry + max_age", span=last)
