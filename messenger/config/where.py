"""Reading ``where``: what a rule asks of an order."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from difflib import get_close_matches

from messenger.config.tables import Table, a_text, nearest, shown, yes_or_no
from messenger.config.where_values import (
    KIND_NAMES,
    NEVER_EQUAL,
    OPERATORS,
    Values,
    Vocabulary,
    kind_of,
    limit_of,
    values_of,
)
from messenger.domain.conditions import FIELDS, Condition, Money

__all__ = ["Vocabulary", "conditions"]


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
        elif name != "told" and not any(field.startswith(f"{name}.") for field in FIELDS):
            table.wrong(key, "unknown field", _nearest_field(name), at_key=True)
        elif isinstance(value, Mapping):
            _walk(table.table(key), f"{name}.", words, found)
        else:
            table.wrong(key, "names no field", f"write {name}.{_example(name)} = value")


def _example(room: str) -> str:
    return "<template>" if room == "told" else "<field>"


def _nearest_field(name: str) -> str:
    """The field of the same room that is spelt most like this one, else one that is called the same elsewhere."""
    room, _, rest = name.partition(".")
    inside = {field.removeprefix(f"{room}."): field for field in FIELDS if field.startswith(f"{room}.")}
    elsewhere = {field.rpartition(".")[2]: field for field in reversed(list(FIELDS))}
    near = get_close_matches(rest, inside, n=1) or get_close_matches(name.rpartition(".")[2], elsewhere, n=1)
    if near:
        return f"did you mean '{inside.get(near[0]) or elsewhere[near[0]]}'?"
    return f"known: {', '.join(sorted(inside.values()))}" if inside else ""


def _condition(table: Table, key: str, name: str, words: Vocabulary) -> list[Condition]:
    template = name.removeprefix("told.")
    if name.startswith("told.") and words.templates is not None and template not in words.templates:
        table.wrong(key, f"unknown template {shown(template)}", nearest(template, words.templates), at_key=True)
        return []
    values = values_of(name, words)
    if isinstance(table.values[key], Mapping):
        return [_with_operators(table.table(key), name, values)]
    wanted = table.take(key, values.alone, None)
    return [] if wanted is None else [Condition(field=name, any_of=wanted)]


def _with_operators(table: Table, name: str, values: Values) -> Condition:
    kind = kind_of(name)
    _check_operators(table, name, kind)
    allowed = {operator: value for operator, value in table.values.items() if operator in OPERATORS[kind]}
    asked = Table(table.document, table.path, allowed)
    condition = Condition(
        field=name,
        excluded=asked.take("not", values.inside, None),
        low=asked.take("min", limit_of(kind), None),
        high=asked.take("max", limit_of(kind), None),
        like=asked.take("like", a_text, None),
        exists=asked.take("exists", yes_or_no, None),
    )
    _check_bounds(asked, condition)
    if condition.exists is False and (condition.low, condition.high, condition.like) != (None, None, None):
        table.wrong("exists", "asks for a value and for its absence at once", "remove one of them", at_key=True)
    return condition


def _check_operators(table: Table, name: str, kind: str) -> None:
    known = OPERATORS[kind]
    if not table.values:
        value = f"write {name} = value, or one of {', '.join(sorted(known))}"
        table.wrong("", "asks nothing", NEVER_EQUAL[kind][1] if kind in NEVER_EQUAL else value)
    for operator in table.values:
        if operator not in known:
            misplaced = any(operator in others for others in OPERATORS.values())
            problem = f"cannot be asked of {name}, which is {KIND_NAMES[kind]}" if misplaced else "unknown operator"
            table.wrong(operator, problem, nearest(operator, known), at_key=True)


def _check_bounds(table: Table, condition: Condition) -> None:
    low, high = condition.low, condition.high
    if isinstance(low, Money) and isinstance(high, Money):
        if low.currency != high.currency:
            table.wrong("max", f"is in {high.currency}, but min is in {low.currency}", "write both in one currency")
            return
        low, high = low.amount, high.amount
    if isinstance(low, Decimal) and isinstance(high, Decimal) and low > high:
        table.wrong("max", f"{high} is less than min, which is {low}")
