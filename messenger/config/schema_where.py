"""The part of the schema that speaks about ``where``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from messenger.config.schema_parts import LINE, Schema, a_list, named, ref, table, text, word
from messenger.config.values import COUNTRY_PATTERN, ID_PATTERN, MONEY_PATTERN, PLATFORMS
from messenger.config.where_values import CURRENCY_PATTERN, TAG_PATTERN, kind_of
from messenger.domain.conditions import FIELDS
from messenger.domain.events import ShipmentState
from messenger.domain.orders import OrderStatus

VALUES: Final[Mapping[str, Schema]] = {
    "order.status": word(OrderStatus),
    "shipment.state": word(ShipmentState),
    "platform": word(PLATFORMS),
    "buyer.country": text(COUNTRY_PATTERN),
    "buyer.language": text(TAG_PATTERN),
    "order.currency": text(CURRENCY_PATTERN),
}
"""Fields of which only some texts make sense."""


def where_schema(room: str = "") -> Schema:
    """Return the table of ``where``, or of a room in it: ``order.items.sku`` is a key of ``items`` in ``order``."""
    inside = {field.removeprefix(room): field for field in FIELDS if field.startswith(room)}
    properties: dict[str, Schema] = {}
    for name, field in inside.items():
        first, dot, _ = name.partition(".")
        properties[first] = where_schema(f"{room}{first}.") if dot else _condition(field)
    if not room:
        properties["told"] = named(_condition("told"), name=".+")
    return table(properties)


def kinds() -> Schema:
    """Return the definitions that ``where_schema`` refers to, by kind of field."""
    truth: Schema = {"type": "boolean"}
    limit: Schema = {"type": "number"}
    amount = text(MONEY_PATTERN, 'An amount with its currency: "5 USD".')
    return {
        "text": _text_condition({"type": "string", "pattern": "^([^@].*)?$"}),
        "yes_or_no": _compared([truth], several=False),
        "number": _compared([{"type": "integer"}], several=True, min=limit, max=limit),
        "measure": _compared([], several=False, min=limit, max=limit),
        "money": _compared([], several=False, min=amount, max=amount),
        "moment": _compared([], several=False),
    }


def _condition(field: str) -> Schema:
    return _text_condition(VALUES[field]) if field in VALUES else ref(kind_of(field).replace(" ", "_"))


def _text_condition(value: Schema) -> Schema:
    values: list[Schema] = [{"anyOf": [value, text(f"@{ID_PATTERN}")]}]
    return _compared(values, several=True, like={"type": "string", "pattern": LINE})


def _compared(values: list[Schema], *, several: bool, **operators: Schema) -> Schema:
    """Return what may stand behind a field: a value, a list of values, or a table of operators."""
    alone = [*values, *(a_list(value) for value in values)] if several else values
    excluded: dict[str, Schema] = {"not": {"anyOf": list(alone)}} if alone else {}
    asked = {**table({**excluded, **operators, "exists": {"type": "boolean"}}), "minProperties": 1}
    return {"anyOf": [*alone, asked]}
