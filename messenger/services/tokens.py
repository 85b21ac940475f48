"""Tokens with which a buyer asks for no more messages of a kind: they say all by themselves, and only we can make them.

A token holds the shop, the kind of message and the key of the address, never the address. It does not run out: the link in
a letter of years ago still works.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from typing import Final

from messenger.domain.messages import Category
from messenger.domain.suppressions import KEY_LENGTH, address_key

VERSION: Final = 1
KINDS: Final = tuple(Category)
_KEY_BYTES: Final = KEY_LENGTH // 2
_MAC_BYTES: Final = 16
LONGEST: Final = 300
"""Characters of a token at most; a longer text is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a buyer asks for.

    Args:
        shop: whose messages.
        category: which kind.
        address: the key of the address.
    """

    shop: str
    category: Category
    address: str


def unsubscribe_token(secret: bytes, *, shop: str, category: Category, address: str, addresses: bytes) -> str:
    """Return the token of a letter: at most 300 characters of base64url.

    Args:
        secret: known to this installation only.
        shop: id of the shop.
        category: kind of the letter.
        address: the recipient's.
        addresses: the secret that address keys are made with.
    """
    return seal(secret, Wish(shop=shop, category=category, address=address_key(addresses, address)))


def seal(secret: bytes, wish: Wish) -> str:
    """Return the token that says this."""
    told = bytes((VERSION, KINDS.index(wish.category))) + bytes.fromhex(wish.address) + wish.shop.encode()
    return base64.urlsafe_b64encode(told + _mac(secret, told)).rstrip(b"=").decode("ascii")


def read_token(secret: bytes, token: str) -> Wish | None:
    """Return what a token says; None for anything that we did not make."""
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    told, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if len(told) < 2 + _KEY_BYTES or not hmac.compare_digest(mac, _mac(secret, told)):
        return None
    if told[0] != VERSION or told[1] >= len(KINDS):
        return None
    shop = told[2 + _KEY_BYTES :].decode("utf-8", "replace")
    return Wish(shop=shop, category=KINDS[told[1]], address=told[2 : 2 + _KEY_BYTES].hex())


def _mac(secret: bytes, told: bytes) -> bytes:
    return hmac.digest(secret, b"unsubscribe\0" + told, "sha256")[:_MAC_BYTES]
