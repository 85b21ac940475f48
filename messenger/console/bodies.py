"""The body of a request, read up to a limit: nobody fills our memory."""

from __future__ import annotations

from fastapi import Request


class TooLarge(Exception):
    """The body is larger than what is read."""


async def body_of(request: Request, *, limit: int) -> bytes:
    """Return the body.

    Args:
        request: the request.
        limit: bytes.

    Raises:
        TooLarge: there is more.
    """
    told = request.headers.get("content-length", "")
    if told.isdigit() and int(told) > limit:
        raise TooLarge
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)
