"""Which names a text can say, and what each holds: read off the values it speaks about."""

from __future__ import annotations

from collections.abc import Mapping
from keyword import iskeyword
from typing import Final, get_type_hints

from messenger.rendering.words import (
    BuyerWords,
    ClosureWords,
    DeadlineWords,
    DisputeWords,
    ItemWords,
    LaneWords,
    Links,
    OrderWords,
    RefundWords,
    ReviewWords,
    ShipmentWords,
    ShopWords,
    Words,
)  # fmt: skip

KINDS: Final[Mapping[type, str]] = {
    Words: "", ShopWords: "shop", OrderWords: "order", BuyerWords: "buyer", ShipmentWords: "shipment", DisputeWords: "dispute",
    ReviewWords: "review", RefundWords: "refund", DeadlineWords: "deadline", LaneWords: "lane",
    ClosureWords: "closure", Links: "links", ItemWords: "item",
}  # fmt: skip


def _shapes() -> dict[str, dict[str, str]]:
    """From the classes above: for each kind of thing, its names and what each holds."""
    shapes: dict[str, dict[str, str]] = {}
    for kind, name in KINDS.items():
        shapes[name] = {spoken(one): _told(hint) for one, hint in get_type_hints(kind).items()}
    return shapes


def spoken(attribute: str) -> str:
    """Return a field's name as texts say it: ``from_`` is ``from``, a word that Python keeps for itself."""
    return attribute.removesuffix("_")


def attribute_of(name: str) -> str:
    """Return the field behind a name that a text says."""
    return f"{name}_" if iskeyword(name) else name


def _told(hint: object) -> str:
    text = str(hint)
    for kind, name in KINDS.items():
        if kind is not Words and kind.__name__ in text:
            return f"list of {name}" if "tuple" in text else name
    return hint.__name__ if isinstance(hint, type) else text.replace(" | None", "").rpartition(".")[2]


SHAPE: Final = _shapes()
"""``SHAPE["order"]["total"]`` says what ``order.total`` holds; ``SHAPE[""]`` lists the names a text starts from."""
