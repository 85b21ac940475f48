"""What the platform posts: hints at orders, and what means nothing to us."""

from __future__ import annotations

import json

import pytest

from messenger.errors import EventError
from messenger.platforms.aliexpress.deliveries import read
from messenger.ports import Hint
from messenger.ports.deliveries import Delivery, NotForUs
from tests.builders import utc

VECTOR = (
    b'{"seller_id":"1234567","message_type":53,"data":{"orderId":1105933950463697,"orderStatus":"OrderShipped"},'
    b'"timestamp":1719389200,"site":"ae_global"}'
)


def delivery(body: bytes) -> Delivery:
    return Delivery(source="push", id="d1", received_at=utc("2026-03-02T12:00"), body=body)


def told(**body: object) -> list[object]:
    return list(read(delivery(json.dumps(body).encode())))


def test_a_push_is_a_hint_at_its_order() -> None:
    assert list(read(delivery(VECTOR))) == [Hint(source="push", ref="1105933950463697")]


@pytest.mark.parametrize("body", [
    {"message_type": 0, "data": {"trade_order_id": "8134000000000001"}},
    {"message_type": 18, "data": {"order_id": 8134000000000001}},
    {"topic": "aliexpress_order_WaitSellerSendGoods", "content": {"order_id": 8134000000000001}},
])  # fmt: skip
def test_every_push_about_an_order_names_it_in_its_own_way(body: dict[str, object]) -> None:
    assert told(**body) == [Hint(source="push", ref="8134000000000001")]


@pytest.mark.parametrize("body", [
    {"message_type": 21, "data": {"orderId": 1}}, {"message_type": 65, "data": {}}, {"message_type": 999, "data": {"orderId": 1}},
    {"message_type": 0, "data": {"ping": 1}}, {"data": {"orderId": 1}}, {},
])  # fmt: skip
def test_what_is_about_no_order_is_kept_and_means_nothing(body: dict[str, object]) -> None:
    with pytest.raises(NotForUs):
        told(**body)


@pytest.mark.parametrize("number", ["' OR 1=1", "9" * 25, "-5", "1.5"])
def test_what_can_be_no_order_number_is_refused(number: str) -> None:
    with pytest.raises(EventError, match="no order number"):
        told(message_type=53, data={"orderId": number})


def test_a_body_that_is_cut_short_is_refused() -> None:
    with pytest.raises(EventError, match="is not JSON"):
        list(read(delivery(VECTOR[:60])))
