"""The seller's tokens with eBay: obtained once by a person, renewed for a year and a half. Source: docs/sources.md, S50."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import httpx2

from messenger.errors import SourceAway, SourceShut
from messenger.platforms.ebay.failures import CallFailed, Trouble, told
from messenger.platforms.fetching import ACCEPTS, NoAnswer, asked
from messenger.platforms.lines import Line
from messenger.platforms.reading import Fields, text
from messenger.ports import Clock, Credentials

API: Final = "https://api.ebay.com"
SIGN_IN: Final = "https://auth.ebay.com"
TOKENS: Final = "/identity/v1/oauth2/token"
CONSENT: Final = "/oauth2/authorize"
MESSAGES: Final = "https://api.ebay.com/oauth/api_scope/commerce.message"
"""The scope for messages between members."""
PUBLIC: Final = "https://api.ebay.com/oauth/api_scope"
"""The scope of what needs no seller."""
LONGEST_NUMBER: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What eBay calls our program by, and what proves it; looked up anew each time."""

    key: Callable[[], str]
    secret: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDesk:
    """Where tokens are given out.

    Args:
        url: of everything at eBay; empty for its own addresses.
        account: whose tokens these are.
    """

    http: Line = field(repr=False)
    app: App = field(repr=False)
    clock: Clock
    account: str
    url: str = ""

    def consent_url(self, *, redirect: str, state: str) -> str:
        """Return the page on which the seller lets us in; ``redirect`` is the name (RuName) that eBay has given the app."""
        wanted = {
            "client_id": self.app.key(), "redirect_uri": redirect, "response_type": "code", "scope": MESSAGES, "state": state,
        }  # fmt: skip
        return f"{self.url or SIGN_IN}{CONSENT}?{urlencode(wanted)}"

    def log_in(self, code: str, *, redirect: str) -> Credentials:
        """Exchange the code that a consent led to.

        Raises:
            SourceShut: eBay does not take it.
            SourceAway: it does not answer.
        """
        return self._ask({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect})

    def renew(self, refresh: str) -> Credentials:
        """Exchange a refresh token, which stays as it is.

        Raises:
            SourceShut, SourceAway: as ``log_in``.
        """
        return self._ask({"grant_type": "refresh_token", "refresh_token": refresh, "scope": MESSAGES})

    def application(self) -> Credentials:
        """Return a token in the name of the program itself, without a seller; it cannot be renewed.

        Raises:
            SourceShut, SourceAway: as ``log_in``.
        """
        return self._ask({"grant_type": "client_credentials", "scope": PUBLIC})

    def _ask(self, form: Mapping[str, str]) -> Credentials:
        url = f"{self.url or API}{TOKENS}"
        login = httpx2.BasicAuth(self.app.key(), self.app.secret())
        try:
            found = told(
                asked(lambda: self.http().stream("POST", url, data=dict(form), auth=login, headers=dict(ACCEPTS)))
            )
        except NoAnswer as error:
            raise SourceAway(f"eBay {error}") from error
        except CallFailed as error:
            if error.trouble in {Trouble.PASSING, Trouble.THROTTLED}:
                raise SourceAway(f"eBay gave no token: {error}") from error
            raise SourceShut(f"eBay gave no token: {error}") from error
        return credentials_of(found, self.account, now=self.clock.now())


def credentials_of(found: Fields, account: str, *, now: datetime) -> Credentials:
    """Return the tokens that an answer holds.

    Raises:
        SourceAway: it holds none.
    """
    access = text(found, "access_token")
    if not access:
        raise SourceAway("eBay's answer holds no token")
    return Credentials(
        account=account, access=access, refresh=text(found, "refresh_token"), ends_at=_moment(found, "expires_in", now),
        refresh_ends_at=_moment(found, "refresh_token_expires_in", now),
    )  # fmt: skip


def _moment(found: Fields, name: str, now: datetime) -> datetime | None:
    written = text(found, name)
    is_number = written.isdecimal() and len(written) <= LONGEST_NUMBER
    return now + timedelta(seconds=int(written)) if is_number else None
