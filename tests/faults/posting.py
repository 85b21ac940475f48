"""A console in a process of its own, and senders who post to it as platforms do: signed, and again until they are answered."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Queue
from typing import Final

import httpx2

from messenger.intake.standard import signature_of
from messenger.ports.deliveries import DeliveryState
from messenger.storage.spool import open_spool
from tests.faults.crowd import Crowd, until

SECRET: Final = "whsec_" + base64.b64encode(bytes(range(32))).decode()
HOOK: Final = '\n[sources.erp]\nkind = "webhook"\nscheme = "standard"\nsecrets = ["env:ERP_SECRET"]\nshop = "toys"\nrate = "100000/s"\n'
AN_HOUR_AGO: Final = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
SENDERS: Final = 8
"""Connections that are posted over at once."""


def with_hook(workers: Crowd) -> None:
    """Let a source be posted to."""
    workers.environ["ERP_SECRET"] = SECRET
    with (workers.home / "messenger.toml").open("a", encoding="utf-8") as file:
        file.write(HOOK)


@dataclass(slots=True)
class Console:
    """A console process, and where it is."""

    home: Path
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[str] | None = None
    address: str = ""

    def start(self) -> None:
        """Start it; returns once it says where it is."""
        words = [sys.executable, "-m", "messenger.cli", "--home", str(self.home), "console", "--port", "0"]
        with self.log.open("w", encoding="utf-8") as out:
            self.process = subprocess.Popen(words, env=self.environ, stderr=out, stdout=out, text=True)
        until(self._says_where, "the console to say where it is")
        until(self._answers, "the console to answer")

    def kill(self) -> None:
        """End it as by kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _says_where(self) -> bool:
        found = re.search(r"http://\S+:\d+", self.log.read_text(encoding="utf-8"))
        self.address = found[0] if found else ""
        return found is not None

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.address}/healthz").status_code == 200
        except httpx2.TransportError:
            return False


@contextmanager
def console(workers: Crowd) -> Iterator[Console]:
    """Yield a console on the same home, not started yet."""
    made = Console(workers.home, workers.environ, workers.home.parent / "console.log")
    try:
        yield made
    finally:
        made.kill()


def shipped(number: int) -> bytes:
    """Return the body that tells of one order; the same each time."""
    return json.dumps(
        {
            "type": "order.shipped", "timestamp": AN_HOUR_AGO, "data": {
                "order_id": str(number), "buyer": {"email": f"b{number}@example.com", "country": "ES", "language": "es"},
                "shipment": {"number": f"RR{number}"}, "order": {"items": [{"title": "Puzzle"}]},
            },
        }
    ).encode()  # fmt: skip


def signed(number: int, body: bytes) -> dict[str, str]:
    """Return the headers of one delivery, signed now."""
    id_, now = f"msg_{number}", datetime.now(UTC)
    return {
        "webhook-id": id_, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature_of(id_, now, body, SECRET),
        "content-type": "application/json",
    }  # fmt: skip


@dataclass(slots=True)
class Senders:
    """Posts deliveries over several connections at once, each until it is answered with yes.

    Args:
        target: where to; asked anew for every try.
        tries: how often anything was posted.
        seconds: how long each yes took, from the beginning of its last try.
    """

    target: Console
    tries: int = 0
    seconds: list[float] = field(default_factory=list)

    def post(self, numbers: Sequence[int]) -> None:
        """Post these; returns when each was answered with yes."""
        clients: Queue[httpx2.Client] = Queue()
        with ExitStack() as ends, ThreadPoolExecutor(SENDERS) as pool:
            for _ in range(SENDERS):
                clients.put(ends.enter_context(httpx2.Client(timeout=30)))
            list(pool.map(lambda number: self._until_yes(number, clients), numbers))

    def _until_yes(self, number: int, clients: Queue[httpx2.Client]) -> None:
        client = clients.get()
        try:
            self._post(number, shipped(number), client)
        finally:
            clients.put(client)

    def _post(self, number: int, body: bytes, client: httpx2.Client) -> None:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            self.tries += 1
            begun = time.perf_counter()
            try:
                answer = client.post(f"{self.target.address}/hooks/erp", content=body, headers=signed(number, body))
            except httpx2.TransportError:
                time.sleep(0.05)  # nobody is there: as a platform does, only sooner
                continue
            if answer.status_code == 200:
                self.seconds.append(time.perf_counter() - begun)
                return
        raise AssertionError(f"nobody took delivery {number}")


def states(workers: Crowd) -> dict[DeliveryState, int]:
    """Return how many deliveries stand in each state."""
    url = workers.environ.get("MESSENGER_DATABASE_URL") or f"sqlite:///{workers.home}/data/messenger.db"
    spool = open_spool(url)
    try:
        return {state: count for (_, state), count in spool.counts().items()}
    finally:
        spool.close()


def until_read(workers: Crowd) -> None:
    """Wait until nothing in the spool waits to be read."""
    until(lambda: not states(workers).get(DeliveryState.RECEIVED), "all deliveries to be read")
