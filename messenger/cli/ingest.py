"""``messenger ingest``: takes in files of events, and export sheets."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import click

from messenger.bootstrap import Engine, open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, progress_bar
from messenger.domain.shops import Shop
from messenger.intake.formats import AUTO, FORMATS, Manner, Opened, opened, opened_stream
from messenger.ports import Store
from messenger.services.finding import hint
from messenger.services.ingesting import Report

COUNTS = ("received", "new", "duplicate", "conflict", "rejected")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True, exists=True, dir_okay=False))
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default=AUTO, show_default=True, help="What the files are."
)
@click.option("--shop", help="Shop of events that name none, and of sheets.")
@click.option(
    "--zone", default="", help="Of times in sheets that have no offset, such as Asia/Shanghai; default: the platform's."
)
@click.option(
    "--source", help="The source in messenger.toml that these files are from: it was heard from, also by an empty file."
)
@json_option
@click.pass_obj
def ingest(
    app: App, files: tuple[str, ...], format_: str, shop: str | None, zone: str, source: str | None, *, as_json: bool
) -> int:
    """Take in events from FILES: JSON Lines, one CloudEvent a line, or order exports of AliExpress, Shopify and eBay (.xls, .xlsx, .csv).

    - is standard input. Every readable line is taken in, also when others are not; then the exit code is 1.
    """
    with open_app(app.home, app.environ) as engine:
        manner = Manner(
            format=format_, shop=_shop(engine, shop, source) or "", shop_of=lambda one: shop_on(engine.home.shops, one), zone=zone
        )  # fmt: skip
        reports = [_read(engine, name, manner, source) for name in files]
        with progress_bar("planning", None) as move:
            engine.ingest.take_in(move)
        held_back = {number: _held_back(engine.store, number) for number in (report.intake for report in reports)}
    total = Report()
    for report in reports:
        _add(total, report)
    for problem in total.problems:
        click.echo(problem, err=True)
    _show(app, total, {number: count for number, count in held_back.items() if count}, as_json=as_json)
    return 0 if total.is_clean else 1


def _shop(engine: Engine, shop: str | None, source: str | None) -> str | None:
    """The shop of events that name none: as asked for, else the source's."""
    if shop is not None and shop not in engine.home.shops:
        raise click.BadParameter(
            f"no shop {shop!r} in messenger.toml (known: {', '.join(engine.home.shops)})", param_hint="--shop"
        )
    if source is None:
        return shop
    known = engine.settings.sources
    if source not in known:
        near = hint(source, list(known), "sources in messenger.toml")
        raise click.BadParameter(f"no source {source!r} in messenger.toml{near}", param_hint="--source")
    if shop is not None and shop != known[source].shop:
        raise click.BadParameter(f"the source {source!r} is about the shop {known[source].shop!r}", param_hint="--shop")
    return known[source].shop


def shop_on(shops: Mapping[str, Shop], platform: str) -> str:
    """Return the only shop on a platform, for sheets, which do not name theirs.

    Raises:
        click.UsageError: there is none, or there are several.
    """
    found = [name for name, shop in shops.items() if shop.platform == platform]
    if len(found) == 1:
        return found[0]
    known = ", ".join(found or shops)
    several = f"there are several shops on {platform}" if found else f"there is no shop on {platform}"
    raise click.UsageError(f"name the shop whose orders these are with --shop: {several} ({known})")


def _read(engine: Engine, name: str, manner: Manner, source: str | None) -> Report:
    shown = "<stdin>" if name == "-" else name
    with _opened(name, shown, manner) as found, progress_bar(f"reading {shown}", None) as move:
        _must_fit(engine, manner.shop, found.platform, shown)
        kind = "sheet" if found.platform else "stdin" if name == "-" else "file"
        report = engine.ingest.accept(found.lines, kind=kind, name=shown, source=source or "", progress=move)
        notes = found.notes()
    for note in notes:
        click.echo(note, err=True)
    return report


def _opened(name: str, shown: str, manner: Manner) -> AbstractContextManager[Opened]:
    if name == "-":
        return opened_stream(sys.stdin.buffer, manner, file=shown)
    return opened(Path(name), manner, file=shown)


def _must_fit(engine: Engine, shop: str, platform: str, file: str) -> None:
    """A shop's orders come from its own platform; one that names none may have them from anywhere."""
    of_shop = engine.home.shops[shop].platform if shop else "none"
    if platform and of_shop not in {"none", platform}:
        raise click.UsageError(f"{file} is an export of {platform}, and the shop {shop!r} is on {of_shop}")


def _held_back(store: Store, intake: int) -> int:
    """How many messages of an intake its valve holds back."""
    return sum(row.because == f"valve {intake}" for row in store.waiting_for_approval(intake=intake))


def _show(app: App, total: Report, held_back: dict[int, int], *, as_json: bool) -> None:
    counts = {name: getattr(total, name) for name in COUNTS}
    for intake, number in held_back.items():
        home = f" --home {app.home}" if str(app.home) != "." else ""
        click.echo(
            f"{number} messages of intake {intake} wait for a person: they are more than [safety] max_new_messages lets leave "
            f"within a day; messenger{home} outbox approve --intake {intake} lets them go",
            err=True,
        )
    if as_json:
        held = [{"intake": intake, "messages": number} for intake, number in held_back.items()]
        print_json(counts | ({"held_back": held} if held else {}))
    else:
        click.echo(", ".join(f"{number} {name}" for name, number in counts.items()))


def _add(total: Report, report: Report) -> None:
    for name in (*COUNTS, "unknown_type"):
        setattr(total, name, getattr(total, name) + getattr(report, name))
    total.problems.extend(report.problems)
