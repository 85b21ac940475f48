"""Many messages, and many events that come again and again: each message once, and all the books agree.

``PLENTY`` sets how many; ``make faults`` sends 50,000.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from tests.faults.crowd import CONNECTIONS, Crowd, crowd, orders, until
from tests.faults.reconciling import books
from tests.faults.table import Measured

pytestmark = pytest.mark.timeout(7200)
PLENTY: Final = int(os.environ.get("PLENTY", "2000"))
WORKERS: Final = 4


def test_four_workers_send_plenty(database: str, tmp_path: Path, measured: Measured) -> None:
    with crowd(tmp_path, url=database, lease="60s") as workers:
        workers.messenger("db", "upgrade")
        begun = time.monotonic()
        workers.ingest(orders(tmp_path / "events.jsonl", range(PLENTY)))
        taken = time.monotonic()
        workers.start(WORKERS)
        started = time.monotonic()
        until(lambda: workers.arrived() >= PLENTY, "all to arrive")
        done = time.monotonic()
        workers.until_rest()
        workers.stop_all()
        found, said, kept = workers.account(), workers.logs(), books(workers)
    wrong = kept.mismatches([f"{one}" for one in range(PLENTY)], exact=True)
    complaints = [line for line in said.splitlines() if " warning " in line or " error " in line]

    measured(
        f"R6 plenty, {'PostgreSQL' if database else 'SQLite'}", size=f"{PLENTY} messages, {WORKERS} workers, no fault",
        expected="lost 0, twice 0, complaints 0",
        seen=f"lost {len(found.lost) + PLENTY - found.rows}, twice {found.seconds}, complaints {len(complaints)}, "
             f"in {PLENTY / (taken - begun):.0f}/s, out {PLENTY / (done - started):.0f}/s",
    )  # fmt: skip
    measured(
        f"R24 books, {'PostgreSQL' if database else 'SQLite'}", size=f"{PLENTY} messages, their attempts, record and copies",
        expected="mismatches 0", seen=f"mismatches {len(wrong)}",
    )  # fmt: skip
    assert wrong == []
    assert found.states == {"sent": PLENTY}
    assert found.is_sound, found
    assert found.seconds == 0
    assert complaints == []
