"""Where a buyer's clock stands, and what decided it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.config.places import country_zones, zones_of_phone
from messenger.domain.orders import Buyer
from messenger.domain.postcodes import POSTCODES, SHAPES, zones_of_postcode
from messenger.domain.regions import REGIONS, rows, zones_of_region
from messenger.domain.timing import ALWAYS, Hours, due_at
from messenger.domain.zones import Place, Zones, zone_named
from tests.builders import utc

DAY = Hours(opens=time(9), closes=time(20))
SHORT = Hours(opens=time(10), closes=time(13))
LONG = Hours(opens=time(6), closes=time(23, 30))
AT = utc("2026-03-02T12:00")


def place_of(buyer: Buyer, *, hours: Hours = DAY, at: datetime = AT, zones: Zones | None = None) -> Place:
    return (zones or country_zones()).of_buyer(buyer, hours=hours, at=at, shop_zone="Asia/Shanghai")


def keys(place: Place) -> set[str]:
    return {zone.key for zone in place.zones}


@pytest.mark.parametrize(
    ("buyer", "main", "because"),
    [
        pytest.param(
            Buyer(timezone="Asia/Tokyo", country="US", region="CA"), "Asia/Tokyo", "the zone the platform told", id="told"
        ),
        pytest.param(
            Buyer(timezone="Nowhere/At_All", country="FR"), "Europe/Paris", "the only zone of FR", id="told, but there is none"
        ),
        pytest.param(
            Buyer(country="US", region="CA", postcode="94105", phone="+1 212 555 0100"), "America/Los_Angeles",
            "the zone of the buyer's postcode", id="region and postcode before phone",
        ),
        pytest.param(Buyer(country="US", region="Hawaii"), "Pacific/Honolulu", "the zone of the buyer's region", id="a region"),
        pytest.param(Buyer(country="US", postcode="99501"), "America/Anchorage", "the zone of the buyer's postcode", id="a postcode"),
        pytest.param(
            Buyer(country="US", region="Florida"), "America/New_York", "hours that suit every zone of the buyer's region",
            id="a region with two zones",
        ),
        pytest.param(
            Buyer(country="US", region="Florida", postcode="32501"), "America/Chicago", "the zone of the buyer's postcode",
            id="of which the postcode names one",
        ),
        pytest.param(
            Buyer(country="US", region="OR", postcode="97914"), "America/Los_Angeles",
            "hours that suit every zone of the buyer's region and postcode", id="region and postcode contradict each other",
        ),
        pytest.param(
            Buyer(country="US", region="Elsewhere", phone="+1 808 555 0100"), "Pacific/Honolulu",
            "the zone of the buyer's phone number", id="a phone, as the region is not known",
        ),
        pytest.param(
            Buyer(phone="+81 3 1234 5678"), "Asia/Tokyo", "the zone of the buyer's phone number", id="a phone is all there is"
        ),
        pytest.param(Buyer(country="DE"), "Europe/Berlin", "the only zone of DE", id="two zones, one clock"),
        pytest.param(Buyer(country="FR", phone="+81 3 1234 5678"), "Europe/Paris", "the only zone of FR", id="a single zone"),
        pytest.param(Buyer(country="FR", phone="+33 1 23 45 67 89"), "Europe/Paris", "the only zone of FR", id="as its phone says"),
        pytest.param(
            Buyer(country="AR", phone="+54 11 1234 5678"), "America/Argentina/Buenos_Aires", "the only zone of AR",
            id="many zones, one clock, and a phone",
        ),
        pytest.param(
            Buyer(country="ES", phone="+34 612 345 678"), "Europe/Madrid", "hours that suit every zone of ES",
            id="a mobile that is at home on every clock of the country",
        ),
        pytest.param(Buyer(country="US"), "America/New_York", "hours that suit every zone of US", id="a wide country"),
        pytest.param(Buyer(country="RU"), "Europe/Moscow", "the zone of the largest city of RU", id="too wide a country"),
        pytest.param(
            Buyer(country="RU", phone="+7 916 123 45 67"), "Europe/Moscow", "the zone of the largest city of RU",
            id="a mobile that is at home in all of it",
        ),
        pytest.param(
            Buyer(country="BR", phone="+34 91 123 4567"), "America/Sao_Paulo", "hours that suit every zone of BR",
            id="a phone of another country tells nothing",
        ),
        pytest.param(
            Buyer(), "Asia/Shanghai", "the shop's zone: the buyer's country is not known", id="nothing is known"
        ),
        pytest.param(
            Buyer(country="XX", region="CA"), "Asia/Shanghai", "the shop's zone: the buyer's country is not known",
            id="a country that is none",
        ),
    ],
)  # fmt: skip
def test_the_best_known_place_decides(buyer: Buyer, main: str, because: str) -> None:
    found = place_of(buyer)

    assert (found.main.key, found.because) == (main, because)
    assert found.zones[0] == found.main


def test_hours_must_suit_every_clock_of_a_wide_country() -> None:
    zones = keys(place_of(Buyer(country="US")))

    assert {"America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Pacific/Honolulu"} <= zones
    assert "America/Phoenix" in zones  # in winter like Denver, in summer like Los Angeles
    assert "America/Detroit" not in zones  # like New York all year


@pytest.mark.parametrize(
    ("hours", "zones"),
    [
        pytest.param(DAY, {"Europe/Moscow"}, id="one hour would remain: too little"),
        pytest.param(Hours(opens=time(9), closes=time(22)), {"Europe/Moscow", "Asia/Kamchatka"}, id="three hours are enough"),
        pytest.param(
            Hours(opens=time(9), closes=time(21, 59)), {"Europe/Moscow"}, id="a minute less is not"
        ),
        pytest.param(ALWAYS, {"Europe/Moscow", "Asia/Kamchatka", "Europe/Kaliningrad"}, id="any hour suits everybody"),
        pytest.param(
            Hours(opens=time(20), closes=time(9)), {"Europe/Moscow", "Asia/Kamchatka"}, id="over midnight"
        ),
    ],
)  # fmt: skip
def test_three_hours_must_remain(hours: Hours, zones: Collection[str]) -> None:
    found = keys(place_of(Buyer(country="RU"), hours=hours))

    assert set(zones) <= found
    assert (len(found) > 1) is (len(zones) > 1)


def test_of_several_shared_stretches_of_a_day_the_longest_counts() -> None:
    nearly_always = Hours(opens=time(8), closes=time(7))  # Easter Island sleeps two hours after Santiago

    assert keys(place_of(Buyer(country="CL"), hours=nearly_always)) >= {"America/Santiago", "Pacific/Easter"}


def test_days_and_closed_days_have_no_say_in_which_zones_count() -> None:
    saturdays = Hours(opens=time(9), closes=time(20), days=frozenset({5}))

    assert place_of(Buyer(country="US"), hours=saturdays) == place_of(Buyer(country="US"))


@pytest.mark.parametrize(
    ("region", "hours", "zones", "because"),
    [
        ("Tennessee", DAY, {"America/Chicago", "America/New_York"}, "hours that suit every zone of the buyer's region"),
        ("Tennessee", SHORT, {"America/Chicago"}, "the zone where most people of the buyer's region live"),
        ("Kansas", SHORT, {"America/Chicago"}, "the zone of the buyer's region"),
        ("Texas", LONG, {"America/Chicago", "America/Denver"}, "hours that suit every zone of the buyer's region"),
    ],
)
def test_a_region_with_several_zones_is_treated_like_a_country(
    region: str, hours: Hours, zones: set[str], because: str
) -> None:
    found = place_of(Buyer(country="US", region=region), hours=hours)

    assert (keys(found), found.because) == (zones, because)
    assert found.main.key == "America/Chicago"


REGION_CASES = [
    ("US", ["CA", "ca", "US-CA", "us_ca", "California", "CALIFORNIA", "State of California"], "America/Los_Angeles"),
    ("US", ["DC", "D.C.", "Washington, D.C.", "District of Columbia"], "America/New_York"),
    ("US", ["WA", "Washington", "Washington State"], "America/Los_Angeles"),
    ("US", ["PR", "Puerto Rico"], "America/Puerto_Rico"),
    ("CA", ["QC", "Québec", "Quebec", "CA-QC", "Province de Québec"], "America/Toronto"),
    ("CA", ["YT", "Yukon", "Yukon Territory"], "America/Whitehorse"),
    ("AU", ["WA", "Western Australia", "AU-WA"], "Australia/Perth"),
    ("BR", ["SP", "São Paulo", "sao paulo", "Estado de São Paulo"], "America/Sao_Paulo"),
    ("BR", ["AC", "Acre"], "America/Rio_Branco"),
    ("MX", ["ROO", "Quintana Roo", "MX-ROO", "Q. Roo"], "America/Cancun"),
    ("MX", ["CDMX", "Ciudad de México", "Distrito Federal", "Mexico City"], "America/Mexico_City"),
    ("ID", ["BA", "Bali", "ID-BA", "Provinsi Bali"], "Asia/Makassar"),
    ("ID", ["Jawa Barat", "West Java", "JB"], "Asia/Jakarta"),
    ("ID", ["DKI Jakarta", "Daerah Khusus Ibukota Jakarta"], "Asia/Jakarta"),
    ("ES", ["Las Palmas", "Santa Cruz de Tenerife", "Canarias", "Islas Canarias", "ES-GC", "TF"], "Atlantic/Canary"),
    ("ES", ["Madrid", "Comunidad de Madrid", "CÁDIZ", "Cadiz", "Cataluña", "Catalunya"], "Europe/Madrid"),
    ("PT", ["Açores", "Acores", "PT-20", "Região Autónoma dos Açores"], "Atlantic/Azores"),
    ("PT", ["Madeira", "30", "Funchal"], "Atlantic/Madeira"),
    ("RU", ["Москва", "г. Москва", "Moscow", "Moskva", "Московская область", "Moskovskaya oblast", "RU-MOW"], "Europe/Moscow"),
    ("RU", ["Свердловская область", "Свердловская обл.", "Sverdlovskaya oblast", "Sverdlovsk Oblast", "SVE"], "Asia/Yekaterinburg"),
    ("RU", ["Ханты-Мансийский автономный округ - Югра", "Khanty-Mansiyskiy AO", "Khanty-Mansi Autonomous Okrug"], "Asia/Yekaterinburg"),
    ("RU", ["Приморский край", "Primorskiy kray", "Primorsky Krai", "PRIMORSKY TERRITORY"], "Asia/Vladivostok"),
    ("RU", ["Республика Саха (Якутия)", "Sakha (Yakutia)", "Якутия", "Republic of Sakha"], "Asia/Yakutsk"),
    ("RU", ["Республика Татарстан (Татарстан)", "Tatarstan", "Respublika Tatarstan"], "Europe/Moscow"),
    ("RU", ["Алтайский край", "Altaiskiy kray", "Altai Krai", "Республика Алтай"], "Asia/Barnaul"),
    ("RU", ["Камчатский край", "Kamchatka", "Kamchatskiy kray"], "Asia/Kamchatka"),
    ("RU", ["Забайкальский край", "Zabaykal'skiy kray", "Zabaykalsky Krai"], "Asia/Chita"),
    ("RU", ["Еврейская автономная область", "Jewish Autonomous Oblast", "Yevreyskaya AO"], "Asia/Vladivostok"),
    ("RU", ["Калининградская область", "Kaliningrad"], "Europe/Kaliningrad"),
    ("RU", ["Кемеровская область - Кузбасс", "Kemerovo Region"], "Asia/Novokuznetsk"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("country", "told", "zone"), [(country, told, zone) for country, names, zone in REGION_CASES for told in names]
)
def test_a_region_is_known_by_code_and_name_in_any_spelling(country: str, told: str, zone: str) -> None:
    assert zones_of_region(country, told)[:1] == (zone,)


@pytest.mark.parametrize(
    ("country", "told"),
    [
        ("US", "Other"),
        ("US", ""),
        ("US", "  "),
        ("RU", "область"),
        ("RU", "-"),
        ("US", "Moscow"),
        ("FR", "CA"),
        ("", "CA"),
    ],
)
def test_what_is_no_region_tells_nothing(country: str, told: str) -> None:
    assert zones_of_region(country, told) == ()


@pytest.mark.parametrize(
    ("country", "told", "zones"),
    [
        ("US", "10001", ("America/New_York",)), ("US", "94105-1234", ("America/Los_Angeles",)),
        ("US", "2139", ("America/New_York",)), ("US", "021391234", ("America/New_York",)), ("US", "79901", ("America/Denver",)),
        ("US", "46401", ("America/Chicago",)), ("US", "42001", ("America/Chicago",)), ("US", "40202", ("America/New_York",)),
        ("US", "37402", ("America/New_York",)), ("US", "37203", ("America/Chicago",)),
        ("US", "37311", ("America/Chicago", "America/New_York")), ("US", "96813", ("Pacific/Honolulu",)),
        ("US", "00901", ("America/Puerto_Rico",)), ("US", "09012", ()), ("US", "00000", ()), ("US", "1", ()),
        ("CA", "M5V 3L9", ("America/Toronto",)), ("CA", "v6b1a1", ("America/Vancouver",)), ("CA", "A1C-5S7", ("America/St_Johns",)),
        ("CA", "A2V 1A1", ("America/Goose_Bay",)), ("CA", "X0A 0H0", ("America/Iqaluit",)), ("CA", "D1A 1A1", ()),
        ("AU", "2000", ("Australia/Sydney",)), ("AU", "0800", ("Australia/Darwin",)), ("AU", "800", ("Australia/Darwin",)),
        ("AU", "2880", ("Australia/Broken_Hill",)), ("AU", "6000", ("Australia/Perth",)), ("AU", "6798", ()),
        ("BR", "01310-100", ("America/Sao_Paulo",)), ("BR", "1310100", ("America/Sao_Paulo",)),
        ("BR", "69900-001", ("America/Rio_Branco",)), ("BR", "69640000", ("America/Manaus", "America/Eirunepe")),
        ("BR", "72800-000", ("America/Sao_Paulo",)), ("BR", "76801-000", ("America/Porto_Velho",)),
        ("ES", "35001", ("Atlantic/Canary",)), ("ES", "38001", ("Atlantic/Canary",)), ("ES", "28013", ("Europe/Madrid",)),
        ("ES", "8001", ("Europe/Madrid",)), ("ES", "99999", ()),
        ("PT", "1000-001", ("Europe/Lisbon",)), ("PT", "9000-001", ("Atlantic/Madeira",)), ("PT", "9500", ("Atlantic/Azores",)),
        ("RU", "101000", ("Europe/Moscow",)), ("RU", "690 091", ("Asia/Vladivostok",)), ("RU", "236000", ("Europe/Kaliningrad",)),
        ("RU", "６３００００", ("Asia/Novosibirsk",)), ("RU", "000000", ()), ("RU", "69009", ()),
        ("FR", "75001", ()), ("US", "nobody knows", ()),
    ],
)  # fmt: skip
def test_a_postcode_tells_its_zone_by_its_beginning(country: str, told: str, zones: tuple[str, ...]) -> None:
    assert zones_of_postcode(country, told) == zones


def test_the_tables_name_zones_that_exist_and_their_own_country_has() -> None:
    known = {zone for zones in country_zones().of_country.values() for zone in zones}
    named = {zone for table in (*REGIONS.values(), *POSTCODES.values()) for zones, _ in rows(table) for zone in zones}

    assert named <= known
    assert all(zone_named(zone) for zone in named)
    assert SHAPES.keys() == POSTCODES.keys()


@pytest.mark.parametrize("country", REGIONS)
def test_no_name_of_a_region_means_two_places(country: str) -> None:
    for zones, text in rows(REGIONS[country]):
        for entry in text.split(", "):
            codes, _, names = entry.partition(" ")
            for told in [*names.split("/"), *(code for code in codes.split("/") if code != "-")]:
                assert zones_of_region(country, told) == zones, told


@pytest.mark.parametrize("country", POSTCODES)
def test_no_beginning_of_a_postcode_is_written_twice(country: str) -> None:
    parts = [part for _, text in rows(POSTCODES[country]) for part in text.split()]
    ranges = sorted((first, last or first) for first, _, last in (part.partition("-") for part in parts))

    assert all(first <= last for first, last in ranges)
    for (first, last), (next_, _) in pairwise(ranges):
        assert last < next_ or len(next_) > len(last), f"{first}-{last} and {next_}"


@pytest.mark.parametrize(
    ("phone", "country", "zones"),
    [
        ("+7 495 123 45 67", "RU", ("Europe/Moscow",)), ("8 (423) 222-22-22", "RU", ("Asia/Vladivostok",)),
        ("+34 928 123 456", "ES", ("Atlantic/Canary",)), ("(808) 555-0100", "US", ("Pacific/Honolulu",)),
        ("+44 20 7946 0958", "", ("Europe/London",)), ("0800", "US", ()), ("call me", "US", ()), ("", "", ()), ("5551234", "", ()),
    ],
)  # fmt: skip
def test_a_phone_number_is_read_as_it_was_written(phone: str, country: str, zones: tuple[str, ...]) -> None:
    assert zones_of_phone(phone, country) == zones


def test_without_the_package_phones_tell_nothing() -> None:
    deaf = Zones(country_zones().of_country)

    assert place_of(Buyer(country="US", phone="+1 808 555 0100"), zones=deaf) == place_of(
        Buyer(country="US"), zones=deaf
    )


def test_a_phone_with_several_clocks_gives_hours_that_suit_them() -> None:
    zones = Zones(country_zones().of_country, lambda _phone, _country: ("America/Denver", "America/Los_Angeles"))
    buyer = Buyer(country="US", phone="1")

    assert place_of(buyer, zones=zones).because == "hours that suit every zone of the buyer's phone number"
    assert keys(place_of(buyer, zones=zones)) == {"America/Denver", "America/Los_Angeles"}
    assert place_of(buyer, hours=SHORT, zones=zones).because == "the zone of the largest city of US"
    assert place_of(Buyer(phone="1"), hours=SHORT, zones=zones).main.key == "Asia/Shanghai"


def test_a_rule_may_name_the_shop_or_a_zone_of_its_own() -> None:
    def of_rule(zone: str, shop_zone: str = "Asia/Shanghai") -> Place:
        return country_zones().of_rule(zone, buyer=Buyer(country="FR"), shop_zone=shop_zone, hours=DAY, at=AT)

    assert of_rule("buyer") == place_of(Buyer(country="FR"))
    assert of_rule("shop") == Place(ZoneInfo("Asia/Shanghai"), (ZoneInfo("Asia/Shanghai"),), "the shop's zone")
    assert of_rule("Europe/Lisbon") == Place(ZoneInfo("Europe/Lisbon"), (ZoneInfo("Europe/Lisbon"),), "the rule's zone")
    assert of_rule("shop", "Nowhere/At_All").main.key == "UTC"


def test_a_country_whose_zones_nobody_knows_has_utc() -> None:
    assert place_of(Buyer(country="ZZ"), zones=Zones({"ZZ": ("Nowhere/At_All",)})).main.key == "UTC"


countries = st.sampled_from(["US", "CA", "AU", "BR", "MX", "ID", "ES", "PT", "RU", "KZ", "CL", "FR", "GL", "XX", None])
texts = (
    st.none()
    | st.sampled_from(["CA", "Texas", "Sakha", "Bali", "10001", "69640000", "A1A1A1", "+7 916 123 45 67"])
    | st.text(max_size=12)
)
windows = st.sampled_from([DAY, SHORT, LONG, ALWAYS, Hours(opens=time(22), closes=time(8))])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    countries,
    texts,
    texts,
    texts,
    windows,
    st.integers(0, 52_000).map(lambda hours: utc("2024-01-01") + timedelta(hours=hours)),
)
def test_every_buyer_has_a_place_with_an_opening(
    country: str | None, region: str | None, postcode: str | None, phone: str | None, hours: Hours, at: datetime
) -> None:
    found = place_of(Buyer(country=country, region=region, postcode=postcode, phone=phone), hours=hours, at=at)
    due = due_at(at, hours, found.zones)

    assert found.zones[0] == found.main
    assert len(set(found.zones)) == len(found.zones)
    assert due is not None
    assert (due - at).days < 2
    assert found.because.startswith(("the zone ", "the only zone ", "hours that suit ", "the shop's zone"))
