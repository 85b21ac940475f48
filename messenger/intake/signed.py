"""A request that says who sent it, and what every way of saying so has in common."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import orjson

from messenger.errors import ConfigurationError, Finding, MessengerError

LONGEST_ID = 200
"""Characters; a longer name of a delivery is replaced by a digest."""


class SignatureRefused(MessengerError):
    """A request does not come from whom it claims to, or comes too late. The reason is for our log: who asks is told nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A request as it arrived.

    Args:
        headers: by name; names are compared without case.
        body: the raw bytes; what is signed is these, never what they were parsed to.
        query: the raw query of the address.
        url: the address that was asked for, as the sender knows it.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    query: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", {name.lower(): value for name, value in self.headers.items()})

    def header(self, *names: str) -> str:
        """Return the first of these headers that is there.

        Raises:
            SignatureRefused: none is.
        """
        found = next((self.headers[name] for name in names if self.headers.get(name)), "")
        if not found:
            raise SignatureRefused(f"no header {names[0]}")
        return found

    def told(self, *names: str) -> str:
        """Return the first of these headers that is there; empty when none is."""
        return next((self.headers[name] for name in names if self.headers.get(name)), "")

    @property
    def digest(self) -> str:
        """What a delivery is called that has no name of its own."""
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"

    def named(self, name: object) -> str:
        """Return what the sender calls this delivery, if that can be used as a name; else the digest of the body."""
        text = name if isinstance(name, str) else str(name) if isinstance(name, int) else ""
        return text if 0 < len(text) <= LONGEST_ID and re.fullmatch(r"[!-~]+", text) else self.digest

    def within(self, *path: str) -> object:
        """Return what stands in a JSON body under these keys; None when there is no such thing."""
        try:
            found = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found


def hmac_sha256(key: bytes, content: bytes) -> bytes:
    """Return the HMAC of a content."""
    return hmac.digest(key, content, "sha256")


def is_one_of(given: bytes, expected: Iterable[bytes]) -> bool:
    """Return whether a signature is one of those expected; takes as long whichever it is."""
    return sum(hmac.compare_digest(given, one) for one in expected) > 0  # not any(): all are compared


def from_hex(text: str) -> bytes:
    """Return the bytes that a hexadecimal signature stands for.

    Raises:
        SignatureRefused: it is not hexadecimal.
    """
    if not re.fullmatch(r"([0-9A-Fa-f]{2})+", text, re.ASCII):
        raise SignatureRefused("the signature is not hexadecimal")
    return bytes.fromhex(text)


def from_base64(text: str) -> bytes:
    """Return the bytes that a base64 signature stands for, padded or not.

    Raises:
        SignatureRefused: it is not base64.
    """
    try:
        return decoded(text)
    except ValueError:
        raise SignatureRefused("the signature is not base64") from None


def decoded(text: str) -> bytes:
    """Return what base64 stands for, padded or not.

    Raises:
        ValueError: it is not base64.
    """
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def unusable(problem: str, remedy: str) -> ConfigurationError:
    """Return what is wrong with a secret of ours; the secret itself is never in it."""
    return ConfigurationError([Finding("", 0, 0, "secrets", problem, remedy)])
