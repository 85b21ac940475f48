"""A message on a desk, as a person sees it: who it is for, what to send, and what that says in the person's own language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from messenger.cli.desk_words import DeskWords
from messenger.domain.shops import Shop
from messenger.domain.timing import UTC_ZONE
from messenger.domain.zones import zone_named
from messenger.rendering.policy import Breach
from messenger.services.desk import DeskRefused, Found, Gone, Lying, Obstacle, Said, Sheet
from messenger.services.home import Home
from messenger.services.speaking.words import country_name, language_name
from messenger.services.telling.narrator import shown

RULER: Final = 72
"""Columns of the lines between which the text stands: nothing is beside it, so that it can be marked and copied."""


def sheet_lines(sheet: Sheet, words: DeskWords, home: Home, now: datetime) -> Iterator[str]:
    """Yield what a person is shown; the text to send stands alone between two rulers."""
    yield from _head(sheet, words, home, now)
    text = sheet.opening.text
    named = [words.say("own_text" if sheet.opening.edited else "to_send")]
    named += [language_name(sheet.opening.letter.locale, words.spoken)]
    named += [words.count("characters", len(text.strip()))]
    yield ""
    yield _ruler(" · ".join(named))
    yield from map(_plain, text.strip().split("\n"))
    yield _ruler("")
    if sheet.meaning:
        yield f"{words.say('meaning')} ({language_name(sheet.meaning_locale, words.spoken)}):"
        yield from (f"  │ {_plain(line)}".rstrip() for line in sheet.meaning.strip().split("\n"))
    yield from _remarks(sheet, words, now)


def _head(sheet: Sheet, words: DeskWords, home: Home, now: datetime) -> Iterator[str]:
    row, buyer = sheet.row, sheet.order.buyer
    urgent = f"{words.say('urgent')} · " if row.urgent else ""
    until = words.say("yours_until", time=words.time(sheet.opening.until, clock_of(sheet.shop)))
    yield f"{urgent}{shown(sheet.shop.name)} ({row.key.shop}) · {title(row.key.rule, row.key.step, home)}"
    who = [shown(buyer.name) if buyer.name else words.say("unknown_buyer")]
    who += [country_name(buyer.country, words.spoken)] if buyer.country else []
    who += [words.say("there", time=words.time(now, sheet.clock))]
    yield f"{words.say('order', number=shown(row.order))} · {' · '.join(who)}"
    if sheet.along:
        yield words.say("with", orders=words.spoken.both([shown(one) for one in sheet.along]))
    yield sheet.link or words.say("no_link")
    yield f"{words.say('number', id=str(row.id))} · {until}"


def _remarks(sheet: Sheet, words: DeskWords, now: datetime) -> Iterator[str]:
    if not sheet.is_its_hour:
        yield words.say("not_its_hour", time=words.time(now, sheet.clock))
    if sheet.is_edit_lost:
        yield words.say("edit_lost")
    for one in sheet.warnings:
        yield words.say("warning", why=shown(str(one)))


def title(rule: str, step: int, home: Home) -> str:
    """Return what a rule is called, with its step beyond the first."""
    found = home.schedule.rule(rule)
    name = found.title if found is not None and found.title else rule
    return f"{shown(name)} ({step})" if step > 1 else shown(name)


def clock_of(shop: Shop) -> ZoneInfo:
    """Return the clock of a shop's desk."""
    return zone_named(shop.zone) or UTC_ZONE


def _ruler(name: str) -> str:
    wide = sum(east_asian_width(one) in {"W", "F"} for one in name)
    return f"── {name} ".ljust(RULER - wide, "─") if name else "─" * RULER


def _plain(line: str) -> str:
    """A line of a text on a terminal; marks that only join letters or turn them around stay where they are."""
    return "".join(one if one.isprintable() or one in "\t\u200c\u200d\u2068\u2069" else " " for one in line)


# --- nothing to send, and what was found on the way ----------------------------------------------------------------------


def gone_line(gone: Gone, words: DeskWords, home: Home) -> str:
    """Return which message is not sent, and why."""
    row = gone.row
    name = title(row.key.rule, row.key.step, home)
    return words.say("gone", name=name, order=shown(row.order), told=words.standing(row, gone.event))


def found_lines(found: Found, words: DeskWords, shop: Shop | None, now: datetime) -> Iterator[str]:
    """Yield what is to be said when there is nothing to send."""
    yield words.say("nothing")
    if found.left:
        yield words.count("left", found.left)
    if found.later and found.next_at is not None:
        zone = clock_of(shop) if shop is not None else UTC_ZONE
        yield words.count("later", found.later, at=words.time(found.next_at, zone, now=now))
    if found.in_other_hands:
        yield words.count("in_other_hands", found.in_other_hands)
    if found.paused:
        yield words.count("paused", found.paused)


def listing(lines: Sequence[Lying], words: DeskWords, home: Home) -> Iterator[str]:
    """Yield the list: urgent messages, then shop by shop."""
    place = None
    for one in lines:
        row, shop = one.row, home.shops.get(one.row.key.shop)
        heading = words.say("urgent") if row.urgent else f"{shown(shop.name) if shop else ''} ({row.key.shop})".strip()
        if heading != place:
            yield heading
            place = heading
        zone = clock_of(shop) if shop is not None else UTC_ZONE
        has_it = words.say("has_it", person=shown(one.person), time=words.time(one.until, zone)) if one.until else ""
        of_shop = f"{row.key.shop}/" if row.urgent else ""
        yield f"  {row.id:>6}  {of_shop}{shown(row.order)}  {title(row.key.rule, row.key.step, home)}" + (
            f"  [{has_it}]" if has_it else ""
        )


# --- what came of a word, and why the answer is no ------------------------------------------------------------------------


def said_line(said: Said, words: DeskWords, *, undone: bool = False) -> str:
    """Return that a person's word was taken down."""
    if undone:
        return words.say("said.undone", told=words.standing(said.row))
    if said.is_second:
        return words.say("said.sent_again")
    return words.say(f"said.{said.word}", told=words.standing(said.row))


def refused_lines(error: DeskRefused, words: DeskWords, home: Home, message: int = 0) -> Iterator[str]:
    """Yield why the answer is no."""
    row = error.row
    shop = home.shops.get(row.key.shop) if row is not None else None
    zone = clock_of(shop) if shop is not None else UTC_ZONE
    yield words.say(
        f"obstacles.{error.obstacle}", id=str(row.id if row is not None else message), person=shown(error.person),
        time=words.time(error.until, zone) if error.until else "", told=words.standing(row) if row is not None else "",
        problem=str(error),
    )  # fmt: skip
    if error.obstacle is Obstacle.TEXT:
        yield from (f"  {breach_line(one)}" for one in error.breaches if one.severity == "error")


def breach_line(breach: Breach) -> str:
    """Return which rule of the platform a text breaks, and what would be right."""
    return shown(f"{breach} ({breach.rule.right})")
