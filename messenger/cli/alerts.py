"""``messenger alerts``: what is the matter, and what has been dealt with."""

from __future__ import annotations

import click

from messenger.bootstrap import Engine, open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.cli.people import by_option
from messenger.domain.alerts import Alert
from messenger.services.bulletins import Speaker, alert_document
from messenger.services.speaking.words import LANGUAGES

INSTANTS = ("since", "seen_at", "ended_at", "told_at")
language_option = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    help="In whose words; default: those of [alerts], or of the shop's staff.",
)


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Also what is over.")
@language_option
@json_option
@click.pass_context
def alerts(ctx: click.Context, language: str | None, *, everything: bool, as_json: bool) -> int | None:
    """Tell what is the matter, one line each; exit 1 when something cannot wait."""
    if ctx.invoked_subcommand is not None:
        return None
    app: App = ctx.obj
    with open_app(app.home, app.environ) as engine:
        engine.lookout().look()
        found = engine.store.alerts(only_open=not everything)
        speaker = engine.speaker(language or "")
    _show(found, speaker, as_json=as_json)
    return 1 if any(one.is_open and not one.can_wait for one in found) else 0


def _show(found: list[Alert], speaker: Speaker, *, as_json: bool) -> None:
    for one in found:
        if as_json:
            print_json(_document(one, speaker))
        else:
            click.echo(f"{one.id:>4}  {speaker.line(one)}")
    if not found and not as_json:
        click.echo(speaker.words.sentence("alerts.none"), err=True)


@alerts.command()
@click.argument("id_", metavar="ID", type=int)
@by_option
@json_option
@click.pass_obj
def done(app: App, id_: int, by: str, *, as_json: bool) -> int:
    """Say that somebody has dealt with alert ID; exit 1 when that is not for a person to say.

    An alert whose reason can go, such as an account in trouble, ends by itself when it does.
    """
    with open_app(app.home, app.environ) as engine:
        alert, problem = _end(engine, id_, by)
        speaker = engine.speaker()
    if problem:
        click.echo(problem, err=True)
    elif alert is not None and not as_json:
        click.echo(f"{alert.id:>4}  {speaker.line(alert)}")
    if as_json and alert is not None:
        print_json(_document(alert, speaker))
    return 1 if problem else 0


def _end(engine: Engine, id_: int, by: str) -> tuple[Alert | None, str]:
    """The alert as it is now, and why a person cannot end it."""
    alert = _find(engine, id_)
    if alert is None:
        return None, f"there is no alert {id_}: messenger alerts --all"
    if not alert.is_open:
        return alert, f"alert {id_} is over already"
    if alert.ends_by_itself:
        return alert, f"alert {id_} ({alert.kind}) ends by itself, when its reason has gone"
    engine.store.end_alert(kind=alert.kind, subject=alert.subject, shop=alert.shop, at=engine.clock.now(), by=by)
    return _find(engine, id_), ""


def _find(engine: Engine, id_: int) -> Alert | None:
    return next((one for one in engine.store.alerts(only_open=False) if one.id == id_), None)


@alerts.command()
@json_option
@click.pass_obj
def test(app: App, *, as_json: bool) -> int:
    """Tell everybody that nothing is the matter, to see that it reaches them; exit 1 when a way does not work."""
    with open_app(app.home, app.environ) as engine:
        crier = engine.crier()
        at = engine.clock.now()
        results = crier.each(crier.speaker.test(), at=at)
    if not results:
        click.echo(
            'nobody is told: write [alerts] with mail = "owner@example.com", or urls = ["env:ALERT_URL"]', err=True
        )
    for name, problem in results.items():
        if as_json:
            print_json({"way": name, "told": not problem, "problem": problem or None})
        else:
            click.echo(f"{name}: {problem or 'told'}")
    return 0 if results and not any(results.values()) else 1


def _document(alert: Alert, speaker: Speaker) -> dict[str, object]:
    document = alert_document(alert, speaker)
    return document | {name: told(getattr(alert, name)) for name in INSTANTS}
