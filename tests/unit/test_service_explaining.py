"""The story of an order tells what became of each message in the order it happened."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from messenger.bootstrap import open_app
from messenger.intake.files import read_json_lines
from messenger.ports import Line, OrderKey
from messenger.services.clocks import SetClock
from messenger.services.explaining import Explain
from tests.homes import live_home

SHIPPED = {
    "specversion": "1.0", "id": "1", "source": "erp", "type": "order.shipped", "time": "2026-03-02T12:00:00Z", "subject": "501",
    "data": {"shop": "toys", "buyer": {"email": "ana@example.com", "timezone": "Europe/Madrid"}, "shipment": {"number": "RR1"}},
}  # fmt: skip


def test_what_was_planned_and_could_not_leave_is_told_as_moved(tmp_path: Path) -> None:
    clock = SetClock(datetime(2026, 3, 3, 21, tzinfo=UTC))
    with open_app(live_home(tmp_path, port=9), {}, clock=clock) as engine:
        lines = [one for one in read_json_lines([json.dumps(SHIPPED).encode()], file="x") if isinstance(one, Line)]
        engine.ingest.accept(lines, kind="file", name="x")
        asyncio.run(engine.worker().run_until_idle())
        told = Explain(engine.store, engine.home, clock).order(OrderKey(shop="toys", number="501"))

    assert [step.text for step in told.steps if step.kind == "message"] == [
        "shipped: planned for 2026-03-03 13:00 CET",
        "shipped: moved to 2026-03-04 09:00 CET",
    ]
