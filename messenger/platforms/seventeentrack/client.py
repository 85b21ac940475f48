"""17TRACK's calls: register numbers, list those that moved, read them, ask for the quota. Source: docs/sources.md, S51."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from messenger.errors import EventError
from messenger.platforms.fetching import ACCEPTS, NoAnswer, asked
from messenger.platforms.lines import Line
from messenger.platforms.reading import Fields, body_of, inner, instant, listed, text
from messenger.platforms.seventeentrack.failures import BAD_REQUEST, CallFailed, Trouble, by_status, refusal

API: Final = "https://api.17track.net"
VERSION: Final = "/track/v2.2"
AT_ONCE: Final = 40
"""Numbers of one call, and of one page."""
MOST_PAGES: Final = 500
NUMBER: Final = re.compile(r"[A-Za-z0-9-]{5,50}")
"""What 17TRACK takes for a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A number that was not taken, and why."""

    number: str
    failure: CallFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A number that is registered; ``at`` is when it was last looked for, None when it was not yet."""

    number: str
    carrier: str
    tag: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many numbers may be registered, and how many have been."""

    total: int
    used: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Makes calls, one after the other.

    Args:
        http: carries them.
        key: returns the secret that lets us in.
        url: where 17TRACK answers.
        pace: waits until the next call may be made: three a second.
    """

    http: Line = field(repr=False)
    key: Callable[[], str] = field(repr=False)
    url: str = API
    pace: Callable[[], None] = lambda: None

    def register(self, numbers: Sequence[tuple[str, str]]) -> list[Refused]:
        """Have numbers looked for, each with its tag; returns those that were not taken. Asking again costs nothing.

        Raises:
            CallFailed: all of them were refused.
        """
        told = self._call(
            "/register", [{"number": number, "tag": tag, "auto_detection": True} for number, tag in numbers]
        )
        found = [
            Refused(number=text(one, "number"), failure=refusal(inner(one, "error")))
            for one in listed(told, "rejected")
        ]
        return [one for one in found if one.failure.trouble is not Trouble.KNOWN]

    def moved(self) -> Iterator[Moved]:
        """Yield what is registered, what was looked for last first.

        Raises:
            CallFailed: it is refused.
        """
        before: list[str] = []
        for page in range(1, MOST_PAGES + 1):
            told = self._call("/gettracklist", {"page_no": page, "order_by": "TrackTimeDesc"})
            rows = listed(told, "accepted")
            numbers = [text(one, "number") for one in rows]
            if numbers == before:
                return  # a page that repeats: there is nothing behind it
            yield from map(_moved, rows)
            if len(rows) < AT_ONCE:
                return
            before = numbers

    def read(self, numbers: Sequence[Moved]) -> list[Fields]:
        """Return what is known of these numbers; those of which nothing is known yet are left out.

        Raises:
            CallFailed: it is refused.
        """
        told = self._call("/gettrackinfo", [_asked_for(one) for one in numbers])
        return list(listed(told, "accepted"))

    def quota(self) -> Quota:
        """Return the quota.

        Raises:
            CallFailed: it is refused.
        """
        told = self._call("/getquota", {})
        total, used, left = (_count(told, name) for name in ("quota_total", "quota_used", "quota_remain"))
        return Quota(total=total, used=used, left=left)

    def _call(self, path: str, body: object) -> Fields:
        self.pace()
        headers = {**ACCEPTS, "17token": self.key()}
        try:
            answer = asked(lambda: self.http().stream("POST", f"{self.url}{VERSION}{path}", json=body, headers=headers))
        except NoAnswer as error:
            raise CallFailed(Trouble.PASSING, f"17TRACK {error}") from error
        try:
            told = body_of(answer.body)
        except EventError as error:
            if answer.status >= BAD_REQUEST:
                raise by_status(answer.status) from error
            raise CallFailed(Trouble.PASSING, f"17TRACK's answer {error}") from error
        if text(told, "code") != "0":
            raise refusal(told) if text(told, "code") else by_status(answer.status)
        return inner(told, "data")


def _moved(row: Fields) -> Moved:
    at = instant(text(row, "track_time"), naive_is_utc=True)
    return Moved(
        number=text(row, "number"), carrier=text(row, "carrier"), tag=text(row, "tag"),
        at=datetime.fromisoformat(at).astimezone(UTC) if at else None,
    )  # fmt: skip


def _asked_for(one: Moved) -> dict[str, object]:
    return {"number": one.number, "carrier": int(one.carrier)} if one.carrier.isdecimal() else {"number": one.number}


def _count(fields: Fields, name: str) -> int:
    written = text(fields, name)
    return int(written) if written.isdecimal() and len(written) <= 12 else 0
