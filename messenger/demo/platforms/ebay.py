"""eBay as far as messages go: conversations, and sending into them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Final

from messenger.demo.platforms.serving import Call, Json, NoAnswer

TOKEN: Final = "demo-ebay"  # noqa: S105  # of a platform that lives as long as the demo
SELLER: Final = "sunny_games"
BASE: Final = "/commerce/message/v1"


@dataclass(slots=True)
class Ebay:
    """The platform; ``loses`` are numbers of messages, from 1, whose answer is lost on its way back."""

    clock: Callable[[], datetime]
    loses: frozenset[int] = frozenset()
    chats: dict[str, list[Json]] = field(default_factory=dict)
    """By the name of the other party."""
    lost: int = 0
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def sent(self) -> list[Json]:
        """Every message of the seller, as buyers have it."""
        return [one for chat in self.chats.values() for one in chat if one["senderUserName"] == SELLER]

    def answer(self, call: Call) -> tuple[int, object]:
        """Answer a call."""
        if call.headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"errors": [{"errorId": 1001, "message": "Invalid access token"}]}
        if call.path == f"{BASE}/send_message":
            return 200, self._taken(call.body)
        if call.path == f"{BASE}/conversation":
            return 200, self._conversations(call.query.get("other_party_username", ""))
        messages = self.chats.get(call.path.rpartition("/")[2].removeprefix("c-"), [])
        return 200, {"messages": messages[::-1], "total": len(messages)}

    def _conversations(self, name: str) -> Json:
        found = [
            {"conversationId": f"c-{other}", "conversationStatus": "ACTIVE", "latestMessage": chat[-1]}
            for other, chat in self.chats.items()
            if name in {"", other}
        ]
        return {"conversations": found, "total": len(found)}

    def _taken(self, asked: Json) -> Json:
        other = str(asked.get("otherPartyUsername") or asked["conversationId"].removeprefix("c-"))
        number = next(self._numbers)
        at = self.clock().isoformat().replace("+00:00", "Z")
        message = {
            "messageId": f"m-{number}", "messageBody": asked["messageText"], "createdDate": at, "senderUserName": SELLER,
            "recipientUserName": other,
        }  # fmt: skip
        self.chats.setdefault(other, []).append(message)
        if number in self.loses:
            self.lost += 1
            raise NoAnswer
        return message
