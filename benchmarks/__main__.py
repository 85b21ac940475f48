"""Run every bench and print a table: ``make bench``; ``python -m benchmarks intake`` runs one.

All of them together are also written to ``docs/benchmarks.md``.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import composing, due, intake, rendering, simulate, starting, webhooks, whole_path
from benchmarks.common import Figure
from benchmarks.side_by_side import HEADS, Row

BENCHES: Final[Mapping[str, Callable[[], Iterator[Row] | Iterator[Figure]]]] = {
    "whole-path": whole_path.run,
    "rendering": rendering.run,
    "composing": composing.run,
    "intake": intake.run,
    "due": due.run,
    "simulate": simulate.run,
    "webhooks": webhooks.run,
    "starting": starting.run,
}
PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def main() -> None:
    """Run the named benches, or all of them."""
    names = sys.argv[1:] or list(BENCHES)
    rows: list[Row] = []
    for name in names:
        for row in map(_row, BENCHES[name]()):
            rows.append(row)
            print(" | ".join(row.cells).rstrip(" |"), flush=True)
    if not sys.argv[1:]:
        PAGE.write_text("".join(f"{line}\n" for line in _page(rows)), encoding="utf-8")


def _row(found: Row | Figure) -> Row:
    if isinstance(found, Row):
        return found
    return Row(what=found.name, ours=f"{found.rate:,.0f} /s")


def _page(rows: Sequence[Row]) -> Iterator[str]:
    yield "# Benchmarks"
    yield ""
    yield (
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {platform.system()}, Python "
        f"{platform.python_version()}. Each ratio is of two things measured in turns in one run, the median of three rounds with its "
        "spread: machines are noisy, so trust ratios, and those only roughly. What each goal means, and what limits it now: "
        "[speed](explanation/speed.md)."
    )
    yield ""
    for cells in (HEADS, ("---",) * len(HEADS), *(row.cells for row in rows)):
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
