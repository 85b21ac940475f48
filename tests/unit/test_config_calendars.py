"""Calendars from texts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import date

import pytest

from messenger.config.calendars import calendar_of, day, holiday_country, is_public_holiday, period
from messenger.config.tables import Wrong
from messenger.domain.calendars import WORKING_WEEK, Calendar, Closure


def test_a_calendar_says_what_its_texts_say() -> None:
    found = calendar_of(
        "seller", holidays="CN", closed=["2026-02-14/2026-02-24", "2026-03-03"], open_=["2026-02-28"], days=WORKING_WEEK
    )

    assert found == Calendar(
        name="seller",
        closed=((date(2026, 2, 14), date(2026, 2, 24)), (date(2026, 3, 3), date(2026, 3, 3))),
        open=frozenset({date(2026, 2, 28)}),
        country="CN",
    )
    assert found.is_closed(date(2026, 10, 1))
    assert found.is_business_day(date(2026, 2, 28))
    assert found.closure(date(2026, 2, 18)) == Closure(
        first=date(2026, 2, 14), last=date(2026, 2, 24), reopens=date(2026, 2, 25)
    )


def test_what_is_left_out_is_a_plain_week() -> None:
    assert calendar_of("seller") == Calendar(name="seller")
    assert not calendar_of("seller").is_closed(date(2026, 10, 1))


@pytest.mark.parametrize(
    ("country", "on", "expected"),
    [
        ("CN", "2026-02-17", True), ("CN", "2026-02-25", False), ("US", "2026-07-03", True), ("US", "2027-12-31", True),
        ("ES", "2026-10-12", True), ("ES", "2026-10-13", False), ("IN", "2060-01-26", True),
    ],
)  # fmt: skip
def test_public_holidays_are_those_of_the_country(country: str, on: str, expected: bool) -> None:
    assert is_public_holiday(country, date.fromisoformat(on)) is expected


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-02-14/2026-02-24", date(2026, 2, 14), date(2026, 2, 24)),
        ("2026-12-24/2027-01-01", date(2026, 12, 24), date(2027, 1, 1)),
        ("2026-05-01", date(2026, 5, 1), date(2026, 5, 1)),
        ("2026-05-01/2026-05-01", date(2026, 5, 1), date(2026, 5, 1)),
        ("2028-02-29", date(2028, 2, 29), date(2028, 2, 29)),
    ],
)
def test_a_period_has_a_first_and_a_last_day(text: str, first: date, last: date) -> None:
    assert period(text) == (first, last)


@pytest.mark.parametrize(
    ("reader", "value", "problem", "remedy"),
    [
        (day, "1 May", "must be a date, got '1 May'", 'write "2026-05-01"'),
        (day, "20260501", "must be a date, got '20260501'", 'write "2026-05-01"'),
        (day, "2026-W18-5", "must be a date, got '2026-W18-5'", 'write "2026-05-01"'),
        (day, "1026-05-01", "must be a date, got '1026-05-01'", 'write "2026-05-01"'),
        (day, "2026-02-30", "there is no such day: '2026-02-30'", ""),
        (day, "2026-05-01\n", r"must be a date, got '2026-05-01\n'", 'write "2026-05-01"'),
        (day, date(2026, 5, 1), "must be a text, got 2026-05-01", "texts stand in quotes"),
        (period, "2026-02-14 - 2026-02-24", "must be a period, got '2026-02-14 - 2026-02-24'",
         'write "2026-02-14/2026-02-24", or one date'),
        (period, "2026-02-24/2026-02-14", "ends before it begins: '2026-02-24/2026-02-14'", 'write "2026-02-14/2026-02-24"'),
        (period, "2026-02-24/2026-02-31", "there is no such day: '2026-02-31'", ""),
        (period, 20260501, "must be a text, got 20260501", "texts stand in quotes"),
        (holiday_country, "cn", "no public holidays are known for 'cn'", "did you mean 'CN'?"),
        (holiday_country, "CHN", "no public holidays are known for 'CHN'", "a two-letter country code, for example CN"),
        (holiday_country, "ZZ", "no public holidays are known for 'ZZ'", "a two-letter country code, for example CN"),
        (holiday_country, ["CN"], "must be a text, got a list", "texts stand in quotes"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_with_a_remedy(
    reader: Callable[[object], object], value: object, problem: str, remedy: str
) -> None:
    with pytest.raises(Wrong) as caught:
        reader(value)

    assert (caught.value.problem, caught.value.remedy) == (problem, remedy)


@pytest.mark.parametrize(
    ("closed", "open_", "holidays", "inside"),
    [
        (["2026-05-01", "soon"], [], "", ("closed", 1)),
        ([], ["2026-02-30"], "", ("open", 0)),
        ([], [], "ZZ", ("holidays",)),
    ],
)
def test_a_mistake_in_a_calendar_names_its_place(
    closed: list[str], open_: list[str], holidays: str, inside: tuple[str | int, ...]
) -> None:
    with pytest.raises(Wrong) as caught:
        calendar_of("seller", holidays=holidays, closed=closed, open_=open_)

    assert caught.value.inside == inside


def test_the_holidays_of_the_world_are_loaded_only_when_a_calendar_names_a_country() -> None:
    program = (
        "import sys; from messenger.config.calendars import calendar_of; calendar_of('plain', closed=['2026-05-01']);"
        "print('holidays' in sys.modules, end=' '); calendar_of('seller', holidays='CN'); print('holidays' in sys.modules)"
    )

    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False", "True"]
