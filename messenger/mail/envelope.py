"""Who writes to whom, and what the server has to be able to do for it: the MAIL and RCPT commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from messenger.domain.messages import FrozenMessage
from messenger.errors import MessageRefused
from messenger.mail.headers import HARD_LIMIT, wire_parts
from messenger.mail.replies import Reply, Stage, Trouble

Extensions = Mapping[str, tuple[str, ...]]
"""What a server lists after EHLO: words by keyword, in capitals."""

ENVID_LIMIT: Final = 100
ORCPT_LIMIT: Final = 500
_MESSAGE_ID = re.compile(rb"^Message-ID: <([^@>\r\n]{1,200})@", re.MULTILINE | re.IGNORECASE)
_PLAIN: Final = frozenset(chr(octet) for octet in range(33, 127)) - {"+", "="}


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message as the server is told of it.

    Args:
        sender: bare address, domain in ASCII.
        recipient: bare address, domain in ASCII.
        size: octets of the message, without doubled dots.
        is_8bit: the message holds octets beyond ASCII.
        envid: by which a bounce may name it again: the left part of its Message-ID; empty when it has none.
        hidden: addresses that are not to be kept in any record.
    """

    sender: str
    recipient: str
    size: int
    is_8bit: bool
    envid: str
    hidden: tuple[str, ...]

    @property
    def is_utf8(self) -> bool:
        """Whether it needs SMTPUTF8: a part before @ is not ASCII (RFC 6531). Domains are, in their ASCII form."""
        return not (self.sender.isascii() and self.recipient.isascii())


def envelope_of(message: FrozenMessage, redirect_to: str = "") -> Envelope:
    """Return the envelope of a message; of any message to ``redirect_to``, when that is set.

    Raises:
        MessageRefused: sender or recipient is not exactly one address, or the content cannot go over a line unchanged.
    """
    wanted = redirect_to or message.recipient
    sender, recipient = _address("envelope sender", message.sender), _address("recipient", wanted)
    _check_lines(message.content)
    found = _MESSAGE_ID.search(message.content.partition(b"\r\n\r\n")[0])
    return Envelope(
        sender=sender,
        recipient=recipient,
        size=len(message.content),
        is_8bit=not message.content.isascii(),
        envid=found[1].decode("ascii", "ignore") if found else "",
        hidden=(recipient, wanted, message.recipient),
    )


def _address(role: str, address: str) -> str:
    try:
        return "@".join(wire_parts(address))
    except MessageRefused as problem:
        raise MessageRefused(f"{role}: {problem}") from None


def _check_lines(content: bytes) -> None:
    """Refuse what a server could take for another end of a line, or of the message. Source: RFC 5321, 2.3.8 and 4.5.3.1.6."""
    lines = content.split(b"\r\n")
    bare = content.count(b"\n") + content.count(b"\r") - 2 * (len(lines) - 1)
    if bare or b"\0" in content:
        raise MessageRefused("the message holds a bare line feed, a bare carriage return or a NUL")
    if max(map(len, lines)) > HARD_LIMIT:
        raise MessageRefused(f"the message has a line of more than {HARD_LIMIT} octets")


def commands(envelope: Envelope, extensions: Extensions, *, is_dsn_wanted: bool) -> tuple[str, str]:
    """Return MAIL and RCPT for a server with these extensions.

    Raises:
        Trouble: the server cannot take this message; the words are ours and say so.

    Source: RFC 1870 (SIZE), 6152 (8BITMIME), 6531 (SMTPUTF8), 3461 (DSN).
    """
    _check(envelope, extensions)
    mail, rcpt = f"MAIL FROM:<{envelope.sender}>", f"RCPT TO:<{envelope.recipient}>"
    if "SIZE" in extensions:
        mail += f" SIZE={envelope.size}"
    if envelope.is_8bit:
        mail += " BODY=8BITMIME"
    if envelope.is_utf8:
        mail += " SMTPUTF8"
    if is_dsn_wanted and "DSN" in extensions:
        return mail + _return(envelope), rcpt + _notify(envelope)
    return mail, rcpt


def _check(envelope: Envelope, extensions: Extensions) -> None:
    if envelope.is_utf8 and "SMTPUTF8" not in extensions:
        raise _own(553, "5.6.7 the address is not ASCII and the server does not offer SMTPUTF8")
    if envelope.is_8bit and "8BITMIME" not in extensions:
        raise _own(554, "5.6.3 the message is not ASCII and the server does not offer 8BITMIME")
    limit = _size_limit(extensions)
    if limit and envelope.size > limit:
        raise _own(552, f"5.3.4 the message has {envelope.size} octets and the server takes {limit} at most")


def _size_limit(extensions: Extensions) -> int:
    """The most that the server takes; 0 when it does not say."""
    words = extensions.get("SIZE", ())
    return int(words[0]) if words and words[0].isascii() and words[0].isdecimal() and len(words[0]) <= 20 else 0


def _own(code: int, words: str) -> Trouble:
    return Trouble(Stage.MAIL, Reply(code, f"{words} (our own words)"))


def _return(envelope: Envelope) -> str:
    envid = xtext(envelope.envid)
    return " RET=HDRS" + (f" ENVID={envid}" if 0 < len(envid) <= ENVID_LIMIT else "")


def _notify(envelope: Envelope) -> str:
    original = f"rfc822;{xtext(envelope.recipient)}" if envelope.recipient.isascii() else ""
    return " NOTIFY=FAILURE,DELAY" + (f" ORCPT={original}" if 0 < len(original) <= ORCPT_LIMIT else "")


def xtext(text: str) -> str:
    """Return ASCII text as it may stand in a DSN parameter. Source: RFC 3461, 4."""
    return "".join(one if one in _PLAIN else f"+{ord(one):02X}" for one in text)
