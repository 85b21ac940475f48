"""eBay's notifications: the check of our address, and their signature. Source: docs/sources.md, S29."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key

from messenger.intake.signed import SignatureRefused, Signed, decoded, from_base64, unusable

HEADER: Final = "x-ebay-signature"
DIGESTS: Final[Mapping[str, type[HashAlgorithm]]] = {"SHA1": SHA1, "SHA256": SHA256}


def challenge_response(code: str, token: str, endpoint: str) -> str:
    """Return what eBay wants to hear before it sends anything.

    Args:
        code: what it asks with (``challenge_code``).
        token: the verification token that was told to eBay.
        endpoint: the address of the hook, exactly as it was told to eBay.
    """
    return hashlib.sha256(f"{code}{token}{endpoint}".encode()).hexdigest()


def key_id(request: Signed) -> str:
    """Return which public key a notification is signed with.

    Raises:
        SignatureRefused: it does not say so.
    """
    found = _envelope(request).get("kid")
    if not isinstance(found, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", found, re.ASCII):
        raise SignatureRefused("the signature names no key")
    return found


def verify(request: Signed, public_key: str) -> str:
    """Return the id of the notification.

    Args:
        request: as it arrived.
        public_key: PEM, also on one line as eBay gives it out, of the key that ``key_id`` names.

    Raises:
        SignatureRefused: the signature does not fit.
        ConfigurationError: the key cannot be used.
    """
    envelope, key = _envelope(request), _public_key(public_key)
    digest = DIGESTS.get(str(envelope.get("digest", "SHA1")).upper().replace("-", ""))
    given = envelope.get("signature")
    if digest is None or not isinstance(given, str) or str(envelope.get("alg", "")).lower() != "ecdsa":
        raise SignatureRefused("the signature is of a kind we do not know")
    try:
        key.verify(from_base64(given), request.body, ECDSA(digest()))
    except InvalidSignature:
        raise SignatureRefused("no signature fits") from None
    return request.named(request.within("notification", "notificationId"))


def _envelope(request: Signed) -> Mapping[str, object]:
    try:
        found = orjson.loads(from_base64(request.header(HEADER)))
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise SignatureRefused("the signature is not what eBay sends")
    return found


def _public_key(text: str) -> EllipticCurvePublicKey:
    inner = re.sub(r"-----(BEGIN|END) PUBLIC KEY-----|\s", "", text)
    try:
        key = load_der_public_key(decoded(inner))
    except (ValueError, UnsupportedAlgorithm):
        raise unusable("the public key of eBay cannot be read", "ask getPublicKey for it again") from None
    if not isinstance(key, EllipticCurvePublicKey):
        raise unusable("the public key of eBay is not one for ECDSA", "ask getPublicKey for it again")
    return key
