"""Parcels and articles that share a cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from messenger.intake.sheets.cells import Cell, Number

MOST_ITEMS: Final = 200
_NUMBER: Final = re.compile(r"(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9\-]{4,49}")
_MARK: Final = re.compile(r"【\s*\d+\s*】")
_NOTE: Final = re.compile(r"\(\s*([^:：()]{1,40})[:：]\s*(.*?)\s*\)\s*$", re.MULTILINE)
_SKU: Final = frozenset({"商家编码", "sku", "sellersku", "merchantcode", "productcode"})
_QUANTITY: Final = frozenset({"产品数量", "数量", "quantity", "productquantity", "qty"})


class NoParcel(ValueError):
    """A piece of a cell that names no parcel; the message says what would."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A tracking number, and who moves it where the sheet tells."""

    number: str
    carrier: str = ""


@dataclass(frozen=True, slots=True)
class Article:
    """One line of an order."""

    title: str
    sku: str = ""
    quantity: int = 1
    price: str = ""


def parcels(cell: Cell, carrier: str = "") -> list[Parcel]:
    """Return the parcels that a cell names, each once: parted by line breaks, commas and semicolons, carrier before the last colon.

    Raises:
        NoParcel: a piece of it is no tracking number, or a number that a spreadsheet has rounded.
    """
    if isinstance(cell, Number):
        if not cell.is_exact:
            raise NoParcel(
                f"the number {cell} stands in a numeric cell, where a spreadsheet keeps 15 digits only: make the column text and export again"
            )
        return [Parcel(str(cell), carrier)]
    pieces = [one.strip() for one in re.split(r"[\n,;，；、]+", str(cell))]
    return list(dict.fromkeys(_parcel(one, carrier) for one in pieces if one))


def _parcel(piece: str, carrier: str) -> Parcel:
    name, _, number = piece.replace("：", ":").rpartition(":")
    number = number.strip().replace(" ", "")
    if not _NUMBER.fullmatch(number) or re.fullmatch(r"\d+(\.\d+)?[eE]\+\d+", piece):
        raise NoParcel(f"must be tracking numbers such as 'EMS: LK123456789CN', got {piece[:60]!r}")
    return Parcel(number, name.strip() or carrier)


def articles(cell: Cell) -> list[Article]:
    """Return the articles that a cell names: each begins with its number in brackets, and its notes stand below in brackets."""
    text = str(cell)
    pieces = [one.strip() for one in _MARK.split(text) if one.strip()] if _MARK.search(text) else [text.strip()]
    return [made for one in pieces[:MOST_ITEMS] if (made := _article(one)) is not None]


def _article(piece: str) -> Article | None:
    notes = {re.sub(r"\s+", "", name).casefold(): value for name, value in _NOTE.findall(piece)}
    title = " ".join(_NOTE.sub("", piece).split())
    if not title:
        return None
    sku = next((value for name, value in notes.items() if name in _SKU), "")
    told = next((value for name, value in notes.items() if name in _QUANTITY), "")
    digits = re.match(r"\d{1,6}", told)
    return Article(title[:500], sku, int(digits.group()) if digits else 1)
