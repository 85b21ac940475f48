"""Dates, money and plurals as CLDR writes them; the language a buyer is written to in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from messenger.rendering.formats import FormatError, Formats, format_locale
from messenger.rendering.locales import chain, choose_locale, main_language


def formats(language: str, country: str | None = None, zone: str = "UTC") -> Formats:
    return Formats(Locale.parse(language), format_locale(language, country), ZoneInfo(zone))


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0, "0 дней"), (1, "1 день"), (2, "2 дня"), (5, "5 дней"), (11, "11 дней"), (21, "21 день"), (22, "22 дня"),
     (112, "112 дней")],
)  # fmt: skip
def test_russian_counts_days_right(days: int, expected: str) -> None:
    assert formats("ru").plural(days, one="# день", few="# дня", many="# дней", other="# дня") == expected


@pytest.mark.parametrize("day", [1, 2, 5, 11, 21, 22])
def test_russian_names_the_day_in_the_genitive(day: int) -> None:
    assert formats("ru").date(date(2026, 3, day), "day") == f"{day} марта"


@pytest.mark.parametrize(
    ("language", "country", "expected"),
    [("en", "US", "March 2, 2026"), ("en", "GB", "2 March 2026"), ("es", "MX", "2 de marzo de 2026"),
     ("ru", "RU", "2 марта 2026 г."), ("de", "XX", "2. März 2026")],
)  # fmt: skip
def test_a_day_is_written_as_in_the_buyers_country(language: str, country: str, expected: str) -> None:
    assert formats(language, country).date(date(2026, 3, 2)).replace("\u202f", " ") == expected


def test_a_day_is_the_day_on_the_buyers_clock() -> None:
    late_in_utc = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)

    assert formats("ru", zone="Europe/Moscow").date(late_in_utc, "day") == "2 марта"
    assert formats("ru", zone="America/New_York").date(late_in_utc, "day") == "1 марта"


def test_an_hour_is_the_hour_on_the_buyers_clock() -> None:
    assert formats("es", "ES", "Europe/Madrid").time(datetime(2026, 3, 1, 22, 30, tzinfo=UTC)) == "23:30"


@pytest.mark.parametrize(
    ("language", "country", "expected"),
    [("en", "US", "$1,234.50"), ("es", "MX", "USD1,234.50"), ("de", "DE", "1.234,50\xa0$"), ("es", "ES", "1.234,50\xa0US$")],
)  # fmt: skip
def test_money_is_written_as_in_the_buyers_country(language: str, country: str, expected: str) -> None:
    assert formats(language, country).money(Decimal("1234.50"), "USD").replace("\u202f", "\xa0") == expected


def test_a_form_without_its_category_is_refused() -> None:
    with pytest.raises(FormatError, match="few"):
        formats("ru").plural(2, one="# день", many="# дней", other="# дня")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "sNaN", "1E+100000", "1000000000000000"])
@pytest.mark.parametrize("name", ["number", "money", "duration", "plural"])
def test_a_number_that_nobody_could_read_is_refused(name: str, value: str) -> None:
    more: dict[str, dict[str, str]] = {"money": {"currency": "USD"}, "plural": {"one": "#", "other": "#"}}

    with pytest.raises(FormatError, match="nobody could read"):
        getattr(formats("en"), name)(Decimal(value), **more.get(name, {}))


def test_a_list_has_an_end_and_is_no_text() -> None:
    for value in (["x"] * 501, "text"):
        with pytest.raises(FormatError):
            formats("en").list(value)


def test_several_things_become_one_phrase_and_only_texts_do() -> None:
    assert formats("en").list(["a", "b", "c"]) == "a, b, and c"
    with pytest.raises(FormatError):
        formats("en").list([object()], "__class__")


@pytest.mark.parametrize(
    ("known", "locale", "because"),
    [
        pytest.param({"buyer": "es-AR"}, "es", "the buyer's language", id="a region falls back to its language"),
        pytest.param({"buyer": "pt-PT"}, "pt", "the buyer's language", id="a parent is tried"),
        pytest.param(
            {"buyer": "fi", "conversation": "ru"}, "ru", "the language of the conversation", id="conversation"
        ),
        pytest.param({"country": "BY"}, "ru", "the language set for the country", id="what the seller says"),
        pytest.param({"country": "MX"}, "es", "the main language of the country", id="CLDR"),
        pytest.param({"country": "FI"}, "es", "the shop's language", id="the shop's"),
        pytest.param({}, "es", "the shop's language", id="nothing known"),
    ],
)
def test_the_language_is_the_first_that_is_there(known: dict[str, str], locale: str, because: str) -> None:
    choice = choose_locale(
        buyer=known.get("buyer"), conversation=known.get("conversation"), country=known.get("country"),
        countries={"BY": "ru"}, shop="es", available=["en", "es", "ru", "pt"],
    )  # fmt: skip

    assert (choice.locale, choice.because) == (locale, because)


def test_every_language_that_was_looked_for_is_told() -> None:
    choice = choose_locale(buyer="fi-FI", conversation=None, country=None, countries={}, shop="de", available=["en"])

    assert choice.tried == ("fi-FI", "fi", "de")
    assert choice.is_fallback


def test_parents_by_cldr_come_before_the_bare_language() -> None:
    assert chain("es_mx") == ("es-MX", "es-419", "es")


@pytest.mark.parametrize(
    ("buyer", "country", "locale", "is_fallback"),
    [
        pytest.param("pt", "BR", "pt-BR", False, id="a plain language is first looked for in the buyer's country"),
        pytest.param(None, "BR", "pt-BR", False, id="so is the main language of the country"),
        pytest.param("pt-PT", "PT", "pt-BR", True, id="another region's form is a makeshift"),
        pytest.param("es-MX", "MX", "es", False, id="the plain language serves all its regions"),
        pytest.param("zh-CN", "CN", "zh", False, id="simplified Chinese is what zh means"),
        pytest.param("zh-TW", "TW", "zh", True, id="to readers of traditional Chinese it is a makeshift"),
        pytest.param("sr-Latn", "RS", "en", True, id="another language"),
    ],
)
def test_a_makeshift_is_told_as_one(buyer: str | None, country: str, locale: str, *, is_fallback: bool) -> None:
    choice = choose_locale(
        buyer=buyer, conversation=None, country=country, countries={}, shop="en", available=["en", "es", "zh", "pt-BR"]
    )

    assert (choice.locale, choice.is_fallback) == (locale, is_fallback)


def test_an_odd_tag_is_only_not_there() -> None:
    for tag in ("../../etc", "", "x" * 5000, "en_US.UTF-8", "тест"):
        choice = choose_locale(buyer=tag, conversation=None, country="??", countries={}, shop="en", available=["en"])
        assert choice.locale == "en"


def test_a_country_that_is_not_known_has_no_main_language() -> None:
    assert main_language("ZZ") is None


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Auckland", "Europe/Moscow"])
@pytest.mark.parametrize("form", ["short", "medium", "long", "day"])
def test_a_day_is_the_same_day_in_every_zone(zone: str, form: str) -> None:
    written = Formats(Locale("en"), Locale("en", "US"), ZoneInfo(zone)).date(date(2026, 3, 28), form)

    assert "28" in written


def test_an_instant_is_told_as_the_day_it_is_on_the_buyers_clock() -> None:
    at = datetime(2026, 3, 28, 2, tzinfo=UTC)

    assert Formats(Locale("en"), Locale("en", "US"), ZoneInfo("America/New_York")).date(at, "day") == "March 27"
    assert Formats(Locale("en"), Locale("en", "US"), ZoneInfo("Europe/Moscow")).date(at, "day") == "March 28"
