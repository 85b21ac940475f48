"""Intake: events stored, folded and planned by the default rules, SQLite, one process."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.common import Figure, events, home, timed
from messenger.bootstrap import open_app
from messenger.ports import Line


def run(orders: int = 1000) -> Iterator[Figure]:
    """Accept and take in the events of many orders."""
    lines = [Line(file="bench", line=index, event=event) for index, event in enumerate(events(orders), start=1)]
    with home() as folder, open_app(folder, {}) as engine:
        accepted = timed("intake: accepted", lambda: engine.ingest.accept(lines, kind="bench", name="bench").new)
        taken = timed("intake: folded and planned", lambda: engine.ingest.take_in() and len(lines))
    yield accepted
    yield taken
    yield Figure("intake: both", len(lines), accepted.seconds + taken.seconds)
