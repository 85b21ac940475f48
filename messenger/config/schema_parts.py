"""The pieces a JSON Schema is put together from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from messenger.config.values import ID_PATTERN

Schema = dict[str, object]
LINE: Final = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"


def table(properties: Mapping[str, Schema], *, required: Iterable[str] = ()) -> Schema:
    """Return a table with these keys and no others."""
    needed: Schema = {"required": list(required)} if required else {}
    return {"type": "object", "additionalProperties": False, "properties": dict(properties), **needed}


def named(content: Schema, *, name: str = ID_PATTERN) -> Schema:
    """Return a table whose keys are names that the seller chose."""
    return {"type": "object", "additionalProperties": False, "patternProperties": {f"^{name}$": content}}


def a_list(content: Schema, description: str = "") -> Schema:
    """Return a list that is not empty and says nothing twice."""
    return described({"type": "array", "minItems": 1, "uniqueItems": True, "items": content}, description)


def a_list_or_none(content: Schema, description: str = "") -> Schema:
    """Return a list that says nothing twice."""
    return described({"type": "array", "uniqueItems": True, "items": content}, description)


def one_or_list(content: Schema) -> Schema:
    """Return one value, or a list of them."""
    return {"anyOf": [content, a_list(content)]}


def text(pattern: str, description: str = "") -> Schema:
    """Return a text of this form."""
    return described({"type": "string", "pattern": f"^({pattern})$".replace(r"\d", "[0-9]")}, description)


def line(description: str = "") -> Schema:
    """Return a text on one line that is not blank."""
    return described({"type": "string", "pattern": LINE}, description)


def word(words: Iterable[str], description: str = "") -> Schema:
    """Return one of these words."""
    return described({"enum": [str(one) for one in words]}, description)


def ref(name: str, description: str = "") -> Schema:
    """Return a reference to a definition."""
    return described({"$ref": f"#/$defs/{name}"}, description)


def described(schema: Schema, description: str) -> Schema:
    """Return the schema with the words that an editor shows beside it."""
    return {"description": description, **schema} if description else schema


def without(*keys: str) -> Schema:
    """Return a condition: none of these keys is written."""
    return {"not": {"anyOf": [{"required": [key]} for key in keys]}}


def when(key: str, value: Schema, then: Schema) -> Schema:
    """Return a condition: where ``key`` holds ``value``, ``then`` holds as well."""
    return {"if": {"required": [key], "properties": {key: value}}, "then": then}
