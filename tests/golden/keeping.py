"""Comparing with what was approved, or writing it anew: ``make golden``."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def assert_as_approved(path: Path, made: str) -> None:
    """Fail when a text is not what the file holds; with GOLDEN=write the file is written instead."""
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert path.exists(), f"{path} is missing, run: make golden"
    assert made == path.read_text(encoding="utf-8"), "run: make golden, and read the difference"
