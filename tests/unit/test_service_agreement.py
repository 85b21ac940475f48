"""The simulator and the worker say the same: same messages, same instants, same languages."""

from __future__ import annotations

import asyncio
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import pytest

from messenger.bootstrap import open_app
from messenger.domain.messages import State
from messenger.intake.files import read_json_lines
from messenger.mail.inbox import LocalInbox
from messenger.ports import Line
from messenger.services.clocks import SetClock
from messenger.services.simulating import Simulator
from tests.homes import live_home, open_valve


@pytest.mark.parametrize("at", ["2026-03-12T11:00:00+00:00", "2026-03-20T15:30:00+00:00", "2026-04-05T03:00:00+00:00"])
def test_simulate_and_run_agree(at: str, tmp_path: Path) -> None:
    asyncio.run(_agree(datetime.fromisoformat(at), tmp_path))


async def _agree(now: datetime, folder: Path) -> None:
    lines = [
        line
        for line in read_json_lines(
            files("messenger.demo").joinpath("orders.jsonl").read_bytes().splitlines(), file="orders.jsonl"
        )
        if isinstance(line, Line)
    ]
    async with LocalInbox(folder / "mail", clock=SetClock(now)) as inbox:
        home = live_home(folder / "home", port=inbox.port)
        open_valve(home)
        with open_app(home, {}, clock=SetClock(now)) as engine:
            engine.ingest.accept(lines, kind="file", name="orders.jsonl")
            await engine.worker().run_until_idle()
            done = {
                (str(row.key), row.state, row.reason, row.locale)
                for row in engine.store.outbox()
                if row.state not in (State.PLANNED, State.HELD)
            }
            waiting = {(str(row.key), row.due_at) for row in engine.store.outbox(states=[State.PLANNED])}
            simulated = Simulator(engine.home, at=now, end=now).play(line.event for line in lines)
        sent = {mail.message_id for mail in inbox.messages()}

    told = {
        (f"toys/{one.rule}/{one.scope}/{one.step}", one.outcome, one.reason, one.locale)
        for one in simulated
        if one.outcome not in ("planned", "held")
    }
    assert done == told
    assert len(sent) == sum(state is State.SENT for _, state, _, _ in done)
    assert len(waiting) == sum(one.outcome == "planned" for one in simulated)
