"""Hostile addresses, hostile ends of data and hostile replies, over a real line: nobody else is written to, nothing is cut in two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final

import pytest

from messenger.domain.events import parse_event
from messenger.domain.messages import FrozenMessage, Key, Letter, Outcome, Receipt
from messenger.errors import EventError
from messenger.mail.mime import MimeComposer
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport, Timeouts
from tests.builders import document
from tests.raw_sink import RawSink
from tests.smtp_server import SmtpServer

Server = SmtpServer | RawSink


def a_message(number: int, recipient: str, content: bytes = b"Subject: x\r\n\r\nx\r\n") -> FrozenMessage:
    return FrozenMessage(
        key=Key("shop", "rule", str(number), 1), sender="shop@shop.example", recipient=recipient, content=content
    )


def carried(server: Server, messages: Sequence[FrozenMessage], timeouts: Timeouts | None = None) -> list[Receipt]:
    """Carry the messages over one connection; returns the one answer of each, in their order."""
    told: dict[Key, list[Receipt]] = {message.key: [] for message in messages}

    async def stream() -> AsyncIterator[FrozenMessage]:
        for message in messages:
            yield message

    async def yes(_: Key) -> bool:
        return True

    async def done(key: Key, receipt: Receipt) -> None:
        told[key].append(receipt)

    async def scenario() -> None:
        async with server:
            transport = SmtpTransport(
                SmtpSettings(name="main", host="127.0.0.1", port=server.port, security=Security.NONE, connections=1,
                             messages_per_connection=10_000, local_hostname="test.example", timeouts=timeouts or Timeouts())
            )  # fmt: skip
            await transport.carry(stream(), committing=yes, done=done)
            await transport.close()

    asyncio.run(scenario())
    assert [len(receipts) for receipts in told.values()] == [1] * len(messages)
    return [receipts[0] for receipts in told.values()]


# --- addresses --------------------------------------------------------------------------------------------------------

CONTROLS = [chr(one) for one in (*range(32), *range(0x7F, 0xA0))]
TAILS = [
    "\nRSET", "\r\nRSET", "\rRSET", "\r\nRCPT TO:<c@evil.example>", "\r\nDATA\r\n", "\nBcc: c@evil.example", " BODY=8BITMIME", " SMTPUTF8",
    "> BODY=8BITMIME", "> SIZE=1", ">\r\nDATA", ">", "<", "<c@evil.example>", ",c@evil.example", ", c@evil.example", ";c@evil.example",
    " c@evil.example", "@evil.example", ":c@evil.example", "(comment)", " (comment)", "\u2028", "\u2029", "\u2028RSET", "\u200b", "\u200c",
    "\u200d", "\u2060", "\ufeff", "\xad", "\u202e", "\u202d", "\u2066", "\u061c", "\ud800", "\udfff", "\udc80",
    "\u3002evil", "\uff0eevil", "\uff61evil",
    "\u2024evil", "\ufe52evil", "\uff20evil.example", "\ufe6bevil.example", "/", "\\", '"', "'", "|", "`", "$", "%", "{", "}", "~", "^", "=?",
    "?=",
    "&#64;",
    "%0d%0aRSET", "=0D=0A", ".", "..", ".evil..example", "-", ".-evil.example", ".evil-.example", ".1", ".123", ":25", "/x", "?x", "#x",
    "!",
    "*",
]  # fmt: skip
WHOLE = [
    "", " ", "@", "a", "a@", "@mail.example", "a@b", "a@localhost", "a b@mail.example", ' "a b"@mail.example', '"a b"@mail.example',
    '"a"@mail.example',
    '"a@b"@mail.example', '"a\\"b"@mail.example', "Ann <a@mail.example>", "<a@mail.example>", "mailto:a@mail.example", "a@[127.0.0.1]",
    "a@[IPv6:::1]", "a@127.0.0.1", "@evil.example:a@mail.example", "@a.example,@b.example:c@mail.example", "friends: a@mail.example;",
    "undisclosed-recipients:;", ".a@mail.example", "a.@mail.example", "a..b@mail.example", "a@mail..example", "a@.mail.example", "a@mail_x.example",
    "a@@mail.example", "a@b@mail.example", "a\uff20b@mail.example", "a\ufe6bmail.example", "a\uff20mail.example", "a@mail\u3002example",
    "a@\uff4dail.example", "\uff41nn@mail.example", "a\u2024b@mail.example", "a\uff0eb@mail.example", "a\uff1cb\uff1e@mail.example",
    "\ufb01a@mail.example",
    "a@ma\u0131l\u2024example", "=?utf-8?q?a?=@mail.example", "a@=?utf-8?q?b?=.example", f"{'a' * 65}@mail.example", f"{'ж' * 33}@mail.example",
    f"a@{'b' * 64}.example", f"a@{'.'.join(['b' * 60] * 5)}.example", "a" * 10_000 + "@mail.example", "a@" + "b." * 5_000 + "example",
    "a@mail.example\r\n.\r\nMAIL FROM:<x@evil.example>", "a@cafe\u0301.example", "a@\u0301b.example",
]  # fmt: skip
REFUSED: Final = list(
    dict.fromkeys(
        [
            *(f"a{one}@mail.example" for one in CONTROLS),
            *(f"a@mail.example{one}" for one in (*CONTROLS, *TAILS)),
            *WHOLE,
        ]
    )
)
TAKEN: Final = {
    "anna@mail.example": "anna@mail.example",
    "A.B+toys@Mail.Example": "A.B+toys@Mail.Example",
    "o'brien@mail.example": "o'brien@mail.example",
    "!#$%&'*+-/?=^_`{|}~@mail.example": "!#$%&'*+-/?=^_`{|}~@mail.example",
    "c%evil.example@mail.example": "c%evil.example@mail.example",
    "evil!c@mail.example": "evil!c@mail.example",
    "1@163.com": "1@163.com",
    "a@bücher.example": "a@xn--bcher-kva.example",
    "a@почта.рф": "a@xn--80a1acny.xn--p1ai",
    "a@例子.广告": "a@xn--fsqu00a.xn--4rr70v",
    "a@xn--80a1acny.xn--p1ai": "a@xn--80a1acny.xn--p1ai",
    "почта@почта.рф": "почта@xn--80a1acny.xn--p1ai",
    "用户@mail.example": "用户@mail.example",
    "อีเมลคำ@mail.example": "อีเมลคำ@mail.example",
    "a@mail.example\u560a": "a@mail.xn--example-q96l",  # its last octet is that of a line feed
    "josé@mail.example": "josé@mail.example",
    f"{'a' * 64}@mail.example": f"{'a' * 64}@mail.example",
}


def test_there_are_two_hundred_addresses() -> None:
    assert len(REFUSED) + len(TAKEN) >= 200


@pytest.mark.parametrize("address", REFUSED, ids=range(len(REFUSED)))
def test_an_event_with_such_an_address_is_a_refused_row(address: str) -> None:
    data = {"shop": "toys", "buyer": {"id": "b-1", "email": address}}

    with pytest.raises(EventError, match=r"buyer\.email"):
        parse_event(document("order.paid", data=data))


def test_past_the_gate_it_is_refused_before_any_command_and_its_neighbours_get_their_mail() -> None:
    server = SmtpServer(extensions=("PIPELINING", "8BITMIME", "SMTPUTF8"))
    good = list(TAKEN)
    mixed = [one for number, bad in enumerate(REFUSED) for one in (bad, good[number % len(good)])]

    receipts = carried(server, [a_message(number, address) for number, address in enumerate(mixed)])

    assert {receipt.outcome for receipt in receipts[::2]} == {Outcome.PERMANENT}
    assert {receipt.outcome for receipt in receipts[1::2]} == {Outcome.ACCEPTED}
    assert [mail.recipient for mail in server.taken] == [TAKEN[one] for one in mixed[1::2]]
    assert {one.split(" ")[0] for one in server.commands} == {"EHLO", "MAIL", "RCPT", "DATA", "QUIT"}
    assert server.commands.count("QUIT") == server.connections == 1


def test_an_address_of_ours_that_is_none_reaches_nobody() -> None:
    server = SmtpServer()
    senders = [FrozenMessage(key=Key("shop", "rule", str(number), 1), sender=address, recipient="a@mail.example", content=b"\r\n")
               for number, address in enumerate(REFUSED)]  # fmt: skip

    receipts = carried(server, senders)

    assert {receipt.outcome for receipt in receipts} == {Outcome.PERMANENT}
    assert server.commands == []


# --- ends of data -----------------------------------------------------------------------------------------------------

ENDS: Final = [
    "\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\n.\r", "\r\r\n.\r\r\n", "\r\n.\r\r\n", "\r\r\n.\r\n", "\r\n\0.\r\n",
    "\r\n.\0\r\n",
    "\r\n..\r\n", "\r\n.\r\n.\r\n", "\x85.\x85", "\u2028.\u2028", "\x0b.\x0b", "\x0c.\x0c", "\r\n .\r\n", "\r\n.\t\r\n", "\n\n.\n\n", "=0D=0A.=0D=0A",
    "\r\n=2E\r\n",
    "\r\n.\x1a\r\n", "\u560d\u560a.\u560d\u560a",
]  # fmt: skip
SMUGGLED: Final = "MAIL FROM:<x@evil.example>{0}RCPT TO:<y@evil.example>{0}DATA{0}Subject: smuggled{0}{0}x"


def letters() -> list[Letter]:
    """Each end of data in the text, in both bodies, and in what a buyer writes into names and notes."""
    hostile = [
        f"hello{end}{SMUGGLED.format(line)}{end}" for end in ENDS for line in ("\r\n", end.partition(".")[2] or "\n")
    ]
    found = []
    for number, words in enumerate(hostile):
        places = (
            {"text": words},
            {"text": words, "html": f"<p>{words}</p>"},
            {"recipient_name": words},
            {"subject": words},
        )
        for place, changes in enumerate(places):
            found.append(a_letter(f"{number}-{place}", **changes))
    return found


def a_letter(name: str, *, text: str = "hi\n", html: str = "", recipient_name: str = "", subject: str = "x") -> Letter:
    return Letter(
        key=Key("shop", "rule", name, 1), sender="Toys <shop@shop.example>", recipient="a@mail.example", recipient_name=recipient_name,
        subject=subject, text=text, html=html, platform_text="", locale="en", message_id=f"{name}@shop.example",
        date=datetime(2026, 3, 2, tzinfo=UTC),
    )  # fmt: skip


def check_the_wire(sink: RawSink, sent: Sequence[FrozenMessage]) -> None:
    """As many messages as were sent, to the byte, CRLF only, no line too long, each dot doubled once."""
    assert [one.content for one in sink.received] == [one.content for one in sent]
    for one in sink.received:
        assert one.wire.count(b"\n") == one.wire.count(b"\r") == one.wire.count(b"\r\n")
        assert max(map(len, one.content.split(b"\r\n"))) <= 998
        assert b"\r\n.\r\n" not in b"\r\n" + one.wire
        assert one.recipients == ("a@mail.example",)
    assert {line.split(b" ")[0] for line in sink.commands} == {b"EHLO", b"MAIL", b"RCPT", b"DATA", b"QUIT"}


def test_no_end_of_data_in_a_letter_ends_the_message() -> None:
    composer, sink = MimeComposer(), RawSink()
    sent = [composer.compose(one) for one in letters()]

    receipts = carried(sink, sent)

    assert len(ENDS) >= 20
    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    check_the_wire(sink, sent)


def test_content_that_a_server_could_read_in_two_ways_is_refused_by_the_transport_itself() -> None:
    sink = RawSink()
    bodies = [f"Subject: x\r\n\r\nhello{end}{SMUGGLED.format(chr(13) + chr(10))}\r\n".encode() for end in ENDS]
    # the sink lists no 8BITMIME
    is_clean = [
        body.count(b"\n") == body.count(b"\r") == body.count(b"\r\n") and b"\0" not in body and body.isascii()
        for body in bodies
    ]
    messages = [a_message(number, "a@mail.example", body) for number, body in enumerate(bodies)]

    receipts = carried(sink, messages)

    assert [receipt.outcome is Outcome.ACCEPTED for receipt in receipts] == is_clean
    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED, Outcome.PERMANENT}
    check_the_wire(sink, [one for one, clean in zip(messages, is_clean, strict=True) if clean])


@pytest.mark.parametrize(
    "line", [b".", b"..", b".x", b"x.", b"", b"." * 998, b"x" * 998], ids=["dot", "dots", "dot first", "dot last", "none", "all dots", "longest"]
)  # fmt: skip
def test_ten_megabytes_arrive_to_the_byte_wherever_blocks_are_cut(line: bytes) -> None:
    sink = RawSink()
    content = b"Subject: x\r\n\r\n" + (line + b"\r\n") * (10 * 2**20 // (len(line) + 2))
    messages = [a_message(1, "a@mail.example", content), a_message(2, "a@mail.example")]

    receipts = carried(sink, messages)

    assert {receipt.outcome for receipt in receipts} == {Outcome.ACCEPTED}
    check_the_wire(sink, messages)


def test_a_line_too_long_for_a_server_is_refused() -> None:
    sink = RawSink()

    (receipt,) = carried(sink, [a_message(1, "a@mail.example", b"Subject: x\r\n\r\n" + b"x" * 999 + b"\r\n")])

    assert (receipt.outcome, sink.commands) == (Outcome.PERMANENT, [])


# --- replies ----------------------------------------------------------------------------------------------------------

LONG: Final = "x" * (10 * 2**20)
REPLIES: Final = {
    "line of 10 MB": f"550 {LONG}",
    "first line of 10 MB": f"550-{LONG}\r\n550 end",
    "many lines": "\r\n".join(["550-more"] * 200_000) + "\r\n550 end",
    "NUL": "550 5.1.1 a\0b",
    "ANSI": "550 5.1.1 \x1b[2J\x1b[31mred\x1b]0;title\x07 \x9b31m",
    "HTML": "550 5.1.1 <script>alert(1)</script><img src=x onerror=alert(1)>",
    "direction": "550 5.1.1 \u202egnp.exe\u2066",
    "bare returns": "550 5.1.1 a\rb\rc",
    "no UTF-8": "550 5.1.1 \udcff\udcfe\udc80",
    "only controls": "550 \x01\x02\x03",
    "as long as allowed": "550 5.1.1 " + "ж" * 4_000,
}
STAGES: Final = ("greeting", "ehlo", "mail", "rcpt", "data", "end_of_data")


@pytest.mark.parametrize("reply", REPLIES)
@pytest.mark.parametrize("stage", STAGES)
def test_a_hostile_reply_is_kept_short_on_one_line_and_harmless_to_a_terminal(stage: str, reply: str) -> None:
    (receipt,) = carried(SmtpServer({stage: REPLIES[reply]}), [a_message(1, "a@mail.example")])

    is_reply = "MB" not in reply and reply != "many lines"
    assert receipt.code == (550 if is_reply else 0)
    assert receipt.stage == stage
    assert receipt.outcome is not Outcome.ACCEPTED
    assert (receipt.outcome is Outcome.UNCERTAIN) == (stage == "end_of_data" and not is_reply)
    assert receipt.reply.isprintable()
    assert 0 < len(receipt.reply) <= 500


def test_what_a_server_wrote_as_markup_stays_words() -> None:
    (receipt,) = carried(SmtpServer({"rcpt": REPLIES["HTML"]}), [a_message(1, "a@mail.example")])

    assert receipt.reply == "550 5.1.1 <script>alert(1)</script><img src=x onerror=alert(1)>"
