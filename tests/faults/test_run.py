"""``messenger run`` as a process of its own: what it does by the clock it really does, and it stops cleanly."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from messenger.domain.messages import State
from messenger.storage import migrate, open_store
from tests.builders import event
from tests.homes import live_home
from tests.storage_samples import accept, message, plan

RULES = 'version = 1\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\nwindow = "always"\n'


@contextmanager
def running(home: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "messenger.cli", "--home", str(home), "run"], stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def until(process: subprocess.Popen[str], *words: str) -> str:
    """Read what the process says until a line has all these words; the test's own timeout ends a wait in vain."""
    assert process.stderr is not None
    for line in process.stderr:
        if all(word in line for word in words):
            return line
    raise AssertionError(f"the process ended and never said {words}")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = live_home(tmp_path / "home", port=9, lease="3s")
    (made / "schedules.toml").write_text(RULES, encoding="utf-8")
    return made


def test_an_edit_is_adopted_a_broken_one_is_told_and_a_stop_is_clean(home: Path) -> None:
    rules = home / "schedules.toml"
    with running(home) as process:
        until(process, "messenger is running")
        rules.write_text(RULES.replace("order.shipped", "order.shiped"), encoding="utf-8")
        assert "schedules.toml:4:6" in until(process, "generation_rejected")
        rules.write_text(RULES + 'delay = "1d"\n', encoding="utf-8")
        until(process, "generation_adopted", "generation=2")
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=30) == 0


def test_what_a_dead_worker_left_is_freed_by_the_one_that_runs(home: Path) -> None:
    url = f"sqlite:///{home}/data/messenger.db"
    migrate(url)
    store = open_store(url)
    now = datetime.now(UTC)
    plan(store, message(due=now - timedelta(minutes=1)))
    assert store.claim(owner="dead", now=now, lease_until=now - timedelta(seconds=1), limit=5)
    store.close()

    with running(home) as process:
        assert "claimed=1" in until(process, "rescued")


def test_a_running_worker_takes_in_what_others_have_brought(home: Path) -> None:
    with running(home) as process:
        until(process, "messenger is running")
        store = open_store(f"sqlite:///{home}/data/messenger.db")
        buyer = {"email": "ana@example.com", "country": "ES"}
        at = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
        accept(store, event("order.shipped", order="77", at=at, buyer=buyer, shipment={"number": "RR77"}))
        rows = list(store.outbox())
        while not rows:
            rows = list(store.outbox())
        store.close()

    assert rows[0].order == "77"
    assert rows[0].state in {State.PLANNED, State.CLAIMED, State.SENDING}


STOPPING = """
import asyncio, threading
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from messenger.cli.logs import set_up_logs

begun, over = threading.Event(), threading.Event()

def look():
    begun.set()
    over.wait(30)

def stumble():
    raise ValueError("stumbled")

async def main():
    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(stumble)
    scheduler.add_job(look)
    scheduler.start()
    await asyncio.to_thread(begun.wait, 30)
    await asyncio.sleep(0.1)
    scheduler.shutdown(wait=False)
    await asyncio.sleep(0.1)
    over.set()

set_up_logs()
asyncio.run(main())
"""


def test_a_look_that_is_cut_off_by_a_stop_is_no_error() -> None:
    done = subprocess.run([sys.executable, "-c", STOPPING], check=True, capture_output=True, text=True)

    assert "ValueError: stumbled" in done.stderr
    assert "CancelledError" not in done.stderr
