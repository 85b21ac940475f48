"""What all commands of the desk share: who speaks, in which language, and how an answer is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from messenger.bootstrap import Engine, open_app
from messenger.cli.acts import no
from messenger.cli.desk_documents import gone_document, refused_document, said_document, sheet_document
from messenger.cli.desk_sheet import gone_line, refused_lines, said_line, sheet_lines
from messenger.cli.desk_words import DeskWords, desk_words, language_of
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json
from messenger.cli.people import by_option
from messenger.errors import UsageError
from messenger.services.desk import Desk, DeskRefused, Gone, Said, Sheet
from messenger.services.speaking.words import LANGUAGES

Command = Callable[..., Any]  # Any: what click decorates

message_argument = click.argument("message", metavar="ID", type=click.IntRange(min=1))
language_option = click.option(
    "--language", type=click.Choice(LANGUAGES), help="Of what the desk says; default: the shop's staff_language."
)


def common(command: Command) -> Command:
    """Give a command the options that all of the desk's have."""
    return by_option(language_option(json_option(command)))


def about_one(command: Command) -> Command:
    """Give a command the number of a message, and the options that all have."""
    return message_argument(common(command))


@dataclass(slots=True)
class Session:
    """One command at the desk."""

    engine: Engine
    desk: Desk
    language: str | None
    as_json: bool

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.engine.clock.now()

    def words(self, shop: str | None = None) -> DeskWords:
        """Return what is said to the people of a shop."""
        home = self.engine.home
        return desk_words(language_of(home, self.language, home.shops.get(shop or "")))

    def say(self, lines: Iterable[str], document: object = None, *, aside: bool = False) -> None:
        """Tell a person, or a program."""
        if self.as_json:
            if document is not None:
                print_json(document)
            return
        for line in lines:
            click.echo(line, err=aside)

    def show(self, found: Sheet | Gone) -> int:
        """Show a message, or why it is not sent; returns the exit code."""
        words = self.words(found.row.key.shop)
        if isinstance(found, Gone):
            self.say(
                [gone_line(found, words, self.engine.home)],
                {"message": None, "gone": [gone_document(found)]},
                aside=True,
            )
            return 1
        self.say(sheet_lines(found, words, self.engine.home, self.now), sheet_document(found, self.now))
        return 0

    def note(self, said: Said, *, undone: bool = False) -> int:
        """Tell that a person's word was taken down; returns the exit code."""
        words = self.words(said.row.key.shop)
        self.say([said_line(said, words, undone=undone)], said_document(said, undone=undone))
        return 0


@contextmanager
def at_the_desk(app: App, language: str | None, *, as_json: bool) -> Iterator[Session]:
    """Yield the desk."""
    with open_app(app.home, app.environ) as engine:
        yield Session(engine, Desk(engine.store, engine.home, engine.clock), language, as_json)


def answered(
    app: App, message: int, language: str | None, *, as_json: bool, call: Callable[[Session], int]
) -> int:  # fmt: skip
    """Do something at the desk; a no is told with its reason, and returned as exit code 1."""
    with at_the_desk(app, language, as_json=as_json) as session:
        try:
            return call(session)
        except DeskRefused as error:
            words = session.words(error.row.key.shop if error.row else None)
            lines = refused_lines(error, words, session.engine.home, message)
            session.say(lines, refused_document(error), aside=True)
            return 1
        except UsageError as error:
            return no(str(error))
