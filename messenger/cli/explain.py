"""``messenger explain``: one order's story."""

from __future__ import annotations

import click

from messenger.bootstrap import open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.errors import UsageError
from messenger.ports import OrderKey
from messenger.services.explaining import Explain, Explanation
from messenger.services.wording import sentence


@click.command()
@click.argument("order", metavar="SHOP/ORDER")
@click.option("--rule", help="Only this rule: why it wrote, or why not.")
@json_option
@click.pass_obj
def explain(app: App, order: str, rule: str | None, *, as_json: bool) -> int:
    """Tell what happened to an order, what was planned, sent or left out, and why."""
    shop, slash, number = order.partition("/")
    if not slash or not number:
        raise click.BadParameter(
            f"{order!r} names no order: write SHOP/ORDER, for example toys/8134", param_hint="SHOP/ORDER"
        )
    key = OrderKey(shop=shop, number=number)
    with open_app(app.home, app.environ) as engine:
        service = Explain(engine.store, engine.home, engine.clock)
        try:
            if rule is not None:
                answers = service.why(key, rule)
                if as_json:
                    print_json({"order": str(key), "rule": rule, "answers": answers})
                else:
                    click.echo("\n".join(answers))
                return 0
            found = service.order(key)
        except UsageError as error:
            click.echo(f"messenger: {error}", err=True)
            return 1
    if as_json:
        print_json(document(found))
    else:
        click.echo("\n".join(story(found)))
    return 0


def document(found: Explanation) -> dict[str, object]:
    """Return an explanation as JSON shows it."""
    order = found.order
    return {
        "shop": order.shop, "order": order.number, "status": order.status, "zone": found.zone.key,
        "zone_because": found.zone_because, "timeline": [step.document() for step in found.steps],
        "messages": [
            {
                "rule": row.key.rule, "step": row.key.step, "shipment": row.shipment, "template": row.template, "state": row.state,
                "reason": row.reason, "because": row.because, "due_at": told(row.due_at), "sent_at": told(row.sent_at),
                "locale": row.locale, "channel": row.channel, "rule_line": found.rule_lines.get(row.key.rule),
            }
            for row in found.messages
        ],
    }  # fmt: skip


def story(found: Explanation) -> list[str]:
    """Return an explanation as lines for a person: the timeline on the buyer's clock, then how every message stands."""
    order = found.order
    buyer = " in ".join(filter(None, (_safe(order.buyer.name or "the buyer"), order.buyer.country)))
    lines = [
        f"Order {order.shop}/{order.number} of {buyer}: {order.status}. Times in {found.zone.key} ({found.zone_because}).",
        "",
    ]
    for step in found.steps:
        mark = "·" if step.kind == "event" else "→"
        because = f"  [{step.because}]" if step.kind == "message" and step.because else ""
        lines.append(f"  {step.local:%a %Y-%m-%d %H:%M}  {mark} {step.text}{because}")
    if found.messages:
        lines += ["", "Messages:"]
    for row in found.messages:
        step_no = f" (step {row.key.step})" if row.key.step > 1 else ""
        when = row.sent_at or row.due_at
        at_line = found.rule_lines.get(row.key.rule)
        place = f", schedules.toml:{at_line}" if at_line else ""
        lines.append(
            f"  {row.key.rule}{step_no}: {sentence(row.state, row.reason or '')}"
            f" — {when.astimezone(found.zone):%a %Y-%m-%d %H:%M}{f', {row.locale}' if row.locale else ''}{place}"
        )
    return lines


def _safe(text: str) -> str:
    """A buyer's name cannot move the cursor or change colours of the terminal it is shown on."""
    return "".join(character if character.isprintable() else " " for character in text)
