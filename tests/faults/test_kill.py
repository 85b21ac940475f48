"""The process is killed while it sends, again and again: nothing is lost, and nothing unknown is hidden."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.homes import live_home

MESSAGES = 300
KILLS = 10
IN_FLIGHT = 4
"""Connections of the transport: no more messages than that are on the wire at once."""

RULES = """\
version = 1
[safety]
max_new_messages = 1000
[rules.shipped]
template = "shipped"
on = "order.shipped"
window = "always"
"""


@contextmanager
def sink(ledger: Path) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.sink", str(ledger)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def events(folder: Path) -> Path:
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    lines = [
        json.dumps(
            {
                "specversion": "1.0", "id": f"{number}", "source": "erp", "type": "order.shipped", "time": at, "subject": f"{number}",
                "data": {
                    "shop": "toys", "buyer": {"email": f"b{number}@example.com", "country": "ES", "language": "es"},
                    "shipment": {"number": f"RR{number}"}, "order": {"items": [{"title": "Puzzle"}]},
                },
            }
        )
        for number in range(MESSAGES)
    ]  # fmt: skip
    path = folder / "events.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def messenger(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "messenger.cli", "--home", str(home), *arguments],
        check=True,
        capture_output=True,
        text=True,
    )


def accepted(ledger: Path) -> Counter[str]:
    return (
        Counter(line.split()[0] for line in ledger.read_text(encoding="utf-8").splitlines())
        if ledger.exists()
        else Counter()
    )


def kill_in_the_middle(home: Path, ledger: Path, more: int) -> None:
    """Start a run and kill it as soon as the mailbox has that many more mails."""
    before = sum(accepted(ledger).values())
    process = subprocess.Popen(
        [sys.executable, "-m", "messenger.cli", "--home", str(home), "run", "--until-idle"], stdout=subprocess.DEVNULL
    )
    while process.poll() is None and sum(accepted(ledger).values()) < before + more:
        pass
    process.kill()
    process.wait()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("uncertain", ["resend", "ask"])
def test_a_killed_worker_loses_nothing(uncertain: str, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger"
    chance = random.Random(7)
    with sink(ledger) as port:
        home = live_home(tmp_path / "home", port=port, uncertain=uncertain, lease="1s")
        (home / "schedules.toml").write_text(RULES, encoding="utf-8")
        messenger(home, "ingest", str(events(tmp_path)))
        for _ in range(KILLS):
            kill_in_the_middle(home, ledger, chance.randint(5, 20))
        messenger(home, "run", "--until-idle")
        rows = [json.loads(line) for line in messenger(home, "outbox", "list", "--json").stdout.splitlines()]
    got = accepted(ledger)
    sent = {row["message_id"] for row in rows if row["state"] == "sent"}
    unknown = {row["message_id"]: row["order"] for row in rows if row["state"] == "uncertain"}

    assert len(rows) == MESSAGES
    assert sent | set(unknown) == {row["message_id"] for row in rows}
    assert sent <= set(got)
    if uncertain == "ask":
        assert max(got.values()) == 1
        assert len(unknown) <= KILLS * IN_FLIGHT
    else:
        assert max(got.values()) <= 2
        assert sum(got.values()) - len(got) <= KILLS * IN_FLIGHT
        assert {times_lost(home, order) for order in unknown.values()} <= {2}


def times_lost(home: Path, order: str) -> int:
    """How often the order's message was on the wire when the process died; after the second time it is left to staff."""
    told = json.loads(messenger(home, "explain", f"toys/{order}", "--json").stdout)
    return sum(step["what"] == "uncertain" for step in told["timeline"])
