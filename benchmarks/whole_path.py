"""The whole path: claim, guard, render, assemble, SMTP, record; beside Postfix's own smtp-source where it is installed."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from benchmarks.common import START, Figure, events, home, timed
from messenger.bootstrap import open_app
from messenger.ports import Line
from messenger.services.clocks import SetClock


def run(orders: int = 1000) -> Iterator[Figure]:
    """Send one message per order to smtp-sink; then let smtp-source send as many."""
    sink = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin:/usr/lib/postfix/sbin")
    if sink is None:
        print("whole path: smtp-sink is not installed (Debian: postfix); left out")
        return
    with _sink(sink) as port:
        with (
            home(port=port) as folder,
            open_app(folder, {}, clock=SetClock(START + timedelta(days=2, hours=4))) as engine,
        ):
            lines = [
                Line(file="bench", line=1, event=event)
                for event in events(orders, per_order=("order.paid", "order.shipped"))
            ]
            engine.ingest.accept(lines, kind="bench", name="bench")
            engine.ingest.take_in()
            worker = engine.worker()
            yield timed("whole path: messages sent", lambda: asyncio.run(worker.run_until_idle()).counts.get("sent", 0))
        source = shutil.which("smtp-source") or shutil.which("smtp-source", path="/usr/sbin:/usr/lib/postfix/sbin")
        if source:
            command = [
                source,
                "-s",
                "4",
                "-m",
                str(orders),
                "-l",
                "4000",
                "-f",
                "a@x.example",
                "-t",
                "b@x.example",
                f"127.0.0.1:{port}",
            ]
            yield timed(
                "smtp-source (C, fixed 4 kB)", lambda: (subprocess.run(command, check=True).returncode == 0) * orders
            )


@contextmanager
def _sink(program: str) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen([program, "-u", "nobody", f"127.0.0.1:{port}", "100"])
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()
