"""Replies of a mail server: what is one, what it means, what is kept of it; and the commands that call for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.domain.messages import FrozenMessage, Key, Outcome
from messenger.errors import MessageRefused
from messenger.mail.envelope import commands, envelope_of, xtext
from messenger.mail.opening import extensions_of
from messenger.mail.replies import LINE_LIMIT, REPLY_LIMIT, Incoming, NoReply, Reply, Stage, Trouble, outcome, receipt
from tools.fuzz_replies import PIECES, check_reply, run


def read(*packets: bytes) -> list[Reply | str]:
    """Return the replies in what came, and at its end why there is no further one."""

    incoming, left = Incoming(), [*packets]
    found: list[Reply | str] = []
    while True:
        try:
            reply = incoming.take()
        except NoReply as problem:
            return [*found, str(problem)]
        if reply is not None:
            found.append(reply)
        elif left:
            incoming.feed(left.pop(0))
        else:
            incoming.is_over = True


BROKE = "the line broke before a reply"
NONE = "what came is no SMTP reply"
LONG = "what came is longer than any reply"


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        ([b"250 ok\r\n"], [Reply(250, "ok"), BROKE]),
        ([b"250\r\n"], [Reply(250, ""), BROKE]),
        ([b"250 \r\n"], [Reply(250, ""), BROKE]),
        ([b"250 ok\n"], [Reply(250, "ok"), BROKE]),
        ([b"2", b"50", b" o", b"k\r", b"\n2", b"21 bye\r\n"], [Reply(250, "ok"), Reply(221, "bye"), BROKE]),
        ([b"250-one\r\n250-two\r\n250 three\r\n"], [Reply(250, "one\ntwo\nthree"), BROKE]),
        ([b"250-one\r\n250\r\n"], [Reply(250, "one\n"), BROKE]),
        ([b"550 \xff\xfe no\r\n"], [Reply(550, "\ufffd\ufffd no"), BROKE]),
        ([b"250-one\r\n"], [BROKE]),
        ([b"250 o"], [BROKE]),
        ([b""], [BROKE]),
        ([b"250-one\r\n251 two\r\n"], [NONE]),
        ([b"hello\r\n"], [NONE]),
        ([b"HTTP/1.1 200 OK\r\n"], [NONE]),
        ([b"199 x\r\n"], [NONE]),
        ([b"600 x\r\n"], [NONE]),
        ([b"2500 x\r\n"], [NONE]),
        ([b"25 x\r\n"], [NONE]),
        ([b" 250 x\r\n"], [NONE]),
        (["\u0662\u0665\u0660 x\r\n".encode()], [NONE]),
        ([b"250\tok\r\n"], [NONE]),
        ([b"\r\n"], [NONE]),
        ([b"250 " + b"x" * LINE_LIMIT + b"\r\n"], [LONG]),
        ([b"250-" + b"x" * 4000 + b"\r\n"] * 20, [LONG]),
    ],
)
def test_what_is_a_reply(packets: Sequence[bytes], expected: list[Reply | str]) -> None:
    assert read(*packets)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (550, "5.1.1 nobody", "5.1.1"), (250, "2.0.0", "2.0.0"), (451, "4.7.1\nlater", "4.7.1"), (550, "5.7.509 policy", "5.7.509"),
        (550, "nobody 5.1.1", ""), (550, "4.1.1 other class", ""), (550, "5.1 x", ""), (550, "5.1.1.1 x", ""), (550, "5.1.1000 x", ""),
        (354, "3.0.0 x", ""), (550, "", ""), (550, "5.1.1", "5.1.1"),
    ],
)  # fmt: skip
def test_the_enhanced_status_is_the_one_of_the_reply(code: int, text: str, expected: str) -> None:
    assert Reply(code, text).status == expected


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("code", [None, 250, 354, 421, 450, 451, 452, 530, 535, 550, 552, 554])
def test_nothing_is_called_sent_or_surely_not_sent_without_a_plain_answer(stage: Stage, code: int | None) -> None:
    found = outcome(stage, None if code is None else Reply(code, ""))

    is_answer = code is not None and (code >= 400 or code == 250)
    assert (found is Outcome.ACCEPTED) == (stage is Stage.END_OF_DATA and code == 250)
    assert (found is Outcome.UNCERTAIN) == (stage is Stage.END_OF_DATA and not is_answer)
    is_before_any_message = stage in {Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.TLS, Stage.AUTH}
    assert not is_before_any_message or found is Outcome.ACCOUNT


def test_an_address_is_masked_in_every_spelling() -> None:
    said = Reply(550, "<Ann@Mail.Example> ann@mail.example. (ann@mx.mail.example) jo-ann@mail.example unknown")

    found = receipt(stage=Stage.RCPT, result=Outcome.PERMANENT, words="", reply=said, hidden=("ann@mail.example",))

    assert found.reply == "550 <recipient> <recipient>. (<recipient>) jo-<recipient> unknown"


def test_extensions_are_read_in_any_case_and_odd_lines_left_out() -> None:
    reply = Reply(250, "mx.example\nsize 1000\nAUTH PLAIN\nAUTH=LOGIN PLAIN\n<b>\n\nXFOO  a   b\nPIPELINING")

    assert extensions_of(reply) == {
        "SIZE": ("1000",), "AUTH": ("PLAIN", "LOGIN", "PLAIN"), "XFOO": ("A", "B"), "PIPELINING": (),
    }  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=40)), max_size=12))
def test_whatever_comes_is_a_reply_or_is_none(packets: list[bytes]) -> None:
    for found in read(*packets):
        if isinstance(found, Reply):
            check_reply(found)
        else:
            assert found in {BROKE, NONE, LONG}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(1, 30), min_size=1, max_size=20))
def test_how_it_is_cut_into_packets_does_not_matter(tail: bytes, sizes: list[int]) -> None:
    whole = b"250-a\r\n250 b\r\n550 5.1.1 c\r\n" + tail
    packets: list[bytes] = []
    place = 0
    while place < len(whole):
        size = sizes[len(packets) % len(sizes)]
        packets.append(whole[place : place + size])
        place += size

    assert read(*packets) == read(whole)


def test_the_fuzzer_finds_nothing_in_a_moment() -> None:
    seen = asyncio.run(run(0.02, seed=1))

    assert seen["rounds"] > 20
    assert seen["reply"] > 0


def test_a_reply_is_bounded_however_many_lines_it_has() -> None:
    found = read(*([b"250-" + b"x" * 100 + b"\r\n"] * 5000))

    assert found[0] == LONG
    assert REPLY_LIMIT == 32_768


# --- commands ---------------------------------------------------------------------------------------------------------


def a_message(**changes: str | bytes) -> FrozenMessage:
    plain: dict[str, str | bytes] = {
        "sender": "a@shop.example",
        "recipient": "b@mail.example",
        "content": b"Message-ID: <m1@x>\r\n\r\nx\r\n",
    }
    return FrozenMessage(key=Key("shop", "rule", "1", 1), **(plain | changes))  # type: ignore[arg-type]  # by name


def asked(extensions: dict[str, tuple[str, ...]], **changes: str | bytes) -> tuple[str, str]:
    return commands(envelope_of(a_message(**changes)), extensions, is_dsn_wanted=True)


def test_xtext() -> None:
    assert xtext("rfc=822+joe smith@example.com") == "rfc+3D822+2Bjoe+20smith@example.com"  # RFC 3461


@pytest.mark.parametrize(
    ("extensions", "changes", "expected"),
    [
        ({}, {}, ("MAIL FROM:<a@shop.example>", "RCPT TO:<b@mail.example>")),
        ({"SIZE": ()}, {}, ("MAIL FROM:<a@shop.example> SIZE=25", "RCPT TO:<b@mail.example>")),
        ({"SIZE": ("0",)}, {}, ("MAIL FROM:<a@shop.example> SIZE=25", "RCPT TO:<b@mail.example>")),
        ({"SIZE": ("25",)}, {}, ("MAIL FROM:<a@shop.example> SIZE=25", "RCPT TO:<b@mail.example>")),
        ({"SIZE": ("many",)}, {}, ("MAIL FROM:<a@shop.example> SIZE=25", "RCPT TO:<b@mail.example>")),
        ({"8BITMIME": ()}, {"content": "x: ж\r\n".encode()}, ("MAIL FROM:<a@shop.example> BODY=8BITMIME", "RCPT TO:<b@mail.example>")),
        ({"SMTPUTF8": ()}, {"recipient": "б@mail.example"}, ("MAIL FROM:<a@shop.example> SMTPUTF8", "RCPT TO:<б@mail.example>")),
        ({}, {"recipient": "b@почта.рф"}, ("MAIL FROM:<a@shop.example>", "RCPT TO:<b@xn--80a1acny.xn--p1ai>")),
        ({"DSN": ()}, {"recipient": "b+c@mail.example"}, ("MAIL FROM:<a@shop.example> RET=HDRS ENVID=m1",
                                                        "RCPT TO:<b+c@mail.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b+2Bc@mail.example")),
        ({"DSN": ()}, {"content": b"Subject: x\r\n\r\nMessage-ID: <no@x>\r\n"},
         ("MAIL FROM:<a@shop.example> RET=HDRS", "RCPT TO:<b@mail.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b@mail.example")),
        ({"DSN": ()}, {"content": b"Message-ID: <" + b"+" * 60 + b"@x>\r\n\r\n"},
         ("MAIL FROM:<a@shop.example> RET=HDRS", "RCPT TO:<b@mail.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b@mail.example")),
        ({"DSN": (), "SMTPUTF8": ()}, {"recipient": "б@mail.example"},
         ("MAIL FROM:<a@shop.example> SMTPUTF8 RET=HDRS ENVID=m1", "RCPT TO:<б@mail.example> NOTIFY=FAILURE,DELAY")),
    ],
)  # fmt: skip
def test_what_a_server_is_asked(
    extensions: dict[str, tuple[str, ...]], changes: dict[str, str | bytes], expected: tuple[str, str]
) -> None:
    assert asked(extensions, **changes) == expected


@pytest.mark.parametrize(
    ("extensions", "changes", "status"),
    [
        ({"SIZE": ("24",)}, {}, "5.3.4"),
        ({"SMTPUTF8": ()}, {"content": "x: ж\r\n".encode()}, "5.6.3"),
        ({"8BITMIME": ()}, {"recipient": "б@mail.example"}, "5.6.7"),
        ({"8BITMIME": ()}, {"sender": "б@shop.example"}, "5.6.7"),
    ],
)
def test_what_a_server_cannot_take_is_not_offered(
    extensions: dict[str, tuple[str, ...]], changes: dict[str, str | bytes], status: str
) -> None:
    with pytest.raises(Trouble) as caught:
        asked(extensions, **changes)

    assert caught.value.reply is not None
    assert caught.value.reply.status == status
    assert caught.value.outcome() is Outcome.PERMANENT


@pytest.mark.parametrize(
    "content", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"\n", b"a\0\r\n", b"x" * 999 + b"\r\n", b"x" * 999]
)
def test_content_that_would_not_survive_the_line_is_refused(content: bytes) -> None:
    with pytest.raises(MessageRefused):
        envelope_of(a_message(content=content))
