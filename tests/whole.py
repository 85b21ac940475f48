"""A whole shop for tests: a home, a clock that is set by hand, a mailbox on this machine, and the real worker."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from messenger.bootstrap import Engine, open_app
from messenger.domain.events import Event
from messenger.domain.messages import PlannedMessage
from messenger.mail.inbox import LocalInbox
from messenger.ports import Line, OrderKey
from messenger.services.clocks import SetClock
from messenger.services.dispatching import Tally
from tests.homes import live_home

HEAD = 'version = 1\n[safety]\nmax_new_messages = 1000\n[defaults]\nwindow = "always"\n'


@dataclass(slots=True)
class Whole:
    """One shop. ``engine`` is opened anew for each step, as every start of the program does."""

    folder: Path
    inbox: LocalInbox
    clock: SetClock
    environ: Mapping[str, str]

    def rules(self, text: str, *, head: str = HEAD) -> None:
        """Write schedules.toml."""
        (self.folder / "schedules.toml").write_text(head + text, encoding="utf-8")

    def settings(self, more: str) -> None:
        """Add to messenger.toml."""
        path = self.folder / "messenger.toml"
        path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")

    def open(self) -> AbstractContextManager[Engine]:
        """Return the running program, to be used with ``with``."""
        return open_app(self.folder, self.environ, clock=self.clock)

    def ingest(self, *events: Event, source: str = "", at: datetime | None = None) -> None:
        """Take events in, as a file would."""
        if at is not None:
            self.clock.advance_to(at)
        with open_app(self.folder, self.environ, clock=self.clock) as engine:
            lines = [Line(file="test", line=number, event=event) for number, event in enumerate(events, start=1)]
            engine.ingest.accept(lines, kind="file", name="test", source=source)
            engine.ingest.take_in()

    async def run(self, at: datetime | None = None, *, hours: float = 0) -> Tally:
        """Work until idle, at this instant or so many hours later."""
        self.clock.advance_to(at or self.clock.now() + timedelta(hours=hours))
        with open_app(self.folder, self.environ, clock=self.clock) as engine:
            return await engine.worker().run_until_idle()

    def rows(self) -> list[PlannedMessage]:
        """Return the outbox."""
        with open_app(self.folder, self.environ, clock=self.clock) as engine:
            return list(engine.store.outbox())

    def states(self) -> dict[str, str]:
        """Return each message's state and reason, by order, rule and step."""
        return {f"{row.order}/{row.key.rule}/{row.key.step}": f"{row.state}:{row.reason or ''}" for row in self.rows()}

    def told(self, order: str) -> list[str]:
        """Return what the record says about an order."""
        with open_app(self.folder, self.environ, clock=self.clock) as engine:
            return [
                f"{entry.key.rule if entry.key else ''} {entry.what} {entry.because}"
                for entry in engine.store.record_of(OrderKey(shop="toys", number=order))
            ]

    @property
    def mails(self) -> int:
        """How many mails have arrived."""
        return len(self.inbox.messages())


@asynccontextmanager
async def whole(
    folder: Path, *, at: datetime, url: str = "sqlite:///data/messenger.db", mode: str = "live"
) -> AsyncIterator[Whole]:
    """Yield a whole shop at this instant."""
    clock = SetClock(at)
    async with LocalInbox(folder / "mail", clock=clock) as inbox:
        home = live_home(folder / "home", port=inbox.port, mode=mode)
        _keep_few(home / "templates")
        yield Whole(
            folder=home,
            inbox=inbox,
            clock=clock,
            environ={} if url.startswith("sqlite") else {"MESSENGER_DATABASE_URL": url},
        )


FEW = ("shipped", "customs-delay", "delay-apology", "review-request")


def _keep_few(templates: Path) -> None:
    """Compiling all texts in all languages is not what these tests are about."""
    for locale in templates.iterdir():
        if locale.name not in {"_layout", "en", "es"}:
            shutil.rmtree(locale)
    for path in templates.glob("[a-z]*/*.md"):
        if path.stem not in (*FEW, "STYLE"):
            path.unlink()
