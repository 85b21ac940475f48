"""``messenger console``: what is reached over HTTP."""

from __future__ import annotations

import click

from messenger.bootstrap import Engine, open_app
from messenger.cli.logs import set_up_logs
from messenger.cli.main import App
from messenger.config.mailboxes import MailHookSettings

GRACE = 5
"""Seconds that requests in hand have to finish after the process was asked to stop."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen at; 0 for any free one.",
)
@click.pass_obj
def console(app: App, host: str, port: int) -> int:
    """Serve the pages for buyers (/u/...), the hooks (/hooks/...), /healthz and /readyz."""
    import uvicorn  # noqa: PLC0415  # slow to load, and no other command needs it

    set_up_logs()
    with open_app(app.home, app.environ) as engine:
        click.echo(f"the console is at http://{host}:{port or '...'}; stop it with Ctrl-C", err=True)
        uvicorn.run(
            _application(engine), host=host, port=port, log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=GRACE, proxy_headers=False,
        )  # fmt: skip
    return 0


def _application(engine: Engine):  # type: ignore[no-untyped-def]  # FastAPI, loaded only here
    from messenger.console import Desk, create_app  # noqa: PLC0415  # as above

    secrets = {
        name: one.secret.reveal()
        for name, one in engine.settings.returns.items()
        if isinstance(one, MailHookSettings) and one.secret
    }
    desk = Desk(store=engine.store, feedback=engine.feedback(), home=lambda: engine.home, mail_hooks=secrets)
    return create_app(desk)
