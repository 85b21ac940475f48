"""When to try again."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Final

from messenger.domain.messages import Receipt

FIRST: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(seconds=4000)
ONCE_A_DAY: Final = timedelta(days=1)
LONGEST_CLAIM: Final = timedelta(minutes=15)
"""No message is held for longer without being handed over, whatever its worker is doing."""
LONGEST_HANDOVER: Final = timedelta(hours=3)
"""Nor for longer after that: the time limits of the conversation itself, however they are set, end before."""
MOST_CLAIMS: Final = 5
"""A message that was claimed this often without any result takes its worker down with it: it is poison."""
SUSPECT: Final = 3
"""From this many claims without any result on, a message is claimed alone, and after all others: if a worker dies of it,
no other message is blamed, and if the worker was merely killed while it held many, each gets its fair try."""


def backoff(attempt: int, key: str) -> timedelta:
    """Return how long to wait after the given failed attempt.

    Args:
        attempt: 1 for the first try that failed.
        key: of the message; it seeds the jitter, so that the wait is the same whenever it is asked for.

    Returns:
        5 minutes doubled per attempt up to 4000 s, give or take a fifth.

    Source: docs/sources.md, S8 (retry intervals); RFC 5321, 4.5.4.1.
    """
    if attempt < 1:
        raise ValueError(f"attempts count from 1, got {attempt}")
    doubled: int = 1 << min(attempt - 1, 10)
    plain = min(LONGEST, FIRST * doubled)
    seed = hashlib.blake2b(f"{key}/{attempt}".encode(), digest_size=8).digest()
    jitter = int.from_bytes(seed) / 2**64 * 0.4 - 0.2
    return plain * (1 + jitter)


def is_full(receipt: Receipt) -> bool:
    """Return whether the buyer's mailbox is full: a no for good in form, and yet over in a day or two.

    Source: RFC 3463, 3.3 (x.2.2); RFC 5321, 4.2.3 (552 without an enhanced code, said about the recipient).
    """
    if receipt.status:
        return receipt.status == "5.2.2"
    return receipt.code == _TOO_MUCH and receipt.stage in {"rcpt", "end_of_data"} and bool(_FULL.search(receipt.reply))


_TOO_MUCH: Final = 552
_FULL: Final = re.compile(r"quota|full|mailbox|storage", re.IGNORECASE)


def wait_after(receipt: Receipt, attempt: int, key: str) -> timedelta:
    """Return how long to wait after a try that did not succeed and is worth another.

    The other side may ask for longer than we would wait, never for less, and not for more than a day.
    """
    if is_full(receipt):
        return ONCE_A_DAY
    asked = timedelta(seconds=min(receipt.retry_after or 0.0, ONCE_A_DAY.total_seconds()))
    return max(asked, backoff(max(1, attempt), key))
