"""``/hooks/<source>``: what others tell us. Verified over the raw bytes, kept, answered; read later (``services.receiving``)."""

from __future__ import annotations

import hmac
import logging
import re
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse

from messenger.config.sources import WebhookSettings
from messenger.console.bodies import TooLarge, body_of
from messenger.console.posts import (
    Posts,
    delivery_of,
    later,
    not_let_in,
    posted_body,
    refusal,
    signed,
)
from messenger.errors import ConfigurationError, StorageError
from messenger.intake.ebay_signature import challenge_response, key_id
from messenger.intake.signatures import Scheme, SignatureRefused, Signed, verified

log = logging.getLogger(__name__)
router = APIRouter()
LARGEST_MAIL: Final = 4 * 1024 * 1024
"""Bytes of a mail that is taken; what reads it looks at its beginning only."""
PATH: Final = "/hooks/{source}"
USUAL_RATE: Final = 6000
"""Requests a minute that are agreed to before anybody sends one."""
_PING: Final = re.compile(rb"webhook_id=[0-9]{1,12}")
_ORIGIN: Final = re.compile(r"[A-Za-z0-9.:-]{1,253}", re.ASCII)


@router.post(PATH)
async def take(source: str, request: Request) -> Response:
    """Take in one delivery, or one mail that came back; answered once it is written down.

    401 without the right signature, also for a source that does not exist: who asks is told nothing. 503: try again.
    """
    desk = request.app.state.desk
    hook = desk.posts.hooks().get(source) if desk.posts else None
    return await (_take_delivery(hook, desk.posts, request) if hook else _take_mail(source, request))


@router.get(PATH)
async def challenge(source: str, request: Request) -> Response:
    """Answer eBay's question whether this address is ours."""
    posts = request.app.state.desk.posts
    hook = posts.hooks().get(source) if posts else None
    code = request.query_params.get("challenge_code", "")
    if hook is None or hook.scheme != Scheme.EBAY or not code or len(code) > 500:
        return refusal("nothing can be read here", 404)
    try:
        token = hook.secrets[0].reveal()
    except ConfigurationError as error:
        return _our_mistake(source, error)
    endpoint = f"{posts.public_url().rstrip('/')}/hooks/{source}" if posts.public_url() else _asked(request)
    return JSONResponse({"challengeResponse": challenge_response(code, token, endpoint)})


@router.options(PATH)
@router.options("/api/v1/events")
async def agree(request: Request) -> Response:
    """Agree to being posted to (CloudEvents, HTTP 1.1 web hooks, 4). It gives no right: every delivery is verified."""
    origin = request.headers.get("webhook-request-origin", "")
    headers = {"Allow": "POST, OPTIONS"}
    if _ORIGIN.fullmatch(origin):
        asked = request.headers.get("webhook-request-rate", "")
        rate = min(int(asked), USUAL_RATE) if asked.isascii() and asked.isdigit() and len(asked) < 10 else USUAL_RATE
        headers |= {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": str(max(1, rate))}
    return Response(status_code=200, headers=headers)


async def _take_delivery(hook: WebhookSettings, posts: Posts, request: Request) -> Response:
    body = await posted_body(request)
    if isinstance(body, Response):
        return body
    if _is_ping(hook, request, body):
        return PlainTextResponse("here\n")
    return await run_in_threadpool(_verify_and_keep, hook, posts, signed(request, body))


def _verify_and_keep(hook: WebhookSettings, posts: Posts, request: Signed) -> Response:
    try:
        id_ = _verified(hook, posts, request)
    except SignatureRefused as error:
        log.warning("delivery_refused", extra={"source": hook.name, "reason": str(error)})
        return refusal("not signed by eBay", 412) if hook.scheme == Scheme.EBAY else not_let_in()
    except ConfigurationError as error:
        return _our_mistake(hook.name, error)
    if not posts.limits.is_within(hook.name, hook.rate):
        return later(1, "too many at once", status=429)
    try:
        is_new = posts.spool.keep(delivery_of(request, source=hook.name, id_=id_, posts=posts))
    except StorageError as error:
        log.error("delivery_not_kept", extra={"source": hook.name, "problem": str(error)})  # noqa: TRY400  # told in full
        return later(60, "not now")
    return PlainTextResponse("kept\n" if is_new else "known\n")


def _verified(hook: WebhookSettings, posts: Posts, request: Signed) -> str:
    secrets = [one.reveal() for one in hook.secrets]
    key = posts.public_key(hook.name, key_id(request)) if hook.scheme == Scheme.EBAY else ""
    return verified(hook.scheme, request, secrets, posts.clock.now(), public_key=key)


def _is_ping(hook: WebhookSettings, request: Request, body: bytes) -> bool:
    """WooCommerce asks, when a webhook is saved, whether anybody is there: with its number, a form and no signature."""
    is_unsigned = not request.headers.get("x-wc-webhook-signature")
    return hook.scheme == Scheme.WOOCOMMERCE and is_unsigned and bool(_PING.fullmatch(body.strip()))


def _our_mistake(source: str, error: ConfigurationError) -> PlainTextResponse:
    """A secret of ours cannot be used: whoever sends is asked to come back, and we are told."""
    log.error("secret_unusable", extra={"source": source, "problem": str(error)})
    return later(300, "not now")


def _asked(request: Request) -> str:
    return str(request.url.replace(query=""))


async def _take_mail(source: str, request: Request) -> PlainTextResponse:
    """Take in a mail that came back."""
    desk = request.app.state.desk
    secret = desk.mail_hooks().get(source, "")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_right = hmac.compare_digest(given.strip().encode(), secret.encode()) and scheme.lower() == "bearer"
    if not secret or not is_right:
        return refusal("who are you?", 401, WWW_Authenticate="Bearer")
    try:
        raw = await body_of(request, limit=LARGEST_MAIL)
    except TooLarge:
        return refusal(f"a mail of more than {LARGEST_MAIL} bytes is not taken", 413)
    if not raw.strip():
        return refusal("the body is empty: it should be one mail", 400)
    try:
        done = await run_in_threadpool(desk.feedback.take, raw, source=source)
    except StorageError:
        log.exception("report_not_taken_in", extra={"source": source})
        return later(60, "not now")
    return PlainTextResponse("".join(f"{one.kind}\n" for one in done))
