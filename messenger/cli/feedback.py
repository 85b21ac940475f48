"""``messenger feedback``: bounces and complaints taken in from files, or from a mail server's pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from messenger.bootstrap import open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json
from messenger.errors import MessengerError
from messenger.mail.bounces import LARGEST
from messenger.services.feedback import Done, Feedback


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…",
                type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))  # fmt: skip
@click.option(
    "--source", default="pipe", show_default=True, metavar="NAME", help="Where they came from, for the record."
)
@json_option
@click.pass_obj
def feedback(app: App, files: Sequence[Path], source: str, *, as_json: bool) -> int:
    """Take in mails that came back, one mail a FILE; - is standard input, as a mail server's pipe gives it.

    When the database cannot be used with standard input, the exit code is 75: mail servers keep the mail then, and try again.
    """
    try:
        with open_app(app.home, app.environ) as engine:
            desk = engine.feedback()
            for path in files:
                _take(desk, path, source, as_json=as_json)
    except MessengerError as error:
        if [str(path) for path in files] != ["-"]:
            raise
        click.echo(f"messenger: {error}", err=True)
        return os.EX_TEMPFAIL
    return 0


def _take(desk: Feedback, path: Path, source: str, *, as_json: bool) -> None:
    raw = sys.stdin.buffer.read(LARGEST) if str(path) == "-" else path.read_bytes()[:LARGEST]
    for done in desk.take(raw, source=source):
        if as_json:
            print_json(_document(path, done))
        else:
            click.echo(f"{path}: {_sentence(done)}")


def _sentence(done: Done) -> str:
    if not done.is_new:
        return f"{done.kind}, taken in before"
    about = (
        f"order {done.message.key.shop}/{done.message.order}, {done.message.key.rule}"
        if done.message
        else "no message of ours"
    )
    if not done.is_proved:
        return f"{done.kind} perhaps about {about}: nothing in it proves so, and nothing follows from it"
    follows = f", {done.remedy}" if done.remedy else ""
    made = f"; {done.suppressed} suppressed" if done.suppressed else ""
    return f"{done.kind} about {about}{follows}{made}"


def _document(path: Path, done: Done) -> dict[str, object]:
    return {
        "file": str(path), "kind": str(done.kind), "new": done.is_new, "shop": done.message.key.shop if done.message else None,
        "order": done.message.order if done.message else None, "rule": done.message.key.rule if done.message else None,
        "proved": done.is_proved,
        "remedy": str(done.remedy) if done.remedy else None, "suppressed": done.suppressed,
    }  # fmt: skip
