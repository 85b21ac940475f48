"""``messenger explain``: one order's story."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

import click

from messenger.bootstrap import open_app
from messenger.cli.acts import order_key
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.domain.orders import Order
from messenger.errors import UsageError
from messenger.services.explaining import Answer, Explain, Explanation, Standing, Step, Text
from messenger.services.telling.narrator import shown
from messenger.services.telling.steps import grouped

NOTHING = "nothing stands in its way: it leaves as soon as a worker takes it"


@click.command()
@click.argument("order", metavar="SHOP/ORDER")
@click.option("--rule", help="Only this rule: why it wrote, or why not.")
@json_option
@click.pass_obj
def explain(app: App, order: str, rule: str | None, *, as_json: bool) -> int:
    """Tell what happened to an order, what was planned, sent or left out, and why."""
    key = order_key(order)
    with open_app(app.home, app.environ) as engine:
        service = Explain(engine.store, engine.home, engine.clock)
        try:
            found = service.order(key) if rule is None else service.why(key, rule)
        except UsageError as error:
            click.echo(f"messenger: {error}", err=True)
            return 1
    if as_json:
        print_json(document(found) if isinstance(found, Explanation) else answer_document(found))
    else:
        click.echo("\n".join(story(found) if isinstance(found, Explanation) else answer_lines(found)))
    return 0


# --- for a person ------------------------------------------------------------------------------------------------------


def story(found: Explanation) -> list[str]:
    """Return an explanation as lines: the timeline on the buyer's clock, then how every message stands."""
    return [one for line in _story(found) for one in _folded(line)]


def _folded(line: str) -> list[str]:
    """The line in as many as fit on the terminal; anywhere else as it is, so that it can be searched."""
    if not sys.stdout.isatty():
        return [line]
    indent = len(line) - len(line.lstrip()) + 4
    start = line.find("→") if "→" in line else line.find("·")
    width = max(60, shutil.get_terminal_size().columns)
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * (start + 2 if start > 0 else indent),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [line]


def _story(found: Explanation) -> list[str]:
    lines = [_heading(found.order, found.zone.key, found.zone_because), ""]
    for step, following in grouped(found.steps):
        lines += _timeline_lines(found, step, following)
    if not found.messages:
        return [
            *lines,
            "",
            f"No rule has planned a message for it; messenger explain {found.order.shop}/{found.order.number} --rule NAME tells why.",
        ]
    lines += ["", "Messages:"]
    for standing in found.messages:
        lines += _standing_lines(standing, found)
    return lines


def _heading(order: Order, zone: str, because: str) -> str:
    buyer = " in ".join(filter(None, (shown(order.buyer.name or "the buyer"), order.buyer.country)))
    return f"Order {order.shop}/{shown(order.number)} of {buyer}: {order.status}. Times in {zone} ({because})."


def _timeline_lines(found: Explanation | Answer, step: Step, following: Sequence[Step]) -> Iterator[str]:
    """One event with what it planned, or one thing done; what was known later than it happened says since when."""
    known = {_minute(one, found) for one in following if "trigger" in one.detail}
    is_late = len(known) == 1 and known != {_minute(step, found)}
    late = f"; taken in {min(known)}" if is_late else ""
    yield f"  {_minute(step, found)}  {'·' if step.kind == 'event' else '→'} {step.text}{late}"
    for one in following:
        later = (
            ""
            if _minute(one, found) in {_minute(step, found), *(known if is_late else ())}
            else f" [{_minute(one, found)}]"
        )
        yield f"  {' ' * 20}  → {one.text}{later}"


def _minute(step: Step, found: Explanation | Answer) -> str:
    return f"{step.at.astimezone(found.zone):%a %Y-%m-%d %H:%M}"


def _standing_lines(standing: Standing, found: Explanation | Answer) -> Iterator[str]:
    row, zone = standing.row, found.zone
    when = f", {row.sent_at.astimezone(zone):%a %Y-%m-%d %H:%M}" if row.sent_at else ""
    place = f" (schedules.toml:{standing.line})" if standing.line else ""
    yield f"  {standing.name}{place}: {standing.text}{when}"
    for obstacle in standing.outlook.obstacles:
        yield f"      {'it would end here' if obstacle.is_final else 'before it leaves'}: {obstacle.text}"
    if standing.outlook.leaves_at is not None:
        at = f"{standing.outlook.leaves_at.astimezone(zone):%a %Y-%m-%d %H:%M}"
        yield f"      as things are, it leaves at {at}" if standing.outlook.obstacles else f"      {NOTHING}"
    elif standing.outlook.go is not None:
        yield f"      until then it waits; {row.expires_at.astimezone(zone):%a %Y-%m-%d %H:%M} it expires"
    yield from (f"      {line}" for line in _text_lines(standing))


def _text_lines(standing: Standing) -> Iterator[str]:
    """Which text left, and which one is, or would be, chosen now."""
    row, now = standing.row, standing.now
    has_left = bool(standing.template_version)
    if not (has_left or row.state.is_waiting):
        return
    if has_left:
        yield f"text: {_text(row.template, row.variant)} in {standing.locale}, version {standing.template_version[:12]}"
    yield f"language now: {_language(now)}"
    if now.locale and (not has_left or now.variant != (row.variant or "")):
        yield f"text now: {_text(row.template, now.variant)}"
    if now.passed_over:
        yield f"passed over now: {', '.join(now.passed_over)}"


def _text(template: str, variant: str | None) -> str:
    return f"{template}@{variant}" if variant else template


def _language(now: Text) -> str:
    if not now.locale:
        return f"none: {now.because}"
    wished = f"; wished {now.wished}" if now.wished and now.wished != now.locale else ""
    tried = f"; not there: {', '.join(now.tried)}" if now.tried else ""
    return f"{now.locale}, {now.because}{wished}{tried}"


def answer_lines(found: Answer) -> list[str]:
    """Return what one rule says as lines."""
    return [one for line in _answer(found) for one in _folded(line)]


def _answer(found: Answer) -> list[str]:
    lines = [_heading(found.order, found.zone.key, found.zone_because), ""]
    lines += [f"  {sentence}" for sentence in found.sentences]
    for standing in found.messages:
        lines += _standing_lines(standing, found)
    if found.steps:
        lines.append("")
    for step in found.steps:
        lines += _timeline_lines(found, step, [])
    return lines


# --- for a program -----------------------------------------------------------------------------------------------------


def document(found: Explanation) -> dict[str, object]:
    """Return an explanation as JSON shows it; all instants in UTC, oldest first."""
    return _order_document(found) | {
        "generation": found.generation,
        "timeline": [_step(step) for step in found.steps],
        "messages": [_standing(one) for one in found.messages],
    }


def answer_document(found: Answer) -> dict[str, object]:
    """Return what one rule says as JSON shows it."""
    return _order_document(found) | {
        "rule": found.rule.name if found.rule else None, "rule_line": found.rule.line if found.rule else None,
        "answers": list(found.lines),
        "messages": [_standing(one) for one in found.messages], "timeline": [_step(step) for step in found.steps],
    }  # fmt: skip


def _order_document(found: Explanation | Answer) -> dict[str, object]:
    order = found.order
    return {
        "shop": order.shop, "order": order.number, "status": order.status, "zone": found.zone.key, "zone_because": found.zone_because,
    }  # fmt: skip


def _step(step: Step) -> dict[str, object]:
    key: dict[str, object] = {"rule": step.key.rule, "scope": step.key.scope, "step": step.key.step} if step.key else {}
    detail = {name: value for name, value in step.detail.items() if value}
    times: dict[str, object] = {name: told_text(detail.pop(name)) for name in ("due", "was") if name in detail}
    return {
        "at": told(step.at), "kind": step.kind, "what": step.what, "text": step.text, "event": step.event or None,
        "follows": step.follows or None, **key, **times, **detail,
    }  # fmt: skip


def told_text(text: str) -> str:
    """Return a stored instant as JSON shows it."""
    return text.replace("+00:00", "Z")


def _standing(one: Standing) -> dict[str, object]:
    row = one.row
    return {
        "rule": row.key.rule, "step": row.key.step, "scope": row.key.scope, "shipment": row.shipment, "template": row.template,
        "state": row.state, "reason": row.reason, "because": row.because, "text": one.text, "due_at": told(row.due_at),
        "wanted_at": told(row.wanted_at), "expires_at": told(row.expires_at), "sent_at": told(row.sent_at),
        "approved_by": row.approved_by or None, "locale": row.locale, "channel": row.channel, "variant": row.variant,
        "reply": row.reply, "template_version": one.template_version or None, "rule_line": one.line or None,
        "now": {
            "locale": one.now.locale or None, "because": one.now.because, "wished": one.now.wished or None,
            "tried": list(one.now.tried), "variant": one.now.variant, "passed_over": list(one.now.passed_over),
        },
        "obstacles": [
            {"kind": two.kind, "text": two.text, "until": told(two.until), "is_final": two.is_final}
            for two in one.outlook.obstacles
        ],
        "leaves_at": told(one.outlook.leaves_at),
    }  # fmt: skip
