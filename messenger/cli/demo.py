"""``messenger demo``: a sample shop, end to end, into a local mailbox, on a fast clock."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import click

from messenger.bootstrap import Engine, make_home, open_app
from messenger.cli.demo_story import brief
from messenger.cli.mail_page import mail_page
from messenger.cli.main import App
from messenger.cli.output import progress_bar
from messenger.demo.naive import count_mistakes, naive_messages
from messenger.domain.events import Event
from messenger.domain.folding import fold
from messenger.domain.messages import State
from messenger.domain.timing import ALWAYS
from messenger.errors import UsageError
from messenger.intake.files import read_json_lines
from messenger.mail.inbox import LocalInbox
from messenger.ports import Line, OrderKey
from messenger.services.clocks import SetClock
from messenger.services.dispatching import Tally
from messenger.services.explaining import Explain

POLL = timedelta(hours=2)

CONFIGURATION = """\
# The demo's home: live, but into a mailbox on this machine.
[database]
url = "sqlite:///data/messenger.db"

[shops.toys]
name = "Sunny Toys"
mode = "live"
platform = "none"
default_language = "en"
staff_language = "en"
zone = "Europe/Madrid"
sender = "Sunny Toys <care@sunny-toys.example>"
channels = {{ email = "main" }}

[transports.main]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
connections = 4
"""


@dataclass(slots=True)
class _Played:
    events: list[Event]
    tally: Tally


@click.command()
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"), show_default=True,
              help="Folder for the demo's home, its mails and the page that shows them; made anew each time.")  # fmt: skip
@click.option(
    "--platforms", "has_platforms", is_flag=True, help="Play AliExpress, eBay, 17TRACK and a shop of one's own instead."
)
@click.pass_obj
def demo(app: App, output: Path, *, has_platforms: bool) -> int:
    """Play sixty orders of a sample shop over forty days, send real SMTP to a local mailbox, and show what came of it."""
    _clear(output)
    if has_platforms:
        from messenger.cli.demo_platforms import play  # noqa: PLC0415  # only where it is asked for

        play(output, _without_database(app.environ))
        return 0
    mails = output / "mail"
    asyncio.run(_play(output, mails, app.environ))
    return 0


def _clear(output: Path) -> None:
    if output.exists() and any(output.iterdir()):
        if not (output / ".messenger-demo").exists():
            raise UsageError(f"{output} is not empty and was not made by the demo: name another folder with --output")
        shutil.rmtree(output)
    make_home(output)
    (output / ".messenger-demo").touch()


async def _play(output: Path, mails: Path, environ: dict[str, str]) -> None:
    source = files("messenger.demo").joinpath("orders.jsonl")
    lines = [
        line
        for line in read_json_lines(source.read_bytes().splitlines(), file="orders.jsonl")
        if isinstance(line, Line)
    ]
    clock = SetClock(lines[0].event.time)
    async with LocalInbox(mails, clock=clock) as inbox:
        (output / "messenger.toml").write_text(CONFIGURATION.format(port=inbox.port), encoding="utf-8")
        with open_app(output, _without_database(environ), clock=clock) as engine:
            with progress_bar("forty days", len(lines)) as move:
                tally = await _fast_forward(engine, clock, lines, move)
            _tell(engine, _Played([line.event for line in lines], tally), output, mails)


def _without_database(environ: dict[str, str]) -> dict[str, str]:
    """The demo keeps to its own folder, whatever database the seller's environment names."""
    return {name: value for name, value in environ.items() if name != "MESSENGER_DATABASE_URL"}


async def _fast_forward(engine: Engine, clock: SetClock, lines: Sequence[Line], move: Callable[[int], None]) -> Tally:
    """Poll the shop every two hours; send what falls due in between; stop when nothing waits any more."""
    tally = Tally()
    dispatcher = engine.worker().dispatcher
    by_time: defaultdict[datetime, list[Line]] = defaultdict(list)
    for line in lines:
        by_time[_next_poll(line.event.time)].append(line)

    async def until(moment: datetime | None) -> None:
        while (due := engine.store.pulse(now=clock.now()).next_due) is not None and (moment is None or due < moment):
            clock.advance_to(due)
            await dispatcher.run_due(tally)

    for moment in sorted(by_time):
        await until(moment)
        clock.advance_to(moment)
        engine.ingest.accept(by_time[moment], kind="demo", name="orders.jsonl")
        engine.ingest.take_in()
        move(len(by_time[moment]))
    await until(None)
    return tally


def _next_poll(moment: datetime) -> datetime:
    """When a shop that is asked every two hours tells of something that happened at ``moment``."""
    since = (moment - datetime(2026, 1, 1, tzinfo=UTC)) % POLL
    return moment + (POLL - since if since else timedelta(0))


def _tell(engine: Engine, played: _Played, output: Path, mails: Path) -> None:
    sent = list(engine.store.outbox(states=[State.SENT]))
    orders = {(event.shop, event.order) for event in played.events if event.order}
    countries = {
        str(event.data["buyer"]["country"]) for event in played.events if event.data.get("buyer", {}).get("country")
    }
    first, last = played.events[0].time, played.events[-1].time
    click.echo(
        f"{len(orders)} orders from {len(countries)} countries over {(last - first + timedelta(days=1)).days} days: "
        f"{len(played.events)} events, {len(sent)} messages sent.\n"
    )
    explain = Explain(engine.store, engine.home, engine.clock)
    for number in _chapters():
        click.echo("\n".join(brief(explain.order(OrderKey(shop="toys", number=number)))) + "\n")
    number, rule = _why_not()
    click.echo(f'Why did the buyer of toys/{number} get no message "{rule}"?')
    click.echo("".join(f"  {answer}\n" for answer in explain.why(OrderKey(shop="toys", number=number), rule).lines))
    _compare(engine, played.events, len(sent))
    page = output / "messages.html"
    page.write_text(mail_page(mails, title="What the buyers of Sunny Toys got"), encoding="utf-8")
    by_locale = Counter(row.locale for row in sent)
    click.echo("By language: " + ", ".join(f"{locale} {count}" for locale, count in by_locale.most_common()))
    click.echo(f"Every mail:  {mails}/*.eml\nOne page:    {page}")


def _compare(engine: Engine, events: Sequence[Event], sent: int) -> None:
    """What a plain timer would have done with the same events."""
    by_order: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.order:
            by_order[event.order].append(event)
    orders = {number: fold(story_) for number, story_ in by_order.items()}

    def zone_of(number: str):  # type: ignore[no-untyped-def]  # ZoneInfo, as the demo's counting asks
        return engine.home.zones.of_buyer(orders[number].buyer, hours=ALWAYS, at=events[0].time).main

    naive = naive_messages(events)
    mistakes = count_mistakes(naive, events, zone_of=zone_of)
    click.echo(
        f"A plain timer on the same events would have written {len(naive)} times, messenger wrote {sent} times. Of the timer's messages"
    )
    for words, count in mistakes.items():
        click.echo(f"  {count:4d} {words}")
    click.echo("")


def _chapters() -> tuple[str, ...]:
    return ("1017", "1024", "1052")


def _why_not() -> tuple[str, str]:
    return ("1026", "shipped")
