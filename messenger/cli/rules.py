"""``messenger rules``: what each rule does, as a plain sentence."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import click

from messenger.cli.main import App
from messenger.cli.output import json_option, print_json
from messenger.config import load_schedule
from messenger.domain.rules import Rule
from messenger.services.sentences import rule_document, rule_sentence
from messenger.services.speaking.words import LANGUAGES, words_of

NARROWEST: Final = 40
WIDEST: Final = 120
"""Columns; longer lines are hard to read, however wide the terminal is."""
INDENT: Final = "  "
NEVER_FIRST: Final = frozenset("，。；：、！？）》”’」』】%…·")
NEVER_LAST: Final = frozenset("（《“‘「『【")


@click.command()
@click.option("--language", default="en", show_default=True, help=f"Language of the sentences: {', '.join(LANGUAGES)}.")
@json_option
@click.pass_obj
def rules(app: App, language: str, *, as_json: bool) -> int:
    """Tell what each rule of schedules.toml does, in plain sentences."""
    words_of(language)
    schedule = load_schedule(app.home / "schedules.toml")
    if as_json:
        for rule in schedule.rules:
            print_json(rule_document(rule, language, file=schedule.source))
        return 0
    width = min(WIDEST, max(NARROWEST, shutil.get_terminal_size().columns))
    click.echo(
        "\n\n".join("\n".join(told(rule, language, file=schedule.source, width=width)) for rule in schedule.rules)
    )
    if not schedule.rules:
        click.echo("no rules", err=True)
    return 0


def told(rule: Rule, language: str, *, file: str, width: int) -> Iterator[str]:
    """Yield a rule as lines for a person: a heading, what it does, and its note.

    Args:
        rule: as read.
        language: of the sentences.
        file: where the rule stands.
        width: columns of the terminal.
    """
    words = words_of(language)
    marks = [f"{file}:{rule.line}"]
    if rule.template != rule.name:
        marks.append(words.say("template", name=rule.template))
    if not rule.enabled:
        marks.append(f"[{words.say('off')}]")
    title = f" ({rule.title})" if rule.title else ""
    yield f"{rule.name}{title}  {'  '.join(marks)}"
    yield from wrapped(rule_sentence(replace(rule, enabled=True), language), width)
    if rule.note:
        yield from wrapped(words.say("note", text=rule.note), width)


def wrapped(text: str, width: int) -> Iterator[str]:
    """Yield a text as indented lines of at most ``width`` columns; Chinese breaks between any two characters.

    A number stays with its unit, closing punctuation with what it closes; what cannot be broken is longer.
    """
    line, columns = "", len(INDENT)
    for piece in _unbreakable(text):
        size = sum(map(_columns, piece))
        if line and columns + sum(map(_columns, piece.rstrip())) > width:
            yield INDENT + line.rstrip()
            line, columns = "", len(INDENT)
        line, columns = line + piece, columns + size
    if line.strip():
        yield INDENT + line.rstrip()


def _unbreakable(text: str) -> Iterator[str]:
    """The pieces between which a line may end; spaces belong to the piece before them."""
    piece = ""
    for character in text:
        if piece and _may_break(piece[-1], character):
            yield piece
            piece = ""
        piece += character
    if piece:
        yield piece


def _may_break(before: str, after: str) -> bool:
    if after.isspace() or after in NEVER_FIRST or before in NEVER_LAST or before.isdecimal():
        return False
    return before.isspace() or _columns(before) == 2 or _columns(after) == 2


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
