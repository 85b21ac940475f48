"""What the hooks work with: who may post what, how much of it, and where it is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

from fastapi import Request
from fastapi.responses import PlainTextResponse
from starlette.requests import ClientDisconnect

from messenger.config.secrets import Secret
from messenger.config.sources import WebhookSettings
from messenger.console.bodies import TooLarge, body_of
from messenger.domain.pacing import Rate
from messenger.errors import ConfigurationError, Finding
from messenger.intake.signatures import Signed
from messenger.ports import Clock
from messenger.ports.deliveries import Delivery, Spool
from messenger.services.receiving import Inlet

LARGEST: Final = 1024 * 1024
"""Bytes of a body."""
KEPT: Final = ("content-type", "user-agent")
KEPT_PREFIXES: Final = ("ce-", "webhook-", "x-shopify-", "shopify-", "x-wc-webhook-", "aftership-", "x-ebay-")
LONGEST_HEADER: Final = 2000
_HARDLY_ANYTHING: Final = 1e-6
"""Seconds that sums of fractions may be wrong by."""


class Limits:
    """How much of its rate each source has used up. One process counts for itself: it only keeps a flood from filling the disk."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._free_at: dict[str, float] = {}

    def is_within(self, source: str, rate: Rate) -> bool:
        """Return whether one more may be taken; then it counts."""
        span, now = rate.span.total_seconds(), self._seconds()
        with self._lock:
            free_at = max(self._free_at.get(source, now), now) + span / rate.count
            if free_at - now > span + _HARDLY_ANYTHING:
                return False
            self._free_at[source] = free_at
            return True


def no_key(source: str, kid: str) -> NoReturn:
    """No public key can be looked up."""
    raise ConfigurationError([Finding("", 0, 0, f"sources.{source}", f"the public key {kid} cannot be looked up")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Posts:
    """Everything about what is posted, as it is now.

    Args:
        hooks: what is posted to, by name of the source.
        inlets: how each is read.
        tokens: of programs that may post events of any shop.
        spool: where it is kept.
        public_url: how we are reached from outside; empty when nobody said so.
        public_key: of eBay, by source and name of the key; may take a while.
    """

    hooks: Callable[[], Mapping[str, WebhookSettings]]
    inlets: Callable[[], Mapping[str, Inlet]]
    tokens: Callable[[], Sequence[Secret]]
    spool: Spool
    clock: Clock
    public_url: Callable[[], str] = str
    public_key: Callable[[str, str], str] = no_key
    limits: Limits = field(default_factory=Limits)


def signed(request: Request, body: bytes) -> Signed:
    """Return a request as those see it who verify it."""
    return Signed(headers=dict(request.headers), body=body, query=request.url.query, url=str(request.url))


def delivery_of(request: Signed, *, source: str, id_: str, posts: Posts) -> Delivery:
    """Return a request as it is kept: without what lets anybody in."""
    headers = {
        name: value[:LONGEST_HEADER]
        for name, value in request.headers.items()
        if name in KEPT or (name.startswith(KEPT_PREFIXES) and not any(one in name for one in ("sign", "hmac")))
    }
    return Delivery(source=source, id=id_, received_at=posts.clock.now(), headers=headers, body=request.body)


async def posted_body(request: Request) -> bytes | PlainTextResponse:
    """Return the raw body, or why it is not taken.

    One that was packed is not: nobody signs that form, and little can become very much. One that is cut short is nobody's.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        return refusal("a packed body is not taken: send it as it is", 415)
    try:
        return await body_of(request, limit=LARGEST)
    except TooLarge:
        return refusal(f"a body of more than {LARGEST} bytes is not taken", 413)
    except ClientDisconnect:
        return refusal("the body was cut short", 400)


def refusal(text: str, status: int, **headers: str) -> PlainTextResponse:
    """Return an answer that says what is wrong, and nothing more."""
    return PlainTextResponse(f"{text}\n", status, {name.replace("_", "-"): value for name, value in headers.items()})


def not_let_in() -> PlainTextResponse:
    """Return the one answer to whoever cannot show who he is, whatever the reason."""
    return refusal("who are you?", 401)


def later(seconds: int, why: str, *, status: int = 503) -> PlainTextResponse:
    """Return an answer that asks to come back."""
    return refusal(f"{why}: try again", status, Retry_After=str(seconds))
