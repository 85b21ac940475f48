"""``/u/<token>``: a buyer asks for no more messages of a kind. Source: RFC 8058.

Looking at the page changes nothing, since programs that check links look at every page. What asks is a POST: of a mail program,
with one field and no page, or of the button on the page.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final
from urllib.parse import parse_qs

from babel.core import negotiate_locale
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import Environment, StrictUndefined
from starlette.datastructures import FormData

from messenger.console.bodies import TooLarge, body_of
from messenger.errors import StorageError
from messenger.services.tokens import Wish

router = APIRouter()
LARGEST: Final = 16 * 1024
FIELD: Final = "List-Unsubscribe"
ONE_CLICK: Final = "One-Click"
PATH: Final = "/u/{token}"
_PAGES = files("messenger.console") / "pages"


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((_PAGES / "unsubscribe.toml").read_text(encoding="utf-8"))


@cache
def _page() -> Environment:
    return Environment(autoescape=True, undefined=StrictUndefined)


@router.get("/u/style.css")
async def style() -> Response:
    """Return how the page looks."""
    return Response(
        (_PAGES / "buyer.css").read_text(encoding="utf-8"),
        media_type="text/css",
        headers={"Cache-Control": "max-age=86400"},
    )


@router.get(PATH)
async def ask(token: str, request: Request) -> HTMLResponse:
    """Show what would be unsubscribed from, and a button."""
    wish = _read(request, token)
    return _shown(request, wish, "ask" if wish else "unknown")


@router.post(PATH)
async def unsubscribe(token: str, request: Request) -> Response:
    """Do it. No cookie, no login, no redirect; asking again is fine."""
    try:
        asked = await _asked(request)
    except TooLarge:
        return PlainTextResponse("too large\n", 413)
    if asked == "":
        return PlainTextResponse(f"the body should be {FIELD}={ONE_CLICK}\n", 400)
    wish = _read(request, token)
    if wish is None:
        return _shown(request, None, "unknown")
    try:
        await run_in_threadpool(
            request.app.state.desk.feedback.unsubscribe, token, source="one-click" if asked == ONE_CLICK else "page"
        )
    except StorageError:
        return PlainTextResponse("not now: try again\n", 503, {"Retry-After": "60"})
    return _shown(request, wish, "done")


async def _asked(request: Request) -> str:
    """Which of the two ways asks: a mail program's, or the page's; empty for neither."""
    raw = await body_of(request, limit=LARGEST)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        fields = await _multipart(request, raw)
        value = fields.get(FIELD) or fields.get("page")
        found = {FIELD: [str(value)]} if fields.get(FIELD) else {"page": [str(value)]} if value else {}
    else:
        found = parse_qs(raw.decode("utf-8", "replace"), max_num_fields=20)
    if found.get(FIELD) == [ONE_CLICK]:
        return ONE_CLICK
    return "page" if found.get("page") == ["yes"] else ""


async def _multipart(request: Request, raw: bytes) -> FormData:
    async def again() -> dict[str, object]:
        return {"type": "http.request", "body": raw, "more_body": False}

    try:
        return await Request(request.scope, again).form(max_files=0, max_fields=20)
    except Exception:  # noqa: BLE001  # a stranger wrote it: it asks for nothing
        return FormData()


def _read(request: Request, token: str) -> Wish | None:
    found: Wish | None = request.app.state.desk.feedback.wish(token)
    return found


def _shown(request: Request, wish: Wish | None, what: str) -> HTMLResponse:
    language = _language(request)
    words = _words()[language]
    shop = request.app.state.desk.home().shops.get(wish.shop) if wish else None
    kind = words[str(wish.category)] if wish else ""
    sentences = {
        name: text.format(shop=shop.name if shop else words["shop"], kind=kind) for name, text in words.items()
    }
    text = (
        _page()
        .from_string((_PAGES / "unsubscribe.html").read_text(encoding="utf-8"))
        .render(language=language.replace("_", "-"), what=what, words=sentences, shop=shop.name if shop else "")
    )
    return HTMLResponse(text, 404 if what == "unknown" else 200, {"Content-Language": language.replace("_", "-")})


def _language(request: Request) -> str:
    """The first language that the browser names and we have; English else."""
    named = [part.partition(";")[0].strip() for part in request.headers.get("accept-language", "")[:500].split(",")]
    have = {one.replace("-", "_"): one for one in _words()}
    for one in filter(None, named):
        tag = one.replace("-", "_")
        found = negotiate_locale([tag, tag.partition("_")[0]], [*have, "pt"])
        if found:
            return have.get(found, "pt-BR")
    return "en"
