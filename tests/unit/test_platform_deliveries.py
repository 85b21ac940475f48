"""What Shopify, WooCommerce and AfterShip post, as events; what is odd is left out, what is none is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from messenger.domain.events import ShipmentState, parse_event
from messenger.errors import EventError
from messenger.platforms.aftership import deliveries as aftership
from messenger.platforms.shopify import deliveries as shopify
from messenger.platforms.woocommerce import deliveries as woocommerce
from messenger.ports import Hint
from messenger.ports.deliveries import Delivery, ForAPerson, IfNew, NotForUs, Reader

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

LINE = {"title": "Kite", "sku": "K-1", "quantity": 2, "price": "9.95", "grams": 200}
SHOPIFY_ORDER: dict[str, object] = {
    "id": 450789469, "name": "#1001", "order_number": 1001, "email": "ana@example.com", "created_at": "2026-03-01T10:00:00+01:00",
    "updated_at": "2026-03-02T09:00:00+01:00", "financial_status": "paid", "fulfillment_status": None, "cancelled_at": None,
    "total_price": "24.90", "currency": "EUR", "customer_locale": "es-ES", "payment_gateway_names": ["paypal"],
    "order_status_url": "https://toys.example/orders/1", "shipping_lines": [{"title": "Correos 48h"}], "line_items": [LINE],
    "customer": {"id": 207119551, "first_name": "Ana", "last_name": "Ruiz", "email": "a@example.com"},
    "shipping_address": {"name": "Ana Ruiz", "country_code": "ES", "province_code": "M", "city": "Madrid", "zip": "28001",
                         "phone": "+34600000000"},
    "fulfillments": [], "refunds": [],
}  # fmt: skip
PARCEL: dict[str, object] = {
    "id": 255858046, "order_id": 450789469, "name": "#1001.1", "status": "success", "created_at": "2026-03-02T08:00:00Z",
    "updated_at": "2026-03-02T08:30:00Z", "tracking_company": "Correos", "tracking_number": "PQ4X", "tracking_numbers": ["PQ4X"],
    "tracking_url": "https://correos.example/PQ4X", "shipment_status": "in_transit", "line_items": [LINE],
}  # fmt: skip
WOO_ORDER: dict[str, object] = {
    "id": 727, "number": "727", "status": "processing", "currency": "EUR", "total": "29.35", "customer_id": 26,
    "date_created_gmt": "2026-03-01T09:00:00", "date_modified_gmt": "2026-03-02T09:00:00", "date_paid_gmt": "2026-03-01T09:05:00",
    "date_completed_gmt": None, "payment_method_title": "Bank card", "customer_note": "ring twice",
    "billing": {"first_name": "Ана", "last_name": "Петрова", "email": "ana@example.com", "country": "RU", "phone": "+7900"},
    "shipping": {"first_name": "Ана", "last_name": "Петрова", "country": "KZ", "state": "ALA", "city": "Алматы", "postcode": "050000"},
    "line_items": [{"id": 315, "name": "Kite", "sku": "", "quantity": 1, "price": 29.35}], "shipping_lines": [{"method_title": "Post"}],
    "meta_data": [{"key": "wpml_language", "value": "ru"}], "refunds": [],
}  # fmt: skip


def told(read: Reader, body: object, **headers: str) -> dict[str, dict[str, object]]:
    """What a reader tells, by id: each one a whole event."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    delivery = Delivery(source="hook", id="d", received_at=NOW, headers=named, body=raw)
    documents = [one.document if isinstance(one, IfNew) else one for one in read(delivery) if not isinstance(one, Hint)]
    for one in documents:
        whole: dict[str, object] = {"specversion": "1.0", "source": "hook"} | dict(one)
        data = whole["data"]
        assert isinstance(data, Mapping)
        parse_event(whole | {"data": {"shop": "toys"} | dict(data)})
    found = {str(one["id"]): dict(one) for one in documents}
    assert len(found) == len(documents)
    return found


def types(found: Mapping[str, Mapping[str, object]]) -> list[object]:
    return [one["type"] for one in found.values()]


def by_shopify(body: object, topic: str = "orders/updated") -> dict[str, dict[str, object]]:
    return told(shopify.read, body, x_shopify_topic=topic)


def by_woo(body: object, topic: str = "order.updated") -> dict[str, dict[str, object]]:
    return told(woocommerce.read, body, x_wc_webhook_topic=topic)


def test_an_order_of_shopify_is_told_whole() -> None:
    found = by_shopify(SHOPIFY_ORDER)

    assert types(found) == ["order.placed", "order.updated", "order.paid"]
    placed, updated, paid = found.values()
    assert (placed["id"], placed["time"], placed["subject"]) == (
        "order/450789469/placed",
        "2026-03-01T09:00:00Z",
        "#1001",
    )
    assert updated["data"] == {
        "order": {
            "platform_status": "paid", "total": "24.90", "currency": "EUR", "payment_method": "paypal",
            "shipping_method": "Correos 48h", "url": "https://toys.example/orders/1",
            "items": [{"title": "Kite", "sku": "K-1", "quantity": 2, "price": "9.95"}],
        },
        "buyer": {
            "id": "207119551", "name": "Ana Ruiz", "email": "ana@example.com", "phone": "+34600000000", "language": "es-ES",
            "country": "ES", "region": "M", "city": "Madrid", "postcode": "28001",
        },
    }  # fmt: skip
    assert (paid["id"], paid["time"]) == ("order/450789469/paid", "2026-03-01T09:00:00Z")
    assert by_shopify(SHOPIFY_ORDER, "orders/paid")["order/450789469/paid"]["time"] == "2026-03-02T08:00:00Z"


def test_the_same_body_tells_the_same_whatever_its_unsigned_topic_says() -> None:
    topics = ["orders/create", "orders/updated", "orders/cancelled", "orders/fulfilled"]

    assert len({json.dumps(by_shopify(SHOPIFY_ORDER, topic)) for topic in topics}) == 1
    assert list(by_shopify(SHOPIFY_ORDER, "orders/paid")) == list(by_shopify(SHOPIFY_ORDER))


def test_other_content_at_the_same_time_has_another_name() -> None:
    other = SHOPIFY_ORDER | {"email": "ana@example.org"}

    assert [one for one in by_shopify(other) if one not in by_shopify(SHOPIFY_ORDER)] == [
        one for one in by_shopify(other) if "/updated/" in one
    ]


def test_parcels_cancellation_and_refunds_stand_in_the_order() -> None:
    refund = {
        "id": 509562969, "created_at": "2026-03-02T09:10:00Z",
        "transactions": [{"kind": "refund", "status": "success", "amount": "10.10", "currency": "EUR"},
                         {"kind": "refund", "status": "success", "amount": "0.20", "currency": "EUR"},
                         {"kind": "refund", "status": "pending", "amount": "5.00", "currency": "EUR"}],
    }  # fmt: skip
    found = by_shopify(
        SHOPIFY_ORDER
        | {"fulfillment_status": "fulfilled", "fulfillments": [PARCEL], "refunds": [refund, {"id": 2, "transactions": []}],
           "cancelled_at": "2026-03-02T09:00:00Z", "cancel_reason": "customer"}
    )  # fmt: skip

    assert types(found)[3:] == [
        "order.cancelled",
        "order.shipped",
        "refund.issued",
        "shipment.updated",
        "shipment.in_transit",
    ]
    assert found["order/450789469/cancelled/2026-03-02T09:00:00Z"]["data"] == {"order": {"end_reason": "customer"}}
    assert found["order/450789469/fulfilled/2026-03-02T08:00:00Z"]["data"] == {
        "order": {"shipped_at": "2026-03-02T08:00:00Z"}
    }
    assert found["refund/509562969"]["data"] == {"refund": {"amount": "10.30", "currency": "EUR"}}
    (updated,) = [one["data"] for name, one in found.items() if name.startswith("fulfillment/255858046/updated")]
    assert updated == {
        "shipment": {
            "id": "255858046", "number": "PQ4X", "carrier": "Correos", "tracking_url": "https://correos.example/PQ4X",
            "items": [{"title": "Kite", "sku": "K-1", "quantity": 2, "price": "9.95"}],
        }
    }  # fmt: skip


def test_a_partly_sent_order_and_a_parcel_that_was_called_off() -> None:
    called_off = PARCEL | {"status": "cancelled"}

    assert (
        types(
            by_shopify(SHOPIFY_ORDER | {"fulfillment_status": "partial", "fulfillments": [PARCEL, called_off]})
        ).count("shipment.updated")
        == 1
    )
    assert "order.partly_shipped" in types(
        by_shopify(SHOPIFY_ORDER | {"fulfillment_status": "partial", "fulfillments": [PARCEL]})
    )
    assert types(by_shopify(SHOPIFY_ORDER | {"fulfillment_status": "fulfilled", "fulfillments": [called_off]})) == [
        "order.placed", "order.updated", "order.paid",
    ]  # fmt: skip


def test_a_parcel_alone_names_its_order_by_its_own_name() -> None:
    found = by_shopify(PARCEL, "fulfillments/update")

    assert {one["subject"] for one in found.values()} == {"#1001"}
    assert set(found) <= set(by_shopify(SHOPIFY_ORDER | {"fulfillments": [PARCEL]}))


@pytest.mark.parametrize(("status", "state", "reason"), [
    ("label_printed", "info_received", None), ("confirmed", "info_received", None), ("carrier_picked_up", "picked_up", None),
    ("in_transit", "in_transit", None), ("delayed", "exception", "delayed"), ("out_for_delivery", "out_for_delivery", None),
    ("attempted_delivery", "delivery_failed", None), ("ready_for_pickup", "available_for_pickup", None),
    ("delivered", "delivered", None), ("failure", "exception", None),
])  # fmt: skip
def test_a_movement_of_shopify_is(status: str, state: str, reason: str | None) -> None:
    body = {
        "id": 9, "fulfillment_id": 255858046, "status": status, "happened_at": "2026-03-02T10:00:00+01:00", "city": "Madrid",
        "country": "ES",
    }  # fmt: skip
    (found,) = by_shopify(body, "fulfillment_events/create").values()

    assert (found["id"], found["type"], found["time"]) == (
        "fulfillment_event/9",
        f"shipment.{state}",
        "2026-03-02T09:00:00Z",
    )
    assert "subject" not in found
    parcel = {"id": "255858046", "state": state, "at": "2026-03-02T09:00:00Z", "place": "Madrid, ES"}
    assert found["data"] == {"shipment": parcel | ({"reason": reason} if reason else {})}


@pytest.mark.parametrize("topic", sorted(shopify.PRIVACY))
def test_what_only_a_person_does_is_told_without_an_address(topic: str) -> None:
    body = {
        "shop_id": 954889, "shop_domain": "toys.example", "orders_to_redact": [299938, 280263],
        "customer": {"id": 191167, "email": "john@example.com", "phone": "555-625-1199"},
    }  # fmt: skip
    with pytest.raises(ForAPerson) as error:
        by_shopify(body, topic)

    assert str(error.value) == f"{topic}: customer 191167; orders 299938, 280263"


@pytest.mark.parametrize("topic", ["products/update", "refunds/create", ""])
def test_other_topics_are_not_for_us(topic: str) -> None:
    with pytest.raises(NotForUs, match=topic or "no topic"):
        by_shopify({}, topic)


def test_what_cannot_be_used_is_left_out_and_the_order_stays() -> None:
    odd = SHOPIFY_ORDER | {
        "email": "not an address", "customer": None, "customer_locale": 7, "currency": "euro", "total_price": "a lot",
        "order_status_url": "javascript:alert(1)", "shipping_address": {"country_code": "Spain", "zip": "28001"},
    }  # fmt: skip
    (updated,) = [one["data"] for one in by_shopify(odd).values() if one["type"] == "order.updated"]

    assert updated["buyer"] == {"postcode": "28001"}  # type: ignore[index]  # an event's data
    assert set(updated["order"]) == {"platform_status", "payment_method", "shipping_method", "items"}  # type: ignore[index]  # as above


@pytest.mark.parametrize(("read", "headers", "body", "problem"), [
    pytest.param(shopify.read, {"x-shopify-topic": "orders/paid"}, b"", "is not JSON", id="empty"),
    pytest.param(shopify.read, {"x-shopify-topic": "orders/paid"}, b"[]", "is not a JSON object", id="a list"),
    pytest.param(shopify.read, {"x-shopify-topic": "orders/paid"}, b"{}", "the order has no number", id="an empty order"),
    pytest.param(shopify.read, {"x-shopify-topic": "orders/paid"}, b'{"id":1,"name":"#1"}', "updated_at: tells no time", id="no time"),
    pytest.param(
        shopify.read, {"x-shopify-topic": "orders/paid"}, b'{"id":1,"name":"#1","updated_at":"2026-03-02T10:00:00"}', "tells no time",
        id="a time without its offset"),
    pytest.param(shopify.read, {"x-shopify-topic": "fulfillment_events/create"}, b'{"status":"delivered","created_at":"2026-03-02T10:00:00Z"}',
                 "it names the parcel", id="a movement of no parcel"),
    pytest.param(woocommerce.read, {"x-wc-webhook-topic": "order.updated"}, b"webhook_id=7", "is not JSON", id="a form"),
    pytest.param(woocommerce.read, {"x-wc-webhook-topic": "order.deleted"}, b"{}", "the order has no number", id="nothing was deleted"),
    pytest.param(aftership.read, {}, b'{"event":"tracking_update","msg":{}}', "it names the parcel", id="no parcel"),
    pytest.param(aftership.read, {}, b'{"a":' * 100 + b"1" + b"}" * 100, "deeper than 32", id="100 levels"),
])  # fmt: skip
def test_a_body_is_refused_for(read: Reader, headers: dict[str, str], body: bytes, problem: str) -> None:
    with pytest.raises(EventError, match=problem):
        list(read(Delivery(source="hook", id="d", received_at=NOW, headers=headers, body=body)))


# --- WooCommerce ----------------------------------------------------------------------------------------------------


def test_an_order_of_woocommerce_is_told_whole() -> None:
    found = by_woo(WOO_ORDER)

    assert types(found) == ["order.placed", "order.updated", "order.paid"]
    placed, updated, paid = found.values()
    assert (placed["id"], placed["time"], placed["subject"]) == ("order/727/placed", "2026-03-01T09:00:00Z", "727")
    assert updated["data"] == {
        "order": {
            "platform_status": "processing", "total": "29.35", "currency": "EUR", "payment_method": "Bank card",
            "shipping_method": "Post", "items": [{"title": "Kite", "quantity": 1, "price": "29.35"}],
        },
        "buyer": {
            "id": "26", "name": "Ана Петрова", "email": "ana@example.com", "phone": "+7900", "language": "ru", "country": "KZ",
            "region": "ALA", "city": "Алматы", "postcode": "050000",
        },
    }  # fmt: skip
    assert (paid["id"], paid["data"]) == (
        "order/727/processing/2026-03-01T09:05:00Z",
        {"order": {"paid_at": "2026-03-01T09:05:00Z"}},
    )


@pytest.mark.parametrize(("status", "changes", "type_"), [
    pytest.param("pending", {}, None, id="waits for its payment"),
    pytest.param("on-hold", {}, "order.payment_pending", id="waits for a transfer"),
    pytest.param("processing", {"date_paid_gmt": None}, "order.paid", id="paid on delivery"),
    pytest.param("completed", {"date_completed_gmt": "2026-03-02T08:00:00"}, "order.shipped", id="has left"),
    pytest.param("cancelled", {}, "order.cancelled", id="was cancelled"),
    pytest.param("failed", {}, None, id="its payment failed"),
    pytest.param("refunded", {}, None, id="was refunded"),
    pytest.param("packed-by-hand", {}, None, id="a shop's own status"),
])  # fmt: skip
def test_a_status_of_woocommerce_tells(status: str, changes: dict[str, object], type_: str | None) -> None:
    found = by_woo(WOO_ORDER | {"status": status} | changes)

    assert types(found)[2:] == ([type_] if type_ else [])


def test_a_guest_has_no_id_and_is_addressed_where_the_bill_goes() -> None:
    order = WOO_ORDER | {"customer_id": 0, "shipping": {"country": ""}}
    (updated,) = [one["data"] for one in by_woo(order).values() if one["type"] == "order.updated"]

    buyer = updated["buyer"]  # type: ignore[index]  # an event's data
    assert "id" not in buyer
    assert (buyer["country"], buyer["phone"]) == ("RU", "+7900")


def test_refunds_and_the_parcels_of_plug_ins_are_told() -> None:
    parcels = [
        {"tracking_number": "RR1", "tracking_provider": "Post", "tracking_id": "t1", "date_shipped": "1772438400"},
        {},
    ]
    order = WOO_ORDER | {
        "refunds": [{"id": 5, "total": "-10.00"}], "meta_data": [{"key": woocommerce.PARCELS, "value": parcels}, {"key": "x", "value": 1}],
    }  # fmt: skip
    found = by_woo(order)

    assert found["order/727/refund/5"]["data"] == {"refund": {"amount": "10.00", "currency": "EUR"}}
    (parcel,) = [one for one in found.values() if one["type"] == "shipment.updated"]
    assert (parcel["time"], parcel["data"]) == (
        "2026-03-02T08:00:00Z",
        {"shipment": {"number": "RR1", "carrier": "Post"}},
    )


def test_an_order_that_was_thrown_away_is_cancelled() -> None:
    (found,) = by_woo({"id": 727}, "order.deleted").values()

    assert (found["type"], found["subject"], found["time"]) == ("order.cancelled", "727", "2026-03-02T12:00:00Z")
    with pytest.raises(NotForUs, match=r"product\.created"):
        by_woo({"id": 1}, "product.created")


# --- AfterShip ------------------------------------------------------------------------------------------------------

SUBTAGS = {
    "Pending_001": "unknown", "Pending_006": "unknown", "InfoReceived_001": "info_received", "InTransit_001": "in_transit",
    "InTransit_002": "picked_up", "InTransit_003": "in_transit", "InTransit_004": "arrived_destination",
    "InTransit_005": "customs_released", "InTransit_006": "import_customs", "InTransit_007": "in_transit",
    "InTransit_008": "in_transit", "InTransit_009": "in_transit", "OutForDelivery_001": "out_for_delivery",
    "OutForDelivery_003": "out_for_delivery", "OutForDelivery_004": "out_for_delivery", "AvailableForPickup_001": "available_for_pickup",
    "AttemptFail_001": "delivery_failed", "AttemptFail_003": "delivery_failed", "Delivered_001": "delivered", "Delivered_002": "delivered",
    "Delivered_003": "delivered", "Delivered_004": "delivered", "Exception_001": "exception", "Exception_002": "delivery_failed",
    "Exception_003": "delivery_failed", "Exception_004": "customs_action_needed", "Exception_005": "exception",
    "Exception_006": "customs_action_needed", "Exception_007": "delivery_failed", "Exception_008": "delivery_failed",
    "Exception_009": "delivery_failed", "Exception_010": "returning", "Exception_011": "returned", "Exception_012": "exception",
    "Exception_013": "exception", "Expired_001": "expired",
}  # fmt: skip


@pytest.mark.parametrize(("subtag", "state"), SUBTAGS.items())
def test_a_subtag_of_aftership_is(subtag: str, state: str) -> None:
    assert aftership.state_of(subtag.partition("_")[0], subtag) == ShipmentState(state)


@pytest.mark.parametrize(("tag", "subtag", "state"), [
    ("InTransit", "InTransit_099", "in_transit"), ("InTransit", "", "in_transit"), ("", "Delivered_077", "delivered"), ("New", "New_1", ""),
])  # fmt: skip
def test_a_new_subtag_means_what_its_tag_means(tag: str, subtag: str, state: str) -> None:
    assert aftership.state_of(tag, subtag) == state


def test_a_parcel_of_aftership_is_told_movement_by_movement() -> None:
    body = {
        "event": "tracking_update", "event_id": "0d1e", "ts": 1767323045,
        "msg": {
            "tracking_number": "RR123456789CN", "slug": "china-post", "tag": "InTransit", "subtag": "InTransit_006", "order_id": "8134",
            "expected_delivery": "2026-01-12", "checkpoints": [
                {"tag": "InTransit", "subtag": "InTransit_002", "checkpoint_time": "2026-01-01T10:00:00+08:00", "city": "Shenzhen",
                 "country_name": "China"},
                {"tag": "InTransit", "subtag": "InTransit_006", "checkpoint_time": "2026-01-02T09:00:00", "location": "Madrid"},
            ],
        },
    }  # fmt: skip
    updated, picked_up, customs = told(aftership.read, body).values()

    assert (updated["type"], updated["subject"]) == ("shipment.updated", "8134")
    assert updated["data"] == {
        "shipment": {
            "number": "RR123456789CN", "carrier": "china-post", "eta_from": "2026-01-12", "eta_to": "2026-01-12",
            "checked_at": "2026-01-02T03:04:05Z",
        }
    }  # fmt: skip
    assert (picked_up["type"], picked_up["time"]) == ("shipment.picked_up", "2026-01-01T02:00:00Z")
    assert picked_up["id"] == "parcel/RR123456789CN/InTransit_002/2026-01-01T02:00:00Z"
    assert (customs["type"], customs["time"]) == ("shipment.import_customs", "2026-01-02T03:04:05Z")


def test_without_movements_its_state_is_told_and_without_an_order_its_number() -> None:
    body = {
        "event": "tracking_update",
        "ts": 1767323045,
        "msg": {"tracking_number": "R1", "tag": "Exception", "subtag": "Exception_013"},
    }
    _, lost = told(aftership.read, body).values()

    assert "subject" not in lost
    assert lost["data"] == {
        "shipment": {"number": "R1", "state": "exception", "reason": "lost", "at": "2026-01-02T03:04:05Z"}
    }
    with pytest.raises(NotForUs, match="return_update"):
        told(aftership.read, {"event": "return_update", "msg": {}})
