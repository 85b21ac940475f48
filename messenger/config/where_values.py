"""The values that a condition may ask for, by the kind of its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from messenger.config.tables import Reader, Wrong, any_text, list_of, nearest, one_of, shown, yes_or_no
from messenger.config.values import MONEY_PATTERN, PLATFORMS, country
from messenger.domain.calendars import Calendar
from messenger.domain.conditions import FIELDS, Money, Scalar
from messenger.domain.events import ShipmentState
from messenger.domain.orders import OrderStatus
from messenger.domain.shops import Shop

CURRENCY_PATTERN: Final = r"[A-Z]{3}"
TAG_PATTERN: Final = r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*"
"""A language as sources tell it."""

MEASURED: Final = frozenset({"lane.p50_days", "lane.p90_days"})
"""Numbers with decimals: nobody can mean one of them exactly."""

KIND_NAMES: Final[Mapping[str, str]] = {
    "text": "a text", "yes or no": "true or false", "number": "a number", "measure": "a measured number",
    "money": "an amount of money", "moment": "a moment",
}  # fmt: skip
OPERATORS: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"not", "like", "exists"}),
    "yes or no": frozenset({"not", "exists"}),
    "number": frozenset({"not", "min", "max", "exists"}),
    "measure": frozenset({"min", "max", "exists"}),
    "money": frozenset({"min", "max", "exists"}),
    "moment": frozenset({"exists"}),
}
"""What may be asked of each kind of field, besides equality."""
NEVER_EQUAL: Final[Mapping[str, tuple[str, str]]] = {
    "money": ("an amount has to be compared with a limit", 'write { min = "5 USD" } or { max = "5 USD" }'),
    "measure": ("a measured number has to be compared with a limit", "write { min = 30 } or { max = 30 }"),
    "moment": ("of a moment only one thing can be asked: whether it is known", "write { exists = true }"),
}
"""Kinds of which no single value can be asked."""

Lists = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What names a schedule may use. ``None`` means that the names are not known and are not checked."""

    lists: Lists
    templates: Collection[str] | None
    shops: Mapping[str, Shop] | None
    calendars: Mapping[str, Calendar]


@dataclass(frozen=True, slots=True)
class Values:
    """How what is wanted of a field is read: ``alone`` behind the equals sign, ``inside`` behind ``not``."""

    alone: Reader[tuple[Scalar, ...]]
    inside: Reader[tuple[Scalar, ...]]


def kind_of(field: str) -> str:
    """Return the kind of a field; ``told.<template>`` is yes or no."""
    return "measure" if field in MEASURED else FIELDS.get(field, "yes or no")


def values_of(field: str, words: Vocabulary) -> Values:
    """Return the readers for a field's values."""
    kind = kind_of(field)
    if kind in NEVER_EQUAL:
        return Values(_never(*NEVER_EQUAL[kind]), _never(*NEVER_EQUAL[kind]))
    if kind == "yes or no":
        return Values(_truth, _truth)
    several = _many(_whole_number if kind == "number" else _texts(words).get(field, any_text), words.lists)
    return Values(several, several)


def limit_of(kind: str) -> Reader[Money | Decimal]:
    """Return the reader for ``min`` and ``max``."""
    return _money if kind == "money" else _number


def _texts(words: Vocabulary) -> Mapping[str, Reader[Scalar]]:
    readers: dict[str, Reader[Scalar]] = {
        "order.status": one_of([one.value for one in OrderStatus]),
        "shipment.state": one_of([one.value for one in ShipmentState]),
        "platform": one_of(PLATFORMS),
        "buyer.country": country,
        "buyer.language": _like(TAG_PATTERN, "a language tag", "for example ru or pt-BR"),
        "order.currency": _like(CURRENCY_PATTERN, "a three-letter currency code", "for example USD"),
    }
    if words.shops is not None:
        readers["shop"] = one_of(sorted(words.shops))
    return readers


def _many(single: Reader[Scalar], lists: Lists) -> Reader[tuple[Scalar, ...]]:
    """Return a reader of one value or several, where ``@name`` stands for all values of a named list."""

    def element(value: object) -> tuple[Scalar, ...]:
        if not (isinstance(value, str) and value.startswith("@")):
            return (single(value),)
        if value[1:] not in lists:
            remedy = nearest(value[1:], lists) or f"write it under [lists]: {value[1:]} = [...]"
            raise Wrong(f"unknown list {shown(value)}", remedy)
        return tuple(_of_list(single, one, value) for one in lists[value[1:]])

    def read(value: object) -> tuple[Scalar, ...]:
        return tuple(dict.fromkeys(one for group in list_of(element, alone=True)(value) for one in group))

    return read


def _of_list(single: Reader[Scalar], value: str, name: str) -> Scalar:
    try:
        return single(value)
    except Wrong as wrong:
        raise Wrong(f"the list {name} holds {shown(value)}: {wrong.problem}", wrong.remedy) from None


def _truth(value: object) -> tuple[Scalar, ...]:
    return (yes_or_no(value),)


def _never(problem: str, remedy: str) -> Reader[tuple[Scalar, ...]]:
    def read(value: object) -> tuple[Scalar, ...]:
        raise Wrong(f"{problem}, got {shown(value)}", remedy)

    return read


def _like(pattern: str, what: str, remedy: str) -> Callable[[object], Scalar]:
    def read(value: object) -> Scalar:
        text = any_text(value)
        if not re.fullmatch(pattern, text):
            raise Wrong(f"must be {what}, got {shown(text)}", remedy)
        return text

    return read


def _money(value: object) -> Money:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        raise Wrong(f"{shown(value)} is an amount without a currency", f'write "{shown(value)} USD"')
    text = any_text(value)
    if not re.fullmatch(MONEY_PATTERN, text, re.ASCII):
        bare = re.fullmatch(r"\d{1,12}(\.\d{1,6})?", text, re.ASCII)
        raise Wrong(
            f"{shown(text)} is an amount without a currency" if bare else f"cannot read {shown(text)}",
            f'write "{text} USD"' if bare else 'write "5 USD"',
        )
    amount, currency = text.split(" ")
    return Money(Decimal(amount), currency)


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise Wrong(f"must be a number, got {shown(value)}", "without quotes" if isinstance(value, str) else "")
    return Decimal(value)


def _whole_number(value: object) -> Scalar:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Wrong(f"must be a whole number, got {shown(value)}", "without quotes" if isinstance(value, str) else "")
    return value
