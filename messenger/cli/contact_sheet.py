"""The contact sheet: one self-contained page with every message in every language, for those who read texts, not files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from messenger.domain.shops import Shop
from messenger.errors import UsageError
from messenger.rendering.isolating import direction_of
from messenger.rendering.scenes import Scene, scene
from messenger.services.home import Home
from messenger.services.previewing import Preview, Shown

NARROW: Final = 360
WIDE: Final = 640
_MARKS: Final = {"there": "●", "old": "◐", "missing": "○"}
_TOLD: Final = {"there": "there", "old": "older than its source", "missing": "missing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One message in one language.

    Args:
        mail: what the buyer would get by e-mail; None when it cannot be shown.
        chat: the same through the platform.
        problem: why it cannot be shown.
    """

    name: str
    locale: str
    mail: Shown | None = None
    chat: Shown | None = None
    problem: str = ""

    @property
    def coverage(self) -> str:
        """``there``, ``old`` or ``missing``."""
        if self.mail is None or self.mail.letter.locale != self.locale:
            return "missing"
        return "old" if self.mail.stale else "there"


def contact_sheet(home: Home, shop: Shop, locales: Sequence[str], step: Callable[[int], None]) -> str:
    """Return the page.

    Args:
        home: whose texts.
        shop: who writes them.
        locales: the columns.
        step: is called after each message, for a progress bar.
    """
    names = sorted(home.catalogue.templates)
    rows: list[tuple[Scene, list[Cell]]] = []
    for name in names:
        setting = scene(name, home.schedule.rules)
        rows.append((setting, [_cell(home, shop, name, locale, setting) for locale in locales]))
        step(1)
    cells = [cell for _, row in rows for cell in row]
    there = sum(cell.coverage != "missing" for cell in cells)
    return Template(_read("contact_sheet.html")).substitute(
        style=_read("contact_sheet.css") + "\n".join(map(_only, locales)),
        script=_read("contact_sheet.js"),
        title=f"Texts of {escape(shop.name)}",
        told=f"{len(names)} messages, {len(locales)} languages: {there} of {len(cells)} texts are there.",
        choices="".join(_choice(locale) for locale in locales),
        heads="".join(f'<th scope="col">{escape(locale)}</th>' for locale in locales),
        rows="".join(_row(row) for _, row in rows),
        sections="\n".join(_section(home, setting, row) for setting, row in rows),
    )


def _cell(home: Home, shop: Shop, name: str, locale: str, setting: Scene) -> Cell:
    show = Preview(home).template
    try:
        mail = show(name, locale=locale, scene=setting, shop=shop, channel="email")
        chat = show(name, locale=locale, scene=setting, shop=shop, channel="platform")
    except UsageError as error:
        return Cell(name=name, locale=locale, problem=str(error))
    return Cell(name=name, locale=locale, mail=mail, chat=chat)


def _read(file: str) -> str:
    return files("messenger.cli").joinpath(file).read_text(encoding="utf-8")


def _only(locale: str) -> str:
    """Choosing a language hides the others, without a script."""
    chosen = f"body:has(#l-{escape(locale)}:checked)"
    return f'\n{chosen} .card:not([data-locale="{escape(locale)}"]) {{ display: none; }}'


def _choice(locale: str) -> str:
    return f'<label><input type="radio" name="locale" id="l-{escape(locale)}"> {escape(locale)}</label>'


def _row(row: Sequence[Cell]) -> str:
    name = escape(row[0].name)
    marks = "".join(
        f'<td class="{cell.coverage}"><a href="#{name}.{escape(cell.locale)}" title="{escape(cell.locale)}: {_TOLD[cell.coverage]}">'
        f'<span aria-hidden="true">{_MARKS[cell.coverage]}</span><span class="said">{_TOLD[cell.coverage]}</span></a></td>'
        for cell in row
    )
    return f'<tr data-name="{name}"><th scope="row"><a href="#{name}">{name}</a></th>{marks}</tr>'


def _section(home: Home, setting: Scene, row: Sequence[Cell]) -> str:
    name = row[0].name
    notes = [rule.note for rule in home.schedule.rules if rule.template == name and rule.note]
    cards = "\n".join(_card(cell) for cell in row)
    return (
        f'<section id="{escape(name)}" data-name="{escape(name)}"><h2>{escape(name)}</h2>'
        f"<p>{escape(notes[0]) if notes else ''} <small>Shown with the sample order “{escape(setting.sample)}”.</small></p>"
        f"{cards}</section>"
    )


def _card(cell: Cell) -> str:
    mail, chat = cell.mail, cell.chat
    head = f'id="{escape(cell.name)}.{escape(cell.locale)}" data-locale="{escape(cell.locale)}"'
    if cell.coverage == "missing" or mail is None or chat is None:
        instead = f"buyers get {mail.letter.locale}" if mail else cell.problem
        return (
            f'<p class="card missing" {head}><b>{escape(cell.locale)}</b> <span>Missing: {escape(instead)}</span></p>'
        )
    letter = mail.letter
    here = f'lang="{escape(cell.locale)}" dir="{direction_of(cell.locale)}"'
    old = f"<em>{mail.stale} pieces older than their source</em>" if mail.stale else ""
    broken = sorted({one.key for one in (*mail.findings, *chat.findings) if one.severity == "error"})
    wrong = f"<em>forbidden by {escape(', '.join(broken))}</em>" if broken else ""
    source = f"{escape(chat.file.rpartition('/')[2])}" if chat.file != mail.file else "the same text"
    size = len(chat.letter.platform_text.strip())
    return (
        f'<details class="card" {head}><summary><b>{escape(cell.locale)}</b> <span class="what" {here}><strong>{escape(letter.subject)}'
        f"</strong><small>{escape(mail.preheader)}</small></span>{old}{wrong}</summary>"
        f'<div class="views" style="--narrow: {_height(letter.text, 40)}px; --wide: {_height(letter.text, 74)}px">'
        f'<iframe sandbox loading="lazy" srcdoc="{escape(letter.html, quote=True)}" title="e-mail, {escape(cell.locale)}"></iframe></div>'
        f"<details><summary>Platform text, {size} characters ({source})</summary><pre {here}>{escape(chat.letter.platform_text)}</pre></details>"
        f"<details><summary>Plain text of the e-mail</summary><pre {here}>{escape(letter.text)}</pre></details></details>"
    )


def _height(text: str, letters: int) -> int:
    """How high a frame is about to be for a text: a sandboxed page cannot tell. Chinese letters are twice as wide."""
    rows = [sum(1 + (ord(one) > 0x2E80) for one in line) for line in text.splitlines()]
    lines = sum(1 + row // letters for row in rows if row)
    return max(320, min(1200, 210 + 26 * lines + 16 * rows.count(0)))
