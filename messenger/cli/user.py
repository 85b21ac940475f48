"""``messenger user``: who may log in to the console."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from messenger.bootstrap import Engine, open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.domain.access import Role
from messenger.errors import UsageError
from messenger.ports import User
from messenger.services.speaking.words import LANGUAGES
from messenger.services.users import Staff

stdin_option = click.option(
    "--password-stdin", "from_stdin", is_flag=True, help="Read the password from standard input; else it is asked for."
)


@click.group()
def user() -> None:
    """Say who may log in to the console. Nobody can until the first one is added here."""


@user.command("add")
@click.argument("name")
@click.option("--role", default=str(Role.OPERATOR), show_default=True, type=click.Choice([*map(str, Role)]),
              help="What they may do.")  # fmt: skip
@click.option("--shop", "shops", multiple=True, metavar="SHOP", help="Only this shop; may be given several times.")
@click.option("--language", default="", type=click.Choice(["", *LANGUAGES]), metavar="LANGUAGE",
              help=f"Of the console for them ({', '.join(LANGUAGES)}); else what their browser asks for.")  # fmt: skip
@stdin_option
@click.pass_obj
def add(app: App, name: str, role: str, shops: Sequence[str], language: str, *, from_stdin: bool) -> int:
    """Let somebody log in."""
    with open_app(app.home, app.environ) as engine:
        made = _staff(engine).add(name, _password(from_stdin), role=Role(role), shops=shops, language=language)
    click.echo(f"{made.name} may log in as {made.role}{_for(made)}")
    return 0


@user.command("list")
@json_option
@click.pass_obj
def show(app: App, *, as_json: bool) -> int:
    """List who may log in, and who may not any more."""
    with open_app(app.home, app.environ) as engine:
        found = engine.store.users()
    for one in found:
        if as_json:
            print_json(_document(one))
        else:
            ended = f", disabled since {one.disabled_at:%Y-%m-%d %H:%M}Z" if one.disabled_at else ""
            click.echo(f"{one.name}  {one.role}{_for(one)}{ended}")
    if not found and not as_json:
        click.echo("nobody may log in yet: messenger user add NAME --role admin")
    return 0


@user.command("password")
@click.argument("name")
@stdin_option
@click.pass_obj
def password(app: App, name: str, *, from_stdin: bool) -> int:
    """Give somebody a new password. They are logged out everywhere; who was disabled, or guessed too often, may log in again."""
    with open_app(app.home, app.environ) as engine:
        changed = _staff(engine).new_password(name, _password(from_stdin))
    click.echo(f"{changed.name} logs in with the new password from now on, and was logged out everywhere")
    return 0


@user.command("disable")
@click.argument("name")
@click.pass_obj
def disable(app: App, name: str) -> int:
    """Let somebody in no more, at once. Exit code 1 when they were not let in anyway."""
    with open_app(app.home, app.environ) as engine:
        was_in = _staff(engine).disable(name)
    click.echo(f"{name} is let in no more" if was_in else f"{name} was disabled already")
    return 0 if was_in else 1


def _staff(engine: Engine) -> Staff:
    return Staff(engine.store, engine.home, engine.clock)


def _password(from_stdin: bool) -> str:  # noqa: FBT001  # the option's value
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for the password at (use --password-stdin)")
    found: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return found


def _for(one: User) -> str:
    return f", only {', '.join(sorted(one.shops))}" if one.shops else ""


def _document(one: User) -> dict[str, object]:
    return {
        "name": one.name, "role": str(one.role), "shops": sorted(one.shops), "language": one.language or None,
        "since": told(one.since), "disabled_at": told(one.disabled_at),
    }  # fmt: skip
