"""How far a shop has been read: what is planned, in which order pages are read, and that a cursor says all of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messenger.platforms.aliexpress.orders import MANY
from messenger.platforms.aliexpress.progress import Job, Progress, read_progress, written
from tests.builders import utc

NOW = utc("2026-03-02T12:00")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def planned(progress: Progress, *, at: timedelta = timedelta(0), parcels: timedelta | None = None) -> list[str]:
    return [one.kind for one in progress.planned(NOW + at, history=2 * DAY, parcels_every=parcels).jobs]


def done(progress: Progress, *, at: timedelta = timedelta(0), parcels: timedelta | None = None) -> Progress:
    progress = progress.planned(NOW + at, history=2 * DAY, parcels_every=parcels)
    while progress.jobs:
        progress = progress.going_on(None)
    return progress


def pages(job: Job, count: int, *, fills: int = 0) -> list[int]:
    """The numbers of the pages as they are read; of uncounted ones so many are full."""
    read: list[int] = []
    rest: Job | None = job
    while rest is not None:
        read.append(rest.number)
        rest = rest.after_page(count, is_full=len(read) <= fills)
    return read


def test_the_first_time_everything_open_is_read_and_what_ended_day_by_day() -> None:
    assert planned(Progress()) == ["sweep", "past", "past"]


def test_then_what_has_changed() -> None:
    assert planned(done(Progress()), at=HOUR / 6) == ["open", "ended"]


def test_old_orders_that_ended_are_asked_for_every_hour_in_spans_the_platform_lists() -> None:
    assert planned(done(Progress()), at=HOUR) == ["open", "ended", *["ended_old"] * 5]


def test_once_a_day_everything_open_is_read_again() -> None:
    assert planned(done(Progress()), at=DAY)[0] == "sweep"


def test_parcels_are_asked_about_in_their_own_time() -> None:
    progress = done(Progress(), parcels=6 * HOUR)

    assert "parcels" not in planned(progress, at=5 * HOUR, parcels=6 * HOUR)
    assert "parcels" in planned(progress, at=6 * HOUR, parcels=6 * HOUR)
    assert "parcels" not in planned(progress, at=6 * HOUR)


def test_what_a_turn_has_left_comes_first() -> None:
    progress = Progress().planned(NOW, history=2 * DAY, parcels_every=None).going_on(None)

    assert planned(progress, at=DAY) == ["past", "past"]


def test_each_span_begins_where_the_last_one_ended_and_a_little_before() -> None:
    progress = done(Progress()).planned(NOW + HOUR / 2, history=DAY, parcels_every=None)

    assert progress.jobs[0].changed == (NOW - timedelta(minutes=10), NOW + HOUR / 2)


def test_a_span_counts_as_read_only_when_all_of_it_was() -> None:
    progress = Progress().planned(NOW, history=2 * DAY, parcels_every=None)

    assert progress.going_on(progress.jobs[0]).read == {}
    progress = progress.going_on(None).going_on(None)
    assert "ended" not in progress.read
    assert progress.going_on(None).read["ended"] == NOW


@pytest.mark.parametrize(("count", "expected"), [(0, [1]), (1, [1]), (2, [1, 2, 1]), (4, [1, 4, 3, 2, 1])])
def test_pages_are_read_from_the_last_to_the_first(count: int, expected: list[int]) -> None:
    job = Job(kind="open", created=(NOW - DAY, NOW))

    assert pages(job, count) == (expected if count else [1])


def test_pages_that_nobody_counts_are_read_until_one_is_not_full() -> None:
    assert pages(Job(kind="open", created=(NOW - DAY, NOW)), MANY, fills=2) == [1, 2, 3]


def test_a_cursor_says_all_of_it() -> None:
    progress = done(Progress()).planned(NOW + DAY, history=DAY, parcels_every=HOUR).going_on(None)

    assert read_progress(written(progress)) == progress
    assert read_progress("") == Progress()
