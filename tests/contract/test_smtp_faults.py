"""What SMTP answers when a real server refuses, hangs up, falls silent or talks nonsense; TLS and login."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterable
from dataclasses import fields, replace

import pytest
import trustme

from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.mail.replies import REPLY_LIMIT
from messenger.mail.smtp import Login, Security, SmtpSettings, SmtpTransport, Timeouts
from tests.smtp_server import CONTENT_DROP, DROP, SILENT, Script, SmtpServer

PLAIN = SmtpSettings(
    name="main", host="127.0.0.1", port=0, security=Security.NONE, connections=1, local_hostname="test.example"
)
LOGIN = Login(username="shop", secret=lambda: "secret-word")
IMPATIENT = Timeouts(**dict.fromkeys((one.name for one in fields(Timeouts)), 0.1))
TWO_STEPS = ("8BITMIME",)
"""Extensions of a server that wants MAIL and RCPT one after the other."""


def a_message(number: int = 1, *, recipient: str = "") -> FrozenMessage:
    key = Key("shop", "rule", str(number), 1)
    recipient = recipient or f"buyer{number}@mail.example"
    return FrozenMessage(key=key, sender="shop@shop.example", recipient=recipient, content=b"Subject: x\r\n\r\nx\r\n")


async def stream(messages: Iterable[FrozenMessage]) -> AsyncIterator[FrozenMessage]:
    for message in messages:
        yield message


def carry(server: SmtpServer, settings: SmtpSettings, *messages: FrozenMessage) -> list[Receipt]:
    """Carry the messages; each gets exactly one answer, returned in their order."""
    wanted = messages or (a_message(),)
    told: dict[Key, list[Receipt]] = {message.key: [] for message in wanted}

    async def committing(_: Key) -> bool:
        return True

    async def done(key: Key, receipt: Receipt) -> None:
        told[key].append(receipt)

    async def scenario() -> None:
        async with server:
            transport = SmtpTransport(replace(settings, port=server.port))
            await transport.carry(stream(wanted), committing=committing, done=done)
            await transport.close()

    asyncio.run(scenario())
    assert [len(receipts) for receipts in told.values()] == [1] * len(wanted)
    return [receipts[0] for receipts in told.values()]


def outcome_of(script: Script, settings: SmtpSettings = PLAIN, *, extensions: tuple[str, ...] = TWO_STEPS) -> Outcome:
    return carry(SmtpServer(script, extensions=extensions), settings)[0].outcome


EARLY = {"greeting": Outcome.ACCOUNT, "ehlo": Outcome.ACCOUNT} | dict.fromkeys(
    ("mail", "rcpt", "data"), Outcome.TEMPORARY
)
"""Where a line may break before the message has left, and what it says: before MAIL it is nobody's message yet."""


@pytest.mark.parametrize("extensions", [("PIPELINING",), TWO_STEPS], ids=["pipelined", "one by one"])
@pytest.mark.parametrize("how", [DROP, SILENT, "hello, who is there?", "999 what", "2x0 ok", "250"], ids=repr)
@pytest.mark.parametrize("stage", EARLY)
def test_before_the_message_has_left_a_broken_line_means_that_it_was_not_taken(
    stage: str, how: str, extensions: tuple[str, ...]
) -> None:
    if how == "250" and stage in {"mail", "rcpt", "ehlo"}:
        pytest.skip("a bare 250 is a yes here")
    settings = replace(PLAIN, timeouts=IMPATIENT)
    server = SmtpServer({stage: how}, extensions=extensions)

    (receipt,) = carry(server, settings)

    assert (receipt.outcome, receipt.stage) == (EARLY[stage], stage)
    assert server.mails == []


@pytest.mark.parametrize(
    "how", [DROP, SILENT, "hello", "999 what", "354 again", "250-never\r\n551 ends", "\x00"], ids=repr
)
def test_after_the_last_dot_anything_but_a_plain_answer_is_uncertain(how: str) -> None:
    settings = replace(PLAIN, timeouts=replace(IMPATIENT, end_of_data=0.1))

    assert outcome_of({"end_of_data": how}, settings) is Outcome.UNCERTAIN


def test_a_line_lost_while_the_content_goes_out_is_uncertain() -> None:
    assert outcome_of({"content": CONTENT_DROP}) is Outcome.UNCERTAIN


@pytest.mark.parametrize(
    ("stage", "reply", "expected"),
    [
        ("greeting", "421 busy", Outcome.ACCOUNT),
        ("greeting", "554 not you", Outcome.ACCOUNT),
        ("ehlo", "450 later", Outcome.ACCOUNT),
        ("ehlo", "550 not you", Outcome.ACCOUNT),
        ("ehlo", "421 closing", Outcome.ACCOUNT),
        ("mail", "451 later", Outcome.TEMPORARY),
        ("mail", "421 closing", Outcome.TEMPORARY),
        ("mail", "550 not as this sender", Outcome.ACCOUNT),
        ("mail", "530 5.7.0 authenticate first", Outcome.ACCOUNT),
        ("mail", "552 5.3.4 too big for us", Outcome.PERMANENT),
        ("mail", "552 too big", Outcome.PERMANENT),
        ("mail", "552 5.2.2 you have used up your share", Outcome.ACCOUNT),
        ("mail", "550 5.6.7 no letters beyond ASCII", Outcome.PERMANENT),
        ("rcpt", "450 greylisted", Outcome.TEMPORARY),
        ("rcpt", "421 closing", Outcome.TEMPORARY),
        ("rcpt", "550 5.1.1 nobody here", Outcome.PERMANENT),
        ("rcpt", "552 too many recipients", Outcome.TEMPORARY),
        ("rcpt", "530 5.7.0 authenticate first", Outcome.ACCOUNT),
        ("data", "451 later", Outcome.TEMPORARY),
        ("data", "554 no", Outcome.PERMANENT),
        ("data", "250 what", Outcome.TEMPORARY),
        ("end_of_data", "451 later", Outcome.TEMPORARY),
        ("end_of_data", "421 closing", Outcome.TEMPORARY),
        ("end_of_data", "552 too big", Outcome.PERMANENT),
        ("end_of_data", "554 5.7.1 spam", Outcome.PERMANENT),
        ("end_of_data", "251 forwarded", Outcome.ACCEPTED),
        ("end_of_data", "250-2.0.0 two\r\n250 lines", Outcome.ACCEPTED),
    ],
)
@pytest.mark.parametrize("extensions", [("PIPELINING",), TWO_STEPS], ids=["pipelined", "one by one"])
def test_a_reply_means_what_its_stage_says(
    stage: str, reply: str, expected: Outcome, extensions: tuple[str, ...]
) -> None:
    assert outcome_of({stage: reply}, extensions=extensions) is expected


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "end_of_data"])
@pytest.mark.parametrize("how", [DROP, "421 closing", "450 later", "550 no", "garbage"])
def test_the_message_after_a_failed_one_arrives(stage: str, how: str) -> None:
    server = SmtpServer({stage: [how]})

    receipts = carry(server, PLAIN, a_message(1), a_message(2), a_message(3))

    assert receipts[0].outcome is not Outcome.ACCEPTED
    assert [receipt.outcome for receipt in receipts[1:]] == [Outcome.ACCEPTED] * 2
    assert [mail.recipient for mail in server.taken] == ["buyer2@mail.example", "buyer3@mail.example"]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param({"after": [DROP]}, id="hung up between messages"),
        pytest.param({"mail": ["250 ok", "421 idle too long"]}, id="421 to the next MAIL"),
        pytest.param({"after": ["421 idle"]}, id="an unasked 421"),
    ],
)
def test_a_line_gone_stale_is_replaced_without_a_word(script: Script) -> None:
    server = SmtpServer(script)

    receipts = carry(server, PLAIN, a_message(1), a_message(2))

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED] * 2
    assert server.connections == 2


def test_a_line_is_used_again_up_to_its_limit() -> None:
    server = SmtpServer()

    carry(server, replace(PLAIN, messages_per_connection=10), *map(a_message, range(25)))

    assert (len(server.taken), server.connections) == (25, 3)


def test_a_refusing_account_is_asked_once_not_once_per_message() -> None:
    server = SmtpServer({"greeting": "554 blocked"})

    receipts = carry(server, PLAIN, *map(a_message, range(20)))

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCOUNT}
    assert server.connections == 1


def test_a_port_where_nobody_listens_is_account_trouble() -> None:
    server = SmtpServer()
    settings = replace(PLAIN, host="127.0.0.2")

    (receipt,) = carry(server, settings)

    assert (receipt.outcome, receipt.stage) == (Outcome.ACCOUNT, "connect")
    assert "refused" in receipt.reply or "failed" in receipt.reply


@pytest.mark.parametrize("size", [REPLY_LIMIT + 1, REPLY_LIMIT * 40])
@pytest.mark.parametrize(("stage", "expected"), [("rcpt", Outcome.TEMPORARY), ("end_of_data", Outcome.UNCERTAIN)])
def test_an_endless_reply_is_no_reply(size: int, stage: str, expected: Outcome) -> None:
    assert outcome_of({stage: "550 " + "a" * size}) is expected
    assert outcome_of({stage: "\r\n".join(["550-more"] * (size // 8))}) is expected


def test_a_server_that_never_says_goodbye_costs_a_second_at_most() -> None:
    async def scenario() -> float:
        async with SmtpServer({"quit": SILENT}) as server:
            loop = asyncio.get_running_loop()
            begin = loop.time()
            transport = SmtpTransport(replace(PLAIN, port=server.port))
            await transport.carry(stream([a_message()]), committing=_yes, done=_ignore)
            return loop.time() - begin

    assert asyncio.run(scenario()) < 2


async def _yes(_: Key) -> bool:
    return True


async def _ignore(_: Key, __: Receipt) -> None:
    return None


def test_cancelling_leaves_a_message_past_the_commit_point_without_an_answer() -> None:
    told: list[Receipt] = []

    async def done(_: Key, receipt: Receipt) -> None:
        told.append(receipt)

    async def scenario() -> None:
        committed = asyncio.Event()

        async def committing(_: Key) -> bool:
            committed.set()
            return True

        async with SmtpServer({"end_of_data": SILENT}) as server:
            transport = SmtpTransport(replace(PLAIN, port=server.port))
            task = asyncio.create_task(transport.carry(stream([a_message()]), committing=committing, done=done))
            await committed.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(scenario())
    assert told == []


def test_troubles_of_the_caller_do_not_leave_the_transport(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_: Key) -> bool:
        raise RuntimeError("disk full, buyer1@mail.example")

    async def deaf(_: Key, __: Receipt) -> None:
        raise RuntimeError("disk full, buyer1@mail.example")

    async def torn() -> AsyncIterator[FrozenMessage]:
        yield a_message()
        raise RuntimeError("no more")

    server = SmtpServer()

    async def scenario() -> None:
        async with server:
            transport = SmtpTransport(replace(PLAIN, port=server.port))
            await transport.carry(stream([a_message()]), committing=broken, done=_ignore)
            assert server.mails == []
            await transport.carry(torn(), committing=_yes, done=deaf)

    with caplog.at_level(logging.INFO):
        asyncio.run(scenario())

    assert [record.message for record in caplog.records if record.name.startswith("messenger")] == [
        "commit_point_broken", "answer_not_recorded", "message_stream_broken"]  # fmt: skip
    assert "buyer1" not in caplog.text


# --- addresses ------------------------------------------------------------------------------------------------------

HOSTILE = ["", "a", "a@b", "a@x.de,b@x.de", "b@x.com\nRSET", "b@x.com\r\nRCPT TO:<c@x.com>", "b@x.com BODY=8BITMIME",
           "<b@x.com>", "b@x.com>", "a b@x.com", "b@x.com\x00", "\u202eb@x.com", "b@[127.0.0.1]", "b@x..com",
           '"b"@x.com', "b@-x.com", "b@x.com\u2028", "b;c@x.com", "b@x.com\ud800", "a@" + "b" * 64 + ".com"]  # fmt: skip


@pytest.mark.parametrize("address", HOSTILE, ids=ascii)
def test_what_is_not_one_address_is_never_put_into_a_command(address: str) -> None:
    server = SmtpServer()

    receipts = carry(server, PLAIN, a_message(1, recipient=address or " "), replace(a_message(2), sender=address))

    assert {receipt.outcome for receipt in receipts} == {Outcome.PERMANENT}
    assert server.commands == []


def test_a_domain_beyond_ascii_goes_out_in_its_ascii_form() -> None:
    server = SmtpServer()

    carry(server, PLAIN, a_message(recipient="buyer@почта.рф"))

    assert [mail.recipient for mail in server.taken] == ["buyer@xn--80a1acny.xn--p1ai"]


@pytest.mark.parametrize(
    ("extensions", "expected"), [(("SMTPUTF8",), Outcome.ACCEPTED), (("PIPELINING",), Outcome.PERMANENT)]
)
def test_a_name_beyond_ascii_needs_a_server_that_takes_it(extensions: tuple[str, ...], expected: Outcome) -> None:
    server = SmtpServer(extensions=extensions)

    receipts = carry(server, PLAIN, a_message(1, recipient="почта@mail.example"), a_message(2))

    assert [receipt.outcome for receipt in receipts] == [expected, Outcome.ACCEPTED]
    assert any("SMTPUTF8" in command for command in server.commands) == (expected is Outcome.ACCEPTED)


def test_redirected_mail_reaches_nobody_else() -> None:
    server = SmtpServer()

    carry(server, replace(PLAIN, redirect_to="me@office.example"), a_message())

    assert [mail.recipient for mail in server.taken] == ["me@office.example"]


def test_the_reply_is_kept_without_the_address_and_without_control_characters() -> None:
    server = SmtpServer(
        {"rcpt": "550-5.1.1 <Buyer1@Mail.Example>: \x1b[31mno\x07 \u202esuch\r\n550 user <b>here</b> " + "x" * 900}
    )

    (receipt,) = carry(server, PLAIN)

    assert receipt.code == 550
    assert (
        receipt.reply.startswith("550 5.1.1 <recipient>: [31mno such user <b>here</b> xxx")
        or receipt.reply.isprintable()
    )
    assert "buyer1" not in receipt.reply.lower()
    assert len(receipt.reply) == 500
    assert receipt.reply.isprintable()


# --- TLS and login --------------------------------------------------------------------------------------------------


def server_context(ca: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


def client_context(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def test_starttls_with_the_right_certificate_and_login(ca: trustme.CA) -> None:
    server = SmtpServer(extensions=("STARTTLS", "AUTH PLAIN LOGIN", "PIPELINING"), tls=server_context(ca))
    settings = replace(PLAIN, security=Security.STARTTLS, tls_context=client_context(ca), login=LOGIN)

    receipts = carry(server, settings, a_message(1), a_message(2))

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED] * 2
    assert [command.split(" ")[0] for command in server.commands][:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


def test_tls_from_the_start(ca: trustme.CA) -> None:
    server = SmtpServer(tls=server_context(ca), is_implicit_tls=True)

    receipts = carry(server, replace(PLAIN, security=Security.TLS, tls_context=client_context(ca)))

    assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED]


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("wrong", ["unknown authority", "other name"])
def test_a_wrong_certificate_is_account_trouble_and_nothing_is_sent(
    ca: trustme.CA, security: Security, wrong: str
) -> None:
    name = "other.example" if wrong == "other name" else "127.0.0.1"
    server = SmtpServer(
        extensions=("STARTTLS",), tls=server_context(ca, name), is_implicit_tls=security is Security.TLS
    )
    trusted = ca if wrong == "other name" else trustme.CA()

    (receipt,) = carry(server, replace(PLAIN, security=security, tls_context=client_context(trusted), login=LOGIN))

    assert receipt.outcome is Outcome.ACCOUNT
    assert "certificate" in receipt.reply.lower()
    assert not {"MAIL", "AUTH"} & {command.split(" ")[0] for command in server.commands}


@pytest.mark.parametrize(
    ("script", "extensions", "expected"),
    [
        pytest.param({}, ("PIPELINING",), Outcome.ACCOUNT, id="not offered"),
        pytest.param({"starttls": "502 no"}, ("STARTTLS",), Outcome.ACCOUNT, id="refused"),
        pytest.param({"starttls": "454 later"}, ("STARTTLS",), Outcome.ACCOUNT, id="not now"),
        pytest.param({"starttls": DROP}, ("STARTTLS",), Outcome.ACCOUNT, id="line broke"),
        pytest.param({"starttls": SILENT}, ("STARTTLS",), Outcome.ACCOUNT, id="silence"),
    ],
)
def test_without_tls_nothing_is_sent(
    ca: trustme.CA, script: Script, extensions: tuple[str, ...], expected: Outcome
) -> None:
    server = SmtpServer(script, extensions=extensions, tls=server_context(ca))
    settings = replace(
        PLAIN, security=Security.STARTTLS, tls_context=client_context(ca), timeouts=IMPATIENT, login=LOGIN
    )

    assert carry(server, settings)[0].outcome is expected
    assert not {"MAIL", "AUTH"} & {command.split(" ")[0] for command in server.commands}


def test_tls_towards_a_server_that_speaks_plainly_is_account_trouble(ca: trustme.CA) -> None:
    settings = replace(PLAIN, security=Security.TLS, tls_context=client_context(ca))

    assert carry(SmtpServer(), settings)[0].outcome is Outcome.ACCOUNT


@pytest.mark.parametrize(
    ("script", "extensions", "expected"),
    [
        pytest.param({"auth": "535 5.7.8 wrong"}, ("AUTH PLAIN LOGIN",), Outcome.ACCOUNT, id="wrong password"),
        pytest.param({"auth": "454 4.7.0 later"}, ("AUTH PLAIN",), Outcome.ACCOUNT, id="not now"),
        pytest.param({"auth": DROP}, ("AUTH PLAIN",), Outcome.ACCOUNT, id="line broke"),
        pytest.param({}, ("PIPELINING",), Outcome.ACCOUNT, id="not offered"),
        pytest.param({}, ("AUTH GSSAPI",), Outcome.ACCOUNT, id="no common method"),
    ],
)
def test_login_trouble(script: Script, extensions: tuple[str, ...], expected: Outcome) -> None:
    server = SmtpServer(script, extensions=extensions)
    settings = replace(PLAIN, login=LOGIN)

    (receipt,) = carry(server, settings)

    assert receipt.outcome is expected
    assert server.mails == []
    assert "secret-word" not in repr(settings) + receipt.reply
