"""``messenger intake``: what was posted to us, what became of it, and reading it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from messenger.bootstrap import Engine, open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, progress_bar, told
from messenger.ports.deliveries import DeliveryState, KeptDelivery
from messenger.services.hearing import Standing, standings

state_option = click.option(
    "--state", "states", multiple=True, type=click.Choice([str(one) for one in DeliveryState]),
    help="Only those that stand so; may be repeated.",
)  # fmt: skip
source_option = click.option("--source", default="", help="Only what came to this source.")


@click.group()
def intake() -> None:
    """Show where facts come from, and look after what was posted to us."""


@intake.command()
@json_option
@click.pass_obj
def sources(app: App, *, as_json: bool) -> int:
    """Show each source: when it was last heard from, and what of it waits; exit 1 when one is silent or could not be read."""
    with open_app(app.home, app.environ) as engine:
        configured = [(one.shop, one.source) for one in engine.settings.sources.values()]
        found = standings(engine.store, engine.spool, configured, engine.clock.now())
    for one in found:
        print_json(_source_document(one)) if as_json else click.echo(_source_line(one))
    if not found and not as_json:
        click.echo("no source is configured: write [sources.NAME] into messenger.toml", err=True)
    return 1 if any(one.is_silent or one.failed for one in found) else 0


@intake.command("list")
@state_option
@source_option
@json_option
@click.pass_obj
def list_(app: App, states: Sequence[str], source: str, *, as_json: bool) -> int:
    """List deliveries, oldest first, and what became of them."""
    with open_app(app.home, app.environ) as engine:
        for one in _chosen(engine, states, source):
            print_json(_document(one)) if as_json else click.echo(_line(one))
    return 0


@intake.command()
@click.argument("number", type=int)
@json_option
@click.pass_obj
def show(app: App, number: int, *, as_json: bool) -> int:
    """Print the body of delivery NUMBER as it came; exit 1 when there is none."""
    with open_app(app.home, app.environ) as engine:
        found = next(engine.spool.listed(numbers=[number]), None)
    if found is None:
        click.echo(f"there is no delivery {number}: messenger intake list", err=True)
        return 1
    body = found.delivery.body.decode("utf-8", "backslashreplace")
    if as_json:
        print_json(_document(found) | {"headers": dict(found.delivery.headers), "body": body})
    else:
        click.echo("\n".join(f"{name}: {value}" for name, value in sorted(found.delivery.headers.items())), err=True)
        click.echo(body)
    return 0


@intake.command()
@click.argument("numbers", type=int, nargs=-1, metavar="[NUMBER]...")
@state_option
@source_option
@json_option
@click.pass_obj
def replay(app: App, numbers: Sequence[int], states: Sequence[str], source: str, *, as_json: bool) -> int:
    """Read deliveries again, as if they had just come: NUMBER, or all that stand so; exit 1 when one still cannot be read.

    What they told before changes nothing: events have ids of their own.
    """
    if bool(numbers) == bool(states or source):
        raise click.UsageError("name what to read again: NUMBER…, or --state failed, or --source NAME")
    with open_app(app.home, app.environ) as engine:
        chosen = list(numbers) or [one.number for one in _chosen(engine, states, source)]
        asked = engine.spool.replay(chosen, at=engine.clock.now())
        with progress_bar("planning", None) as move:
            engine.receive()
            engine.ingest.take_in(move)
        failed = [one for one in engine.spool.listed(states=[DeliveryState.FAILED]) if one.number in set(chosen)]
    for one in failed:
        click.echo(_line(one), err=True)
    if as_json:
        print_json({"read": asked, "failed": len(failed)})
    else:
        click.echo(f"{asked} read again, {len(failed)} could not be")
    return 1 if failed or asked < len(numbers) else 0


def _chosen(engine: Engine, states: Sequence[str], source: str) -> Iterator[KeptDelivery]:
    return engine.spool.listed(states=[DeliveryState(one) for one in states], source=source)


def _line(one: KeptDelivery) -> str:
    at = f"{one.delivery.received_at:%Y-%m-%d %H:%M:%S}Z"
    note = f"  {' '.join(one.note.split())}" if one.note else ""
    return f"{one.number:>6}  {at}  {one.delivery.source}  {one.state}  {len(one.delivery.body)} bytes{note}"


def _document(one: KeptDelivery) -> dict[str, object]:
    return {
        "number": one.number, "source": one.delivery.source, "id": one.delivery.id, "received_at": told(one.delivery.received_at),
        "state": str(one.state), "tries": one.tries, "note": one.note, "bytes": len(one.delivery.body),
    }  # fmt: skip


def _source_line(one: Standing) -> str:
    heard = f"heard {one.heard_at:%Y-%m-%d %H:%M}Z" if one.heard_at else "never heard"
    counts = {
        "to be read": one.waiting,
        "not readable": one.failed,
        "of unknown kinds": one.unknown,
        "for a person": one.person,
    }
    more = [f"{number} {what}" for what, number in counts.items() if number]
    return ", ".join([f"{one.name}  {one.shop or 'any shop'}  {heard}", *(["silent"] if one.is_silent else []), *more])


def _source_document(one: Standing) -> dict[str, object]:
    return {
        "source": one.name, "shop": one.shop or None, "heard_at": told(one.heard_at), "silent": one.is_silent, "waiting": one.waiting,
        "failed": one.failed, "unknown": one.unknown, "person": one.person,
    }  # fmt: skip
