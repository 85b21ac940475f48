"""What counts as one e-mail address, and as this very machine.

Deliberately narrower than RFC 5322: no quoted local parts, no comments, no lists. Mail libraries repair odd addresses
in silence (``a@x,b@x`` becomes ``a@x``); a repaired address is a message to the wrong person, so we refuse instead.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from ipaddress import ip_address

_LOCAL = re.compile(r"[^\s\"(),:;<>@\[\\\]]{1,64}")
_ASCII_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@lru_cache(maxsize=1024)
def is_email_address(text: str) -> bool:
    """Return whether ``text`` is exactly one address that can be put into an SMTP command unchanged.

    Source: RFC 5321, 4.5.3.1 (local part 64, domain 255 octets); RFC 6531 for letters beyond ASCII.
    """
    local, at, domain = text.rpartition("@")
    # isprintable leaves out controls, invisible and direction-changing characters, and half characters (surrogates)
    if not at or not text.isprintable() or len(text.encode()) > 254:
        return False
    return _is_local_part(local) and _is_domain(domain)


def comparable(address: str) -> str:
    """Return one spelling for all that reach the same mailbox: no capitals, the domain as the name system carries it.

    Nothing else is taken for the same: ``ana+shop@`` is another address than ``ana@``.
    """
    local, _, domain = address.strip().rpartition("@")
    folded = unicodedata.normalize("NFC", local).casefold()
    labels = unicodedata.normalize("NFC", domain).lower().rstrip(".").split(".")
    return f"{folded}@{'.'.join(_wire(label).decode('ascii', 'replace') for label in labels)}"


def is_loopback(host: str) -> bool:
    """Return whether this host is this very machine."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def _is_local_part(local: str) -> bool:
    if not _LOCAL.fullmatch(local) or len(local.encode()) > 64 or _is_disguised(local):
        return False
    # "=?" begins an encoded word: a mail library would decode it and write to somebody else
    return not local.startswith(".") and not local.endswith(".") and ".." not in local and "=?" not in local


def _is_disguised(text: str) -> bool:
    """Whether it is ASCII, or holds an ASCII mark such as ``@`` or ``.``, in wide, small or raised characters.

    A server that normalises would read another address than the one we wrote.
    """
    if text.isascii():
        return False
    plain = unicodedata.normalize("NFKC", text)
    return plain.isascii() or _marks(plain) != _marks(text)


def _marks(text: str) -> list[str]:
    return [character for character in text if character.isascii() and not character.isalnum()]


def _is_domain(domain: str) -> bool:
    labels = domain.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(_is_label(label) for label in labels):
        return False
    return sum(len(_wire(label)) + 1 for label in labels) <= 254


def _is_label(label: str) -> bool:
    if label.isascii():
        return _ASCII_LABEL.fullmatch(label) is not None
    kinds = [unicodedata.category(character)[0] for character in label]
    letters = all(kind in "LMN" or character == "-" for kind, character in zip(kinds, label, strict=True))
    whole = kinds[0] != "M" and not label.startswith("-") and not label.endswith("-")
    if not letters or not whole or _is_disguised(label):
        return False
    return unicodedata.is_normalized("NFC", label) and len(_wire(label)) <= 63


def _wire(label: str) -> bytes:
    """The label as the domain name system carries it."""
    return label.encode() if label.isascii() else b"xn--" + label.casefold().encode("punycode")
