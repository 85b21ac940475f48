"""What eBay says when it does not do what it is asked, in words that say what to do next. Source: docs/sources.md, S50."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from messenger.errors import EventError
from messenger.platforms.fetching import Answer
from messenger.platforms.reading import Fields, body_of, listed, text

CAPPED_CODES: Final = frozenset({"20957"})
"""A hidden limit on messages to one buyer, or about one listing."""
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, TOO_MANY, SERVER_ERROR = 400, 401, 403, 429, 500


class Trouble(StrEnum):
    """What to do about a call that did not go well."""

    LOGIN = "login"
    """Another token is needed."""
    PERMISSION = "permission"
    """A person has to allow it, or to log in again."""
    THROTTLED = "throttled"
    """Too many calls: a pause."""
    CAPPED = "capped"
    """Too many messages to this buyer: an hour, then a day."""
    REQUEST = "request"
    """It will never be done."""
    PASSING = "passing"
    """It passes by itself."""


class CallFailed(Exception):
    """A call that eBay refused or did not answer.

    Args:
        trouble: what to do.
        words: what eBay said, or what happened; without secrets.
        status: of HTTP, 0 without an answer.
        code: of eBay.
        may_have_worked: whether eBay may have done it all the same.
        retry_after: seconds it asked us to wait.
    """

    def __init__(
        self, trouble: Trouble, words: str, *, status: int = 0, code: str = "", may_have_worked: bool = False,
        retry_after: float | None = None,
    ) -> None:  # fmt: skip
        self.trouble = trouble
        self.words = words
        self.status = status
        self.code = code
        self.may_have_worked = may_have_worked
        self.retry_after = retry_after
        super().__init__(f"{code}: {words}" if code else words)


def told(answer: Answer) -> Fields:
    """Return what an answer says.

    Raises:
        CallFailed: it is a refusal, or cannot be read.
    """
    if answer.status >= BAD_REQUEST:
        raise _refusal(answer)
    try:
        return body_of(answer.body)
    except EventError as error:
        raise CallFailed(Trouble.PASSING, f"the answer {error}", status=answer.status, may_have_worked=True) from error


def _refusal(answer: Answer) -> CallFailed:
    first = _first_error(answer)
    code = text(first, "errorId", "error")
    words = text(first, "longMessage", "message", "error_description") or f"HTTP status {answer.status}"
    return CallFailed(
        _trouble(answer.status, code), words[:300], status=answer.status, code=code, may_have_worked=answer.status >= SERVER_ERROR,
        retry_after=_seconds(answer.headers.get("retry-after", "")),
    )  # fmt: skip


def _first_error(answer: Answer) -> Fields:
    try:
        body = body_of(answer.body)
    except EventError:
        return {}
    return next(iter(listed(body, "errors")), body)


def _trouble(status: int, code: str) -> Trouble:
    if code in CAPPED_CODES:
        return Trouble.CAPPED
    known = {UNAUTHORIZED: Trouble.LOGIN, FORBIDDEN: Trouble.PERMISSION, TOO_MANY: Trouble.THROTTLED}
    return known.get(status) or (Trouble.REQUEST if status < SERVER_ERROR else Trouble.PASSING)


def _seconds(written: str) -> float | None:
    return float(written) if written.isdecimal() and len(written) < 7 else None
