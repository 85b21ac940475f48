"""``messenger outbox``: the queue."""

from __future__ import annotations

import click

from messenger.bootstrap import open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.domain.messages import PlannedMessage, State
from messenger.services.wording import sentence


@click.group()
def outbox() -> None:
    """Look into the queue of messages."""


@outbox.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([str(state) for state in State]),
    help="Only these; may be repeated.",
)
@click.option("--shop", help="Only this shop.")
@json_option
@click.pass_obj
def list_(app: App, states: tuple[str, ...], shop: str | None, *, as_json: bool) -> int:
    """List messages, one a line, by the time they are due."""
    count = 0
    with open_app(app.home, app.environ) as engine:
        for row in engine.store.outbox(states=[State(state) for state in states], shop=shop):
            count += 1
            if as_json:
                print_json(_document(row))
            else:
                click.echo(_line(row))
    if not as_json and not count:
        click.echo("no messages", err=True)
    return 0


def _document(row: PlannedMessage) -> dict[str, object]:
    return {
        "shop": row.key.shop, "order": row.order, "shipment": row.shipment, "rule": row.key.rule, "step": row.key.step,
        "template": row.template, "state": row.state, "reason": row.reason, "because": row.because, "due_at": told(row.due_at),
        "wanted_at": told(row.wanted_at), "expires_at": told(row.expires_at), "sent_at": told(row.sent_at),
        "channel": row.channel, "transport": row.transport, "locale": row.locale, "variant": row.variant,
        "attempts": row.attempts, "message_id": row.message_id, "reply": row.reply,
    }  # fmt: skip


def _line(row: PlannedMessage) -> str:
    step = f"/{row.key.step}" if row.key.step > 1 else ""
    when = row.sent_at or row.due_at
    return f"{when:%Y-%m-%d %H:%M}Z  {row.key.shop}/{row.order}  {row.key.rule}{step}  {sentence(row.state, row.reason or '')}"
