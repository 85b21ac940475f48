"""Composing: one rendered message in Russian to bytes, and its signature, by us and by the usual libraries, side by side.

The usual way: ``email.message.EmailMessage`` for the bytes, dkimpy for the signature. Whatever either signs, dkimpy verifies.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from statistics import median
from typing import Final

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.common import Figure
from benchmarks.rendering import rendered
from messenger.domain.messages import Key, Letter
from messenger.mail.dkim import ED25519, RSA, PrivateKey, Signer, new_key, pem_of, record_of
from messenger.mail.mime import MimeComposer

ROUNDS: Final = 7
AT: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
KINDS: Final = (RSA, ED25519)
SIGNED: Final = [
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"auto-submitted",
]


def run(messages: int = 100) -> Iterator[Figure]:
    """Compose and sign the same letter many times, in turns; medians of the rounds."""
    letter = _letter()
    keys = {kind: new_key(kind) for kind in KINDS}
    plain = MimeComposer().compose(letter).content
    works: dict[str, Callable[[], object]] = {
        "ours": lambda: MimeComposer().compose(letter),
        "EmailMessage": lambda: _usual(letter),
    }
    for kind, key in keys.items():
        works |= {f"ours {kind}": _ours(letter, key), f"usual {kind}": _both(letter, kind, key)}
    _verify(letter, plain, keys)
    taken = {name: [_timed(work, messages) for _ in range(ROUNDS)] for name, work in works.items()}
    middle = {name: median(seconds) for name, seconds in taken.items()}
    yield Figure(f"composing: EmailMessage, {len(plain) / 1000:.1f} kB", messages, middle["EmailMessage"])
    yield Figure(f"composing: ours, {middle['EmailMessage'] / middle['ours']:.0f} x that", messages, middle["ours"])
    for kind in KINDS:
        ratio = middle[f"usual {kind}"] / middle[f"ours {kind}"]
        yield Figure(f"and signed, {kind}: dkimpy", messages, middle[f"usual {kind}"])
        yield Figure(f"and signed, {kind}: ours, {ratio:.0f} x", messages, middle[f"ours {kind}"])


def _letter() -> Letter:
    parts = rendered()
    return Letter(
        key=Key("toys", "shipped", "8134", 1), sender="Игрушки <care@toys.example>", recipient="anna@mail.example",
        recipient_name="Анна Смирнова", subject=parts.subject, text=parts.text, html=parts.html, platform_text="", locale="ru",
        message_id="0d72ac4127c191d4@toys.example", date=AT, headers=(("Reply-To", "Помощь <help@toys.example>"),),
    )  # fmt: skip


def _usual(letter: Letter) -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"] = letter.sender, f"{letter.recipient_name} <{letter.recipient}>"
    mail["Subject"], mail["Date"] = letter.subject, format_datetime(letter.date)
    mail["Message-ID"], mail["Auto-Submitted"] = f"<{letter.message_id}>", "auto-generated"
    mail["Reply-To"] = letter.headers[0][1]
    mail.set_content(letter.text, cte="base64")
    mail.add_alternative(letter.html, subtype="html", cte="base64")
    return mail.as_bytes()


def _ours(letter: Letter, key: PrivateKey) -> Callable[[], object]:
    composer = MimeComposer({"toys.example": [Signer("toys.example", "s", key)]})
    sealed = composer.seal(letter)
    assert composer.compose(sealed).content.endswith(MimeComposer().compose(letter).content)
    return lambda: composer.compose(composer.seal(letter))


def _both(letter: Letter, kind: str, key: PrivateKey) -> Callable[[], bytes]:
    def work() -> bytes:
        return _dkimpy(_usual(letter), kind, key)()

    return work


def _dkimpy(plain: bytes, kind: str, key: PrivateKey) -> Callable[[], bytes]:
    private = pem_of(key)
    if isinstance(key, Ed25519PrivateKey):
        private = base64.b64encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    algorithm = f"{kind}-sha256".encode()
    return lambda: dkim.sign(
        plain, b"s", b"toys.example", private, canonicalize=(b"relaxed", b"relaxed"), signature_algorithm=algorithm, include_headers=SIGNED
    )  # fmt: skip


def _verify(letter: Letter, plain: bytes, keys: dict[str, PrivateKey]) -> None:
    for kind, key in keys.items():
        zone = record_of(key).encode()
        composer = MimeComposer({"toys.example": [Signer("toys.example", "s", key)]})
        ours = composer.compose(composer.seal(replace(letter))).content
        for content in (ours, _dkimpy(plain, kind, key)() + plain):
            assert dkim.verify(content, dnsfunc=lambda name, timeout=5, zone=zone: zone)  # noqa: ARG005  # dkimpy's signature


def _timed(work: Callable[[], object], count: int) -> float:
    started = time.perf_counter()
    for _ in range(count):
        work()
    return time.perf_counter() - started
