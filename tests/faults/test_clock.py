"""Clocks go wrong while workers send: forward, back, by days, and little by little. The time of day is shifted by ``clock.c``,
for a whole machine (SQLite) or for one of two (PostgreSQL); what counts seconds goes on as ever."""

from __future__ import annotations

import os
import random
import struct
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from tests.faults.account import Account
from tests.faults.crowd import CONNECTIONS, Crowd, crowd
from tests.faults.flow import RULES, flow, mails
from tests.faults.shims import built, needs_compiler
from tests.faults.table import Measured, told
from tests.postgres import drop_database, new_database

pytestmark = [needs_compiler, pytest.mark.timeout(3600)]
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "1"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JUMPS: Final = (3 * HOUR, -HOUR, 2 * DAY, -2 * DAY)[0 if ROUNDS > 1 else 2 :]
EACH: Final = 15
"""Messages that are due at once, around each jump."""
RATE: Final = 20
"""Messages a second that the account may carry at most."""


@dataclass(slots=True)
class Wall:
    """The clock on the wall of one machine.

    Args:
        path: of the file that ``clock.c`` watches.
        shifts: since when it was wrong by how much.
    """

    path: Path
    shifts: list[tuple[datetime, timedelta]] = field(default_factory=list)

    def turn(self, by: timedelta) -> None:
        """Set it forward, or back."""
        self._set(self.shift + by)

    def slew(self, by: timedelta, *, over: float) -> None:
        """Let it drift there little by little, as a time server would; takes so many seconds."""
        steps = 20
        for _ in range(steps):
            self._set(self.shift + by / steps)
            time.sleep(over / steps)  # the drift is what is tried

    @property
    def shift(self) -> timedelta:
        """By how much it is wrong."""
        return self.shifts[-1][1] if self.shifts else timedelta(0)

    def shown(self, at: datetime) -> datetime:
        """Return what it showed at most around an instant."""
        margin = timedelta(seconds=0.5)
        past = [shift for since, shift in self.shifts if since <= at - margin][-1:]
        return at + max(
            past + [shift for since, shift in self.shifts if abs(since - at) <= margin], default=timedelta(0)
        )

    def _set(self, shift: timedelta) -> None:
        with self.path.open("r+b" if self.path.exists() else "wb") as file:
            file.write(struct.pack("q", shift // timedelta(microseconds=1) * 1000))
        self.shifts.append((datetime.now(UTC), shift))


def test_the_clock_of_the_machine_jumps(tmp_path: Path, measured: Measured) -> None:
    """What falls due by it leaves, no faster than the account may carry; what expired is told; nothing leaves twice."""
    chance, wall = random.Random(16), Wall(tmp_path / "wall")
    wall.turn(timedelta(0))
    jumps = [one for _ in range(ROUNDS) for one in chance.sample(JUMPS, len(JUMPS))]
    taken = 0
    with crowd(tmp_path, uncertain="ask") as workers:
        set_up(workers, built("clock.c", tmp_path))
        workers.environ = workers.environ | {"MESSENGER_CLOCK": str(wall.path)}
        workers.messenger("db", "upgrade")
        workers.start(2)
        for place, jump in enumerate((timedelta(0), *jumps)):
            wall.turn(jump)
            taken = take_in(workers, wall, tmp_path, taken, place)
            wall.slew(timedelta(seconds=chance.uniform(-5, 5)), over=1.0)
        workers.until_rest(shift=wall.shift)
        now = datetime.now(UTC) + wall.shift
        alive = sum(one.poll() is None for one in workers.workers)
        workers.stop_all()
        found = workers.account()
        with workers.store() as store:
            due = {row.message_id: row.due_at for row in store.outbox()}
            waiting = {row.due_at for row in store.outbox() if row.state == "planned"}
    early = [one for one in mails(workers.ledger) if wall.shown(one.at) < due[one.message_id]]

    most = fastest(workers)
    measured(
        "R16 clock jumps, SQLite", size=f"{len(jumps)} jumps, {taken} messages, 2 workers",
        expected=f"twice 0, early 0, at most {RATE} a second, uncertain <= {len(jumps) * 2 * CONNECTIONS}",
        seen=f"twice {found.seconds}, early {len(early)}, at most {most} a second, {told(found.states)}",
    )  # fmt: skip
    assert alive == 2
    assert_calm(found, taken)
    assert found.states.get("uncertain", 0) <= len(jumps) * 2 * CONNECTIONS
    assert early == []
    assert min(waiting, default=now) >= now
    assert most <= RATE


def set_up(workers: Crowd, library: str) -> None:
    """Let the account carry so much, and messages expire after a day."""
    settings = workers.home / "messenger.toml"
    words = settings.read_text(encoding="utf-8")
    settings.write_text(words.replace("connections = 4\n", f'connections = 4\nrate = "{RATE}/s"\n'), encoding="utf-8")
    rules = RULES.replace('expiry = "20d"', 'expiry = "1d"')
    (workers.home / "schedules.toml").write_text(rules, encoding="utf-8")
    workers.environ = workers.environ | {"LD_PRELOAD": library}


def take_in(workers: Crowd, wall: Wall, folder: Path, taken: int, place: int) -> int:
    """Take in messages that are due now, in two hours, and in a day and a half, by the clock on the wall."""
    now, files = datetime.now(UTC) + wall.shift, []
    for delay in (timedelta(0), 2 * HOUR, 1.5 * DAY):
        first = now - timedelta(seconds=5) + delay
        files.append(flow(folder / f"{place}-{delay}", range(taken, taken + EACH), first=first))
        taken += EACH
    workers.ingest(*files)
    return taken


def fastest(workers: Crowd) -> int:
    """Return how many mails the server got in its busiest second."""
    at = sorted(one.at for one in mails(workers.ledger))
    return max((sum(one <= later < one + timedelta(seconds=1) for later in at) for one in at), default=0)


def assert_calm(found: Account, taken: int) -> None:
    """Nothing is lost, nothing was sent twice, and what was not sent says why."""
    assert found.rows == taken
    assert found.is_sound, found
    assert found.seconds == 0
    assert set(found.states) <= {"sent", "uncertain", "expired", "planned", "skipped"}


def test_the_clock_of_one_machine_of_two_jumps(postgres_server: str, tmp_path: Path, measured: Measured) -> None:
    """The database's clock counts: nothing leaves before it is due by that, and nobody takes what another one still holds."""
    chance, walls = random.Random(17), [Wall(tmp_path / "right"), Wall(tmp_path / "wrong")]
    right, wrong = walls
    for one in walls:
        one.turn(timedelta(0))
    jumps = [one for _ in range(ROUNDS) for one in chance.sample(JUMPS, len(JUMPS))]
    taken, url = 0, new_database(postgres_server)
    with crowd(tmp_path, url=url, uncertain="ask", lease="6s") as workers:
        set_up(workers, built("clock.c", tmp_path))
        workers.environ = workers.environ | {"MESSENGER_CLOCK": str(right.path)}
        workers.messenger("db", "upgrade")
        for one in walls:
            workers.environ = workers.environ | {"MESSENGER_CLOCK": str(one.path)}
            workers.start()
        workers.environ = workers.environ | {"MESSENGER_CLOCK": str(right.path)}
        for place, jump in enumerate((timedelta(0), *jumps)):
            wrong.turn(jump)
            taken = take_in(workers, right, tmp_path, taken, place)
            wrong.slew(timedelta(seconds=chance.uniform(-5, 5)), over=1.0)
        workers.kill(workers.workers[1])
        workers.start()
        workers.until_rest()
        alive = sum(one.poll() is None for one in workers.workers)
        workers.stop_all()
        found = workers.account()
        with workers.store() as store:
            due = {row.message_id: row.due_at for row in store.outbox()}
    early = [one for one in mails(workers.ledger) if one.at < due[one.message_id] - timedelta(seconds=0.1)]

    measured(
        "R16 clock of one of two jumps, PostgreSQL", size=f"{len(jumps)} jumps, {taken} messages, 2 workers",
        expected="twice 0, early 0, uncertain 0", seen=f"twice {found.seconds}, early {len(early)}, {told(found.states)}",
    )  # fmt: skip
    assert alive == 2
    assert_calm(found, taken)
    assert early == []
    assert found.states == {"sent": taken // 3, "planned": taken * 2 // 3}
    drop_database(url)
