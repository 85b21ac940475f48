"""How long the command takes before it does anything."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.side_by_side import Row


def run() -> Iterator[Row]:
    """Start ``messenger --help`` a few times."""
    taken = [_started() for _ in range(7)]
    middle = median(taken)
    yield Row(
        what="messenger --help", ours=f"{middle * 1000:.0f} ms", ratio=f"({min(taken) * 1000:.0f}–{max(taken) * 1000:.0f})",
        goal="< 250 ms", is_met=middle < 0.25,
    )  # fmt: skip


def _started() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "messenger.cli", "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun
