"""JSON that a stranger wrote: read strictly, so that no two readers can understand it differently, and never too deep."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final, NoReturn

from messenger.errors import EventError

DEEPEST: Final = 32
"""Levels of objects and lists; what platforms post has some ten."""


def parsed(text: bytes) -> object:
    """Return what a JSON text holds.

    Args:
        text: UTF-8, with or without a byte order mark.

    Raises:
        EventError: it is no JSON, is cut short, names a key twice, holds NaN, or goes deeper than ``DEEPEST`` levels.
    """
    try:
        found: object = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise EventError("", f"is not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise EventError("", f"goes deeper than {DEEPEST} levels") from None
    except json.JSONDecodeError as error:
        raise EventError("", f"is not JSON: {error}") from None
    except ValueError as error:  # a whole number of thousands of digits
        raise EventError("", f"is not JSON that can be used: {str(error)[:80]}") from None
    _check_depth(found)
    return found


def _object(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise EventError("", f"names the key {key[:60]!r} twice in one object")
        found[key] = value
    return found


def _no_number(word: str) -> NoReturn:
    raise EventError("", f"holds {word}, which is no JSON number")


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    if any(isinstance(one, dict | list) for one in level):
        raise EventError("", f"goes deeper than {DEEPEST} levels")


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
