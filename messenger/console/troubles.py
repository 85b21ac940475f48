"""Troubles: what a person sees instead of a page, as a calm page; hooks and buyers are answered as before."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from messenger.console.office import SAFE, Forged, NotAllowed, NotLoggedIn, wished_language
from messenger.console.showing import plain_page
from messenger.errors import StorageError

HTMX: Final = "hx-request"


def answer(app: FastAPI) -> None:
    """Let an application answer troubles with pages."""
    app.add_exception_handler(NotLoggedIn, _to_the_door)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(Forged, _forged)
    app.add_exception_handler(StorageError, _database_away)


async def _to_the_door(request: Request, _: Exception) -> Response:
    """To where one logs in, and back to the page that was asked for."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    to = f"/login?to={quote(asked, safe='')}" if request.method in SAFE and asked != "/" else "/login"
    if HTMX in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    return RedirectResponse(to, 303)


async def _not_allowed(request: Request, _: Exception) -> Response:
    return _told(request, "not_allowed", 403)


async def _forged(request: Request, _: Exception) -> Response:
    return _told(request, "forged", 403)


async def _database_away(request: Request, _: Exception) -> Response:
    return _told(request, "database_away", 503)


def _told(request: Request, what: str, status: int) -> Response:
    return plain_page(wished_language(request), "trouble.html", status=status, what=what)
