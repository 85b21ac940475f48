"""Signed calls of AfterShip's API. Source: docs/sources.md, S29."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

HEADER = "as-signature-hmac-sha256"


def signature_of(
    secret: str, method: str, path: str, *, date: str, headers: Mapping[str, str], body: bytes = b""
) -> str:
    """Return what stands in ``as-signature-hmac-sha256``.

    Args:
        secret: of the API key.
        method: ``GET`` …
        path: with its query, in any order.
        date: RFC 1123, the same as in the header ``date``.
        headers: of the call; those whose name begins with ``as-`` are signed.
        body: JSON; empty when there is none.
    """
    signed = sorted((name.lower(), value.strip()) for name, value in headers.items() if name.lower().startswith("as-"))
    lines = [
        method.upper(),
        hashlib.md5(body, usedforsecurity=False).hexdigest().upper() if body else "",
        "application/json" if body else "",
        date,
        *(f"{name}:{value}" for name, value in signed),
        _sorted(path),
    ]
    return base64.b64encode(hmac.digest(secret.encode(), "\n".join(lines).encode(), "sha256")).decode()


def _sorted(path: str) -> str:
    bare, question, query = path.partition("?")
    return f"{bare}?{urlencode(sorted(parse_qsl(query, keep_blank_values=True)))}" if question else bare
