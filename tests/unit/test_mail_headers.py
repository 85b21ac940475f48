"""Headers and messages: what was written is what a reader sees, and nothing else becomes part of the frame."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.header import decode_header
from email.message import EmailMessage
from email.parser import BytesParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.messages import Key, Letter
from messenger.errors import MessageRefused
from messenger.mail.headers import encode_address, encode_structured, encode_text, one_line, split_mailbox
from messenger.mail.mime import MimeComposer, body_text, verify_message

LETTER = Letter(
    key=Key("shop", "rule", "8134", 1),
    sender="Магазин <shop@shop.example>",
    recipient="buyer@mail.example",
    recipient_name="Иван",
    subject="Ваш заказ отправлен",
    text="Здравствуйте!\n",
    html="<p>Здравствуйте!</p>\n",
    platform_text="Здравствуйте!",
    locale="ru",
    message_id="0d72ac4127c191d4@mail.example",
    date=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
)
PLANNED = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "Content-Language"]
HOSTILE = [
    "=?utf-8?q?a=0D=0ABcc:_x@y?=",
    "=?utf-8?q?a=0D=0ABcc:_x@y=0D=0A=0D=0ABODY?=",
    "=?utf-8?b?DQpCY2M6IHhAeQ0K?=",
    "=?UTF-8?Q?=0A?=",
    "=?utf-8*en?q?a?=",
    "=?us-ascii?q?a?= =?us-ascii?q?b?=",
    "=?",
    "?=",
    "=?utf-8?q?",
    "a =?utf-8?q?b?= c",
    '"=?utf-8?q?a?="',
    "=?utf-8?q?a?=@b.example",
    *(f"a{end}Bcc: x@y.example" for end in ["\r\n", "\n", "\r", "\r\n ", "\n\t", "\x0b", "\x0c", "\x1c", "\x1d",
                                           "\x1e", "\x85", "\u2028", "\u2029", "\r\n\r\n", "\n\n", "\0", "\r\0\n",
                                           "%0d%0a", "\\r\\n"]),
    *(f"Ж{end}Bcc: x@y.example" for end in ["\r\n", "\n", "\r", "\x85", "\u2028", "\u2029", "\0"]),
    "a\r\n.\r\nMAIL FROM:<x@y>",
    "a\n.\nDATA",
    ".",
    "..",
    "<script>alert(1)</script>",
    "a@x.example, b@y.example",
    "a <b@c.example>",
    "a>, <b@c.example",
    'a"b',
    "a\\",
    "a\\\"b",
    "(comment",
    "comment)",
    "group: a@b.example;",
    ":;",
    ";",
    "a,b",
    "[x]",
    "\u202eevil\u202c",
    "\u200fxyz\u200e",
    "\u2066a\u2069",
    "\u2068a",
    "a\u2069b\u2068",
    "\u2068a\u2069\u2069",
    "\ufeffbom",
    "\ud800",
    "a\udfff\ud800b",
    "\x7f\x80\x9f",
    "\x1b[31mred",
    "e\u0301" * 60,
    "👨‍👩‍👧‍👦" * 30,
    "ж" * 500,
    "a" * 2000,
    "a " * 800,
    " leading and trailing ",
    "two  spaces   three",
    "\ttab\t",
    "",
    " ",
    "Content-Type: text/html",
    "--=_boundary",
    "𝕏" * 40,
    "日本語の件名" * 20,
    "=" * 90,
    "_" * 90,
    "a_b=c?d",
]  # fmt: skip


def parsed(content: bytes) -> EmailMessage:
    return BytesParser(EmailMessage, policy=policy.default).parsebytes(content)


def written(letter: Letter) -> bytes:
    return MimeComposer().compose(letter).content


def composed(letter: Letter) -> EmailMessage:
    return parsed(MimeComposer().compose(letter).content)


def display_name(content: bytes) -> str:
    """Read the name before the address of To with the older decoder: the newer one puts spaces between encoded words."""
    raw = str(BytesParser(policy=policy.compat32).parsebytes(content)["To"]).replace("\r\n", "").replace("\n", "")
    phrase = raw.rpartition("<")[0].rstrip(" ")
    if phrase.startswith('"'):
        return phrase[1:-1]
    return "".join(
        piece if isinstance(piece, str) else piece.decode(charset or "ascii")
        for piece, charset in decode_header(phrase)
    )


def bodies(mail: EmailMessage) -> list[str]:
    parts = [part for part in mail.walk() if part.get_content_maintype() == "text"]
    return [str(part.get_content()).replace("\r\n", "\n") for part in parts]


def lines_of(header: str) -> list[str]:
    assert header.endswith("\r\n")
    return header[:-2].split("\r\n")


def test_the_corpus_is_large_enough() -> None:
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("value", HOSTILE, ids=[f"{number}" for number in range(len(HOSTILE))])
def test_hostile_text_stays_text_wherever_it_comes_from(value: str) -> None:
    content = written(replace(LETTER, subject=value, recipient_name=value, text=value, headers=(("X-Order", value),)))
    mail = parsed(content)

    assert mail.keys() == [*PLANNED, "X-Order", "Content-Type"]
    assert mail["Subject"] == one_line(value)
    assert mail["X-Order"] == one_line(value)
    assert display_name(content) == one_line(value)
    assert bodies(mail) == [body_text(value), LETTER.html]
    assert [address.addr_spec for address in mail["To"].addresses] == ["buyer@mail.example"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("\u2068A1\u2069 b", "\u2068A1\u2069 b", id="closed: kept"),
        pytest.param("\u2068a \u2068b\u2069\u2069", "\u2068a \u2068b\u2069\u2069", id="one in the other: kept"),
        pytest.param("\u2068a", "a", id="left open"),
        pytest.param("a\u2069b\u2068", "ab", id="closed before it is opened"),
        pytest.param("\u2066a\u2069", "a", id="of another kind"),
    ],
)
def test_marks_that_keep_words_apart_stay_where_they_are_closed(value: str, expected: str) -> None:
    assert one_line(value) == expected


@given(subject=st.text(), name=st.text(), text=st.text(max_size=400), html=st.text(min_size=1, max_size=400))
def test_any_text_comes_back_as_it_was_written(subject: str, name: str, text: str, html: str) -> None:
    content = written(replace(LETTER, subject=subject, recipient_name=name, text=text, html=html))
    mail = parsed(content)

    assert mail.keys() == [*PLANNED, "Content-Type"]
    assert mail["Subject"] == one_line(subject)
    assert display_name(content) == one_line(name)
    assert bodies(mail) == [body_text(text), body_text(html)]


@given(text=st.text(alphabet='=?utf8qb_ \r\n0DA:@<>",.;()\\жé😀', max_size=120))
def test_text_that_looks_like_markup_comes_back_too(text: str) -> None:
    content = written(replace(LETTER, subject=text, recipient_name=text, text=text, html=""))
    mail = parsed(content)

    assert (mail["Subject"], display_name(content)) == (one_line(text), one_line(text))
    assert bodies(mail) == [body_text(text)]


@given(value=st.text(max_size=300), name=st.sampled_from(["Subject", "X-A-Rather-Long-Header-Name-Of-A-Letter"]))
def test_encoded_words_and_lines_keep_their_limits(value: str, name: str) -> None:
    lines = lines_of(encode_text(name, value))

    assert all(len(line) <= 78 for line in lines)
    for word in re.findall(r"=\?utf-8\?[bq]\?[^?]*\?=", "\n".join(lines)):
        assert len(word) <= 75
        (alone,) = [str(parsed(f"Subject: {word}\r\n\r\n".encode())["Subject"])]
        assert "\ufffd" not in alone or "\ufffd" in one_line(value)


@given(text=st.text(max_size=600))
def test_every_body_line_is_short_and_ascii(text: str) -> None:
    content = MimeComposer().compose(replace(LETTER, text=text, html="")).content

    assert content.isascii()
    assert all(len(line) <= 76 for line in content.split(b"\r\n\r\n", 1)[1].split(b"\r\n"))


def test_the_same_letter_gives_the_same_bytes() -> None:
    assert MimeComposer().compose(LETTER) == MimeComposer().compose(LETTER)


def test_a_whole_message_to_the_byte() -> None:
    letter = replace(LETTER, sender="Shop <shop@shop.example>", recipient_name="Ann O'Neil", subject="Shipped",
                     text="Café\n", html="", locale="en",
                     headers=(("Reply-To", "Staff <staff@shop.example>"),))  # fmt: skip

    assert MimeComposer().compose(letter).content.decode() == (
        "From: Shop <shop@shop.example>\r\n"
        "To: Ann O'Neil <buyer@mail.example>\r\n"
        "Subject: Shipped\r\n"
        "Date: Mon, 02 Mar 2026 09:30:00 +0000\r\n"
        "Message-ID: <0d72ac4127c191d4@mail.example>\r\n"
        "MIME-Version: 1.0\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "Content-Language: en\r\n"
        "Reply-To: Staff <staff@shop.example>\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        "\r\n"
        "Q2Fmw6kNCg==\r\n"
    )


def test_the_envelope_is_bare_addresses() -> None:
    message = MimeComposer().compose(LETTER)

    assert (message.sender, message.recipient) == ("shop@shop.example", "buyer@mail.example")
    assert message.text == LETTER.platform_text


@pytest.mark.parametrize(
    ("text", "kind"), [("plain words, è once in a while\n", "quoted-printable"), ("Привет\n", "base64")]
)
def test_the_body_encoding_suits_the_language(text: str, kind: str) -> None:
    assert composed(replace(LETTER, text=text, html=""))["Content-Transfer-Encoding"] == kind


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"recipient": "a@x.example,b@x.example"}, id="two recipients"),
        pytest.param({"recipient": "a@x.example\r\nBcc: b@x.example"}, id="line break in an address"),
        pytest.param({"recipient": "a\ud800@x.example"}, id="half a character in an address"),
        pytest.param({"sender": "no address"}, id="no sender address"),
        pytest.param({"sender": "A <a@x.example> <b@x.example>"}, id="two senders"),
        pytest.param({"message_id": "a b@c"}, id="space in the Message-ID"),
        pytest.param({"message_id": "a@b>\r\nBcc: x@y"}, id="line break in the Message-ID"),
        pytest.param({"locale": "ru\r\nBcc: x@y"}, id="line break in the locale"),
        pytest.param({"headers": (("Bcc", "x@y.example"),)}, id="Bcc"),
        pytest.param({"headers": (("to", "x@y.example"),)}, id="second To"),
        pytest.param({"headers": (("X-A", "1"), ("x-a", "2"))}, id="the same twice"),
        pytest.param({"headers": (("X-A: b\r\nBcc", "x@y"),)}, id="line break in a name"),
        pytest.param({"headers": (("Content-Type", "text/html"),)}, id="own Content-Type"),
        pytest.param({"headers": (("Resent-To", "x@y.example"),)}, id="Resent-To"),
        pytest.param({"headers": (("Reply-To", "x@y.example, z@y.example"),)}, id="two to reply to"),
        pytest.param({"headers": (("List-Unsubscribe", "<https://x.example>\r\nBcc: x@y"),)}, id="line break in a URI"),
        pytest.param({"headers": (("List-Unsubscribe", "<https://" + "x" * 1000 + ">"),)}, id="endless URI"),
    ],
)
def test_what_cannot_be_written_safely_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(MessageRefused):
        MimeComposer().compose(replace(LETTER, **change))  # type: ignore[arg-type]  # fields of several types, by name


def test_a_long_link_to_unsubscribe_stays_in_one_piece() -> None:
    link = "<https://shop.example/u/" + "x" * 200 + ">, <mailto:u@shop.example>"

    assert encode_structured("List-Unsubscribe", link).replace("\r\n", "") == f"List-Unsubscribe: {link}"


def test_a_domain_beyond_ascii_is_written_in_its_ascii_form() -> None:
    assert encode_address("", "buyer@почта.рф") == "buyer@xn--80a1acny.xn--p1ai"


def test_an_address_that_headers_cannot_hold_is_left_to_the_envelope() -> None:
    message = MimeComposer().compose(replace(LETTER, recipient="почта@mail.example"))

    assert message.recipient == "почта@mail.example"
    assert parsed(message.content)["To"].addresses == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop@x.example", ("", "shop@x.example")),
        ("My Shop <shop@x.example>", ("My Shop", "shop@x.example")),
        ('"Shop, \\"Ltd\\"" <shop@x.example>', ('Shop, "Ltd"', "shop@x.example")),
        ("Магазин <shop@x.example>", ("Магазин", "shop@x.example")),
    ],
)
def test_a_configured_sender_is_read(text: str, expected: tuple[str, str]) -> None:
    assert split_mailbox(text) == expected


GOOD = b"From: a@b.example\r\nTo: c@d.example\r\n\r\nbody\r\n"


def test_a_clean_message_passes_the_last_check() -> None:
    verify_message(GOOD, ["From", "To"])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD.replace(b"\r\n\r\n", b"\r\nBcc: x@y\r\n\r\n"), id="one header more"),
        pytest.param(b"To: c@d\r\nFrom: a@b\r\n\r\nbody\r\n", id="another order"),
        pytest.param(b"From: a@b\r\n\r\nTo: c@d\r\n\r\nbody\r\n", id="split too early"),
        pytest.param(b"From: a@b\r\nTo: c@d\r\n", id="no empty line"),
        pytest.param(b"\r\nFrom: a@b\r\nTo: c@d\r\n\r\n", id="empty line first"),
        pytest.param(b" x\r\nFrom: a@b\r\nTo: c@d\r\n\r\n", id="fold of nothing"),
        pytest.param(b"From: a@b\r\n \r\nTo: c@d\r\n\r\n", id="empty fold"),
        pytest.param(b"From: a@b\r\nTo c@d\r\n\r\n", id="not a header"),
        pytest.param(b"From: a@b\r\nTo : c@d\r\n\r\n", id="space in a name"),
        pytest.param(GOOD + b"a\nb\r\n", id="bare LF"),
        pytest.param(GOOD + b"a\rb\r\n", id="bare CR"),
        pytest.param(GOOD + b"a\r\r\n", id="two CR"),
        pytest.param(GOOD + b"a", id="no line end"),
        pytest.param(GOOD + b"\xd0\xb6\r\n", id="8 bits"),
        pytest.param(GOOD + b"\0\r\n", id="NUL"),
        pytest.param(GOOD + b"a" * 999 + b"\r\n", id="long line"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_the_last_check_finds_every_crack(content: bytes) -> None:
    with pytest.raises(MessageRefused):
        verify_message(content, ["From", "To"])
