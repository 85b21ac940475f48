"""Answers: taken out of their wrappers, whether the gateway wraps them or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from messenger.platforms.reading import Fields, inner

MOST_WRAPPERS: Final = 3


def response_of(answer: Fields) -> Fields:
    """Return what stands in ``<name of the call>_response``, where it does."""
    wrappers = [name for name in answer if name.endswith("_response") and name != "error_response"]
    return inner(answer, wrappers[0]) if len(wrappers) == 1 else answer


def result_of(response: Fields) -> Fields:
    """Return what stands in ``result``, where it does."""
    return inner(response, "result") or response


def list_of(fields: Fields, *names: str) -> Sequence[Fields]:
    """Return the objects of a list, which may be wrapped once more in the name of its type; none when there is no such list."""
    for name in names:
        value = fields.get(name)
        for _ in range(MOST_WRAPPERS):
            if isinstance(value, dict) and len(value) == 1:
                value = next(iter(value.values()))
        if isinstance(value, list):
            return [one for one in value if isinstance(one, dict)]
        if isinstance(value, dict) and value:
            return [value]
    return []
