"""What people at the desk say became of a message: ``messenger desk confirm``, ``skip``, ``refused`` and so on."""

from __future__ import annotations

from typing import IO

import click

from messenger.cli.acts import order_argument, order_key
from messenger.cli.desk_session import Session, about_one, answered, common
from messenger.cli.main import App
from messenger.cli.people import why_option


@click.command()
@click.option(
    "--text", "text_file", type=click.File(encoding="utf-8"), metavar="FILE",
    help="What was really sent, if it is not what was shown; - for standard input.",
)  # fmt: skip
@why_option
@about_one
@click.pass_obj
def confirm(
    app: App, message: int, text_file: IO[str] | None, by: str, why: str, language: str | None, *, as_json: bool
) -> int:  # fmt: skip
    """Say that you have sent it: a fact, kept whatever has become of the message meanwhile."""
    text = text_file.read() if text_file is not None else ""
    return answered(
        app, message, language, as_json=as_json,
        call=lambda session: session.note(session.desk.confirm(message, by, text=text, why=why)),
    )  # fmt: skip


@click.command()
@why_option
@about_one
@click.pass_obj
def skip(app: App, message: int, by: str, why: str, language: str | None, *, as_json: bool) -> int:
    """Say that it is not to be sent."""
    return answered(
        app, message, language, as_json=as_json, call=lambda session: session.note(session.desk.skip(message, by, why=why))
    )  # fmt: skip


@click.command()
@why_option
@about_one
@click.pass_obj
def refused(app: App, message: int, by: str, why: str, language: str | None, *, as_json: bool) -> int:
    """Say that the platform did not let you send it; --why takes its words."""
    return answered(
        app, message, language, as_json=as_json, call=lambda session: session.note(session.desk.refused(message, by, why=why))
    )  # fmt: skip


@click.command("already-told")
@why_option
@about_one
@click.pass_obj
def already_told(app: App, message: int, by: str, why: str, language: str | None, *, as_json: bool) -> int:
    """Say that the buyer knows already."""
    return answered(
        app, message, language, as_json=as_json, call=lambda session: session.note(session.desk.already_told(message, by, why=why))
    )  # fmt: skip


@click.command("buyer-wrote")
@click.option("--text", default="", metavar="TEXT", help="What they wrote.")
@click.option("--in", "spoken", default="", metavar="LANGUAGE", help="In which language, such as ru or pt-BR.")
@about_one
@click.pass_obj
def buyer_wrote(
    app: App, message: int, text: str, spoken: str, by: str, language: str | None, *, as_json: bool
) -> int:  # fmt: skip
    """Say that you found a message of the buyer: what waits for them is held until somebody has answered."""
    return answered(
        app, message, language, as_json=as_json,
        call=lambda session: session.note(session.desk.buyer_wrote(message, by, text=text, language=spoken)),
    )  # fmt: skip


@click.command("answered")
@order_argument
@click.option("--closed", is_flag=True, help="Nothing more is to be said: the conversation is closed.")
@common
@click.pass_obj
def answered_(app: App, order: str, by: str, language: str | None, *, closed: bool, as_json: bool) -> int:
    """Say that you have answered the buyer of an order: what was held for that goes on."""
    key = order_key(order)

    def call(session: Session) -> int:
        session.desk.answered(key, by, closed=closed)
        words = session.words(key.shop)
        session.say([words.say("said.answered")], {"shop": key.shop, "order": key.number, "by": by, "closed": closed})
        return 0

    return answered(app, 0, language, as_json=as_json, call=call)


@click.command("put-back")
@about_one
@click.pass_obj
def put_back(app: App, message: int, by: str, language: str | None, *, as_json: bool) -> int:
    """Let others have a message that you have in hand."""

    def call(session: Session) -> int:
        session.desk.put_back(message, by)
        session.say([session.words().say("said.put_back")], {"id": message, "by": None})
        return 0

    return answered(app, message, language, as_json=as_json, call=call)


@click.command()
@click.argument("message", metavar="[ID]", type=click.IntRange(min=1), required=False)
@common
@click.pass_obj
def undo(app: App, message: int | None, by: str, language: str | None, *, as_json: bool) -> int:
    """Take back the last thing you said within ten minutes, about this message if you name one."""
    return answered(
        app, message or 0, language, as_json=as_json,
        call=lambda session: session.note(session.desk.undo(by, message=message), undone=True),
    )  # fmt: skip


COMMANDS = (confirm, skip, refused, already_told, buyer_wrote, answered_, put_back, undo)
