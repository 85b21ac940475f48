"""The whole path: real workers claim, guard, render, assemble, send and record, beside what others do and what the wire can."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from benchmarks import postfix, transport
from benchmarks.rig import ED25519, RSA, Rig, Slow, rig
from benchmarks.side_by_side import Row, compared, from_pairs

MESSAGES: Final = 4000
FEW: Final = 1000
"""Messages of peers, which are slow."""
WIRE: Final = 20_000
"""Messages of smtp-source, which is quick."""


def run() -> Iterator[Row]:
    """Measure everything that sends."""
    with postfix.sink() as port:
        yield compared(
            "transport alone, pipelined, 8 connections", lambda: transport.ours(port, WIRE // 2), "smtp-source, 10 connections",
            lambda: postfix.source(port, WIRE), at_least=1.5,
        )  # fmt: skip
        with rig("sqlite", MESSAGES) as shop:
            yield from _sqlite(shop, port)
        with rig("postgresql", MESSAGES) as shop:
            yield from _beside_the_wire(shop, port, "PostgreSQL")
            yield from _scale_out(shop)


def _sqlite(shop: Rig, port: int) -> Iterator[Row]:
    yield from _beside_the_wire(shop, port, "SQLite")
    for processes in (1, 2):
        yield compared(
            f"whole path, SQLite, {processes} worker{'s' * (processes > 1)}", lambda number=processes: shop.run(number, port).rate,  # type: ignore[misc]
            f"django-post_office, {processes} process{'es' * (processes > 1)}",
            lambda number=processes: peer("post_office", port, FEW, number), at_least=10,  # type: ignore[misc]
        )  # fmt: skip
    yield compared(
        "whole path, SQLite, 2 workers", lambda: shop.run(2, port).rate, "one APScheduler job a message",
        lambda: peer("one_job_each", port, FEW), at_least=25,
    )  # fmt: skip
    for name, signing, goal in (("Ed25519", ED25519, 0.9), ("RSA-2048", RSA, 0.4)):
        yield compared(
            f"whole path signed with {name}, 1 worker", lambda tables=signing: shop.run(1, port, tables=tables).rate, "unsigned",  # type: ignore[misc]
            lambda: shop.run(1, port).rate, at_least=goal,
        )  # fmt: skip


def _beside_the_wire(shop: Rig, port: int, engine: str) -> Iterator[Row]:
    memory = 0.0
    for workers, goal in ((1, 0.3), (2, 0.5)):
        pairs = []
        for _ in range(3):
            found = shop.run(workers, port)
            memory = max(memory, found.memory)
            pairs.append((found.rate, postfix.source(port, WIRE)))
        yield from_pairs(
            f"whole path, {engine}, {workers} worker{'s' * (workers > 1)}", pairs, "smtp-source", at_least=goal
        )
    yield Row(what=f"memory of a worker, {engine}", ours=f"{memory:.0f} MiB", goal="< 120 MiB", is_met=memory < 120)


def _scale_out(shop: Rig) -> Iterator[Row]:
    with Slow(0.05) as slow:
        rates = {number: shop.run(number, slow.port).rate for number in (1, 2, 4)}
    for number, goal in ((2, 1.9), (4, 3.6)):
        yield from_pairs(
            f"{number} workers, PostgreSQL, a server that answers after 50 ms", [(rates[number], rates[1])], "1 worker", at_least=goal
        )  # fmt: skip


def peer(name: str, *words: int) -> float:
    """Run a peer's program; returns its messages a second."""
    command = [sys.executable, "-m", f"benchmarks.peers.{name}", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-500:]}")
    return float(done.stdout.split()[-1])
