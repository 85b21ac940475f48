"""In a text that runs from right to left, what is filled in keeps its direction; other texts stay as they are to the byte."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from messenger.domain.messages import Key, Letter
from messenger.domain.orders import Item, Order
from messenger.domain.shops import Shop
from messenger.mail.mime import MimeComposer
from messenger.rendering.catalogue import Catalogue, load
from messenger.rendering.context import words_for
from messenger.rendering.isolating import direction_of, isolate_html, isolate_text
from messenger.rendering.render import RenderedMessage, render
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES

SHOP: Final = Shop(
    id="toys", name="Sunny Toys (EU)", sender="Sunny Toys <care@toys.example>", url="https://toys.example/"
)
LAYOUT: Final = (
    '<html lang="{{ lang }}" dir="{{ dir }}"><head><title>{{ shop.name }}</title></head><body title="{{ shop.name }}">'
    "<!-- {{ shop.name }} --><h1>{{ shop.name }}</h1>{{ body }}<p>{{ phrases.footer }}</p></body></html>"
)
PHRASES: Final = 'greeting_named = "مرحبًا {name}،"\ngreeting_plain = "مرحبًا،"\nfooter = "شكرًا"\n'
SHIPPED: Final = """+++
subject = "طلبك {{ order.number }}: تم الشحن"
preheader = "الطرد {{ shipment.number }} في الطريق إليك."
+++
{{ greeting }}

تم شحن الطرد {{ shipment.number }} ({{ shipment.carrier }}) من {{ shop.name }}. المبلغ: {{ order.total | money(order.currency) }}.

{% for item in order.items %}

- {{ item.title }}: {{ item.quantity }}

{% endfor %}

العناصر: {{ order.items | list("title") }}. التاريخ: {{ order.paid_at | date }}. [تتبع {{ shipment.number }}]({{ links.tracking }}) أو {{ shop.url }}.
"""
FSI, PDI = "\u2068", "\u2069"


def put(folder: Path, name: str, content: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path, "_layout/email.html", LAYOUT)
    for locale in ("ar", "en"):
        put(tmp_path, f"{locale}/_phrases.toml", PHRASES)
        put(tmp_path, f"{locale}/shipped.md", SHIPPED)
    return tmp_path


def written(catalogue: Catalogue, locale: str, order: Order = SAMPLES["typical"]) -> RenderedMessage:
    chosen = catalogue.choose(
        "shipped", buyer=locale, conversation=None, country=None, countries={}, shop_language="en", selectors={}
    )
    phrases = catalogue.phrase(locale)
    words = words_for(order, shipment_id=None, shop=SHOP, now=SAMPLE_NOW, greetings=phrases)
    return render(chosen, words, phrases=phrases, country=None, zone=ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("locale", "direction"),
    [("ar", "rtl"), ("he", "rtl"), ("fa-IR", "rtl"), ("ur", "rtl"), ("az-Arab", "rtl"), ("en", "ltr"), ("ru", "ltr"),
     ("pt-BR", "ltr"), ("az", "ltr"), ("zh", "ltr"), ("no such", "ltr")],
)  # fmt: skip
def test_the_direction_is_that_of_the_script(locale: str, direction: str) -> None:
    assert direction_of(locale) == direction


def test_what_is_filled_in_stands_apart_in_subject_and_plain_text(folder: Path) -> None:
    made = written(load(folder), "ar")

    assert made.direction == "rtl"
    assert made.subject == f"طلبك {FSI}8134567890123456{PDI}: تم الشحن"
    assert made.preheader == f"الطرد {FSI}LP00123456789CN{PDI} في الطريق إليك."
    for apart in ("LP00123456789CN", "China Post", "Sunny Toys (EU)", "Wooden puzzle “Solar system”", "María López"):
        assert f"{FSI}{apart}{PDI}" in made.text, apart
    assert made.text.count(FSI) == made.text.count(PDI)


def test_amounts_stand_apart_and_dates_are_words_of_the_language(folder: Path) -> None:
    text = written(load(folder), "ar").text

    assert f"المبلغ: {FSI}\u200f38.70\xa0{FSI}US${PDI}{PDI}." in text
    assert f"التاريخ: {FSI}" not in text


def test_each_of_several_titles_stands_apart_and_not_all_together(folder: Path) -> None:
    order = replace(SAMPLES["typical"], items=(Item(title="Rug (blue)"), Item(title="Lamp")))

    assert f"العناصر: {FSI}Rug (blue){PDI} و{FSI}Lamp{PDI}." in written(load(folder), "ar", order).text


def test_addresses_are_nowhere_marked(folder: Path) -> None:
    made = written(load(folder), "ar")

    assert "/en#nums=LP00123456789CN " in made.text
    assert " https://toys.example/." in made.text
    assert 'href="https://t.17track.net/en#nums=LP00123456789CN"' in made.html


def test_the_page_has_elements_for_it_and_none_inside_of_tags_titles_and_comments(folder: Path) -> None:
    html = written(load(folder), "ar").html

    assert '<html lang="ar" dir="rtl">' in html
    for apart in ("LP00123456789CN", "China Post", "https://toys.example/", "Wooden puzzle “Solar system”"):
        assert f"<bdi>{apart}</bdi>" in html, apart
    assert "<title>Sunny Toys (EU)</title>" in html
    assert 'title="Sunny Toys (EU)"' in html
    assert "<!-- Sunny Toys (EU) -->" in html
    assert "<h1><bdi>Sunny Toys (EU)</bdi></h1>" in html
    assert '">تتبع <bdi>LP00123456789CN</bdi></a>' in html


def test_a_text_from_left_to_right_has_none_of_it(folder: Path) -> None:
    made = written(load(folder), "en")

    assert not {FSI, PDI} & set(made.subject + made.preheader + made.text + made.html)
    assert "bdi" not in made.html


@pytest.mark.parametrize("told", ["x\u2069y", "\u2068x", "\u202egnp.exe", "a\u2069\u2069\u2069", "</bdi><b>x"])
def test_data_cannot_leave_its_place(folder: Path, told: str) -> None:
    typical = SAMPLES["typical"]
    parcel = replace(typical.shipments[0], carrier=told)
    order = replace(
        typical,
        items=(Item(title=told, sku=told),),
        shipments=(parcel,),
        buyer=replace(typical.buyer, name=f"A {told}"),
    )

    made = written(load(folder), "ar", order)

    usual = written(load(folder), "ar")
    assert made.text.count(FSI) == made.text.count(PDI)
    assert "\u202e" not in made.text
    assert made.html.count("<bdi>") == made.html.count("</bdi>") == usual.html.count("<bdi>")
    depth = 0
    for one in made.text:
        depth += (one == FSI) - (one == PDI)
        assert depth in {0, 1, 2}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ order.number }}", f"{FSI}{{{{ order.number }}}}{PDI}"),
        ("{{ order.total | money('EUR') }}", f"{FSI}{{{{ order.total | money('EUR') }}}}{PDI}"),
        ("{{ greeting }} {{ links.order }} {{ shop.url }}", "{{ greeting }} {{ links.order }} {{ shop.url }}"),
        ("{{ order.paid_at | date }} {% if order.late %}", "{{ order.paid_at | date }} {% if order.late %}"),
        ("{{ '{' }} {{ 7 }} {# {{ order.number }} #}", "{{ '{' }} {{ 7 }} {# {{ order.number }} #}"),
        ("a {{- order.number -}} b", f"a {{{{- '{FSI}' }}}}{{{{- order.number -}}}}{{{{ '{PDI}' -}}}} b"),
    ],
)
def test_marks_go_around_what_may_be_of_another_language(template: str, expected: str) -> None:
    assert isolate_text(template) == expected


def test_a_page_without_placeholders_stays_as_it_is() -> None:
    assert isolate_html("<p>x</p>", {}) == "<p>x</p>"
    assert isolate_html('<p title="a>b M">M</p>', {"M": "{{ x }}"}) == '<p title="a>b M"><bdi>M</bdi></p>'


def test_blanks_are_taken_away_where_a_tag_asks_for_it(folder: Path) -> None:
    put(folder, "ar/shipped.md", '+++\nsubject = "x {{- order.number -}} y"\n+++\nx {{- order.number -}} y\n')

    made = written(load(folder), "ar")

    assert made.subject == f"x{FSI}8134567890123456{PDI}y"
    assert made.text == f"x{FSI}8134567890123456{PDI}y\n"
    assert f"x{FSI}8134567890123456{PDI}y" in made.html


def test_the_marks_of_a_subject_reach_the_reader_and_the_header_is_ascii(folder: Path) -> None:
    made = written(load(folder), "ar")
    letter = Letter(
        key=Key("toys", "shipped", "1", 1), sender=SHOP.sender, recipient="b@y.example", recipient_name="", subject=made.subject,
        text=made.text, html=made.html, platform_text=made.platform_text, locale="ar", message_id="1@toys.example",
        date=datetime(2026, 3, 2, tzinfo=UTC),
    )  # fmt: skip

    content = MimeComposer().compose(letter).content

    assert content.partition(b"\r\n\r\n")[0].isascii()
    assert BytesParser(EmailMessage, policy=policy.default).parsebytes(content)["Subject"] == made.subject
