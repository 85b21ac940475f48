"""The open sessions of an SMTP transport: how many, how long, how they log in, and what they ask a server for."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from messenger.config.secrets import Secret
from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.mail.smtp import Login, Mechanism, Security, SmtpSettings, SmtpTransport
from tests.smtp_server import DROP, SILENT, SmtpServer

PLAIN = SmtpSettings(
    name="main", host="127.0.0.1", port=0, security=Security.NONE, connections=1, local_hostname="test.example"
)


def a_message(number: int = 1, *, recipient: str = "", content: bytes = b"") -> FrozenMessage:
    return FrozenMessage(
        key=Key("shop", "rule", str(number), 1), sender="shop@shop.example", recipient=recipient or f"buyer{number}@mail.example",
        content=content or f"Message-ID: <m{number}@shop.example>\r\n\r\nx\r\n".encode(),
    )  # fmt: skip


class Calls:
    """A transport in use, and every answer it gave."""

    def __init__(self, settings: SmtpSettings) -> None:
        self.transport = SmtpTransport(settings)
        self.receipts: list[Receipt] = []

    async def carry(self, messages: Iterable[FrozenMessage]) -> None:
        await self.transport.carry(self._stream(messages), committing=self._yes, done=self._note)

    async def _stream(self, messages: Iterable[FrozenMessage]) -> AsyncIterator[FrozenMessage]:
        for message in messages:
            yield message

    async def _yes(self, _: Key) -> bool:
        return True

    async def _note(self, _: Key, receipt: Receipt) -> None:
        self.receipts.append(receipt)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it is so, ten seconds at most."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # a real server has no event for us
            await asyncio.sleep(0.005)


def carried(server: SmtpServer, settings: SmtpSettings, *streams: Iterable[FrozenMessage]) -> list[Receipt]:
    """Carry one stream after the other and close; returns every answer."""

    async def scenario() -> list[Receipt]:
        async with server:
            calls = Calls(replace(settings, port=server.port))
            for stream in streams:
                await calls.carry(stream)
            await calls.transport.close()
            await until(lambda: server.open_now == 0)
            return calls.receipts

    return asyncio.run(scenario())


# --- how many, how long ----------------------------------------------------------------------------------------------


def test_a_connection_lives_on_between_streams() -> None:
    server = SmtpServer()

    receipts = carried(server, PLAIN, [a_message(1)], [a_message(2)], [a_message(3)])

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED] * 3
    assert server.connections == 1
    assert server.commands.count("QUIT") == 1


def test_there_are_never_more_connections_than_allowed() -> None:
    server = SmtpServer()
    streams = [[a_message(number) for number in range(start, start + 30)] for start in (0, 30, 60)]

    async def scenario() -> None:
        async with server:
            calls = Calls(replace(PLAIN, port=server.port, connections=3, messages_per_connection=4))
            await asyncio.gather(*map(calls.carry, streams))
            await calls.transport.close()

    asyncio.run(scenario())
    assert len(server.taken) == 90
    assert server.most_open <= 3


def test_few_messages_need_few_connections() -> None:
    server = SmtpServer()

    carried(server, replace(PLAIN, connections=10), *([a_message(number)] for number in range(20)))

    assert server.connections == 1


@pytest.mark.parametrize(("limit", "connections"), [(1, 7), (3, 3), (7, 1), (100, 1)])
def test_a_connection_is_used_up_to_its_limit_over_all_streams(limit: int, connections: int) -> None:
    server = SmtpServer()

    carried(server, replace(PLAIN, messages_per_connection=limit), *([a_message(number)] for number in range(7)))

    assert (len(server.taken), server.connections) == (7, connections)


def test_an_idle_connection_is_closed_rather_than_trusted() -> None:
    server = SmtpServer()

    async def scenario() -> list[int]:
        async with server:
            calls = Calls(replace(PLAIN, port=server.port, idle=0.05))
            await calls.carry([a_message(1)])
            await until(lambda: server.open_now == 0)
            counts = [server.connections, server.commands.count("QUIT")]
            await calls.carry([a_message(2)])
            await calls.transport.close()
            return counts

    assert asyncio.run(scenario()) == [1, 1]
    assert (len(server.taken), server.connections) == (2, 2)


@pytest.mark.parametrize("how", [DROP, "421 4.4.2 idle too long", "250 by the way"])
def test_a_line_gone_stale_is_replaced_without_burning_the_try(how: str) -> None:
    server = SmtpServer({"after": how})

    receipts = carried(server, PLAIN, [a_message(1)], [a_message(2)], [a_message(3), a_message(4)])

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED] * 4
    assert sorted(mail.recipient for mail in server.taken) == [f"buyer{number}@mail.example" for number in range(1, 5)]


def test_a_line_that_breaks_after_the_last_dot_is_not_tried_again() -> None:
    server = SmtpServer({"end_of_data": ["250 ok", DROP]})

    receipts = carried(server, PLAIN, [a_message(1)], [a_message(2)])

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED, Outcome.UNCERTAIN]
    assert len(server.mails) == 2


def test_a_fresh_line_that_breaks_is_not_replaced_a_second_time() -> None:
    server = SmtpServer({"mail": ["250 ok", DROP, DROP]})

    receipts = carried(server, PLAIN, [a_message(1)], [a_message(2)])

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED, Outcome.TEMPORARY]
    assert server.connections == 2


def test_closing_takes_a_second_however_many_servers_never_say_goodbye() -> None:
    server = SmtpServer({"quit": SILENT})

    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        async with server:
            calls = Calls(replace(PLAIN, port=server.port, connections=8))
            await calls.carry([a_message(number) for number in range(80)])
            begin = loop.time()
            await calls.transport.close()
            return loop.time() - begin

    assert asyncio.run(scenario()) < 1.8


def test_closing_while_a_message_is_on_its_way_lets_it_arrive_and_keeps_nothing() -> None:
    server = SmtpServer()

    async def scenario() -> list[Receipt]:
        async with server:
            calls = Calls(replace(PLAIN, port=server.port, connections=2))
            running = asyncio.create_task(calls.carry([a_message(number) for number in range(30)]))
            await until(lambda: len(server.taken) > 3)
            await calls.transport.close()
            await running
            await calls.transport.close()
            await until(lambda: server.open_now == 0)
            return calls.receipts

    assert {receipt.outcome for receipt in asyncio.run(scenario())} == {Outcome.ACCEPTED}
    assert len(server.taken) == 30


def test_a_cancelled_stream_gives_its_places_back() -> None:
    server = SmtpServer({"rcpt": [SILENT, SILENT]})

    async def scenario() -> None:
        async with server:
            calls = Calls(replace(PLAIN, port=server.port, connections=2))
            running = asyncio.create_task(calls.carry([a_message(number) for number in range(9)]))
            await until(lambda: sum(one.startswith("RCPT") for one in server.commands) == 2)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await calls.carry([a_message(number) for number in range(10, 30)])
            await calls.transport.close()

    asyncio.run(scenario())
    assert len(server.taken) == 20
    assert server.most_open <= 2


# --- logging in ------------------------------------------------------------------------------------------------------

TIM = Login(username="tim", secret=lambda: "tanstaaftanstaaf")


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


LOGINS = {
    Mechanism.PLAIN: [[f"PLAIN {b64(chr(0) + 'tim' + chr(0) + 'tanstaaftanstaaf')}"]],
    Mechanism.LOGIN: [["LOGIN", b64("tim"), b64("tanstaaftanstaaf")]],
    Mechanism.CRAM_MD5: [["CRAM-MD5", "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"]],  # RFC 2195, 2
    Mechanism.XOAUTH2: [[f"XOAUTH2 {b64('user=tim' + chr(1) + 'auth=Bearer tanstaaftanstaaf' + chr(1) * 2)}"]],
}


@pytest.mark.parametrize("mechanism", LOGINS)
def test_each_way_to_log_in(mechanism: Mechanism) -> None:
    server = SmtpServer(extensions=("AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2",))

    (receipt,) = carried(server, replace(PLAIN, login=replace(TIM, mechanism=mechanism)), [a_message()])

    assert receipt.outcome is Outcome.ACCEPTED
    assert server.logins == LOGINS[mechanism]


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ("AUTH CRAM-MD5 LOGIN PLAIN", "PLAIN"), ("AUTH CRAM-MD5 LOGIN", "LOGIN"), ("AUTH XOAUTH2 CRAM-MD5", "CRAM-MD5"),
        ("AUTH=LOGIN", "LOGIN"), ("auth plain", "PLAIN"),
    ],
)  # fmt: skip
def test_the_simplest_way_that_is_offered_is_taken(offered: str, expected: str) -> None:
    server = SmtpServer(extensions=(offered,))

    carried(server, replace(PLAIN, login=TIM), [a_message()])

    assert server.logins[0][0].split(" ")[0] == expected


def test_a_password_is_never_used_as_a_token() -> None:
    server = SmtpServer(extensions=("AUTH XOAUTH2",))

    (receipt,) = carried(server, replace(PLAIN, login=TIM), [a_message()])

    assert (receipt.outcome, receipt.stage, server.logins) == (Outcome.ACCOUNT, "auth", [])
    assert "it offers: XOAUTH2" in receipt.reply


def test_one_login_per_connection() -> None:
    server = SmtpServer(extensions=("AUTH PLAIN",))

    carried(server, replace(PLAIN, login=TIM), [a_message(1), a_message(2)], [a_message(3)])

    assert len(server.logins) == 1


def test_a_token_that_was_renewed_is_used_at_the_next_login(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("first\n", encoding="utf-8")
    server = SmtpServer(extensions=("AUTH XOAUTH2",))
    login = Login(username="me", secret=Secret("file:token", tmp_path).reveal, mechanism=Mechanism.XOAUTH2)

    async def scenario() -> None:
        async with server:
            calls = Calls(replace(PLAIN, port=server.port, login=login, messages_per_connection=1))
            await calls.carry([a_message(1)])
            (tmp_path / "token").write_text("second\n", encoding="utf-8")
            await calls.carry([a_message(2)])
            await calls.transport.close()

    asyncio.run(scenario())
    said = [base64.b64decode(lines[0].split(" ")[1]).decode() for lines in server.logins]
    assert [one.split("\x01")[1] for one in said] == ["auth=Bearer first", "auth=Bearer second"]


def test_a_secret_that_cannot_be_read_is_account_trouble(tmp_path: Path) -> None:
    server = SmtpServer(extensions=("AUTH XOAUTH2",))
    login = Login(username="me", secret=Secret("file:token", tmp_path).reveal, mechanism=Mechanism.XOAUTH2)

    (receipt,) = carried(server, replace(PLAIN, login=login), [a_message()])

    assert (receipt.outcome, receipt.stage) == (Outcome.ACCOUNT, "auth")
    assert "token" in receipt.reply


def test_what_a_server_repeats_of_our_login_is_not_kept() -> None:
    word = b64("\0tim\0tanstaaftanstaaf")
    server = SmtpServer({"auth": f"535 5.7.8 {word} or tanstaaftanstaaf is wrong"}, extensions=("AUTH PLAIN",))

    (receipt,) = carried(server, replace(PLAIN, login=TIM), [a_message()])

    assert receipt.reply == "535 5.7.8 <secret> or <secret> is wrong"
    assert (receipt.outcome, receipt.code, receipt.status) == (Outcome.ACCOUNT, 535, "5.7.8")


def far_address() -> str:
    """An address of this machine that is not loopback, or nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


@pytest.mark.parametrize("insecure", [False, True])
@pytest.mark.parametrize("login", [None, TIM], ids=["no login", "login"])
def test_off_this_machine_nothing_goes_out_unprotected_unless_wanted_and_a_login_never(
    insecure: bool, login: Login | None
) -> None:
    address = far_address()
    if not address:
        pytest.skip("this machine has only a loopback address")
    server = SmtpServer(extensions=("AUTH PLAIN",), host=address)

    (receipt,) = carried(server, replace(PLAIN, host=address, login=login, insecure=insecure), [a_message()])

    assert server.logins == []
    assert len(server.taken) == (insecure and login is None)
    assert (receipt.outcome is Outcome.ACCEPTED) == (insecure and login is None)


def test_further_authorities_are_trusted_besides_those_of_the_system(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    settings = replace(PLAIN, security=Security.TLS, ca_file=str(tmp_path / "ca.pem"))

    receipts = carried(SmtpServer(tls=context, is_implicit_tls=True), settings, [a_message()])

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED]
    assert len(settings.context().get_ca_certs()) > 1


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read_are_account_trouble(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content, encoding="utf-8")
    server = SmtpServer()
    settings = replace(PLAIN, security=Security.STARTTLS, ca_file=str(tmp_path / "ca.pem"))

    (receipt,) = carried(server, settings, [a_message()])

    assert (receipt.outcome, receipt.stage, server.commands) == (Outcome.ACCOUNT, "tls", [])
    assert "ca.pem" in receipt.reply


# --- what a server is asked for --------------------------------------------------------------------------------------


def asked(server: SmtpServer) -> list[str]:
    return [one for one in server.commands if one.startswith(("MAIL", "RCPT"))]


def test_a_server_that_can_is_told_the_size_and_asked_for_reports() -> None:
    server = SmtpServer(extensions=("PIPELINING", "SIZE 1000000", "DSN"))
    message = a_message(content=b"Subject: x\r\nMessage-ID: <ab+cd=1@shop.example>\r\n\r\n.x\r\n")

    carried(server, PLAIN, [message])

    assert asked(server) == [
        f"MAIL FROM:<shop@shop.example> SIZE={len(message.content)} RET=HDRS ENVID=ab+2Bcd+3D1",
        "RCPT TO:<buyer1@mail.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;buyer1@mail.example",
    ]


def test_a_server_that_lists_nothing_is_asked_for_nothing() -> None:
    server = SmtpServer(extensions=())

    carried(server, PLAIN, [a_message()])

    assert asked(server) == ["MAIL FROM:<shop@shop.example>", "RCPT TO:<buyer1@mail.example>"]


def test_reports_are_not_asked_for_where_they_are_not_wanted() -> None:
    server = SmtpServer(extensions=("DSN",))

    carried(server, replace(PLAIN, is_dsn_wanted=False), [a_message()])

    assert asked(server) == ["MAIL FROM:<shop@shop.example>", "RCPT TO:<buyer1@mail.example>"]


def test_a_server_that_knows_only_helo_gets_its_mail() -> None:
    server = SmtpServer({"ehlo": "502 5.5.1 not implemented"})

    receipts = carried(server, PLAIN, [a_message()])

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED]
    assert [one.split(" ")[0] for one in server.commands][:3] == ["EHLO", "HELO", "MAIL"]


def test_a_machine_without_a_name_of_its_own_calls_itself_by_its_address() -> None:
    server = SmtpServer()

    carried(server, replace(PLAIN, local_hostname=""), [a_message()])

    name = socket.gethostname()
    assert server.commands[0] in {"EHLO [127.0.0.1]", f"EHLO {name}"}
    assert "." in server.commands[0]


def test_a_receipt_tells_stage_code_and_status() -> None:
    server = SmtpServer(recipients={"buyer2@mail.example": "550-5.1.1 nobody\r\n550 5.1.1 here"})

    first, second = carried(server, PLAIN, [a_message(1), a_message(2)])

    assert (first.stage, first.code, first.status) == ("end_of_data", 250, "2.0.0")
    assert (second.stage, second.code, second.status) == ("rcpt", 550, "5.1.1")
    assert second.reply == "550 5.1.1 nobody 5.1.1 here"
