"""Live lives by their seeds and print their traces: ``python -m tests.simulation FOLDER SEED…``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.simulation.life import live
from tests.simulation.test_simulation import make_world

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    world = make_world(folder)
    for seed in sys.argv[2:]:
        life = live(int(seed), world, folder / "lives")
        print(seed, len(life.rows), len(life.accepted), life.kills, life.trace)  # noqa: T201  # a command
