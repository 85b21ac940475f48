"""When to try again."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

FIRST: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(seconds=4000)
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
