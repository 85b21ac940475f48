"""``messenger alerts`` on a home of its own, on both engines; and real processes that race to tell people."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from messenger.bootstrap import open_app
from messenger.cli.main import cli
from messenger.domain.alerts import AlertKind
from messenger.storage import open_store
from tests.notice_board import notice_board
from tests.smtp_server import SmtpServer
from tests.stage import HEAD, stage
from tests.storage_samples import NOW

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise loads it

ALERTS = '\n[alerts]\nurls = ["env:ALERT_URL"]\n'


class Desk:
    """A home, and its commands."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self.environ = {"MESSENGER_DATABASE_URL": url}

    def raises(
        self, kind: AlertKind, subject: str = "main", *, shop: str = "toys", **more: Any
    ) -> None:  # Any: arguments of the port
        store = open_store(self.environ["MESSENGER_DATABASE_URL"])
        store.raise_alert(kind=kind, subject=subject, shop=shop, at=NOW, **more)
        store.close()

    def alerts(self, *arguments: str) -> Result:
        runner = CliRunner(env=self.environ)
        return runner.invoke(cli, ["--home", str(self.home), "alerts", *arguments], standalone_mode=False)

    def settings(self, more: str) -> None:
        path = self.home / "messenger.toml"
        path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path, migrated_url: str) -> Desk:
    home = stage(tmp_path).folder
    (home / "schedules.toml").write_text(HEAD, encoding="utf-8")
    return Desk(home, migrated_url)


def documents(result: Result) -> list[dict[str, Any]]:  # Any: whatever JSON holds
    return [orjson.loads(line) for line in result.stdout.splitlines()]


def test_where_nothing_is_the_matter_it_says_so(desk: Desk) -> None:
    result = desk.alerts()

    assert (result.return_value, result.stdout, result.stderr) == (0, "", "Nothing is the matter\n")


def test_what_can_wait_is_no_reason_to_be_woken(desk: Desk) -> None:
    desk.raises(AlertKind.CONTENT, "", buyers=2)

    result = desk.alerts()
    assert result.return_value == 0
    assert result.stdout == (
        "   1  Sunny Toys: Mail servers refuse what we write, for its size or its form. Since 2 Mar 2026, 11:00 (Europe/Madrid); 2 buyers wait; "
        "some buyers get nothing; it can wait until tomorrow\n"
    )


def test_what_cannot_wait_is_exit_code_one(desk: Desk) -> None:
    desk.raises(AlertKind.SENDER, detail="550 no")

    assert desk.alerts().return_value == 1
    assert desk.alerts("--json").return_value == 1


@pytest.mark.parametrize(("language", "word"), [("zh", "需要立即处理"), ("ru", "ждать нельзя")])
def test_it_speaks_the_language_of_staff(desk: Desk, language: str, word: str) -> None:
    desk.raises(AlertKind.SENDER)

    assert word in desk.alerts("--language", language).stdout
    desk.settings(f'\n[alerts]\nmail = "owner@example.com"\nlanguage = "{language}"\n')
    assert word in desk.alerts().stdout


def test_json_tells_everything_in_one_line_each(desk: Desk) -> None:
    desk.raises(AlertKind.DATABASE, buyers=3, detail="535 no")
    desk.raises(AlertKind.CONTENT)

    found, _ = documents(desk.alerts("--json"))
    assert found == {
        "id": 1, "kind": "database", "subject": "main", "shop": "toys", "sentence": "The database cannot be reached: main",
        "since": "2026-03-02T10:00:00Z", "seen_at": "2026-03-02T10:00:00Z", "times": 1, "buyers": 3, "detail": "535 no",
        "lost": "nothing", "can_wait": False, "ends_by_itself": True, "open": True, "ended_at": None, "ended_by": None,
        "told_at": None,
    }  # fmt: skip


def test_what_somebody_dealt_with_is_over_and_keeps_their_name(desk: Desk) -> None:
    desk.raises(AlertKind.SENDER)

    done = desk.alerts("done", "1", "--by", "ana")
    assert (done.return_value, "dealt with by ana" in done.stdout) == (0, True)
    assert desk.alerts().stdout == ""
    (found,) = documents(desk.alerts("--all", "--json"))
    assert (found["open"], found["ended_by"]) == (False, "ana")


@pytest.mark.parametrize(
    ("id_", "said"),
    [
        pytest.param("1", "alert 1 (database) ends by itself, when its reason has gone\n", id="by itself"),
        pytest.param("2", "alert 2 is over already\n", id="over"),
        pytest.param("7", "there is no alert 7: messenger alerts --all\n", id="unknown"),
    ],
)
def test_what_is_not_for_a_person_to_end_stays(desk: Desk, id_: str, said: str) -> None:
    desk.raises(AlertKind.DATABASE)
    desk.raises(AlertKind.CONTENT)
    desk.alerts("done", "2")

    result = desk.alerts("done", id_)

    assert (result.return_value, result.stderr) == (1, said)
    assert [one["id"] for one in documents(desk.alerts("--json"))] == [1]


# --- trying it out -----------------------------------------------------------------------------------------------------


def test_a_test_without_anybody_to_tell_says_what_to_write(desk: Desk) -> None:
    result = desk.alerts("test")

    assert (result.return_value, result.stdout) == (1, "")
    assert 'write [alerts] with mail = "owner@example.com"' in result.stderr


def test_a_test_tells_which_way_works(desk: Desk) -> None:
    desk.settings('\n[alerts]\nmail = "owner@example.com"\nurls = ["env:ALERT_URL"]\n')
    with notice_board() as board:
        desk.environ["ALERT_URL"] = board.url
        result = desk.alerts("test")
        told = documents(desk.alerts("test", "--json"))

    assert result.return_value == 1  # no mail server listens
    mail, chat = result.stdout.splitlines()
    assert mail.startswith("mail: connect")
    assert chat == "<env:ALERT_URL>: told"
    assert [(one["way"], one["told"]) for one in told] == [("mail", False), ("<env:ALERT_URL>", True)]
    assert [one["title"] for one in board.posted] == ["messenger: a test"] * 2
    assert "canary" not in result.output


def test_a_secret_that_is_not_set_is_told_by_a_test(desk: Desk) -> None:
    desk.settings(ALERTS)

    result = desk.alerts("test")

    assert (result.return_value, result.stdout) == (
        1,
        "<env:ALERT_URL>: env:ALERT_URL: is not set or empty (set ALERT_URL)\n",
    )


# --- real processes -----------------------------------------------------------------------------------------------------


def workers(desk: Desk, number: int) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "messenger.cli", "--home", str(desk.home), "run", "--until-idle"]
    environ = {**os.environ, **desk.environ}
    return [
        subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(number)
    ]


def test_processes_that_race_tell_people_once(desk: Desk) -> None:
    desk.settings(ALERTS)
    desk.raises(AlertKind.SENDER, "toys.example")
    with notice_board() as board:
        desk.environ["ALERT_URL"] = board.url
        for process in workers(desk, 4):
            output = "".join(process.communicate(timeout=60))
            assert process.returncode == 0, output
            assert "canary" not in output

    assert [one["title"] for one in board.posted] == [
        "Sunny Toys: Mail servers refuse our own address, its signature or its DNS records: toys.example"
    ]


def test_a_mail_that_is_told_over_a_real_line(desk: Desk) -> None:
    async def told() -> SmtpServer:
        async with SmtpServer() as server:
            path = desk.home / "messenger.toml"
            text = path.read_text(encoding="utf-8").replace("port = 9", f"port = {server.port}")
            path.write_text(f'{text}\n[alerts]\nmail = "owner@example.com"\nlanguage = "ru"\n', encoding="utf-8")
            (process,) = workers(desk, 1)
            await asyncio.to_thread(process.communicate, timeout=60)
            return server

    desk.raises(AlertKind.SENDER, "toys.example", detail="550 5.7.26 unauthenticated")
    (mail,) = asyncio.run(told()).taken
    assert mail.recipient == "owner@example.com"
    assert mail.sender == "care@sunny-toys.example"


def test_what_is_told_leaves_no_trace_in_the_queue_of_buyers(desk: Desk) -> None:
    desk.settings(ALERTS)
    desk.raises(AlertKind.SENDER)
    with notice_board() as board:
        desk.environ["ALERT_URL"] = board.url
        with open_app(desk.home, desk.environ) as engine:
            assert engine.alerting().tell()
            assert list(engine.store.outbox()) == []
            (alert,) = engine.store.alerts()

    assert alert.told_at is not None
    assert datetime.now(UTC) - alert.told_at < timedelta(minutes=5)
