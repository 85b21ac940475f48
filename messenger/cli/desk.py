"""``messenger desk``: people send by hand what a platform lets only a person send."""

from __future__ import annotations

import sys
from typing import IO

import click

from messenger.cli.acts import no
from messenger.cli.desk_documents import found_document, lying_document, sheet_document
from messenger.cli.desk_loop import DeskLoop, edited
from messenger.cli.desk_saying import COMMANDS
from messenger.cli.desk_session import Session, about_one, answered, at_the_desk, common, language_option
from messenger.cli.desk_sheet import found_lines, gone_line, listing
from messenger.cli.desktop import copy as to_clipboard
from messenger.cli.desktop import open_link
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json
from messenger.errors import UsageError
from messenger.services.desk import Gone

shop_option = click.option("--shop", help="Only this shop's messages.")


@click.group(invoke_without_command=True)
@shop_option
@common
@click.pass_context
def desk(ctx: click.Context, shop: str | None, by: str, language: str | None, *, as_json: bool) -> int | None:
    """Send by hand what a platform lets only a person send.

    On a terminal: one message after the other, one key each. Everywhere else the list; the commands do one thing each.
    """
    if ctx.invoked_subcommand is not None:
        return None
    app: App = ctx.obj
    if as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return answered(app, 0, language, as_json=as_json, call=lambda session: _list(session, shop))
    with at_the_desk(app, language, as_json=False) as session:
        try:
            DeskLoop(session.engine, by, shop, language).run()
        except UsageError as error:
            return no(str(error))
    return 0


@desk.command("list")
@shop_option
@language_option
@json_option
@click.pass_obj
def list_(app: App, shop: str | None, language: str | None, *, as_json: bool) -> int:
    """List what lies on the desks, and who has what in hand."""
    return answered(app, 0, language, as_json=as_json, call=lambda session: _list(session, shop))


def _list(session: Session, shop: str | None) -> int:
    lines, words = session.desk.lying(shop=shop), session.words(shop)
    if session.as_json:
        for one in lines:
            print_json(lying_document(one))
        return 0
    session.say(listing(lines, words, session.engine.home))
    session.say([words.count("left", len(lines)) if lines else words.say("nothing")], aside=True)
    return 0


@desk.command("next")
@shop_option
@common
@click.pass_obj
def next_(app: App, shop: str | None, by: str, language: str | None, *, as_json: bool) -> int:
    """Take the next message in hand, and show it; what need not be sent any more is told. Exit 1: there is none."""

    def call(session: Session) -> int:
        found, words, home = session.desk.next(by, shop=shop), session.words(shop), session.engine.home
        session.say([gone_line(one, words, home) for one in found.gone], found_document(found, session.now), aside=True)
        if found.sheet is None:
            place = home.shops.get(shop or "") or next(iter(home.shops.values()), None)
            session.say(found_lines(found, words, place, session.now), aside=True)
            return 1
        return 0 if as_json else session.show(found.sheet)

    return answered(app, 0, language, as_json=as_json, call=call)


@desk.command()
@about_one
@click.pass_obj
def show(app: App, message: int, by: str, language: str | None, *, as_json: bool) -> int:
    """Take this message in hand, and show it, written from the order as it is now."""
    return answered(
        app, message, language, as_json=as_json, call=lambda session: session.show(session.desk.open(message, by))
    )


@desk.command()
@about_one
@click.pass_obj
def copy(app: App, message: int, by: str, language: str | None, *, as_json: bool) -> int:
    """Take this message in hand, and put its text into the clipboard."""

    def call(session: Session) -> int:
        found = session.desk.open(message, by)
        if isinstance(found, Gone):
            return session.show(found)
        how, words = to_clipboard(found.text.strip()), session.words(found.row.key.shop)
        session.say(
            [words.say("copied", how=how) if how else words.say("not_copied")], {"id": message, "copied": how or None}, aside=True
        )  # fmt: skip
        return 0 if how else 1

    return answered(app, message, language, as_json=as_json, call=call)


@desk.command("open")
@about_one
@click.pass_obj
def open_(app: App, message: int, by: str, language: str | None, *, as_json: bool) -> int:
    """Take this message in hand, and open its order on the platform; prints the link."""

    def call(session: Session) -> int:
        found = session.desk.open(message, by)
        if isinstance(found, Gone):
            return session.show(found)
        words = session.words(found.row.key.shop)
        session.say(
            [found.link or words.say("no_link")], {"id": message, "link": found.link or None}, aside=not found.link
        )
        if found.link and sys.stdout.isatty():
            open_link(found.link)
        return 0 if found.link else 1

    return answered(app, message, language, as_json=as_json, call=call)


@desk.command()
@click.option(
    "--text", "text_file", type=click.File(encoding="utf-8"), metavar="FILE",
    help="What is to be sent instead, - for standard input; an empty one goes back to what was written. Without it your $EDITOR opens.",
)  # fmt: skip
@about_one
@click.pass_obj
def edit(
    app: App, message: int, text_file: IO[str] | None, by: str, language: str | None, *, as_json: bool
) -> int:  # fmt: skip
    """Change the text of a message; the platform's rules are asked again, and the record keeps what was really sent."""

    def call(session: Session) -> int:
        found = session.desk.open(message, by)
        if isinstance(found, Gone):
            return session.show(found)
        text = text_file.read() if text_file is not None else edited(found.text)
        if text is None:
            session.say(
                [session.words(found.row.key.shop).say("unchanged")], sheet_document(found, session.now), aside=True
            )
            return 0
        return session.show(session.desk.edit(message, by, text))

    return answered(app, message, language, as_json=as_json, call=call)


for one in COMMANDS:
    desk.add_command(one)
