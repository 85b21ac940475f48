"""What the benches share: a home in a temporary folder, events for any number of orders, and one figure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from messenger.bootstrap import make_home
from messenger.domain.events import Event, parse_event

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
COUNTRIES = (
    ("ES", "es"),
    ("RU", "ru"),
    ("US", "en"),
    ("MX", "es"),
    ("KZ", "ru"),
    ("FR", "fr"),
    ("DE", "de"),
    ("BR", "pt-BR"),
)

CONFIGURATION = """\
[database]
url = "{url}"

[shops.toys]
name = "Sunny Toys"
mode = "live"
platform = "none"
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
"""


WIDE_OPEN = ('max_new_messages = "auto"', "max_new_messages = 1000000")
"""A bench brings all its orders at once and means it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    count: int
    seconds: float

    @property
    def rate(self) -> float:
        """Things per second."""
        return self.count / self.seconds if self.seconds else 0.0


def timed(name: str, work: Callable[[], int]) -> Figure:
    """Return how long ``work`` took for the number of things it says it did."""
    started = time.perf_counter()
    count = work()
    return Figure(name, count, time.perf_counter() - started)


@contextmanager
def home(*, port: int = 1025, connections: int = 4) -> Iterator[Path]:
    """Yield a live home in a temporary folder; MESSENGER_BENCH_DATABASE names another database than SQLite."""
    with TemporaryDirectory() as folder:
        target = Path(folder) / "home"
        make_home(target)
        url = os.environ.get("MESSENGER_BENCH_DATABASE", "sqlite:///data/messenger.db")
        text = CONFIGURATION.format(url=url, port=port, connections=connections)
        (target / "messenger.toml").write_text(text, encoding="utf-8")
        rules = target / "schedules.toml"
        rules.write_text(rules.read_text(encoding="utf-8").replace(*WIDE_OPEN), encoding="utf-8")
        yield target


def events(
    orders: int, *, per_order: tuple[str, ...] = ("order.paid", "order.shipped", "shipment.import_customs")
) -> Iterator[Event]:
    """Yield the events of many orders, a day apart, as ``parse_event`` returns them."""
    for number in range(orders):
        country, language = COUNTRIES[number % len(COUNTRIES)]
        for day, type_ in enumerate(per_order):
            sections: dict[str, object] = {"shop": "toys"}
            if day == 0:
                sections["buyer"] = {
                    "id": f"b{number}", "name": f"Buyer {number}", "email": f"b{number}@example.com", "country": country, "language": language,
                }  # fmt: skip
                items = [
                    {"sku": f"S{index}", "title": f"Wooden puzzle {index}", "quantity": 1, "price": "12.90"}
                    for index in range(3)
                ]
                sections["order"] = {"total": "38.70", "currency": "EUR", "items": items}
            if type_ != "order.paid":
                sections["shipment"] = {"number": f"RR{number:09d}CN", "carrier": "China Post"}
            yield parse_event(
                {
                    "specversion": "1.0", "id": f"{number}-{day}", "source": "bench", "type": type_, "subject": str(number),
                    "time": (START + timedelta(days=day, seconds=number % 3600)).isoformat(), "data": sections,
                }
            )  # fmt: skip
