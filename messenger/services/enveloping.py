"""What a letter carries besides its text: its id, its thread, the way back, and the way out for who wants no more."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, urlsplit

import idna

from messenger.domain.mailing import Mailing
from messenger.domain.messages import Category, Key, PlannedMessage
from messenger.domain.orders import Order
from messenger.domain.shops import Shop
from messenger.domain.verp import address_for
from messenger.ports import Store
from messenger.services.tokens import unsubscribe_token

ONE_CLICK: Final = "List-Unsubscribe=One-Click"
_NOT_FOR_IDS = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only this installation knows, by what it is for."""

    message_id: bytes
    bounces: bytes
    unsubscribe: bytes
    addresses: bytes = b""

    def __repr__(self) -> str:
        return "Secrets(…)"

    @classmethod
    def of(cls, store: Store) -> Self:
        """Return the secrets of an installation, made on first use."""
        return cls(*map(store.secret, ("message-id", "bounces", "unsubscribe", "addresses")))

    @classmethod
    def pretended(cls, text: bytes) -> Self:
        """Return secrets for letters that never leave."""
        return cls(text, text, text, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What goes around a text.

    Args:
        message_id: without angle brackets.
        headers: beyond those that every letter has, in order.
        return_path: where bounces go; empty: the shop's address.
        unsubscribe: the link for the text; empty where the kind of message asks for none.
    """

    message_id: str
    headers: tuple[tuple[str, str], ...]
    return_path: str
    unsubscribe: str


def envelope(message: PlannedMessage, *, shop: Shop, recipient: str, mailing: Mailing, secrets: Secrets) -> Envelope:
    """Return what a message carries besides its text. The same message always carries the same."""
    ways: tuple[str, ...] = ()
    if message.category is not Category.TRANSACTIONAL:
        ways = ways_out(message, shop=shop, recipient=recipient, mailing=mailing, secrets=secrets)
    bounces = mailing.bounces.get(message.transport or "", "")
    return Envelope(
        message_id=message_id(message.key, shop, secrets),
        headers=tuple(_headers(message, shop, secrets, ways)),
        return_path=address_for(message.id, domain=bounces, secret=secrets.bounces) if bounces and message.id else "",
        unsubscribe=ways[0] if ways else "",
    )


def about(order: Order) -> tuple[tuple[str, str], ...]:
    """Return what a platform wants to know of an order before it lets us write about it."""
    placed = order.placed_at
    return ("Order", order.number), *([("Placed-At", placed.isoformat())] if placed is not None else [])


def message_id(key: Key, shop: Shop, secrets: Secrets) -> str:
    """Return the Message-ID of a message: it follows from its key, so that every try and every restart gives the same."""
    return f"{_sign(secrets.message_id, str(key))}@{domain_of(shop)}"


def thread_id(shop: Shop, order: str, secrets: Secrets) -> str:
    """Return the id that all messages about an order answer to.

    No message has it itself: which one is the first cannot be known before it was sent, and may be another after all.
    Mail programs gather what refers to the same id, whether they have seen it or not.
    """
    return f"{_sign(secrets.message_id, f'thread/{shop.id}/{order}')}@{domain_of(shop)}"


def ways_out(
    message: PlannedMessage, *, shop: Shop, recipient: str, mailing: Mailing, secrets: Secrets
) -> tuple[str, ...]:
    """Return where to say that one wants no more of such messages: the link, if we have one, and an address."""
    token = unsubscribe_token(
        secrets.unsubscribe, shop=shop.id, category=message.category, address=recipient, addresses=secrets.addresses
    )
    mailto = f"mailto:{quote(mailbox_of(shop), safe='@')}?subject={quote(f'unsubscribe {token}')}"
    return (f"{mailing.public_url}/u/{token}", mailto) if mailing.public_url else (mailto,)


def plain_url(url: str) -> str:
    """Return a link as a header can hold it: ASCII, no query, no slash at its end; empty for none."""
    parts = urlsplit(url)
    if not parts.hostname:
        return ""
    host = parts.hostname if parts.hostname.isascii() else idna.encode(parts.hostname, uts46=True).decode("ascii")
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{quote(parts.path, safe='/%~')}".rstrip("/")


def mailbox_of(shop: Shop) -> str:
    """Return the bare address a shop writes from, its domain in ASCII form."""
    return f"{_address(shop).rpartition('@')[0]}@{domain_of(shop)}"


def domain_of(shop: Shop) -> str:
    """Return the domain a shop writes from, in its ASCII form and in small letters."""
    domain = _address(shop).rpartition("@")[2]
    return domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")


def _address(shop: Shop) -> str:
    return shop.sender.rpartition("<")[2].rstrip("> ")


def _headers(message: PlannedMessage, shop: Shop, secrets: Secrets, ways: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if shop.reply_to:
        yield "Reply-To", shop.reply_to
    thread = f"<{thread_id(shop, message.order, secrets)}>"
    yield "In-Reply-To", thread
    yield "References", thread
    yield "Feedback-ID", feedback_id(message, shop)
    if ways:
        yield "List-Unsubscribe", ", ".join(f"<{way}>" for way in ways)
    if ways and ways[0].startswith("https:"):
        yield "List-Unsubscribe-Post", ONE_CLICK


def feedback_id(message: PlannedMessage, shop: Shop) -> str:
    """Return what a mailbox provider counts complaints by: template, shop, kind, and a name for the sender.

    Nothing in it tells one buyer or message from another. The name follows from the domain and never changes.
    """
    parts = [_NOT_FOR_IDS.sub("-", part) for part in (message.template, shop.id, str(message.category))]
    return ":".join([*parts, "m" + hashlib.sha256(domain_of(shop).encode()).hexdigest()[:11]])


def _sign(secret: bytes, text: str) -> str:
    return hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]
