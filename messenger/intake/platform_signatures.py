"""How platforms sign what they post: a digest of the body, or of more than it. Source: docs/sources.md, S29."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import parse_qsl

from messenger.intake.signed import (
    SignatureRefused,
    Signed,
    from_base64,
    from_hex,
    hmac_sha256,
    is_one_of,
    unusable,
)

TOP_TOLERANCE: Final = timedelta(minutes=5)
TOP_ZONE: Final = timezone(timedelta(hours=8))
FORM: Final = "application/x-www-form-urlencoded"


def shopify(request: Signed, secrets: Sequence[str], _: datetime) -> str:
    """Base64 HMAC-SHA256 of the body. One event comes once for each topic, and once more for each subscription to it."""
    _check(request, "x-shopify-hmac-sha256", "shopify-hmac-sha256", secrets=secrets)
    event = request.told("x-shopify-event-id", "shopify-event-id", "x-shopify-webhook-id", "shopify-webhook-id")
    topic = request.told("x-shopify-topic", "shopify-topic")
    return request.named(f"{topic}:{event}" if event else "")


def woocommerce(request: Signed, secrets: Sequence[str], _: datetime) -> str:
    """Base64 HMAC-SHA256 of the body."""
    _check(request, "x-wc-webhook-signature", secrets=secrets)
    return request.named(request.told("x-wc-webhook-delivery-id"))


def aftership(request: Signed, secrets: Sequence[str], _: datetime) -> str:
    """Base64 HMAC-SHA256 of the body, which names its event."""
    _check(request, "aftership-hmac-sha256", secrets=secrets)
    return request.named(request.within("event_id"))


def seventeentrack(request: Signed, secrets: Sequence[str], _: datetime) -> str:
    """Hexadecimal SHA-256 of body, a slash and the key: no HMAC."""
    given = from_hex(request.header("sign"))
    if not is_one_of(given, [hashlib.sha256(request.body + b"/" + one.encode()).digest() for one in secrets]):
        raise SignatureRefused("no signature fits")
    return request.digest


def aliexpress(request: Signed, secrets: Sequence[str], _: datetime) -> str:
    """Hexadecimal HMAC-SHA256 of app key and body, keyed by the app secret."""
    given = from_hex(request.header("authorization"))
    pairs = [_app(one) for one in secrets]
    if not is_one_of(given, [hmac_sha256(secret.encode(), key.encode() + request.body) for key, secret in pairs]):
        raise SignatureRefused("no signature fits")
    return request.digest


def top(request: Signed, secrets: Sequence[str], now: datetime) -> str:
    """Hexadecimal MD5 over secret, sorted parameters, body and secret: the platform calls us (TOP reverse call, SPI)."""
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    given = from_hex(query.pop("sign", "") or "-")
    _check_top_time(query.get("timestamp", ""), now)
    is_form = request.told("content-type").partition(";")[0].strip().lower() == FORM
    body = b"" if is_form else request.body
    parameters = {**dict(_signed_headers(request)), **query, **(_form(request.body) if is_form else {})}
    chain = "".join(f"{name}{parameters[name]}" for name in sorted(parameters)).encode()
    app = query.get("app_key", "")
    mine = [secret.encode() for key, secret in map(_app, secrets) if key == app]
    digests = [hashlib.md5(one + chain + body + one, usedforsecurity=False).digest() for one in mine]
    if not is_one_of(given, digests):
        raise SignatureRefused("no signature fits")
    return f"{query.get('method', '')[:100]}:{request.digest}"


def _check(request: Signed, *headers: str, secrets: Sequence[str]) -> None:
    given = from_base64(request.header(*headers))
    if not is_one_of(given, [hmac_sha256(one.encode(), request.body) for one in secrets]):
        raise SignatureRefused("no signature fits")


def _app(secret: str) -> tuple[str, str]:
    key, colon, rest = secret.partition(":")
    if not (key and colon and rest):
        raise unusable("names no app", "write it as app_key:app_secret")
    return key, rest


def _signed_headers(request: Signed) -> Iterator[tuple[str, str]]:
    for name in filter(None, (one.strip() for one in request.told("top-sign-list").split(","))):
        yield name, request.told(name.lower())


def _form(body: bytes) -> dict[str, str]:
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    fields.pop("sign", None)
    return fields


def _check_top_time(text: str, now: datetime) -> None:
    try:
        at = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=TOP_ZONE)
    except ValueError:
        raise SignatureRefused("timestamp is not written as 2026-01-02 03:04:05") from None
    if abs(now - at) > TOP_TOLERANCE:
        raise SignatureRefused(f"timestamp is {(now - at).total_seconds():.0f} s old")
