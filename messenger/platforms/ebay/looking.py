"""Looking back: whether a message that was perhaps sent is among what eBay shows."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Final

from messenger.domain.messages import FrozenMessage
from messenger.platforms.ebay.client import PAGE, Client, Conversation, Message, TooMuch

SLACK: Final = timedelta(minutes=5)
"""By so much eBay's clock and ours may differ."""
ALIKE: Final = 0.6
"""From this share of words in common on, a text may be ours as eBay has changed it."""
MOST_READ: Final = 60
"""Conversations that are read for one question, where the name finds none."""


def is_there(client: Client, message: FrozenMessage) -> bool | None:
    """Return whether eBay has a message; None where that cannot be said.

    The buyer's conversations are read. Where the name finds none (it may be another one there), every conversation is
    looked at in which anything was said since the message was written.

    Raises:
        CallFailed, SourceAway, SourceShut: eBay cannot be asked now.
    """
    if message.written_at is None:
        return None
    search = _Search(client, message, since=message.written_at - SLACK)
    try:
        mine = [one for one in client.conversations(username=message.recipient) if one.is_with(message.recipient)]
        return search.among(mine, are_theirs=True) if mine else search.among(search.recent(), are_theirs=False)
    except TooMuch:
        return None


class _Search:
    def __init__(self, client: Client, message: FrozenMessage, *, since: datetime) -> None:
        self._client = client
        self._words = _plain(message.text)
        self._buyer = message.recipient.casefold()
        order = dict(message.about).get("Order", "")
        self._order = order if order and order in message.text else ""
        """What makes the text one of its kind, if it is in it."""
        self._since = since

    def recent(self) -> Iterator[Conversation]:
        """Yield the conversations in which anything may have been said since.

        Raises:
            TooMuch: there are more than anybody should read.
        """
        older, found = 0, 0
        for one in self._client.conversations():
            if self._is_quiet(one):
                older += 1
                if older >= PAGE:
                    return  # they come newest first, and a whole page was older
                continue
            older, found = 0, found + 1
            if found > MOST_READ:
                raise TooMuch
            yield one

    def among(self, conversations: Iterable[Conversation], *, are_theirs: bool) -> bool | None:
        """Whether it is in one of these; None when something there may be it.

        Args:
            conversations: to read.
            are_theirs: they are seen to be with the buyer.
        """
        is_doubtful = False
        for one in conversations:
            if self._is_quiet(one):
                continue
            for said in self._client.messages(one.id):
                found = self._is_it(said, is_theirs=are_theirs)
                if found:
                    return True
                is_doubtful = is_doubtful or found is None
        return None if is_doubtful else False

    def _is_quiet(self, one: Conversation) -> bool:
        """Whether nothing was said there since."""
        return one.latest is not None and one.latest.at is not None and one.latest.at < self._since

    def _is_it(self, said: Message, *, is_theirs: bool) -> bool | None:
        if said.at is not None and said.at < self._since:
            return False
        words = _plain(said.text)
        is_meant = is_theirs or self._buyer in said.parties or (self._order != "" and self._order in words)
        if words == self._words:  # to whom it cannot be said, it may be to another buyer
            return True if is_meant and said.at is not None else None
        is_alike = is_meant and SequenceMatcher(None, words.split(), self._words.split()).ratio() >= ALIKE
        return None if is_alike else False


def _plain(words: str) -> str:
    """A text as far as it survives being shown: without markup's ways of writing letters, and with single blanks."""
    return re.sub(r"\s+", " ", html.unescape(words)).strip()
