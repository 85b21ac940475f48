"""Sheets, cell by cell: headers, times, amounts, parcels, articles, countries, statuses."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from messenger.intake.sheets.amounts import Money, money
from messenger.intake.sheets.cells import Cell, Number, plain
from messenger.intake.sheets.countries import country_of
from messenger.intake.sheets.detecting import Kind, kind_of
from messenger.intake.sheets.headers import columns_of, delimiter_of
from messenger.intake.sheets.layouts import layouts
from messenger.intake.sheets.parcels import Article, NoParcel, Parcel, articles, parcels
from messenger.intake.sheets.steps import steps
from messenger.intake.sheets.times import LAST_SECOND, NoTime, WallClock
from messenger.intake.sheets.words import normal
from tests.sheets import HEADERS

PACIFIC = WallClock(ZoneInfo("America/Los_Angeles"))
SIGNS = layouts()["aliexpress"].currency


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "as_known"),
    [
        pytest.param(
            "产品信息\n（双击单元格展开所有产品信息！）", "产品信息", id="a line break and a note in brackets"
        ),
        pytest.param("  实际发货物流： 运单号 ", "实际发货物流:运单号", id="full-width colon, spaces"),
        pytest.param("ＯＲＤＥＲ　ＩＤ", "Order ID", id="full-width letters"),
        pytest.param("order_id", "Order ID", id="underscore, small letters"),
        pytest.param("订单金额(USD)", "订单金额", id="the currency in brackets"),
    ],
)
def test_headers_are_compared_by_their_letters(header: str, as_known: str) -> None:
    assert normal(header) == normal(as_known)


def test_columns_are_found_in_any_order_and_language() -> None:
    among = list(layouts().values())
    chinese = columns_of(list(reversed([*HEADERS.values()])), 1, among)
    english = columns_of(["Shipped on", "Order No.", "Country/Region", "Order Time", "Tracking No."], 4, among)

    assert chinese is not None
    assert (chinese.layout.name, list(chinese.unknown)) == ("aliexpress", [])
    assert english is not None
    assert english.layout.name == "aliexpress"
    assert {*english.places} == {"shipped_at", "number", "country", "placed_at", "sent_with"}


@pytest.mark.parametrize(
    ("headers", "layout"),
    [
        (["Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Created at", "Total", "Lineitem name"], "shopify"),
        (["Sales Record Number", "Order Number", "Buyer Username", "Item Title", "Sale Date", "Tracking Number"], "ebay"),
        (["Sales record number", "Order number", "Buyer username", "Post to name", "Post to country", "Sale date"], "ebay"),
        (["Order Number", "Order Status", "Order Date", "Product Information", "Recipient"], "aliexpress"),
    ],
)  # fmt: skip
def test_the_layout_is_told_by_its_columns(headers: list[Cell], layout: str) -> None:
    found = columns_of(headers, 1, list(layouts().values()))

    assert found is not None
    assert found.layout.name == layout


@pytest.mark.parametrize("row", [["订单号"], ["a", "b", "c"], ["订单号", "城市", "邮编"], []])
def test_a_row_that_lacks_what_is_needed_is_no_header(row: list[Cell]) -> None:
    assert columns_of(row, 1, list(layouts().values())) is None


def test_no_name_of_a_column_or_status_means_two_things() -> None:
    for name in layouts():
        told = tomllib.loads(files("messenger.intake.sheets").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
        for section in (told["columns"], told["statuses"]):
            words = [normal(word) for words in section.values() for word in {normal(one) for one in words}]
            assert len(words) == len({*words}), sorted(word for word in words if words.count(word) > 1)
        aside = {normal(one) for one in told["aside"]["headers"]}
        assert not aside & {normal(one) for words in told["columns"].values() for one in words}


@pytest.mark.parametrize(
    ("head", "sign"),
    [
        ("Order ID;Order Time;Country\n1;2;3", ";"), ("Order ID\tOrder Time\tCountry", "\t"), ("Order ID,Order Time,Country", ","),
        ("sep=;\nOrder ID;Order Time", ";"), ("a report, of today\n\nOrder ID;Order Time;Country", ";"),
    ],
)  # fmt: skip
def test_the_delimiter_is_what_parts_known_columns(head: str, sign: str) -> None:
    assert delimiter_of(head) == sign


# --- times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("2026-03-02 01:15:00", "2026-03-02T09:15:00", id="winter"),
        pytest.param("2026-07-02 01:15:00", "2026-07-02T08:15:00", id="summer"),
        pytest.param("2026/3/2 1:15", "2026-03-02T09:15:00", id="slashes, no seconds"),
        pytest.param("03/02/2026 01:15:00", "2026-03-02T09:15:00", id="month first"),
        pytest.param("Mar 2, 2026 1:15 PM", "2026-03-02T21:15:00", id="month by name, afternoon"),
        pytest.param("2026-03-02 01:15:00 +0800", "2026-03-01T17:15:00", id="its own offset"),
        pytest.param("2026-03-02T01:15:00Z", "2026-03-02T01:15:00", id="UTC"),
        pytest.param("2026-03-08 02:30:00", "2026-03-08T10:30:00", id="an hour that spring leaves out"),
        pytest.param("2026-11-01 01:30:00", "2026-11-01T08:30:00", id="an hour that autumn repeats: its first passing"),
        pytest.param(datetime(2026, 3, 2, 1, 15), "2026-03-02T09:15:00", id="a date cell"),  # noqa: DTZ001  # a cell has no zone
    ],
)  # fmt: skip
def test_wall_times_are_pacific(cell: Cell, expected: str) -> None:
    assert PACIFIC.instant(cell) == utc(expected)


def test_in_the_repeated_hour_nothing_happens_before_what_it_follows_on() -> None:
    placed = PACIFIC.instant("2026-11-01 01:50:00")
    paid = PACIFIC.instant("2026-11-01 01:10:00", after=placed)
    shipped = PACIFIC.instant("2026-11-01 02:10:00", after=paid)

    assert (placed, paid, shipped) == (
        utc("2026-11-01T08:50:00"),
        utc("2026-11-01T09:10:00"),
        utc("2026-11-01T10:10:00"),
    )


def test_days_without_a_time_keep_the_order_of_what_happened() -> None:
    placed = PACIFIC.instant("Mar-02-26")
    paid = PACIFIC.instant("Mar-02-26", after=placed)
    shipped = PACIFIC.instant("02-Mar-2026", after=paid)

    assert (placed, paid, shipped) == (
        utc("2026-03-02T20:00:00"),
        utc("2026-03-02T20:00:01"),
        utc("2026-03-02T20:00:02"),
    )
    assert PACIFIC.instant("Mar-05-26", day=LAST_SECOND) == utc("2026-03-06T07:59:59")


@pytest.mark.parametrize(
    "cell", ["soon", "2026-13-02 10:00", "2026-02-30", "31/12/2026", Number(46083.5), "0000-00-00 00:00:00", "10:15"]
)
def test_what_is_no_time_is_said_with_what_would_be(cell: Cell) -> None:
    with pytest.raises(NoTime, match="must be a time like 2026-03-02 10:15:00"):
        PACIFIC.instant(cell)


def test_where_offsets_are_told_a_time_without_one_is_refused() -> None:
    clock = WallClock(ZoneInfo("UTC"), "iso")

    assert clock.instant("2026-03-02 10:15:00 -0500") == utc("2026-03-02T15:15:00")
    with pytest.raises(NoTime, match="has no offset"):
        clock.instant("2026-03-02 10:15:00")


# --- amounts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "header", "expected"),
    [
        ("US $1,234.50", "", Money(Decimal("1234.50"), "USD")), ("$12.30", "", Money(Decimal("12.30"), "USD")),
        ("1.234,50 €", "", Money(Decimal("1234.50"), "EUR")), ("1 234,50 руб.", "", Money(Decimal("1234.50"), "RUB")),
        ("12,30", "订单金额(EUR)", Money(Decimal("12.30"), "EUR")), (Number(12.3), "Total (USD)", Money(Decimal("12.3"), "USD")),
        ("USD 1,234", "", Money(Decimal(1234), "USD")), ("1.234.567", "", Money(Decimal(1234567), "")), ("12.345", "", Money(Decimal("12.345"), "")),
        ("12.30", "", Money(Decimal("12.30"), "")), ("free", "", None), ("1,2.3,4", "", None), ("", "", None),
    ],
)  # fmt: skip
def test_amounts_are_read_with_their_currency_or_without(cell: Cell, header: str, expected: Money | None) -> None:
    assert money(cell, header, SIGNS) == expected


# --- parcels and articles --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("EMS:LK123456789CN", [Parcel("LK123456789CN", "EMS")]),
        ("EMS:LK123456789CN\nYanwen: LP 001 234 567;RR1:RR123456789CN", [
            Parcel("LK123456789CN", "EMS"), Parcel("LP001234567", "Yanwen"), Parcel("RR123456789CN", "RR1")]),
        ("Post: Air: LK123456789CN，LK123456789CN", [Parcel("LK123456789CN", "Post: Air"), Parcel("LK123456789CN", "")]),
        ("中国邮政：LK123456789CN；LK987654321CN", [Parcel("LK123456789CN", "中国邮政"), Parcel("LK987654321CN", "")]),
        ("LK123456789CN", [Parcel("LK123456789CN", "")]), ("", []), ("\n;\n", []), (Number(1234567890), [Parcel("1234567890", "")]),
    ],
)  # fmt: skip
def test_parcels_that_share_a_cell_are_parted(cell: Cell, expected: list[Parcel]) -> None:
    assert parcels(cell) == expected


@pytest.mark.parametrize(
    "cell", ["EMS: none", "see note", "EMS:", "1.23457E+15", Number(9.400110200882e21), "<b>LK123456789CN</b>"]
)
def test_what_is_no_tracking_number_is_refused(cell: Cell) -> None:
    with pytest.raises(NoParcel):
        parcels(cell)


def test_articles_that_share_a_cell_are_parted() -> None:
    cell = (
        "【1】 Wool socks (thick) \n   (产品属性:Color:Red) \n   (商家编码:SOCK-RED) \n   (产品数量:2 piece) \n"
        "【2】 Tea box \n   (产品属性:) \n   (商家编码:) \n   (产品数量:1 lot) "
    )

    assert articles(cell) == [Article("Wool socks (thick)", "SOCK-RED", 2), Article("Tea box", "", 1)]
    assert articles("Just a name") == [Article("Just a name")]
    assert articles("") == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Russian Federation", "RU"), ("俄罗斯", "RU"), ("俄罗斯联邦", "RU"), ("UK", "GB"), ("SRB", "RS"), ("United States", "US"), ("Brazil", "BR"),
        ("巴西", "BR"), ("Brasil", "BR"), ("Korea", "KR"), ("de", "DE"), ("Россия", "RU"), ("Czech Republic", "CZ"), ("Atlantis", None), ("ZZ", None),
    ],
)  # fmt: skip
def test_countries_are_known_by_many_names(name: str, code: str | None) -> None:
    assert country_of(name) == code


# --- what happened ---------------------------------------------------------------------------------------------------

PLACED, PAID, SHIPPED, RECEIVED = (utc(f"2026-03-{day:02}T10:00:00") for day in (2, 3, 5, 28))
SENT = {"placed_at": PLACED, "paid_at": PAID, "shipped_at": SHIPPED}


@pytest.mark.parametrize(
    ("times", "word", "expected"),
    [
        pytest.param({"placed_at": PLACED}, "placed", ["order.placed"], id="unpaid"),
        pytest.param({"placed_at": PLACED}, "paid", ["order.placed", "order.paid"], id="a status without its time"),
        pytest.param({"placed_at": PLACED}, "cancelled", ["order.placed", "order.cancelled"], id="closed unpaid"),
        pytest.param({"placed_at": PLACED, "paid_at": PAID}, "payment_review", ["order.placed", "order.paid"], id="a status of lower rank"),
        pytest.param(SENT, "partly_shipped", ["order.placed", "order.paid", "order.partly_shipped"], id="in parts"),
        pytest.param(SENT, "ended", ["order.placed", "order.paid", "order.shipped", "order.cancelled"], id="ended without receipt"),
        pytest.param({"placed_at": PLACED, "received_at": RECEIVED}, "ended", ["order.placed", "order.received", "order.completed"], id="ended well"),
        pytest.param({"placed_at": PLACED, "paid_at": PAID}, "disputed", ["order.placed", "order.paid", "dispute.opened"], id="in dispute"),
        pytest.param({"placed_at": PLACED, "paid_at": PAID}, "frozen", ["order.placed", "order.paid", "order.frozen"], id="frozen"),
        pytest.param({"placed_at": PLACED}, "cancel_requested", ["order.placed", "order.cancel_requested"], id="asked to cancel"),
    ],
)  # fmt: skip
def test_times_and_status_say_what_happened(times: dict[str, datetime], word: str, expected: list[str]) -> None:
    assert [one.type for one in steps(times, {word})] == expected


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b'{"specversion": "1.0"}', Kind.JSON_LINES), (b'\xef\xbb\xbf\n {"a":1}', Kind.JSON_LINES), (b"PK\x03\x04....", Kind.XLSX),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.XLS), (b"<html><table>", Kind.MARKUP), (b"Order ID,b", Kind.TEXT),
        (b" \n", Kind.EMPTY), (b"", Kind.EMPTY),
        ("Order".encode("utf-16"), Kind.TEXT),
    ],
)  # fmt: skip
def test_a_file_is_known_by_how_it_begins(head: bytes, kind: Kind) -> None:
    assert kind_of(head) is kind


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('="8134567890123456"', "8134567890123456"),
        ("'00123", "00123"),
        ("\t8134 ", "8134"),
        ("a\r\nb", "a\nb"),
        ("'", ""),
    ],
)
def test_what_keeps_a_text_a_text_is_taken_off(cell: str, expected: str) -> None:
    assert plain(cell) == expected
