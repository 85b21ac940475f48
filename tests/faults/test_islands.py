"""One of several workers is cut off from the database in the middle of sending, and told nothing: see ``islands.py``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.crowd import IN_DOUBT
from tests.faults.islands import WORKERS
from tests.faults.table import Measured, told

ROUNDS = min(6, int(os.environ.get("FAULT_ROUNDS", "1")))
LONGEST = 40.0 if ROUNDS > 1 else 0.0
"""Seconds that a line is away at most, beyond what the others need to send the rest."""
BACK_AFTER = 30.0
"""Seconds in which whoever was cut off sends again: dead lines are given up, and new ones made."""
APART = ("unshare", "--net", "--mount")


@pytest.mark.timeout(3600)
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: networks are made")
@pytest.mark.skipif(
    not (shutil.which("unshare") and shutil.which("ip")), reason="needs unshare (util-linux) and ip (iproute2)"
)
def test_a_worker_that_is_cut_off_from_the_database_sends_nothing(tmp_path: Path, measured: Measured) -> None:
    if subprocess.run([*APART, "ip", "link", "add", "type", "veth"], check=False, capture_output=True).returncode:
        pytest.skip("no networks may be made here")
    words = [*APART, sys.executable, "-m", "tests.faults.islands", str(tmp_path), str(ROUNDS), str(LONGEST)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)

    measured(
        "R6 one of several is cut off, PostgreSQL", size=f"{ROUNDS} cuts, {seen['total']} messages, {WORKERS} networks",
        expected=f"lost 0, twice 0, sent while cut off <= {IN_DOUBT}, by others > 0, back after <= {BACK_AFTER:.0f} s",
        seen=f"lost {seen['total'] - seen['rows']}, twice {seen['twice']}, sent while cut off {seen['sent_alone']}, by others "
             f">= {seen['sent_by_others']}, back after {seen['back_after']:.0f} s, {told(seen['states'])}",
    )  # fmt: skip
    assert seen["rows"] == seen["total"]
    assert seen["is_sound"], seen
    assert seen["twice"] == 0
    assert seen["sent_alone"] <= IN_DOUBT
    assert seen["sent_by_others"] > 0
    assert seen["back_after"] <= BACK_AFTER
    assert seen["alive"] == WORKERS
    assert set(seen["states"]) <= {"sent", "uncertain"}
    assert seen["states"].get("uncertain", 0) <= ROUNDS * IN_DOUBT
