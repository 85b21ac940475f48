"""A shop with many messages due, real worker processes on it, and how fast they send."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Self

from sqlalchemy import create_engine, text

from messenger.bootstrap import make_home
from messenger.mail import dkim
from tests.postgres import cluster, new_database

COUNTRIES: Final = (
    ("ES", "es"),
    ("RU", "ru"),
    ("US", "en"),
    ("MX", "es"),
    ("KZ", "ru"),
    ("FR", "fr"),
    ("DE", "de"),
    ("BR", "pt-BR"),
)
CONFIGURATION: Final = """\
[shops.toys]
name = "Sunny Toys"
mode = "live"
default_language = "en"
zone = "Europe/Madrid"
sender = "Sunny Toys <care@sunny-toys.example>"
channels = {{ email = "main" }}

[transports.main]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
connections = {connections}
messages_per_connection = 1000
{more}
"""
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


ED25519: Final = """
[signing."sunny-toys.example"]
selector = "s1"
key = "file:ed25519.pem"
"""
RSA: Final = ED25519.replace("ed25519.pem", "rsa.pem")


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to.

    Args:
        rate: messages a second, between a tenth and nine tenths of them.
        memory: the most that one worker held, in MiB.
        cpu: what the workers spent on a message, in microseconds of one core.
    """

    rate: float
    memory: float
    cpu: float


@dataclass(slots=True)
class Rig:
    """A home with messages that wait; each run works on a copy of its database."""

    home: Path
    messages: int
    template: str
    server: str = ""

    def run(self, workers: int, port: int, *, connections: int = 8, more: str = "", tables: str = "") -> Run:
        """Let so many workers send everything to this port."""
        settings = CONFIGURATION.format(port=port, connections=connections, more=more) + tables
        (self.home / "messenger.toml").write_text(settings, encoding="utf-8")
        with self._database() as url:
            return _sent(self.home, url, workers, self.messages)

    @contextmanager
    def _database(self) -> Iterator[str]:
        if self.server:
            yield new_database(self.server, template=self.template)
            return
        with TemporaryDirectory(dir=self.home) as folder:
            path = Path(folder) / "messenger.db"
            shutil.copy(self.template, path)
            yield f"sqlite:///{path}"


@contextmanager
def rig(engine: str, messages: int) -> Iterator[Rig]:
    """Yield a home on ``sqlite`` or ``postgresql`` in which so many messages are due."""
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        make_home(home)
        (home / "schedules.toml").write_text(RULES, encoding="utf-8")
        (home / "messenger.toml").write_text(CONFIGURATION.format(port=1, connections=1, more=""), encoding="utf-8")
        for kind in (dkim.ED25519, dkim.RSA):
            (home / f"{kind}.pem").write_bytes(dkim.pem_of(dkim.new_key(kind)))
        orders = _orders(Path(folder) / "orders.jsonl", messages)
        if engine == "sqlite":
            template = str(home / "template.db")
            _ingest(home, f"sqlite:///{template}", orders)
            yield Rig(home, messages, template)
            return
        with cluster() as server:
            url = new_database(server)
            _ingest(home, url, orders)
            yield Rig(home, messages, url.rpartition("/")[2], server)


class Slow:
    """A mail server in a process of its own that takes everything and answers after a while."""

    def __init__(self, delay: float) -> None:
        self._words = [sys.executable, "-m", "benchmarks.slow_sink", str(delay)]
        self.port = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def _ingest(home: Path, url: str, orders: Path) -> None:
    words = [sys.executable, "-m", "messenger.cli", "--home", str(home), "ingest", str(orders)]
    subprocess.run(words, env=_environ(url), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _environ(url: str) -> dict[str, str]:
    return os.environ | {"MESSENGER_DATABASE_URL": url}


def _sent(home: Path, url: str, workers: int, messages: int) -> Run:
    words = [sys.executable, "-m", "messenger.cli", "--home", str(home), "worker"]
    running = [
        subprocess.Popen(words, env=_environ(url), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(workers)
    ]
    engine = create_engine(url)
    count = text("SELECT count(*) FROM outbox WHERE state = 'sent'")
    first, last, begun, memory = messages // 10, messages * 9 // 10, 0.0, 0.0
    seen_first, spent = 0, 0.0
    end = time.monotonic() + 600
    try:
        while time.monotonic() < end:
            with engine.connect() as connection:
                sent = int(connection.execute(count).scalar_one())
            now = time.perf_counter()
            memory = max(memory, *(_resident(one.pid) for one in running))
            if sent >= first and not begun:
                begun, seen_first, spent = now, sent, sum(_cpu(one.pid) for one in running)
            if sent >= last and begun:
                number = sent - seen_first
                used = sum(_cpu(one.pid) for one in running) - spent
                return Run(number / (now - begun), memory, used / number * 1e6)
            time.sleep(0.05)
    finally:
        engine.dispose()
        for one in running:
            one.kill()
            one.wait()
    raise RuntimeError(f"only {sent} of {messages} messages were sent within ten minutes")


def _resident(pid: int) -> float:
    """Memory of a process in MiB."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has spent."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _orders(path: Path, number: int) -> Path:
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    path.write_text("\n".join(_event(one, at) for one in range(number)), encoding="utf-8")
    return path


def _event(number: int, at: str) -> str:
    country, language = COUNTRIES[number % len(COUNTRIES)]
    titles: Sequence[str] = ("Деревянная головоломка «Кремль»", "Wooden puzzle, 500 parts", "Rompecabezas de madera")
    items = [
        {"sku": f"S{index}", "title": title, "quantity": 1, "price": "12.90"} for index, title in enumerate(titles)
    ]
    return json.dumps(
        {
            "specversion": "1.0", "id": str(number), "source": "bench", "type": "order.shipped", "time": at, "subject": f"{8_130_000_000 + number}",
            "data": {
                "shop": "toys", "order": {"total": "38.70", "currency": "EUR", "items": items},
                "buyer": {"id": f"b{number}", "name": f"Buyer {number}", "email": f"b{number}@example.com", "country": country,
                          "language": language},
                "shipment": {"number": f"RR{number:09d}CN", "carrier": "China Post"},
            },
        }, ensure_ascii=False,
    )  # fmt: skip
