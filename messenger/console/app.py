"""The web application, put together from its rooms."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response

from messenger.console import entrance, events_api, health, hooks, orders, queue, today, troubles, unsubscribing
from messenger.console.office import Office
from messenger.console.posts import Posts
from messenger.ports import Store
from messenger.services.feedback import Feedback
from messenger.services.home import Home

log = logging.getLogger(__name__)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Of every answer: no page runs a script, nothing is loaded from elsewhere, and no address is told on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the application works with.

    Args:
        feedback: takes in what comes back.
        home: the generation that is worked by, as it is now.
        mail_hooks: secrets of the hooks that take mails, by name of the source, as they are now.
        posts: who may post what else; None where nobody may.
        office: what the pages for the people of a shop work with; None where there are none.
    """

    store: Store
    feedback: Feedback
    home: Callable[[], Home]
    mail_hooks: Callable[[], Mapping[str, str]]
    posts: Posts | None = None
    office: Office | None = None

    def __repr__(self) -> str:
        return "Desk(…)"


def create_app(desk: Desk, *, chores: Callable[[], None] = lambda: None, every: float = 0.0) -> FastAPI:
    """Return the application; it holds no state of its own.

    Args:
        desk: what it works with.
        chores: what else is done now and then while it serves, in a thread; its failures are logged.
        every: seconds between two times; 0 for never.
    """

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_again_and_again(chores, every))
        try:
            yield
        finally:
            task.cancel()

    app = FastAPI(title="messenger", docs_url=None, redoc_url=None, openapi_url=None, lifespan=life)
    app.state.desk = desk

    @app.middleware("http")
    async def harden(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await call_next(request)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    for room in (health, hooks, events_api, unsubscribing):
        app.include_router(room.router)
    if desk.office is not None:
        for room in (entrance, today, queue, orders):
            app.include_router(room.router)
        troubles.answer(app)
    return app


async def _again_and_again(chores: Callable[[], None], every: float) -> None:
    while every:
        await asyncio.sleep(every)
        try:
            await asyncio.to_thread(chores)
        except Exception:  # whatever it is, pages are served on
            log.exception("chores_failed")
