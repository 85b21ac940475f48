"""The finished message of a platform's channel: the text alone, as it will be read there."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from messenger.domain.messages import FrozenMessage, Letter
from messenger.errors import MessageRefused

_NOT_FOR_TEXTS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Controls, of which a chat shows none, and halves of a character; line ends and tabs may stay."""


class PlatformComposer:
    """Composes texts for a platform's message channel."""

    def seal(self, letter: Letter) -> Letter:
        """Return the letter with its text alone: nothing else of it is kept, for nothing else will ever leave.

        Raises:
            MessageRefused: as ``compose``.
        """
        return replace(letter, subject="", text="", html="", platform_text=_checked(letter.platform_text))

    def compose(self, letter: Letter) -> FrozenMessage:
        """Return the finished message; the same letter always gives the same bytes.

        Raises:
            MessageRefused: there is no text, or something in it is no text.
        """
        text = _checked(letter.platform_text)
        return FrozenMessage(
            key=letter.key, sender=letter.sender, recipient=letter.recipient, content=text.encode(), text=text,
            about=letter.headers, written_at=letter.date,
        )  # fmt: skip


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise MessageRefused("the text for the platform is empty")
    odd = _NOT_FOR_TEXTS.search(text)
    if odd:
        raise MessageRefused(f"the text for the platform has a character that is none: U+{ord(odd[0]):04X}")
    return text
