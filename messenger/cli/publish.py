"""``messenger publish``: the home's files become the generation that every node works by."""

from __future__ import annotations

import click

from messenger.bootstrap import load_home, load_settings_only
from messenger.cli.home import findings_of
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json
from messenger.cli.people import by_option
from messenger.errors import Finding, UsageError
from messenger.ports import Store
from messenger.services.clocks import SystemClock
from messenger.services.publishing import edition_of, introduced
from messenger.storage import migrate, open_store


@click.command()
@by_option
@json_option
@click.pass_obj
def publish(app: App, by: str, *, as_json: bool) -> int:
    """Publish messenger.toml, schedules.toml and templates/ as the next generation, if they hold no mistake."""
    if not (app.home / "messenger.toml").exists():
        raise UsageError(f"there is no messenger.toml in {app.home.resolve()}: make a home with messenger init")
    found = findings_of(app)
    mistakes = [finding for finding in found if finding.severity == "error"]
    for finding in mistakes:
        click.echo(str(finding), err=True)
    if warnings := sum(finding.severity == "warning" for finding in found):
        click.echo(f"{warnings} warning{'s' * (warnings > 1)} (messenger check tells them)", err=True)
    if mistakes:
        return _refused(mistakes, as_json=as_json)
    settings = load_settings_only(app.home, app.environ)
    load_home(app.home, settings)
    migrate(settings.database_url)
    store = open_store(settings.database_url)
    try:
        return _publish(app, store, by, as_json=as_json)
    finally:
        store.close()


def _publish(app: App, store: Store, by: str, *, as_json: bool) -> int:
    before = store.newest_generation()
    number = store.publish(edition_of(app.home, at=SystemClock().now(), by=by))
    rules = sorted(introduced(store, number)) if number != before else []
    if as_json:
        print_json({"generation": number, "new": number != before, "introduced": rules})
    elif number == before:
        click.echo(f"nothing has changed: these files are generation {number} already")
    else:
        more = f"; new rules: {', '.join(rules)}" if rules else ""
        click.echo(f"published generation {number}{more}")
        click.echo("workers take it up by themselves and plan anew what waits", err=True)
    return 0


def _refused(mistakes: list[Finding], *, as_json: bool) -> int:
    number = f"{len(mistakes)} mistake{'s' * (len(mistakes) > 1)}"
    click.echo(f"nothing was published: {number}, the present generation stays in use", err=True)
    if as_json:
        print_json({"generation": None, "new": False, "mistakes": [str(one) for one in mistakes]})
    return 2
