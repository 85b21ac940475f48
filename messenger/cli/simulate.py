"""``messenger simulate``: plays events on a virtual clock; nothing is sent."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

import click

from messenger.bootstrap import load_home, load_settings_only, open_app, simulated_home
from messenger.cli.main import App
from messenger.cli.output import instant, json_option, print_json
from messenger.domain.events import Event
from messenger.domain.shops import Mode, Shop
from messenger.intake.files import read_json_lines
from messenger.ports import Rejected
from messenger.services.home import Home
from messenger.services.simulating import Line, Simulator
from messenger.services.wording import sentence


@click.command()
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True, exists=True, dir_okay=False))
@click.option(
    "--at",
    "at_text",
    help="Take everything in at this instant, as ingest would; without it each event at its own time.",
)
@click.option("--from", "from_text", help="Leave out what ends before this instant.")
@click.option("--to", "to_text", help="Stop the clock at this instant; without it it runs until nothing waits.")
@json_option
@click.pass_obj
def simulate(
    app: App, files: tuple[str, ...], at_text: str | None, from_text: str | None, to_text: str | None, *, as_json: bool
) -> int:
    """Play the events of FILES (or all stored ones) and tell what buyers would get, when, and what not, and why.

    Needs no home: without messenger.toml the default rules and texts speak for whatever shops the events name.
    """
    problems: list[str] = []
    has_home = (app.home / "messenger.toml").exists()
    if files:
        events = _read(files, problems)
        home = _home(app, events, has_home=has_home, problems=problems)
    elif has_home:
        with open_app(app.home, app.environ) as engine:
            home = engine.home
            events = [
                event for key in engine.store.find_orders() for event in engine.store.events_of([key]).get(key, [])
            ]
    else:
        raise click.UsageError("name a file of events, or a home with stored ones (--home)")
    simulator = Simulator(
        home,
        at=instant(at_text, "--at") if at_text else None,
        start=instant(from_text, "--from") if from_text else None,
        end=instant(to_text, "--to") if to_text else None,
    )
    lines = simulator.play(events)
    for problem in problems:
        click.echo(problem, err=True)
    if as_json:
        for line in lines:
            print_json(line.document())
    else:
        _show(lines)
    return 1 if problems else 0


def _read(files: Iterable[str], problems: list[str]) -> list[Event]:
    events: list[Event] = []
    with ExitStack() as stack:
        for name in files:
            stream = sys.stdin.buffer if name == "-" else stack.enter_context(Path(name).open("rb"))
            for line in read_json_lines(stream, file="<stdin>" if name == "-" else name):
                if isinstance(line, Rejected):
                    problems.append(str(line))
                else:
                    events.append(line.event)
    return events


def _home(app: App, events: list[Event], *, has_home: bool, problems: list[str]) -> Home:
    if not has_home:
        shops = {event.shop: _stand_in(event.shop) for event in events}
        return simulated_home(app.home if (app.home / "schedules.toml").exists() else None, shops)
    home = load_home(app.home, load_settings_only(app.home, app.environ))
    known = ", ".join(sorted(home.shops))
    problems.extend(
        f'data.shop: unknown shop "{shop}" (shops in messenger.toml: {known})'
        for shop in sorted({event.shop for event in events} - set(home.shops))
    )
    return home


def _stand_in(shop: str) -> Shop:
    """A shop as good as any, for events whose shop has no home here."""
    name = shop.replace("-", " ").replace("_", " ").title()
    return Shop(id=shop, name=name, sender=f"{name} <shop@example.com>", mode=Mode.LIVE, channels={"email": "main"})


def _show(lines: list[Line]) -> None:
    for line in _rows(lines):
        click.echo(line)
    counts = Counter(line.outcome for line in lines)
    total = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items())) or "no messages"
    click.echo(f"simulated, nothing has left: {total}", err=True)


def _rows(lines: list[Line]) -> Iterator[str]:
    for line in lines:
        step = f"/{line.step}" if line.step > 1 else ""
        outcome = sentence(line.outcome, line.reason or "")
        locale = f" [{line.locale}]" if line.locale else ""
        yield f"{line.local:%a %Y-%m-%d %H:%M %z}  {line.shop}/{line.order}  {line.rule}{step}{locale}  {outcome}"
