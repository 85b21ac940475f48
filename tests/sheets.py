"""Sheets for tests: a small writer of each kind of file, and a seeded maker of AliExpress exports."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import openpyxl
import xlwt

from messenger.intake.sheets.reading import SheetReader
from messenger.ports import Line, Rejected

Cells = Sequence[object]

HEADERS: Final[Mapping[str, str]] = {
    "number": "订单号", "status": "订单状态", "handler": "负责人(业务员)", "buyer": "买家名称", "placed": "下单时间", "paid": "付款时间",
    "goods": "产品总金额", "freight": "物流费用", "total": "订单金额", "discount": "满立减",
    "products": "产品信息\n（双击单元格展开所有产品信息！）", "memo": "订单备注", "address": "收货地址", "recipient": "收货人名称",
    "country": "收货国家", "region": "州/省", "city": "城市", "street": "地址", "postcode": "邮编", "phone": "联系电话", "mobile": "手机",
    "shipping": "买家选择物流", "ship_by": "发货期限", "sent_with": "实际发货物流:运单号", "shipped": "发货时间", "received": "确认收货时间",
}  # fmt: skip
"""The export of 2019, in its order."""

ORDER: Final[Mapping[str, object]] = {
    "number": "8134567890123456", "status": "等待买家收货", "buyer": "Ivan Petrov", "placed": "2026-03-02 01:15:00", "paid": "2026-03-02 01:16:30",
    "total": "US $23.40",
    "products": "【1】 Wool socks \n            (产品属性:Color:Red) \n            (商家编码:SOCK-RED) \n            (产品数量:2 piece) \n"
                "【2】 Tea box \n            (产品属性:) \n            (商家编码:TEA-1) \n            (产品数量:1 lot) ",
    "recipient": "Ivan Petrov", "country": "Russian Federation", "region": "Moscow", "city": "Moscow", "postcode": "101000",
    "mobile": "79001234567", "shipping": "AliExpress Standard Shipping\n2026-03-09", "ship_by": "2026-03-09 01:16:30",
    "sent_with": "AliExpress Standard Shipping:LP00123456789012", "shipped": "2026-03-04 08:00:00",
}  # fmt: skip


def table(
    *orders: Mapping[str, object], names: Iterable[str] = HEADERS, headers: Mapping[str, str] = HEADERS
) -> list[Cells]:
    """A sheet of these orders with these columns."""
    columns = list(names)
    return [[headers[name] for name in columns], *([order.get(name, "") for name in columns] for order in orders)]


def csv_bytes(rows: Iterable[Cells], *, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def write_csv(path: Path, rows: Iterable[Cells], *, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    path.write_bytes(csv_bytes(rows, delimiter=delimiter, encoding=encoding))
    return path


def write_xlsx(path: Path, rows: Iterable[Cells]) -> Path:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("orders")
    for row in rows:
        sheet.append(list(row))
    book.save(path)
    return path


def write_xls(path: Path, rows: Iterable[Cells]) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("orders")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm:ss")
    for line, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, datetime):
                sheet.write(line, column, cell, day)
            else:
                sheet.write(line, column, cell)
    book.save(str(path))
    return path


def write(path: Path, rows: Iterable[Cells]) -> Path:
    """Write a file of the kind that its name says."""
    return {".csv": write_csv, ".xlsx": write_xlsx, ".xls": write_xls}[path.suffix](path, rows)


def bomb(path: Path, *, unpacked: int) -> Path:
    """A workbook of one cell that unpacks to so many bytes."""
    write_xlsx(path, [["small"]])
    with zipfile.ZipFile(path) as archive:
        parts = {one.filename: archive.read(one) for one in archive.infolist()}
    name = "xl/worksheets/sheet1.xml"
    head, tail = parts[name].split(b"small")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for part, content in parts.items():
            if part == name:
                with archive.open(part, "w") as stream:
                    stream.write(head)
                    for _ in range(unpacked >> 20):
                        stream.write(b"x" * (1 << 20))
                    stream.write(tail)
            else:
                archive.writestr(part, content)
    return path


def read(path: Path, **options: Any) -> list[Line | Rejected]:  # Any: as SheetReader takes them
    return list(reader(path, **options).lines())


def reader(path: Path, **options: Any) -> SheetReader:  # Any: the same
    return SheetReader(path, path.name, **{"shop": "toys", **options})


# --- many orders -----------------------------------------------------------------------------------------------------

PLACES: Final = (
    ("Russian Federation", "Moscow", "Moscow", "101000"), ("Brazil", "Sao Paulo", "Campinas", "13010-111"),
    ("Spain", "Madrid", "Madrid", "28013"), ("United States", "California", "Oakland", "94607"), ("France", "Paris", "Paris", "75003"),
    ("Poland", "Mazowieckie", "Warszawa", "00-001"), ("Israel", "", "Haifa", "3303139"), ("Chile", "Santiago", "Santiago", "8320000"),
    ("UK", "England", "Leeds", "LS1 1BA"), ("Germany", "Berlin", "Berlin", "10115"), ("Ukraine", "Kyiv", "Kyiv", "01001"),
    ("Korea", "Seoul", "Seoul", "04524"),
)  # fmt: skip
FIRST_NAMES: Final = (
    "Ivan",
    "Maria",
    "Joao",
    "Lucia",
    "Emma",
    "Piotr",
    "Noa",
    "Diego",
    "Olga",
    "Hans",
    "Min-ji",
    "Claire",
)
LAST_NAMES: Final = (
    "Petrov",
    "Silva",
    "Garcia",
    "Smith",
    "Martin",
    "Nowak",
    "Levi",
    "Rojas",
    "Kim",
    "Weber",
    "Bondar",
    "Brown",
)
GOODS: Final = (
    ("Wool socks", "SOCK"),
    ("Tea box", "TEA"),
    ("Phone case", "CASE"),
    ("LED lamp", "LAMP"),
    ("Toy robot", "ROBOT"),
)
UNTIL: Final = datetime.fromisoformat("2026-11-20T12:00:00")
"""The day of the export, by the platform's wall clock."""


def orders(count: int, *, seed: int = 1, until: datetime = UNTIL) -> Iterator[dict[str, object]]:
    """An AliExpress shop's last four months: most parcels arrive, some late, some orders are never paid, some are forgotten."""
    chance = random.Random(seed)
    for index in range(count):
        placed = until - timedelta(minutes=chance.randrange(120 * 24 * 60))
        yield _order(chance, 8_134_567_800_000_000 + index * 97, placed, until)


def _order(chance: random.Random, number: int, placed: datetime, until: datetime) -> dict[str, object]:
    country, region, city, postcode = chance.choice(PLACES)
    name = f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
    title, sku = chance.choice(GOODS)
    order: dict[str, object] = {
        "number": str(number), "status": "等待买家付款", "buyer": name, "placed": _told(placed),
        "total": f"US ${chance.randrange(300, 9000) / 100:.2f}",
        "products": f"【1】 {title} \n   (产品属性:Color:Red) \n   (商家编码:{sku}-1) \n   (产品数量:{chance.randrange(1, 4)} piece) ",
        "recipient": name, "country": country, "region": region, "city": city, "postcode": postcode,
        "mobile": f"7900{chance.randrange(10**7):07}", "shipping": "AliExpress Standard Shipping",
    }  # fmt: skip
    paid = placed + timedelta(minutes=chance.choice((2, 5, 40, 60 * 26)))
    if chance.random() < 0.06 or paid > until:
        return order if until - placed < timedelta(days=20) else {**order, "status": "订单关闭"}
    order |= {"paid": _told(paid), "status": "等待您发货", "ship_by": _told(paid + timedelta(days=7))}
    shipped = paid + timedelta(hours=chance.choice((20, 44, 60, 90, 24 * 9)))
    if shipped > until:
        return order
    parcels = [f"LP{chance.randrange(10**14):014}" for _ in range(2 if chance.random() < 0.04 else 1)]
    sent_with = "\n".join(f"AliExpress Standard Shipping:{one}" for one in parcels)
    order |= {"shipped": _told(shipped), "status": "等待买家收货", "sent_with": sent_with}
    received = shipped + timedelta(days=chance.choice((9, 14, 18, 22, 27, 35, 48)), minutes=chance.randrange(900))
    if received > until or chance.random() < 0.03:
        return order if until - shipped < timedelta(days=75) else {**order, "status": "订单结束"}
    return {**order, "received": _told(received), "status": "订单结束"}


def _told(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
