"""What a message may speak about: what is in the parcel, and where the shop asks how it went."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from messenger.domain.orders import Item, Order
from messenger.domain.shops import Shop
from messenger.rendering.context import ItemWords, Words, words_for
from messenger.rendering.policy import permitted
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES

SHOP: Final = Shop(id="toys", name="Toys", sender="Toys <a@toys.example>", survey_url="https://toys.example/survey")
TYPICAL: Final = SAMPLES["typical"]


def words(order: Order, shop: Shop = SHOP, shipment: str | None = None) -> Words:
    return words_for(order, shipment_id=shipment, shop=shop, now=SAMPLE_NOW, greetings={})


def with_parcels(*contents: tuple[Item, ...]) -> Order:
    parcel = TYPICAL.shipments[0]
    parcels = tuple(replace(parcel, id=f"P{at}", number=f"P{at}", items=items) for at, items in enumerate(contents))
    return replace(TYPICAL, shipments=parcels)


def test_a_parcel_holds_what_its_events_told_and_not_the_whole_order() -> None:
    order = with_parcels((Item(title="Rug", sku="R-1", quantity=2, price=Decimal(7)),), (Item(title="Lamp"),))

    first, second = words(order, shipment="P0").shipment, words(order, shipment="P1").shipment

    assert first is not None
    assert second is not None
    assert first.items == (ItemWords(title="Rug", sku="R-1", quantity=2, price=Decimal(7)),)
    assert [one.title for one in second.items] == ["Lamp"]
    assert [[one.title for one in parcel.items] for parcel in words(order).shipments] == [["Rug"], ["Lamp"]]


def test_a_parcel_of_which_nothing_was_told_holds_nothing() -> None:
    parcel = words(with_parcels(())).shipment

    assert parcel is not None
    assert parcel.items == ()


def test_titles_in_a_parcel_are_one_harmless_line() -> None:
    parcel = words(with_parcels((Item(title="a\u202e\r\nb", sku="x\x00"),))).shipment

    assert parcel is not None
    assert [(one.title, one.sku) for one in parcel.items] == [("a b", "x")]


def test_the_survey_is_the_shops_and_only_where_the_platform_lets_it() -> None:
    links = words(TYPICAL).links

    assert links.survey == "https://toys.example/survey"
    assert words(TYPICAL, replace(SHOP, survey_url="")).links.survey == ""
    assert {name: permitted(links, name).survey for name in ("none", "shopify", "aliexpress", "amazon", "ebay")} == {
        "none": links.survey, "shopify": links.survey, "aliexpress": "", "amazon": "", "ebay": "",
    }  # fmt: skip
