"""``messenger db``: the database itself."""

from __future__ import annotations

import click

from messenger.bootstrap import load_settings_only
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json
from messenger.storage import migrate, status


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@click.pass_obj
def upgrade(app: App) -> int:
    """Bring the database to this version's tables; safe to repeat."""
    migrate(load_settings_only(app.home, app.environ).database_url)
    click.echo("the database is up to date")
    return 0


@db.command("status")
@json_option
@click.pass_obj
def status_(app: App, *, as_json: bool) -> int:
    """Say whether the database fits this version; exit 1 when it does not."""
    found = status(load_settings_only(app.home, app.environ).database_url)
    if as_json:
        print_json({"current": found.current, "head": found.head, "is_current": found.is_current})
    else:
        click.echo(
            "up to date"
            if found.is_current
            else f"at {found.current or 'nothing'}, this version needs {found.head}: messenger db upgrade"
        )
    return 0 if found.is_current else 1
