"""What a filter may be given, and what may stand in a text as it is: told with its line before anything is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from jinja2 import nodes

from messenger.rendering.formats import DATE_FORMS
from messenger.rendering.shape import SHAPE

TAKES: Final[Mapping[str, frozenset[str]]] = {
    "date": frozenset({"date", "datetime"}), "datetime": frozenset({"datetime"}), "time": frozenset({"datetime"}),
    "money": frozenset({"Decimal"}), "number": frozenset({"int", "Decimal"}), "duration": frozenset({"int", "Decimal"}),
    "country": frozenset({"str"}), "plural": frozenset({"int", "Decimal"}),
}  # fmt: skip
"""What each filter writes; ``list`` writes lists."""
WRITABLE: Final = frozenset({"str", "int", "Decimal"})
_WORDS: Final = {
    "datetime": "a moment",
    "date": "a day",
    "Decimal": "an amount",
    "int": "a number",
    "str": "a text",
    "bool": "a yes or no",
}
_RIGHT: Final = {"datetime": "date", "date": "date", "Decimal": "money(order.currency)", "int": "number"}

Mistake = tuple[str, str]
"""What is wrong, and what would be right."""


def bare(kind: str, name: str) -> Mistake | None:
    """Return why a placeholder of this kind cannot stand in a text without a filter; None when it can, or is unknown."""
    if not kind or kind in WRITABLE:
        return None
    return f"{_called(kind)} is not written as it is", _remedy(kind, name)


def filtered(node: nodes.Filter, kind: str, name: str) -> Mistake | None:
    """Return what is wrong with a filter's use; ``kind`` is what it is given, empty when that is not known."""
    if kind and not _takes(node.name, kind):
        return f"{node.name} does not write {_called(kind)}", _remedy(kind, name)
    return _arguments(node, kind, name)


def _takes(filter_: str, kind: str) -> bool:
    return kind.startswith("list of ") if filter_ == "list" else kind in TAKES[filter_]


def _called(kind: str) -> str:
    return "a list" if kind.startswith("list of ") else _WORDS.get(kind, f"a whole {kind}")


def _remedy(kind: str, name: str) -> str:
    if kind.startswith("list of "):
        texts = [field for field, holds in SHAPE.get(kind.removeprefix("list of "), {}).items() if holds == "str"]
        return f'write {name} | list("{texts[0]}"), or a loop' if texts else "write a loop"
    if kind in _RIGHT:
        return f"write {name} | {_RIGHT[kind]}"
    if kind == "str":
        return f"write {name}"
    fields = SHAPE.get(kind, {})
    best = next((field for field in ("name", "number", *fields) if field in fields), None)
    return f"write {name}.{best}, or another of its fields" if best else "ask for it with {% if %}"


def _arguments(node: nodes.Filter, kind: str, name: str) -> Mistake | None:
    given = [one.value if isinstance(one, nodes.Const) else one for one in node.args]
    if node.name == "plural":
        return ("plural takes its forms by name", 'write plural(one="# day", other="# days")') if given else None
    if node.kwargs:
        return f"{node.name} takes nothing by name", "leave out what has an = in it"
    if node.name == "money":
        return None if len(given) == 1 else ("money needs the currency", f"write {name} | money(order.currency)")
    if node.name == "date" and given and (len(given) > 1 or given[0] not in DATE_FORMS):
        problem = "date takes one form" if len(given) > 1 else f"date does not know {_shown(given[0])}"
        return problem, f"known: {', '.join(DATE_FORMS)}"
    if node.name == "list":
        return _attribute(given, kind)
    return (
        (f"{node.name} takes nothing in brackets", f"write {name} | {node.name}")
        if given and node.name != "date"
        else None
    )


def _attribute(given: list[object], kind: str) -> Mistake | None:
    fields = SHAPE.get(kind.removeprefix("list of "), {})
    known = [field for field, holds in fields.items() if holds == "str"]
    if not known or (len(given) == 1 and given[0] in known):
        return None
    return (
        f"list does not know what to write{f' for {_shown(given[0])}' if given else ''}",
        "write " + " or ".join(f'list("{one}")' for one in known),
    )


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str | int) else "that"
