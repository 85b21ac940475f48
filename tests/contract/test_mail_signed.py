"""A thousand signed messages over a real line: an independent verifier finds every signature good."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

import dkim
import pytest

from messenger.domain.messages import FrozenMessage, Key, Letter, Outcome, Receipt
from messenger.mail.dkim import ED25519, RSA, Signer, new_key, record_of
from messenger.mail.mime import MimeComposer
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport
from tests.raw_sink import RawSink, Received

TEXTS: Final = Path(__file__).parents[1] / "golden" / "texts"
COUNT: Final = 1000
AT: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
KEYS: Final = {"m1": new_key(RSA), "e1": new_key(ED25519)}
SIGNERS: Final = {"toys.example": [Signer("toys.example", name, key) for name, key in KEYS.items()]}
ZONE: Final = {f"{name}._domainkey.toys.example.".encode(): record_of(key).encode() for name, key in KEYS.items()}

ODD_SUBJECTS: Final = (
    "", " ", "Shipped", "two  spaces   and\ta tab", " ends with spaces  ", "=?utf-8?q?a=0D=0ABcc:_x@y?=", "Ваш заказ " * 30, "您的订单 " * 40,
    "¿Dónde está? ¡Aquí! " * 12, "a" * 900, "word " * 150, "👨‍👩‍👧‍👦" * 25, ".", "..", "e\u0301" * 70, "x: y; h=from:to", "b=", "DKIM-Signature: v=1",
)  # fmt: skip
ODD_NAMES: Final = (
    "",
    "Ann O'Neil",
    "Иван Петров",
    "李小龍",
    "María-José Carreño Quiñones " * 4,
    'a "b" c',
    "a, b",
    "(c)",
    "=?",
    "ж" * 120,
)
ODD_TEXTS: Final = (
    "", "\n", "\n\n\n\n", " ", "   \n   \n", "\t\n", "ends with spaces   \nand tabs\t\t\n", "no line end", "text\n\n\n\n\n", ".\n", "..\n",
    ".hidden\n...\n",
    "a\n.\nb\n", "a" * 5000, ("word " * 400), "From me to you\nFrom here\n", "=3D = =20\n", "Ж" * 3000, "é " * 500, "\n leading\n", "a  b\tc\n",
    "b=;h=\n",
    "-- \nSignature\n", "\r\n.\r\nMAIL FROM:<x@y>\r\n", "0" * 76, "0" * 77, "x " * 38 + "\n", "line\n" * 300,
)  # fmt: skip
LANGUAGES: Final = ("en", "es", "ru", "zh")


def looked_up(name: bytes, timeout: int = 5) -> bytes | None:
    return ZONE.get(name)


def approved() -> Iterator[tuple[str, str, str]]:
    """Every text as a native reader approved it: locale, subject and words."""
    for locale in LANGUAGES:
        for path in sorted((TEXTS / locale).glob("*.txt")):
            for part in path.read_text(encoding="utf-8").split("\n===== ")[1:]:
                found = re.match(r"[^\n]*\nSubject: ([^\n]*)\n(.*)", part, re.DOTALL)
                if found:
                    yield locale, found[1], found[2]


def letters(count: int) -> list[Letter]:
    chance = Random(8463)
    real = list(approved())
    assert {locale for locale, _, _ in real} == set(LANGUAGES)
    return [_letter(number, chance, real) for number in range(count)]


def _letter(number: int, chance: Random, real: Sequence[tuple[str, str, str]]) -> Letter:
    locale, subject, text = real[number % len(real)]
    if number % 3 == 0:
        text = chance.choice(ODD_TEXTS)
    if number % 4 == 0:
        subject = chance.choice(ODD_SUBJECTS)
    html = "" if number % 5 == 0 else f"<p>{text}</p>\n"
    return Letter(
        key=Key("toys", "rule", str(number), 1), sender="Игрушки, «Солнце» <care@toys.example>", recipient=f"buyer{number}@mail.example",
        recipient_name=chance.choice(ODD_NAMES), subject=subject, text=text, html=html, platform_text="", locale=locale,
        message_id=f"{number}@toys.example", date=AT + timedelta(seconds=number), headers=tuple(_headers(number, chance)),
        return_path=f"b-{number + 1}-0123456789@bounce.toys.example",
    )  # fmt: skip


def _headers(number: int, chance: Random) -> Iterator[tuple[str, str]]:
    if chance.random() < 0.5:
        yield "Reply-To", "Помощь <help@toys.example>"
    yield "In-Reply-To", "<thread@toys.example>"
    yield "References", "<thread@toys.example>"
    yield "Feedback-ID", "shipped:toys:transactional:m0123456789"
    if chance.random() < 0.5:
        token = "x" * chance.choice((20, 100, 300))
        yield (
            "List-Unsubscribe",
            f"<https://care.toys.example/u/{token}>, <mailto:care@toys.example?subject=unsubscribe%20{number}>",
        )
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


def carried(parcels: Sequence[FrozenMessage]) -> tuple[list[Received], list[Outcome]]:
    """Send the messages over real connections; what a server received, and what it said."""
    told: list[Outcome] = []

    async def done(_: Key, receipt: Receipt) -> None:
        told.append(receipt.outcome)

    async def yes(_: Key) -> bool:
        return True

    async def stream() -> AsyncIterator[FrozenMessage]:
        for one in parcels:
            yield one

    async def scenario() -> list[Received]:
        async with RawSink() as sink:
            settings = SmtpSettings(
                name="sink", host="127.0.0.1", port=sink.port, security=Security.NONE, local_hostname="test.example"
            )
            transport = SmtpTransport(settings)
            await transport.carry(stream(), committing=yes, done=done)
            await transport.close()
            return sink.received

    return asyncio.run(scenario()), told


@pytest.fixture(scope="module")
def mails() -> list[tuple[FrozenMessage, Received]]:
    composer = MimeComposer(SIGNERS)
    parcels = [composer.compose(composer.seal(letter)) for letter in letters(COUNT)]
    received, told = carried(parcels)
    by_recipient = {one.recipients: one for one in received}

    assert told == [Outcome.ACCEPTED] * COUNT
    assert len(received) == len(by_recipient) == COUNT
    return [(parcel, by_recipient[parcel.recipient,]) for parcel in parcels]


def test_every_message_arrives_to_the_byte(mails: list[tuple[FrozenMessage, Received]]) -> None:
    changed = [parcel.recipient for parcel, one in mails if one.content != parcel.content]

    assert changed == []
    assert {one.sender for _, one in mails} == {parcel.sender for parcel, _ in mails}


def test_some_of_them_had_dots_to_double(mails: list[tuple[FrozenMessage, Received]]) -> None:
    """Else the signatures would say nothing about what happens on the line."""
    doubled = [one for _, one in mails if one.wire != one.content]

    assert len(doubled) >= 10
    assert all(b"\r\n.." in one.wire for one in doubled)


@pytest.mark.parametrize("number", [0, 1], ids=["rsa", "ed25519"])
def test_every_signature_is_good(mails: list[tuple[FrozenMessage, Received]], number: int) -> None:
    bad = []
    for parcel, one in mails:
        try:
            is_good = dkim.DKIM(one.content).verify(idx=number, dnsfunc=looked_up)
        except dkim.DKIMException as problem:
            bad.append((parcel.recipient, str(problem)))
            continue
        if not is_good:
            bad.append((parcel.recipient, "another signature"))

    assert bad == []


def test_a_message_with_doubled_dots_would_not_be_believed(mails: list[tuple[FrozenMessage, Received]]) -> None:
    """The verifier tells good from bad on these very messages."""
    stuffed = next(one.wire for _, one in mails if one.wire != one.content)

    with pytest.raises(dkim.ValidationError):
        dkim.DKIM(stuffed).verify(dnsfunc=looked_up)


def test_both_signatures_say_the_letters_own_time(mails: list[tuple[FrozenMessage, Received]]) -> None:
    times = [set(re.findall(rb"; t=(\d+);", one.content)) for _, one in mails]

    assert times == [{str(int(AT.timestamp()) + number).encode()} for number in range(COUNT)]


def test_another_key_would_not_do(mails: list[tuple[FrozenMessage, Received]]) -> None:
    other = record_of(new_key(ED25519)).encode()

    def misled(name: bytes, timeout: int = 5) -> bytes:
        return other

    assert dkim.DKIM(mails[0][1].content).verify(idx=1, dnsfunc=misled) is False
