"""The JSON Schema of schedules.toml, for editors: it rejects mistakes of shape and value as they are typed.

Mistakes between tables (unknown templates, shops and lists) and of order (steps that do not ascend) are told by
``messenger check``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from messenger.config.rules import CHANNELS, PRIORITIES
from messenger.config.schedules import VERSION
from messenger.config.values import (
    COUNTRY_PATTERN,
    DAYS_PATTERN,
    ID_PATTERN,
    LANGUAGE_PATTERN,
    MONEY_PATTERN,
    MOST_STEPS,
    SPAN_PATTERN,
    TYPES,
    WILDCARDS,
    WINDOW_PATTERN,
    ZONE_PATTERN,
)
from messenger.domain.conditions import FIELDS
from messenger.domain.events import ShipmentState
from messenger.domain.messages import Category
from messenger.domain.orders import Deadline, OrderStatus
from messenger.domain.rules import Once, Uncertain

Schema = dict[str, object]
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
LINE: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"


def schedules_schema() -> Schema:
    """Return the schema of schedules.toml (draft 2020-12)."""
    return {
        "$schema": DIALECT,
        "title": "schedules.toml",
        "description": "When what is written to buyers.",
        **_table(
            {
                "version": {"const": VERSION},
                "defaults": _table(_shared()),
                "languages": _named(_text(LANGUAGE_PATTERN), name=COUNTRY_PATTERN),
                "lists": _named(_list({"type": "string"})),
                "rules": _named({"$ref": "#/$defs/rule"}),
            },
            required=("version",),
        ),
        "$defs": _definitions(),
    }


def _definitions() -> Schema:
    return {
        "span": _text(SPAN_PATTERN, "90s, 30m, 36h: elapsed time. 14d, 2w: calendar days in the rule's zone."),
        "some_span": {"allOf": [_ref("span"), {"not": {"pattern": "^0+[smhdw]$"}}]},
        "event_type": {"enum": sorted({*TYPES, *WILDCARDS})},
        "event_types": _one_or_list(_ref("event_type")),
        **_kinds(),
        "where": _where(),
        "rule": _rule(),
    }


def _shared() -> dict[str, Schema]:
    never_open = {"pattern": r"^(.+)-\1$"}
    return {
        "channels": _list({"enum": list(CHANNELS)}, "The first that the shop has and that reaches the buyer."),
        "window": {
            "description": '"09:00-20:00" in local time, end excluded, may cross midnight; or "always".',
            "anyOf": [{"const": "always"}, {**_text(WINDOW_PATTERN), "not": never_open}],
        },
        "days": _text(DAYS_PATTERN, '"mon-fri", "sat,sun" or "mon-sun".'),
        "zone": _text(ZONE_PATTERN, "On whose clock: buyer, shop, or an IANA name."),
        "expiry": {**_ref("some_span"), "description": "If it could not leave for so long, it is not sent."},
        "max_age": {**_ref("some_span"), "description": "What should have left longer ago than this is not said."},
    }


def _rule() -> Schema:
    own: dict[str, Schema] = {
        "template": {**_line(), "description": "The name of the text, as in templates/<locale>/<template>.md."},
        "on": {**_ref("event_types"), "description": "The event, or events, that wake the rule."},
        "delay": {**_steps("span"), "description": "After the trigger; an ascending list gives several messages."},
        "before": {"enum": list(Deadline), "description": "A deadline of the order; lead says how long before it."},
        "lead": _ref("span"),
        "after": {"enum": list(Deadline), "description": "A deadline of the order that has passed."},
        "silent": {**_steps("some_span"), "description": "Nothing newer that matches since for this long."},
        "since": _ref("event_type"),
        "where": _ref("where"),
        "cancel_on": {
            "description": "Events that make the message pointless.",
            "anyOf": [_ref("event_types"), {"type": "array", "maxItems": 0}],
        },
        "once_per": {"enum": list(Once)},
        "category": {"enum": list(Category)},
        "priority": {"type": "integer", "minimum": PRIORITIES[0], "maximum": PRIORITIES[1]},
        "shops": _list(_line(), "Only for these shops."),
        "enabled": {"type": "boolean"},
        "uncertain": {"enum": list(Uncertain), "description": "What to do when it was perhaps sent."},
        "name": _line(),
        "note": {"type": "string"},
    }
    return {
        **_table({**own, **_shared()}, required=("template",)),
        "oneOf": [
            {"required": ["on"], **_without("lead", "since")},
            {"required": ["before", "lead"], **_without("delay", "since")},
            {"required": ["after"], **_without("lead", "since")},
            {"required": ["silent", "since"], **_without("delay", "lead")},
        ],
    }


def _where(room: str = "") -> Schema:
    """Return the table of ``where``, or of a room in it: ``order.items.sku`` is a key of ``items`` in ``order``."""
    inside = {field.removeprefix(room): field for field in FIELDS if field.startswith(room)}
    properties: dict[str, Schema] = {}
    for name, field in inside.items():
        first, dot, _ = name.partition(".")
        properties[first] = _where(f"{room}{first}.") if dot else _condition(field, FIELDS[field])
    if not room:
        properties["told"] = _named(_condition("told", "yes or no"), name=".+")
    return _table(properties)


def _condition(field: str, kind: str) -> Schema:
    if kind == "text" and field in _VALUES:
        return _text_condition(_VALUES[field])
    return _ref(kind.replace(" ", "_"))


def _text_condition(value: Schema) -> Schema:
    values: list[Schema] = [{"anyOf": [value, _text(f"@{ID_PATTERN}")]}]
    return _compared(values, several=True, like={"type": "string"})


def _kinds() -> Schema:
    yes: Schema = {"type": "boolean"}
    limit: Schema = {"type": "number"}
    amount = _text(MONEY_PATTERN, 'An amount with its currency: "5 USD".')
    return {
        "text": _text_condition({"type": "string", "pattern": "^([^@].*)?$"}),
        "yes_or_no": _compared([yes], several=False),
        "number": _compared([{"type": "integer"}], several=True, min=limit, max=limit),
        "money": _compared([], several=False, min=amount, max=amount),
    }


def _compared(values: list[Schema], *, several: bool, **operators: Schema) -> Schema:
    """Return what may stand behind a field: a value, a list of values, or a table of operators."""
    alone = [*values, *(_list(value) for value in values)] if several else values
    excluded: dict[str, Schema] = {"not": {"anyOf": list(alone)}} if alone else {}
    asked = {**_table({**excluded, **operators, "exists": {"type": "boolean"}}), "minProperties": 1}
    return {"anyOf": [*alone, asked]}


def _table(properties: Mapping[str, Schema], *, required: Iterable[str] = ()) -> Schema:
    needed: Schema = {"required": list(required)} if required else {}
    return {"type": "object", "additionalProperties": False, "properties": dict(properties), **needed}


def _named(content: Schema, *, name: str = ID_PATTERN) -> Schema:
    return {"type": "object", "additionalProperties": False, "patternProperties": {f"^{name}$": content}}


def _without(*keys: str) -> Schema:
    return {"not": {"anyOf": [{"required": [key]} for key in keys]}}


def _steps(span: str) -> Schema:
    return {"anyOf": [_ref(span), {**_list(_ref(span)), "maxItems": MOST_STEPS}]}


def _one_or_list(content: Schema) -> Schema:
    return {"anyOf": [content, _list(content)]}


def _list(content: Schema, description: str = "") -> Schema:
    said = {"description": description} if description else {}
    return {**said, "type": "array", "minItems": 1, "uniqueItems": True, "items": content}


def _text(pattern: str, description: str = "") -> Schema:
    said = {"description": description} if description else {}
    return {**said, "type": "string", "pattern": f"^({pattern})$".replace(r"\d", "[0-9]")}


def _line() -> Schema:
    return {"type": "string", "pattern": LINE}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


_VALUES: Final[Mapping[str, Schema]] = {
    "order.status": {"enum": list(OrderStatus)},
    "shipment.state": {"enum": list(ShipmentState)},
    "buyer.country": _text(COUNTRY_PATTERN),
    "order.currency": _text("[A-Z]{3}"),
}
