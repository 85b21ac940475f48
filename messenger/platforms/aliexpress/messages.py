"""The message calls of old: most accounts may no longer make them. Source: docs/sources.md, S41."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from messenger.platforms.aliexpress.answers import list_of, result_of
from messenger.platforms.aliexpress.session import Session
from messenger.platforms.reading import Fields, text
from messenger.ports.credentials import MESSAGES

SEND: Final = "aliexpress.message.redefining.versiontwo.addmsg"
SHOW: Final = "aliexpress.message.redefining.versiontwo.querymsgdetaillist"
DOOR: Final = MESSAGES
PER_PAGE: Final = 50
MOST_PAGES: Final = 10
"""Of one conversation; what lies further back was not said a moment ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is to be said to a buyer about an order.

    Args:
        order: whose conversation it is said in: it has the order's number.
        buyer: login of the buyer.
        seller: login of the seller.
    """

    order: str
    buyer: str
    seller: str
    text: str


def send(session: Session, words: Words) -> None:
    """Say it. Made once: whoever asks has to know what became of it.

    Raises:
        CallFailed: the platform refuses it; ``may_have_worked`` says whether the buyer may have it all the same.
        SourceAway, SourceShut: there is no token that could be used.
    """
    asked = {
        "channel_id": words.order, "buyer_id": words.buyer, "seller_id": words.seller, "content": words.text, "img_path": "",
        "message_type": "order", "extern_id": words.order,
    }  # fmt: skip
    session.once(SEND, {"create_param": {name: one for name, one in asked.items() if one}})


def is_there(session: Session, words: Words) -> bool | None:
    """Return whether the conversation of the order shows these words; None where it is too long to be read.

    Raises:
        SourceAway, SourceShut, CallFailed: as ``Session.read``.
    """
    wanted = _plain(words.text)
    for page in range(1, MOST_PAGES + 1):
        rows = list(_page(session, words.order, page))
        if any(_plain(text(one, "content")) == wanted for one in rows):
            return True
        if len(rows) < PER_PAGE:
            return False
    return None


def _page(session: Session, order: str, page: int) -> Iterator[Fields]:
    asked = {"channel_id": order, "extern_id": order, "current_page": page, "page_size": PER_PAGE}
    answer = session.read(SHOW, asked, door=DOOR)
    yield from list_of(result_of(answer), "message_detail_list")


def _plain(words: str) -> str:
    """A text as far as it survives being shown."""
    return re.sub(r"\s+", " ", html.unescape(words)).strip()
