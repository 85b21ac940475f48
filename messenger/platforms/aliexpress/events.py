"""Orders as the platform tells them, turned into events: what happened when, and how the order stands.

The same order read again gives the same events; what has no time of its own is told only when it is news.
Source: docs/sources.md, S41.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from messenger.errors import EventError
from messenger.platforms.aliexpress.answers import list_of
from messenger.platforms.aliexpress.sighting import Sighting, buyer_fields, end_reason, moment, order_fields
from messenger.platforms.aliexpress.times import pacific
from messenger.platforms.reading import Fields, amount, inner, sections, short_digest, text
from messenger.ports.deliveries import IfNew

log = logging.getLogger(__name__)

Fact = Mapping[str, object] | IfNew
"""An event as a document, or one that counts only when it is news."""

TYPES: Final[Mapping[str, str]] = {
    "PLACE_ORDER_SUCCESS": "order.placed",
    "PAYMENT_PROCESSING": "order.payment_pending",
    "WAIT_GROUP_SUCCESS": "order.payment_pending",
    "RISK_CONTROL": "order.payment_review",
    "RISK_CONTROL_HOLD": "order.payment_review",
    "WAIT_SELLER_EXAMINE_MONEY": "order.payment_review",
    "WAIT_SELLER_SEND_GOODS": "order.paid",
    "SELLER_PART_SEND_GOODS": "order.partly_shipped",
    "WAIT_BUYER_ACCEPT_GOODS": "order.shipped",
    "FUND_PROCESSING": "order.received",
    "IN_CANCEL": "order.cancel_requested",
    "IN_ISSUE": "order.updated",  # the dispute is an event of its own
    "IN_FROZEN": "order.frozen",
}
"""What each status means; FINISH depends on why it ended, ARCHIVE means nothing."""
FINISH: Final = "FINISH"
GOT_IT: Final = frozenset({"buyer_confirm_goods", "buyer_accept_goods"})
COMPLETED: Final = GOT_IT | {"buyer_confirm_goods_timeout", "buyer_accept_goods_timeout"}
"""Reasons of an end that is a success. With any other, known or not, nobody may say that it was delivered."""
UNPAID: Final = frozenset({
    "PLACE_ORDER_SUCCESS", "PAYMENT_PROCESSING", "WAIT_GROUP_SUCCESS", "RISK_CONTROL", "RISK_CONTROL_HOLD", "WAIT_SELLER_EXAMINE_MONEY",
})  # fmt: skip
"""Whatever has been paid, it does not count yet."""


def events_of(order: Fields, *, seen_at: datetime) -> Iterator[Fact]:
    """Yield what an order tells.

    Args:
        order: as a list or a detail call gives it, or both together.
        seen_at: when it was read; what is left of a span of time is counted from then.

    Raises:
        EventError: it has no number.
    """
    seen = Sighting(order, seen_at)
    if not seen.number:
        raise EventError("order_id", "the order has no number")
    if seen.status == "ARCHIVE":
        return
    if seen.status not in TYPES and seen.status != FINISH:
        log.warning("status_unknown", extra={"order": seen.number[:40], "status": seen.status[:60]})
    yield from _milestones(seen)
    yield from _now(seen)
    yield from _parcels(seen)
    yield from _dispute(seen)
    yield from _refund(seen)


def _milestones(seen: Sighting) -> Iterator[Fact]:
    """What has a time of its own, and therefore the same name each time it is read."""
    placed_at = seen.placed_at
    if placed_at is not None:
        yield _event(seen, "placed", "order.placed", placed_at, {"order": {"placed_at": moment(placed_at)}})
    paid_at = seen.at("gmt_pay_time", not_before=placed_at)
    if paid_at is not None and _counts_as_paid(seen):
        yield _event(seen, f"paid/{moment(paid_at)}", "order.paid", paid_at, {"order": {"paid_at": moment(paid_at)}})
    sent_at = seen.at("gmt_send_goods_time", not_before=paid_at)
    if sent_at is not None and not _is_over_in_vain(seen):
        is_part = seen.status == "SELLER_PART_SEND_GOODS"
        name, type_ = ("part", "order.partly_shipped") if is_part else ("shipped", "order.shipped")
        data = {"order": {"shipped_at": moment(sent_at)}}
        yield _event(seen, f"{name}/{moment(sent_at)}", type_, sent_at, data)


def _counts_as_paid(seen: Sighting) -> bool:
    return seen.status not in UNPAID and seen.status != "IN_CANCEL" and not _is_over_in_vain(seen)


def _is_over_in_vain(seen: Sighting) -> bool:
    return seen.status == FINISH and end_reason(seen.order) not in COMPLETED


def _now(seen: Sighting) -> Iterator[Fact]:
    """How it stands: all that is known of it, named by when it changed and what it says."""
    data = sections(order=order_fields(seen), buyer=buyer_fields(seen.order))
    at, type_ = seen.changed_at, _type_now(seen)
    yield _event(seen, f"{seen.status}/{moment(at)}/{short_digest(data)}", "order.updated", at, data)
    if type_ in TOLD_BY_MILESTONES and _has_milestone(seen, type_):
        return
    if type_ != "order.updated":
        yield IfNew(document=_event(seen, _name(seen, type_, at), type_, at, {}), among=NOW_TYPES)
    if type_ == "order.completed" and end_reason(seen.order) in GOT_IT:
        yield IfNew(document=_event(seen, "received", "order.received", at, {}), among=frozenset({"order.received"}))


TOLD_BY_MILESTONES: Final = frozenset({"order.placed", "order.paid", "order.shipped", "order.partly_shipped"})
ONCE: Final = frozenset({"order.received", "order.completed", "order.cancelled"})
NOW_TYPES: Final = frozenset(TYPES.values()) - {"order.updated"} | {"order.completed", "order.cancelled"}


def _has_milestone(seen: Sighting, type_: str) -> bool:
    named = {"order.placed": "gmt_create", "order.paid": "gmt_pay_time"}.get(type_, "gmt_send_goods_time")
    return seen.at(named) is not None


def _name(seen: Sighting, type_: str, at: datetime) -> str:
    """What can happen once has the same name whenever it is read; an order may be frozen, or go into review, again."""
    return type_.removeprefix("order.") if type_ in ONCE else f"{seen.status}/{moment(at)}"


def _type_now(seen: Sighting) -> str:
    if seen.status != FINISH:
        return TYPES.get(seen.status, "order.updated")
    return "order.completed" if end_reason(seen.order) in COMPLETED else "order.cancelled"


def _parcels(seen: Sighting) -> Iterator[Fact]:
    """Each parcel, and that it arrived where the platform knows that it did."""
    for one in list_of(seen.order, "logistic_info_list", "logistics_info_list"):
        number = text(one, "logistics_no")
        sent_at = pacific(text(one, "gmt_send")) or seen.at("gmt_send_goods_time")
        if not number or sent_at is None:
            continue
        parcel = {"shipment": {"number": number, "method": text(one, "logistics_type_code", "logistics_service_name")}}
        told = sections(**parcel)
        yield _event(seen, f"parcel/{number}/{short_digest(told)}", "order.updated", sent_at, told)
        received_at = pacific(text(one, "gmt_received"), not_before=sent_at)
        if received_at is not None and text(one, "receive_status") == "received":
            there = {"shipment": {"number": number}}
            yield _event(seen, f"parcel/{number}/received", "shipment.delivered", received_at, there)


def _dispute(seen: Sighting) -> Iterator[Fact]:
    issue = inner(seen.order, "issue_info")
    status = text(issue, "issue_status") or text(seen.order, "issue_status")
    is_open = seen.status == "IN_ISSUE" or status == "IN_ISSUE"
    if not is_open and status != "END_ISSUE":
        return
    type_ = "dispute.opened" if is_open else "dispute.closed"
    at = (pacific(text(issue, "issue_time"), not_before=seen.placed_at) if is_open else None) or seen.changed_at
    data = sections(dispute={"state": status or seen.status, "reason": text(issue, "issue_model", "issue_reason")})
    yield IfNew(document=_event(seen, f"{type_}/{moment(at)}", type_, at, data), among=DISPUTE)


DISPUTE: Final = frozenset({"dispute.opened", "dispute.closed"})


def _refund(seen: Sighting) -> Iterator[Fact]:
    told = inner(seen.order, "refund_info")
    if text(told, "refund_status").lower() != "refund_ok":
        return
    at = pacific(text(told, "refund_time"), not_before=seen.placed_at) or seen.changed_at
    cash = inner(told, "refund_cash_amt", "refund_amount")
    data = sections(refund={"amount": amount(text(cash, "amount")), "currency": text(cash, "currency_code")})
    yield IfNew(document=_event(seen, "refunded", "refund.issued", at, data))


def _event(seen: Sighting, name: str, type_: str, at: datetime, data: Mapping[str, object]) -> dict[str, object]:
    return {
        "id": f"order/{seen.number}/{name}",
        "type": type_,
        "time": moment(at),
        "subject": seen.number,
        "data": dict(data),
    }
