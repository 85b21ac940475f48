"""Every text that is shipped, in every language, as a native reader approved it.

Each text is written where it is usually sent; with as little known as an order can get by with; for the plain texts, with
a long name and long titles; and, where it counts days, before the first of them is over. What comes out like the one
before is not written again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from messenger.domain.orders import Item, Order
from messenger.domain.shops import Shop
from messenger.errors import RenderError
from messenger.rendering.catalogue import Catalogue, Chosen, load
from messenger.rendering.compile import Compiled
from messenger.rendering.context import NO_OCCASION, LaneWords, words_for
from messenger.rendering.locales import Choice
from messenger.rendering.render import render
from messenger.rendering.scenes import Scene, scene
from tests.golden.keeping import ROOT, assert_as_approved

FOLDER = Path(__file__).parent / "texts"
CATALOGUE: Catalogue = load(ROOT / "templates")
SHOP = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>")
HASTY = LaneWords(p50_days=Decimal("0.3"), p90_days=Decimal("0.9"))
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
    if any("days_" in name for name in one.placeholders if name.startswith("shipment.")):
        yield "not a day yet", replace(usual, order=today(usual), occasion=replace(NO_OCCASION, lane=HASTY))


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


def today(met: Scene) -> Order:
    """The same order, had everything happened just now."""
    parcels = tuple(replace(each, state_since=met.now, moved_at=met.now) for each in met.order.shipments)
    return replace(met.order, shipped_at=met.now, shipments=parcels)


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
    assert not re.search(r"(?<![\d.,:-])0 ?(day|día|dia|дней|天)", "\n".join(pieces))
    assert_as_approved(path_of(one), "\n".join(pieces))


def test_no_approved_text_is_left_over() -> None:
    assert {path_of(one.values[0]) for one in TEXTS} == set(FOLDER.rglob("*.txt"))  # type: ignore[arg-type]  # pytest's own
