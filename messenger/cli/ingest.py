"""``messenger ingest``: takes in files of events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from messenger.bootstrap import Engine, open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, progress_bar
from messenger.intake.files import read_json_lines
from messenger.ports import Line, Rejected, Store
from messenger.services.finding import hint
from messenger.services.ingesting import Report

COUNTS = ("received", "new", "duplicate", "conflict", "rejected")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True, exists=True, dir_okay=False))
@click.option("--shop", help="Shop of events that name none.")
@click.option(
    "--source", help="The source in messenger.toml that these files are from: it was heard from, also by an empty file."
)
@json_option
@click.pass_obj
def ingest(app: App, files: tuple[str, ...], shop: str | None, source: str | None, *, as_json: bool) -> int:
    """Take in events from FILES (JSON Lines, one CloudEvent a line; - is standard input).

    Every readable line is taken in, also when others are not; then the exit code is 1.
    """
    with open_app(app.home, app.environ) as engine:
        shop = _shop(engine, shop, source)
        reports = _read(engine, files, shop, source)
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


def _read(engine: Engine, files: tuple[str, ...], shop: str | None, source: str | None) -> list[Report]:
    reports: list[Report] = []
    with ExitStack() as stack:
        for name in files:
            stream: BinaryIO = sys.stdin.buffer if name == "-" else stack.enter_context(Path(name).open("rb"))
            shown = "<stdin>" if name == "-" else name
            kind = "stdin" if name == "-" else "file"
            with progress_bar(f"reading {shown}", None) as move:
                lines = _lines(stream, shown, shop)
                reports.append(engine.ingest.accept(lines, kind=kind, name=shown, source=source or "", progress=move))
    return reports


def _lines(stream: BinaryIO, file: str, shop: str | None) -> Iterator[Line | Rejected]:
    return read_json_lines(stream, file=file, shop=shop)


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
