"""``messenger doctor``: what works is told as such, and what does not is told with what to do about it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from messenger.cli.main import main
from messenger.domain.breakers import failed
from messenger.errors import MailboxError
from messenger.mail.settings import Login, Mechanism, Security, SmtpSettings
from messenger.mail.visiting import visit
from messenger.ports import Credentials
from messenger.services.doctor import Health, Patient, examine
from tests.platforms.aliexpress_server import KEY as AE_KEY
from tests.platforms.aliexpress_server import SECRET as AE_SECRET
from tests.platforms.aliexpress_server import Platform, aliexpress_server, refused
from tests.platforms.ebay_server import KEY, SECRET, Ebay, ebay_server
from tests.smtp_server import DROP, Script, SmtpServer
from tests.stage import Stage, stage

SETTINGS = """
[shops.games]
name = "Games"
sender = "Games <care@games.example>"
platform = "ebay"
mode = "live"
channels = {{ platform = "chat", email = "main" }}

[transports.chat]
kind = "ebay"
shop = "games"
app_key = "env:EBAY_KEY"
app_secret = "env:EBAY_SECRET"
url = "{url}"

[sources.erp]
kind = "file"
shop = "toys"
fresh = "12h"

[sources.hook]
kind = "webhook"
scheme = "standard"
secrets = "env:HOOK"
shop = "games"
"""
DAY = timedelta(days=1)


@contextmanager
def smtp_server(script: Script | None = None) -> Iterator[SmtpServer]:
    """A mail server in a thread of its own."""
    server, loop, ready = SmtpServer(script, extensions=("AUTH PLAIN",)), asyncio.new_event_loop(), threading.Event()
    over = asyncio.Event()

    async def serve() -> None:
        async with server:
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield server
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


@dataclass
class Home:
    stage: Stage
    ebay: Ebay
    capsys: pytest.CaptureFixture[str]
    said: str = field(default="")

    def doctor(self, *arguments: str) -> int:
        """Its exit code."""
        self.stage.close()
        with pytest.raises(SystemExit) as ended:
            main(["--home", str(self.stage.folder), "doctor", *arguments])
        out = self.capsys.readouterr()
        self.said = out.out + out.err
        assert isinstance(ended.value.code, int)
        return ended.value.code

    def found(self, *arguments: str) -> dict[tuple[str | None, str], list[tuple[str, str]]]:
        """What was found, by shop and name."""
        self.doctor("--json", *arguments)
        told: dict[tuple[str | None, str], list[tuple[str, str]]] = {}
        for one in orjson.loads(self.said):
            told.setdefault((one["shop"], one["name"]), []).append((one["health"], one["words"]))
        return told

    def log_in(self, *, lasts: timedelta = 400 * DAY) -> None:
        now = self.ebay.clock()
        self.ebay.access["access-0"] = now + timedelta(hours=2)
        found = Credentials(
            account="ebay/games", access="access-0", refresh="refresh-1", ends_at=now + timedelta(hours=2),
            refresh_ends_at=now + lasts, holder="sunny_toys",
        )  # fmt: skip
        self.stage.engine.store.keep_credentials(found, at=now)

    def hear(self) -> None:
        for name in ("erp", "hook"):
            self.stage.engine.store.hear(name, at=self.ebay.clock())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Home]:
    opened = stage(tmp_path)
    opened.environ = {"EBAY_KEY": KEY, "EBAY_SECRET": SECRET, "HOOK": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}
    for name, value in opened.environ.items():
        monkeypatch.setenv(name, value)
    ebay = Ebay()
    with ebay_server(ebay) as url, smtp_server() as server:
        opened.settings(("port = 9", f"port = {server.port}"), more=SETTINGS.format(url=url))
        opened.rules("")
        yield Home(opened, ebay, capsys)
        opened.close()


def test_when_all_is_well_it_says_so_and_nothing_was_sent(home: Home) -> None:
    home.log_in()
    home.hear()

    assert home.doctor() == 0
    assert home.said.splitlines()[-1] == "everything works"
    assert home.ebay.arrived() == []


def test_the_page_reads_shop_by_shop(home: Home) -> None:
    home.log_in()
    home.hear()
    home.doctor()

    lines = [line.partition("UTC")[0] for line in home.said.splitlines()]
    assert lines[0] == "toys: Sunny Toys"
    assert lines[1].split() == ["ok", "toys", "(none)", "live"]
    assert "answers; not protected, no login" in lines[2]
    assert "games: Games" in lines
    assert any(
        "ok     chat (ebay)" in line and "logged in as sunny_toys; renews itself until" in line for line in lines
    )
    assert any("messages can be read and sent" in line for line in lines)


def test_nobody_has_logged_in(home: Home) -> None:
    home.hear()

    assert home.doctor() == 1
    assert "WRONG  chat (ebay)" in home.said
    assert "nobody has logged in: messenger ebay login chat" in home.said
    assert home.said.splitlines()[-1] == "one thing is wrong"
    assert home.ebay.calls == []


def test_a_login_that_the_platform_no_longer_accepts(home: Home) -> None:
    home.log_in()
    home.ebay.access.clear()
    home.ebay.refresh.clear()

    (_, (health, words)) = home.found()["games", "chat"]
    assert health == "wrong"
    assert "invalid_grant" in words
    assert "messenger ebay login chat" in words


@pytest.mark.parametrize(
    ("lasts", "health", "words"),
    [
        (400 * DAY, "fine", "logged in as sunny_toys; renews itself until"),
        (29 * DAY, "note", "messenger ebay login chat"),
        (-DAY, "wrong", "the login ended"),
    ],
)
def test_when_the_login_ends(home: Home, lasts: timedelta, health: str, words: str) -> None:
    home.log_in(lasts=lasts)

    found = home.found("--offline")["games", "chat"][0]
    assert found[0] == health
    assert words in found[1]


def test_a_door_that_a_platform_has_shut(home: Home) -> None:
    home.log_in()
    home.stage.engine.store.shut_door("ebay/games", "messages", problem="no permission", at=home.ebay.clock())

    assert (
        ("wrong", "messages is shut: no permission (messenger ebay login chat)") in home.found()["games", "chat"]
    )  # fmt: skip


def test_an_account_in_trouble_says_since_when_and_why(home: Home) -> None:
    now = home.ebay.clock()
    home.stage.engine.store.turn_breaker(
        "main", lambda one: failed(one, by="w", stage="auth", code=535, reply="535 5.7.8 wrong password", now=now)
    )
    found = home.found("--offline")

    assert found["toys", "main"] == found["games", "main"]
    assert found["toys", "main"][0][0] == "wrong"
    assert "535 5.7.8 wrong password; 0 messages wait" in found["toys", "main"][0][1]


def test_sources_say_when_they_were_heard(home: Home) -> None:
    home.stage.engine.store.hear("erp", at=home.ebay.clock() - 2 * DAY)
    found = home.found("--offline")

    assert found["toys", "erp"][0][0] == "wrong"
    assert found["toys", "erp"][0][1].startswith("silent: heard from ")
    assert found["games", "hook"] == [("wrong", "silent: never heard from")]


def test_a_webhook_beside_another_source_may_be_silent_for_ever(home: Home) -> None:
    home.stage.settings(('scheme = "standard"', 'scheme = "17track"'))

    assert home.found("--offline")["games", "hook"] == [("fine", "never heard from")]


def test_a_secret_that_is_not_set_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.hear()
    monkeypatch.delenv("HOOK")

    assert ("wrong", "env:HOOK: is not set or empty (set HOOK)") in home.found("--offline")["games", "hook"]


def test_one_shop_alone(home: Home) -> None:
    assert {shop for shop, _ in home.found("--offline", "--shop", "toys")} == {"toys"}


def test_a_shop_that_does_not_exist(home: Home) -> None:
    assert home.doctor("--shop", "toy") == 2
    assert "there is no shop 'toy' (did you mean 'toys'?)" in home.said


def test_a_shop_that_rehearses_is_worth_a_note(home: Home) -> None:
    home.stage.settings(('mode = "live"\nplatform = "none"', 'mode = "rehearse"\nplatform = "none"'))

    assert home.found("--offline")["toys", "toys"][0][0] == "note"


# --- AliExpress -------------------------------------------------------------------------------------------------------

ALIEXPRESS = """
[sources.ae]
kind = "aliexpress"
shop = "toys"
app_key = "env:AE_KEY"
app_secret = "env:AE_SECRET"
url = "{url}"
rate = "1000/s"
"""


@pytest.fixture
def ae(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    monkeypatch.setenv("AE_KEY", AE_KEY)
    monkeypatch.setenv("AE_SECRET", AE_SECRET)
    with aliexpress_server() as platform:
        home.stage.settings(more=ALIEXPRESS.format(url=platform.url))
        home.stage.rules("")
        yield platform


def let_in(home: Home, platform: Platform) -> None:
    now = platform.now()
    platform.tokens["at-1"] = now + DAY
    found = Credentials(account="aliexpress/toys", access="at-1", ends_at=now + 40 * DAY, holder="toys-seller")
    home.stage.engine.store.keep_credentials(found, at=now)
    home.stage.engine.store.hear("ae", at=now)


def test_a_shop_at_aliexpress_that_can_be_read(home: Home, ae: Platform) -> None:
    let_in(home, ae)

    heard, login, orders = home.found("--shop", "toys")["toys", "ae"]
    assert heard[0] == "fine"
    assert login[1].startswith("logged in as toys-seller; ends ")
    assert orders == ("fine", "orders can be read")
    assert len(home.found("--offline")["toys", "ae"]) == 2


def test_a_shop_at_aliexpress_that_nobody_has_logged_in_to(home: Home, ae: Platform) -> None:
    assert ("wrong", "nobody has logged in: messenger aliexpress login toys") in home.found()["toys", "ae"]
    assert ae.calls() == {}


def test_a_shop_at_aliexpress_without_the_permission(home: Home, ae: Platform) -> None:
    let_in(home, ae)
    ae.refusals["*"] = [refused("InsufficientPermission", "not yours")]

    health, words = home.found()["toys", "ae"][-1]
    assert health == "wrong"
    assert "orders: " in words
    assert "messenger aliexpress login toys" in words


# --- mail servers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"greeting": "554 5.3.2 go away"}, "greeting: 554 5.3.2 go away"),
        ({"greeting": DROP}, "greeting: "),
        ({"ehlo": "421 4.3.0 busy"}, "ehlo: 421 4.3.0 busy"),
    ],
)
def test_a_mail_server_that_does_not_let_us_in(home: Home, script: dict[str, str], words: str) -> None:
    with smtp_server(script) as server:
        text = (home.stage.folder / "messenger.toml").read_text(encoding="utf-8")
        port = next(line for line in text.splitlines() if line.startswith("port = "))
        home.stage.settings((port, f"port = {server.port}"))
        health, said = home.found("--shop", "toys")["toys", "main"][0]

    assert health == "wrong"
    assert f"127.0.0.1:{server.port}: {words}" in said


def test_a_mail_server_is_logged_in_to_and_left_without_a_message() -> None:

    with smtp_server() as server:
        settings = SmtpSettings(
            name="main", host="127.0.0.1", port=server.port, security=Security.NONE,
            login=Login(username="me", secret=lambda: "pw", mechanism=Mechanism.PLAIN),
        )  # fmt: skip
        said = visit(settings)
        commands, mails = list(server.commands), list(server.mails)

    assert said == f"127.0.0.1:{server.port} answers; not protected, logged in as me"
    assert [one.split()[0] for one in commands] == ["EHLO", "AUTH", "QUIT"]
    assert mails == []


def test_a_mail_server_that_refuses_the_password() -> None:

    with smtp_server({"auth": "535 5.7.8 no"}) as server:
        settings = SmtpSettings(
            name="main", host="127.0.0.1", port=server.port, security=Security.NONE, login=Login(username="me", secret=lambda: "pw"),
        )  # fmt: skip
        with pytest.raises(MailboxError, match=r"auth: 535 5\.7\.8 no"):
            visit(settings)


def test_nobody_listens_there() -> None:

    with pytest.raises(MailboxError, match=r"127\.0\.0\.1:9: connect: "):
        visit(SmtpSettings(name="main", host="127.0.0.1", port=9, security=Security.NONE))


# --- the doctor itself ------------------------------------------------------------------------------------------------


def test_one_that_cannot_be_looked_at_does_not_hide_the_others() -> None:
    def breaks() -> list[tuple[Health, str]]:
        raise ZeroDivisionError("division by zero")

    patients = [
        Patient(shop="toys", name="a", kind="x", look=breaks),
        Patient(shop="toys", name="b", kind="x", look=lambda: [(Health.FINE, "well")]),
    ]
    found = examine(patients)

    assert [(one.name, one.health, one.words) for one in found] == [
        ("a", Health.WRONG, "ZeroDivisionError: division by zero"), ("b", Health.FINE, "well"),
    ]  # fmt: skip
