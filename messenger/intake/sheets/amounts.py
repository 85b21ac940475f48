"""Amounts of money as exports write them: ``US $1,234.50``, ``1.234,50 €``, ``12.30``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from messenger.intake.sheets.cells import Cell, Number

SIGNS: Final[Mapping[str, str]] = {
    "US $": "USD",
    "US$": "USD",
    "€": "EUR",
    "£": "GBP",
    "руб": "RUB",
    "₽": "RUB",
    "R$": "BRL",
    "zł": "PLN",
}
"""Currencies whose sign means nothing else."""
_NUMBER: Final = re.compile(r"[0-9][0-9.,\u00a0\u202f' ]*")
_CODE: Final = re.compile(r"\b([A-Z]{3})\b")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount; ``currency`` is empty where the sheet does not tell it."""

    amount: Decimal
    currency: str


def money(cell: Cell, header: str, signs: Mapping[str, str]) -> Money | None:
    """Return the amount in a cell; None when there is none that could be read without a guess.

    Args:
        cell: as it came out of the sheet.
        header: of its column; some name the currency.
        signs: what signs mean on this platform, beside those that mean the same everywhere.
    """
    if isinstance(cell, Number):
        return Money(Decimal(repr(round(cell.value, 6))).normalize(), _currency(header, signs))
    if not isinstance(cell, str) or not (found := _NUMBER.search(cell)):
        return None
    amount = _decimal(found.group().strip(" .,'\u00a0\u202f"))
    around = cell[: found.start()] + " " + cell[found.end() :]
    return None if amount is None else Money(amount, _currency(around, signs) or _currency(header, signs))


def decimal_text(amount: Decimal) -> str:
    """Return an amount as events carry it."""
    return f"{amount:f}"


def _currency(text: str, signs: Mapping[str, str]) -> str:
    if code := _CODE.search(text):
        return code.group(1)
    known = {**SIGNS, **signs}
    found = (known[sign] for sign in sorted(known, key=len, reverse=True) if sign in text)
    return next(found, "")


def _decimal(text: str) -> Decimal | None:
    """The number: the last of two different signs parts the cents, a single one that has three digits behind it parts thousands."""
    text = re.sub(r"[\u00a0\u202f' ]", "", text)
    signs = [sign for sign in text if sign in ".,"]
    if len(set(signs)) == 2:
        thousands = "," if text.rfind(".") > text.rfind(",") else "."
        text = text.replace(thousands, "").replace(",", ".")
    elif len(signs) > 1 or (signs == [","] and len(text) - text.index(",") == 4):
        text = text.replace(signs[0], "")
    else:
        text = text.replace(",", ".")
    return Decimal(text) if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text) else None
