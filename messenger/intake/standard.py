"""Standard Webhooks 1.0.0: signing, and verifying what was signed. Source: docs/sources.md, S28."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from messenger.errors import ConfigurationError
from messenger.intake.signed import SignatureRefused, Signed, decoded, hmac_sha256, is_one_of, unusable

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE: Final = timedelta(minutes=5)
"""How far the sender's clock may be from ours, either way."""
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes of a symmetric key."""
SYMMETRIC, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
_LENGTHS: Final = {PUBLIC: {32}, PRIVATE: {32, 64}}
MOST_SIGNATURES: Final = 16
"""So many entries of one header are looked at."""
_V1, _V1A = "v1", "v1a"
Check = Callable[[bytes, str, bytes], bool]
"""Whether a signature of this version is one of this content."""


def verify(request: Signed, secrets: Sequence[str], now: datetime) -> str:
    """Return the id of the delivery.

    Args:
        request: as it arrived.
        secrets: ``whsec_…`` or ``whpk_…``, several while keys rotate.
        now: aware, UTC.

    Raises:
        SignatureRefused: no signature fits, or it is too old or from the future.
        ConfigurationError: none fits, and one of the secrets cannot be used.
    """
    id_, at = request.header(ID), request.header(TIMESTAMP)
    signatures = list(_entries(request.header(SIGNATURE)))
    if "." in id_:  # it would let a part of the id pass for the time
        raise SignatureRefused("a dot in webhook-id")
    _check_time(at, now)
    content = _content(id_, at, request.body)
    fits, unusable_ones = False, []
    for one in secrets:
        try:
            check = _check_with(one)
        except ConfigurationError as error:
            unusable_ones.append(error)
        else:
            fits |= sum(check(content, version, given) for version, given in signatures) > 0
    if fits:
        return request.named(id_)
    if unusable_ones:
        raise unusable_ones[0]
    raise SignatureRefused("no signature fits")


def signature_of(id_: str, at: datetime, body: bytes, secret: str) -> str:
    """Return what stands in ``webhook-signature``.

    Args:
        id_: of the delivery; the same when it is sent again.
        at: of this try.
        body: the raw bytes.
        secret: ``whsec_…`` or ``whsk_…``.

    Raises:
        ConfigurationError: the secret cannot be used.
    """
    content = _content(id_, str(int(at.timestamp())), body)
    if secret.startswith(PRIVATE):
        raw = Ed25519PrivateKey.from_private_bytes(_key(secret, PRIVATE)[:32]).sign(content)
        return f"{_V1A},{base64.b64encode(raw).decode()}"
    return f"{_V1},{base64.b64encode(hmac_sha256(_symmetric(secret), content)).decode()}"


def _content(id_: str, at: str, body: bytes) -> bytes:
    return f"{id_}.{at}.".encode() + body


def _entries(header: str) -> Iterator[tuple[str, bytes]]:
    """Version and signature of each entry that can be read; versions that we do not know are passed over later."""
    for entry in header.split()[:MOST_SIGNATURES]:
        version, comma, text = entry.partition(",")
        try:
            if comma:
                yield version, decoded(text)
        except ValueError:
            continue


def _check_time(text: str, now: datetime) -> None:
    if not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII):
        raise SignatureRefused("webhook-timestamp is not a whole number of seconds")
    try:
        at = datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise SignatureRefused("webhook-timestamp is out of range") from None
    if abs(now - at) > TOLERANCE:
        raise SignatureRefused(f"webhook-timestamp is {(now - at).total_seconds():.0f} s old")


def _check_with(secret: str) -> Check:
    """What checks signatures with this secret."""
    if secret.startswith(PUBLIC):
        key = Ed25519PublicKey.from_public_bytes(_key(secret, PUBLIC))
        return lambda content, version, given: version == _V1A and _is_signed(key, content, given)
    symmetric = _symmetric(secret)
    return lambda content, version, given: version == _V1 and is_one_of(given, [hmac_sha256(symmetric, content)])


def _is_signed(key: Ed25519PublicKey, content: bytes, given: bytes) -> bool:
    try:
        key.verify(given, content)
    except InvalidSignature:
        return False
    return True


def _symmetric(secret: str) -> bytes:
    if secret.startswith(PRIVATE):
        raise unusable("holds a private key (whsk_)", "the sender keeps it and gives you the public one: whpk_…")
    key = _key(secret, SYMMETRIC)
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise unusable(
            f"holds a key of {len(key)} bytes", f"whsec_ and base64 of {SHORTEST_KEY} to {LONGEST_KEY} random bytes"
        )
    return key


def _key(secret: str, prefix: str) -> bytes:
    try:
        key = decoded(secret.removeprefix(prefix).strip())
    except ValueError:
        raise unusable("holds no base64", f"{prefix} and base64") from None
    if len(key) not in _LENGTHS.get(prefix, {len(key)}):
        raise unusable(f"holds a key of {len(key)} bytes", f"{prefix} and base64 of an Ed25519 key")
    return key
