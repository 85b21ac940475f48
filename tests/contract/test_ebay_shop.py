"""A shop that writes on eBay, from its settings to the buyer: the whole program, against the eBay of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from messenger.cli.main import main
from messenger.domain.messages import Reason, State
from messenger.ports import Credentials
from tests.platforms.ebay_server import KEY, SECRET, Ebay, ebay_server
from tests.stage import Stage, shipped, stage

RULES = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
TRANSPORT = """
[transports.chat]
kind = "ebay"
shop = "toys"
app_key = "env:EBAY_KEY"
app_secret = "env:EBAY_SECRET"
url = "{url}"
"""
HOUR = timedelta(hours=1)


@dataclass
class Shop:
    """A shop whose texts go to eBay first, and by mail nowhere; logged in when ``log_in`` was called."""

    stage: Stage
    ebay: Ebay
    url: str

    def log_in(self) -> None:
        now = self.stage.clock.now()
        self.ebay.access["access-0"] = now + 2 * HOUR
        found = Credentials(account="ebay/toys", access="access-0", refresh="refresh-1", ends_at=now + 2 * HOUR)
        self.stage.engine.store.keep_credentials(found, at=now)

    def work(self) -> None:
        asyncio.run(self.stage.engine.worker().run_until_idle())

    def command(self, *arguments: str) -> int:
        """Its exit code."""
        self.stage.close()
        with pytest.raises(SystemExit) as ended:
            main(["--home", str(self.stage.folder), *arguments])
        assert isinstance(ended.value.code, int)
        return ended.value.code


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    opened = stage(tmp_path)
    opened.environ = {"EBAY_KEY": KEY, "EBAY_SECRET": SECRET, "REFRESH": "refresh-1"}
    for name, value in opened.environ.items():
        monkeypatch.setenv(name, value)
    ebay = Ebay(clock=opened.clock.now)
    with ebay_server(ebay) as url:
        opened.settings(
            ('platform = "none"', 'platform = "ebay"'), ('{ email = "main" }', '{ platform = "chat" }'), more=TRANSPORT.format(url=url),
        )  # fmt: skip
        opened.rules(RULES)
        yield Shop(opened, ebay, url)
        opened.close()


def test_a_message_reaches_the_buyer_in_their_language(shop: Shop) -> None:
    shop.log_in()
    shop.stage.ingest(*shipped())

    shop.work()

    (text,) = shop.ebay.arrived("b1")
    assert text.startswith("Hola")
    assert (shop.stage.row().state, shop.stage.row().channel) == (State.SENT, "platform")


@pytest.mark.parametrize("name", ["line cut, taken", "line cut, not taken", "internal error, taken", "unavailable"])
def test_an_answer_that_was_lost_is_looked_for_and_the_buyer_has_it_once(shop: Shop, name: str) -> None:
    shop.log_in()
    shop.ebay.sends_fail.append(name)
    shop.stage.ingest(*shipped())

    shop.work()

    assert shop.stage.row().state is State.SENT
    assert len(shop.ebay.arrived("b1")) == 1


def test_what_ebay_refuses_has_failed_and_says_why(shop: Shop) -> None:
    shop.log_in()
    shop.ebay.buyers = set()
    shop.stage.ingest(*shipped())

    shop.work()

    row = shop.stage.row()
    assert (row.state, row.reason) == (State.FAILED, Reason.PLATFORM_REFUSED)
    assert "no order of the last 90 days" in row.because
    assert "the platform refused it" in str(shop.stage.why("shipped"))


def test_without_a_login_messages_wait_in_line_and_leave_once_there_is_one(shop: Shop) -> None:
    shop.stage.ingest(*shipped())
    shop.work()
    assert (shop.stage.row().state, shop.stage.row().reason) == (State.PLANNED, Reason.BREAKER)
    assert "messenger ebay login chat" in shop.stage.row().because

    shop.log_in()
    shop.stage.at(shop.stage.clock.now() + HOUR)
    shop.work()

    assert shop.stage.row().state is State.SENT


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_says_where_the_seller_agrees(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert shop.command("ebay", "login", "chat", "--redirect", shop.ebay.redirect) == 0

    said = capsys.readouterr().out
    assert f"{shop.url}/oauth2/authorize?client_id={KEY}&redirect_uri={shop.ebay.redirect}" in said
    assert f"messenger ebay login chat --redirect {shop.ebay.redirect} --code 'https://…'" in said


@pytest.mark.parametrize("code", ["code-1", "https://toys.example/thanks?state=x&code=code-1&expires_in=299"])
def test_a_code_becomes_a_login(shop: Shop, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shop.command("ebay", "login", "chat", "--redirect", shop.ebay.redirect, "--code", code) == 0

    said = capsys.readouterr().out
    kept = shop.stage.engine.store.credentials("ebay/toys")
    assert said.startswith("messenger writes on eBay for toys; it renews itself until ")
    assert kept is not None
    assert kept.access in shop.ebay.access
    assert kept.access not in said


def test_a_refresh_token_that_one_has_becomes_a_login(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert shop.command("ebay", "login", "chat", "--refresh-token", "env:REFRESH", "--json") == 0

    kept = shop.stage.engine.store.credentials("ebay/toys")
    assert orjson.loads(capsys.readouterr().out)["account"] == "ebay/toys"
    assert kept is not None
    assert kept.refresh == "refresh-1"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["chat", "--redirect", "R", "--code", "wrong"], 1, "eBay gave no token: invalid_grant"),
        (["chat"], 2, "write --redirect with the RuName"),
        (["chta", "--redirect", "R"], 2, "there is no transport 'chta' of eBay (did you mean 'chat'?)"),
        (["main", "--redirect", "R"], 2, "there is no transport 'main' of eBay"),
        (["chat", "--redirect", "R", "--code", "https://x.example/?state=1"], 2, "there is no code in this address"),
        (["chat", "--refresh-token", "v^1.1#abc"], 2, "a secret does not stand in this file"),
    ],
)
def test_what_cannot_be_done_is_said(
    shop: Shop, arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shop.command("ebay", "login", *arguments) == code
    assert words in capsys.readouterr().err
