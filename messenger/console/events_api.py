"""``POST /api/v1/events``: one CloudEvent, or a batch. Judged at once, kept, answered; taken in by the next worker."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from messenger.config.sources import WebhookSettings
from messenger.config.sources_webhook import USUAL_RATE
from messenger.console.posts import Posts, delivery_of, later, not_let_in, posted_body, refusal, signed
from messenger.errors import ConfigurationError, EventError, StorageError
from messenger.intake.cloudevents import BATCH, STRUCTURED, is_cloudevents, read_events
from messenger.intake.signatures import Scheme, SignatureRefused, Signed, verified
from messenger.intake.standard import ID, SIGNATURE
from messenger.services.home import Home
from messenger.services.receiving import API, Inlet, event_of

log = logging.getLogger(__name__)
router = APIRouter()
PATH: Final = "/api/v1/events"
MOST_PROBLEMS: Final = 50
"""That one answer tells."""
Problem = Mapping[str, object]


@router.post(PATH)
async def take(request: Request) -> Response:
    """Take in events: 202 when they are kept, 200 when they were, 422 when one of them cannot be taken in (then none is)."""
    desk = request.app.state.desk
    if desk.posts is None:
        return not_let_in()
    body = await posted_body(request)
    if isinstance(body, Response):
        return body
    return await run_in_threadpool(_judge_and_keep, desk.posts, desk.home(), _as_cloudevents(signed(request, body)))


def _judge_and_keep(posts: Posts, home: Home, request: Signed) -> Response:
    try:
        source, id_ = _sender(posts, request)
    except SignatureRefused as error:
        log.warning("events_refused", extra={"reason": str(error)})
        return refusal("who are you?", 401, WWW_Authenticate="Bearer")
    except ConfigurationError as error:
        log.error("secret_unusable", extra={"source": API, "problem": str(error)})  # noqa: TRY400  # a person's mistake, no trace
        return later(300, "not now")
    hook = posts.hooks().get(source)
    if not posts.limits.is_within(source, hook.rate if hook else USUAL_RATE):
        return later(1, "too many at once", status=429)
    try:
        documents = read_events(request.headers, request.body)
    except EventError as error:
        return JSONResponse({"problems": [_problem(0, error)]}, 400)
    if problems := list(_problems(documents, posts.inlets()[source], home)):
        return JSONResponse({"problems": problems[:MOST_PROBLEMS]}, 422)
    try:
        is_new = posts.spool.keep(delivery_of(request, source=source, id_=id_, posts=posts))
    except StorageError as error:
        log.error("events_not_kept", extra={"source": source, "problem": str(error)})  # noqa: TRY400  # told in full
        return later(60, "not now")
    return JSONResponse({"events": len(documents), "known": not is_new}, 202 if is_new else 200)


def _sender(posts: Posts, request: Signed) -> tuple[str, str]:
    """Which source a request is from, and the id of the delivery.

    Raises:
        SignatureRefused: nobody's token is right, and nobody's signature.
        ConfigurationError: a secret cannot be used.
    """
    scheme, _, given = request.told("authorization").partition(" ")
    if scheme.lower() == "bearer":
        return _by_token(posts, given.strip()), _content_id(request)
    if not request.told(SIGNATURE):
        raise SignatureRefused("neither a token nor a signature")
    return _by_signature(posts, request)


def _by_token(posts: Posts, given: str) -> str:
    secrets = [(API, one) for one in posts.tokens()]
    secrets += [(hook.name, one) for hook in _standard(posts) for one in hook.secrets]
    found: list[str] = []
    for name, secret in secrets:
        try:
            found += [name] if hmac.compare_digest(given.encode(), secret.reveal().encode()) else []
        except ConfigurationError as error:  # of one source: the others' are as good as before
            log.error("secret_unusable", extra={"source": name, "problem": str(error)})  # noqa: TRY400  # a person's mistake
    if not found:
        raise SignatureRefused("nobody has this token")
    return found[0]


def _by_signature(posts: Posts, request: Signed) -> tuple[str, str]:
    problem: SignatureRefused | ConfigurationError = SignatureRefused("no source is configured")
    for hook in _standard(posts):
        try:
            secrets = [one.reveal() for one in hook.secrets]
            return hook.name, verified(hook.scheme, request, secrets, posts.clock.now())
        except (SignatureRefused, ConfigurationError) as error:
            problem = error
    raise problem


def _standard(posts: Posts) -> Sequence[WebhookSettings]:
    return [one for one in posts.hooks().values() if one.scheme == Scheme.STANDARD]


def _content_id(request: Signed) -> str:
    """What these events are called by their content: the same again is known."""
    named = request.told(ID)
    if named:
        return request.named(named)
    attributes = sorted((name, value) for name, value in request.headers.items() if name.startswith("ce-"))
    whole = json.dumps(attributes).encode() + request.body
    return f"sha256:{hashlib.sha256(whole).hexdigest()}"


def _as_cloudevents(request: Signed) -> Signed:
    """Let plain JSON pass for what it holds: an object for one event, a list for a batch."""
    kind = request.told("content-type").partition(";")[0].strip().lower()
    if is_cloudevents(request.headers) or kind not in {"", "application/json"}:
        return request
    is_list = request.body.lstrip()[:1] == b"["
    return replace(request, headers={**request.headers, "content-type": f"{BATCH if is_list else STRUCTURED}+json"})


def _problems(documents: Sequence[Mapping[str, object]], inlet: Inlet, home: Home) -> Iterator[Problem]:
    for number, document in enumerate(documents):
        try:
            event = event_of(document, inlet)
            if event.shop not in home.shops:
                raise EventError("data.shop", f'unknown shop "{event.shop}"')  # noqa: TRY301  # told as all others are
        except EventError as error:
            yield _problem(number, error)


def _problem(number: int, error: EventError) -> Problem:
    return {"event": number, "field": error.field, "problem": error.problem}
