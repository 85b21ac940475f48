"""``messenger demo --platforms``: three shops on small platforms of this machine; messages leave by hand, by call and by mail."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click
import httpx2

from messenger.bootstrap import Engine, open_app
from messenger.cli.console import application
from messenger.cli.demo_story import brief
from messenger.cli.mail_page import mail_page
from messenger.cli.output import progress_bar
from messenger.demo.platform_story import CHAPTERS, END, START, World
from messenger.demo.platforms import aliexpress, ebay, seventeentrack
from messenger.demo.platforms.serving import Json, served
from messenger.domain.messages import PlannedMessage, State
from messenger.mail.inbox import LocalInbox
from messenger.ports import Credentials, OrderKey
from messenger.services.clocks import SetClock
from messenger.services.desk import Desk
from messenger.services.dispatching import Dispatcher, Tally
from messenger.services.explaining import Explain

TOKEN: Final = "demo-token-of-our-own-shop"  # noqa: S105  # of a home that lives as long as the demo
STAFF: Final = "Mei"
STEP: Final = timedelta(hours=2)
SHOPS: Final = {
    "toys": ("Sunny Toys", "aliexpress", "desk"),
    "games": ("Sunny Games", "ebay", "chat"),
    "atelier": ("Atelier Sol", "none", "main"),
}
"""By id: name, platform, transport."""

HEAD: Final = """\
# The demo's home: live, but on small platforms of this machine.
[database]
url = "sqlite:///data/messenger.db"

[web]
tokens = ["file:secrets/token"]

[transports.main]
kind = "smtp"
host = "127.0.0.1"
port = {smtp}
security = "none"

[transports.desk]
kind = "assisted"
hours = "09:00-19:00"

[transports.chat]
kind = "ebay"
shop = "games"
app_key = "file:secrets/app"
app_secret = "file:secrets/app"
url = "{ebay}"

[sources.orders]
kind = "aliexpress"
shop = "toys"
app_key = "file:secrets/app"
app_secret = "file:secrets/app"
url = "{aliexpress}"
every = "2h"
tracking = "off"
rate = "1000/s"
"""
SHOP: Final = """
[shops.{id}]
name = "{name}"
mode = "live"
platform = "{platform}"
default_language = "en"
zone = "Asia/Shanghai"
sender = "{name} <care@{id}.example>"
channels = {{ {channel} = "{transport}" }}

[sources.parcels-{id}]
kind = "17track"
shop = "{id}"
key = "file:secrets/17track"
url = "{track}"
every = "6h"
rate = "1000/s"

[sources.moves-{id}]
kind = "webhook"
scheme = "17track"
shop = "{id}"
secrets = "file:secrets/17track"
"""


def play(output: Path, environ: dict[str, str]) -> None:
    """Play it, and show what came of it.

    Args:
        output: an empty home; it is filled.
        environ: of the process.
    """
    asyncio.run(_play(output, output / "mail", environ))


async def _play(output: Path, mails: Path, environ: dict[str, str]) -> None:
    clock = SetClock(START)
    places = Places(
        aliexpress.AliExpress(clock.now),
        ebay.Ebay(clock.now, loses=frozenset({2})),
        seventeentrack.SeventeenTrack(clock.now),
    )
    async with LocalInbox(mails, clock=clock) as inbox:
        with ExitStack() as stack:
            _write_home(output, places.open(stack), inbox.port)
            engine = stack.enter_context(open_app(output, environ, clock=clock))
            _log_in(engine)
            web = stack.enter_context(_console(engine))
            places.track.hooks = {shop: f"{web}/hooks/moves-{shop}" for shop in SHOPS}
            world = World(places.aliexpress, places.track, lambda event: _post(web, event))
            with progress_bar("a month", (END - START) // STEP) as move:
                player = Player(engine, clock, engine.worker().dispatcher)
                await player.play(world, move)
            await player.dispatcher.close()
            engine.polling.stop()
            _tell(engine, places, player, output, mails)


@dataclass(frozen=True, slots=True)
class Places:
    """The small platforms."""

    aliexpress: aliexpress.AliExpress
    ebay: ebay.Ebay
    track: seventeentrack.SeventeenTrack

    def open(self, stack: ExitStack) -> dict[str, str]:
        """Let them answer; returns where."""
        found = {"aliexpress": self.aliexpress.answer, "ebay": self.ebay.answer, "track": self.track.answer}
        return {name: stack.enter_context(served(answer)) for name, answer in found.items()}


@dataclass(slots=True)
class Player:
    """Lets time pass, as workers and people would live through it."""

    engine: Engine
    clock: SetClock
    dispatcher: Dispatcher
    tally: Tally = field(default_factory=Tally)
    by_hand: list[str] = field(default_factory=list)
    """The texts that a person sent."""

    async def play(self, world: World, move: Callable[[int], None]) -> None:
        """Play everything to its end."""
        acts, now = world.acts(), START
        while now < END:
            now += STEP
            while acts and acts[0].at <= now:
                await self._until(acts[0].at)
                acts.pop(0).do()
            await self._until(now)
            self._ask()
            await self._work()
            move(1)

    async def _until(self, moment: datetime) -> None:
        while (due := self._next_due()) is not None and due < moment:
            self.clock.advance_to(due)
            await self._work()
        self.clock.advance_to(moment)

    def _next_due(self) -> datetime | None:
        pulse = self.engine.store.pulse(now=self.clock.now())
        return min((one for one in (pulse.next_due, pulse.next_resend) if one is not None), default=None)

    def _ask(self) -> None:
        """Ask the platforms whose turn it is, and read what was posted."""
        for poller in self.engine.polling.pollers():
            self.engine.polling.run(poller)
        self.engine.receive()
        self.engine.ingest.take_in()

    async def _work(self) -> None:
        await self.dispatcher.run_due(self.tally)
        self.dispatcher.resolve_uncertain()
        desk = Desk(self.engine.store, self.engine.home, self.clock)
        while (sheet := desk.next(STAFF).sheet) is not None:
            self.by_hand.append(sheet.text)
            desk.confirm(sheet.row.id, STAFF)


# --- the home -----------------------------------------------------------------------------------------------------------


def _write_home(output: Path, addresses: dict[str, str], smtp: int) -> None:
    secrets = {"token": TOKEN, "app": "demo-app", "17track": seventeentrack.KEY}
    (output / "secrets").mkdir()
    for name, value in secrets.items():
        (output / "secrets" / name).write_text(value, encoding="utf-8")
    text = HEAD.format(smtp=smtp, ebay=addresses["ebay"], aliexpress=addresses["aliexpress"])
    for id_, (name, platform, transport) in SHOPS.items():
        channel = "email" if transport == "main" else "platform"
        text += SHOP.format(
            id=id_, name=name, platform=platform, transport=transport, channel=channel, track=addresses["track"]
        )
    (output / "messenger.toml").write_text(text, encoding="utf-8")


def _log_in(engine: Engine) -> None:
    """As a seller would with messenger aliexpress login, and messenger ebay login."""
    now = engine.clock.now()
    for account, token in (("aliexpress/toys", aliexpress.TOKEN), ("ebay/games", ebay.TOKEN)):
        found = Credentials(account=account, access=token, ends_at=now + aliexpress.LASTS, holder="the demo")
        engine.store.keep_credentials(found, at=now)


@contextmanager
def _console(engine: Engine) -> Iterator[str]:
    """Yield the address at which the console answers; it is served in a thread."""
    import uvicorn  # noqa: PLC0415  # slow to load, and only needed here

    config = uvicorn.Config(application(engine), host="127.0.0.1", port=0, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            thread.join(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def _post(web: str, event: Json) -> None:
    answer = httpx2.post(
        f"{web}/api/v1/events",
        json=event,
        headers={"authorization": f"Bearer {TOKEN}", "content-type": "application/cloudevents+json"},
    )
    answer.raise_for_status()


# --- what came of it ----------------------------------------------------------------------------------------------------


def _tell(engine: Engine, places: Places, player: Player, output: Path, mails: Path) -> None:
    rows = list(engine.store.outbox())
    sent = [row for row in rows if row.state is State.SENT]
    click.echo(f"Five orders of three shops in {(END - START).days} days: {len(sent)} messages.\n")
    for line in _ways(sent, places):
        click.echo(f"  {line}")
    click.echo(
        f"\n  {places.track.posted} movements of parcels were posted by 17TRACK, and read again later; each counts once.\n"
    )
    explain = Explain(engine.store, engine.home, engine.clock)
    for shop, number in CHAPTERS:
        story = brief(explain.order(OrderKey(shop=shop, number=number)))
        click.echo("\n".join(line for line in story if not line.endswith("details changed")) + "\n")
    (output / "messages.html").write_text(
        mail_page(mails, title="What the buyers of Atelier Sol got"), encoding="utf-8"
    )
    texts = [
        *(("by hand", text) for text in player.by_hand),
        *(("eBay", one["messageBody"]) for one in places.ebay.sent),
    ]
    (output / "messages.txt").write_text(
        "\n\n".join(f"--- {way} ---\n{text}" for way, text in texts) + "\n", encoding="utf-8"
    )
    click.echo(f"Texts on AliExpress and eBay: {output / 'messages.txt'}\nMails: {output / 'messages.html'}")


def _ways(sent: list[PlannedMessage], places: Places) -> Iterator[str]:
    by_way = Counter(row.transport for row in sent)
    yield f"{by_way['desk']:3d} through AliExpress: copied and sent by {STAFF}, at the desk, between 9 and 19 o'clock"
    lost = (
        f"; the answer to {places.ebay.lost} was lost, the conversation was read, and it was there"
        if places.ebay.lost
        else ""
    )
    yield f"{by_way['chat']:3d} through eBay, by themselves{lost}"
    yield f"{by_way['main']:3d} by mail"
