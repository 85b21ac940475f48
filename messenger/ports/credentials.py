"""Credentials: what a platform has given a shop to come in with, renewed by one process at a time, and never shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Tokens of one account with a platform.

    Args:
        account: whose they are: platform and shop, ``aliexpress/toys``.
        access: what every call carries.
        refresh: what new ones are asked for with; empty when there is none.
        ends_at: when ``access`` ends; None when nobody said.
        refresh_ends_at: the same of ``refresh``: from then on only a person can help.
        holder: who the platform says it is, such as the seller's login.
        kept_at: when they were kept.
    """

    account: str
    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    ends_at: datetime | None = None
    refresh_ends_at: datetime | None = None
    holder: str = ""
    kept_at: datetime | None = None


WHOLE = ""
"""The door to an account as a whole; other doors are capabilities, such as ``orders``."""
MESSAGES = "messages"
"""The door to buyers: while it is shut, people at the desk write."""


class Vault(Protocol):
    """Keeps credentials, and which doors a platform has shut."""

    def credentials(self, account: str) -> Credentials | None:
        """Return the credentials of an account, if there are any."""
        ...

    def keep_credentials(self, found: Credentials, *, at: datetime) -> None:
        """Keep what a person has obtained, instead of whatever was there; every door of the account is open again."""
        ...

    def take_refresh(self, account: str, *, owner: str, now: datetime, until: datetime) -> Credentials | None:
        """Let ``owner`` be the one that renews them, until then; None when another one does, or there is nothing to renew.

        What is returned is what is kept at this moment: another process may have renewed it just before.
        """
        ...

    def refreshed(self, found: Credentials, *, owner: str, at: datetime) -> bool:
        """Keep renewed credentials, all at once; returns whether ``owner`` still was the one to do it.

        An empty ``refresh`` keeps the one that was there, an empty ``holder`` likewise.
        """
        ...

    def leave_refresh(self, account: str, *, owner: str) -> None:
        """Let others renew them: nothing came of it."""
        ...

    def shut_door(self, account: str, door: str, *, problem: str, at: datetime) -> bool:
        """Note that a platform does not let us do this until a person helps; returns whether that is new."""
        ...

    def open_door(self, account: str, door: str) -> bool:
        """Let it be tried again; returns whether it was shut."""
        ...

    def shut_doors(self, account: str) -> dict[str, str]:
        """Return what an account must not try, and what the platform said."""
        ...

    def accounts_shut(self, door: str) -> dict[str, str]:
        """Return the accounts for which this door is shut, and what the platform said."""
        ...
