"""Asking a platform over HTTP: an answer is read within bounds, and every way in which it can fail to come has its word."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

import httpx2

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of an answer once it is unpacked; a full page of orders has some hundred thousand."""
PACKED: Final = "gzip"
NEVER_LEFT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)
"""What breaks before the request can have reached anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a platform answered. ``headers`` by name in small letters."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class NoAnswer(Exception):
    """A platform did not answer, or not in a way that can be read.

    Args:
        problem: why, without secrets.
        may_have_arrived: whether the request may have been acted upon all the same.
    """

    def __init__(self, problem: str, *, may_have_arrived: bool) -> None:
        self.may_have_arrived = may_have_arrived
        super().__init__(problem)


def post(client: httpx2.Client, url: str, *, form: Mapping[str, str]) -> Answer:
    """Return what answers a form.

    Raises:
        NoAnswer: the line broke, it took too long, or the answer is larger than ``LARGEST``, cut short or packed unreadably.
    """
    return asked(lambda: client.stream("POST", url, data=dict(form), headers=ACCEPTS))


ACCEPTS: Final[Mapping[str, str]] = {
    "accept": "application/json",
    "accept-encoding": PACKED,
    "user-agent": "messenger",
}


def asked(opens: Callable[[], AbstractContextManager[httpx2.Response]]) -> Answer:
    """Return the answer of one request that is about to be made.

    Raises:
        NoAnswer: as ``post``.
    """
    try:
        with opens() as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(status=response.status_code, body=_read(response, headers), headers=headers)
    except NEVER_LEFT as error:
        raise NoAnswer(f"cannot be reached: {_words(error)}", may_have_arrived=False) from error
    except httpx2.HTTPError as error:
        raise NoAnswer(f"did not answer: {_words(error)}", may_have_arrived=True) from error
    except httpx2.InvalidURL as error:
        raise NoAnswer(f"has an address that cannot be used: {_words(error)}", may_have_arrived=False) from error


def _read(response: httpx2.Response, headers: Mapping[str, str]) -> bytes:
    packing = headers.get("content-encoding", "").strip().lower()
    if packing not in {"", "identity", PACKED}:
        raise NoAnswer(f"answered in a packing that was not asked for: {packing[:40]}", may_have_arrived=True)
    pieces, size = [], 0
    for piece in _unpacked(response.iter_raw()) if packing == PACKED else response.iter_raw():
        size += len(piece)
        if size > LARGEST:
            raise NoAnswer(f"answered with more than {LARGEST} bytes", may_have_arrived=True)
        pieces.append(piece)
    return b"".join(pieces)


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what was packed, never more than ``LARGEST`` and a byte at once: a few bytes may unpack to any size."""
    box = zlib.decompressobj(wbits=31)
    try:
        for piece in pieces:
            yield box.decompress(piece, LARGEST + 1)
            while box.unconsumed_tail:
                yield box.decompress(box.unconsumed_tail, LARGEST + 1)
    except zlib.error as error:
        raise NoAnswer(f"answered with what cannot be unpacked: {error}", may_have_arrived=True) from error
    if not box.eof:
        raise NoAnswer("answered with a packing that is cut short", may_have_arrived=True)


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
