"""Several real worker processes on one home, what is done to them, and what an independent mail server saw."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from messenger.storage import open_store
from messenger.storage.outbox_table import OPEN
from tests.faults.account import Account
from tests.homes import live_home

CONNECTIONS: Final = 4
"""Of each worker: no more messages than that are on the wire at once, so no more can arrive twice."""
IN_DOUBT: Final = 2 * CONNECTIONS
"""Messages of a worker that are past their commit point: one on the wire for each connection, and the one that follows it."""
RULES: Final = """\
version = 1
[safety]
max_new_messages = 1000000
[rules.shipped]
template = "shipped"
on = "order.shipped"
window = "always"
expiry = "20d"
"""
PATIENCE: Final = 240.0
"""Seconds in which a crowd that is let alone has to come to rest."""


@dataclass(slots=True)
class Crowd:
    """Worker processes on one home."""

    home: Path
    ledger: Path
    environ: dict[str, str]
    workers: list[subprocess.Popen[str]] = field(default_factory=list)
    born: int = 0

    def start(self, number: int = 1, *, within: Sequence[str] = ()) -> list[subprocess.Popen[str]]:
        """Start so many workers; returns once each says that it is running.

        Args:
            number: how many.
            within: the command, if any, that starts each of them in a world of its own.
        """
        begun = [self._begin(within) for _ in range(number)]
        for one, log in begun:
            until(lambda log=log: "running" in log.read_text(encoding="utf-8"), f"{one.pid} to say that it runs")
        self.workers += [one for one, _ in begun]
        return [one for one, _ in begun]

    def _begin(self, within: Sequence[str]) -> tuple[subprocess.Popen[str], Path]:
        self.born += 1
        log = self.home.parent / f"worker-{self.born}.log"
        with log.open("w", encoding="utf-8") as out:
            words = [*within, sys.executable, "-m", "messenger.cli", "--home", str(self.home), "worker"]
            return subprocess.Popen(words, env=self.environ, stderr=out, stdout=out, text=True), log

    def kill(self, worker: subprocess.Popen[str]) -> None:
        """End a worker as by kill -9."""
        worker.kill()
        worker.wait()
        self.workers.remove(worker)

    def stand_still(self, worker: subprocess.Popen[str]) -> None:
        """Let a worker stand still until SIGCONT, outside a transaction.

        Within one it would keep SQLite's file from everybody; on PostgreSQL the server ends that transaction by itself.
        """
        while True:
            worker.send_signal(signal.SIGSTOP)
            if "MESSENGER_DATABASE_URL" in self.environ or is_free(self.home / "data" / "messenger.db"):
                return
            worker.send_signal(signal.SIGCONT)

    def stop_all(self) -> list[int]:
        """Ask all workers to stop; returns their exit codes."""
        for one in self.workers:
            one.send_signal(signal.SIGTERM)
        codes = [one.wait(timeout=60) for one in self.workers]
        self.workers.clear()
        return codes

    def logs(self) -> str:
        """Return what all workers have said so far."""
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self.home.parent.glob("worker-*.log")))

    def arrived(self) -> int:
        """Return how many mails the server has accepted so far, copies included."""
        return len(self.ledger.read_bytes().split(b"\n")) - 1 if self.ledger.exists() else 0

    def until_arrived(self, number: int, *, patience: float = PATIENCE) -> None:
        """Wait until the server has accepted so many mails."""
        until(lambda: self.arrived() >= number, f"{number} mails", patience=patience)

    def until_rest(self, *, shift: timedelta = timedelta(0)) -> None:
        """Wait until nothing is due, in hand, or awaiting its second copy, by a clock that is so much ahead."""
        with self.store() as store:

            def rests() -> bool:
                pulse = store.pulse(now=datetime.now(UTC) + shift)
                return not (pulse.due or pulse.in_hand or pulse.next_resend or pulse.backlog)

            until(rests, "rest")

    def not_left(self) -> int:
        """Return how many messages have neither been sent nor perhaps been sent."""
        with self.store() as store:
            return sum(row.state not in ("sent", "uncertain") for row in store.outbox())

    def until_taken_over(self) -> None:
        """Wait until nobody holds any more what is held at this moment: it has ended, or others have freed it."""
        with self.store() as store:
            held = {row.id: row.token for row in store.outbox() if row.owner}

            def is_over() -> bool:
                now = {row.id: row.token for row in store.outbox() if row.owner}
                return not any(now.get(id_) == token for id_, token in held.items())

            try:
                until(is_over, "another worker to take over")
            except AssertionError as error:
                raise AssertionError(f"{error}: {self._left(store)}") from None

    def left(self) -> str:
        """Say what is still waiting or in hand, for whoever has to find out why."""
        with self.store() as store:
            return self._left(store)

    def _left(self, store: Any) -> str:  # Any: the store
        rows = [row for row in store.outbox() if row.state in OPEN]
        return f"{len(rows)} are left, {store.pulse(now=datetime.now(UTC))}: {rows[:3]}"

    @contextmanager
    def store(self) -> Iterator[Any]:  # Any: the store
        """Yield the database."""
        url = self.environ.get("MESSENGER_DATABASE_URL") or f"sqlite:///{self.home}/data/messenger.db"
        opened = open_store(url)
        try:
            yield opened
        finally:
            opened.close()

    def ingest(self, *files: Path) -> None:
        """Take files of events in."""
        self.messenger("ingest", *map(str, files))

    def messenger(self, *words: str) -> str:
        """Run a command and return what it prints."""
        return subprocess.run(
            [sys.executable, "-m", "messenger.cli", "--home", str(self.home), *words],
            env=self.environ, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    def account(self) -> Account:
        """Compare what the program believes with what the server saw."""
        with self.store() as store:
            rows = list(store.outbox())
        copies: Counter[str] = Counter()
        digests: dict[str, set[str]] = {}
        for line in self.ledger.read_text(encoding="utf-8").splitlines() if self.ledger.exists() else []:
            name, digest, _, _ = line.split(" ")
            copies[name] += 1
            digests.setdefault(name, set()).add(digest)
        states = Counter(str(row.state) for row in rows)
        known = {row.message_id: row for row in rows if row.message_id}
        return Account(
            rows=len(rows), states=dict(states), copies=copies,
            lost=[row.order for row in rows if row.state == "sent" and not copies[row.message_id or ""]],
            unlisted=[name for name in copies if name not in known],
            silent=[name for name in copies if name in known and known[name].state not in ("sent", "uncertain")],
            altered=[name for name, seen in digests.items() if len(seen) > 1],
        )  # fmt: skip


@contextmanager
def crowd(
    folder: Path, *, url: str = "", uncertain: str = "resend", lease: str = "2s", post: tuple[str, ...] = ()
) -> Iterator[Crowd]:
    """Yield a home without workers, and a mail server in a process of its own."""
    ledger = folder / "ledger"
    environ = os.environ | ({"MESSENGER_DATABASE_URL": url} if url else {})
    with ExitStack() as ends:
        port = ends.enter_context(_post(ledger, *post))
        home = live_home(folder / "home", port=port, uncertain=uncertain, lease=lease)
        (home / "schedules.toml").write_text(RULES, encoding="utf-8")
        _keep_one_text(home / "templates")
        made = Crowd(home, ledger, environ)
        try:
            yield made
        finally:
            for one in made.workers:
                one.kill()
                one.wait()


@contextmanager
def _post(ledger: Path, *more: str) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.post", str(ledger), *more], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def orders(path: Path, numbers: range) -> Path:
    """Write a file of events: so many orders were shipped an hour ago."""
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    lines = [
        json.dumps(
            {
                "specversion": "1.0", "id": f"{number}", "source": "erp", "type": "order.shipped", "time": at, "subject": f"{number}",
                "data": {
                    "shop": "toys", "buyer": {"email": f"b{number}@example.com", "country": "ES", "language": "es"},
                    "shipment": {"number": f"RR{number}"}, "order": {"items": [{"title": "Puzzle"}]},
                },
            }
        )
        for number in numbers
    ]  # fmt: skip
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _keep_one_text(templates: Path) -> None:
    for locale in templates.iterdir():
        if locale.name not in {"_layout", "en", "es"}:
            shutil.rmtree(locale)
    for path in templates.glob("[a-z]*/*.md"):
        if path.stem not in ("shipped", "STYLE"):
            path.unlink()


def is_free(path: Path) -> bool:
    """Whether anybody can write to SQLite's file within a second."""
    with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


def memory_of(process: int) -> int:
    """Return how many bytes of memory a process has."""
    pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def until(is_so: Any, what: str, *, patience: float = PATIENCE) -> None:  # Any: a function without arguments
    """Wait until something is so."""
    end = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience:.0f} s for {what}")
        time.sleep(0.01)  # what is awaited happens in another process
