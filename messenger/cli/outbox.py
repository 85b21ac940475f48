"""``messenger outbox``: the queue, and what people may do with it."""

from __future__ import annotations

import click

from messenger.bootstrap import Engine, open_app
from messenger.cli.listing import Filter, document, listing
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, progress_bar
from messenger.cli.people import by_option, why_option
from messenger.domain.messages import Reason, State
from messenger.errors import UsageError
from messenger.ports import OrderKey
from messenger.services.glimpsing import Glimpse, Glimpsing
from messenger.services.queueing import Choice, Outcome, Queue, Refusal, Target, Verb, name_of
from messenger.services.wording import sentence

FEW = 20
"""Up to so many messages are told one by one."""
PAST = {Verb.APPROVE: "approved", Verb.HOLD: "held", Verb.RELEASE: "released", Verb.CANCEL: "cancelled"}


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


def _one_order(
    verb: Verb, app: App, order: str, rule: str | None, step: int | None, by: str, why: str, *, as_json: bool
) -> int:
    key = order_key(order)
    with open_app(app.home, app.environ) as engine:
        queue = Queue(engine.store, engine.home, engine.clock)
        return _act(queue, verb, Choice(order=key, rule=rule, step=step), by, why, as_json=as_json)


def order_key(text: str) -> OrderKey:
    """Return the order that an argument names.

    Raises:
        click.BadParameter: it is not SHOP/ORDER.
    """
    shop, slash, number = text.partition("/")
    if not slash or not shop or not number:
        raise click.BadParameter(
            f"{text!r} names no order: write SHOP/ORDER, for example toys/8134", param_hint="SHOP/ORDER"
        )
    return OrderKey(shop=shop, number=number)


order_argument = click.argument("order", metavar="SHOP/ORDER")
rule_option = click.option("--rule", help="Only the messages of this rule; without it all of the order.")
step_option = click.option("--step", type=click.IntRange(min=1), help="Only this step of the rule.")


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
        return _one_order(Verb.APPROVE, app, order, rule, step, by, why, as_json=as_json)
    if rule is not None or step is not None:
        raise click.UsageError("--rule and --step go together with SHOP/ORDER")
    if everything and as_json and not yes:
        raise click.UsageError("--all with --json does not ask: add --yes")
    choice = Choice(intake=intake, shop=shop)
    with open_app(app.home, app.environ) as engine:
        queue = Queue(engine.store, engine.home, engine.clock)
        if everything and not yes and not _agreed(engine, queue, choice):
            return 1
        return _act(queue, Verb.APPROVE, choice, by, why, as_json=as_json)


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
    return _one_order(Verb.HOLD, app, order, rule, step, by, why, as_json=as_json)


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
    return _one_order(Verb.RELEASE, app, order, rule, step, by, why, as_json=as_json)


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
    return _one_order(Verb.CANCEL, app, order, rule, step, by, why, as_json=as_json)


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
            return _no(str(error))
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


# --- what all acts share -----------------------------------------------------------------------------------------------


def _act(queue: Queue, verb: Verb, choice: Choice, by: str, why: str, *, as_json: bool) -> int:
    try:
        targets = queue.choose(verb, choice)
        with progress_bar(str(verb), len(targets)) as move:
            outcome = queue.act(verb, targets, by=by, why=why, progress=move)
    except UsageError as error:
        return _no(str(error))
    if as_json:
        print_json(_outcome_document(outcome))
    elif targets:
        _show(verb, outcome)
    else:
        click.echo(_nothing(queue, verb, choice), err=True)
    return 0 if outcome.is_whole else 1


def _no(text: str) -> int:
    click.echo(f"messenger: {text}", err=True)
    return 1


def _nothing(queue: Queue, verb: Verb, choice: Choice) -> str:
    """Why there was nothing to do."""
    if choice.order is None:
        return "nothing waits for approval" + (f" of intake {choice.intake}" if choice.intake is not None else "")
    standing = queue.standing(choice.order)
    if choice.rule is not None or not standing:
        return f"{choice.order} has no such message" if choice.rule else f"{choice.order} has no messages"
    return "\n".join([f"{choice.order} has nothing that could be {PAST[verb]}:", *(f"  {line}" for line in standing)])


def _show(verb: Verb, outcome: Outcome) -> None:
    if len(outcome.done) > FEW:
        click.echo(f"{PAST[verb]} {len(outcome.done)} messages")
    else:
        for target, _ in outcome.done:
            click.echo(f"{PAST[verb]} {_name(target)}")
    left = [*outcome.refused, *outcome.moved]
    for one in left[:FEW]:
        click.echo(f"left as it is: {_name(one.target)} {one.why}", err=True)
    if len(left) > FEW:
        click.echo(f"and {len(left) - FEW} more were left as they are", err=True)


def _name(target: Target) -> str:
    return f"{target.key.shop}/{target.order} {name_of(target.key)}"


def _outcome_document(outcome: Outcome) -> dict[str, object]:
    return {
        "changed": [_target(one) | {"was": one.state, "state": now} for one, now in outcome.done],
        "refused": [_left(one) for one in outcome.refused],
        "moved": [_left(one) for one in outcome.moved],
    }


def _left(one: Refusal) -> dict[str, object]:
    return _target(one.target) | {"was": one.target.state, "why": one.why}


def _target(one: Target) -> dict[str, object]:
    return {"shop": one.key.shop, "order": one.order, "rule": one.key.rule, "step": one.key.step}


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
