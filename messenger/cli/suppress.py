"""``messenger suppress``: whom not to write to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from messenger.bootstrap import open_app
from messenger.cli.main import App
from messenger.cli.output import instant, json_option, print_json, told
from messenger.cli.people import by_option, why_option
from messenger.domain.messages import Category
from messenger.domain.suppressions import Suppression
from messenger.services.suppressing import Suppressing, read_list

shop_option = click.option("--shop", default="", metavar="SHOP", help="Only messages of this shop; else of every shop.")
kind_option = click.option(
    "--category", "kind", default="", type=click.Choice(["", *map(str, Category)]), metavar="CATEGORY",
    help=f"Only messages of this kind ({', '.join(Category)}); else all of them.",
)  # fmt: skip


@click.group()
def suppress() -> None:
    """Say whom not to write to, and see why somebody is not written to."""


@suppress.command("add")
@click.argument("addresses", nargs=-1, metavar="ADDRESS…")
@click.option("--file", "path", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
              help="A list: one address a line, or a CSV with a column email; - for standard input.")  # fmt: skip
@shop_option
@kind_option
@click.option("--until", "until_text", metavar="TIME", help="Until then, such as 2026-03-02T10:15:00Z; else for ever.")
@why_option
@by_option
@json_option
@click.pass_obj
def add(
    app: App, addresses: Sequence[str], path: Path | None, shop: str, kind: str, until_text: str | None, why: str, by: str, *,
    as_json: bool,
) -> int:  # fmt: skip
    """Write to these addresses no more. A list with a mistake in it is refused as a whole."""
    chosen = list(addresses)
    if path is not None:
        lines = sys.stdin if str(path) == "-" else path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
        found, mistakes = read_list(lines, file=str(path))
        for mistake in mistakes:
            click.echo(str(mistake), err=True)
        if mistakes:
            return 2
        chosen += found
    if not chosen:
        raise click.UsageError("name an address, or a list with --file")
    until = instant(until_text, "--until") if until_text else None
    with open_app(app.home, app.environ) as engine:
        new = Suppressing(engine.store, engine.home, engine.clock).add(
            chosen, shop=shop, kind=kind, until=until, because=why, by=by
        )
    if as_json:
        print_json({"named": len(chosen), "new": new})
    else:
        click.echo(f"{_addresses(len(chosen))} not written to; {new} of them had not been suppressed before")
    return 0


@suppress.command("remove")
@click.argument("address")
@click.option("--shop", default=None, metavar="SHOP", help="Only what stands for this shop; else everything.")
@click.option(
    "--category", "kind", default=None, type=click.Choice([*map(str, Category)]), help="Only what stands for this kind."
)
@json_option
@click.pass_obj
def remove(app: App, address: str, shop: str | None, kind: str | None, *, as_json: bool) -> int:
    """Let an address be written to again. Exit code 1 when nothing stood against it."""
    with open_app(app.home, app.environ) as engine:
        gone = Suppressing(engine.store, engine.home, engine.clock).remove(address, shop=shop, kind=kind)
    if as_json:
        print_json([_document(one) for one in gone])
    else:
        for one in gone:
            click.echo(f"no longer: {_line(one)}")
        if not gone:
            click.echo(f"nothing stood against {address}")
    return 0 if gone else 1


@suppress.command("list")
@click.option(
    "--shop", default=None, metavar="SHOP", help="What stands for this shop, what stands for every shop included."
)
@click.option("--address", default=None, metavar="ADDRESS", help="Why this address is not written to.")
@json_option
@click.pass_obj
def show(app: App, shop: str | None, address: str | None, *, as_json: bool) -> int:
    """List whom not to write to, oldest first. Addresses are kept as hashes: what you see is a hint."""
    is_empty = True
    with open_app(app.home, app.environ) as engine:
        for one in Suppressing(engine.store, engine.home, engine.clock).find(shop=shop, address=address):
            is_empty = False
            if as_json:
                print_json(_document(one))
            else:
                click.echo(_line(one))
    if is_empty and not as_json:
        click.echo("nobody is suppressed" if address is None else f"nothing stands against {address}")
    return 0


def _line(one: Suppression) -> str:
    end = f" until {one.until:%Y-%m-%d}" if one.until else ""
    kind = f"{one.category} messages" if one.category else "everything"
    why = f": {one.because}" if one.because else ""
    by = f", {one.by}" if one.by else ""
    return f"{one.since:%Y-%m-%d %H:%M}Z  {one.shop or '(every shop)'}  {one.hint or '(unknown address)'}  {kind}{end}  {one.cause}{by}{why}"


def _document(one: Suppression) -> dict[str, object]:
    return {
        "shop": one.shop or None, "address": one.address, "hint": one.hint or None, "category": one.category or None,
        "cause": str(one.cause), "since": told(one.since), "until": told(one.until), "because": one.because, "by": one.by or None,
    }  # fmt: skip


def _addresses(number: int) -> str:
    return "one address is" if number == 1 else f"{number} addresses are"
