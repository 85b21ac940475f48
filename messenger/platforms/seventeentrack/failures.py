"""What 17TRACK says when it does not do what it is asked, in words that say what to do next. Source: docs/sources.md, S51."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from messenger.platforms.reading import Fields, inner, listed, text


class Trouble(StrEnum):
    """What to do about it."""

    SETTINGS = "settings"
    """A person mends a setting."""
    PASSING = "passing"
    """It passes by itself."""
    DATA = "data"
    """It will never be done for this number."""
    MISTAKE = "mistake"
    """A mistake of this program."""
    KNOWN = "known"
    """It was done before: as good as done."""
    UNREGISTERED = "unregistered"
    """The number has to be registered first."""
    CARRIER = "carrier"
    """A person says who carries it."""
    TOMORROW = "tomorrow"
    """No more today."""
    QUOTA = "quota"
    """No more until a person buys more."""
    LATER = "later"
    """Nothing is known yet."""


_CODES: Final[Mapping[Trouble, tuple[int, ...]]] = {
    Trouble.SETTINGS: (-18010001, -18010002, -18010004, -18010005),
    Trouble.PASSING: (-18010003, -18019815, -18019816, -18019817),
    Trouble.DATA: (-18010010, -18010011, -18010012, -18010013, -18019904, -18019905, -18019906),
    Trouble.MISTAKE: (-18010014,),
    Trouble.KNOWN: (-18019901,),
    Trouble.UNREGISTERED: (-18019902,),
    Trouble.CARRIER: (-18019903, -18019910),
    Trouble.TOMORROW: (-18019907,),
    Trouble.QUOTA: (-18019908,),
    Trouble.LATER: (-18019909,),
}
CODES: Final[Mapping[int, Trouble]] = {code: trouble for trouble, codes in _CODES.items() for code in codes}
_RANGES: Final = ((range(-18010209, -18010199), Trouble.SETTINGS), (range(-18019819, -18019799), Trouble.DATA))
"""The settings of what is posted to us; the rules of changing carriers and what is told about a number."""
_STATUSES: Final[Mapping[int, Trouble]] = {
    401: Trouble.SETTINGS,
    403: Trouble.SETTINGS,
    404: Trouble.SETTINGS,
    429: Trouble.PASSING,
}
BAD_REQUEST, SERVER_ERROR = 400, 500


class CallFailed(Exception):
    """A call, or what it asked for one number, was refused."""

    def __init__(self, trouble: Trouble, words: str, *, code: int = 0) -> None:
        self.trouble = trouble
        self.words = words
        self.code = code
        super().__init__(f"{code}: {words}" if code else words)


def trouble_of(code: int) -> Trouble:
    """Return what to do about a code; one that nobody knows passes, perhaps."""
    if code in CODES:
        return CODES[code]
    return next((trouble for span, trouble in _RANGES if code in span), Trouble.PASSING)


def refusal(fields: Fields) -> CallFailed:
    """Return what an ``error``, or an answer that is one as a whole, says."""
    first = next(iter(listed(inner(fields, "data"), "errors")), fields)
    code = _number(text(first, "code")) or _number(text(fields, "code"))
    words = text(first, "message", "msg") or "no reason was given"
    return CallFailed(trouble_of(code), words[:300], code=code)


def by_status(status: int) -> CallFailed:
    """Return what an answer says whose body says nothing."""
    usual = Trouble.DATA if status < SERVER_ERROR else Trouble.PASSING
    return CallFailed(_STATUSES.get(status, usual), f"HTTP status {status}", code=status)


def _number(written: str) -> int:
    digits = written.removeprefix("-")
    return int(written) if digits.isdecimal() and len(digits) <= 12 else 0
