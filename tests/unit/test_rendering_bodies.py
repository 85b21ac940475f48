"""From a template and an order to the words that leave: three bodies, and nothing of a buyer's becomes markup."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from messenger.domain.orders import Buyer, Item, Order
from messenger.domain.shops import Shop
from messenger.errors import RenderError, TemplateError
from messenger.rendering.catalogue import Chosen
from messenger.rendering.compile import compile_template
from messenger.rendering.context import words_for
from messenger.rendering.locales import Choice
from messenger.rendering.render import RenderedMessage, render
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.rendering.source import read_source

LAYOUT = """<!doctype html><html lang="{{ lang }}" dir="{{ dir }}"><head><title>{{ subject }}</title>
<style>p { color: #111111 } @media (max-width: 600px) { p { color: red } }</style></head>
<body>{% if preheader %}<div>{{ preheader }}</div>{% endif %}
{{ body }}<p>{{ phrases.footer }}</p></body></html>"""
PHRASES = {"greeting_named": "Hello {name},", "greeting_plain": "Hello,", "footer": "Sunny Toys"}
SHOP = Shop(id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>")
TYPICAL = SAMPLES["typical"]


def written(
    body: str, order: Order = TYPICAL, *, subject: str = "Hi", preheader: str = "", locale: str = "en"
) -> RenderedMessage:
    text = f"+++\nsubject = '''{subject}'''\npreheader = '''{preheader}'''\n+++\n{body}"
    compiled = compile_template(
        read_source("x.md", text.encode()), name="x", locale=locale, variant="", layout=LAYOUT
    )  # fmt: skip
    choice = Choice(locale=locale, wished=locale, because="", tried=())
    words = words_for(order, shipment_id=None, shop=SHOP, now=SAMPLE_NOW, greetings=PHRASES)
    chosen = Chosen(compiled=compiled, choice=choice, passed_over=())
    return render(chosen, words, phrases=PHRASES, country=order.buyer.country, zone=ZoneInfo("Europe/Madrid"))


def with_name(name: str | None) -> Order:
    return replace(TYPICAL, buyer=replace(TYPICAL.buyer, name=name))


def body_of(made: RenderedMessage) -> str:
    return made.html.partition("<body>")[2].rpartition("<p")[0]


def test_one_file_gives_plain_text_without_markup() -> None:
    made = written(
        "{{ greeting }}\n\nYour **parcel** {{ shipment.number }} is on its _way_.\n\n[Track it]({{ shipment.tracking_url }})"
        "\n\n<https://shop.example>\n\n{% for item in order.items %}\n- {{ item.title }}, {{ item.quantity }}\n{% endfor %}\n\nBye"
    )

    assert made.text == (
        "Hello María López,\n\nYour parcel LP00123456789CN is on its way.\n\n"
        "Track it: https://t.17track.net/en#nums=LP00123456789CN\n\nhttps://shop.example\n\n"
        "- Wooden puzzle “Solar system”, 1\n\nBye\n"
    )
    assert made.platform_text == made.text


def test_a_loop_repeats_the_items_of_one_list() -> None:
    order = replace(TYPICAL, items=(Item(title="one"), Item(title="two")))
    made = written("Before\n{% for item in order.items %}\n- {{ item.title }}\n{% endfor %}\nAfter", order)

    assert made.html.count("<ul>") == made.html.count("</ul>") == 1
    assert re.findall(r"<li>(\w+)</li>", made.html) == ["one", "two"]
    assert made.text == "Before\n\n- one\n- two\n\nAfter\n"


def test_a_statement_on_a_line_of_its_own_leaves_no_empty_paragraph() -> None:
    made = written("One\n\n{% if order.late %}\n\nLate\n\n{% endif %}\n{% if order.late %}\nLate\n{% endif %}\n\nTwo")

    assert "Late" not in made.text
    assert made.text == "One\n\nTwo\n"
    assert re.search(r"<p[^>]*>\s*</p>", made.html) is None


def test_a_loop_with_more_than_a_list_in_it_stays_around_the_list() -> None:
    made = written(
        "{% for one in shipments %}\n- {{ one.number }}\n{% if one.carrier %}\n{{ one.carrier }}\n{% endif %}\n{% endfor %}"
    )

    assert made.html.count("<ul>") == made.html.count("</ul>")
    assert made.text == "- LP00123456789CN\n\nChina Post\n"


def test_the_layout_has_its_css_in_the_elements_and_media_queries_in_the_head() -> None:
    made = written("One", preheader="Peek", locale="en")

    assert re.search(r'<p style="color: ?#111111;?">One</p>', made.html)
    assert "@media" in made.html
    assert '<html lang="en" dir="ltr">' in made.html
    assert "<div>Peek</div>" in made.html


def test_right_to_left_text_says_so() -> None:
    assert written("One", locale="ar").direction == "rtl"


NAMES = [
    "**x**", "<script>alert(1)</script>", "{{ 7*7 }}", "{% raw %}", "{# x #}", "</p></body>", "[a](javascript:alert)",
    "&lt;b&gt;", "' onmouseover='x", '" onerror="x', "__x__ `y`", "# x", "O'Brien & Söhne <3", "${7*7}", "%s%n", "=?utf-8?q?a?=",
    "<!--", "]]>", "\\{\\{ 7*7 \\}\\}", "zqp0zq", "1. x", "http://evil.example x",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_stays_a_name_in_every_part(name: str) -> None:
    made = written(
        "Dear {{ buyer.name }}x",
        with_name(name + " Abcd"),
        subject="For {{ buyer.name }}",
        preheader="{{ buyer.name }}",
    )
    shown = f"{name} Abcd"

    assert made.subject == f"For {shown}"
    assert made.text == f"Dear {shown}x\n"
    assert made.platform_text == made.text
    assert "<script" not in made.html
    assert html.unescape(re.sub(r"<[^>]*>", "", body_of(made))).split() == f"{shown} Dear {shown}x".split()


@pytest.mark.parametrize("name", ["a\r\nBcc: x@y.example", "a\u2028b", "a\x00b", "\u202eevil", "a\x1b[31m", "a\x85b"])
def test_nothing_unseen_gets_into_a_line(name: str) -> None:
    made = written("{{ greeting }}", with_name(name), subject="{{ greeting }}")

    assert made.subject.isprintable()
    assert made.text.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "greeting"),
    [("MARÍA LÓPEZ", "Hello María López,"), ("ivan petrov", "Hello Ivan Petrov,"), ("Anne-Marie O'Neil", "Hello Anne-Marie O'Neil,"),
     (None, "Hello,"), ("", "Hello,"), ("   ", "Hello,"), ("123", "Hello,"), ("???", "Hello,"), ("李小龙", "Hello 李小龙,")],
)  # fmt: skip
def test_the_greeting_is_right_with_any_name_and_without(name: str | None, greeting: str) -> None:
    assert written("{{ greeting }}", with_name(name)).text == f"{greeting}\n"


def test_text_and_subject_are_not_escaped() -> None:
    order = replace(TYPICAL, items=(Item(title="O'Brien & Söhne <3"),))
    made = written("{{ order.items | list('title') }}", order, subject="{{ order.items | list('title') }}")

    assert made.subject == made.text.strip() == "O'Brien & Söhne <3"
    assert "O&#39;Brien &amp; Söhne &lt;3" in made.html


@pytest.mark.parametrize(
    "body",
    [
        "&#123;&#123; 7*7 &#125;&#125;",
        "\\{\\{ 7*7 }}",
        "{\\{ 7*7 }}",
        "&lbrace;% if x %}",
        "{% raw %}{{ 7*7 }}{% endraw %}",
    ],
)
def test_a_brace_written_around_stays_a_brace(body: str) -> None:
    made = written(body)

    assert made.text.startswith("{")
    assert "49" not in made.text + made.html


@pytest.mark.parametrize(
    ("body", "missing"),
    [("{{ shipment.number }}", "shipment.number"), ("{{ order.total | money(order.currency) }}", "order.total"),
     ("{{ order.paid_at | date }}", "order.paid_at"), ("{{ buyer.city }}", "buyer.city"), ("{{ refund.method }}", "refund.method"),
     ("{% if shipment.days_in_state > 3 %}x{% endif %}", "shipment.days_in_state"),
     ("{% if not buyer.country %}{{ buyer.first_name }}{% endif %}", "buyer.first_name")],
)  # fmt: skip
def test_a_fact_that_is_not_known_refuses_the_message_and_is_named(body: str, missing: str) -> None:
    with pytest.raises(RenderError) as refused:
        written(body, SAMPLES["minimal"])

    assert refused.value.missing == f"not known: {missing}"


def test_asking_for_a_fact_that_is_not_known_is_fine() -> None:
    made = written("A{% if shipment %}B{% endif %}{% if shipment.number %}C{% endif %}{% if refund.method == 'x' %}D{% endif %}"
                   "{% if links.survey %}E{% endif %}", SAMPLES["minimal"])  # fmt: skip

    assert made.text == "A\n"


@pytest.mark.parametrize(
    "body", ["{{ order }}", "{{ order.items }}", "{{ order.paid_at }}", "{{ order.late }}", "{{ shop }}"]
)
def test_a_whole_thing_or_a_bare_date_is_not_written(body: str) -> None:
    with pytest.raises(TemplateError, match="is not written as it is"):
        written(body)


def test_too_much_text_is_refused_before_it_fills_the_memory() -> None:
    order = replace(TYPICAL, items=tuple(Item(title="x" * 1000) for _ in range(2000)))

    with pytest.raises(RenderError, match="longer than"):
        written("{% for a in order.items %}{% for b in order.items %}{{ b.title }}{% endfor %}{% endfor %}", order)


def test_a_subject_that_comes_to_nothing_is_refused() -> None:
    with pytest.raises(RenderError, match="subject is empty"):
        written("x", subject="{% if order.late %}x{% endif %}")


def test_a_subject_is_one_line() -> None:
    assert written("x", subject="A\n  {{ order.number }}\n\n B").subject == f"A {TYPICAL.number} B"


def test_days_are_whole_days_up_to_now() -> None:
    words = words_for(TYPICAL, shipment_id=None, shop=SHOP, now=SAMPLE_NOW + timedelta(hours=1), greetings=PHRASES)

    assert words.shipment is not None
    assert (words.shipment.days_in_state, words.shipment.days_since_shipped) == (11, 18)
    assert Buyer().name is None
