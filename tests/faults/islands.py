"""Workers on machines of their own, each with one line to the database, which can be cut.

``unshare --net --mount python -m tests.faults.islands FOLDER ROUNDS SECONDS`` runs in a world without any network: there it makes a
network for each worker, with a mail server of its own, and a router between them and PostgreSQL. It prints what it saw as JSON.
Whatever it makes is gone when it ends.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.crowd import Crowd, crowd, orders, until
from tests.postgres import new_database, server

DATABASE: Final = "10.98.0.1"
EACH: Final = 80
THOUGHT: Final = "0.05"
"""Seconds that a mail server takes for each mail, so that many are on their way when a line is cut."""
WORKERS: Final = 3 if int(os.environ.get("FAULT_ROUNDS", "1")) > 2 else 2
LEASE: Final = 3.0


@dataclass(slots=True)
class Seen:
    """What is told in the end.

    Args:
        total: messages.
        sent_alone: most messages that an island sent while it was cut off.
        sent_by_others: fewest messages that the others sent meanwhile.
        back_after: longest time in seconds from the end of a cut until the island sent again.
    """

    total: int = 0
    sent_alone: int = 0
    sent_by_others: int = 1_000_000
    back_after: float = 0.0
    rows: int = 0
    twice: int = 0
    is_sound: bool = False
    alive: int = 0
    states: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Island:
    """One machine: its name, and what its mail server has noted."""

    number: int
    trace: Path

    @property
    def name(self) -> str:
        """As ``ip netns`` knows it."""
        return f"island{self.number}"

    @property
    def within(self) -> tuple[str, ...]:
        """The command that starts a process there."""
        return ("ip", "netns", "exec", self.name)

    @property
    def line(self) -> str:
        """The router's end of its line."""
        return f"line{self.number}"

    def settle(self) -> None:
        """Make it, and its line to the router."""
        near, far = f"10.98.{self.number}.2", f"10.98.{self.number}.1"
        for words in (
            f"netns add {self.name}",
            f"link add {self.line} netns router type veth peer name out netns {self.name}",
            f"-n router addr add {far}/30 dev {self.line}",
            f"-n router link set {self.line} up",
            f"-n {self.name} link set lo up",
            f"-n {self.name} addr add {near}/30 dev out",
            f"-n {self.name} link set out up",
            f"-n {self.name} route add default via {far}",
        ):
            ip(words)

    def cut_off(self) -> None:
        """From now on the router drops what comes from it and what goes to it, and tells nobody."""
        for which in self._both_ways:
            ip(f"-n router rule add pref 10 {which} blackhole")

    def reconnect(self) -> None:
        """Let its line be as it was."""
        for which in self._both_ways:
            ip(f"-n router rule del pref 10 {which} blackhole")

    @property
    def _both_ways(self) -> tuple[str, str]:
        return f"iif {self.line}", f"to 10.98.{self.number}.2/32"

    def sent(self) -> int:
        """How many mails have left it."""
        return self.trace.read_text(encoding="utf-8").count("\n") if self.trace.exists() else 0


def ip(words: str) -> None:
    """Change the network."""
    subprocess.run(["ip", *words.split()], check=True)


def set_up_router() -> None:
    """Make what stands between the islands and us: there packets can be lost without anybody's noticing."""
    for words in (
        "link set lo up",
        "netns add router",
        "link add coast type veth peer name coast netns router",
        f"addr add {DATABASE}/30 dev coast",
        "link set coast up",
        "-n router addr add 10.98.0.2/30 dev coast",
        "-n router link set coast up",
        "route add 10.98.0.0/16 via 10.98.0.2",
    ):
        ip(words)
    forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
    subprocess.run(["ip", "netns", "exec", "router", "sh", "-c", forward], check=True)


@contextmanager
def settled(workers: Crowd, folder: Path) -> Iterator[list[Island]]:
    """Yield the islands, each with a mail server where the home's settings say it is."""
    port = re.search(r"^port = (\d+)", (workers.home / "messenger.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert port is not None
    with ExitStack() as ends:
        made = [Island(number, folder / f"island-{number}") for number in range(1, WORKERS + 1)]
        for one in made:
            one.settle()
            words = [
                "-m",
                "tests.faults.post",
                str(workers.ledger),
                "--port",
                port[1],
                "--trace",
                str(one.trace),
                "--thought",
                THOUGHT,
            ]
            post = subprocess.Popen([*one.within, sys.executable, *words], stdout=subprocess.PIPE, text=True)
            ends.callback(post.kill)
            assert post.stdout is not None
            assert post.stdout.readline().strip() == port[1]
        yield made


def play(folder: Path, rounds: int, longest: float) -> Seen:
    """Cut islands off, one after another, for so many seconds at most beyond what the others need."""
    chance, seen = random.Random(12), Seen()
    subprocess.run(
        ["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True
    )  # what networks are called is nobody else's business
    set_up_router()
    with server(host=DATABASE, trusted="10.98.0.0/16") as machine:
        url = new_database(machine.url)
        with (
            crowd(folder, url=url, uncertain="ask", lease=f"{LEASE:.0f}s") as workers,
            settled(workers, folder) as islands,
        ):
            workers.messenger("db", "upgrade")
            for one in islands:
                workers.start(within=one.within)
            for _ in range(rounds):
                be_cut_off(workers, islands, chance, seen, longest)
            workers.until_rest()
            seen.alive = sum(one.poll() is None for one in workers.workers)
            workers.stop_all()
            found = workers.account()
    seen.rows, seen.twice, seen.is_sound, seen.states = found.rows, found.seconds, found.is_sound, found.states
    return seen


def be_cut_off(workers: Crowd, islands: list[Island], chance: random.Random, seen: Seen, longest: float) -> None:
    """One island is cut off while all send; the others do the rest, and it sends again by itself when its line is back."""
    lonely = chance.choice(islands)
    before = lonely.sent()
    source = take_in(workers, seen)
    until(lambda: lonely.sent() >= before + chance.randint(1, 10), f"{lonely.name} to send")
    lonely.cut_off()
    alone, together = lonely.sent(), workers.arrived()
    source.wait()
    take_in(workers, seen).wait()
    until(lambda: workers.not_left() == 0, "the others to send the rest")
    time.sleep(chance.uniform(0.0, longest))  # how long a line is away is what is tried
    alone = lonely.sent() - alone
    seen.sent_alone = max(seen.sent_alone, alone)
    seen.sent_by_others = min(seen.sent_by_others, workers.arrived() - together - alone)
    lonely.reconnect()
    be_needed(workers, islands, lonely, seen)


def be_needed(workers: Crowd, islands: list[Island], lonely: Island, seen: Seen) -> None:
    """Only the island is left to send; the others come back after that."""
    begun = time.monotonic()
    others = [one for one in islands if one is not lonely]
    gone = [workers.workers[islands.index(one)] for one in others]
    for worker in gone:
        worker.terminate()
    for worker in gone:
        assert worker.wait(timeout=60) == 0
    before = lonely.sent()
    take_in(workers, seen).wait()
    until(lambda: lonely.sent() > before, f"{lonely.name} to send again")
    seen.back_after = max(seen.back_after, time.monotonic() - begun)
    until(lambda: workers.not_left() == 0, f"{lonely.name} to send all")
    for one in others:
        workers.workers[islands.index(one)] = workers.start(within=one.within)[0]
        workers.workers.pop()


def take_in(workers: Crowd, seen: Seen) -> subprocess.Popen[bytes]:
    """Begin to take messages in."""
    file = orders(workers.home.parent / f"{seen.total}.jsonl", range(seen.total, seen.total + EACH))
    seen.total += EACH
    words = [sys.executable, "-m", "messenger.cli", "--home", str(workers.home), "ingest", str(file)]
    return subprocess.Popen(words, env=workers.environ, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(play(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))))
