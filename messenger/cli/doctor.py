"""``messenger doctor``: whether logins work, what each shop can do, and when something was last heard."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import click

from messenger.bootstrap import Engine, open_app
from messenger.bootstrap.doctor import patients_of
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, progress_bar
from messenger.errors import UsageError
from messenger.services.doctor import Diagnosis, Health, examine, worst
from messenger.services.finding import hint

SIGNS = {Health.FINE: "ok", Health.NOTE: "note", Health.WRONG: "WRONG"}


@click.command()
@click.option("--shop", default="", help="Only what this shop relies on.")
@click.option("--offline", "is_offline", is_flag=True, help="Ask nobody: only what is known here.")
@json_option
@click.pass_obj
def doctor(app: App, shop: str, *, is_offline: bool, as_json: bool) -> int:
    """Find out what works: mail servers, logins with platforms, sources; exit 1 when something does not.

    Mail servers are asked to let us in, and nothing is sent.
    """
    with open_app(app.home, app.environ) as engine:
        _check(engine, shop)
        patients = patients_of(engine, shop=shop, is_offline=is_offline)
        with progress_bar("looking", len(patients)) as move:
            found = examine(patients, move)
        names = {name: one.name for name, one in engine.settings.shops.items()}
    if as_json:
        print_json([_document(one) for one in found])
    else:
        for line in _lines(found, names):
            click.echo(line)
    return 1 if worst(found)[Health.WRONG] else 0


def _check(engine: Engine, shop: str) -> None:
    shops = sorted(engine.settings.shops)
    if shop and shop not in shops:
        raise UsageError(f"there is no shop {shop!r}{hint(shop, shops, 'shops')}")


def _lines(found: Sequence[Diagnosis], names: dict[str, str]) -> list[str]:
    order = {name: number for number, name in enumerate([*names, ""])}
    ordered = sorted(found, key=lambda one: order.get(one.shop, len(order)))
    width = max((len(_what(one)) for one in found), default=0)
    lines: list[str] = []
    for shop, ones in groupby(ordered, key=lambda one: one.shop):
        lines.append(f"{shop}: {names[shop]}" if shop in names else (shop or "used by no shop"))
        lines += [f"  {SIGNS[one.health]:<5}  {_what(one):<{width}}  {one.words}" for one in ones]
    return [*lines, "", _total(found)]


def _what(one: Diagnosis) -> str:
    return f"{one.name} ({one.kind})"


def _total(found: Sequence[Diagnosis]) -> str:
    wrong = worst(found)[Health.WRONG]
    if not wrong:
        return "everything works"
    return "one thing is wrong" if wrong == 1 else f"{wrong} things are wrong"


def _document(one: Diagnosis) -> dict[str, object]:
    return {"shop": one.shop or None, "name": one.name, "kind": one.kind, "health": str(one.health), "words": one.words}
