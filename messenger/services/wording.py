"""States and reasons as sentences that a seller understands. Pages, ``explain``, ``simulate`` and the API share them."""

from __future__ import annotations

from typing import Final

from messenger.domain.messages import Reason, State
from messenger.services.speaking.words import words_of

SAYS_IT_ALL: Final = frozenset({(State.HELD, Reason.HOLD), (State.WAITING_APPROVAL, Reason.APPROVAL)})
"""States whose sentence holds its usual reason already."""


def sentence(state: str, reason: str = "", language: str = "en") -> str:
    """Return state and reason as one sentence without a full stop; an unknown word is shown as it is.

    Args:
        state: of a message.
        reason: why it is so; empty when there is none.
        language: a BCP 47 tag; ``zh-CN`` speaks ``zh``.

    Raises:
        UsageError: messenger does not speak this language.
    """
    told, why = state_sentence(state, language), reason_sentence(reason, language, state)
    if not why or (state, reason) in SAYS_IT_ALL:
        return told
    return words_of(language).say("states.with_reason", state=told, reason=why)


def state_sentence(state: str, language: str = "en") -> str:
    """Return how a message stands; an unknown word is shown as it is.

    Raises:
        UsageError: messenger does not speak this language.
    """
    words = words_of(language)
    return words.say(f"states.{state}") if state in {*State} else state


def reason_sentence(reason: str, language: str = "en", state: str = "") -> str:
    """Return why a message stands so; an unknown word is shown as it is.

    Args:
        reason: from the closed list, or empty.
        language: a BCP 47 tag.
        state: of the message: what keeps one waiting is told otherwise than what ended one.

    Raises:
        UsageError: messenger does not speak this language.
    """
    words = words_of(language)
    if reason not in {*Reason}:
        return reason
    waits = state in {*State} and State(state).is_waiting
    key = f"reasons_waiting.{reason}" if waits and f"reasons_waiting.{reason}" in words else f"reasons.{reason}"
    return words.say(key)
