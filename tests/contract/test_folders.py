"""Folders that are watched: files are taken in once they are complete, each by its content once, and nothing in the folder is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from messenger.bootstrap import Engine, open_app
from messenger.bootstrap.folders import folders_of
from messenger.domain.alerts import Alert, AlertKind
from messenger.domain.orders import Order
from messenger.ports import Line, OrderKey, Rejected
from messenger.ports.folders import FileRead, Look, WatchedFolder
from messenger.services.clocks import SetClock
from messenger.services.folders import Folders
from messenger.services.ingesting import Report
from tests.builders import utc
from tests.sheets import ORDER, table, write_csv, write_xlsx
from tests.stage import HEAD, Stage
from tests.stage import stage as a_stage

START = utc("2026-03-05T12:00")
RULES = f'{HEAD}[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\ndelay = "1d"\n'
SOURCE = '\n[sources.sheets]\nkind = "folder"\nshop = "toys"\npath = "inbox"\nevery = "1s"\n'
SECOND = timedelta(seconds=1)


@dataclass(slots=True)
class Watched:
    """A home with a folder that is watched, and the clock that is set by hand."""

    engine: Engine
    clock: SetClock
    inbox: Path
    folders: Folders

    def wait(self, span: timedelta) -> None:
        self.clock.advance_to(self.clock.now() + span)

    def look(self) -> Sequence[Report]:
        """Let some seconds go by, and look into the folder."""
        self.wait(2 * SECOND)
        (watched,) = self.folders.folders()
        return self.folders.run(watched)

    def put(self, name: str, *orders: Mapping[str, object], age: timedelta = timedelta(0)) -> Path:
        """Put a sheet in, last written so long ago."""
        path = self.inbox / name
        (write_xlsx if name.endswith(".xlsx") else write_csv)(path, table(*(orders or ({**ORDER},))))
        return touched(path, self.clock.now() - age)

    def put_bytes(self, name: str, content: bytes, *, age: timedelta = timedelta(hours=1)) -> Path:
        (self.inbox / name).write_bytes(content)
        return touched(self.inbox / name, self.clock.now() - age)

    @property
    def numbers(self) -> list[str]:
        """Of all orders, with what was just accepted."""
        self.engine.ingest.take_in()
        return sorted(one.number for one in self.engine.store.find_orders())

    def order(self, number: str) -> Order:
        key = OrderKey(shop="toys", number=number)
        found = self.engine.home.order(self.engine.store.events_of([key])[key])
        assert found is not None
        return found

    def alerts(self) -> list[Alert]:
        return self.engine.store.alerts()


def touched(path: Path, at: datetime) -> Path:
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def numbered(*numbers: int) -> list[Mapping[str, object]]:
    return [{**ORDER, "number": str(one)} for one in numbers]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    opened = a_stage(tmp_path)
    (opened.folder / "schedules.toml").write_text(RULES, encoding="utf-8")
    opened.settings(more=SOURCE)
    (opened.folder / "inbox").mkdir()
    yield opened
    opened.close()


@pytest.fixture
def watched(stage: Stage) -> Watched:
    stage.at(START)
    return Watched(
        engine=stage.engine, clock=stage.clock, inbox=stage.folder / "inbox", folders=folders_of(stage.engine)
    )


def test_a_file_is_taken_in_once_nobody_writes_to_it(watched: Watched) -> None:
    watched.put("a.csv", *numbered(1))
    assert watched.look() == []

    watched.put("a.csv", *numbered(1, 2), age=-SECOND)
    assert watched.look() == [], "it has grown"
    (report,) = watched.look()

    assert (report.rejected, watched.numbers) == (0, ["1", "2"])
    assert watched.look() == []


def test_a_file_that_was_put_there_long_ago_is_taken_in_at_once(watched: Watched) -> None:
    watched.put("old.xlsx", *numbered(1), age=timedelta(hours=1))
    (watched.inbox / "events.jsonl").write_text("", encoding="utf-8")

    (report,) = watched.look()

    assert (report.new, watched.numbers) == (5, ["1"])


def test_the_oldest_file_is_read_first(watched: Watched) -> None:
    watched.put("b.csv", {**ORDER, "mobile": "111"}, age=timedelta(hours=2))
    watched.put("a.csv", {**ORDER, "mobile": "222", "received": "2026-03-05 01:00:00"}, age=timedelta(hours=1))

    assert [one.new for one in watched.look()] == [5, 2]

    assert watched.order("8134567890123456").buyer.phone == "222"


def test_the_same_content_is_read_once_whatever_it_is_called_and_a_changed_file_again(watched: Watched) -> None:
    path = watched.put("a.csv", *numbered(1), age=timedelta(hours=1))
    watched.look()
    watched.put_bytes("copy of a.csv", path.read_bytes())
    assert watched.look() == []

    watched.put("a.csv", *numbered(1, 2), age=timedelta(minutes=30))
    (report,) = watched.look()

    assert (report.new, report.duplicate, watched.numbers) == (5, 5, ["1", "2"])


def test_nothing_in_the_folder_is_touched_and_only_files_of_orders_are_read(watched: Watched) -> None:
    hour = timedelta(hours=1)
    watched.put("orders.csv", *numbered(1), age=hour)
    for name in (".hidden.csv", "~$orders.csv"):
        watched.put(name, *numbered(2), age=hour)
    watched.put_bytes("photo.png", b"\x89PNG")
    watched.put_bytes("orders.csv.part", b"half")
    (watched.inbox / "below").mkdir()
    watched.put("below/orders.csv", *numbered(3), age=hour)
    outside = write_csv(watched.inbox.parent / "outside.csv", table(*numbered(4)))
    (watched.inbox / "link.csv").symlink_to(touched(outside, START - hour))
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in watched.inbox.rglob("*")}

    watched.look()
    watched.look()

    assert watched.numbers == ["1"]
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in watched.inbox.rglob("*")} == before


def test_what_cannot_be_read_is_told_and_the_rest_is_taken_in(watched: Watched) -> None:
    watched.put("a.xlsx", *numbered(1), {**ORDER, "number": 81345678901234567}, age=timedelta(hours=1))

    watched.look()

    assert watched.numbers == ["1"]
    (alert,) = watched.alerts()
    assert (alert.kind, alert.subject, alert.shop) == (AlertKind.SHEETS, "sheets/a.xlsx", "toys")
    assert alert.detail.startswith("a.xlsx:3: 订单号: the number 81345678901234560 stands in a numeric cell")
    assert watched.look() == [], "it is not read again until it has changed"


def test_a_file_that_is_no_sheet_is_told_once_and_the_others_go_on(watched: Watched) -> None:
    watched.put_bytes("bad.xls", b"<html>log in</html>", age=timedelta(hours=2))
    watched.put("good.csv", *numbered(1), age=timedelta(hours=1))

    assert [one.rejected for one in watched.look()] == [1, 0]

    assert [(one.subject, one.detail[:40]) for one in watched.alerts()] == [
        ("sheets/bad.xls", "bad.xls:1: it is a web page or XML, what")
    ]


def test_a_folder_that_is_away_is_told_after_the_third_look_and_over_when_it_is_back(watched: Watched) -> None:
    away = watched.inbox.rename(watched.inbox.parent / "elsewhere")
    for _ in range(2):
        watched.wait(timedelta(minutes=2))
        watched.look()
    assert watched.alerts() == []

    watched.wait(timedelta(minutes=2))
    watched.look()
    assert [(one.kind, one.subject) for one in watched.alerts()] == [(AlertKind.SOURCE_SILENT, "sheets")]
    assert "cannot be read: no such file or directory" in watched.alerts()[0].detail

    away.rename(watched.inbox)
    watched.wait(timedelta(minutes=2))
    watched.look()
    assert watched.alerts() == []


def test_the_source_was_heard_from_when_a_new_file_came_not_at_every_look(watched: Watched) -> None:
    watched.look()
    assert "sheets" not in watched.engine.store.heard()

    watched.put("a.csv", *numbered(1), age=timedelta(hours=1))
    watched.look()
    first = watched.engine.store.heard()["sheets"]
    watched.look()

    assert watched.engine.store.heard()["sheets"] == first == START + 4 * SECOND


def test_an_export_in_which_nothing_has_changed_is_news_too_and_an_old_one_is_not(watched: Watched) -> None:
    watched.put("1.csv", *numbered(1), age=timedelta(hours=3))
    watched.put("2.csv", *numbered(1, 2), age=timedelta(hours=2))
    watched.look()
    first = watched.engine.store.heard()["sheets"]

    watched.put("old.csv", *numbered(1), age=timedelta(hours=1))
    watched.look()
    assert watched.engine.store.heard()["sheets"] == first
    watched.put("3.csv", *numbered(1, 2), age=timedelta(minutes=30))
    watched.look()
    assert watched.engine.store.heard()["sheets"] > first


def test_one_process_looks_at_a_time(watched: Watched) -> None:
    watched.put("a.csv", *numbered(1), age=timedelta(hours=1))
    turn = watched.engine.store.take_poll(
        "sheets", owner="another", now=watched.clock.now(), until=watched.clock.now() + timedelta(minutes=5)
    )
    assert turn is not None

    assert watched.look() == []
    watched.wait(timedelta(minutes=6))

    assert [one.new for one in watched.look()] == [5]


@dataclass(slots=True)
class Stopping:
    """A folder in whose first file the process is asked to end."""

    inner: WatchedFolder
    stop: Callable[[], None]

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def shop(self) -> str:
        return self.inner.shop

    @property
    def every(self) -> timedelta:
        return self.inner.every

    def look(self, memory: str, *, now: datetime) -> Look:
        return self.inner.look(memory, now=now)

    @contextmanager
    def read(self, file: str, memory: str) -> Iterator[FileRead]:
        with self.inner.read(file, memory) as found:
            yield replace(found, lines=self._lines(found.lines or iter(())))

    def _lines(self, lines: Iterator[Line | Rejected]) -> Iterator[Line | Rejected]:
        for number, line in enumerate(lines):
            if number == 300:
                self.stop()
            yield line


def test_a_reading_that_was_cut_short_plans_nothing_and_is_done_again(watched: Watched) -> None:
    watched.put("a.csv", *numbered(*range(1, 200)), age=timedelta(hours=1))
    (folder,) = watched.folders.folders()
    ending = folders_of(watched.engine)

    assert ending.run(Stopping(folder, ending.stop)) == []
    watched.engine.ingest.take_in()
    assert not list(watched.engine.store.outbox())

    (report,) = watched.look()
    watched.engine.ingest.take_in()
    assert (report.received, report.duplicate, report.conflict) == (995, 300, 0)
    assert len({one.order for one in watched.engine.store.outbox()}) == len(watched.numbers) == 199


def test_a_worker_watches_the_folder(stage: Stage) -> None:
    home = stage.folder
    touched(write_csv(home / "inbox" / "a.csv", table(*numbered(1, 2))), utc("2026-03-01T12:00"))
    process = subprocess.Popen(
        [sys.executable, "-m", "messenger.cli", "--home", str(home), "run"], stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 60
        found: list[OrderKey] = []
        while len(found) < 2 and time.monotonic() < deadline:
            assert process.poll() is None
            with open_app(home, {}) as engine:
                found = [one for one in engine.store.find_orders() if engine.store.messages_of(one)]
    finally:
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)

    assert {one.number for one in found} == {"1", "2"}, told
    assert process.returncode == 0
