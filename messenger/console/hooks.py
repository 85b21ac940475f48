"""``POST /hooks/<source>``: what other programs tell us. For now: mails that came back."""

from __future__ import annotations

import hmac
import logging

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse

from messenger.console.bodies import TooLarge, body_of
from messenger.errors import StorageError

log = logging.getLogger(__name__)
router = APIRouter()
LARGEST = 4 * 1024 * 1024
"""Bytes of a mail that is taken; what reads it looks at its beginning only."""


@router.post("/hooks/{source}")
async def take(source: str, request: Request) -> PlainTextResponse:
    """Take in one mail; answered once it is written down.

    401 without the right secret, also for a source that does not exist: who asks is told nothing. 503: try again.
    """
    desk = request.app.state.desk
    secret = desk.mail_hooks().get(source, "")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_right = hmac.compare_digest(given.strip().encode(), secret.encode()) and scheme.lower() == "bearer"
    if not secret or not is_right:
        return PlainTextResponse("the secret of this source is needed\n", 401, {"WWW-Authenticate": "Bearer"})
    try:
        raw = await body_of(request, limit=LARGEST)
    except TooLarge:
        return PlainTextResponse(f"a mail of more than {LARGEST} bytes is not taken\n", 413)
    if not raw.strip():
        return PlainTextResponse("the body is empty: it should be one mail\n", 400)
    try:
        done = await run_in_threadpool(desk.feedback.take, raw, source=source)
    except StorageError:
        log.exception("report_not_taken_in", extra={"source": source})
        return PlainTextResponse("not now: try again\n", 503, {"Retry-After": "60"})
    return PlainTextResponse("".join(f"{one.kind}\n" for one in done))
