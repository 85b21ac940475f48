"""What an order of the platform tells: what happened when, once, and how it stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from messenger.domain.events import parse_event
from messenger.domain.folding import fold
from messenger.domain.orders import Order
from messenger.errors import EventError
from messenger.platforms.aliexpress.events import TYPES, events_of
from messenger.ports.deliveries import IfNew
from tests.builders import utc
from tests.platforms.aliexpress_server import an_order, pacific

SEEN = utc("2026-03-02T12:00")
NUMBER = "8134000000000001"
Told = dict[str, Any]  # Any: JSON of a test


def read(order: Told) -> list[Told]:
    return [dict(one.document if isinstance(one, IfNew) else one) for one in events_of(order, seen_at=SEEN)]


def an(status: str, **more: object) -> Told:
    return an_order(NUMBER, status=status, at=SEEN, **more)


def types(order: Told) -> list[str]:
    return [one["type"] for one in read(order) if one["type"] != "order.updated"]


def folded(*orders: Told) -> Order:
    documents = [one for order in orders for one in read(order)]
    source = {"specversion": "1.0", "source": "aliexpress/toys"}
    return fold(parse_event(source | one | {"data": {"shop": "toys"} | one["data"]}) for one in documents)


@pytest.mark.parametrize(("status", "expected", "stands"), [
    ("PLACE_ORDER_SUCCESS", ["order.placed"], "placed"),
    ("PAYMENT_PROCESSING", ["order.placed", "order.payment_pending"], "placed"),
    ("WAIT_GROUP_SUCCESS", ["order.placed", "order.payment_pending"], "placed"),
    ("RISK_CONTROL", ["order.placed", "order.payment_review"], "payment_review"),
    ("RISK_CONTROL_HOLD", ["order.placed", "order.payment_review"], "payment_review"),
    ("WAIT_SELLER_EXAMINE_MONEY", ["order.placed", "order.payment_review"], "payment_review"),
    ("WAIT_SELLER_SEND_GOODS", ["order.placed", "order.paid"], "paid"),
    ("IN_CANCEL", ["order.placed", "order.cancel_requested"], "placed"),
    ("IN_FROZEN", ["order.placed", "order.paid", "order.frozen"], "frozen"),
    ("FUND_PROCESSING", ["order.placed", "order.paid", "order.received"], "received"),
    ("IN_ISSUE", ["order.placed", "order.paid", "dispute.opened"], "paid"),
    ("A_STATUS_OF_NEXT_YEAR", ["order.placed", "order.paid"], "paid"),
])  # fmt: skip
def test_each_status_tells_what_has_happened(status: str, expected: list[str], stands: str) -> None:
    assert types(an(status)) == expected
    assert folded(an(status)).status == stands
    assert folded(an(status)).platform_status == status


@pytest.mark.parametrize(("status", "expected", "stands"), [
    ("SELLER_PART_SEND_GOODS", "order.partly_shipped", "partly_shipped"), ("WAIT_BUYER_ACCEPT_GOODS", "order.shipped", "shipped"),
])  # fmt: skip
def test_when_it_left_is_told_by_its_own_time(status: str, expected: str, stands: str) -> None:
    sent = SEEN - timedelta(minutes=30)
    order = an(status, gmt_send_goods_time=pacific(sent))

    (told,) = [one for one in read(order) if one["type"] == expected]
    assert (told["time"], told["data"]) == ("2026-03-02T11:30:00Z", {"order": {"shipped_at": "2026-03-02T11:30:00Z"}})
    assert (folded(order).status, folded(order).shipped_at) == (stands, sent)


@pytest.mark.parametrize("status", ["WAIT_BUYER_ACCEPT_GOODS", "WAIT_SELLER_SEND_GOODS", "SELLER_PART_SEND_GOODS"])
def test_without_a_time_of_its_own_it_is_told_by_the_change(status: str) -> None:
    order = an(status, gmt_pay_time="", gmt_send_goods_time="")

    (told,) = [one for one in read(order) if one["type"] == TYPES[status]]
    assert told["time"] == "2026-03-02T12:00:00Z"


def test_an_archived_order_tells_nothing() -> None:
    assert read(an("ARCHIVE")) == []


def test_an_order_without_a_number_is_refused() -> None:
    with pytest.raises(EventError, match="no number"):
        read(an("RISK_CONTROL") | {"order_id": None})


def test_the_same_order_has_the_same_events_a_little_later() -> None:
    order = an("WAIT_SELLER_SEND_GOODS", timeout_left_time=86_400_000)
    later = order | {"timeout_left_time": 86_400_000 - 60_000}
    again = [
        dict(one.document if isinstance(one, IfNew) else one)
        for one in events_of(later, seen_at=SEEN + timedelta(minutes=1))
    ]

    assert again == read(order)


@pytest.mark.parametrize(("status", "name"), [
    ("PLACE_ORDER_SUCCESS", "pay_by"), ("WAIT_SELLER_SEND_GOODS", "ship_by"), ("SELLER_PART_SEND_GOODS", "ship_by"),
    ("WAIT_BUYER_ACCEPT_GOODS", "deliver_by"),
])  # fmt: skip
def test_time_left_becomes_a_deadline(status: str, name: str) -> None:
    assert getattr(folded(an(status, timeout_left_time="3600000")), name) == SEEN + timedelta(hours=1)
    assert getattr(folded(an(status, timeout_left_time=-3_600_000)), name) == SEEN - timedelta(hours=1)


@pytest.mark.parametrize("left", ["", "soon", 10**13, "9" * 40])
def test_time_left_that_is_none_becomes_no_deadline(left: object) -> None:
    assert folded(an("PLACE_ORDER_SUCCESS", timeout_left_time=left)).pay_by is None


def test_parcels_are_known_by_their_numbers_and_whether_they_arrived() -> None:
    parcels = [
        {"logistics_no": "LP1", "logistics_type_code": "CAINIAO_STANDARD", "gmt_send": pacific(SEEN - timedelta(days=9)),
         "receive_status": "received", "gmt_received": pacific(SEEN - timedelta(days=1))},
        {"logistics_no": "LP2", "logistics_service_name": "ePacket", "gmt_send": pacific(SEEN - timedelta(days=8)),
         "receive_status": "default"},
        {"logistics_no": ""},
    ]  # fmt: skip
    order = folded(an("WAIT_BUYER_ACCEPT_GOODS", logistic_info_list={"aeop_tp_logistics_info_dto": parcels}))

    assert [(one.number, one.method, str(one.state)) for one in order.shipments] == [
        ("LP1", "CAINIAO_STANDARD", "delivered"), ("LP2", "ePacket", "unknown"),
    ]  # fmt: skip


def test_a_dispute_is_opened_and_closed() -> None:
    begun = SEEN - timedelta(hours=5)
    opened = an(
        "IN_ISSUE", issue_info={"issue_status": "IN_ISSUE", "issue_time": pacific(begun), "issue_model": "refund"}
    )
    closed = an("WAIT_BUYER_ACCEPT_GOODS", issue_status="END_ISSUE", gmt_update=pacific(SEEN + timedelta(hours=1)))

    (dispute,) = folded(opened).disputes
    assert (dispute.opened_at, dispute.reason, dispute.is_open) == (begun, "refund", True)
    (dispute,) = folded(opened, closed).disputes
    assert not dispute.is_open


def test_a_refund_is_issued_once_whenever_it_is_read() -> None:
    told = {"refund_status": "refund_ok", "refund_cash_amt": {"amount": "5", "currency_code": "USD"}}
    found = [one for one in events_of(an("FUND_PROCESSING", refund_info=told), seen_at=SEEN) if isinstance(one, IfNew)]

    (refund,) = [one.document for one in found if one.document["type"] == "refund.issued"]
    assert (refund["id"], refund["data"]) == (
        f"order/{NUMBER}/refunded",
        {"refund": {"amount": "5.00", "currency": "USD"}},
    )


@pytest.mark.parametrize(
    ("area", "country"), [("UK", "GB"), ("SRB", "RS"), ("ks", "XK"), ("BR", "BR"), ("Other", None)]
)
def test_countries_are_told_as_iso_calls_them(area: str, country: str | None) -> None:
    assert folded(an("RISK_CONTROL", receipt_address={"country": area})).buyer.country == country


def test_what_cannot_be_used_is_left_out_and_the_order_is_known() -> None:
    order = an(
        "RISK_CONTROL",
        order_detail_url="javascript:alert(1)",
        pay_amount={"amount": "much", "currency_code": "dollars"},
    )

    assert (folded(order).total, folded(order).currency, folded(order).url) == (None, None, None)
    assert folded(order).buyer.id == f"b{NUMBER}"
