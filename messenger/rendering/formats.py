"""Filters: dates, times, money, numbers, countries, lists and plurals, as CLDR writes them.

Each message has its own ``Formats``: the words of the text's language with the conventions of the buyer's country, and
the buyer's clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_skeleton, format_time, format_timedelta
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, get_currency_symbol

from messenger.rendering.isolating import isolated

DAY_AND_MONTH: Final = "MMMMd"
MOST_LISTED: Final = 500
LARGEST_NUMBER: Final = 10**15
DATE_FORMS: Final = ("short", "medium", "long", "day")
"""How ``date`` writes a day."""


class FormatError(ValueError):
    """A filter was given something it cannot write."""


@lru_cache(maxsize=256)
def format_locale(language: str, country: str | None) -> Locale:
    """Return the text's language with the buyer's country where CLDR knows the two together: ``es`` + MX is ``es_MX``."""
    base = Locale.parse(language.replace("-", "_"))
    if country and base.territory is None:
        try:
            return Locale.parse(f"{language.replace('-', '_')}_{country}")
        except (UnknownLocaleError, ValueError):
            return base
    return base


@lru_cache(maxsize=4096)
def _day(day: date, form: str, locale: Locale) -> str:
    """A day in words. It is a day already, on whose clock ever: no zone may move it."""
    if form == "day":
        return format_skeleton(DAY_AND_MONTH, datetime.combine(day, time(12)), locale=locale)
    return format_date(day, format=form, locale=locale)


@dataclass(frozen=True, slots=True)
class Formats:
    """The filters of one message."""

    language: Locale
    locale: Locale
    zone: ZoneInfo

    @property
    def _is_rtl(self) -> bool:
        return self.language.text_direction == "rtl"

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters under the names templates use."""
        return {
            "date": self.date, "datetime": self.datetime, "time": self.time, "money": self.money, "number": self.number,
            "duration": self.duration, "country": self.country, "list": self.list, "plural": self.plural,
        }  # fmt: skip

    def date(self, value: object, form: str = "long") -> str:
        """Write a day: ``short``, ``medium``, ``long``, or ``day`` for day and month only."""
        if form not in DATE_FORMS:
            raise FormatError(f"date knows short, medium, long and day, not {form!r}")
        local = value.astimezone(self.zone).date() if isinstance(value, datetime) else _given(value, date, "date")
        return _day(local, form, self.locale)

    def datetime(self, value: object) -> str:
        """Write a day and an hour on the buyer's clock."""
        return format_datetime(_given(value, datetime, "datetime"), "short", tzinfo=self.zone, locale=self.locale)

    def time(self, value: object) -> str:
        """Write an hour on the buyer's clock."""
        return format_time(_given(value, datetime, "time"), "short", tzinfo=self.zone, locale=self.locale)

    def money(self, value: object, currency: object) -> str:
        """Write an amount with its currency."""
        if not isinstance(currency, str):
            raise FormatError("money needs its currency: write order.total | money(order.currency)")
        amount = _writable(_given(value, Decimal, "money"), "money")
        written = format_currency(amount, currency, locale=self.locale)
        if not self._is_rtl:
            return written
        symbol = get_currency_symbol(currency, locale=self.locale)
        return written.replace(symbol, isolated(symbol))

    def number(self, value: object) -> str:
        """Write a number."""
        return format_decimal(_number(value, "number"), locale=self.locale)

    def duration(self, value: object) -> str:
        """Write a number of days as a length of time."""
        return format_timedelta(
            timedelta(days=int(_number(value, "duration"))), granularity="day", threshold=10**6, locale=self.language
        )

    def country(self, value: object) -> str:
        """Write the name of a country given by its code."""
        code = _given(value, str, "country")
        return str(self.language.territories.get(code, code))

    def list(self, value: object, attribute: str = "") -> str:
        """Write several things as one phrase; of objects the named attribute."""
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise FormatError("list needs several things")
        if len(value) > MOST_LISTED:
            raise FormatError(f"list was given {len(value)} things, {MOST_LISTED} at most")
        things = [getattr(one, attribute, None) if re.fullmatch("[a-z]+", attribute) else one for one in value]
        texts = [one for one in things if isinstance(one, str)]
        if len(texts) < len(things):
            raise FormatError('list needs texts: write order.items | list("title")')
        return format_list(list(map(isolated, texts)) if self._is_rtl else texts, locale=self.language)

    def plural(self, value: object, **forms: str) -> str:
        """Return the form for a number, with ``#`` replaced by it; every category of the language must be given."""
        count = _number(value, "plural")
        missing = plural_categories(self.language) - set(forms)
        if missing:
            raise FormatError(f"plural lacks {', '.join(sorted(missing))} in {self.language}")
        return forms[self.language.plural_form(count)].replace("#", self.number(count))


def plural_categories(language: Locale) -> frozenset[str]:
    """Return the CLDR plural categories a language has for cardinal numbers."""
    return frozenset({*language.plural_form.tags, "other"})


def _number(value: object, name: str) -> int | Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise FormatError(f"{name} needs a number")
    return _writable(value, name)


def _writable(value: int | Decimal, name: str) -> int | Decimal:
    if (isinstance(value, Decimal) and not value.is_finite()) or not -LARGEST_NUMBER < value < LARGEST_NUMBER:
        raise FormatError(f"{name} was given a number that nobody could read")
    return value


def _given(value: object, kind: type, name: str) -> Any:  # Any: the kind that was asked for
    if not isinstance(value, kind):
        raise FormatError(
            f"{name} needs a value that is not there"
            if value is None
            else f"{name} cannot write {type(value).__name__}"
        )
    return value
