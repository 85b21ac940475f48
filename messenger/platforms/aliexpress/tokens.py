"""The seller's token: obtained once by a person, renewed early by one process at a time, and given up only when nothing else helps.

Source: docs/sources.md, S41.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from messenger.errors import SourceAway, SourceShut
from messenger.platforms.aliexpress.client import Client, Gateway
from messenger.platforms.aliexpress.failures import CallFailed, Trouble
from messenger.platforms.reading import Fields, inner, text
from messenger.ports import Credentials, Vault
from messenger.ports.credentials import WHOLE

log = logging.getLogger(__name__)

EARLY: Final = timedelta(minutes=30)
"""So long before its end a token is renewed."""
LEASE: Final = timedelta(minutes=2)
"""So long one process may take to renew it before another one does: longer than a call may last."""
SOON: Final = timedelta(seconds=30)
"""After so long another process has renewed it."""
WARNED: Final = timedelta(days=7)
"""So long before the end of what cannot be renewed a person is told."""
CREATE: Final = "/auth/token/create"
REFRESH: Final = "/auth/token/refresh"
HOPELESS: Final = frozenset({Trouble.LOGIN, Trouble.DATA, Trouble.PERMISSION})
"""A refusal to renew that will not change by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of one shop.

    Args:
        account: whose they are.
        owner: this process.
        remedy: what a person does when only a person can help.
    """

    client: Client
    vault: Vault
    account: str
    owner: str
    remedy: str

    def authorize_url(self, *, redirect: str, state: str) -> str:
        """Return the page on which the seller lets us in; it leads to ``redirect`` with a code."""
        asked = {
            "response_type": "code", "client_id": self.client.app.key(), "redirect_uri": redirect, "force_auth": "true",
            "state": state,
        }  # fmt: skip
        if self.client.gateway is Gateway.TOP:
            asked |= {"sp": "ae", "view": "web"}
        return f"{self.client.where.authorize}?{urlencode(asked)}"

    def log_in(self, code: str, *, redirect: str) -> Credentials:
        """Exchange a code for tokens, and keep them; every door is open again.

        Raises:
            CallFailed: the platform refuses it.
        """
        if self.client.gateway is Gateway.NEW:
            answer = self.client.system(CREATE, {"code": code})
        else:
            answer = self._form({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect})
        found = credentials_of(answer, self.account, now=self.client.clock.now())
        self.vault.keep_credentials(found, at=self.client.clock.now())
        log.info("logged_in", extra={"account": self.account})
        return found

    def access(self) -> str:
        """Return a token that will last for the next calls, renewed if it ends soon.

        Raises:
            SourceShut: there is none, or none that can be renewed: a person has to log in.
            SourceAway: another process is just renewing it, or the platform does not answer.
        """
        kept = self._kept()
        now = self.client.clock.now()
        if kept.ends_at is None or kept.ends_at - now > EARLY:
            return kept.access
        is_good = kept.ends_at > now
        try:
            return self._renewed(kept)
        except SourceAway:
            if is_good:
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
        """Note that even a new token is refused: nothing is asked in this shop's name until a person has logged in."""
        self.vault.shut_door(self.account, WHOLE, problem=problem, at=self.client.clock.now())
        log.error("shop_shut", extra={"account": self.account, "problem": problem})
        return SourceShut(f"{problem} ({self.remedy})")

    def warning(self) -> str:
        """Return what a person has to be told before it is too late; empty when there is nothing."""
        kept, now = self.vault.credentials(self.account), self.client.clock.now()
        if kept is None:
            return ""
        ends = kept.refresh_ends_at if kept.refresh else kept.ends_at
        if ends is None or ends - now > WARNED or (kept.refresh and self._lives_short(kept)):
            return ""
        return f"the login ends on {ends:%Y-%m-%d %H:%M} UTC and cannot be renewed ({self.remedy})"

    @staticmethod
    def _lives_short(kept: Credentials) -> bool:
        """Whether the login of this kind of app always ends so soon: each renewal moves its end."""
        if kept.refresh_ends_at is None or kept.kept_at is None:
            return False
        return kept.refresh_ends_at - kept.kept_at <= WARNED * 2

    def _kept(self) -> Credentials:
        kept = self.vault.credentials(self.account)
        if kept is None:
            raise SourceShut(f"nobody has logged in ({self.remedy})")
        problem = self.vault.shut_doors(self.account).get(WHOLE)
        if problem is not None:
            raise SourceShut(f"{problem} ({self.remedy})")
        return kept

    def _renewed(self, known: Credentials) -> str:
        now = self.client.clock.now()
        if not known.refresh:
            if known.ends_at is not None and now < known.ends_at:
                return known.access
            raise self.give_up("the login has ended and cannot be renewed")
        kept = self.vault.take_refresh(self.account, owner=self.owner, now=now, until=now + LEASE)
        if kept is None:
            raise SourceAway("another process is renewing the login", again_at=now + SOON)
        if kept.access != known.access:  # another process was faster
            self.vault.leave_refresh(self.account, owner=self.owner)
            return kept.access
        return self._renew(kept)

    def _renew(self, kept: Credentials) -> str:
        now, is_kept = self.client.clock.now(), False
        try:
            found = credentials_of(self._refresh(kept.refresh), self.account, now=now)
            is_kept = self.vault.refreshed(found, owner=self.owner, at=now)
        except CallFailed as error:
            raise self._not_renewed(kept, error) from error
        finally:
            if not is_kept:
                self.vault.leave_refresh(self.account, owner=self.owner)
        log.info("login_renewed", extra={"account": self.account})
        return found.access

    def _not_renewed(self, kept: Credentials, error: CallFailed) -> SourceAway | SourceShut:
        now = self.client.clock.now()
        has_ended = kept.refresh_ends_at is not None and kept.refresh_ends_at <= now
        if error.trouble in HOPELESS or has_ended:
            return self.give_up(f"the login cannot be renewed: {error}")
        if error.trouble is Trouble.REQUEST:  # such as a wrong app_secret: it works again once that is mended
            return SourceShut(f"the login cannot be renewed: {error}")
        return SourceAway(f"the login could not be renewed: {error}")

    def _refresh(self, token: str) -> Fields:
        if self.client.gateway is Gateway.NEW:
            return self.client.system(REFRESH, {"refresh_token": token})
        return self._form({"grant_type": "refresh_token", "refresh_token": token})

    def _form(self, asked: dict[str, str]) -> Fields:
        common = {"client_id": self.client.app.key(), "client_secret": self.client.app.secret()}
        more = {"sp": "ae", "state": "", "view": "web"}
        told = {**common, **more, **asked}
        return self.client.form(self.client.where.tokens, {name: value for name, value in told.items() if value})


def credentials_of(answer: Fields, account: str, *, now: datetime) -> Credentials:
    """Return the tokens that an answer of either gateway holds. Ends are told in milliseconds since 1970, or seconds from now.

    Raises:
        CallFailed: it holds none.
    """
    told = inner(answer, "token_result", "result", "data") or answer
    access = text(told, "access_token")
    if not access:
        raise CallFailed(Trouble.DATA, code="", words="the platform gave no token")
    return Credentials(
        account=account,
        access=access,
        refresh=text(told, "refresh_token"),
        ends_at=_moment(told, "expire_time", "expires_in", now),
        refresh_ends_at=_moment(told, "refresh_token_valid_time", "refresh_expires_in", now)
        or _moment(told, "", "re_expires_in", now),
        holder=text(told, "user_nick", "account", "user_id", "seller_id"),
    )


def _moment(told: Fields, at: str, within: str, now: datetime) -> datetime | None:
    milliseconds, seconds = _number(text(told, at)) if at else None, _number(text(told, within))
    if milliseconds:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    return now + timedelta(seconds=seconds) if seconds else None


def _number(written: str) -> int | None:
    return int(written) if written.isdecimal() and len(written) <= LONGEST_NUMBER else None


LONGEST_NUMBER: Final = 14
