"""Calendars from texts: closed periods, working Saturdays, public holidays by country."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache, partial
from typing import Final, TypeVar
from warnings import catch_warnings, simplefilter

from messenger.config.tables import Reader, Wrong, any_text, shown
from messenger.domain.calendars import WORKING_WEEK, Calendar

T = TypeVar("T")
DATE_PATTERN: Final = r"20\d{2}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
PERIOD_PATTERN: Final = rf"{DATE_PATTERN}(/{DATE_PATTERN})?"


def day(value: object) -> date:
    """Return a date of this century."""
    text = any_text(value)
    if not re.fullmatch(DATE_PATTERN, text, re.ASCII):
        raise Wrong(f"must be a date, got {shown(text)}", 'write "2026-05-01"')
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Wrong(f"there is no such day: {shown(text)}") from None


def period(value: object) -> tuple[date, date]:
    """Return the first and the last day of a period, both included; one date is a period of one day."""
    text = any_text(value)
    if not re.fullmatch(PERIOD_PATTERN, text, re.ASCII):
        raise Wrong(f"must be a period, got {shown(text)}", 'write "2026-02-14/2026-02-24", or one date')
    first, _, last = text.partition("/")
    found = day(first), day(last or first)
    if found[1] < found[0]:
        raise Wrong(f"ends before it begins: {shown(text)}", f'write "{last}/{first}"')
    return found


def holiday_country(value: object) -> str:
    """Return an ISO 3166 code of a country whose public holidays are known."""
    text = any_text(value)
    known = _countries()
    if text not in known:
        remedy = (
            f"did you mean '{text.upper()}'?" if text.upper() in known else "a two-letter country code, for example CN"
        )
        raise Wrong(f"no public holidays are known for {shown(text)}", remedy)
    return text


def calendar_of(
    name: str,
    *,
    holidays: str = "",
    closed: Sequence[str] = (),
    open_: Sequence[str] = (),
    days: frozenset[int] = WORKING_WEEK,
) -> Calendar:
    """Return the calendar that these texts describe.

    Args:
        name: as in ``[calendars.<name>]``.
        holidays: a country whose public holidays are closed days; empty for none.
        closed: periods, ``2026-02-14/2026-02-24`` or one date.
        open_: dates on which the shop is open whatever else is said.
        days: weekdays from 0 (Monday) on which business is done.

    Raises:
        Wrong: a text cannot be read; ``inside`` names the key, and the place in its list.
    """
    calendar = Calendar(
        name=name,
        workdays=days,
        closed=tuple(_each("closed", closed, period)),
        open=frozenset(_each("open", open_, day)),
    )
    if not holidays:
        return calendar
    try:
        country = holiday_country(holidays)
    except Wrong as wrong:
        raise Wrong(wrong.problem, wrong.remedy, inside=("holidays",)) from None
    return replace(calendar, country=country, is_holiday=partial(is_public_holiday, country))


def _each(key: str, texts: Sequence[str], reader: Reader[T]) -> Iterator[T]:
    for index, text in enumerate(texts):
        try:
            yield reader(text)
        except Wrong as wrong:
            raise Wrong(wrong.problem, wrong.remedy, inside=(key, index)) from None


def is_public_holiday(country: str, day: date) -> bool:
    """Whether a day is a public holiday in the whole of a country. Source: docs/sources.md, S16."""
    return day in _holidays(country, day.year)


@lru_cache(maxsize=256)
def _holidays(country: str, year: int) -> frozenset[date]:
    import holidays  # noqa: PLC0415  # slow to import, and most homes have no calendar

    with catch_warnings():  # that movable feasts of far years are not known says nothing to a seller of today
        simplefilter("ignore", UserWarning)
        found = holidays.country_holidays(country, years=year)
    return frozenset(one for one in found if one.year == year)


@cache
def _countries() -> frozenset[str]:
    import holidays  # noqa: PLC0415  # the same

    return frozenset(holidays.list_supported_countries(include_aliases=False))
