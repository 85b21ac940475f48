"""Several workers on one database are killed, stopped and asked to go while they send: nothing lost, nothing twice but by policy."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from tests.faults.crowd import CONNECTIONS, IN_DOUBT, crowd, orders
from tests.faults.post import STAGES
from tests.faults.table import Measured

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))
"""How often something is done to somebody; ``make faults`` sets more, and tries every stage."""
WHERE = STAGES if ROUNDS > 2 else ("dot", "before-yes")
EACH = 40
"""Messages for each round."""
WORKERS = 4


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("uncertain", ["resend", "ask"])
def test_workers_are_killed_at_random(uncertain: str, database: str, tmp_path: Path, measured: Measured) -> None:
    chance = random.Random(11)
    total = ROUNDS * EACH
    with crowd(tmp_path, url=database, uncertain=uncertain) as workers:
        workers.messenger("db", "upgrade")
        workers.ingest(orders(tmp_path / "events.jsonl", range(total)))
        workers.start(WORKERS)
        kills = 0
        for number in range(ROUNDS):
            workers.until_arrived(min(total * 9 // 10, number * EACH + chance.randint(1, EACH)))
            victims = list(workers.workers) if chance.random() < 0.2 else [chance.choice(workers.workers)]
            for victim in victims:
                workers.kill(victim)
            kills += len(victims)
            workers.start(len(victims))
        workers.until_rest()
        codes, left = workers.stop_all(), workers.left()
        found = workers.account()

    uncertain_rows = found.states.get("uncertain", 0)
    measured(
        f"R1 kill -9, {uncertain}, {'PostgreSQL' if database else 'SQLite'}", size=f"{kills} kills, {total} messages, {WORKERS} workers",
        expected="lost 0" + (", twice 0" if uncertain == "ask" else f", twice <= {kills * CONNECTIONS}"),
        seen=f"lost {len(found.lost) + total - found.rows}, twice {found.seconds}, uncertain {uncertain_rows}",
    )  # fmt: skip
    assert found.rows == total
    assert found.is_sound, found
    assert set(found.states) <= {"sent", "uncertain"}, left
    assert found.seconds <= (0 if uncertain == "ask" else kills * CONNECTIONS)
    assert uncertain_rows <= kills * IN_DOUBT
    assert set(codes) == {0}


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("stage", WHERE)
def test_a_worker_is_killed_by_the_mail_server_at_a_stage(stage: str, tmp_path: Path, measured: Measured) -> None:
    """Where it died decides what may be unknown: before the commit point nothing is."""
    target = tmp_path / "target"
    target.write_text("", encoding="ascii")
    total = ROUNDS * 10
    with crowd(
        tmp_path,
        uncertain="ask",
        post=("--harm", stage, "--target", str(target), "--lasts", "1" if stage == "quit" else "3"),
    ) as workers:
        workers.messenger("db", "upgrade")
        workers.ingest(orders(tmp_path / "events.jsonl", range(total)))
        deaths = 0
        while deaths < ROUNDS and workers.arrived() < total * 8 // 10:
            (worker,) = workers.start()
            target.write_text(str(worker.pid), encoding="ascii")
            if stage == "quit":
                workers.until_arrived(min(total, workers.arrived() + 3))
                worker.send_signal(signal.SIGTERM)
            worker.wait(timeout=120)
            workers.workers.remove(worker)
            deaths += 1
        target.write_text("", encoding="ascii")
        workers.start()
        workers.until_rest()
        workers.stop_all()
        found = workers.account()

    measured(
        f"R2 killed at {stage}", size=f"{deaths} kills, {total} messages", expected="lost 0, twice 0",
        seen=f"lost {len(found.lost) + total - found.rows}, twice {found.seconds}, uncertain {found.states.get('uncertain', 0)}",
    )  # fmt: skip
    assert found.rows == total
    assert found.is_sound, found
    assert found.seconds == 0
    assert found.states.get("uncertain", 0) <= deaths * IN_DOUBT


@pytest.mark.timeout(3600)
def test_workers_are_asked_to_go_while_they_send(database: str, tmp_path: Path, measured: Measured) -> None:
    chance = random.Random(12)
    total = ROUNDS * EACH
    with crowd(tmp_path, url=database, uncertain="resend") as workers:
        workers.messenger("db", "upgrade")
        workers.ingest(orders(tmp_path / "events.jsonl", range(total)))
        left = 0
        codes: list[int] = []
        for number in range(ROUNDS):
            workers.start(2)
            workers.until_arrived(min(total, number * EACH + chance.randint(1, EACH)))
            codes += workers.stop_all()
            with workers.store() as store:
                left += sum(row.state in ("claimed", "sending") for row in store.outbox())
        workers.start(2)
        workers.until_rest()
        codes += workers.stop_all()
        found = workers.account()

    measured(
        f"R3 SIGTERM, {'PostgreSQL' if database else 'SQLite'}", size=f"{ROUNDS} rounds, {total} messages",
        expected="lost 0, twice 0, uncertain 0, left claimed 0",
        seen=f"lost {len(found.lost) + total - found.rows}, twice {found.seconds}, uncertain {found.states.get('uncertain', 0)}, "
             f"left claimed {left}",
    )  # fmt: skip
    assert set(codes) == {0}
    assert left == 0
    assert found.states == {"sent": total}
    assert found.is_sound, found
    assert found.seconds == 0


@pytest.mark.timeout(3600)
def test_a_worker_stands_still_for_longer_than_its_lease(database: str, tmp_path: Path, measured: Measured) -> None:
    """Another one takes over what it held; when it wakes it sends nothing of that, and what it had on the wire is fenced."""
    chance = random.Random(13)
    total = ROUNDS * EACH
    with crowd(tmp_path, url=database, uncertain="resend") as workers:
        workers.messenger("db", "upgrade")
        workers.ingest(orders(tmp_path / "events.jsonl", range(total)))
        workers.start(2)
        for number in range(ROUNDS):
            workers.until_arrived(min(total * 9 // 10, number * EACH + chance.randint(1, EACH)))
            sleeper = chance.choice(workers.workers)
            workers.stand_still(sleeper)
            workers.until_taken_over()
            sleeper.send_signal(signal.SIGCONT)
        workers.until_rest()
        workers.stop_all()
        found = workers.account()

    measured(
        f"R7 SIGSTOP beyond the lease, {'PostgreSQL' if database else 'SQLite'}", size=f"{ROUNDS} rounds, {total} messages",
        expected=f"lost 0, twice <= {ROUNDS * CONNECTIONS}, copies <= 2",
        seen=f"lost {len(found.lost) + total - found.rows}, twice {found.seconds}, copies <= {max(found.copies.values())}",
    )  # fmt: skip
    assert found.rows == total
    assert found.is_sound, found
    assert found.seconds <= ROUNDS * CONNECTIONS
