"""The table of placeholders: every name a template can use, what it holds, and a sample of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from messenger.domain.shops import Shop
from messenger.rendering.context import words_for
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.rendering.shape import KINDS, SHAPE, attribute_of
from messenger.rendering.words import Words

_ABOUT = {name: (kind.__doc__ or "").strip() for kind, name in KINDS.items()}
_GREETINGS = {"greeting_named": "Hello {name},", "greeting_plain": "Hello,"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """One name.

    Args:
        name: as it is written between braces; ``item.title`` inside ``{% for item in order.items %}``.
        holds: ``str``, ``datetime``, ``Decimal`` …, or ``list of item``.
        sample: what it is in the sample order ``typical``; empty where that order has none. Of a list, its first thing.
        about: the thing it belongs to, in a sentence.
    """

    name: str
    holds: str
    sample: str
    about: str


def documented() -> tuple[Placeholder, ...]:
    """Return every placeholder, grouped by the thing it belongs to."""
    shop = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>", url="https://toys.example",
                survey_url="https://toys.example/survey")  # fmt: skip
    words = words_for(SAMPLES["typical"], shipment_id=None, shop=shop, now=SAMPLE_NOW, greetings=_GREETINGS)
    return tuple(_named(words))


def _named(words: Words) -> Iterator[Placeholder]:
    for name, holds in SHAPE[""].items():
        value = getattr(words, name)
        if holds not in SHAPE:
            yield Placeholder(name=name, holds=holds, sample=_sample(value), about=_ABOUT[""])
            continue
        yield from _fields(holds, value)
    items = words.order.items
    yield from _fields("item", items[0] if items else None)


def _fields(thing: str, value: object) -> Iterator[Placeholder]:
    for name, holds in SHAPE[thing].items():
        found = getattr(value, attribute_of(name), None)
        yield Placeholder(name=f"{thing}.{name}", holds=holds, sample=_sample(found), about=_ABOUT[thing])


def _sample(value: object) -> str:
    """A value as the table shows it; of a list, the title or number of its first thing."""
    if isinstance(value, tuple):
        first = value[0] if value else None
        return str(getattr(first, "title", None) or getattr(first, "number", None) or "")
    return "" if value is None else str(value)
