"""How commands speak: one JSON document or JSON Lines on standard output, everything for people nicely, noise to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import click
import orjson


def print_json(document: object) -> None:
    """Print one JSON document on one line."""
    sys.stdout.write(orjson.dumps(document, default=str).decode() + "\n")


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")


def instant(text: str, option: str) -> datetime:
    """Return the UTC instant an option names.

    Raises:
        click.BadParameter: it is no RFC 3339 time with an offset.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a time like 2026-03-02T10:15:00Z", param_hint=option) from None
    if found.tzinfo is None:
        raise click.BadParameter(f"{text!r} has no offset: write {text}Z or {text}+08:00", param_hint=option)
    return found.astimezone(UTC)


def told(at: datetime | None) -> str | None:
    """Return an instant as JSON shows it."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@contextmanager
def progress_bar(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal, and nothing anywhere else; yields a function that moves it on."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415  # only where a bar is shown: rich is slow to load
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda steps: bar.advance(task, steps)
