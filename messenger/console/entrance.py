"""The entrance: logging in and out, one's own password, and the files that pages load."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from messenger.console.office import Caller, Need, Office, check_ours, form_of, office_of, wished_language
from messenger.console.showing import ROOM, page, phrase, plain_page
from messenger.errors import UsageError
from messenger.services.logins import LONGEST, Entry

router = APIRouter()
ASSETS: Final = {"console.css": "text/css", "htmx.min.js": "text/javascript"}
DOOR: Final = "/login"
Anybody = Annotated[Caller, Depends(Need())]


@router.get("/assets/{name}")
def asset(name: str) -> Response:
    """Return a file that pages load."""
    if name not in ASSETS:
        return Response(status_code=404)
    text = (ROOM / "assets" / name).read_text(encoding="utf-8")
    return Response(text, media_type=ASSETS[name], headers={"Cache-Control": "max-age=3600"})


@router.get(DOOR)
def ask(request: Request) -> Response:
    """Show where to log in."""
    return _asked(request, to=request.query_params.get("to", ""))


@router.post(DOOR)
async def log_in(request: Request) -> Response:
    """Log somebody in."""
    office, fields = office_of(request), await form_of(request)
    check_ours(request, fields, _csrf(office, request.cookies.get(_nonce(office), "")))
    name, password = fields.get("name", ""), fields.get("password", "")
    address = request.client.host if request.client else ""
    entry, token = await run_in_threadpool(office.logins.log_in, name, password, address=address)
    if entry is not Entry.IN:
        return _asked(request, to=fields.get("to", ""), problem=entry, name=name)
    answer = RedirectResponse(_inside(fields.get("to", "")), 303)
    _give(answer, office, office.cookie, token, int(LONGEST.total_seconds()))
    answer.delete_cookie(_nonce(office), path="/", secure=office.is_secure, httponly=True, samesite="strict")
    return answer


@router.post("/logout")
def log_out(caller: Anybody) -> Response:
    """End this login."""
    caller.office.logins.log_out(caller.visit)
    answer = RedirectResponse(DOOR, 303)
    office = caller.office
    answer.delete_cookie(office.cookie, path="/", secure=office.is_secure, httponly=True, samesite="strict")
    return answer


@router.get("/account")
def account(caller: Anybody) -> Response:
    """Show who one is, and let one's password be changed."""
    return page(caller, "account.html", problem="", is_changed=False)


@router.post("/account/password")
def change_password(caller: Anybody) -> Response:
    """Change one's own password."""
    say = phrase(caller.language)
    try:
        entry = caller.office.logins.change_password(
            caller.visit, old=caller.fields.get("old", ""), new=caller.fields.get("new", "")
        )
    except UsageError:
        problem = say("A password has 12 to 200 characters: a few words do well.")
        return page(caller, "account.html", status=422, problem=problem, is_changed=False)
    if entry is not Entry.IN:
        return page(caller, "account.html", status=422, problem=_why(say, entry), is_changed=False)
    return page(caller, "account.html", problem="", is_changed=True)


def _asked(request: Request, *, to: str, problem: Entry | None = None, name: str = "") -> Response:
    """The form, with a number of its own that its sender has to hold as a cookie."""
    office, language = office_of(request), wished_language(request)
    nonce = request.cookies.get(_nonce(office), "") or secrets.token_urlsafe(16)
    why = _why(phrase(language), problem) if problem else ""
    status = {None: 200, Entry.TOO_OFTEN: 429}.get(problem, 401)
    answer = plain_page(
        language, "login.html", status=status, csrf=_csrf(office, nonce), to=_inside(to), why=why, name=name[:64]
    )
    _give(answer, office, _nonce(office), nonce, 3600)
    return answer


def _why(say: Callable[[str], str], entry: Entry) -> str:
    if entry is Entry.TOO_OFTEN:
        return say("That was tried too often. Wait a quarter of an hour.")
    return say("That is not right.")


def _give(answer: Response, office: Office, name: str, value: str, seconds: int) -> None:
    answer.set_cookie(name, value, max_age=seconds, path="/", secure=office.is_secure, httponly=True, samesite="strict")


def _nonce(office: Office) -> str:
    return f"{office.cookie}-login"


def _csrf(office: Office, nonce: str) -> str:
    """What the form carries; nothing fits an empty cookie."""
    if not nonce:
        return secrets.token_hex(32)
    return hmac.digest(office.logins.secret, b"login\0" + nonce.encode("utf-8", "replace"), "sha256").hex()


def _inside(to: str) -> str:
    """Where to go after logging in: a path of ours, never another host."""
    is_path = to.startswith("/") and not to.startswith(("//", "/\\")) and "\\" not in to
    return to if is_path and to.isprintable() else "/"
