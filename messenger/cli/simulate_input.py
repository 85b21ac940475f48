"""What ``messenger simulate`` plays: events from files, sheets or the database, and the home by which they are played."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

import click

from messenger.bootstrap import open_app
from messenger.cli.ingest import shop_on
from messenger.cli.main import App
from messenger.config.policies import policies
from messenger.domain.events import Event
from messenger.domain.shops import Desk, Mode, Policy, Shop
from messenger.homes import load_home, load_settings_only, simulated_home
from messenger.intake.formats import AUTO, Manner, Opened, opened, opened_stream
from messenger.intake.sheets.layouts import TITLES
from messenger.ports import Line, Rejected
from messenger.services.home import Home

ORDERS_AT_ONCE: Final = 500
SENT_BY_HAND: Final = frozenset({"aliexpress", "ebay"})
"""Platforms whose buyers are written to in the platform's own chat; a shop elsewhere writes mails."""


@dataclass(slots=True, kw_only=True)
class Sheets:
    """What export sheets among the files were like.

    Args:
        files: as they were named.
        platforms: of their shops.
        types: of events that such sheets can tell.
        refused: orders that could not be read, ready to be shown.
        notes: what was left aside in them.
    """

    files: list[str] = field(default_factory=list)
    platforms: dict[str, str] = field(default_factory=dict)
    types: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Told:
    """What there is to be played.

    Args:
        home: by which it is played.
        problems: what could not be played, ready to be shown.
        notes: what is played and says nothing.
        sheets: what sheets there were among the files.
    """

    home: Home
    events: list[Event] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sheets: Sheets = field(default_factory=Sheets)


def read_files(app: App, files: Iterable[str], *, format_: str = AUTO, shop: str = "", zone: str = "") -> Told:
    """Return the events of files, with every line that could not be read among the problems.

    Args:
        app: where the home is, if there is one.
        files: by name; ``-`` is standard input.
        format_: what they are.
        shop: of events that name none, and of sheets; empty: the only one on the sheet's platform.
        zone: of times in sheets without an offset; empty: the platform's.
    """
    shops = _known_shops(app)
    if shop and shops is not None and shop not in shops:
        raise click.BadParameter(f"no shop {shop!r} in messenger.toml (known: {', '.join(shops)})", param_hint="--shop")
    of_platform = str if shops is None else partial(shop_on, shops)
    gathered = _Gathered(manner=Manner(format=format_, shop=shop, shop_of=of_platform, zone=zone))
    for name in files:
        gathered.read(name)
    events = [*gathered.events.values()]
    told = Told(
        home=_home(app, {event.shop for event in events}, gathered.sheets.platforms), events=events,
        problems=gathered.problems, sheets=gathered.sheets,
    )  # fmt: skip
    unknown = sorted(Counter(event.type for event in events if not event.is_known).items())
    told.notes = [
        *gathered.sheets.notes,
        *(f'unknown type "{type_}": {count} events plan nothing' for type_, count in unknown),
    ]
    _leave_out_unknown_shops(told)
    return told


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """Events and problems of one file after the other."""

    manner: Manner
    events: dict[tuple[str, str], Event] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    sheets: Sheets = field(default_factory=Sheets)

    def read(self, name: str) -> None:
        """Read one more file."""
        shown = "<stdin>" if name == "-" else name
        try:
            with _opened(name, shown, self.manner) as found:
                before = len(self.problems)
                shops = {shop for line in found.lines if (shop := self._take(line))}
                if found.is_sheet:
                    self._note(found, shown, shops, self.problems[before:])
        except OSError as error:
            self.problems.append(f"{shown}: cannot be read: {(error.strerror or str(error)).lower()}")

    def _take(self, line: Line | Rejected) -> str:
        """Keep what a line tells; returns whose shop it is about."""
        if isinstance(line, Rejected):
            self.problems.append(str(line))
            return ""
        event = line.event
        first = self.events.setdefault((event.source, event.id), event)
        if first != event:
            self.problems.append(
                f"{line.file}:{line.line}: id: {event.ref} came before with other content: the first one stays"
            )
        return event.shop

    def _note(self, found: Opened, file: str, shops: Iterable[str], refused: Iterable[str]) -> None:
        self.sheets.files.append(file)
        self.sheets.platforms.update(dict.fromkeys(shops, found.platform))
        self.sheets.types.update(found.types)
        self.sheets.refused += refused
        self.sheets.notes += found.notes()


def _opened(name: str, shown: str, manner: Manner) -> AbstractContextManager[Opened]:
    if name == "-":
        return opened_stream(sys.stdin.buffer, manner, file=shown)
    return opened(Path(name), manner, file=shown)


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


def _known_shops(app: App) -> Mapping[str, Shop] | None:
    """The shops of the home; None when there is none."""
    if not (app.home / "messenger.toml").exists():
        return None
    return load_settings_only(app.home, app.environ).shops


def _home(app: App, shops: Iterable[str], platforms: Mapping[str, str]) -> Home:
    if (app.home / "messenger.toml").exists():
        return load_home(app.home, load_settings_only(app.home, app.environ))
    folder = app.home if (app.home / "schedules.toml").exists() else None
    return simulated_home(folder, {shop: _stand_in(shop, platforms.get(shop, "none")) for shop in shops})


def _stand_in(shop: str, platform: str) -> Shop:
    """A shop as good as any, for events whose shop has no home here."""
    name = TITLES.get(shop) or shop.replace("-", " ").replace("_", " ").title()
    plain = Shop(id=shop, name=name, sender=f"{name} <shop@example.com>", mode=Mode.LIVE, channels={"email": "main"})
    if platform == "none":
        return plain
    on_platform = replace(plain, platform=platform, policy=policies().get(platform, Policy(platform=platform)))
    if platform not in SENT_BY_HAND:
        return on_platform
    return replace(on_platform, channels={"platform": "desk", "email": "main"}, desks={"desk": Desk()})


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
