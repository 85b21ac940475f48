"""When people are told of alerts: at once what cannot wait, the rest once a day, and never too often."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.domain.alerts import GRAVITY, Alert, AlertKind
from messenger.domain.notices import AGAIN, MOST_A_DAY, REPEATS, SETTLED, SPACING, Manner, Notice, notice_due

MADRID = Manner(zone=ZoneInfo("Europe/Madrid"))
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
THIS_MORNING = datetime(2026, 3, 2, 8, 5, tzinfo=UTC)
TOMORROW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
URGENT, LATER = AlertKind.ACCOUNT, AlertKind.FAILED


def alert(kind: AlertKind = URGENT, **more: object) -> Alert:
    return replace(Alert(id=1, kind=kind, subject="main", since=NOW, seen_at=NOW), **more)  # type: ignore[arg-type]  # fields of an alert


def due(
    *alerts: Alert, now: datetime = NOW, told_at: datetime | None = None, digest_at: datetime = THIS_MORNING
) -> Notice | None:
    return notice_due(alerts, MADRID, now=now, told_at=told_at, digest_at=digest_at)


def told(notice: Notice | None) -> tuple[int, int, int]:
    return (len(notice.opened), len(notice.again), len(notice.over)) if notice else (0, 0, 0)


def test_what_cannot_wait_is_told_at_once_and_the_rest_with_the_next_daily_notice() -> None:
    assert told(due(alert())) == (1, 0, 0)
    assert due(alert(LATER)) is None
    assert told(due(alert(LATER), now=TOMORROW)) == (1, 0, 0)


def test_what_people_know_of_is_not_news() -> None:
    assert due(alert(told_at=NOW), now=NOW + HOUR) is None
    assert told(due(alert(LATER, told_at=THIS_MORNING), now=TOMORROW)) == (0, 0, 0)


def test_what_cannot_wait_is_told_again_after_a_day_and_what_can_is_not() -> None:
    late = NOW + REPEATS

    assert due(alert(told_at=NOW), now=late - MINUTE, digest_at=TOMORROW) is None
    assert told(due(alert(told_at=NOW), now=late, digest_at=TOMORROW)) == (0, 1, 0)
    assert due(alert(LATER, told_at=NOW), now=late, digest_at=TOMORROW) is None


def test_the_daily_notice_takes_along_what_would_soon_be_told_again() -> None:
    assert told(due(alert(told_at=NOW), now=TOMORROW)) == (0, 1, 0)
    assert told(due(alert(told_at=TOMORROW - 11 * HOUR), now=TOMORROW)) == (0, 0, 0)


def test_what_is_over_is_told_once_and_only_when_it_stays_so() -> None:
    over = alert(told_at=NOW, ended_at=NOW + HOUR)

    assert due(over, now=NOW + HOUR + SETTLED - MINUTE) is None
    assert told(due(over, now=NOW + HOUR + SETTLED)) == (0, 0, 1)
    assert due(replace(over, over_told_at=NOW + 2 * HOUR), now=NOW + 3 * HOUR) is None


def test_what_can_wait_is_told_over_with_the_daily_notice() -> None:
    over = alert(LATER, told_at=THIS_MORNING, ended_at=NOW)

    assert due(over, now=NOW + 2 * HOUR) is None
    assert told(due(over, now=TOMORROW)) == (0, 0, 1)


def test_what_came_and_went_before_anybody_was_told_is_not_told() -> None:
    assert due(alert(ended_at=NOW), now=NOW + HOUR) is None
    assert told(due(alert(LATER, ended_at=NOW), now=TOMORROW)) == (0, 0, 0)


def test_what_opens_again_is_told_again_only_after_a_while() -> None:
    again = alert(told_at=NOW, over_told_at=NOW + HOUR, since=NOW + 2 * HOUR)

    assert due(again, now=NOW + AGAIN - MINUTE) is None
    assert told(due(again, now=NOW + AGAIN)) == (1, 0, 0)


def test_what_opens_again_before_it_was_told_over_never_ended_for_people() -> None:
    assert due(alert(told_at=NOW, since=NOW + HOUR), now=NOW + 10 * HOUR) is None


def test_what_comes_up_shortly_after_a_notice_waits_to_be_told_together() -> None:
    assert due(alert(), told_at=NOW - SPACING + MINUTE) is None
    assert told(due(alert(), alert(AlertKind.DISK), told_at=NOW - SPACING)) == (2, 0, 0)


def test_the_daily_notice_does_not_wait_for_another_one() -> None:
    assert due(now=TOMORROW, told_at=TOMORROW - MINUTE) == Notice(is_digest=True)


def test_more_that_is_open_is_counted() -> None:
    notice = due(alert(), alert(AlertKind.DISK, told_at=NOW), alert(LATER, told_at=THIS_MORNING), alert(LATER))

    assert notice is not None
    assert notice.others == 2


@pytest.mark.parametrize(("local", "is_told"), [("21:59", True), ("22:00", False), ("06:59", False), ("07:00", True)])
def test_nothing_is_told_in_quiet_hours(local: str, is_told: bool) -> None:
    manner = replace(MADRID, quiet=(time(22), time(7)))
    at = datetime.combine(NOW.date(), time.fromisoformat(local), MADRID.zone).astimezone(UTC)

    notice = notice_due([alert()], manner, now=at, told_at=None, digest_at=at)

    assert bool(notice) == is_told


def test_quiet_hours_within_a_day() -> None:
    manner = replace(MADRID, quiet=(time(12), time(14)))

    assert [manner.is_quiet(NOW + hours * HOUR) for hours in (-1.5, -1, 0, 1)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        pytest.param("Europe/Madrid", "2026-03-02T07:59", "2026-03-01T08:00", id="not yet today: yesterday's"),
        pytest.param("Europe/Madrid", "2026-03-02T08:00", "2026-03-02T08:00", id="right now"),
        pytest.param("Europe/Madrid", "2026-03-29T20:00", "2026-03-29T07:00", id="the day clocks change"),
        pytest.param("Europe/Madrid", "2026-03-29T06:59", "2026-03-28T08:00", id="the day before, by its own clock"),
        pytest.param("Asia/Shanghai", "2026-03-02T00:30", "2026-03-01T01:00", id="far east"),
    ],
)
def test_the_daily_notice_keeps_to_the_clock_of_the_shop(zone: str, now: str, expected: str) -> None:
    manner = Manner(zone=ZoneInfo(zone))

    found = manner.last_digest(datetime.fromisoformat(now).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


# --- the law of calm --------------------------------------------------------------------------------------------------


class Person:
    """Lives through a history of one alert, and remembers what was told."""

    def __init__(self, kind: AlertKind, manner: Manner) -> None:
        self.alert: Alert | None = None
        self.kind, self.manner = kind, manner
        self.digest_at = NOW
        self.told: list[tuple[datetime, str]] = []

    def hears(self, now: datetime) -> None:
        known = [self.alert] if self.alert else []
        told_at = max((at for at, _ in self.told), default=None)
        notice = notice_due(known, self.manner, now=now, told_at=told_at, digest_at=self.digest_at)
        if notice is None:
            return
        self.digest_at = now if notice.is_digest else self.digest_at
        if self.alert and (notice.opened or notice.again):
            self.told.append((now, "opened" if notice.opened else "again"))
            self.alert = replace(self.alert, told_at=now)
        if self.alert and notice.over:
            self.told.append((now, "over"))
            self.alert = replace(self.alert, over_told_at=now)

    def lives(self, changes: Iterable[tuple[timedelta, bool]], looks_every: timedelta, until: datetime) -> None:
        now = NOW
        for lasts, is_open in [*changes]:
            self._turn(now, is_open)
            now = self._goes_on(now, now + lasts, looks_every)
        self._goes_on(now, until, looks_every)

    def _turn(self, now: datetime, is_open: bool) -> None:
        if is_open and (self.alert is None or not self.alert.is_open):
            known = self.alert or Alert(id=1, kind=self.kind, subject="main", since=now, seen_at=now)
            self.alert = replace(known, since=now, ended_at=None)
        elif not is_open and self.alert is not None and self.alert.is_open:
            self.alert = replace(self.alert, ended_at=now)

    def _goes_on(self, now: datetime, until: datetime, step: timedelta) -> datetime:
        while now < until:
            self.hears(now)
            now += step
        return max(now, until)


LONGEST = 5 * DAY
histories = st.lists(
    st.tuples(st.integers(1, 40 * 60).map(lambda minutes: timedelta(minutes=minutes)), st.booleans()), max_size=14
)
flapping = st.integers(2, 90).map(lambda minutes: [(timedelta(minutes=minutes), bool(turn % 2)) for turn in range(90)])
kinds = st.sampled_from([URGENT, LATER])
manners = st.sampled_from([MADRID, Manner(zone=ZoneInfo("Asia/Shanghai"), quiet=(time(22), time(7)))])


@given(changes=st.one_of(histories, flapping), kind=kinds, manner=manners, step=st.integers(1, 45))
def test_nobody_is_told_too_often_and_each_turn_once(
    changes: list[tuple[timedelta, bool]], kind: AlertKind, manner: Manner, step: int
) -> None:
    person = Person(kind, manner)
    person.lives(changes, timedelta(minutes=step), NOW + LONGEST)

    at = [one for one, _ in person.told]
    assert all(sum(first <= one < first + DAY for one in at) <= MOST_A_DAY for first in at)
    if kind is LATER:
        assert all(sum(first <= one < first + 22 * HOUR for one in at) == 1 for first in at)
        assert "again" not in [what for _, what in person.told]
    turns = [what for _, what in person.told if what != "again"]
    assert all(one != other for one, other in pairwise(turns))
    assert turns[:1] in ([], ["opened"])
    assert not any(manner.is_quiet(one) for one in at)


@settings(deadline=None)
@given(changes=histories, kind=kinds, is_open=st.booleans(), step=st.integers(1, 45))
def test_in_the_end_people_know_how_it_is(
    changes: list[tuple[timedelta, bool]], kind: AlertKind, is_open: bool, step: int
) -> None:
    person = Person(kind, MADRID)
    end = sum((lasts for lasts, _ in changes), timedelta()) + NOW
    person.lives([*changes, (2 * DAY, is_open)], timedelta(minutes=step), end + 2 * DAY)

    was_ever_open = person.alert is not None
    assert (person.alert.is_believed_open if person.alert else False) == (is_open and was_ever_open)


def test_every_kind_has_its_weight() -> None:
    assert set(GRAVITY) == set(AlertKind)
