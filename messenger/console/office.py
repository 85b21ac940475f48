"""The office: what the pages for the people of a shop work with, who asks for one, and what they may."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from babel.core import negotiate_locale
from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from messenger.console.bodies import TooLarge, body_of
from messenger.domain.access import Right
from messenger.domain.shops import Shop
from messenger.ports import Clock, Store, User
from messenger.services.bulletins import Speaker
from messenger.services.home import Home
from messenger.services.logins import Logins, Visit
from messenger.services.speaking.words import LANGUAGES

LARGEST: Final = 64 * 1024
"""Bytes of a form."""
MOST_FIELDS: Final = 1000
CSRF: Final = "csrf"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What the pages work with.

    Args:
        home: the generation that is worked by, as it is now.
        speaker: says what is the matter in a language.
        public_url: how we are reached from outside; empty when nobody said so.
    """

    store: Store
    clock: Clock
    home: Callable[[], Home]
    logins: Logins
    speaker: Callable[[str], Speaker]
    public_url: Callable[[], str] = str

    @property
    def is_secure(self) -> bool:
        """Whether cookies travel over TLS only."""
        return self.public_url().startswith("https://")

    @property
    def cookie(self) -> str:
        """The name of the cookie that a login is held by; the prefix makes browsers insist on TLS, and on this host alone."""
        return "__Host-messenger" if self.is_secure else "messenger"


class NotLoggedIn(Exception):
    """Nobody is logged in, or not any more."""


class NotAllowed(Exception):
    """It is not for this person, or not theirs to see."""


class Forged(Exception):
    """What was sent does not come from a page of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks for a page.

    Args:
        visit: their login.
        language: in which the page speaks to them.
        fields: what a form of ours sent; empty where none did.
    """

    office: Office
    visit: Visit
    language: str
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def user(self) -> User:
        """The person."""
        return self.visit.user

    def shops(self) -> list[Shop]:
        """Return the shops they see, by id."""
        return [shop for id_, shop in sorted(self.office.home().shops.items()) if self.user.sees(id_)]

    def told(self, name: str) -> str:
        """Return what a form told; empty when it did not."""
        return self.fields.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class Need:
    """What a route needs: somebody who is logged in, with this right if one is named. Unsafe verbs need a form of ours."""

    right: Right | None = None

    async def __call__(self, request: Request) -> Caller:
        """Return who asks.

        Raises:
            NotLoggedIn: nobody is logged in.
            NotAllowed: they have not this right.
            Forged: a form comes from elsewhere.
        """
        office = office_of(request)
        visit = await run_in_threadpool(office.logins.visit, request.cookies.get(office.cookie, ""))
        if visit is None:
            raise NotLoggedIn
        if self.right is not None and not visit.user.may(self.right):
            raise NotAllowed
        fields: Mapping[str, str] = {}
        if request.method not in SAFE:
            fields = await form_of(request)
            check_ours(request, fields, visit.csrf)
        language = visit.user.language or wished_language(request)
        return Caller(office=office, visit=visit, language=language, fields=fields)


def office_of(request: Request) -> Office:
    """Return what the pages work with."""
    found: Office = request.app.state.desk.office
    return found


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        Forged: it is larger than any form of ours, or not one.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        body = await body_of(request, limit=LARGEST)
        if kind != "application/x-www-form-urlencoded":
            raise Forged
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except (TooLarge, ValueError) as error:
        raise Forged from error


def check_ours(request: Request, fields: Mapping[str, str], csrf: str) -> None:
    """Do nothing if a form comes from a page of ours.

    Raises:
        Forged: it does not.
    """
    from_elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}
    if from_elsewhere or not hmac.compare_digest(fields.get(CSRF, "").encode(), csrf.encode()):
        raise Forged


def wished_language(request: Request) -> str:
    """Return the first language that the browser names and the console speaks; English else."""
    named = [part.partition(";")[0].strip() for part in request.headers.get("accept-language", "")[:500].split(",")]
    for one in filter(None, named):
        tag = one.replace("-", "_")
        found = negotiate_locale([tag, tag.partition("_")[0]], LANGUAGES)
        if found:
            return found
    return "en"
