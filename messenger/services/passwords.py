"""Passwords: hashed with Argon2id, looked at a few at a time, and long enough to be worth it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from messenger.errors import UsageError

SHORTEST: Final = 12
LONGEST: Final = 200
AT_ONCE: Final = 2
"""Passwords that are looked at at the same time: each takes 64 MiB."""
_TURNSTILE: Final = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Passwords:
    """Hashes passwords, and looks whether one is right.

    Args:
        hasher: how much work that is; by default what RFC 9106 recommends where memory is dear.
    """

    hasher: PasswordHasher = field(default_factory=PasswordHasher)

    def hash_of(self, password: str) -> str:
        """Return what is kept of a new password.

        Raises:
            UsageError: it is too short, or longer than anybody types.
        """
        if not SHORTEST <= len(password) <= LONGEST:
            raise UsageError(
                f"a password has {SHORTEST} to {LONGEST} characters, this one has {len(password)} (a few words do well)"
            )
        with _TURNSTILE:
            return self.hasher.hash(password)

    def is_right(self, kept: str | None, password: str) -> bool:
        """Return whether it is the password of this hash; without a hash it takes as long, and is wrong."""
        with _TURNSTILE:
            try:
                self.hasher.verify(kept or self._nobodys, password[: LONGEST + 1])
            except (Argon2Error, InvalidHashError):
                return False
        return kept is not None

    @cached_property
    def _nobodys(self) -> str:
        """A hash of no user's password: that a name is unknown must not show in how long the answer takes."""
        return self.hasher.hash("nobody's password")


USUAL: Final = Passwords()
