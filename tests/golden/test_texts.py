"""Every text that is shipped, in every language, as a native reader approved it.

Each text is written three times: where it is usually sent; with as little known as an order can get by with; and, for the
plain texts, with a long name and long titles. What comes out like the one before is not written again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from messenger.domain.orders import Item, Order
from messenger.domain.shops import Shop
from messenger.errors import RenderError
from messenger.rendering.catalogue import Catalogue, Chosen, load
from messenger.rendering.compile import Compiled
from messenger.rendering.context import NO_OCCASION, words_for
from messenger.rendering.locales import Choice
from messenger.rendering.render import render
from messenger.rendering.scenes import Scene, scene
from tests.golden.keeping import ROOT, assert_as_approved

FOLDER = Path(__file__).parent / "texts"
CATALOGUE: Catalogue = load(ROOT / "templates")
SHOP = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>")
LONG_NAME = "Владислав-Константин Александрович Рождественский-Преображенский"
TEXTS = [
    pytest.param(one, id=f"{locale}-{name}{variant and '@'}{variant}")
    for name, locales in CATALOGUE.templates.items()
    for locale, variants in locales.items()
    for variant, one in variants.items()
]


def path_of(one: Compiled) -> Path:
    return FOLDER / one.locale / f"{one.name}{one.variant and '@'}{one.variant}.txt"


def scenes(one: Compiled) -> Iterator[tuple[str, Scene]]:
    usual = scene(one.name)
    yield f"sample {usual.sample}", usual
    yield (
        "little is known",
        replace(usual, order=bare(usual.order), occasion=replace(NO_OCCASION, closure=usual.occasion.closure)),
    )
    if not one.variant:
        yield "long names", replace(usual, order=long(usual.order))


def bare(order: Order) -> Order:
    """Without what a text can do without: name, links, titles, places, dates that somebody would have had to promise."""
    parcels = tuple(
        replace(each, tracking_url=None, place=None, reason=None, eta_from=None, eta_to=None, hold_until=None, last_mile=None)
        for each in order.shipments
    )  # fmt: skip
    return replace(
        order, buyer=replace(order.buyer, name=None, city=None), items=(), shipments=parcels, url=None, deliver_by=None,
        payment_method=None, disputes=tuple(replace(each, reason=None, answer_by=None) for each in order.disputes),
        refunds=tuple(replace(each, amount=None, method=None, expected_by=None) for each in order.refunds),
    )  # fmt: skip


def long(order: Order) -> Order:
    items = (Item(title="Набор деревянных развивающих игрушек " * 4, quantity=21), Item(title="Abacus"))
    return replace(order, buyer=replace(order.buyer, name=LONG_NAME), items=items)


def written(one: Compiled, met: Scene) -> str:
    choice = Choice(locale=one.locale, wished=one.locale, because="", tried=())
    phrases = CATALOGUE.phrase(one.locale)
    words = words_for(
        met.order, shipment_id=None, shop=SHOP, now=met.now, greetings=phrases, occasion=met.occasion, along=met.along
    )
    buyer = met.order.buyer
    try:
        made = render(
            Chosen(compiled=one, choice=choice, passed_over=()), words, phrases=phrases, country=buyer.country,
            zone=ZoneInfo(buyer.timezone or "UTC"),
        )  # fmt: skip
    except RenderError as refused:
        return f"refused: {refused.missing}\n"
    return f"Subject: {made.subject}\nPreheader: {made.preheader}\n\n{made.text}"


@pytest.mark.parametrize("one", TEXTS)
def test_a_text_is_as_it_was_approved(one: Compiled) -> None:
    pieces: list[str] = []
    before = ""
    for told, met in scenes(one):
        text = written(one, met)
        if text != before:
            pieces.append(f"===== {told}\n{text}")
        before = text

    assert not pieces[0].partition("\n")[2].startswith("refused")
    assert_as_approved(path_of(one), "\n".join(pieces))


def test_no_approved_text_is_left_over() -> None:
    assert {path_of(one.values[0]) for one in TEXTS} == set(FOLDER.rglob("*.txt"))  # type: ignore[arg-type]  # pytest's own
