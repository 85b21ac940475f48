"""``messenger console``: what is reached over HTTP."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from messenger.bootstrap import Engine, open_app
from messenger.bootstrap.ebay_keys import public_key_of
from messenger.bootstrap.posted import hooks_of, inlets_of
from messenger.cli.logs import set_up_logs
from messenger.cli.main import App
from messenger.config.mailboxes import MailHookSettings
from messenger.errors import UsageError
from messenger.services.feedback import Feedback
from messenger.services.logins import Logins
from messenger.services.receiving import is_worked_at

LOOK = 2.0
"""Seconds between looks for edited files and newer generations."""
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
    """Serve the console, the pages for buyers (/u/...), the hooks (/hooks/...), /api/v1/events, /healthz and /readyz."""
    import uvicorn  # noqa: PLC0415  # slow to load, and no other command needs it

    set_up_logs()
    with open_app(app.home, app.environ) as engine, _listening(host, port) as door, _quiet_signals():
        address = f"[{host}]" if ":" in host else host
        click.echo(f"the console is at http://{address}:{door.getsockname()[1]}; stop it with Ctrl-C", err=True)
        config = uvicorn.Config(
            application(engine), log_level="warning", access_log=False, server_header=False, proxy_headers=False,
            timeout_graceful_shutdown=GRACE,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[door])
    return 0


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        door = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"cannot listen at {host}, port {port}: {error} (choose others with --host and --port)"
        ) from error
    with door:
        door.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each answer over a used line waits 40 ms
        yield door


@contextmanager
def _quiet_signals() -> Iterator[None]:
    """The server stops by itself when it is asked to, and then sends the signal once more: to us, who have work to finish."""
    kinds = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(kind, lambda *_: None) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def application(engine: Engine):  # type: ignore[no-untyped-def]  # FastAPI, loaded only here
    """Return what answers over HTTP."""
    from messenger.console import Desk, create_app  # noqa: PLC0415  # as above
    from messenger.console.office import Office  # noqa: PLC0415  # as above
    from messenger.console.posts import Posts  # noqa: PLC0415  # as above

    def hooks() -> dict[str, str]:
        found = engine.settings.returns.values()
        return {one.name: one.secret.reveal() for one in found if isinstance(one, MailHookSettings) and one.secret}

    posts = Posts(
        hooks=lambda: hooks_of(engine.settings), inlets=lambda: inlets_of(engine.settings), spool=engine.spool, clock=engine.clock,
        tokens=lambda: engine.settings.web.tokens, public_url=lambda: engine.settings.web.public_url,
        public_key=public_key_of(engine),
    )  # fmt: skip
    office = Office(
        store=engine.store, clock=engine.clock, home=lambda: engine.home, logins=Logins.at(engine.store, engine.clock),
        speaker=engine.speaker, public_url=lambda: engine.settings.web.public_url,
    )  # fmt: skip
    desk = Desk(
        store=engine.store, feedback=engine.feedback(), home=lambda: engine.home, mail_hooks=hooks, posts=posts, office=office
    )  # fmt: skip
    return create_app(desk, chores=_following(engine, desk.feedback), every=LOOK)


def _following(engine: Engine, feedback: Feedback) -> Callable[[], None]:
    """Keep up with edited files and newer generations, and read what was posted where no worker does."""
    reload = engine.reloading()

    def follow() -> None:
        reload()
        feedback.home = engine.ingest.home = engine.home
        if not is_worked_at(engine.store, engine.clock.now()):  # who answers senders has other things to do
            engine.receive()

    return follow
