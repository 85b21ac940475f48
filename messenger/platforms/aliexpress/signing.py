"""How calls are signed: sorted parameters, put together without separators, under one of four digests.

Source: docs/sources.md, S41.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from enum import StrEnum


class Scheme(StrEnum):
    """How a call is signed; the text is what it says of itself in ``sign_method``."""

    MD5 = "md5"
    HMAC = "hmac"
    HMAC_SHA256 = "hmac-sha256"
    SHA256 = "sha256"


def signature(scheme: Scheme, secret: str, parameters: Mapping[str, str], *, path: str = "") -> str:
    """Return the signature of a call, in capital hexadecimal digits.

    Args:
        scheme: how.
        secret: of the app.
        parameters: everything that is sent except files; values as they are, not yet encoded for an address.
        path: of a call that is named by its path, such as ``/auth/token/create``; only ``sha256`` signs it.
    """
    text, key = chain(parameters).encode(), secret.encode()
    match scheme:
        case Scheme.MD5:
            return hashlib.md5(key + text + key, usedforsecurity=False).hexdigest().upper()
        case Scheme.HMAC:
            return hmac.new(key, text, "md5").hexdigest().upper()
        case Scheme.HMAC_SHA256:
            return hmac.new(key, text, "sha256").hexdigest().upper()
        case Scheme.SHA256:
            return hmac.new(key, path.encode() + text, "sha256").hexdigest().upper()


def chain(parameters: Mapping[str, str]) -> str:
    """Return what is signed: names and values without separators, sorted by name as bytes; what is empty is left out."""
    told = {name: value for name, value in parameters.items() if value and name != "sign"}
    return "".join(f"{name}{told[name]}" for name in sorted(told, key=str.encode))
