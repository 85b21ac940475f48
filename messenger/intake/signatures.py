"""Who sent a delivery: one function for every way in which senders sign. Constant time, several secrets, raw bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from messenger.intake import ebay_signature, standard
from messenger.intake import platform_signatures as platforms
from messenger.intake.signed import SignatureRefused, Signed

__all__ = ["Scheme", "SignatureRefused", "Signed", "verified"]


class Scheme(StrEnum):
    """A way of signing; the word that stands in messenger.toml."""

    STANDARD = "standard"
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    AFTERSHIP = "aftership"
    SEVENTEENTRACK = "17track"
    ALIEXPRESS = "aliexpress"
    TOP = "top"
    EBAY = "ebay"


_CHECKS: Final[Mapping[Scheme, Callable[[Signed, Sequence[str], datetime], str]]] = {
    Scheme.STANDARD: standard.verify,
    Scheme.SHOPIFY: platforms.shopify,
    Scheme.WOOCOMMERCE: platforms.woocommerce,
    Scheme.AFTERSHIP: platforms.aftership,
    Scheme.SEVENTEENTRACK: platforms.seventeentrack,
    Scheme.ALIEXPRESS: platforms.aliexpress,
    Scheme.TOP: platforms.top,
}


def verified(scheme: str, request: Signed, secrets: Sequence[str], now: datetime, *, public_key: str = "") -> str:
    """Return the id of a delivery: the same when the same is sent again.

    What names a delivery is not signed by every sender, so that an id only saves work: events have ids of their own.

    Args:
        scheme: how it is signed.
        request: as it arrived.
        secrets: those that are in use, several while they rotate; of eBay none is needed here.
        now: aware, UTC; only some senders sign when they sent.
        public_key: of eBay: the key that ``ebay_signature.key_id`` names, looked up by the caller.

    Raises:
        SignatureRefused: it is not signed with any of them, or not now.
        ConfigurationError: a secret cannot be used as this scheme needs it.
    """
    if scheme == Scheme.EBAY:
        return ebay_signature.verify(request, public_key)
    return _CHECKS[Scheme(scheme)](request, secrets, now)
