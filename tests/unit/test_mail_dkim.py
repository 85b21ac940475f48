"""DKIM: the published vectors, the published examples of canonical form, and an independent verifier."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import UTC, datetime

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key
from dkim.canonicalization import CanonicalizationPolicy
from hypothesis import given
from hypothesis import strategies as st

from messenger.errors import MessageRefused
from messenger.mail.dkim import (
    ED25519,
    RSA,
    SEALED,
    SIGNED,
    PrivateKey,
    Signer,
    body_hash,
    canonical_body,
    canonical_header,
    new_key,
    pem_of,
    record_of,
    signed_octets,
)
from messenger.mail.mime import MimeComposer
from tests.unit.test_mail_headers import LETTER

# RFC 8463, appendix A: keys, message, and both signatures.
ED_SEED = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
ED_RECORD = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RSA_RECORD = (
    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx"
    "/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
)
RSA_PEM = b"""\
-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----
"""
MESSAGE = (
    "From: Joe SixPack <joe@football.example.com>\r\n",
    "To: Suzie Q <suzie@shopping.example.net>\r\n",
    "Subject: Is dinner ready?\r\n",
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n",
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n",
)
BODY = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
BODY_HASH = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
ED_HEADER = (
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
    " subject : date : message-id : from : subject : date;\r\n"
    f" bh={BODY_HASH};\r\n b="
)
RSA_HEADER = (
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
    " d=football.example.com; i=@football.example.com;\r\n"
    " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
    " date : message-id : from : subject : date;\r\n"
    f" bh={BODY_HASH};\r\n b="
)
ED_SIGNATURE = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw=="
RSA_SIGNATURE = (
    "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz"
    "dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8="
)
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def rfc_key(kind: str) -> PrivateKey:
    if kind == ED25519:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(ED_SEED))
    found = load_pem_private_key(RSA_PEM, None)
    assert not isinstance(found, Ed25519PrivateKey)
    return found  # type: ignore[return-value]  # an RSA key, by its first line


@pytest.mark.parametrize(
    ("kind", "header", "expected", "record"),
    [
        pytest.param(ED25519, ED_HEADER, ED_SIGNATURE, ED_RECORD, id="ed25519"),
        pytest.param(RSA, RSA_HEADER, RSA_SIGNATURE, RSA_RECORD, id="rsa"),
    ],
)
def test_the_vectors_of_rfc_8463(kind: str, header: str, expected: str, record: str) -> None:
    key = rfc_key(kind)
    listed = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"]
    octets = signed_octets(dict(map(canonical_header, MESSAGE)), listed, header)

    assert body_hash(BODY) == BODY_HASH
    assert base64.b64encode(Signer("football.example.com", "x", key).seal(octets)).decode() == expected
    assert record_of(key) == record


def test_the_relaxed_example_of_rfc_6376() -> None:
    """Section 3.4.5."""
    assert canonical_header("A: X\r\n") == ("a", "X")
    assert canonical_header("B : Y\t\r\n\tZ  \r\n") == ("b", "Y Z")
    assert canonical_body(b" C \r\nD \t E\r\n\r\n\r\n") == b" C\r\nD E\r\n"


def test_an_empty_body_has_the_hash_of_rfc_6376() -> None:
    """Section 3.4.4."""
    assert body_hash(b"") == body_hash(b"\r\n\r\n") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


POLICY = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
PIECES = st.lists(
    st.sampled_from([b" ", b"\t", b"\r\n", b".", b"a", b"=", b"=20", b"\xd0\xb6", b"\r\n\r\n"]), max_size=30
)


@given(pieces=PIECES)
def test_any_body_has_the_canonical_form_that_others_find(pieces: list[bytes]) -> None:
    body = b"".join(pieces) + b"\r\n"

    assert canonical_body(body) == POLICY.canonicalize_body(body)


@given(value=st.lists(st.sampled_from([" ", "\t", "\r\n ", "\r\n\t", "a", ":", "=?utf-8?q?x?=", "B"]), max_size=20))
def test_any_header_has_the_canonical_form_that_others_find(value: list[str]) -> None:
    text = "".join(value)
    ((name, expected),) = POLICY.canonicalize_headers([(b"Subject", f"{text}\r\n".encode())])

    assert canonical_header(f"Subject:{text}\r\n") == (name.decode(), expected.decode().removesuffix("\r\n"))


KEYS = {ED25519: new_key(ED25519), RSA: new_key(RSA)}
SIGNERS = {"shop.example": [Signer("shop.example", "m1", KEYS[RSA]), Signer("shop.example", "e1", KEYS[ED25519])]}
ZONE = {b"m1._domainkey.shop.example.": record_of(KEYS[RSA]).encode(),
        b"e1._domainkey.shop.example.": record_of(KEYS[ED25519]).encode()}  # fmt: skip
FURTHER = (
    ("Reply-To", "Staff <staff@shop.example>"),
    ("In-Reply-To", "<root@shop.example>"),
    ("References", "<root@shop.example>"),
    ("Feedback-ID", "shipped:toys:transactional:m0123456789"),
    ("List-Unsubscribe", "<https://shop.example/u/TOKEN>, <mailto:care@shop.example?subject=unsubscribe%20TOKEN>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
)
WHOLE = replace(LETTER, headers=FURTHER)


def looked_up(name: bytes, timeout: int = 5) -> bytes | None:
    return ZONE.get(name)


def verified(content: bytes) -> list[bool]:
    """What an independent verifier says about each signature of a message."""
    return [_verified(content, number) for number in range(content.count(b"DKIM-Signature:"))]


def _verified(content: bytes, number: int) -> bool:
    try:
        return bool(dkim.DKIM(content).verify(idx=number, dnsfunc=looked_up))
    except dkim.ValidationError:  # this is how it says that the body is another
        return False


def signed_content() -> bytes:
    composer = MimeComposer(SIGNERS)
    return composer.compose(composer.seal(WHOLE)).content


def tags(content: bytes, number: int = 0) -> dict[str, str]:
    header = re.findall(rb"DKIM-Signature:((?:.|\r\n[ \t])*?)\r\n(?![ \t])", content)[number].decode()
    pairs = (tag.partition("=") for tag in re.sub(r"\s", "", header).split(";"))
    return {name: value for name, _, value in pairs}


def test_both_signatures_of_a_message_are_good() -> None:
    content = signed_content()

    assert verified(content) == [True, True]
    assert [tags(content, number)["a"] for number in (0, 1)] == ["rsa-sha256", "ed25519-sha256"]
    assert tags(content)["c"] == "relaxed/relaxed"
    assert tags(content)["t"] == str(int(WHOLE.date.timestamp()))
    assert "l" not in tags(content)


def test_every_header_that_matters_is_signed_and_the_first_ones_cannot_be_doubled() -> None:
    listed = tags(signed_content())["h"].split(":")

    assert set(SIGNED) - {"content-transfer-encoding"} == set(listed)
    assert [listed.count(name) for name in ("from", "to", "subject", "date", "reply-to")] == [2] * 5
    assert {name for name in listed if listed.count(name) == 2} == set(SEALED)


def test_a_header_that_is_not_there_is_sealed_but_not_signed() -> None:
    composer = MimeComposer(SIGNERS)
    content = composer.compose(composer.seal(LETTER)).content

    assert verified(content) == [True, True]
    assert tags(content)["h"].split(":").count("reply-to") == 1
    assert "list-unsubscribe" not in tags(content)["h"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((b"Subject: ", b"Subject: x"), id="another subject"),
        pytest.param((b"From: ", b"From: mallory@evil.example\r\nFrom: "), id="a second From before"),
        pytest.param((b"MIME-Version", b"From: mallory@evil.example\r\nMIME-Version"), id="a second From behind"),
        pytest.param((b"MIME-Version", b"Subject: You won\r\nMIME-Version"), id="a second Subject"),
        pytest.param((b"MIME-Version", b"To: b@c.example\r\nMIME-Version"), id="a second To"),
        pytest.param((b"/u/TOKEN", b"/u/OTHER"), id="another link to unsubscribe"),
        pytest.param((b"=One-Click", b"=Two-Click"), id="another way to unsubscribe"),
        pytest.param((b"shipped:toys", b"shipped:evil"), id="another Feedback-ID"),
        pytest.param((b"--\r\n", b"--\r\nP.S.\r\n"), id="something behind the text"),
    ],
)  # fmt: skip
def test_whatever_is_changed_on_the_way_is_noticed(change: tuple[bytes, bytes]) -> None:
    content = signed_content()
    head, split, body = content.partition(b"\r\nFrom: ")
    changed = head + (split + body).replace(*change, 1)

    assert changed != content
    assert verified(changed) == [False, False]


def test_what_servers_may_do_to_spaces_and_folds_is_no_change() -> None:
    content = signed_content().replace(b"Subject: ", b"SUBJECT:   ").replace(b"=\r\n\r\n--", b"=   \r\n\r\n--")

    assert verified(content + b"\r\n\r\n") == [True, True]


def test_signing_again_gives_the_same_bytes() -> None:
    assert signed_content() == signed_content()


def test_a_sealed_letter_does_not_ask_for_the_key_again() -> None:
    sealed = MimeComposer(SIGNERS).seal(WHOLE)
    other = {"shop.example": [Signer("shop.example", "m2", new_key(ED25519))]}

    assert MimeComposer().compose(sealed) == MimeComposer(SIGNERS).compose(sealed)
    assert MimeComposer(other).seal(sealed) == sealed


def test_a_composer_does_not_mix_up_what_it_sealed_last() -> None:
    """It keeps the parts of one letter; any other letter, and an equal one, is put together from itself."""
    composer = MimeComposer(SIGNERS)
    other = replace(WHOLE, text="Something else\n", message_id="other@mail.example")
    first, second = composer.seal(WHOLE), composer.seal(other)

    for letter in (first, second, first, replace(second), WHOLE, other):
        assert composer.compose(letter) == MimeComposer().compose(letter)


@pytest.mark.parametrize(
    ("sender", "is_signed"),
    [
        ("Shop <care@shop.example>", True),
        ("Shop <care@SHOP.Example>", True),
        ("Shop <care@mail.shop.example>", True),
        ("Shop <care@shop.example.net>", False),
        ("Shop <care@workshop.example>", False),
        ("Shop <care@example.org>", False),
    ],
)
def test_the_domain_of_the_sender_or_one_above_it_signs(sender: str, *, is_signed: bool) -> None:
    sealed = MimeComposer(SIGNERS).seal(replace(WHOLE, sender=sender))

    assert (sealed.signature != "") is is_signed
    assert ("List-Unsubscribe-Post" in dict(sealed.headers)) is is_signed
    assert "List-Unsubscribe" in dict(sealed.headers)


def test_the_nearest_domain_signs() -> None:
    near = {**SIGNERS, "mail.shop.example": [Signer("mail.shop.example", "n1", KEYS[ED25519])]}

    assert (
        "d=mail.shop.example; s=n1;" in MimeComposer(near).seal(replace(WHOLE, sender="a@mail.shop.example")).signature
    )


def test_a_domain_beyond_ascii_signs_in_its_ascii_form() -> None:
    signers = {"xn--80a1acny.xn--p1ai": [Signer("xn--80a1acny.xn--p1ai", "m1", KEYS[ED25519])]}

    assert "d=xn--80a1acny.xn--p1ai;" in MimeComposer(signers).seal(replace(WHOLE, sender="a@почта.рф")).signature


@pytest.mark.parametrize(
    "signature",
    ["Bcc: x@y.example\r\n", "DKIM-Signature: v=1\r\nBcc: x@y.example\r\n", "DKIM-Signature: v=1\r\n\r\n", "DKIM-Signature: v=1",
     "DKIM-Signature: ж\r\n", "DKIM-Signature: v=1\nBcc: x@y.example\r\n", "X", "\r\n"],
)  # fmt: skip
def test_a_kept_signature_that_is_none_is_refused(signature: str) -> None:
    with pytest.raises(MessageRefused):
        MimeComposer().compose(replace(LETTER, signature=signature))


def test_lines_of_a_signature_are_short() -> None:
    assert max(map(len, MimeComposer(SIGNERS).seal(WHOLE).signature.split("\r\n"))) <= 78


def test_the_envelope_sender_is_the_return_path_where_there_is_one() -> None:
    parcel = MimeComposer().compose(replace(LETTER, return_path="b-42-6f7fb12652@bounce.shop.example"))

    assert parcel.sender == "b-42-6f7fb12652@bounce.shop.example"
    assert b"bounce" not in parcel.content


def test_nothing_shows_a_key() -> None:
    signer = Signer("shop.example", "m1", KEYS[RSA])
    secret = pem_of(KEYS[RSA]).decode().split("\n")[1]

    assert secret not in repr(signer)
    assert repr(signer) == "Signer(domain='shop.example', selector='m1')"


def test_a_new_rsa_key_has_the_size_that_receivers_ask_for() -> None:
    published = load_der_public_key(base64.b64decode(record_of(KEYS[RSA]).rpartition("p=")[2]))

    assert isinstance(published, RSAPublicKey)
    assert published.key_size == 2048
