"""What ``messenger simulate`` plays: events from files or from the database, and the home by which they are played."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final

import click

from messenger.bootstrap import open_app
from messenger.cli.main import App
from messenger.domain.events import Event
from messenger.domain.shops import Mode, Shop
from messenger.homes import load_home, load_settings_only, simulated_home
from messenger.intake.files import read_json_lines
from messenger.ports import Line, Rejected
from messenger.services.home import Home

ORDERS_AT_ONCE: Final = 500


@dataclass(slots=True, kw_only=True)
class Told:
    """What there is to be played.

    Args:
        home: by which it is played.
        problems: what could not be played, ready to be shown.
        notes: what is played and says nothing.
    """

    home: Home
    events: list[Event] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_files(app: App, files: Iterable[str]) -> Told:
    """Return the events of files, with every line that could not be read among the problems."""
    problems: list[str] = []
    events: dict[tuple[str, str], Event] = {}
    unknown: Counter[str] = Counter()
    for line in _lines(files):
        if isinstance(line, str):
            problems.append(line)
            continue
        event = line.event
        first = events.setdefault((event.source, event.id), event)
        if first != event:
            problems.append(
                f"{line.file}:{line.line}: id: {event.ref} came before with other content: the first one stays"
            )
        elif first is event and not event.is_known:
            unknown[event.type] += 1
    told = Told(
        home=_home(app, {event.shop for event in events.values()}), events=[*events.values()], problems=problems
    )
    told.notes = [f'unknown type "{type_}": {count} events plan nothing' for type_, count in sorted(unknown.items())]
    _leave_out_unknown_shops(told)
    return told


def _lines(files: Iterable[str]) -> Iterator[Line | str]:
    for name in files:
        shown = "<stdin>" if name == "-" else name
        try:
            with click.open_file(name, "rb") as stream:
                for line in read_json_lines(stream, file=shown):
                    yield str(line) if isinstance(line, Rejected) else line
        except OSError as error:
            yield f"{shown}: cannot be read: {(error.strerror or str(error)).lower()}"


def _leave_out_unknown_shops(told: Told) -> None:
    strange = Counter(event.shop for event in told.events if event.shop not in told.home.shops)
    if strange:
        known = ", ".join(sorted(told.home.shops)) or "none"
        told.events = [event for event in told.events if event.shop in told.home.shops]
        told.problems += [
            f'data.shop: unknown shop "{shop}" (shops in messenger.toml: {known}): {count} events are left out'
            for shop, count in sorted(strange.items())
        ]


def read_store(app: App) -> Told:
    """Return all stored events, and the generation that is worked by."""
    if not (app.home / "messenger.toml").exists():
        raise click.UsageError("name a file of events, or a home with stored ones (--home)")
    with open_app(app.home, app.environ) as engine:
        orders = engine.store.find_orders()
        events: dict[tuple[str, str], Event] = {}
        while chunk := list(islice(orders, ORDERS_AT_ONCE)):
            for told in engine.store.events_of(chunk).values():
                events.update({(event.source, event.id): event for event in told})
        return Told(home=engine.home, events=[*events.values()])


def _home(app: App, shops: Iterable[str]) -> Home:
    if (app.home / "messenger.toml").exists():
        return load_home(app.home, load_settings_only(app.home, app.environ))
    folder = app.home if (app.home / "schedules.toml").exists() else None
    return simulated_home(folder, {shop: _stand_in(shop) for shop in shops})


def _stand_in(shop: str) -> Shop:
    """A shop as good as any, for events whose shop has no home here."""
    name = shop.replace("-", " ").replace("_", " ").title()
    return Shop(id=shop, name=name, sender=f"{name} <shop@example.com>", mode=Mode.LIVE, channels={"email": "main"})


def home_at(app: App, folder: Path, shops: Mapping[str, Shop]) -> Home:
    """Return another home, for comparing; shops that it does not know are as they are here."""
    if (folder / "messenger.toml").exists():
        other = load_home(folder, load_settings_only(folder, app.environ))
        return replace(other, shops={**shops, **other.shops})
    if (folder / "schedules.toml").exists():
        return simulated_home(folder, shops)
    raise click.BadParameter(
        f"there is no home in {folder}: neither messenger.toml nor schedules.toml", param_hint="--against"
    )
