"""``messenger outbox``: the queue, and what people may do with it."""

from __future__ import annotations

import click

from messenger.bootstrap import Engine, open_app
from messenger.cli.acts import act, no, one_order, order_argument, order_key, rule_option, step_option
from messenger.cli.again import accounts, retry, sent
from messenger.cli.listing import Filter, document, listing
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json
from messenger.cli.people import by_option, why_option
from messenger.domain.messages import Reason, State
from messenger.errors import UsageError
from messenger.services.glimpsing import Glimpse, Glimpsing
from messenger.services.queueing import Choice, Queue, Verb, name_of
from messenger.services.wording import sentence


@click.group()
def outbox() -> None:
    """Look into the queue of messages, and decide about them."""


@outbox.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([str(one) for one in State]),
    help="Only these; may be repeated.",
)
@click.option("--shop", help="Only this shop.")
@click.option("--order", help="Only this order: its number, or SHOP/ORDER.")
@click.option("--rule", help="Only messages of this rule.")
@click.option(
    "--reason",
    "reasons",
    multiple=True,
    type=click.Choice([str(one) for one in Reason]),
    help="Only these; may be repeated.",
)
@click.option("--intake", type=int, help="Only what this intake brought.")
@json_option
@click.pass_obj
def list_(
    app: App, states: tuple[str, ...], shop: str | None, order: str | None, rule: str | None, reasons: tuple[str, ...],
    intake: int | None, *, as_json: bool,
) -> int:  # fmt: skip
    """List messages, one a line, by the time they are due."""
    with open_app(app.home, app.environ) as engine:
        wanted = Filter(
            states=tuple(map(State, states)),
            shop=shop,
            order=order,
            rule=rule,
            reasons=tuple(map(Reason, reasons)),
            intake=intake,
        )
        if as_json:
            for row in wanted.rows(engine.store, engine.home):
                print_json(document(row))
        else:
            listing(wanted, engine.store, engine.home)
    return 0


@outbox.command()
@click.argument("order", metavar="[SHOP/ORDER]", required=False)
@rule_option
@step_option
@click.option("--intake", type=int, help="All that the valve held back from this intake.")
@click.option("--shop", help="All that waits for approval in this shop.")
@click.option("--all", "everything", is_flag=True, help="Everything that waits for approval.")
@click.option("--yes", is_flag=True, help="With --all: do not ask.")
@by_option
@why_option
@json_option
@click.pass_obj
def approve(
    app: App, order: str | None, rule: str | None, step: int | None, intake: int | None, shop: str | None, by: str, why: str,
    *, everything: bool, yes: bool, as_json: bool,
) -> int:  # fmt: skip
    """Let messages go that wait for approval. What has changed since is asked again before they leave."""
    if [order is not None, intake is not None, shop is not None, everything].count(True) != 1:
        raise click.UsageError("name one thing to approve: SHOP/ORDER, --intake N, --shop S, or --all")
    if order is not None:
        return one_order(Verb.APPROVE, app, order, rule, step, by, why, as_json=as_json)
    if rule is not None or step is not None:
        raise click.UsageError("--rule and --step go together with SHOP/ORDER")
    if everything and as_json and not yes:
        raise click.UsageError("--all with --json does not ask: add --yes")
    choice = Choice(intake=intake, shop=shop)
    with open_app(app.home, app.environ) as engine:
        queue = Queue(engine.store, engine.home, engine.clock)
        if everything and not yes and not _agreed(engine, queue, choice):
            return 1
        return act(queue, Verb.APPROVE, choice, by, why, as_json=as_json)


@outbox.command()
@order_argument
@rule_option
@step_option
@by_option
@why_option
@json_option
@click.pass_obj
def hold(app: App, order: str, rule: str | None, step: int | None, by: str, why: str, *, as_json: bool) -> int:
    """Keep messages back until somebody releases them, or they expire."""
    return one_order(Verb.HOLD, app, order, rule, step, by, why, as_json=as_json)


@outbox.command()
@order_argument
@rule_option
@step_option
@by_option
@why_option
@json_option
@click.pass_obj
def release(app: App, order: str, rule: str | None, step: int | None, by: str, why: str, *, as_json: bool) -> int:
    """Let held messages go, whatever holds them now; what holds them later counts again."""
    return one_order(Verb.RELEASE, app, order, rule, step, by, why, as_json=as_json)


@outbox.command()
@order_argument
@rule_option
@step_option
@by_option
@why_option
@json_option
@click.pass_obj
def cancel(app: App, order: str, rule: str | None, step: int | None, by: str, why: str, *, as_json: bool) -> int:
    """Stop messages for good; what waits for approval is declined."""
    return one_order(Verb.CANCEL, app, order, rule, step, by, why, as_json=as_json)


@outbox.command()
@order_argument
@click.option("--rule", required=True, help='Which rule; one with trigger = "staff".')
@by_option
@why_option
@json_option
@click.pass_obj
def start(app: App, order: str, rule: str, by: str, why: str, *, as_json: bool) -> int:
    """Start a rule that never starts by itself, for one order."""
    key = order_key(order)
    with open_app(app.home, app.environ) as engine:
        try:
            found = Queue(engine.store, engine.home, engine.clock).start(key, rule, by=by, why=why)
        except UsageError as error:
            return no(str(error))
    if as_json:
        print_json({"started": found.is_new, "messages": [document(row) for row in found.messages]})
    for row in [] if as_json else found.messages:
        told = sentence(row.state, str(row.reason or ""))
        click.echo(
            f"{key} {name_of(row.key)} {told}"
            if found.is_new
            else f"{key} {name_of(row.key)}: it is not written again, it {told}"
        )
    if not found.messages and not as_json:
        click.echo(f"{key}: the rule was started, but has nothing to say: messenger explain {key} --rule {rule}")
    return 0 if found.is_new else 1


# --- before everything is approved -------------------------------------------------------------------------------------


def _agreed(engine: Engine, queue: Queue, choice: Choice) -> bool:
    count = sum(1 for _ in queue.rows(Verb.APPROVE, choice))
    if not count:
        click.echo("nothing waits for approval", err=True)
        return False
    glimpsing = Glimpsing(engine.store, engine.home, engine.clock, seed=count)
    for glimpse in glimpsing.glimpses(queue.rows(Verb.APPROVE, choice)):
        click.echo("\n".join(_glimpse(glimpse)) + "\n")
    if click.confirm(f"approve {count} messages?" if count > 1 else "approve this message?"):
        return True
    click.echo("nothing was approved", err=True)
    return False


def _glimpse(glimpse: Glimpse) -> list[str]:
    row = glimpse.row
    head = f"{row.key.shop}/{row.order} {name_of(row.key)}"
    if glimpse.written is None:
        return [f"{head}: would not be sent: {glimpse.why}"]
    letter = glimpse.written.letter
    lines = [line for line in letter.text.splitlines() if line.strip()]
    return [f"{head} in {letter.locale}: {letter.subject}", *(f"  | {line}" for line in lines[:4])]


for one in (retry, sent, accounts):
    outbox.add_command(one)
