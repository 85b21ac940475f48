"""What to do about a refusal: the table of enhanced status codes, and what to make of a code or words alone.

Source: RFC 3463 and the registry of enhanced status codes; docs/sources.md names the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final


class Remedy(StrEnum):
    """What a refusal asks for."""

    SUPPRESS = "suppress"  # the mailbox is not there: never write to it again
    COUNT = "count"  # it may come back: suppressed after so many in a span
    WAIT = "wait"  # temporary: nothing but trying again
    SENDER = "sender"  # our own address, domain, keys or name: a person has to mend it
    CONTENT = "content"  # too large, or of a kind it does not take: a person has to look at the text
    POLICY = "policy"  # it does not want mail like this from us: slow down, and look at it
    PROTOCOL = "protocol"  # we said something wrong: a mistake of the program
    ACCOUNT = "account"  # our login


WINDOW: Final = timedelta(days=30)
"""How long a refusal that may pass is remembered."""


@dataclass(frozen=True, slots=True)
class Action:
    """What to do.

    Args:
        remedy: the kind of thing to do.
        times: for ``count``: from so many refusals within ``WINDOW`` on the address is suppressed.
    """

    remedy: Remedy
    times: int = 0


_FULL: Final = Action(Remedy.COUNT, 5)
_TWICE: Final = Action(Remedy.COUNT, 2)
_WAIT: Final = Action(Remedy.WAIT)
_GONE: Final = Action(Remedy.SUPPRESS)
_OURS: Final = Action(Remedy.SENDER)
_TEXT: Final = Action(Remedy.CONTENT)
_DISLIKED: Final = Action(Remedy.POLICY, 3)
_BUG: Final = Action(Remedy.PROTOCOL)
_LOGIN: Final = Action(Remedy.ACCOUNT)

PERMANENT: Final[Mapping[str, Action]] = {
    "1.0": _TWICE, "1.1": _GONE, "1.2": _GONE, "1.3": _GONE, "1.4": _TWICE, "1.6": _GONE, "1.7": _OURS, "1.8": _OURS, "1.9": _TWICE,
    "1.10": _GONE,
    "2.0": _TWICE, "2.1": _GONE, "2.2": _FULL, "2.3": _TEXT, "2.4": _TWICE,
    "3.0": _TWICE, "3.1": _TWICE, "3.2": _TWICE, "3.3": _TEXT, "3.4": _TEXT, "3.5": _TWICE, "3.6": _TWICE,
    "4.0": _TWICE, "4.1": _TWICE, "4.2": _TWICE, "4.3": _TWICE, "4.4": _TWICE, "4.5": _TWICE, "4.6": _TWICE, "4.7": _TWICE,
    "5.0": _BUG, "5.1": _BUG, "5.2": _BUG, "5.3": _WAIT, "5.4": _BUG, "5.5": _BUG, "5.6": _LOGIN,
    "6.0": _TEXT, "6.1": _TEXT, "6.2": _TEXT, "6.3": _TEXT, "6.4": _TEXT, "6.5": _TEXT, "6.6": _TEXT, "6.7": _TEXT, "6.8": _TEXT,
    "6.9": _TEXT,
    "7.0": _DISLIKED, "7.1": _DISLIKED, "7.2": _TWICE, "7.3": _BUG, "7.4": _BUG, "7.5": _BUG, "7.6": _BUG, "7.7": _BUG, "7.8": _LOGIN,
    "7.9": _LOGIN, "7.11": _LOGIN, "7.13": _GONE, "7.17": _TWICE, "7.18": _TWICE, "7.20": _OURS, "7.21": _OURS, "7.22": _OURS,
    "7.23": _OURS, "7.24": _OURS, "7.25": _OURS, "7.26": _OURS, "7.27": _OURS, "7.28": _DISLIKED, "7.29": _OURS,
}  # fmt: skip
"""By subject and detail, for a final refusal (class 5)."""

TEMPORARY: Final[Mapping[str, Action]] = {
    "2.2": _FULL, "1.7": _OURS, "1.8": _OURS, "2.3": _TEXT, "3.4": _TEXT, "5.6": _LOGIN, "7.0": Action(Remedy.POLICY),
    "7.1": Action(Remedy.POLICY), "7.8": _LOGIN, "7.20": _OURS, "7.21": _OURS, "7.22": _OURS, "7.23": _OURS, "7.24": _OURS,
    "7.25": _OURS, "7.26": _OURS, "7.27": _OURS, "7.28": Action(Remedy.POLICY),
}  # fmt: skip
"""Likewise for a temporary one (class 4); what is not named only needs time."""

BY_SUBJECT: Final[Mapping[str, Action]] = {
    "1": _TWICE, "2": _TWICE, "3": _TWICE, "4": _TWICE, "5": _BUG, "6": _TEXT, "7": _DISLIKED,
}  # fmt: skip
"""A final refusal whose detail is unknown keeps its subject. Source: RFC 3463, 2."""

_UNKNOWN_USER: Final = re.compile(
    r"(?:user|mailbox|recipient|account|address|alias)\b.{0,40}\b(?:unknown|not found|not exist|does ?n[o']t exist|"
    r"invalid|unavailable|no longer|rejected: user unknown)|(?:no such|unknown|invalid|non-?existent|bad destination)\s+"
    r"(?:user|mailbox|recipient|account|address|person|local part)|user unknown|no mailbox here|not a known user|"
    r"нет такого (?:пользователя|адреса|ящика)|почтовый ящик не (?:существует|найден)|收件人(?:不存在|地址不存在)|用户不存在|"
    r"(?:usuario|buzón|dirección)\b.{0,20}(?:desconocid|no existe)",
    re.IGNORECASE | re.DOTALL,
)
_NULL_MX: Final = re.compile(
    r"null mx|does not accept (?:e-?)?mail|domain (?:does not exist|not found)|nxdomain", re.IGNORECASE
)
_FULL_WORDS: Final = re.compile(
    r"mailbox (?:is )?full|over ?quota|quota exceeded|quota voll|переполнен|邮箱已满|buzón lleno", re.IGNORECASE
)
_LOGIN_CODES: Final = frozenset({530, 534, 535})
_NULL_MX_CODE: Final = 556
_STATUS: Final = re.compile(r"(?P<kind>[245])\.(?P<subject>\d{1,3})\.(?P<detail>\d{1,3})")


def action_for(*, status: str = "", code: int = 0, words: str = "") -> Action:
    """Return what a refusal asks for.

    Args:
        status: enhanced status code, ``5.1.1``; empty when there was none.
        code: SMTP reply code, 0 when there was none.
        words: what the server said.

    Returns:
        The status decides; without one, or with one that says nothing (``5.0.0``), the code and the words do.
    """
    found = _STATUS.fullmatch(status.strip())
    if found is None or (found["subject"], found["detail"]) == ("0", "0"):
        return _by_code(int(found["kind"]) * 100 if found and not code else code, words)
    detail = f"{int(found['subject'])}.{int(found['detail'])}"
    if found["kind"] == "4":
        return TEMPORARY.get(detail, _WAIT)
    if found["kind"] == "2":
        return _WAIT
    known = PERMANENT.get(detail)
    return known or BY_SUBJECT.get(str(int(found["subject"])), _TWICE)


def _by_code(code: int, words: str) -> Action:
    if code in _LOGIN_CODES:
        return _LOGIN
    if _FULL_WORDS.search(words):
        return _FULL
    if code and code < 500:
        return _WAIT
    if code == _NULL_MX_CODE or _UNKNOWN_USER.search(words) or _NULL_MX.search(words):
        return _GONE
    return _TWICE
