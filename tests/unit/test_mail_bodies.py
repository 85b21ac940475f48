"""Bodies: the quick way to the octets gives what the plain way gives, for any text."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.mail.mime import MimeComposer, body_text
from tests.unit.test_mail_headers import HOSTILE, LETTER

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
