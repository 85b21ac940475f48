"""A mail taken apart, within bounds: whatever it is made of, a few headers, texts and inner messages come out."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from itertools import islice
from typing import Any, Final

MOST_PARTS: Final = 60
MOST_ADDRESSES: Final = 50
LONGEST_TEXT: Final = 100_000
LONGEST_LINE: Final = 1000
MOST_FOLDED: Final = 60
"""Lines that one header may be folded into: what reads parameters and encoded words takes its time with more."""
_LONG = re.compile(rb"([^\n]{%d})[^\n]+" % LONGEST_LINE)
_FOLDED = re.compile(rb"((?:\n[ \t][^\n]*){%d})(?:\n[ \t][^\n]*)+" % MOST_FOLDED)
_HEADERS_ONLY: Final = frozenset({"text/rfc822-headers", "message/global-headers"})
_MESSAGE_ID = re.compile(r"<([^<>\s]{3,300}@[^<>\s]{1,300})>")
_QUOTED_ID = re.compile(
    r"^[> \t]{0,20}Message-ID:\s{0,20}<([^<>\s]{3,300}@[^<>\s]{1,300})>", re.IGNORECASE | re.MULTILINE
)
_ENVELOPE: Final = (
    "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "Original-Recipient", "To", "Cc", "Apparently-To",
)  # fmt: skip
"""Headers that may hold the address a mail came to."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, taken apart."""

    top: Message
    parts: tuple[Message, ...]
    beginning: bytes = b""

    @classmethod
    def of(cls, raw: bytes) -> Mail:
        """Take a mail apart; what is beyond the bounds is left out."""
        shorter = _FOLDED.sub(rb"\1", _LONG.sub(rb"\1", raw))
        top = email.message_from_bytes(shorter)
        return cls(top, tuple(_walk(top)), shorter[:LONGEST_TEXT])

    def first(self, *kinds: str) -> Message | None:
        """Return the first part of one of these content types."""
        return next((one for one in self.parts if one.get_content_type() in kinds), None)

    def header(self, name: str) -> str:
        """Return a header of the mail itself as text; empty when it is not there."""
        return text_of(self.top, name)

    @property
    def came_to(self) -> tuple[str, ...]:
        """The addresses this mail came to, as its headers tell."""
        found = islice((value for name in _ENVELOPE for value in self.top.get_all(name, [])), MOST_ADDRESSES)
        return tuple(addresses(*(_plain(value) for value in found)))[:MOST_ADDRESSES]

    @property
    def text(self) -> str:
        """All plain text of the mail, cut off somewhere."""
        texts: list[str] = []
        room = LONGEST_TEXT
        for part in self.parts:
            if part.get_content_type() in ("text/plain", "text/html") and room > 0:
                texts.append(body_of(part)[:room])
                room -= len(texts[-1])
        return "\n".join(texts)

    @property
    def original_ids(self) -> tuple[str, ...]:
        """The Message-IDs that the mail says it is about: of the message it holds, of its headers, of a quotation."""
        inner = [one for one in self.parts if one is not self.top and one.get("Message-ID")]
        found = [_plain(one.get("Message-ID", "")) for one in inner]
        headers = self.first(*_HEADERS_ONLY)
        quoted = body_of(headers) if headers is not None else self.text
        named = [match for value in found for match in _MESSAGE_ID.findall(value)]
        named += _QUOTED_ID.findall(quoted)
        for name in ("In-Reply-To", "References"):
            named += _MESSAGE_ID.findall(self.header(name))
        return tuple(dict.fromkeys(named))[:MOST_ADDRESSES]


def text_of(message: Message, name: str) -> str:
    """Return a header as text, its encoded words read; empty when it is not there or cannot be read."""
    value = _raw(message, name)
    try:
        found = decode_header(value)
    except Exception:  # noqa: BLE001  # whatever a stranger wrote there
        return value
    return "".join(_decoded(text, charset) for text, charset in found)


def body_of(part: Message) -> str:
    """Return what a part holds as text, in whatever charset it says, or as far as it can be read."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        inner: Any = part.get_payload()  # Any: text, or a list of messages
        return inner if isinstance(inner, str) else "\n".join(one.as_string() for one in inner[:3]) if inner else ""
    return _decoded(payload[: 4 * LONGEST_TEXT], part.get_content_charset())


def addresses(*values: str) -> Iterator[str]:
    """Yield the bare addresses that header values hold, each once."""
    seen: set[str] = set()
    for _, address in getaddresses([value[:2000] for value in values]):
        if "@" in address and address not in seen:
            seen.add(address)
            yield address


def _walk(top: Message) -> Iterator[Message]:
    waiting = [top]
    for _ in range(MOST_PARTS):
        if not waiting:
            return
        part = waiting.pop(0)
        yield part
        payload: Any = part.get_payload()  # Any: text, or a list of messages
        if isinstance(payload, list) and part.get_content_type() not in (
            "message/delivery-status",
            "message/feedback-report",
        ):
            waiting[0:0] = payload[:MOST_PARTS]


def _decoded(text: str | bytes, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode(charset or "utf-8", "replace")
    except (LookupError, UnicodeError):
        return text.decode("utf-8", "replace")


def _raw(message: Message, name: str) -> str:
    """The first such header, its bytes read as UTF-8: the parser itself gives up on letters that are not encoded."""
    value = next((str(text) for key, text in message.raw_items() if key.lower() == name.lower()), "")
    return value[:4000].encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _plain(value: object) -> str:
    return str(value)[:4000]
