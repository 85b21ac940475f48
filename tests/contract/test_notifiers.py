"""What every way of telling people promises: it says so when nobody was reached, and shows nothing secret.

Mail goes to a real SMTP server, chat through apprise to a real HTTP server, both on 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import logging
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from messenger.errors import ConfigurationError, Finding, NotTold
from messenger.mail.mime import MimeComposer
from messenger.mail.notify import MailNotifier
from messenger.mail.notify_apprise import AppriseNotifier
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport, Timeouts
from messenger.ports import Bulletin, Notifier
from tests.notice_board import NoticeBoard, notice_board
from tests.smtp_server import DROP, SmtpServer

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise loads it

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
BULLETIN = Bulletin(
    subject="Sunny Toys: На диске почти не осталось места", text="Новое\n- Всё, что открыто\n磁盘空间\n", language="ru"
)
OWNER = "owner@example.com"


def mailer(port: int, *recipients: str) -> MailNotifier:
    settings = SmtpSettings(
        name="main", host="127.0.0.1", port=port, security=Security.NONE, timeouts=Timeouts(connect=5)
    )
    return MailNotifier(
        recipients=recipients or (OWNER,), sender="Sunny Toys <care@toys.example>", transport="main",
        open_transport=lambda: SmtpTransport(settings), find_composer=MimeComposer,
    )  # fmt: skip


def caller(url: str) -> AppriseNotifier:
    return AppriseNotifier(name="<env:ALERT_URL>", reveal=lambda: url)


class Bench:
    """One way, and whoever is at its other end."""

    def __init__(self, notifier: Notifier, server: SmtpServer | NoticeBoard) -> None:
        self.notifier, self.server = notifier, server

    async def notify(self) -> None:
        await asyncio.to_thread(self.notifier.notify, BULLETIN, at=NOW)

    @property
    def got(self) -> list[tuple[str, str]]:
        if isinstance(self.server, SmtpServer):
            return [(str(one["Subject"]), one.get_content()) for one in map(parsed, self.server.taken)]
        return [(one["title"], one["message"]) for one in self.server.posted]


def parsed(content: object) -> EmailMessage:
    raw: bytes = getattr(content, "content")  # noqa: B009  # a mail of the server
    found = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


@asynccontextmanager
async def bench(way: str, *, works: bool = True) -> AsyncIterator[Bench]:
    if way == "mail":
        async with SmtpServer() if works else SmtpServer({"mail": "550 5.7.1 not you"}) as server:
            yield Bench(mailer(server.port), server)
        return
    with notice_board() as board:
        board.status = 200 if works else 403
        yield Bench(caller(board.url), board)


every_way = pytest.mark.parametrize("way", ["mail", "apprise"])


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


@every_way
def test_people_read_what_was_said(way: str) -> None:
    async def told() -> list[tuple[str, str]]:
        async with bench(way) as found:
            await found.notify()
            return found.got

    ((subject, text),) = asyncio.run(told())
    assert subject == BULLETIN.subject
    assert text.split() == BULLETIN.text.split()


@every_way
def test_a_refusal_is_told(way: str) -> None:
    async def told() -> None:
        async with bench(way, works=False) as found:
            await found.notify()

    with pytest.raises(NotTold, match=r"550|403"):
        asyncio.run(told())


@every_way
def test_that_nobody_is_there_is_told(way: str) -> None:
    port = unused_port()
    notifier = mailer(port) if way == "mail" else caller(f"json://canary-user:canary-s3cret@127.0.0.1:{port}/x")

    with pytest.raises(NotTold) as told:
        notifier.notify(BULLETIN, at=NOW)
    assert "canary" not in str(told.value)


# --- mail ---------------------------------------------------------------------------------------------------------------


def test_each_gets_a_mail_of_their_own_and_one_is_enough() -> None:
    async def told() -> SmtpServer:
        async with SmtpServer(recipients={OWNER: "550 5.1.1 no such user"}) as server:
            await asyncio.to_thread(mailer(server.port, OWNER, "ana@example.com").notify, BULLETIN, at=NOW)
            return server

    server = asyncio.run(told())
    assert [one.recipient for one in server.taken] == ["ana@example.com"]


def test_the_mail_says_that_a_machine_wrote_it_and_in_which_language() -> None:
    async def told() -> list[EmailMessage]:
        async with SmtpServer() as server:
            for _ in range(2):
                await asyncio.to_thread(mailer(server.port).notify, BULLETIN, at=NOW)
            return [parsed(one) for one in server.taken]

    one, other = asyncio.run(told())
    assert (one["From"], one["To"]) == ("Sunny Toys <care@toys.example>", OWNER)
    assert one["Auto-Submitted"] == "auto-generated"
    assert one["Content-Language"] == "ru"
    assert one["Date"].datetime == NOW
    assert one["List-Unsubscribe"] is None
    assert one["Message-ID"] != other["Message-ID"]
    assert one["Message-ID"].endswith("@toys.example>")


@pytest.mark.parametrize(
    "script", [{"end_of_data": DROP}, {"auth": "x", "greeting": "554 closed"}, {"data": "451 later"}]
)
def test_a_server_in_trouble_is_told_in_its_words_or_ours(script: dict[str, str]) -> None:
    async def told() -> None:
        async with SmtpServer(script) as server:
            await asyncio.to_thread(mailer(server.port).notify, BULLETIN, at=NOW)

    with pytest.raises(NotTold, match=r"\w+"):
        asyncio.run(told())


def test_an_address_that_cannot_be_written_to_is_told() -> None:
    with pytest.raises(NotTold, match="address"):
        mailer(1, "no address").notify(BULLETIN, at=NOW)


# --- apprise ------------------------------------------------------------------------------------------------------------


def test_an_address_that_apprise_does_not_know_is_told_without_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(NotTold) as told:
        caller("nowhere://canary-s3cret/canary-more").notify(BULLETIN, at=NOW)

    assert "holds no address that apprise knows" in str(told.value)
    assert "canary" not in str(told.value) + caplog.text


def test_an_address_that_is_half_right_is_told_without_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(NotTold) as told:
        caller("tgram://canary-s3cret").notify(BULLETIN, at=NOW)

    assert "canary" not in str(told.value) + caplog.text


@pytest.mark.parametrize("status", [200, 403, 500])
def test_nothing_secret_is_logged_whatever_the_answer(status: int, caplog: pytest.LogCaptureFixture) -> None:
    said = ""
    with caplog.at_level(logging.DEBUG), notice_board() as board:
        board.status = status
        try:
            caller(board.url).notify(BULLETIN, at=NOW)
        except NotTold as error:
            said = str(error)

    assert (said == "") == (status == 200)
    assert "canary" not in said + caplog.text


def test_a_secret_that_is_not_set_is_told() -> None:
    def unset() -> str:
        raise ConfigurationError([Finding("", 0, 0, "env:ALERT_URL", "is not set or empty", "set ALERT_URL")])

    with pytest.raises(ConfigurationError, match="ALERT_URL: is not set"):
        AppriseNotifier(name="<env:ALERT_URL>", reveal=unset).notify(BULLETIN, at=NOW)


def test_without_apprise_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)  # as Python itself says that a module is not to be had

    with pytest.raises(NotTold, match=r"pip install 'marketplace-messenger\[alerts\]'"):
        caller("json://x").notify(BULLETIN, at=NOW)
