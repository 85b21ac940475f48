"""Run every bench once and print a table: ``make bench`` (``python -m benchmarks intake`` for one)."""

from __future__ import annotations

import sys

from benchmarks import composing, due, intake, rendering, simulate, webhooks, whole_path

BENCHES = {
    "composing": composing.run,
    "due": due.run,
    "intake": intake.run,
    "rendering": rendering.run,
    "simulate": simulate.run,
    "webhooks": webhooks.run,
    "whole-path": whole_path.run,
}


def main() -> None:
    """Run the named benches, or all of them."""
    names = sys.argv[1:] or list(BENCHES)
    print(f"{'bench':34} {'count':>8} {'seconds':>9} {'per second':>11}")
    for name in names:
        for figure in BENCHES[name]():
            print(f"{figure.name:34} {figure.count:8d} {figure.seconds:9.2f} {figure.rate:11.0f}", flush=True)


if __name__ == "__main__":
    main()
