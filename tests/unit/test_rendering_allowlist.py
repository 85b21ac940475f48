"""Hostile and broken templates: all refused, all fast, before anything is compiled."""

from __future__ import annotations

import time

import pytest

from messenger.errors import TemplateError
from messenger.rendering.compile import Compiled, check_layout, compile_template
from messenger.rendering.source import read_source

LAYOUT = "<!doctype html><html><head><title>{{ subject }}</title></head><body>{{ body }}</body></html>"


def compiled(body: str, subject: str = "Hello") -> Compiled:
    source = read_source("en/x.md", f"+++\nsubject = '''{subject}'''\n+++\n{body}".encode())
    return compile_template(source, name="x", locale="en", variant="", layout=LAYOUT)


HOSTILE = [
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ order.__class__.__mro__ }}",
    "{{ order.__dict__ }}",
    "{{ order._number }}",
    "{{ order['number'] }}",
    "{{ order[buyer.name] }}",
    "{{ order | attr('__class__') }}",
    "{{ order.number.format(1) }}",
    "{{ '{0.__class__}'.format(order) }}",
    "{{ '%s' | format(order) }}",
    "{{ order.items.append(1) }}",
    "{{ self }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ lipsum(n=1000000) }}",
    "{{ lipsum.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner() }}",
    "{{ namespace(a=1) }}",
    "{{ range(10 ** 9) }}",
    "{{ dict(a=1) }}",
    "{{ config }}",
    "{{ request }}",
    "{{ formats_ }}",
    "{{ formats_.zone }}",
    "{{ get_flashed_messages }}",
    "{{ [].pop }}",
    "{{ [1, 2, 3] }}",
    "{{ {'a': 1} }}",
    "{{ (1, 2) }}",
    "{{ 'a' * 300000000 }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 99999999999999999999 }}",
    "{{ 'a' ~ 'b' }}",
    "{{ 1 + 1 }}",
    "{{ greeting | center(1000000000) }}",
    "{{ greeting | replace('a', 'aaaaaaaa') }}",
    "{{ greeting | safe }}",
    "{{ greeting | map('upper') }}",
    "{{ greeting | pprint }}",
    "{{ greeting if greeting else '' }}",
    "{{ order.total | money(**order) }}",
    "{{ order.total | money(*order.items) }}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{% for a in order.items %}{% for b in order.items %}{% for c in order.items %}x{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in order.items recursive %}{{ loop(order.items) }}{% endfor %}",
    "{% for a in greeting %}x{% endfor %}",
    "{% for formats_ in order.items %}{{ order.paid_at | date }}{% endfor %}",
    "{% for order in order.items %}x{% endfor %}",
    "{% for a, b in order.items %}x{% endfor %}",
    "{% set x = greeting %}",
    "{% set x %}{{ greeting }}{% endset %}",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{% call order.number() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% include '/etc/passwd' %}",
    "{% import 'x' as y %}",
    "{% extends 'x' %}",
    "{% block a %}{% endblock %}",
    "{% with a = 1 %}{% endwith %}",
    "{% autoescape false %}{{ buyer.name }}{% endautoescape %}",
    "{% do order %}",
    "{% if greeting is defined %}x{% endif %}",
    "{% if greeting is filter('x') %}x{% endif %}",
    "{% if greeting %}" * 120 + "{% endif %}" * 120,
    "{% if greeting %}" * 5000,
    "{{ " + "(" * 3000 + "greeting" + ")" * 3000 + " }}",
    "{{ " + "not " * 3000 + "greeting }}",
    "{{ order" + ".items" * 3000 + " }}",
    "{{ '" + "a" * 5000 + "' }}",
    "{{ greeting",
    "{% if %}",
    "{% endfor %}",
    "{{ }}",
    "![{% raw %}](x){{ ''.__class__ }}![{% endraw %}](x)",
    "![{% raw %}](x){{ 'a' * 300000000 }}![{% endraw %}](x)",
    "[a]({{ buyer.name }})",
    "[a](https://{{ buyer.name }}/)",
    "[a]({% if greeting %}javascript{% endif %}:alert)",
    "![a]({{ buyer.city }})",
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: str(body)[:60])
@pytest.mark.parametrize("part", ["body", "subject"])
def test_what_authors_have_no_need_of_is_refused_at_once(body: str, part: str) -> None:
    if part == "subject" and body.startswith(("![", "[")):
        pytest.skip("no Markdown in a subject")
    started = time.perf_counter()

    with pytest.raises(TemplateError):
        compiled(body) if part == "body" else compiled("x", subject=body)

    assert time.perf_counter() - started < 1


def test_a_long_line_of_statements_is_read_in_no_time() -> None:
    started = time.perf_counter()

    compiled("{% if greeting %}{% endif %}" * 500 + "x")

    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("body", "line", "column", "key", "remedy"),
    [
        pytest.param("Hi\n\n{{ order.nubmer }}", 6, 4, "order.nubmer", "did you mean 'order.number'?", id="field"),
        pytest.param("{{ ordr.number }}", 4, 4, "ordr.number", "did you mean 'order'?", id="name"),
        pytest.param(
            "{% for item in order.items %}{{ item.titel }}{% endfor %}", 4, 33, "item.titel", "did you mean 'item.title'?",
            id="loop variable",
        ),
        pytest.param("x\n{{ order.total | mony }}", 5, 18, "", "did you mean 'money'?", id="filter"),
    ],
)  # fmt: skip
def test_a_mistake_names_its_place_and_the_nearest_name(
    body: str, line: int, column: int, key: str, remedy: str
) -> None:
    with pytest.raises(TemplateError) as refused:
        compiled(body)

    found = refused.value.findings[0]
    assert (found.file, found.line, found.column, found.key, found.remedy) == ("en/x.md", line, column, key, remedy)


@pytest.mark.parametrize(
    "layout",
    [
        "<html><body>{{ body }}{{ 'a' * 300000000 }}</body></html>",
        "<html><body>{{ body }}{{ subject.__class__ }}</body></html>",
        "<html><body>{{ body }}{{ nothing }}</body></html>",
        "<html><body>nowhere</body></html>",
    ],
)
def test_a_layout_is_checked_like_a_template(layout: str) -> None:
    assert check_layout("_layout/email.html", layout)


def test_a_layout_may_use_its_own_names() -> None:
    layout = (
        "<html lang='{{ lang }}' dir='{{ dir }}'>{{ preheader }}{{ phrases.footer }}{{ shop.name }}{{ body }}</html>"
    )

    assert check_layout("_layout/email.html", layout) == []
