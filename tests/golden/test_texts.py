"""Every text that is shipped, in every language, for every sample order, as a native reader approved it."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from messenger.domain.orders import Order
from messenger.domain.shops import Shop
from messenger.errors import RenderError
from messenger.rendering.catalogue import Catalogue, Chosen, load
from messenger.rendering.compile import Compiled
from messenger.rendering.context import words_for
from messenger.rendering.locales import Choice
from messenger.rendering.render import render
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from tests.golden.keeping import ROOT, assert_as_approved

CATALOGUE: Catalogue = load(ROOT / "templates")
SHOP = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>")
TEXTS = [
    pytest.param(one, id=f"{locale}-{name}{variant and '@'}{variant}")
    for name, locales in CATALOGUE.templates.items()
    for locale, variants in locales.items()
    for variant, one in variants.items()
]


def written(one: Compiled, order: Order) -> str:
    chosen = Chosen(
        compiled=one, choice=Choice(locale=one.locale, wished=one.locale, because="", tried=()), passed_over=()
    )
    phrases = CATALOGUE.phrase(one.locale)
    words = words_for(order, shipment_id=None, shop=SHOP, now=SAMPLE_NOW, greetings=phrases)
    try:
        made = render(chosen, words, phrases=phrases, country=order.buyer.country, zone=ZoneInfo("Europe/Madrid"))
    except RenderError as refused:
        return f"refused: {refused.missing}\n"
    return f"Subject: {made.subject}\nPreheader: {made.preheader}\n\n{made.text}"


@pytest.mark.parametrize("one", TEXTS)
def test_a_text_is_as_it_was_approved(one: Compiled) -> None:
    made = "".join(f"===== {name}\n{written(one, order)}\n" for name, order in SAMPLES.items())

    assert_as_approved(
        Path(__file__).parent / "texts" / one.locale / f"{one.name}{one.variant and '@'}{one.variant}.txt", made
    )
