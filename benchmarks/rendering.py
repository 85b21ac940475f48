"""Rendering: one shipped message in Russian, by us and by stock Jinja2, side by side in one run.

Both write the same subject, preheader, text, HTML and platform text of ``ru/shipped.md`` with three items, from the same
words, and both are asked whether they wrote the same. Stock means what one would write without us: templates that extend a
base, compiled once and cached; Babel for every date; css-inline over every finished mail.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

import css_inline
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency
from jinja2 import DictLoader, Environment

from benchmarks.common import Figure
from messenger.bootstrap import default_home
from messenger.domain.events import Item
from messenger.domain.shops import Shop
from messenger.rendering.catalogue import Catalogue, Chosen, load
from messenger.rendering.context import Words, words_for
from messenger.rendering.locales import Choice
from messenger.rendering.masking import Mask, parsed, to_html, to_text
from messenger.rendering.render import render
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES
from messenger.rendering.source import Source, read_source

LOCALE: Final = "ru"
NAME: Final = "shipped"
ROUNDS: Final = 9
SHOP: Final = Shop(id="toys", name="Игрушки", sender="Игрушки <care@toys.example>")
ITEMS: Final = tuple(Item(title=f"Деревянная головоломка № {number}", quantity=number) for number in (1, 2, 3))
ZONE: Final = ZoneInfo("Europe/Moscow")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message consists of."""

    subject: str
    preheader: str
    text: str
    html: str
    platform_text: str


def run(messages: int = 200) -> Iterator[Figure]:
    """Write many messages by either in turns; medians of the rounds."""
    with default_home() as folder:
        catalogue = load(folder / "templates", known_good=True)
        layout = (folder / "templates" / "_layout" / "email.html").read_text(encoding="utf-8")
        raw = (folder / "templates" / LOCALE / f"{NAME}.md").read_bytes()
    source = read_source(f"{LOCALE}/{NAME}.md", raw)
    words = _words(catalogue)
    sides = {"ours": _ours(catalogue, words), "stock": _stock(source, layout, words, catalogue.phrase(LOCALE))}
    made = {name: write() for name, write in sides.items()}
    assert _said(made["ours"]) == _said(made["stock"])
    sides["words"] = lambda: _words(catalogue)  # type: ignore[assignment, return-value]  # timed, not compared
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, write in sides.items():
            taken[name].append(_timed(write, messages))
    middle = {name: median(seconds) for name, seconds in taken.items()}
    size = len(made["ours"].html.encode()) / 1000
    yield Figure(f"rendering: stock Jinja2, {size:.1f} kB", messages, middle["stock"])
    yield Figure(f"rendering: ours, {middle['stock'] / middle['ours']:.1f} x stock", messages, middle["ours"])
    yield Figure("rendering: the words before it", messages, middle["words"])


def rendered() -> Parts:
    """Return the message as we write it."""
    with default_home() as folder:
        catalogue = load(folder / "templates", known_good=True)
    return _ours(catalogue, _words(catalogue))()


def _timed(write: Callable[[], object], count: int) -> float:
    started = time.perf_counter()
    for _ in range(count):
        write()
    return time.perf_counter() - started


def _words(catalogue: Catalogue) -> Words:
    sample = SAMPLES["typical"]
    buyer = replace(sample.buyer, name="Анна Смирнова", country="RU", language="ru")
    order = replace(sample, items=ITEMS, buyer=buyer)
    return words_for(order, shipment_id=None, shop=SHOP, now=SAMPLE_NOW, greetings=catalogue.phrase(LOCALE))


def _ours(catalogue: Catalogue, words: Words) -> Callable[[], Parts]:
    choice = Choice(locale=LOCALE, wished=LOCALE, because="", tried=())
    chosen = Chosen(compiled=catalogue.templates[NAME][LOCALE][""], choice=choice, passed_over=())
    phrases = catalogue.phrase(LOCALE)

    def write() -> Parts:
        made = render(chosen, words, phrases=phrases, country="RU", zone=ZONE)
        return Parts(made.subject, made.preheader, made.text, made.html, made.platform_text)

    return write


def _stock(source: Source, layout: str, words: Words, phrases: object) -> Callable[[], Parts]:
    mask = Mask(source.body)
    tokens = parsed(mask.hide(source.body), mask)
    base = layout.replace("{{ body }}", "{% block body %}{% endblock %}")
    files = {
        "base.html": base,
        "base.txt": "{% block body %}{% endblock %}",
        "mail.html": f'{{% extends "base.html" %}}{{% block body %}}{mask.show(to_html(tokens))}{{% endblock %}}',
        "mail.txt": f'{{% extends "base.txt" %}}{{% block body %}}{mask.show(to_text(tokens))}{{% endblock %}}',
        "subject.txt": source.subject,
        "preheader.txt": source.preheader,
    }
    environment = Environment(loader=DictLoader(files), autoescape=_is_html)  # noqa: S701  # the HTML parts are
    environment.filters |= {
        "date": _date,
        "money": lambda value, currency: format_currency(value, currency, locale="ru_RU"),
    }
    inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

    def write() -> Parts:
        names = words.mapping()
        subject = environment.get_template("subject.txt").render(names)
        preheader = environment.get_template("preheader.txt").render(names)
        frame = {"lang": LOCALE, "dir": "ltr", "subject": subject, "preheader": preheader, "phrases": phrases}
        html = inliner.inline(environment.get_template("mail.html").render(names | frame))
        text = environment.get_template("mail.txt").render(names)
        return Parts(subject, preheader, text, html, text)

    return write


def _is_html(name: str | None) -> bool:
    return (name or "").endswith(".html")


def _date(value: datetime, form: str = "long") -> str:
    """As somebody would write it who calls Babel for every date."""
    if form == "day":
        return format_skeleton("MMMMd", datetime(value.year, value.month, value.day), locale="ru_RU")  # noqa: DTZ001  # a day
    return format_date(value, form, locale="ru_RU")


def _said(parts: Parts) -> tuple[str, ...]:
    return tuple(" ".join(one.split()) for one in (parts.subject, parts.preheader, parts.text, parts.platform_text))
