"""Reading ``where``: what a rule asks of an order."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from messenger.config.tables import (
    UNAVAILABLE,
    Reader,
    Table,
    Wrong,
    any_text,
    list_of,
    nearest,
    one_of,
    shown,
    yes_or_no,
)
from messenger.config.values import MONEY_PATTERN, country
from messenger.domain.conditions import FIELDS, Condition, Money, Scalar
from messenger.domain.events import ShipmentState
from messenger.domain.orders import OrderStatus

LATER_FIELDS: Final = ("buyer.paid_since", "calendar.", "lane.")
OPERATORS: Final[Mapping[str, frozenset[str]]] = {
    "text": frozenset({"not", "like", "exists"}),
    "yes or no": frozenset({"not", "exists"}),
    "number": frozenset({"not", "min", "max", "exists"}),
    "money": frozenset({"min", "max", "exists"}),
}
"""What may be asked of each kind of field, besides equality."""

Lists = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What names a schedule may use. ``None`` means that the names are not known and are not checked."""

    lists: Lists
    templates: Collection[str] | None
    shops: Collection[str] | None


def conditions(table: Table, words: Vocabulary) -> tuple[Condition, ...]:
    """Return every condition of a ``where`` table; mistakes are noted."""
    found: list[Condition] = []
    _walk(table, "", words, found)
    return tuple(found)


def _walk(table: Table, room: str, words: Vocabulary, found: list[Condition]) -> None:
    for key, value in table.values.items():
        name = f"{room}{key}"
        if "." in key:
            table.wrong(key, "unknown field", "write the dots outside quotes", at_key=True)
        elif name in FIELDS or room == "told.":
            found.extend(_condition(table, key, name, words))
        elif name == "told" or any(field.startswith(f"{name}.") for field in FIELDS):
            if isinstance(value, Mapping):
                _walk(table.table(key), f"{name}.", words, found)
            else:
                table.wrong(key, "names no field", f"write {name}.<field> = value")
        elif name.startswith(LATER_FIELDS) or f"{name}." in LATER_FIELDS:
            table.wrong(key, UNAVAILABLE, "remove it", at_key=True)
        else:
            table.wrong(key, "unknown field", _nearest_field(name), at_key=True)


def _nearest_field(name: str) -> str:
    room = name.partition(".")[0]
    same_room = [field for field in FIELDS if field.startswith(f"{room}.")]
    return nearest(name, FIELDS) or (f"known: {', '.join(sorted(same_room))}" if same_room else "")


def _condition(table: Table, key: str, name: str, words: Vocabulary) -> list[Condition]:
    template = name.removeprefix("told.")
    if name.startswith("told.") and words.templates is not None and template not in words.templates:
        table.wrong(key, f"unknown template {shown(template)}", nearest(template, words.templates), at_key=True)
        return []
    kind = FIELDS.get(name, "yes or no")
    one = _one(name, kind, words)
    if isinstance(table.values[key], Mapping):
        return _with_operators(table.table(key), name, kind, one)
    values = table.take(key, _any_of(one, kind, words.lists), None)
    return [] if values is None else [Condition(field=name, any_of=values)]


def _with_operators(table: Table, name: str, kind: str, one: _Values) -> list[Condition]:
    known = OPERATORS[kind]
    for operator in table.values:
        if operator not in known:
            misplaced = any(operator in others for others in OPERATORS.values())
            problem = f"cannot be asked of {name}, which is {_KINDS[kind]}" if misplaced else "unknown operator"
            table.wrong(operator, problem, nearest(operator, known), at_key=True)
    if not table.values:
        table.wrong("", "asks nothing", f"write {name} = value, or one of {', '.join(sorted(known))}")
    limit: Reader[Money | Decimal] = _money if kind == "money" else _number
    allowed = {operator: value for operator, value in table.values.items() if operator in known}
    asked = Table(table.document, table.path, allowed)
    condition = Condition(
        field=name,
        excluded=asked.take("not", one.several, None),
        low=asked.take("min", limit, None),
        high=asked.take("max", limit, None),
        like=asked.take("like", any_text, None),
        exists=asked.take("exists", yes_or_no, None),
    )
    _check_bounds(asked, condition)
    return [condition]


def _check_bounds(table: Table, condition: Condition) -> None:
    low, high = condition.low, condition.high
    if isinstance(low, Money) and isinstance(high, Money):
        if low.currency != high.currency:
            table.wrong("max", f"is in {high.currency}, but min is in {low.currency}", "write both in one currency")
            return
        low, high = low.amount, high.amount
    if isinstance(low, Decimal) and isinstance(high, Decimal) and low > high:
        table.wrong("max", f"{high} is less than min, which is {low}")


@dataclass(frozen=True, slots=True)
class _Values:
    """How one value of a field is read, and how several are."""

    single: Reader[Scalar]
    several: Reader[tuple[Scalar, ...] | None]


_KINDS: Final = {"text": "a text", "yes or no": "true or false", "number": "a number", "money": "an amount of money"}


def _one(name: str, kind: str, words: Vocabulary) -> _Values:
    single: Reader[Scalar]
    match kind:
        case "yes or no":
            return _Values(yes_or_no, lambda value: (yes_or_no(value),))
        case "number":
            single = _whole_number
        case "money":
            single = _never_equal
        case _:
            single = _texts(words).get(name, any_text)
    return _Values(single, _many(single, words.lists))


def _any_of(one: _Values, kind: str, lists: Lists) -> Reader[tuple[Scalar, ...] | None]:
    if kind in {"yes or no", "money"}:
        return lambda value: (one.single(value),)
    return _many(one.single, lists)


def _texts(words: Vocabulary) -> Mapping[str, Reader[Scalar]]:
    readers: dict[str, Reader[Scalar]] = {
        "order.status": one_of([one.value for one in OrderStatus]),
        "shipment.state": one_of([one.value for one in ShipmentState]),
        "buyer.country": country,
        "order.currency": _currency,
    }
    if words.shops is not None:
        readers["shop"] = one_of(sorted(words.shops))
    return readers


def _many(single: Reader[Scalar], lists: Lists) -> Reader[tuple[Scalar, ...] | None]:
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


def _money(value: object) -> Money:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        raise Wrong(f"{value} is an amount without a currency", f'write "{value} USD"')
    text = any_text(value)
    if not re.fullmatch(MONEY_PATTERN, text, re.ASCII):
        raise Wrong(f"cannot read {shown(text)}", 'write "5 USD"')
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


def _currency(value: object) -> Scalar:
    text = any_text(value)
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise Wrong(f"must be a three-letter currency code, got {shown(text)}", "for example USD")
    return text


def _never_equal(value: object) -> Scalar:
    remedy = 'write { min = "5 USD" } or { max = "5 USD" }'
    raise Wrong(f"an amount has to be compared with a limit, got {shown(value)}", remedy)
