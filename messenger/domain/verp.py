"""An envelope sender of its own for each message, so that whatever comes back says which one it was.

The number is signed: without the tag anybody could have a buyer's address suppressed by sending a made-up bounce.
"""

from __future__ import annotations

import hmac
import re
from typing import Final

TAG_LENGTH: Final = 10
_ADDRESS = re.compile(rf"b-(?P<id>[1-9][0-9]{{0,18}})-(?P<tag>[0-9a-f]{{{TAG_LENGTH}}})@", re.IGNORECASE)


def address_for(number: int, *, domain: str, secret: bytes) -> str:
    """Return the envelope sender of a message: ``b-42-6f7fb12652@bounce.example.com``.

    Args:
        number: id of the outbox row, from 1.
        domain: where bounces are received.
        secret: known to this installation only.

    Raises:
        ValueError: a number that no row has.
    """
    if number < 1:
        raise ValueError(f"a row's id is 1 or more, got {number}")
    return f"b-{number}-{_tag(number, secret)}@{domain}"


def read(address: str, secret: bytes) -> int | None:
    """Return the id of the outbox row that an address was made for; None for any address that is not ours.

    Case is ignored (some servers change it), and so is the domain: the tag alone proves where the address is from.
    """
    found = _ADDRESS.match(address.strip().strip("<>"))
    if found is None:
        return None
    number = int(found["id"])
    return number if hmac.compare_digest(_tag(number, secret), found["tag"].lower()) else None


def _tag(number: int, secret: bytes) -> str:
    return hmac.digest(secret, str(number).encode("ascii"), "sha256").hex()[:TAG_LENGTH]
