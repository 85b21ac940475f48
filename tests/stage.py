"""A small shop for tests of what is told: a home with few texts, a clock that is set by hand, a transport that answers as told."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from messenger.bootstrap import Engine, open_app
from messenger.domain.events import Event
from messenger.domain.messages import FrozenMessage, PlannedMessage
from messenger.mail.memory import MemoryTransport
from messenger.mail.mime import MimeComposer
from messenger.ports import Committing, Done, Line, OrderKey, Transport
from messenger.services.accounts import Limits
from messenger.services.clocks import SetClock
from messenger.services.dispatching import Dispatcher
from messenger.services.explaining import Answer, Explain, Explanation
from messenger.services.queueing import Queue
from tests.builders import event, utc
from tests.homes import live_home

START = utc("2026-03-02T12:00")
KEPT = ("shipped", "delay-apology", "customs-delay", "review-request")
"""Texts that stages have: the others only take time to compile."""
HEAD = 'version = 1\n[safety]\nmax_new_messages = 1000\n[defaults]\nwindow = "always"\n'
LEASE = timedelta(seconds=60)


class Crash(Exception):
    """The process dies just after the other side was committed."""


class DyingTransport:
    """Reaches the commit point, and no further."""

    name = "main"

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:  # noqa: ARG002  # the port's signature
        """Die with the first message."""
        async for message in messages:
            await committing(message.key)
            raise Crash

    async def close(self) -> None:
        """Nothing is kept open."""


@dataclass(slots=True)
class Stage:
    """One shop, ``toys``. ``rules`` and ``settings`` start the program anew, as a person would."""

    folder: Path
    clock: SetClock
    environ: Mapping[str, str]
    transport: MemoryTransport = field(default_factory=lambda: MemoryTransport("main"))
    limits: Mapping[str, Limits] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)
    _engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The running program."""
        if self._engine is None:
            self._engine = self._open.enter_context(open_app(self.folder, self.environ, clock=self.clock))
        return self._engine

    @property
    def queue(self) -> Queue:
        """What people do with the queue."""
        return Queue(self.engine.store, self.engine.home, self.clock)

    def close(self) -> None:
        """Stop the program."""
        self._open.close()
        self._open, self._engine = ExitStack(), None

    def rules(self, text: str, *, head: str = HEAD) -> None:
        """Write schedules.toml, and let everything be planned anew by it."""
        self.close()
        (self.folder / "schedules.toml").write_text(head + text, encoding="utf-8")
        self.engine.worker()._replan()

    def settings(self, *replacements: tuple[str, str], more: str = "") -> None:
        """Change messenger.toml, and add to it."""
        self.close()
        path = self.folder / "messenger.toml"
        text = path.read_text(encoding="utf-8")
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text + more, encoding="utf-8")

    def at(self, moment: str | datetime) -> None:
        """Let time pass."""
        self.clock.advance_to(utc(moment) if isinstance(moment, str) else moment)

    def ingest(self, *events: Event, source: str = "", at: str = "") -> None:
        """Take events in, as a file would."""
        if at:
            self.at(at)
        lines = [Line(file="test", line=number, event=one) for number, one in enumerate(events, start=1)]
        self.engine.ingest.accept(lines, kind="file", name="test", source=source)
        self.engine.ingest.take_in()

    def run(self, at: str | datetime = "", *, transport: Transport | None = None) -> None:
        """Send what is due, once."""
        if at:
            self.at(at)
        self.engine.ingest.take_in()
        asyncio.run(self.dispatcher(transport).run_due())

    def dispatcher(self, transport: Transport | None = None) -> Dispatcher:
        """Return a dispatcher of the stage's transport."""
        return Dispatcher(
            store=self.engine.store, home=self.engine.home, clock=self.clock, composer=MimeComposer(),
            transports={"main": transport or self.transport}, owner="worker-1", lease=LEASE, batch=100,
            limits=self.limits,
        )  # fmt: skip

    def explain(self, order: str = "1") -> Explanation:
        """Return the story of an order."""
        return Explain(self.engine.store, self.engine.home, self.clock).order(OrderKey(shop="toys", number=order))

    def why(self, rule: str, order: str = "1") -> Answer:
        """Return what one rule says about an order."""
        return Explain(self.engine.store, self.engine.home, self.clock).why(OrderKey(shop="toys", number=order), rule)

    def rows(self, order: str = "1") -> list[PlannedMessage]:
        """Return an order's messages."""
        return self.engine.store.messages_of(OrderKey(shop="toys", number=order))

    def row(self, rule: str = "shipped", order: str = "1") -> PlannedMessage:
        """Return the only message of a rule for an order."""
        (found,) = [row for row in self.rows(order) if row.key.rule == rule]
        return found


def stage(folder: Path, *, url: str = "", mode: str = "live", uncertain: str = "resend") -> Stage:
    """Return a shop that starts on a Monday at noon, UTC."""
    home = live_home(folder / "home", port=9, mode=mode, uncertain=uncertain)
    for path in (home / "templates").glob("[!_]*/*.md"):
        if path.stem not in (*KEPT, "STYLE"):
            path.unlink()
    for locale in (home / "templates").glob("[!_]*"):
        if locale.name not in ("en", "es", "ru"):
            shutil.rmtree(locale)
    environ = {"MESSENGER_DATABASE_URL": url} if url else {}
    return Stage(folder=home, clock=SetClock(START), environ=environ)


def shipped(order: str = "1", *, at: str = "2026-03-02T10:00", buyer: str = "", **more: object) -> list[Event]:
    """Return an order that was paid and shipped; everything about its buyer is known."""
    who = buyer or f"b{order}"
    told = {
        "id": who,
        "name": "Ana",
        "email": f"{who}@example.com",
        "country": "ES",
        "language": "es",
        "timezone": "Europe/Madrid",
    } | more
    return [
        event("order.paid", at="2026-03-02T09:00", order=order, buyer=told, told={"items": [{"title": "Puzzle"}]}),
        event("order.shipped", at=at, order=order, shipment={"number": f"RR{order}"}),
    ]
