"""Showing: pages from templates, in the person's language; whatever was typed by anybody is only ever text in them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from messenger.console.office import CSRF, Caller
from messenger.domain.access import Right

ROOM: Final = files("messenger.console")
SOURCE: Final = "en"
FORM: Final = "yyyy-MM-dd HH:mm"
"""Of an instant, in every language: days and months cannot be taken for each other."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
"""Of every page: scripts and styles are files of ours, nothing is loaded from elsewhere, nobody frames us."""
NAVIGATION: Final = (
    ("/", "Today", Right.LOOK),
    ("/queue", "Queue", Right.LOOK),
    ("/orders", "Orders", Right.LOOK),
    ("/account", "Account", None),
)
"""Where it leads, what it is called, and the right it needs."""


def page(caller: Caller, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """Return a page for somebody who is logged in."""
    may = caller.user.may
    links = [(path, name) for path, name, right in NAVIGATION if right is None or may(right)]
    return plain_page(
        caller.language, template, status=status, caller=caller, links=links, may=may, rights=Right, here=_here(template),
        token=lambda: _token(caller.visit.csrf), **values,
    )  # fmt: skip


def _here(template: str) -> str:
    """The entry of the navigation that a page belongs to."""
    return {"today.html": "/", "order.html": "/orders", "sure.html": "/queue"}.get(
        template, f"/{template.removesuffix('.html')}"
    )


def _token(csrf: str) -> Markup:
    """What every form of ours carries."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF, csrf)


def plain_page(language: str, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """Return a page for anybody."""
    text = _pages(language).get_template(template).render(language=language, csrf_field=CSRF, **values)
    return HTMLResponse(text, status, {"Content-Security-Policy": POLICY, "Content-Language": language})


def phrase(language: str) -> Callable[[str], str]:
    """Return what says a phrase of the console in a language."""
    return catalogue(language).gettext


@cache
def catalogue(language: str) -> NullTranslations:
    """Return what the console says in a language."""
    if language == SOURCE:
        return NullTranslations()
    with (ROOM / "locale" / f"{language}.po").open("rb") as source:
        read, made = read_po(source, locale=language), io.BytesIO()
    write_mo(made, read)
    made.seek(0)
    return Translations(made)


@cache
def mark(name: str) -> str:
    """Return what makes the address of a file new when the file is: browsers keep what they have loaded."""
    return hashlib.sha256((ROOM / "assets" / name).read_bytes()).hexdigest()[:12]


@cache
def _pages(language: str) -> Environment:
    pages = Environment(
        loader=PackageLoader("messenger.console", "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, extensions=["jinja2.ext.i18n"], auto_reload=False,
    )  # fmt: skip
    pages.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]  # the extension's
    pages.globals["mark"] = mark
    locale = Locale.parse(language)
    pages.filters["number"] = lambda value: format_decimal(value, locale=locale)
    pages.filters["day"] = lambda value: format_date(value, "medium", locale=locale)
    pages.filters["instant"] = lambda value, zone: format_datetime(value, FORM, tzinfo=ZoneInfo(zone), locale=locale)
    return pages
