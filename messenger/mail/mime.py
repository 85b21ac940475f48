"""The finished message: bytes put together by hand, checked once more before they may leave.

Everything that decides the bytes is in the letter, so the same letter gives the same bytes on every try.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from typing import Final, Protocol

from messenger.domain.messages import FrozenMessage, Letter
from messenger.errors import MessageRefused
from messenger.mail.headers import (
    CRLF,
    HARD_LIMIT,
    encode_group,
    encode_mailbox,
    encode_structured,
    encode_text,
    split_mailbox,
    wire_parts,
)

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,200}@[A-Za-z0-9.-]{1,200}")
_LOCALE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BEYOND_ASCII: Final = bytes(range(0x80, 0x100))
_ODD_OCTETS: Final = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
_SEPARATORS: Final = ("\u2028".encode(), "\u2029".encode())
_HIGH_CONTROL = re.compile(rb"\xc2[\x80-\x9f]")
_BASE64_LINE: Final = 76
_FIELD = re.compile(rb"([\x21-\x39\x3b-\x7e]+):(?: .*)?", re.DOTALL)

# fmt: off
OURS: Final = frozenset({
    "from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "mime-version", "auto-submitted",
    "return-path", "received", "dkim-signature", "apparently-to", "disposition-notification-to",
})
"""Headers a letter may not bring along: we write them, or they would send the message somewhere else."""
STRUCTURED: Final = frozenset({
    "list-unsubscribe", "list-unsubscribe-post", "list-id", "list-help", "list-owner", "feedback-id", "in-reply-to",
    "references",
})
"""Headers whose value has a syntax of its own."""
# fmt: on


SIGNATURE: Final = "DKIM-Signature"
ONE_CLICK: Final = "List-Unsubscribe-Post"


Headers = Sequence[tuple[str, str]]
"""Names, and whole headers, each ending in CRLF."""


class Signing(Protocol):
    """Signs a finished message with one key."""

    def sign(self, headers: Sequence[str], body: bytes, *, at: datetime) -> str:
        """Return a whole ``DKIM-Signature`` header, ending in CRLF; the same input always gives the same text.

        Args:
            headers: as they will leave, folded, each ending in CRLF.
            body: as it will leave, CRLF line ends, not dot-stuffed.
            at: when it is signed.
        """
        ...


class MimeComposer:
    """Composes e-mail messages: ``multipart/alternative`` with text and HTML, or plain text alone.

    Args:
        signers: by domain in its ASCII form. The domain of a letter's sender, or the nearest domain above it, signs.
    """

    def __init__(self, signers: Mapping[str, Sequence[Signing]] | None = None) -> None:
        self._signers = signers or {}
        self._latest: tuple[Letter, Headers, bytes] | None = None
        """The letter sealed last and what it was made of: it is composed next, and need not be taken apart twice."""

    def seal(self, letter: Letter) -> Letter:
        """Return the letter signed by every key of its sender's domain.

        Without a signature nobody believes that one click unsubscribes, so a letter that has none does not say so.

        Raises:
            MessageRefused: as ``compose``.
        """
        if letter.signature:
            return letter
        signers = self._signers_of(letter)
        if not signers:
            kept = tuple((name, value) for name, value in letter.headers if name.lower() != ONE_CLICK.lower())
            return replace(letter, headers=kept)
        headers, body = _parts(letter)
        lines = [line for _, line in headers]
        sealed = replace(letter, signature="".join(one.sign(lines, body, at=letter.date) for one in signers))
        self._latest = (sealed, headers, body)
        return sealed

    def compose(self, letter: Letter) -> FrozenMessage:
        """Return the finished message; the same letter always gives the same bytes.

        Raises:
            MessageRefused: an address or a header would not survive the way.
        """
        _, sender = split_mailbox(letter.sender)
        latest = self._latest
        headers, body = latest[1:] if latest is not None and latest[0] is letter else _parts(letter)
        content = (letter.signature + "".join(line for _, line in headers) + CRLF).encode() + body
        signatures = [SIGNATURE] * letter.signature.count(f"{SIGNATURE}:")
        verify_message(content, [*signatures, *(name for name, _ in headers)])
        return FrozenMessage(
            key=letter.key, sender=letter.return_path or sender, recipient=letter.recipient, content=content,
            text=letter.platform_text,
        )  # fmt: skip

    def _signers_of(self, letter: Letter) -> Sequence[Signing]:
        _, domain = wire_parts(split_mailbox(letter.sender)[1])
        domain = domain.lower()
        while domain and domain not in self._signers:
            domain = domain.partition(".")[2]
        return self._signers.get(domain, ())


def verify_message(content: bytes, planned: Sequence[str]) -> None:
    """Check the finished bytes: exactly the planned headers in their order, CRLF only, 7 bits, no line too long.

    Args:
        content: the message as it would leave.
        planned: header names in order.

    Raises:
        MessageRefused: something in the message has become part of its frame.
    """
    if not content.endswith(b"\r\n") or not content.isascii() or b"\0" in content:
        raise MessageRefused("the finished message is not clean: it must be 7-bit, without NUL, and end in CRLF")
    lines = content.split(b"\r\n")
    ends = {content.count(b"\r"), content.count(b"\n")}
    if ends != {len(lines) - 1} or max(map(len, lines)) > HARD_LIMIT:
        raise MessageRefused(f"the finished message has a bare CR or LF, or a line of more than {HARD_LIMIT} octets")
    found = _names(lines[:-1])
    if found != list(planned):
        raise MessageRefused(f"the finished message has the headers {found}, planned were {list(planned)}")


def _parts(letter: Letter) -> tuple[Headers, bytes]:
    return [*_headers(letter), *_content_headers(letter)], b"".join(_body(letter))


def _names(lines: Sequence[bytes]) -> list[str]:
    names: list[str] = []
    for line in lines:
        if not line:
            return names
        if line[:1] in b" \t":
            if not names or not line.strip():
                raise MessageRefused("the finished message has a folded line that continues nothing or is empty")
            continue
        field = _FIELD.fullmatch(line)
        if field is None:
            raise MessageRefused("the finished message has a line among its headers that is none")
        names.append(field[1].decode("ascii"))
    raise MessageRefused("the finished message has no empty line after its headers")


def _headers(letter: Letter) -> Iterator[tuple[str, str]]:
    yield "From", encode_mailbox("From", *split_mailbox(letter.sender))
    yield "To", _recipient(letter)
    yield "Subject", encode_text("Subject", letter.subject)
    yield "Date", f"Date: {format_datetime(letter.date)}{CRLF}"
    yield "Message-ID", _message_id(letter.message_id)
    yield "MIME-Version", f"MIME-Version: 1.0{CRLF}"
    yield "Auto-Submitted", f"Auto-Submitted: auto-generated{CRLF}"
    yield "Content-Language", _language(letter.locale)
    seen: set[str] = set()
    for name, value in letter.headers:
        folded = name.lower()
        if (
            not _HEADER_NAME.fullmatch(name)
            or folded in OURS
            or folded in seen
            or folded.startswith(("content-", "resent-"))
        ):
            raise MessageRefused(f"header {name[:60]!r}: not a header a letter may bring along, or brought twice")
        seen.add(folded)
        yield name, _further(name, value)


def _further(name: str, value: str) -> str:
    if name.lower() == "reply-to":
        return encode_mailbox(name, *split_mailbox(value))
    if name.lower() in STRUCTURED:
        return encode_structured(name, value)
    return encode_text(name, value)


def _recipient(letter: Letter) -> str:
    local, _ = wire_parts(letter.recipient)
    if local.isascii():
        return encode_mailbox("To", letter.recipient_name, letter.recipient)
    return encode_group("To", letter.recipient_name)


def _message_id(text: str) -> str:
    if not _MESSAGE_ID.fullmatch(text):
        raise MessageRefused(f"Message-ID must look like left@right without brackets, got {text[:60]!r}")
    return f"Message-ID: <{text}>{CRLF}"


def _language(locale: str) -> str:
    if not _LOCALE.fullmatch(locale) or len(locale) > 35:
        raise MessageRefused(f"locale must be a BCP 47 tag like pt-BR, got {locale[:40]!r}")
    return f"Content-Language: {locale}{CRLF}"


def boundary_of(letter: Letter) -> str:
    """Return the line that parts the bodies. ``=_`` cannot occur in quoted-printable or base64, so no body holds it."""
    return "=_" + hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]


def _content_headers(letter: Letter) -> Iterator[tuple[str, str]]:
    if letter.html:
        value = f'multipart/alternative;{CRLF} boundary="{boundary_of(letter)}"'
        yield "Content-Type", f"Content-Type: {value}{CRLF}"
        return
    kind, _ = _encoded(letter.text)
    yield "Content-Type", f"Content-Type: text/plain; charset=utf-8{CRLF}"
    yield "Content-Transfer-Encoding", f"Content-Transfer-Encoding: {kind}{CRLF}"


def _body(letter: Letter) -> Iterator[bytes]:
    if not letter.html:
        yield _encoded(letter.text)[1]
        return
    line = f"--{boundary_of(letter)}"
    for subtype, text in (("plain", letter.text), ("html", letter.html)):
        kind, octets = _encoded(text)
        head = f"Content-Type: text/{subtype}; charset=utf-8{CRLF}Content-Transfer-Encoding: {kind}{CRLF}"
        yield f"{line}{CRLF}{head}{CRLF}".encode("ascii")
        yield octets
        yield b"\r\n"
    yield f"{line}--{CRLF}".encode("ascii")


def body_text(text: str) -> str:
    """Return a body as it will be read: LF line ends and one at the end, no control characters but tab."""
    text = _SURROGATE.sub("\ufffd", _CONTROLS.sub("", _BREAKS.sub("\n", text)))
    return text if text.endswith("\n") else text + "\n"


def _encoded(text: str) -> tuple[str, bytes]:
    """Return the transfer encoding that suits the text, and its octets ending in CRLF."""
    raw = _octets(text)
    beyond_ascii = len(raw) - len(raw.translate(None, _BEYOND_ASCII))
    if beyond_ascii * 6 > len(raw):
        return "base64", _in_lines(base64.b64encode(raw))
    quoted = binascii.b2a_qp(raw, istext=True)
    return "quoted-printable", quoted.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _octets(text: str) -> bytes:
    """``body_text`` in UTF-8 with CRLF line ends; what needs no mending, nearly every text, is only looked at."""
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return _octets(body_text(text))
    if _needs_mending(raw):
        raw = body_text(text).encode()
    return (raw if raw.endswith(b"\n") else raw + b"\n").replace(b"\n", b"\r\n")


def _needs_mending(raw: bytes) -> bool:
    if len(raw.translate(None, _ODD_OCTETS)) != len(raw):
        return True
    return any(one in raw for one in _SEPARATORS) or _HIGH_CONTROL.search(raw) is not None


def _in_lines(encoded: bytes) -> bytes:
    """Base64 in lines of 76, each ending in CRLF."""
    starts = range(0, len(encoded), _BASE64_LINE)
    return b"\r\n".join([encoded[start : start + _BASE64_LINE] for start in starts]) + b"\r\n"
