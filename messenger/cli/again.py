"""``messenger outbox retry``, ``sent`` and ``accounts``: what went wrong, and what people decide about it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from messenger.bootstrap import open_app
from messenger.cli.acts import act, no, order_key, rule_option, step_option
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.cli.people import by_option, why_option
from messenger.domain.messages import Reason, State
from messenger.errors import UsageError
from messenger.services.mending import Account, Mending
from messenger.services.queueing import Choice, Queue, Verb

order_or_lot = click.argument("order", metavar="[SHOP/ORDER]", required=False)
id_option = click.option("--id", "id_", type=int, help="One message, by the id that outbox list --json tells.")
WRONG = (State.FAILED, State.UNCERTAIN)


@click.command()
@order_or_lot
@rule_option
@step_option
@id_option
@click.option("--state", type=click.Choice([str(one) for one in WRONG]), help="All that stand so; needs --count.")
@click.option("--reason", "reasons", multiple=True, type=click.Choice([str(one) for one in Reason]),
              help="With --state: only these; may be repeated.")  # fmt: skip
@click.option("--shop", help="With --state: only this shop.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    help="With --state: how many you expect; with any other number nothing is done.",
)
@by_option
@why_option
@json_option
@click.pass_obj
def retry(
    app: App, order: str | None, rule: str | None, step: int | None, id_: int | None, state: str | None, reasons: Sequence[str],
    shop: str | None, count: int | None, by: str, why: str, *, as_json: bool,
) -> int:  # fmt: skip
    """Try again what has failed; send once more, on your word, what was perhaps sent. Key and Message-ID stay."""
    if [order is not None, id_ is not None, state is not None].count(True) != 1:
        raise click.UsageError("name what to try again: SHOP/ORDER, --id N, or --state failed --count N")
    if state is None and (reasons or shop or count):
        raise click.UsageError("--reason, --shop and --count go together with --state")
    choice = _choice(order, rule, step, id_)
    if state is not None:
        choice = Choice(states=(State(state),), reasons=tuple(map(Reason, reasons)), shop=shop)
    with open_app(app.home, app.environ) as engine:
        queue = Queue(engine.store, engine.home, engine.clock)
        if state is not None and (problem := _miscounted(queue, choice, count)):
            return no(problem)
        return act(queue, Verb.RETRY, choice, by, why, as_json=as_json)


@click.command()
@order_or_lot
@rule_option
@step_option
@id_option
@by_option
@why_option
@json_option
@click.pass_obj
def sent(
    app: App, order: str | None, rule: str | None, step: int | None, id_: int | None, by: str, why: str, *, as_json: bool
) -> int:  # fmt: skip
    """Say that what has failed, or was perhaps sent, did go out. It counts as sent from now on."""
    if [order is not None, id_ is not None].count(True) != 1:
        raise click.UsageError("name what went out: SHOP/ORDER, or --id N")
    with open_app(app.home, app.environ) as engine:
        queue = Queue(engine.store, engine.home, engine.clock)
        return act(queue, Verb.SENT, _choice(order, rule, step, id_), by, why, as_json=as_json)


@click.command()
@click.option("--try", "hurry", metavar="NAME", help="Let this account be tried at once, however long its pause is.")
@json_option
@click.pass_obj
def accounts(app: App, hurry: str | None, *, as_json: bool) -> int:
    """Show the accounts that messages leave by: which are in trouble, why, and how many messages wait for them."""
    with open_app(app.home, app.environ) as engine:
        mending = Mending(engine.store, engine.clock, sorted(engine.settings.ways))
        try:
            if hurry is not None:
                mending.hurry(hurry)
        except UsageError as error:
            return no(str(error))
        found = mending.accounts()
    for one in found:
        if as_json:
            print_json(_document(one))
        else:
            click.echo(_line(one))
    if not found and not as_json:
        click.echo("no account is configured", err=True)
    return 0


def _choice(order: str | None, rule: str | None, step: int | None, id_: int | None) -> Choice:
    if order is None and (rule is not None or step is not None):
        raise click.UsageError("--rule and --step go together with SHOP/ORDER")
    return Choice(order=order_key(order) if order is not None else None, rule=rule, step=step, id=id_)


def _miscounted(queue: Queue, choice: Choice, count: int | None) -> str:
    """Why a lot is not touched; empty when its size is what the person expects."""
    try:
        found = sum(1 for _ in queue.rows(Verb.RETRY, choice))
    except UsageError as error:
        return str(error)
    if found == 0:
        return "there is no such message"
    if count is None:
        return f"{_messages(found)}: to try {'them' if found > 1 else 'it'} again, say --count {found}"
    return "" if count == found else f"{_messages(found)}, not {count}: nothing was changed"


def _messages(number: int) -> str:
    return f"{number} messages are meant" if number > 1 else "1 message is meant"


def _line(one: Account) -> str:
    breaker = one.breaker
    waiting = f", {one.waiting} waiting" if one.waiting else ""
    if not breaker.is_open:
        failures = f", {breaker.failures} failures in a row: {breaker.reply}" if breaker.failures else ""
        return f"{breaker.transport}  in order{failures}{waiting}"
    since = f" since {breaker.since:%Y-%m-%d %H:%M}Z" if breaker.since else ""
    again = f", tried again {breaker.probe_at:%H:%M:%S}Z" if breaker.probe_at and breaker.phase == "open" else ""
    state = "being tried" if breaker.phase == "probing" else "in trouble"
    return f"{breaker.transport}  {state}{since}: {breaker.reply or breaker.stage}{again}{waiting}"


def _document(one: Account) -> dict[str, object]:
    breaker = one.breaker
    return {
        "account": breaker.transport, "state": str(breaker.phase), "since": told(breaker.since), "tried_at": told(breaker.probe_at),
        "failures": breaker.failures, "stage": breaker.stage, "reply": breaker.reply, "waiting": one.waiting,
    }  # fmt: skip
