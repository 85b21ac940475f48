"""Bodies: the quick way to the octets gives what the plain way gives, for any text."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.errors import MessageRefused
from messenger.mail.mime import MimeComposer, body_text
from tests.unit.test_mail_headers import HOSTILE, LETTER, PLANNED, parsed

ODD = st.text("\t\n\r\x00\x0b\x1c\x7f\x80\x9f\xa0\xbf¿é\u2028\u2029\ud800\udfffжa =.字👨", max_size=60)


def plain_way(text: str) -> tuple[str, bytes]:
    raw = body_text(text).replace("\n", "\r\n").encode()
    if sum(octet > 0x7F for octet in raw) * 6 > len(raw):
        return "base64", base64.encodebytes(raw).replace(b"\n", b"\r\n")
    return "quoted-printable", binascii.b2a_qp(raw, istext=True).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def quick_way(text: str) -> tuple[str, bytes]:
    head, _, body = MimeComposer().compose(replace(LETTER, text=text, html="")).content.partition(b"\r\n\r\n")
    return head.rpartition(b"Content-Transfer-Encoding: ")[2].decode(), body


@given(text=ODD | st.text(max_size=300))
def test_any_text_becomes_the_same_octets_either_way(text: str) -> None:
    assert quick_way(text) == plain_way(text)


@pytest.mark.parametrize(
    "text", [*HOSTILE, "a\n", "é" * 57 + "\n", "ж" * 27 + "\nxy", "ж" * 5000], ids=lambda text: ascii(text)[:30]
)
def test_and_so_do_the_hostile_ones(text: str) -> None:
    assert quick_way(text) == plain_way(text)


@given(name=st.text(max_size=80), subject=ODD, who=ODD)
def test_whatever_a_shop_calls_itself_the_frame_stays(name: str, subject: str, who: str) -> None:
    letter = replace(LETTER, sender=f"{name} <care@toys.example>", subject=subject, recipient_name=who)
    try:
        content = MimeComposer().compose(letter).content
    except MessageRefused:
        assert "<" in name or ">" in name
        return
    head, split, _ = content.partition(b"\r\n\r\n")
    mail = parsed(content)

    assert [one.addr_spec for one in mail["From"].addresses] == ["care@toys.example"]
    assert [one.addr_spec for one in mail["To"].addresses] == [LETTER.recipient]
    assert mail.keys() == [*PLANNED, "Content-Type"]
    assert split
    assert content.isascii()
    assert all(0 < len(line) <= 78 for line in head.split(b"\r\n"))
    assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")
