"""eBay's calls for messages between members: find conversations, read them, send. Source: docs/sources.md, S50."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import httpx2

from messenger.platforms.ebay.failures import CallFailed, Trouble, told
from messenger.platforms.ebay.tokens import API
from messenger.platforms.fetching import ACCEPTS, Answer, NoAnswer, asked
from messenger.platforms.lines import Line
from messenger.platforms.logins import Login
from messenger.platforms.reading import Fields, instant, listed, text

BASE: Final = "/commerce/message/v1"
MEMBERS: Final = "FROM_MEMBERS"
PAGE: Final = 50
"""As many as eBay gives at once; offsets are multiples of it."""
MOST_PAGES: Final = 20


class TooMuch(Exception):
    """There is more than anybody should read to answer one question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as eBay shows it; ``at`` is None where it does not say."""

    id: str
    text: str
    at: datetime | None
    parties: frozenset[str] = frozenset()
    """Who wrote it and who got it, in small letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation with its newest message."""

    id: str
    status: str
    latest: Message | None

    def is_with(self, username: str) -> bool:
        """Whether it is seen to be with this member."""
        return self.latest is not None and username.casefold() in self.latest.parties


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Makes calls in the name of one account, one after the other.

    Args:
        http: carries them.
        login: whose account.
        url: of everything at eBay; empty for its own address.
    """

    http: Line = field(repr=False)
    login: Login
    url: str = ""

    def conversations(self, *, username: str = "") -> Iterator[Conversation]:
        """Yield the conversations with other members, or with one of them.

        Raises:
            CallFailed: one of the calls went wrong.
            TooMuch: there are more than anybody should read.
        """
        wanted = {"other_party_username": username} if username else {}
        for one in self._pages("/conversation", wanted, "conversations"):
            latest = one.get("latestMessage")
            yield Conversation(
                id=text(one, "conversationId"), status=text(one, "conversationStatus"),
                latest=_message(latest) if isinstance(latest, dict) else None,
            )  # fmt: skip

    def messages(self, conversation: str) -> Iterator[Message]:
        """Yield what was said in a conversation.

        Raises:
            CallFailed, TooMuch: as ``conversations``.
        """
        path = f"/conversation/{quote(conversation, safe='')}"
        yield from map(_message, self._pages(path, {}, "messages"))

    def send(self, words: str, *, conversation: str = "", username: str = "") -> str:
        """Send a message into a conversation, or begin one; returns the message's id.

        Raises:
            CallFailed: eBay did not take it, or perhaps did.
        """
        where = {"conversationId": conversation} if conversation else {"otherPartyUsername": username}
        found = self._call("POST", "/send_message", body={**where, "messageText": words})
        return text(found, "messageId")

    def _pages(self, path: str, wanted: Mapping[str, str], name: str) -> Iterator[Fields]:
        for number in range(MOST_PAGES):
            offset = number * PAGE
            asked_for = {"conversation_type": MEMBERS, "limit": str(PAGE), "offset": str(offset), **wanted}
            page = self._call("GET", path, parameters=asked_for)
            rows = listed(page, name)
            yield from rows
            total = text(page, "total")
            if not rows or (offset + PAGE >= int(total) if total.isdecimal() else len(rows) < PAGE):
                return
        raise TooMuch

    def _call(
        self, method: str, path: str, *, parameters: Mapping[str, str] | None = None, body: Mapping[str, str] | None = None
    ) -> Fields:  # fmt: skip
        token = self.login.access()
        try:
            return self._once(method, path, token, parameters, body)
        except CallFailed as error:
            if error.trouble is not Trouble.LOGIN:
                raise
        token = self.login.after_refusal(token)
        try:
            return self._once(method, path, token, parameters, body)
        except CallFailed as error:
            if error.trouble is Trouble.LOGIN:
                raise self.login.give_up(f"eBay refuses even a new token: {error}") from error
            raise

    def _once(
        self, method: str, path: str, token: str, parameters: Mapping[str, str] | None, body: Mapping[str, str] | None
    ) -> Fields:
        url = f"{self.url or API}{BASE}{path}"
        headers = {**ACCEPTS, "authorization": f"Bearer {token}"}

        def opens() -> AbstractContextManager[httpx2.Response]:
            return self.http().stream(method, url, params=parameters, json=body, headers=headers)

        return told(_answered(opens))


def _answered(opens: Callable[[], AbstractContextManager[httpx2.Response]]) -> Answer:
    try:
        return asked(opens)
    except NoAnswer as error:
        raise CallFailed(Trouble.PASSING, f"eBay {error}", may_have_worked=error.may_have_arrived) from error


def _message(told_: Fields) -> Message:
    at = instant(text(told_, "createdDate"))
    names = (text(told_, f"{who}UserName", f"{who}Username") for who in ("sender", "recipient"))
    return Message(
        id=text(told_, "messageId"), text=text(told_, "messageBody"), at=datetime.fromisoformat(at).astimezone(UTC) if at else None,
        parties=frozenset(name.casefold() for name in names if name),
    )  # fmt: skip
