"""Lanes say what parcels really took, and nothing when too few have arrived to say it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from messenger.domain.lanes import FEWEST, Journey, LaneKey, snapshot
from tests.builders import utc

LANE = LaneKey(shop="toys", country="ES", method="epacket")
LEFT = utc("2026-03-01T10:00")
DAY = date(2026, 6, 1)


def journey(number: int, days: float, *, left: datetime = LEFT) -> Journey:
    return Journey(
        lane=LANE, order=str(number), shipment=f"RR{number}", shipped_at=left, delivered_at=left + timedelta(days=days)
    )


def test_percentiles_are_the_days_within_which_that_share_had_arrived() -> None:
    lane = snapshot(LANE, [journey(number, number) for number in range(1, 21)], DAY)

    assert (lane.parcels, lane.p50_days, lane.p90_days) == (20, Decimal("10.0"), Decimal("18.0"))


def test_below_twenty_parcels_nothing_is_said() -> None:
    lane = snapshot(LANE, [journey(number, 9) for number in range(FEWEST - 1)], DAY)

    assert (lane.parcels, lane.p50_days, lane.p90_days) == (19, None, None)


def test_the_order_of_arrival_does_not_matter() -> None:
    journeys = [journey(number, (number * 7) % 23 + 0.04) for number in range(40)]

    assert snapshot(LANE, journeys, DAY) == snapshot(LANE, reversed(journeys), DAY)


@pytest.mark.parametrize(
    ("arrived", "counts"),
    [
        pytest.param("2026-05-31T23:59", True, id="yesterday"),
        pytest.param("2026-06-01T00:00", False, id="on the day itself: a day's snapshot does not change during it"),
        pytest.param("2025-12-03T10:00", True, id="180 days ago"),
        pytest.param("2025-12-02T10:00", False, id="181 days ago"),
    ],
)
def test_only_the_last_180_days_count(arrived: str, *, counts: bool) -> None:
    delivered = utc(arrived)
    one = Journey(
        lane=LANE, order="1", shipment="RR1", shipped_at=delivered - timedelta(days=9), delivered_at=delivered
    )

    assert snapshot(LANE, [one], DAY).parcels == int(counts)


def test_days_have_one_decimal() -> None:
    assert journey(1, 12.26).days == Decimal("12.3")
