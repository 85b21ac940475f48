"""Header lines, written by hand: what a buyer called himself can never become a header of its own.

The library's writer reads ``=?utf-8?q?…?=`` inside a *value* as markup and lets the line breaks hidden in it reach the
wire (CVE-2024-6923). Here a value is text and nothing else: whatever is not plain ASCII, or looks like an encoded word,
is encoded as a whole, so that a reader gets back exactly the characters that were written.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

import idna

from messenger.domain.addresses import is_email_address
from messenger.errors import MessageRefused

CRLF: Final = "\r\n"
SOFT_LIMIT: Final = 78
HARD_LIMIT: Final = 998
_WORD_LIMIT: Final = 75
_ENCODED_LINE_LIMIT: Final = 76

_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066\u2067\ufeff]")
_ISOLATE = re.compile(r"[\u2068\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_PLAIN = re.compile(r"[\x21-\x7e]+(?: [\x21-\x7e]+)*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_QUOTABLE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
_Q_SAFE: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]+)>")


def one_line(text: str) -> str:
    """Return ``text`` as one line: breaks become a space; controls and direction marks vanish; ends are trimmed.

    Marks that keep Latin words apart in a text from right to left stay, if each pair of them is closed.
    """
    text = _FORBIDDEN.sub("", _BREAKS.sub(" ", text))
    if not _is_closed(_ISOLATE.findall(text)):
        text = _ISOLATE.sub("", text)
    return _SURROGATE.sub("\ufffd", text).strip(" ")


def _is_closed(marks: list[str]) -> bool:
    depth = 0
    for mark in marks:
        depth += 1 if mark == "\u2068" else -1
        if depth < 0:
            return False
    return depth == 0


def encode_text(name: str, value: str) -> str:
    """Return the header ``name`` with free text, folded, ending in CRLF.

    Source: RFC 5322, 2.2.3; RFC 2047, 2 and 5 (1).
    """
    value = one_line(value)
    room = SOFT_LIMIT - len(name) - 2
    if not value:
        return f"{name}: {CRLF}"
    if _PLAIN.fullmatch(value) and "=?" not in value and all(len(word) < room for word in value.split(" ")):
        return _fold(name, value.split(" "))
    return _fold(name, _encoded_words(value, first=_ENCODED_LINE_LIMIT - len(name) - 2), limit=_ENCODED_LINE_LIMIT)


def encode_structured(name: str, value: str) -> str:
    """Return a header whose value has a syntax of its own (a list of URIs, a token); nothing in it may be encoded.

    Raises:
        MessageRefused: the value is not printable ASCII, or has a piece longer than a line may be.
    """
    if not _PLAIN.fullmatch(value) or "=?" in value:
        raise MessageRefused(f"header {name}: must be printable ASCII on one line, got {value[:60]!r}")
    return _checked(name, _fold(name, value.split(" ")))


def encode_address(name: str, address: str) -> str:
    """Return ``name <address>`` as a header value: name encoded where needed, domain in its ASCII form.

    The value may hold folds (CRLF and a space). Without a name it is the bare address.

    Raises:
        MessageRefused: not exactly one address, or its local part is not ASCII.
    """
    mailbox = ascii_address(address)
    words = _phrase(one_line(name))
    return f"{CRLF} ".join([*words, f"<{mailbox}>"]) if words else mailbox


@lru_cache(maxsize=1024)
def encode_mailbox(header: str, name: str, address: str) -> str:
    """Return a whole address header (``From``, ``To``, ``Reply-To``), folded, ending in CRLF.

    Raises:
        MessageRefused: as ``encode_address``.
    """
    pieces = encode_address(name, address).split(f"{CRLF} ")
    return _checked(header, _fold(header, pieces, limit=_ENCODED_LINE_LIMIT))


def encode_group(header: str, name: str) -> str:
    """Return an address header that names somebody without an address, for one that 7-bit headers cannot hold.

    Source: RFC 6857, 3.1.8 (an empty group instead of the address); the envelope carries the real one.
    """
    words = _phrase(one_line(name)) or ["undisclosed-recipients"]
    return _fold(header, [*words, ":;"], limit=_ENCODED_LINE_LIMIT)


@lru_cache(maxsize=1024)
def split_mailbox(text: str) -> tuple[str, str]:
    """Return display name and bare address of ``Name <address>`` or ``address``.

    Raises:
        MessageRefused: it is neither.
    """
    found = _MAILBOX.fullmatch(text.strip())
    name, address = (found["name"].strip(), found["address"].strip()) if found else ("", text.strip())
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    if _SURROGATE.search(address) or not is_email_address(address):
        raise MessageRefused("not one address: write 'Name <address>' or the bare address")
    return name, address


def ascii_address(address: str) -> str:
    """Return the address with its domain in ASCII form.

    Raises:
        MessageRefused: not exactly one address, a domain that IDNA does not know, or a local part beyond ASCII.
    """
    local, domain = wire_parts(address)
    if not local.isascii():
        raise MessageRefused("the part before @ is not ASCII, which headers of 7 bits cannot hold")
    return f"{local}@{domain}"


@lru_cache(maxsize=1024)
def wire_parts(address: str) -> tuple[str, str]:
    """Return local part and ASCII domain of one address, as they go into an SMTP command.

    Raises:
        MessageRefused: not exactly one address, or a domain that IDNA does not know.
    """
    if _SURROGATE.search(address) or _FORBIDDEN.search(address) or not is_email_address(address):
        raise MessageRefused("not exactly one e-mail address")
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return local, domain
    try:
        return local, idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise MessageRefused("the domain has no ASCII form (IDNA)") from None


def _phrase(name: str) -> list[str]:
    if not name:
        return []
    if len(name) <= 60 and "=?" not in name:
        if _ATOMS.fullmatch(name):
            return [name]
        if _QUOTABLE.fullmatch(name):
            return [f'"{name}"']
    return _encoded_words(name, first=_ENCODED_LINE_LIMIT - len("Reply-To: "))


def _encoded_words(text: str, *, first: int) -> list[str]:
    """Cut text into encoded words of whole characters, in the shorter of Q and B for the text as a whole.

    Args:
        text: one line.
        first: columns left on the first line.
    """
    raw = text.encode()
    coding = _Q if sum(map(_Q.size, raw)) * 3 <= len(raw) * 4 else _B
    words: list[str] = []
    piece, used, room = b"", 0, coding.room(min(first, _WORD_LIMIT) - _WORD_FRAME)
    for character in text:
        octets = character.encode()
        width = sum(map(coding.size, octets))
        if piece and used + width > room:
            words.append(f"=?utf-8?{coding.kind}?{coding.encode(piece)}?=")
            piece, used, room = b"", 0, coding.room(_WORD_LIMIT - _WORD_FRAME)
        piece += octets
        used += width
    return [*words, f"=?utf-8?{coding.kind}?{coding.encode(piece)}?="]


class _Coding(NamedTuple):
    kind: str
    size: Callable[[int], int]
    """What an octet costs."""
    room: Callable[[int], int]
    """How much of that fits into so many columns."""
    encode: Callable[[bytes], str]


def _q(piece: bytes) -> str:
    return "".join(chr(octet) if octet in _Q_SAFE else "_" if octet == 0x20 else f"={octet:02X}" for octet in piece)


_WORD_FRAME: Final = len("=?utf-8?q??=")
_Q: Final = _Coding("q", lambda octet: 1 if octet in _Q_SAFE or octet == 0x20 else 3, lambda columns: columns, _q)
_B: Final = _Coding(
    "b", lambda _: 1, lambda columns: columns // 4 * 3, lambda piece: base64.b64encode(piece).decode("ascii")
)


def _fold(name: str, pieces: list[str], *, limit: int = SOFT_LIMIT) -> str:
    """Join the pieces by spaces, starting a new line where the next one would pass the limit."""
    lines, line = [], f"{name}:"
    for piece in pieces:
        if len(line) + 1 + len(piece) > limit and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {piece}"
    return CRLF.join([*lines, line]) + CRLF


def _checked(name: str, header: str) -> str:
    if any(len(line) > HARD_LIMIT for line in header.split(CRLF)):
        raise MessageRefused(f"header {name}: a piece is longer than {HARD_LIMIT} characters and cannot be folded")
    return header
