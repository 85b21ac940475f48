"""The page about guarantees names tests that are there, and every promise that the fault suite measures."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "guarantees.md").read_text(encoding="utf-8")


def test_every_test_it_names_is_there() -> None:
    named = set(re.findall(r"`((?:tests|tools|benchmarks)/[\w/.]+)`", PAGE))

    assert len(named) > 15
    assert [one for one in sorted(named) if not (ROOT / one).exists()] == []


def test_every_promise_that_is_measured_has_its_line_with_the_test_that_measures_it() -> None:
    lines = dict(re.findall(r"^\| (R\d+) \|(.*)$", PAGE, re.MULTILINE))
    for path in sorted((ROOT / "tests" / "faults").glob("test_*.py")):
        for number in set(re.findall(r'\bf?"(R\d+) ', path.read_text(encoding="utf-8"))):
            assert f"tests/faults/{path.name}" in lines[number], (number, path.name)
