"""A login that is renewed in time: by one process at a time, kept at once, and given up only when nobody but a person can help."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from messenger.errors import SourceAway, SourceShut
from messenger.ports import Clock, Credentials, Vault
from messenger.ports.credentials import WHOLE

log = logging.getLogger(__name__)

EARLY: Final = timedelta(minutes=5)
"""So long before its end a token is renewed, where nothing else is said."""
LEASE: Final = timedelta(minutes=2)
"""So long one process may take to renew it before another one does: longer than a call may last."""
SOON: Final = timedelta(seconds=10)
"""After so long another process has renewed it."""

Renew = Callable[[str], Credentials]
"""Exchanges a refresh token for credentials; raises ``SourceAway`` or ``SourceShut``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The login of one account.

    Args:
        account: whose: platform and shop.
        owner: this process.
        renew: asks the platform for new tokens.
        remedy: what a person does when only a person can help.
        early: so long before its end a token is renewed.
    """

    vault: Vault = field(repr=False)
    clock: Clock
    account: str
    owner: str
    renew: Renew = field(repr=False)
    remedy: str
    early: timedelta = EARLY

    def access(self) -> str:
        """Return a token that lasts for the next call, renewed if it ends soon.

        Raises:
            SourceShut: there is none, or none that can be renewed: a person has to log in.
            SourceAway: it has ended, and another process is just renewing it, or the platform does not answer.
        """
        kept, now = self._kept(), self.clock.now()
        if kept.ends_at is None or kept.ends_at - now > self.early:
            return kept.access
        try:
            return self._renewed(kept)
        except SourceAway:
            if kept.ends_at > now:
                return kept.access
            raise

    def after_refusal(self, refused: str) -> str:
        """Return another token than the one that was refused, renewed if nobody has done so.

        Raises:
            SourceShut, SourceAway: as ``access``.
        """
        kept = self._kept()
        return kept.access if kept.access != refused else self._renewed(kept)

    def give_up(self, problem: str) -> SourceShut:
        """Note that even a new token is refused: nothing is asked in this account's name until a person has logged in."""
        if self.vault.shut_door(self.account, WHOLE, problem=problem, at=self.clock.now()):
            log.error("account_shut", extra={"account": self.account, "problem": problem})
        return SourceShut(f"{problem} ({self.remedy})")

    def _kept(self) -> Credentials:
        kept = self.vault.credentials(self.account)
        if kept is None:
            raise SourceShut(f"nobody has logged in ({self.remedy})")
        problem = self.vault.shut_doors(self.account).get(WHOLE)
        if problem is not None:
            raise SourceShut(f"{problem} ({self.remedy})")
        return kept

    def _renewed(self, known: Credentials) -> str:
        now = self.clock.now()
        if not known.refresh:
            raise self.give_up("the login has ended and cannot be renewed")
        kept = self.vault.take_refresh(self.account, owner=self.owner, now=now, until=now + LEASE)
        if kept is None:
            raise SourceAway("another process is renewing the login", again_at=now + SOON)
        is_kept = False
        try:
            if kept.access != known.access:  # another process was faster
                return kept.access
            found = self.renew(kept.refresh)
            is_kept = self.vault.refreshed(found, owner=self.owner, at=now)
        except SourceShut as error:
            raise self.give_up(str(error)) from error
        finally:
            if not is_kept:
                self.vault.leave_refresh(self.account, owner=self.owner)
        log.info("login_renewed", extra={"account": self.account})
        return found.access
