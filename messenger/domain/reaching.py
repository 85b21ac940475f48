"""Reaching a buyer: over which channel, at which address, carried by whom, and who the buyer is to us."""

from __future__ import annotations

from collections.abc import Collection

from messenger.domain.messages import Category, Reason
from messenger.domain.orders import Buyer, Order
from messenger.domain.shops import Desk, Shop
from messenger.domain.suppressions import Suppression


def reach(
    channels: Collection[str], *, shop: Shop, order: Order, category: Category, suppression: Suppression | None = None
) -> tuple[str, str] | Reason:
    """Return the first channel that the shop has and that reaches the buyer, with the recipient; else why there is none.

    Args:
        channels: in the rule's order.
        shop: whose message.
        order: as it is now.
        category: of the message.
        suppression: what forbids such a message to the buyer's e-mail address. For want of a mailbox the next channel is
            tried; where somebody wants no such message, none is.
    """
    had = [channel for channel in channels if channel in shop.channels]
    if not had:
        return Reason.NO_CHANNEL
    if category is not Category.TRANSACTIONAL and category in order.buyer.unsubscribed:
        return Reason.SUPPRESSED
    if suppression is not None and suppression.is_wish:
        return Reason.SUPPRESSED
    for channel in had:
        if channel == "email" and suppression is not None:
            continue
        recipient = order.buyer.email if channel == "email" else _on_platform(order)
        if recipient:
            return channel, recipient
    return Reason.NO_RECIPIENT if suppression is None else Reason.SUPPRESSED


def desk_for(channels: Collection[str], *, shop: Shop, order: Order, category: Category) -> Desk | None:
    """Return the people who would have to send the message by hand; None when no one has to."""
    if not shop.desks:
        return None
    way = reach(channels, shop=shop, order=order, category=category)
    return None if isinstance(way, Reason) else shop.desks.get(shop.channels[way[0]])


def buyer_of(order: Order) -> str:
    """Return who the buyer is, within the shop: by id, else by address without case, else the order itself."""
    keys = buyer_keys(order.buyer)
    return keys["buyer_key"] or keys["email_key"] or f"order:{order.number}"


def buyer_keys(buyer: Buyer) -> dict[str, str]:
    """Return the names under which events about this buyer may come: by id, and by e-mail address without case."""
    return {
        "buyer_key": f"id:{buyer.id}" if buyer.id else "",
        "email_key": f"email:{buyer.email.casefold()}" if buyer.email else "",
    }


def _on_platform(order: Order) -> str:
    """Platforms find the buyer by the order; the order's number always names a conversation."""
    return order.buyer.id or order.number
