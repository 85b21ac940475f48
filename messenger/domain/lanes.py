"""Lanes: how long parcels of one method take to one country, as a daily snapshot of what really arrived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

FEWEST: Final = 20
"""Parcels; of fewer nothing is said, because one late parcel would decide."""
LOOK_BACK: Final = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneKey:
    """A way parcels go: from one shop, to one country, by one method (as rules name it); empty when not told."""

    shop: str
    country: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One parcel that arrived."""

    lane: LaneKey
    order: str
    shipment: str
    shipped_at: datetime
    delivered_at: datetime

    @property
    def days(self) -> Decimal:
        """How long it took, in days with one decimal."""
        return Decimal(round((self.delivered_at - self.shipped_at) / timedelta(days=1), 1)).quantize(Decimal("0.1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """What a lane's parcels of the last 180 days took, as of ``day``. Days are counted from dispatch to arrival.

    Below 20 parcels ``p50_days`` and ``p90_days`` are None: nothing honest can be said.
    """

    key: LaneKey
    day: date
    parcels: int
    p50_days: Decimal | None
    p90_days: Decimal | None


def snapshot(key: LaneKey, journeys: Iterable[Journey], day: date) -> Lane:
    """Return the lane as its journeys tell it on this day; later arrivals and those older than 180 days do not count.

    The percentiles are nearest-rank: the smallest number of days within which at least that share had arrived.
    """
    days = sorted(
        one.days for one in journeys if one.delivered_at.date() < day and day - one.delivered_at.date() <= LOOK_BACK
    )
    return lane_with(key, days, day)


def lane_with(key: LaneKey, ordered: Sequence[Decimal], day: date) -> Lane:
    """Return the lane whose parcels took so many days each, the fastest first."""
    if len(ordered) < FEWEST:
        return Lane(key=key, day=day, parcels=len(ordered), p50_days=None, p90_days=None)
    p50, p90 = _percentile(ordered, 50), _percentile(ordered, 90)
    return Lane(key=key, day=day, parcels=len(ordered), p50_days=p50, p90_days=p90)


def _percentile(ordered: Sequence[Decimal], share: int) -> Decimal:
    return ordered[-(-len(ordered) * share // 100) - 1]
