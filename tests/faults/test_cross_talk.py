"""Four workers at once: what one buyer is told never reaches another, and each reads their own language.

``CROSS_TALK`` sets how many messages; ``make faults`` sends 20,000.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from tests.homes import live_home

MESSAGES: Final = int(os.environ.get("CROSS_TALK", "600"))
WORKERS: Final = 4
LANGUAGES: Final = {"ES": "es", "RU": "ru", "US": "en", "CN": "zh"}
RULES: Final = """\
version = 1
[safety]
max_new_messages = 1000000
[rules.shipped]
template = "shipped"
on = "order.shipped"
window = "always"
"""


@contextmanager
def reading(ledger: Path) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.canary_sink", str(ledger)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def canaries(count: int) -> list[str]:
    chance = Random(24)
    return ["canary" + "".join(chance.choices("abcdefghijklmnop", k=12)) for _ in range(count)]


def orders(names: list[str]) -> Iterator[dict[str, Any]]:  # Any: a document
    at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    for number, name in enumerate(names):
        country = list(LANGUAGES)[number % len(LANGUAGES)]
        yield {
            "specversion": "1.0", "id": f"{number}", "source": "erp", "type": "order.shipped", "time": at, "subject": f"{number}",
            "data": {
                "shop": "toys", "shipment": {"number": f"RR{number}"}, "order": {"items": [{"title": f"Puzzle {name}"}]},
                "buyer": {"name": name.title(), "email": f"{name}@example.com", "country": country, "language": LANGUAGES[country]},
            },
        }  # fmt: skip


def started(home: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "messenger.cli", "--home", str(home), *arguments], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code, and what it said: how many it sent, or why it could not."""
    done, said = process.communicate()
    return process.returncode, done + said


def in_small_bites(home: Path) -> None:
    """Few claims at a time, so that the workers' messages lie between one another's."""
    path = home / "messenger.toml"
    path.write_text(path.read_text(encoding="utf-8") + "batch = 20\n", encoding="utf-8")


@pytest.mark.timeout(120 + MESSAGES // 20)
def test_nobody_reads_what_is_anothers(tmp_path: Path) -> None:
    names = canaries(MESSAGES)
    ledger = tmp_path / "ledger"
    events = tmp_path / "events.jsonl"
    events.write_text("\n".join(json.dumps(one) for one in orders(names)), encoding="utf-8")
    with reading(ledger) as port:
        home = live_home(tmp_path / "home", port=port)
        (home / "schedules.toml").write_text(RULES, encoding="utf-8")
        in_small_bites(home)
        assert end_of(started(home, "ingest", str(events)))[0] == 0
        workers = [started(home, "run", "--until-idle") for _ in range(WORKERS)]
        ended = [end_of(worker) for worker in workers]
    mails = [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]

    assert [code for code, _ in ended] == [0] * WORKERS, ended
    assert sum(" sent" in said for _, said in ended) >= 2, ended
    assert sorted(mail["to"][0] for mail in mails) == sorted(f"{name}@example.com" for name in names)
    assert len({mail["id"] for mail in mails}) == MESSAGES
    assert [mail for mail in mails if len(mail["to"]) != 1 or mail["told"] != [mail["to"][0].partition("@")[0]]] == []
    spoken = {name: list(LANGUAGES.values())[number % len(LANGUAGES)] for number, name in enumerate(names)}
    assert [mail for mail in mails if mail["language"] != spoken[mail["told"][0]]] == []
