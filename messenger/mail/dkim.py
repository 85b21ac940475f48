"""DKIM: a signature by which a receiver knows that a message is from us and was not changed on its way.

Always relaxed/relaxed and over the whole body (no ``l=``), so that nothing can be added behind our text.
Source: RFC 6376; RFC 8463 for Ed25519.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

RSA_BITS: Final = 2048
RSA: Final = "rsa"
ED25519: Final = "ed25519"
CRLF: Final = "\r\n"

SIGNED: Final = (
    "from", "to", "subject", "date", "message-id", "reply-to", "list-unsubscribe", "list-unsubscribe-post", "feedback-id",
    "mime-version", "content-type", "content-transfer-encoding", "content-language", "auto-submitted", "in-reply-to",
    "references",
)  # fmt: skip
"""Headers that are signed where a message has them."""
SEALED: Final = ("from", "to", "subject", "date", "reply-to")
"""Named once more than there are, so that a second one breaks the signature: a mail client might show that one instead."""

_RUNS = re.compile(r"[ \t]+")
_BODY_RUNS = re.compile(rb"[ \t]{2,}|\t")
_LINE: Final = 72
_PKCS1: Final = PKCS1v15()
_SHA256: Final = Prehashed(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one key; its public half stands in the domain name system at ``<selector>._domainkey.<domain>``."""

    domain: str
    selector: str
    key: PrivateKey = field(repr=False)

    def sign(self, headers: Sequence[str], body: bytes, *, at: datetime) -> str:
        """Return a whole ``DKIM-Signature`` header, folded, ending in CRLF.

        Args:
            headers: as they will leave, each once, folded, each ending in CRLF.
            body: as it will leave, CRLF line ends, not dot-stuffed.
            at: what the signature gives as its time; the same input always gives the same text.
        """
        found = dict(map(canonical_header, headers))
        listed = [*(name for name in SIGNED if name in found), *SEALED]
        unsigned = self._unsigned(listed, body_hash(body), at)
        return unsigned + _folded(self.seal(signed_octets(found, listed, unsigned))) + CRLF

    def _unsigned(self, listed: Sequence[str], bh: str, at: datetime) -> str:
        """The header up to its last tag, whose value is still empty."""
        names = _in_lines(":".join(listed))
        return (
            f"DKIM-Signature: v=1; a={kind_of(self.key)}-sha256; c=relaxed/relaxed; t={int(at.timestamp())};{CRLF}"
            f" d={self.domain}; s={self.selector};{CRLF} h={names};{CRLF} bh={bh};{CRLF} b="
        )

    def seal(self, octets: bytes) -> bytes:
        """Return the signature of canonical octets."""
        digest = hashlib.sha256(octets).digest()
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(digest)
        return self.key.sign(digest, _PKCS1, _SHA256)


def canonical_header(header: str) -> tuple[str, str]:
    """Return the name of a header in small letters, and its value on one line with single spaces.

    Source: RFC 6376, 3.4.2.
    """
    name, _, value = header.partition(":")
    return name.rstrip(" \t").lower(), _RUNS.sub(" ", value.replace(CRLF, "")).strip(" ")


def canonical_body(body: bytes) -> bytes:
    """Return a body with single spaces, none at the end of a line, and no empty lines at its end.

    Args:
        body: CRLF line ends, one at its end.

    Source: RFC 6376, 3.4.4.
    """
    if b"\t" in body or b"  " in body:
        body = _BODY_RUNS.sub(b" ", body)
    kept = body.replace(b" \r\n", b"\r\n").rstrip(b" \r\n")
    return kept + b"\r\n" if kept else b""


def body_hash(body: bytes) -> str:
    """Return the ``bh=`` of a body."""
    return base64.b64encode(hashlib.sha256(canonical_body(body)).digest()).decode("ascii")


def signed_octets(headers: Mapping[str, str], listed: Sequence[str], unsigned: str) -> bytes:
    """Return what is hashed and signed: the listed headers that are there, then the signature header without its value.

    Args:
        headers: canonical values by name in small letters.
        listed: the names in ``h=``; one that stands there once more than there are headers adds nothing.
        unsigned: the ``DKIM-Signature`` header as far as its ``b=``, which is its last tag.

    Source: RFC 6376, 3.7.
    """
    lines = [f"{name}:{headers[name]}{CRLF}" for name in dict.fromkeys(listed) if name in headers]
    return "".join([*lines, ":".join(canonical_header(unsigned))]).encode("ascii")


def kind_of(key: PrivateKey) -> str:
    """Return what kind of key it is, in the words of DKIM: ``rsa`` or ``ed25519``."""
    return ED25519 if isinstance(key, Ed25519PrivateKey) else RSA


def new_key(kind: str) -> PrivateKey:
    """Return a new private key of this kind, ``rsa`` or ``ed25519``."""
    return Ed25519PrivateKey.generate() if kind == ED25519 else generate_private_key(65537, RSA_BITS)


def pem_of(key: PrivateKey) -> bytes:
    """Return a private key as the text that is kept in its file."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def record_of(key: PrivateKey) -> str:
    """Return the TXT record that publishes the public half of a key. Source: RFC 6376, 3.6.1; RFC 8463, 4."""
    if isinstance(key, Ed25519PrivateKey):
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    else:
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    return f"v=DKIM1; k={kind_of(key)}; p={base64.b64encode(public).decode('ascii')}"


def _in_lines(names: str) -> str:
    """Header names joined by colons, with a fold where a line would grow too long."""
    lines, line = [], ""
    for name in names.split(":"):
        if line and len(line) + len(name) > _LINE:
            lines.append(line)
            line = ""
        line += f"{name}:"
    return f"{CRLF} ".join([*lines, line])[:-1]


def _folded(signature: bytes) -> str:
    text = base64.b64encode(signature).decode("ascii")
    return f"{CRLF} ".join(text[start : start + _LINE] for start in range(0, len(text), _LINE))
