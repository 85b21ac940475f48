"""Whether the program runs (``/healthz``) and can do its work (``/readyz``); nothing else is told to strangers."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse

from messenger.errors import StorageError

router = APIRouter()


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """Say that the program runs."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(request: Request) -> PlainTextResponse:
    """Say whether the database answers; 503 when it does not."""
    try:
        await run_in_threadpool(request.app.state.desk.store.newest_generation)
    except StorageError:
        return PlainTextResponse("the database does not answer\n", status_code=503)
    return PlainTextResponse("ready\n")
