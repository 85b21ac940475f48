"""Export sheets as files: each kind, each encoding, good ones and bad ones, through the process that reads them."""

from __future__ import annotations

import random
import resource
import time
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from messenger.domain.folding import fold
from messenger.domain.orders import Order
from messenger.intake.sheets.opening import SheetFile, Unreadable
from messenger.ports import Line, Rejected
from messenger.rendering.killable import Limits
from tests.sheets import (
    HEADERS,
    ORDER,
    bomb,
    csv_bytes,
    orders,
    read,
    reader,
    table,
    write,
    write_csv,
    write_xls,
    write_xlsx,
)

KINDS = ["orders.xlsx", "orders.xls", "orders.csv"]


def folded(lines: list[Line | Rejected]) -> Order:
    """The one order of a sheet that is wholly in order."""
    assert all(isinstance(one, Line) for one in lines), [str(one) for one in lines if isinstance(one, Rejected)]
    return fold(one.event for one in lines if isinstance(one, Line))


def refusals(lines: list[Line | Rejected]) -> list[str]:
    return [str(one) for one in lines if isinstance(one, Rejected)]


# --- AliExpress ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_an_export_tells_the_order_whatever_kind_of_file_it_is(tmp_path: Path, name: str) -> None:
    order = folded(read(write(tmp_path / name, table(ORDER))))

    assert (order.shop, order.number, order.status) == ("toys", "8134567890123456", "shipped")
    assert [str(at) for at in (order.placed_at, order.paid_at, order.shipped_at)] == [
        "2026-03-02 09:15:00+00:00", "2026-03-02 09:16:30+00:00", "2026-03-04 16:00:00+00:00",
    ]  # fmt: skip
    assert (order.buyer.name, order.buyer.country, order.buyer.city, order.buyer.phone) == (
        "Ivan Petrov",
        "RU",
        "Moscow",
        "79001234567",
    )
    assert [(one.title, one.sku, one.quantity) for one in order.items] == [
        ("Wool socks", "SOCK-RED", 2),
        ("Tea box", "TEA-1", 1),
    ]
    assert (str(order.total), order.currency, order.shipping_method) == ("23.40", "USD", "AliExpress Standard Shipping")
    assert [(one.number, one.carrier) for one in order.shipments] == [
        ("LP00123456789012", "AliExpress Standard Shipping")
    ]


OLD = ("number", "email", "goods", "freight", "total", "products", "memo", "address", "recipient", "country", "region", "city", "street",
       "postcode", "phone", "mobile", "shipping", "placed")  # fmt: skip
ENGLISH = {
    "number": "Order ID", "status": "Order Status", "placed": "Order Time", "paid": "Payment Time", "total": "Order Amount",
    "products": "Product Information", "country": "Country/Region", "shipped": "Shipping Time", "sent_with": "Tracking Number",
    "buyer": "Buyer Name", "received": "Receipt Confirmed Time",
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("names", [OLD, tuple(reversed(OLD))], ids=["in order", "turned round"])
def test_the_old_layout_is_read_in_any_order_of_columns(tmp_path: Path, name: str, names: tuple[str, ...]) -> None:
    rows = table({**ORDER, "email": "ivan@example.com"}, names=names, headers={**HEADERS, "email": "买家邮箱"})

    order = folded(read(write(tmp_path / name, rows)))

    assert (order.status, order.buyer.email, order.paid_at) == ("placed", "ivan@example.com", None)


def test_english_headers_say_the_same(tmp_path: Path) -> None:
    told = {**ORDER, "status": "Awaiting confirmation"}
    chinese = read(write(tmp_path / "zh.csv", table({**ORDER, "status": "等待买家收货"}, names=ENGLISH)))
    english = read(write(tmp_path / "en.xlsx", table(told, names=ENGLISH, headers=ENGLISH)))

    assert folded(chinese).status == folded(english).status == "shipped"
    assert [one.event.time for one in chinese if isinstance(one, Line)] == [
        one.event.time for one in english if isinstance(one, Line)
    ]


def test_the_same_sheet_tells_the_same_events_whatever_file_it_is(tmp_path: Path) -> None:
    told = [
        [one.event for one in read(write(tmp_path / name, table(ORDER))) if isinstance(one, Line)]
        for name in (*KINDS, KINDS[0])
    ]

    assert told[0] == told[1] == told[2] == told[3]


def test_a_newer_export_adds_only_what_is_new_and_counts_where_both_speak(tmp_path: Path) -> None:
    older = {**ORDER, "shipped": "", "sent_with": "", "status": "等待您发货", "mobile": "1"}
    first = [one.event for one in read(write_csv(tmp_path / "a.csv", table(older))) if isinstance(one, Line)]
    second = [one.event for one in read(write_csv(tmp_path / "b.csv", table(ORDER))) if isinstance(one, Line)]

    ids = {one.id: one for one in first}
    assert all(ids[one.id] == one for one in second if one.id in ids)
    assert {one.type for one in second if one.id not in ids} == {"order.updated", "order.shipped", "shipment.updated"}
    assert fold([*first, *second]) == fold([*second, *first])
    assert fold([*first, *second]).buyer.phone == ORDER["mobile"]


def test_several_parcels_in_one_cell_are_several_parcels(tmp_path: Path) -> None:
    told = {**ORDER, "sent_with": "EMS:LK123456789CN\nYanwen:LP00123456789012,LP00123456789013；RR123456789CN"}

    order = folded(read(write_xlsx(tmp_path / "a.xlsx", table(told))))

    assert [one.number for one in order.shipments] == [
        "LK123456789CN",
        "LP00123456789012",
        "LP00123456789013",
        "RR123456789CN",
    ]


@pytest.mark.parametrize("name", ["orders.xlsx", "orders.xls"])
def test_dates_may_be_cells_of_dates(tmp_path: Path, name: str) -> None:
    told = {**ORDER, "placed": datetime(2026, 3, 2, 1, 15), "paid": datetime(2026, 3, 2, 1, 16, 30)}  # noqa: DTZ001  # a cell has no zone

    order = folded(read(write(tmp_path / name, table(told))))

    assert str(order.paid_at) == "2026-03-02 09:16:30+00:00"


def test_rows_of_merged_cells_belong_to_the_order_above(tmp_path: Path) -> None:
    second = {"products": "【1】 Lamp \n (商家编码:LAMP) \n (产品数量:1 piece)", "sent_with": "EMS:LK123456789CN"}
    other = {**ORDER, "number": "8134567890123457"}

    lines = read(write_xlsx(tmp_path / "a.xlsx", table(ORDER, second, other)))

    order = fold(one.event for one in lines if isinstance(one, Line) and one.event.order == ORDER["number"])
    assert [one.sku for one in order.items] == ["SOCK-RED", "TEA-1", "LAMP"]
    assert {one.number for one in order.shipments} == {"LP00123456789012", "LK123456789CN"}
    assert {one.event.order for one in lines if isinstance(one, Line)} == {ORDER["number"], "8134567890123457"}


def test_what_is_not_known_is_left_aside_and_told_once(tmp_path: Path) -> None:
    headers = {**HEADERS, "memo": "分拣口"}
    strange = {**ORDER, "memo": "A7", "status": "飞走了", "country": "Atlantis", "total": "12.30"}
    sheet = reader(write_csv(tmp_path / "a.csv", table(strange, {**strange, "number": "2"}, headers=headers)))

    assert not refusals(list(sheet.lines()))
    assert sheet.notes() == [
        "a.csv:1: columns that are not known were left aside: 分拣口",
        "a.csv:2: 订单状态: 2 rows have a status that is not known: what their times tell is used (first: '飞走了')",
        "a.csv:2: 订单金额: 2 rows have an amount without its currency (first: '12.30')",
        "a.csv:2: 收货国家: 2 rows have a country that is not known: without it neither language nor clock of the buyer is (first: 'Atlantis')",
    ]


def test_masked_names_and_addresses_are_not_written_to(tmp_path: Path) -> None:
    told = {**ORDER, "buyer": "I***v", "recipient": "", "email": "i***v@example.com"}
    sheet = reader(
        write_csv(tmp_path / "a.csv", table(told, names=[*HEADERS, "email"], headers={**HEADERS, "email": "买家邮箱"}))
    )

    order = folded(list(sheet.lines()))

    assert (order.buyer.name, order.buyer.email) == (None, None)
    assert sheet.notes() == [
        "a.csv:2: 买家邮箱: 1 row has no e-mail address that could be written to (first: '(not shown)')"
    ]


# --- Shopify and eBay ------------------------------------------------------------------------------------------------

SHOPIFY: tuple[dict[str, str], ...] = (
    {
        "Name": "#1001", "Email": "ana@example.com", "Financial Status": "paid", "Paid at": "2026-03-02 10:16:00 +0800",
        "Fulfillment Status": "fulfilled",
        "Fulfilled at": "2026-03-03 18:00:00 +0800", "Accepts Marketing": "no", "Currency": "EUR", "Subtotal": "30.00",
        "Total": "34.00",
        "Shipping Method": "Standard", "Created at": "2026-03-02 10:15:00 +0800", "Lineitem quantity": "1", "Lineitem name": "Wool socks - red",
        "Lineitem price": "10.00", "Lineitem sku": "SOCK-RED", "Billing Name": "Ana Sol", "Billing Country": "ES", "Shipping Name": "Ana Sol",
        "Shipping City": "Madrid", "Shipping Zip": "'28013", "Shipping Province": "M", "Shipping Country": "ES", "Shipping Phone": "+34 600 000 000",
        "Cancelled at": "", "Payment Method": "Credit Card", "Id": "5551112223334", "Tags": "", "Risk Level": "Low",
    },
    {"Name": "#1001", "Email": "ana@example.com", "Lineitem quantity": "2", "Lineitem name": "Tea box", "Lineitem price": "10.00",
     "Lineitem sku": "TEA-1"},
    {"Name": "#1002", "Email": "bo@example.com", "Financial Status": "pending", "Fulfillment Status": "unfulfilled",
     "Created at": "2026-03-05 09:00:00 +0800", "Lineitem name": "Lamp"},
    {"Name": "#1003", "Email": "cy@example.com", "Financial Status": "voided", "Created at": "2026-03-05 09:00:00 +0800",
     "Cancelled at": "2026-03-06 09:00:00 +0800", "Lineitem name": "Lamp"},
)  # fmt: skip


def test_a_shopify_export_is_read(tmp_path: Path) -> None:
    sheet = reader(write_csv(tmp_path / "orders_export.csv", told(SHOPIFY)))
    lines = [one for one in sheet.lines() if isinstance(one, Line)]

    found = {
        number: fold(one.event for one in lines if one.event.order == number) for number in ("#1001", "#1002", "#1003")
    }
    assert (sheet.platform, sheet.notes()) == ("shopify", [])
    assert {number: order.status for number, order in found.items()} == {
        "#1001": "shipped",
        "#1002": "placed",
        "#1003": "cancelled",
    }
    order = found["#1001"]
    assert (str(order.paid_at), str(order.total), order.currency) == ("2026-03-02 02:16:00+00:00", "34.00", "EUR")
    assert (order.buyer.email, order.buyer.country, order.buyer.postcode) == ("ana@example.com", "ES", "28013")
    assert [(one.title, one.sku, one.quantity, str(one.price)) for one in order.items] == [
        ("Wool socks - red", "SOCK-RED", 1, "10.00"), ("Tea box", "TEA-1", 2, "10.00"),
    ]  # fmt: skip


EBAY: tuple[dict[str, str], ...] = (
    {
        "Sales Record Number": "101", "Order Number": "12-34567-89012", "Buyer Username": "buyer_1", "Buyer Name": "Pat Smith",
        "Buyer Email": "pat@example.com", "Ship To Name": "Pat Smith", "Ship To City": "Oakland", "Ship To State": "CA", "Ship To Zip": "94607",
        "Ship To Country": "United States", "Item Number": "", "Item Title": "", "Custom Label": "", "Quantity": "", "Sold For": "",
        "Shipping And Handling": "$12.00", "Total Price": "$57.99", "Payment Method": "eBay", "Sale Date": "Jul-21-26", "Paid On Date": "Jul-21-26",
        "Ship By Date": "Jul-24-26", "Minimum Estimated Delivery Date": "Jul-28-26", "Maximum Estimated Delivery Date": "Aug-03-26",
        "Shipped On Date": "Jul-23-26", "Shipping Service": "USPS Ground", "Tracking Number": "9400110200882123456789",
    },
    {"Sales Record Number": "101", "Order Number": "12-34567-89012", "Buyer Username": "buyer_1", "Item Number": "335001234567",
     "Item Title": "Vintage Lamp, brass", "Custom Label": "LAMP-1", "Quantity": "1", "Sold For": "$45.99", "Sale Date": "Jul-21-26"},
    {"Sales Record Number": "102", "Order Number": "13-11111-22222", "Buyer Username": "buyer_2", "Ship To City": "York",
     "Ship To Country": "United Kingdom", "Item Title": "Tea box", "Quantity": "2", "Sold For": "£5.00", "Total Price": "£11.00",
     "Sale Date": "Jul-22-26"},
)  # fmt: skip


def told(rows: tuple[dict[str, str], ...]) -> list[list[str]]:
    """Rows below their header, as they are exported: what the first row has names the columns."""
    return [[*rows[0]], *([row.get(name, "") for name in rows[0]] for row in rows)]


def test_an_ebay_report_is_read(tmp_path: Path) -> None:
    rows = [
        [],
        *told(EBAY)[:1],
        [],
        *told(EBAY)[1:],
        [],
        ["3", "record(s) downloaded"],
        ["Seller ID : caledonian-youth"],
    ]
    sheet = reader(write_csv(tmp_path / "eBay-OrdersReport.csv", rows, encoding="utf-8-sig"))
    lines = list(sheet.lines())

    assert (refusals(lines), sheet.notes(), sheet.platform) == ([], [], "ebay")
    first, second = (
        fold(one.event for one in lines if isinstance(one, Line) and one.event.order == number)
        for number in ("12-34567-89012", "13-11111-22222")
    )
    assert (first.status, second.status) == ("shipped", "placed")
    assert (str(first.placed_at), str(first.paid_at)) == ("2026-07-21 19:00:00+00:00", "2026-07-21 19:00:01+00:00")
    assert (str(first.ship_by), str(first.deliver_by)) == ("2026-07-25 06:59:59+00:00", "2026-08-04 06:59:59+00:00")
    assert [(one.title, one.sku) for one in first.items] == [("Vintage Lamp, brass", "LAMP-1")]
    assert [one.number for one in first.shipments] == ["9400110200882123456789"]
    assert (str(second.total), second.currency, second.buyer.country) == ("11.00", "GBP", "GB")


# --- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_chinese_export_is_read_in_every_encoding(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = write_csv(tmp_path / "a.csv", table({**ORDER, "buyer": "张三"}), encoding=encoding, delimiter=delimiter)

    assert folded(read(path)).buyer.name == "张三"


@pytest.mark.parametrize(
    ("encoding", "name", "city"),
    [
        ("cp1251", "Иван Петров", "Екатеринбург"),
        ("cp1252", "François Müller", "Besançon"),
        ("gb18030", "李小龙", "深圳"),
    ],
)
@pytest.mark.parametrize("before", [0, 3000], ids=["at once", "far behind plain letters"])
def test_old_encodings_are_told_apart_by_their_words(
    tmp_path: Path, encoding: str, name: str, city: str, before: int
) -> None:
    plain = [
        {**ORDER, "number": str(index), "status": "", "products": "", "buyer": "Ann"} for index in range(1, before + 1)
    ]
    named = {**ORDER, "buyer": name, "city": city, "status": "", "products": ""}
    path = write_csv(
        tmp_path / "a.csv",
        table(*plain, named, names=ENGLISH | {"city": ""}, headers=ENGLISH | {"city": "City"}),
        encoding=encoding,
    )

    order = fold(one.event for one in read(path) if isinstance(one, Line) and one.event.order == ORDER["number"])

    assert (order.buyer.name, order.buyer.city) == (name, city)


def test_a_letter_of_another_encoding_far_down_is_told(tmp_path: Path) -> None:
    french = [
        {**ORDER, "number": str(index), "status": "", "products": "", "buyer": "François Müller"}
        for index in range(1, 1500)
    ]
    rows = table(*french, names=ENGLISH, headers=ENGLISH)
    path = write_csv(tmp_path / "a.csv", rows, encoding="cp1252")
    path.write_bytes(path.read_bytes() + b"99,\x81\x8d,\x90\n")

    assert "is not one of cp1252, in which the others are: save the file as UTF-8" in " ".join(refusals(read(path)))


# --- refused, with its place -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["orders.xlsx", "orders.xls"])
@pytest.mark.parametrize("number", [81345678901234567, 8134567890123456])
def test_an_order_number_in_a_numeric_cell_is_refused(tmp_path: Path, name: str, number: int) -> None:
    lines = read(write(tmp_path / name, table(ORDER, {**ORDER, "number": number})))

    (refused,) = refusals(lines)
    assert refused.startswith(f"{name}:3: 订单号: the number 81345678901234")
    assert "stands in a numeric cell, where a spreadsheet keeps 15 digits only" in refused
    assert "export again" in refused
    assert {one.event.order for one in lines if isinstance(one, Line)} == {ORDER["number"]}


def test_a_short_number_in_a_numeric_cell_is_as_it_was_typed(tmp_path: Path) -> None:
    assert (
        folded(read(write_xlsx(tmp_path / "a.xlsx", table({**ORDER, "number": 10012, "postcode": 101000})))).number
        == "10012"
    )


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"number": "8.13457E+15"}, "a.csv:2: 订单号: the number was saved as 8.13457E+15, where a spreadsheet keeps 15 digits only"),
        ({"number": ""}, "a.csv:2: 订单号: is missing: it names the order"),
        ({"number": "no number!"}, "a.csv:2: 订单号: must be the number of an order, got 'no number!'"),
        ({"placed": "gestern"}, "a.csv:2: 下单时间: must be a time like 2026-03-02 10:15:00, got 'gestern'"),
        ({"ship_by": "soon"}, "a.csv:2: 发货期限: must be a time like 2026-03-02 10:15:00, got 'soon'"),
        ({"sent_with": "EMS:1.2E+15"}, "a.csv:2: 实际发货物流:运单号: must be tracking numbers such as 'EMS: LK123456789CN', got 'EMS:1.2E+15'"),
        ({"placed": "", "paid": "", "shipped": ""}, "a.csv:2: 下单时间: is missing: nothing tells when this order was placed"),
        ({"city": "x" * 10_001}, "a.csv:2: data.buyer.city: is 10001 characters long, at most 10000 are kept"),
        ({"city": "a\x00b"}, "a.csv:2: data.buyer.city: holds a NUL character"),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_read_keeps_its_order_out_and_is_named(
    tmp_path: Path, changed: dict[str, object], told: str
) -> None:
    lines = read(write_csv(tmp_path / "a.csv", table({**ORDER, **changed}, {**ORDER, "number": "2"})))

    assert [one[: len(told)] for one in refusals(lines)] == [told]
    assert {one.event.order for one in lines if isinstance(one, Line)} == {"2"}


def test_every_mistake_of_an_order_is_told_at_once(tmp_path: Path) -> None:
    lines = read(write_csv(tmp_path / "a.csv", table({**ORDER, "number": "", "placed": "x", "sent_with": "?"})))

    assert [one.partition(": ")[2].partition(": ")[0] for one in refusals(lines)] == [
        "订单号",
        "下单时间",
        "实际发货物流:运单号",
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<html><table><tr><td>8134</td></tr></table>", "it is a web page or XML, whatever its name says"),
        (b"", "the file is empty"), (b"a,b,c\n1,2,3\n", "no row looks like the header of an order export"),
        (b"PK\x03\x04 not really", "the file is damaged"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 not really", "the file cannot be read as a sheet"),
        (csv_bytes([[*HEADERS.values()]]) + b'8134,"never closed\n' + b"x,y\n" * 60_000, "(is a quotation mark missing?)"),
        (b"\xff\xfe\x00", "the file is empty"), (b'{"specversion": "1.0"}', "it holds JSON, not a sheet"),
    ],
)  # fmt: skip
def test_what_is_no_sheet_is_refused_in_words(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "orders.xls"
    path.write_bytes(content)

    assert told in " ".join(refusals(read(path)))


def test_the_layout_that_was_asked_for_has_to_be_there(tmp_path: Path) -> None:
    (refused,) = refusals(read(write_csv(tmp_path / "a.csv", table(ORDER)), layout="shopify"))

    assert "no row looks like the header of an order export of Shopify" in refused
    assert "the first rows begin with: 订单号" in refused


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert refusals(read(tmp_path / "nothing.xls")) == ["nothing.xls:1: no such file or directory"]


# --- how much --------------------------------------------------------------------------------------------------------


def test_a_bomb_is_refused_at_once_and_costs_us_nothing(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.xlsx", unpacked=600 << 20)
    assert path.stat().st_size < 1 << 20
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()

    (refused,) = refusals(read(path))

    assert "it unpacks to more than 512 MiB" in refused
    assert time.monotonic() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


def test_a_small_bomb_is_known_by_its_ratio(tmp_path: Path) -> None:
    (refused,) = refusals(read(bomb(tmp_path / "bomb.xlsx", unpacked=100 << 20)))

    assert "times its size, as no sheet of orders does" in refused


def test_a_bomb_that_lies_about_its_size_is_damaged(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.xlsx", unpacked=600 << 20)
    content = path.read_bytes()
    entry = content.rindex(b"PK\x01\x02", 0, content.rindex(b"xl/worksheets/sheet1.xml"))
    path.write_bytes(content[: entry + 24] + (1000).to_bytes(4, "little") + content[entry + 28 :])

    (refused,) = refusals(read(path))

    assert "damaged" in refused or "unpacks" in refused


def test_a_sheet_with_one_cell_far_away_is_stopped(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("orders", 0)
    sheet["A1"], sheet["XFD1048576"] = "订单号", "far"
    book.save(tmp_path / "far.xlsx")

    (refused,) = refusals(read(tmp_path / "far.xlsx"))

    assert "the sheet cannot be read: " in refused
    assert "(at most 60 seconds and 1024 MiB are spent on it: save it as CSV, or split it)" in refused


def test_reading_that_takes_too_much_is_ended(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", table(*orders(2000)))

    with (
        pytest.raises(Unreadable, match="it took longer than 10 ms and was stopped"),
        SheetFile(path, Limits(seconds=0.01)) as sheet,
    ):
        list(sheet.rows())


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_read_or_refused_in_words(tmp_path: Path, name: str) -> None:
    whole = write(tmp_path / name, table(*orders(20))).read_bytes()
    for seed in range(12):
        chance = random.Random(seed)
        content = bytearray(whole)
        for _ in range(chance.choice((1, 5, 100))):
            place = chance.randrange(len(content))
            content[place : place + chance.randrange(9)] = chance.randbytes(chance.randrange(9))
        path = tmp_path / f"damaged-{name}"
        path.write_bytes(content)

        told = read(path)

        assert told
        assert all(len(one) < 400 for one in refusals(told))


def test_a_cell_of_a_book_is_refused(tmp_path: Path) -> None:
    (refused,) = refusals(read(write_csv(tmp_path / "a.csv", table({**ORDER, "city": "x" * 40_000}))))

    assert "row 2, column 17: a cell holds 40000 characters, at most 32767 are read" in refused


def test_many_orders_are_read_in_little_memory(tmp_path: Path) -> None:
    path = write_xls(tmp_path / "orders.xls", table(*orders(3000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = refused = 0
    sheet = reader(path)
    for one in sheet.lines():
        count += isinstance(one, Line) and one.event.type == "order.placed"
        refused += isinstance(one, Rejected)

    assert (count, refused, sheet.notes()) == (3000, 0, [])
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40 * 1024
