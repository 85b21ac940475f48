"""``messenger run`` and ``messenger worker``: the processes that send."""

from __future__ import annotations

import asyncio

import click

from messenger.bootstrap import open_app
from messenger.cli.logs import set_up_logs
from messenger.cli.main import App
from messenger.cli.output import instant, json_option, print_json
from messenger.errors import UsageError
from messenger.services.clocks import SetClock
from messenger.services.dispatching import Tally


@click.command()
@click.option("--until-idle", is_flag=True, help="Stop when nothing is due, in hand, or awaiting its second copy.")
@click.option("--clock", "clock_text", help="Work at this instant instead of now (loopback transports only).")
@json_option
@click.pass_obj
def run(app: App, clock_text: str | None, *, until_idle: bool, as_json: bool) -> int:
    """Take in what was received, plan, and send what is due; all in one process."""
    clock = SetClock(instant(clock_text, "--clock")) if clock_text else None
    if clock is not None and not until_idle:
        raise click.UsageError("--clock stands still: it goes together with --until-idle")
    with open_app(app.home, app.environ, clock=clock) as engine:
        if clock is not None and (far := engine.far_transports()):
            raise UsageError(f"--clock works only with transports on this machine; not on it: {', '.join(far)}")
        worker = engine.worker()
        if not until_idle:
            set_up_logs()
            click.echo("messenger is running; stop it with Ctrl-C", err=True)
            asyncio.run(worker.run())
            return 0
        engine.receive()
        tally = asyncio.run(worker.run_until_idle())
    _show(tally, as_json=as_json)
    return 0


@click.command()
@click.pass_obj
def worker(app: App) -> int:
    """Send what is due, as one of any number of workers on one database."""
    set_up_logs()
    with open_app(app.home, app.environ) as engine:
        click.echo("worker is running; stop it with Ctrl-C", err=True)
        asyncio.run(engine.worker().run())
    return 0


def _show(tally: Tally, *, as_json: bool) -> None:
    for name, number in sorted(tally.blocked.items()):
        wait = f"{number} messages wait" if number > 1 else "one message waits"
        click.echo(f"{wait} for the account {name}, which is in trouble: messenger outbox accounts", err=True)
    if as_json:
        print_json(dict(sorted(tally.counts.items())) | ({"blocked": dict(tally.blocked)} if tally.blocked else {}))
    elif tally.counts:
        click.echo(", ".join(f"{number} {state}" for state, number in sorted(tally.counts.items())))
    else:
        click.echo("nothing was due")
