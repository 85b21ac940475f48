"""Calls to the open platform, through either of its gateways: signed, sent, and taken out of their wrappers.

Source: docs/sources.md, S41.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Final

import httpx2
import orjson

from messenger.errors import EventError
from messenger.platforms.aliexpress.answers import response_of, result_of
from messenger.platforms.aliexpress.failures import CallFailed, Trouble, refusal_of, refusal_within
from messenger.platforms.aliexpress.signing import Scheme, signature
from messenger.platforms.fetching import Answer, NoAnswer, post
from messenger.platforms.reading import Fields, body_of
from messenger.ports import Clock

BEIJING: Final = timezone(timedelta(hours=8))


class Gateway(StrEnum):
    """Which of the two ways in is used."""

    NEW = "new"
    TOP = "top"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a gateway answers.

    Args:
        calls: business calls.
        system: calls that are named by their path, such as those for tokens; empty where there are none (TOP).
        authorize: the page on which the seller lets us in.
        tokens: where TOP gives tokens out; empty for the new gateway.
    """

    calls: str
    system: str = ""
    authorize: str = ""
    tokens: str = ""


USUAL: Final[Mapping[Gateway, Addresses]] = {
    Gateway.NEW: Addresses(
        calls="https://api-sg.aliexpress.com/sync",
        system="https://api-sg.aliexpress.com/rest",
        authorize="https://api-sg.aliexpress.com/oauth/authorize",
    ),
    Gateway.TOP: Addresses(
        calls="https://api.taobao.com/router/rest",
        authorize="https://oauth.aliexpress.com/authorize",
        tokens="https://oauth.aliexpress.com/token",
    ),
}
PATHS: Final = {"calls": "/sync", "system": "/rest", "authorize": "/oauth/authorize"}
TOP_PATHS: Final = {"calls": "/router/rest", "authorize": "/authorize", "tokens": "/token"}


def addresses(gateway: Gateway, url: str = "") -> Addresses:
    """Return where a gateway answers: at its own addresses, or all of it under one that was configured."""
    if not url:
        return USUAL[gateway]
    paths = PATHS if gateway is Gateway.NEW else TOP_PATHS
    return Addresses(**{name: url.rstrip("/") + path for name, path in paths.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """What the platform calls our program by, and what proves it; looked up anew each time."""

    key: Callable[[], str]
    secret: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Makes calls, one after the other.

    Args:
        http: returns what carries them.
        gateway: which of the two ways in.
        where: its addresses.
        scheme: how calls are signed.
        simplify: asks for answers without wrappers around lists; both are understood.
        pace: waits until the next call may be made.
    """

    http: Callable[[], httpx2.Client] = field(repr=False)
    app: App = field(repr=False)
    clock: Clock
    gateway: Gateway = Gateway.NEW
    where: Addresses = USUAL[Gateway.NEW]
    scheme: Scheme = Scheme.SHA256
    simplify: bool = False
    pace: Callable[[], None] = lambda: None

    def call(self, method: str, parameters: Mapping[str, object], *, session: str) -> Fields:
        """Return the result of a business call.

        Args:
            method: its name, such as ``aliexpress.solution.order.get``.
            parameters: what it asks for; objects and lists travel as JSON.
            session: the seller's token.

        Raises:
            CallFailed: it came back with a refusal, or not at all.
        """
        told = {name: text for name, value in parameters.items() if (text := _written(value))}
        return self.whole(method, told, session=session)

    def whole(self, method: str, told: Mapping[str, str], *, session: str) -> Fields:
        """As ``call``, with parameters as they are sent."""
        everything = {**self._common(method, session), **told}
        everything["sign"] = signature(self.scheme, self.app.secret(), everything)
        response = response_of(self._ask(self.where.calls, everything))
        for one in (response, result_of(response)):
            if (refusal := refusal_within(one)) is not None:
                raise refusal
        return response

    def system(self, path: str, parameters: Mapping[str, str]) -> Fields:
        """Return the answer of a call that is named by its path.

        Raises:
            CallFailed: as ``call``.
        """
        told = {"app_key": self.app.key(), "sign_method": Scheme.SHA256.value, "timestamp": self._milliseconds()}
        everything = {**told, **{name: value for name, value in parameters.items() if value}}
        everything["sign"] = signature(Scheme.SHA256, self.app.secret(), everything, path=path)
        return response_of(self._ask(self.where.system + path, everything))

    def form(self, url: str, parameters: Mapping[str, str]) -> Fields:
        """Return the answer to a form that is not signed, as TOP gives tokens out for.

        Raises:
            CallFailed: as ``call``.
        """
        return self._ask(url, parameters)

    def _common(self, method: str, session: str) -> dict[str, str]:
        is_new = self.gateway is Gateway.NEW
        told = {
            "method": method, "app_key": self.app.key(), "session": session, "format": "json", "sign_method": self.scheme.value,
            "timestamp": self._milliseconds() if is_new else self._wall(), "v": "" if is_new else "2.0",
            "simplify": "true" if self.simplify else "",
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}

    def _ask(self, url: str, form: Mapping[str, str]) -> Fields:
        self.pace()
        try:
            answer = post(self.http(), url, form=form)
        except NoAnswer as error:
            raise CallFailed(
                Trouble.PASSING, code="", words=f"the platform {error}", may_have_worked=error.may_have_arrived
            ) from error
        return _judged(answer)

    def _milliseconds(self) -> str:
        return str(round(self.clock.now().timestamp() * 1000))

    def _wall(self) -> str:
        return self.clock.now().astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _judged(answer: Answer) -> Fields:
    """The answer's object, if it tells no refusal. A status that is no success says the kind of trouble where the body says none."""
    try:
        told = body_of(answer.body)
    except EventError as error:
        if answer.status < BAD_REQUEST:
            words = f"the platform's answer {error}"
            raise CallFailed(Trouble.PASSING, code="", words=words, may_have_worked=True) from error
        raise _by_status(answer.status) from error
    if (refusal := refusal_of(told)) is not None:
        raise refusal
    if answer.status >= BAD_REQUEST:
        raise _by_status(answer.status)
    return told


BAD_REQUEST, TOO_MANY, SERVER_ERROR = 400, 429, 500


def _by_status(status: int) -> CallFailed:
    """Anything but 4xx passes by itself; of those, too many requests does. Source: docs/sources.md, S41."""
    if status == TOO_MANY:
        return CallFailed(Trouble.THROTTLED, code=str(status), words="too many requests")
    trouble = Trouble.REQUEST if status < SERVER_ERROR else Trouble.PASSING
    return CallFailed(trouble, code=str(status), words=f"HTTP status {status}", may_have_worked=status >= SERVER_ERROR)


def _written(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def midnight_in_beijing(now: datetime) -> datetime:
    """Return when the day's calls are counted anew: the next midnight there."""
    there = now.astimezone(BEIJING)
    return (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(now.tzinfo)
