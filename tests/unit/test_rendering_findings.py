"""Every mistake in a template is told with its place, in words a translator understands, and all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from messenger.errors import TemplateError
from messenger.rendering.catalogue import load
from messenger.rendering.compile import compile_template
from messenger.rendering.source import read_source

LIKE_THIS = "(a placeholder looks like {{ order.number }}, a condition like {% if links.tracking %})"
LINK_TO = "(link to links.tracking, links.order or a …url, or write https://host/ first)"


def findings(text: str) -> list[str]:
    try:
        compile_template(read_source("en/x.md", text.encode()), name="x", locale="en", variant="", layout="{{ body }}")
    except TemplateError as error:
        return [str(one).removeprefix("en/x.md:") for one in error.findings]
    return []


def of_body(body: str) -> list[str]:
    return findings(f'+++\nsubject = "x"\n+++\n{body}')


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            "a\n{% if greeting %}\n{% for i in order.items %}\n{% endfor %}",
            "5:4: 'if' is never closed (write {% endif %})",
            id="an if left open",
        ),
        pytest.param(
            "{% for i in order.items %}{% if greeting %}{% endfor %}",
            "4:47: 'endfor' stands where 'if' is still open (write {% endif %} first)",
            id="closed in the wrong order",
        ),
        pytest.param(
            "{% endif %}", "4:4: 'endif' closes nothing (there is no open {% if … %} before it)", id="nothing to close"
        ),
        pytest.param(
            "{% iff greeting %}x{% endif %}", "4:4: there is no tag 'iff' (did you mean 'if'?)", id="a misspelt tag"
        ),
        pytest.param(
            "{% switch greeting %}",
            "4:4: there is no tag 'switch' (known: if, elif, else, endif, for, endfor)",
            id="an unknown tag",
        ),
        pytest.param("{{ order.number }", f"4:17: cannot be read: unexpected '}}' {LIKE_THIS}", id="half a brace"),
        pytest.param(
            "{{ order.number order }}",
            f"4:1: expected token 'end of print statement', got 'order' {LIKE_THIS}",
            id="two names",
        ),
        pytest.param(
            "{{ 1 + 1 }}", "4:1: arithmetic is not allowed in templates (if, for and filters only)", id="arithmetic"
        ),
        pytest.param(
            "{% set x = greeting %}", "4:1: {% set %} is not allowed in templates (if, for and filters only)", id="set"
        ),
        pytest.param(
            "{{ order.ship_by | date('dya') }}",
            "4:4: order.ship_by: date does not know 'dya' (known: short, medium, long, day)",
            id="an unknown form",
        ),
        pytest.param(
            "{{ order.ship_by | date('day', 'x') }}",
            "4:4: order.ship_by: date takes one form (known: short, medium, long, day)",
            id="two forms",
        ),
        pytest.param(
            "{{ order.ship_by | date(form='day') }}",
            "4:4: order.ship_by: date takes nothing by name (leave out what has an = in it)",
            id="a form by name",
        ),
        pytest.param(
            "{{ order.ship_by | time('x') }}",
            "4:4: order.ship_by: time takes nothing in brackets (write order.ship_by | time)",
            id="too much",
        ),
        pytest.param(
            "{{ order.total | money }}",
            "4:4: order.total: money needs the currency (write order.total | money(order.currency))",
            id="no currency",
        ),
        pytest.param(
            "{{ order.number | date }}",
            "4:4: order.number: date does not write a text (write order.number)",
            id="a date of a text",
        ),
        pytest.param(
            "{{ order.total | date }}",
            "4:4: order.total: date does not write an amount (write order.total | money(order.currency))",
            id="a date of an amount",
        ),
        pytest.param(
            "{{ order.days_since_paid | time }}",
            "4:4: order.days_since_paid: time does not write a number (write order.days_since_paid | number)",
            id="a time of a number",
        ),
        pytest.param(
            "{{ order.number | list }}",
            "4:4: order.number: list does not write a text (write order.number)",
            id="a list of a text",
        ),
        pytest.param(
            "{{ order.items | list }}",
            '4:4: order.items: list does not know what to write (write list("title") or list("sku"))',
            id="a list of things",
        ),
        pytest.param(
            "{{ order.items | list('titel') }}",
            '4:4: order.items: list does not know what to write for \'titel\' (write list("title") or list("sku"))',
            id="a misspelt field",
        ),
        pytest.param(
            "{{ order.days_since_paid | plural('x') }}",
            '4:4: order.days_since_paid: plural takes its forms by name (write plural(one="# day", other="# days"))',
            id="forms without names",
        ),
        pytest.param(
            "{{ order.items }}",
            '4:4: order.items: a list is not written as it is (write order.items | list("title"), or a loop)',
            id="a bare list",
        ),
        pytest.param(
            "{{ order.ship_by }}",
            "4:4: order.ship_by: a moment is not written as it is (write order.ship_by | date)",
            id="a bare moment",
        ),
        pytest.param(
            "{{ order.late }}",
            "4:4: order.late: a yes or no is not written as it is (ask for it with {% if %})",
            id="a bare yes or no",
        ),
        pytest.param(
            "{{ shop }}",
            "4:4: shop: a whole shop is not written as it is (write shop.name, or another of its fields)",
            id="a whole thing",
        ),
        pytest.param(
            "a\n\n[x]({{ buyer.name }})",
            f"6:5: the link to {{{{ buyer.name }}}} could lead anywhere {LINK_TO}",
            id="a link made of a name",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_its_remedy(body: str, expected: str) -> None:
    assert of_body(body) == [expected]


@pytest.mark.parametrize(
    "body",
    [
        "{{ order.ship_by | date }} {{ order.ship_by | date('day') }} {{ shipment.eta_to | date('long') }}",
        "{{ order.total | money(order.currency) }} {{ order.total | money('EUR') }} {{ order.total }}",
        "{{ order.items | list('title') }} {% for one in order.items %}{{ one.title }} {{ one.quantity }}{% endfor %}",
        "{{ order.days_since_paid | plural(one='# day', other='# days') }} {{ order.days_since_paid | duration }}",
        "{{ buyer.country | country }} {{ 3 | number }}",
    ],
)
def test_right_use_is_not_complained_about(body: str) -> None:
    assert of_body(body) == []


def test_mistakes_in_front_matter_and_body_are_told_together() -> None:
    text = '+++\nsubject = "Hi {{ order.nmber }}"\npreheadr = "x"\npreheader = 7\n+++\n{{ ordr.number }}'

    assert findings(text) == [
        "3:1: preheadr: unknown key (did you mean 'preheader'?)",
        '4:1: preheader: must be a text (write preheader = "…")',
        "2:18: order.nmber: there is no such placeholder (did you mean 'order.number'?)",
        "6:4: ordr.number: there is no such placeholder (did you mean 'order'?)",
    ]


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ("", '1:1: subject: is missing (write subject = "…")'),
        ('subject = " "\n', '2:1: subject: is empty (write subject = "…")'),
        ('subject = "a\n', r"2:13: the front matter cannot be read: illegal character '\n'"),
        ('subject = "a"\nsauce = "b"\n', "3:1: sauce: unknown key (did you mean 'source'?)"),
    ],
)
def test_front_matter_is_read_or_told(front: str, expected: str) -> None:
    assert findings(f"+++\n{front}+++\nx") == [expected]


def test_phrases_that_cannot_be_read_are_told_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "_phrases.toml").write_text('a = "b"\nx = \n', encoding="utf-8")

    told = [str(one) for one in load(tmp_path).findings]

    assert f"{tmp_path.name}/en/_phrases.toml:2:5: cannot be read: invalid value" in told


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shiped", "there is no such text (there are: delivered)"),
        ("shipped", "en/shipped.md cannot be used as it is (messenger check tells why)"),
        ("delivered", "there is no text in en (there is: ru)"),
    ],
)
def test_why_there_is_no_text_is_told(tmp_path: Path, name: str, expected: str) -> None:
    for file, body in (("en/shipped.md", "{{ nothing }}"), ("ru/delivered.md", "x")):
        path = tmp_path / "t" / file
        path.parent.mkdir(parents=True)
        path.write_text(f'+++\nsubject = "x"\n+++\n{body}', encoding="utf-8")

    with pytest.raises(LookupError) as refused:
        load(tmp_path / "t").choose(
            name, buyer="en", conversation=None, country=None, countries={}, shop_language="en", selectors={}
        )

    assert refused.value.args[0].replace("t/en", "en") == expected
