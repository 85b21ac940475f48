"""``messenger pause`` and ``messenger resume``: stopping a shop, or everything, and going on."""

from __future__ import annotations

import click

from messenger.bootstrap import open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, told
from messenger.cli.people import by_option
from messenger.ports import Pause
from messenger.services.pausing import Pausing, Resumed


@click.command()
@click.argument("shop", required=False, default="")
@by_option
@json_option
@click.pass_obj
def pause(app: App, shop: str, by: str, *, as_json: bool) -> int:
    """Stop sending for SHOP, or for everything; facts are still taken in, and nothing is forgotten."""
    with open_app(app.home, app.environ) as engine:
        found, is_new = Pausing(engine.store, engine.home, engine.clock).pause(shop, by=by)
        above = next((one for one in engine.store.pauses() if shop and not one.shop), None)
    if as_json:
        print_json(_document(found) | {"new": is_new})
        return 0
    go_on = f"messenger resume {shop}".strip()
    if is_new:
        click.echo(f"{_what(found)} is stopped: nothing leaves until {go_on}")
    else:
        click.echo(f"{_what(found)} was stopped already, {_since(found)}; {go_on} lets it go on")
    if above is not None:
        click.echo(f"everything is stopped as well, {_since(above)}: messenger resume")
    return 0


@click.command()
@click.argument("shop", required=False, default="")
@json_option
@click.pass_obj
def resume(app: App, shop: str, *, as_json: bool) -> int:
    """Let SHOP, or everything, go on; after more than six hours what is due is spread over two hours.

    Exit code 1 when what was asked for is still stopped by another pause.
    """
    with open_app(app.home, app.environ) as engine:
        found = Pausing(engine.store, engine.home, engine.clock).resume(shop)
    is_running = not any(not one.shop for one in found.still)
    if as_json:
        print_json(_resumed(found, shop))
    else:
        for line in _told(found, shop, is_running=is_running):
            click.echo(line)
    return 0 if is_running else 1


def _told(found: Resumed, shop: str, *, is_running: bool) -> list[str]:
    what = f"the shop {shop}" if shop else "everything"
    lines = (
        []
        if is_running or not shop
        else [f"{what} does not go on: {_what(one)} is stopped, {_since(one)}" for one in found.still]
    )
    if found.ended is None and is_running:
        lines.append(f"{what} was not stopped")
    if found.ended is not None and is_running:
        lines.append(f"{what} goes on; it had been stopped {_since(found.ended)}")
    if is_running and found.spread and found.until is not None:
        number = (
            f"{found.spread} messages that were due leave" if found.spread > 1 else "one message that was due leaves"
        )
        lines.append(f"{number} one after the other, until {found.until:%Y-%m-%d %H:%M} UTC")
    return [
        *lines,
        *(
            f"{_what(one)} is still stopped, {_since(one)}: messenger resume {one.shop}"
            for one in found.still
            if one.shop
        ),
    ]


def _what(pause: Pause) -> str:
    return f"the shop {pause.shop}" if pause.shop else "everything"


def _since(pause: Pause) -> str:
    return f"since {pause.since:%Y-%m-%d %H:%M} UTC by {pause.by}"


def _document(pause: Pause) -> dict[str, object]:
    return {"shop": pause.shop or None, "since": told(pause.since), "by": pause.by}


def _resumed(found: Resumed, shop: str) -> dict[str, object]:
    return {
        "shop": shop or None, "ended": _document(found.ended) if found.ended else None, "spread": found.spread,
        "until": told(found.until), "still_stopped": [_document(one) for one in found.still],
    }  # fmt: skip
