"""What went wrong with a call, in words that say what to do next. Source: docs/sources.md, S41."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from messenger.platforms.reading import Fields, inner, text


class Trouble(StrEnum):
    """What to do about a call that failed."""

    THROTTLED = "throttled"  # too fast: a little later
    SPENT = "spent"  # the day's calls are used up: after midnight in Beijing
    PASSING = "passing"  # the other side has a problem: tried again
    LOGIN = "login"  # the token is not accepted: renewed once, then a person logs in
    PERMISSION = "permission"  # the app, or the seller, may not do this: a person sees to it
    REQUEST = "request"  # we ask in a way that is not understood: tried again in vain
    DATA = "data"  # what we ask for is refused


class CallFailed(Exception):
    """A call came back with a refusal.

    Args:
        trouble: what to do next.
        code: what the platform calls it.
        words: what the platform says, with its codes.
        again_after: seconds after which it may be tried again, if the platform said so.
        may_have_worked: whether what was asked for may have been done all the same.
    """

    def __init__(
        self,
        trouble: Trouble,
        *,
        code: str,
        words: str,
        again_after: float | None = None,
        may_have_worked: bool = False,
    ) -> None:
        self.trouble = trouble
        self.code = code
        self.words = words[:400]
        self.again_after = again_after
        self.may_have_worked = may_have_worked
        super().__init__(f"{code} {words}".strip()[:450])


TROUBLES: Final[Mapping[str, Trouble]] = {
    **dict.fromkeys(("4", "5", "6", "7", "8", "ApiCallLimit", "AppCallLimit"), Trouble.THROTTLED),
    **dict.fromkeys(("10", "15", "ISP", "SYSTEM"), Trouble.PASSING),
    **dict.fromkeys(("26", "27", "53", "IllegalAccessToken", "IllegalRefreshToken"), Trouble.LOGIN),
    **dict.fromkeys(("11", "12", "13", "42", "InsufficientPermission"), Trouble.PERMISSION),
    **dict.fromkeys(
        ("9", "21", "22", "23", "24", "25", "28", "29", "30", "31", "32", "33", "34", "43", "IncompleteSignature",
         "InvalidApiPath", "InvalidApp", "InvalidAppKey"), Trouble.REQUEST),
    **dict.fromkeys(("40", "41", "MissingParameter", "InvalidParameter"), Trouble.DATA),
}  # fmt: skip
"""By ``code``; what is not here is told by ``sub_code`` or ``type``."""
UNKNOWN_METHOD: Final = frozenset({"22", "InvalidApiPath"})
"""A call that there is not, or not any more."""
_LIMITED: Final = "accesscontrol.limited-by"
_SPENT: Final = re.compile(r"\bdaily\b|\bone day\b|\bper day\b|\btoday\b|24:00|app-access-count", re.IGNORECASE)
_BAN: Final = re.compile(r"last for (\d{1,6}) more second")
LONG_BAN: Final = 3600
"""Seconds; a ban that is longer is one for the rest of the day."""
_SUB_CODES: Final = (("isp.", Trouble.PASSING), ("isv.", Trouble.DATA))
_NO_SUCCESS: Final = ("is_success", "success", "result_success")


def refusal_of(answer: Fields) -> CallFailed | None:
    """Return the failure that a whole answer tells, in either gateway's way; None when it tells none."""
    told = inner(answer, "error_response")
    if told:
        return _failed(told)
    code = text(answer, "code")
    return _failed(answer) if code and code != "0" and ("type" in answer or "message" in answer) else None


def refusal_within(result: Fields) -> CallFailed | None:
    """Return the failure that a result tells although the call went well; None when it tells none."""
    if not any(name in result and str(result[name]).lower() == "false" for name in _NO_SUCCESS):
        return None
    code = text(result, "error_code", "code") or "failed"
    words = text(result, "error_message", "error_msg", "error_desc", "memo") or "the platform did not say why"
    return CallFailed(_trouble(code, code, words, ""), code=code, words=words)


def _failed(told: Fields) -> CallFailed:
    code, sub_code = text(told, "code"), text(told, "sub_code")
    words = " ".join(filter(None, (text(told, "msg", "message"), sub_code, text(told, "sub_msg"))))
    trouble, ban = _trouble(code, sub_code, words, text(told, "type")), _BAN.search(words)
    return CallFailed(
        trouble, code=code or sub_code or "?", words=words, again_after=float(ban[1]) if ban is not None else None
    )


def _trouble(code: str, sub_code: str, words: str, type_: str) -> Trouble:
    """The sub-code first, where it says more: code 15 is the platform's own trouble or ours."""
    if sub_code.startswith(_LIMITED) or TROUBLES.get(code) is Trouble.THROTTLED:
        return _throttled(words)
    found = TROUBLES.get(code)
    if found is not None and found is not Trouble.PASSING:
        return found
    by_sub_code = next((trouble for start, trouble in _SUB_CODES if sub_code.startswith(start)), None)
    return by_sub_code or found or TROUBLES.get(type_) or Trouble.DATA


def _throttled(words: str) -> Trouble:
    """For a moment, or for the rest of the day."""
    ban = _BAN.search(words)
    is_spent = int(ban[1]) > LONG_BAN if ban is not None else _SPENT.search(words) is not None
    return Trouble.SPENT if is_spent else Trouble.THROTTLED
