"""The seller's tokens: obtained once by a person, and renewed. Source: docs/sources.md, S41."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from messenger.errors import SourceAway, SourceShut
from messenger.platforms.aliexpress.client import Client, Gateway
from messenger.platforms.aliexpress.failures import CallFailed, Trouble
from messenger.platforms.reading import Fields, inner, text
from messenger.ports import Credentials

EARLY: Final = timedelta(minutes=30)
"""So long before its end a token is renewed."""
WARNED: Final = timedelta(days=7)
"""So long before the end of what cannot be renewed a person is told."""
CREATE: Final = "/auth/token/create"
REFRESH: Final = "/auth/token/refresh"
HOPELESS: Final = frozenset({Trouble.LOGIN, Trouble.DATA, Trouble.PERMISSION})
"""A refusal to renew that will not change by itself; a wrong app secret is mended in the settings."""
LONGEST_NUMBER: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDesk:
    """Where tokens are given out; ``account`` says whose these are."""

    client: Client
    account: str

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
        """Exchange the code that a consent led to.

        Raises:
            CallFailed: the platform refuses it, or does not answer.
        """
        if self.client.gateway is Gateway.NEW:
            return self._read(self.client.system(CREATE, {"code": code}))
        return self._read(self._form({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}))

    def renew(self, refresh: str) -> Credentials:
        """Exchange a refresh token.

        Raises:
            SourceShut: the platform will never take it: a person has to log in.
            SourceAway: it does not now.
        """
        try:
            if self.client.gateway is Gateway.NEW:
                return self._read(self.client.system(REFRESH, {"refresh_token": refresh}))
            return self._read(self._form({"grant_type": "refresh_token", "refresh_token": refresh}))
        except CallFailed as error:
            if error.trouble in HOPELESS:
                raise SourceShut(f"the login cannot be renewed: {error}") from error
            raise SourceAway(f"the login could not be renewed: {error}") from error

    def _read(self, answer: Fields) -> Credentials:
        return credentials_of(answer, self.account, now=self.client.clock.now())

    def _form(self, asked: dict[str, str]) -> Fields:
        common = {"client_id": self.client.app.key(), "client_secret": self.client.app.secret()}
        told = {**common, "sp": "ae", "view": "web", **asked}
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
        ends_at=_at(told, "expire_time") or _after(told, "expires_in", now),
        refresh_ends_at=_at(told, "refresh_token_valid_time") or _after(told, "refresh_expires_in", now),
        holder=text(told, "user_nick", "account", "user_id", "seller_id"),
    )


def _at(told: Fields, name: str) -> datetime | None:
    milliseconds = _number(text(told, name))
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def _after(told: Fields, name: str, now: datetime) -> datetime | None:
    seconds = _number(text(told, name))
    return now + timedelta(seconds=seconds) if seconds else None


def _number(written: str) -> int:
    return int(written) if written.isdecimal() and len(written) <= LONGEST_NUMBER else 0


def warning(kept: Credentials | None, *, now: datetime, remedy: str) -> str:
    """Return what a person has to be told before only a person can help; empty when there is nothing."""
    if kept is None:
        return ""
    ends = kept.refresh_ends_at if kept.refresh else kept.ends_at
    if ends is None or ends - now > WARNED or (kept.refresh and _lives_short(kept)):
        return ""
    return f"the login ends on {ends:%Y-%m-%d %H:%M} UTC and cannot be renewed ({remedy})"


def _lives_short(kept: Credentials) -> bool:
    """Whether the login of this kind of app always ends so soon: each renewal moves its end."""
    if kept.refresh_ends_at is None or kept.kept_at is None:
        return False
    return kept.refresh_ends_at - kept.kept_at <= WARNED * 2
