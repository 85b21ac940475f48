"""``messenger ingest``: takes in files of events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from messenger.bootstrap import open_app
from messenger.cli.main import App
from messenger.cli.output import json_option, print_json, progress_bar
from messenger.intake.files import read_json_lines
from messenger.ports import Line, Rejected
from messenger.services.ingesting import Report


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True, exists=True, dir_okay=False))
@click.option("--shop", help="Shop of events that name none.")
@json_option
@click.pass_obj
def ingest(app: App, files: tuple[str, ...], shop: str | None, *, as_json: bool) -> int:
    """Take in events from FILES (JSON Lines, one CloudEvent a line; - is standard input).

    Every readable line is taken in, also when others are not; then the exit code is 1.
    """
    with open_app(app.home, app.environ) as engine, ExitStack() as stack:
        if shop is not None and shop not in engine.home.shops:
            raise click.BadParameter(
                f"no shop {shop!r} in messenger.toml (known: {', '.join(engine.home.shops)})", param_hint="--shop"
            )
        total = Report()
        for name in files:
            stream: BinaryIO = sys.stdin.buffer if name == "-" else stack.enter_context(Path(name).open("rb"))
            shown = "<stdin>" if name == "-" else name
            with progress_bar(f"reading {shown}", None) as move:
                report = engine.ingest.accept(
                    _lines(stream, shown, shop), kind="stdin" if name == "-" else "file", name=shown, progress=move
                )
            _add(total, report)
        with progress_bar("planning", None) as move:
            engine.ingest.take_in(move)
    for problem in total.problems:
        click.echo(problem, err=True)
    counts = {name: getattr(total, name) for name in ("received", "new", "duplicate", "conflict", "rejected")}
    if as_json:
        print_json(counts)
    else:
        click.echo(", ".join(f"{number} {name}" for name, number in counts.items()))
    return 0 if total.is_clean else 1


def _lines(stream: BinaryIO, file: str, shop: str | None) -> Iterator[Line | Rejected]:
    return read_json_lines(stream, file=file, shop=shop)


def _add(total: Report, report: Report) -> None:
    for name in ("received", "new", "duplicate", "conflict", "rejected", "unknown_type"):
        setattr(total, name, getattr(total, name) + getattr(report, name))
    total.problems.extend(report.problems)
