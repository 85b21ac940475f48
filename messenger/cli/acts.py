"""What all acts on the queue share: which messages are meant, what became of them, and how that is told."""

from __future__ import annotations

import click

from messenger.bootstrap import open_app
from messenger.cli.main import App
from messenger.cli.output import print_json, progress_bar
from messenger.errors import UsageError
from messenger.ports import OrderKey
from messenger.services.queueing import Choice, Outcome, Queue, Refusal, Target, Verb, name_of

FEW = 20
"""Up to so many messages are told one by one."""
PAST = {
    Verb.APPROVE: "approved", Verb.HOLD: "held", Verb.RELEASE: "released", Verb.CANCEL: "cancelled",
    Verb.RETRY: "to be tried again:", Verb.SENT: "noted as sent:",
}  # fmt: skip
POSSIBLE = PAST | {Verb.RETRY: "tried again", Verb.SENT: "noted as sent"}


def one_order(
    verb: Verb, app: App, order: str, rule: str | None, step: int | None, by: str, why: str, *, as_json: bool
) -> int:
    """Do it to the messages of one order; returns the exit code."""
    key = order_key(order)
    with open_app(app.home, app.environ) as engine:
        queue = Queue(engine.store, engine.home, engine.clock)
        return act(queue, verb, Choice(order=key, rule=rule, step=step), by, why, as_json=as_json)


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


def act(queue: Queue, verb: Verb, choice: Choice, by: str, why: str, *, as_json: bool) -> int:
    """Do it to the messages that are meant, and tell what became of them; returns the exit code."""
    try:
        targets = queue.choose(verb, choice)
        with progress_bar(str(verb), len(targets)) as move:
            outcome = queue.act(verb, targets, by=by, why=why, progress=move)
    except UsageError as error:
        return no(str(error))
    if as_json:
        print_json(_outcome_document(outcome))
    elif targets:
        _show(verb, outcome)
    else:
        click.echo(_nothing(queue, verb, choice), err=True)
    return 0 if outcome.is_whole else 1


def no(text: str) -> int:
    """Tell why the answer is no; returns the exit code."""
    click.echo(f"messenger: {text}", err=True)
    return 1


def _nothing(queue: Queue, verb: Verb, choice: Choice) -> str:
    """Why there was nothing to do."""
    if choice.order is None:
        return "nothing waits for approval" + (f" of intake {choice.intake}" if choice.intake is not None else "")
    standing = queue.standing(choice.order)
    if choice.rule is not None or not standing:
        return f"{choice.order} has no such message" if choice.rule else f"{choice.order} has no messages"
    return "\n".join(
        [f"{choice.order} has nothing that could be {POSSIBLE[verb]}:", *(f"  {line}" for line in standing)]
    )


def _show(verb: Verb, outcome: Outcome) -> None:
    if len(outcome.done) > FEW:
        click.echo(f"{PAST[verb]} {len(outcome.done)} messages")
    else:
        for target, _ in outcome.done:
            click.echo(f"{PAST[verb]} {name(target)}")
    left = [*outcome.refused, *outcome.moved]
    for one in left[:FEW]:
        click.echo(f"left as it is: {name(one.target)} {one.why}", err=True)
    if len(left) > FEW:
        click.echo(f"and {len(left) - FEW} more were left as they are", err=True)


def name(target: Target) -> str:
    """Return what a message is called."""
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
