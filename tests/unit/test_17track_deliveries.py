"""What 17TRACK posts, as events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from messenger.domain.events import Event, parse_event
from messenger.errors import EventError
from messenger.platforms.seventeentrack.deliveries import read
from messenger.platforms.seventeentrack.parcels import named, tag_of
from messenger.ports.deliveries import Delivery, IfNew, NotForUs, Told
from tests.builders import utc

VECTOR = (
    b'{"event":"TRACKING_UPDATED","data":{"number":"RR123456789CN","carrier":3011,"tag":"ae-1001","track_info":'
    b'{"latest_status":{"status":"InTransit","sub_status":"InTransit_CustomsProcessing","sub_status_descr":null}}}}'
)
LINES = [
    ("2026-03-09T08:00:00Z", "Delivered", "Delivered_Other", "Madrid"),
    ("2026-03-08T06:00:00Z", None, "InTransit_CustomsReleased", "Madrid"),
    ("2026-03-07T06:00:00Z", None, "InTransit_CustomsProcessing", "Madrid"),
    ("2026-03-06T06:00:00Z", "Arrival", "InTransit_Arrival", "Madrid"),
    ("2026-03-04T06:00:00Z", "Departure", "InTransit_Departure", "Shanghai"),
    ("2026-03-03T06:00:00Z", None, "InTransit_CustomsProcessing", "Shanghai"),
    ("2026-03-02T06:00:00Z", "PickedUp", "InTransit_PickedUp", "Yiwu"),
    ("2026-03-01T06:00:00Z", "InfoReceived", "InfoReceived", None),
]
"""Time, stage, sub-status, place; the newest first."""


def line(at: str, stage: str | None, sub_status: str | None, place: str | None) -> dict[str, Any]:
    return {
        "time_iso": at.replace("Z", "+00:00"), "time_utc": at, "time_raw": {"date": None, "time": None, "timezone": None},
        "description": "…", "description_translation": None, "location": place, "stage": stage, "sub_status": sub_status, "address": None,
    }  # fmt: skip


def info(*lines: tuple[str, str | None, str | None, str | None], **more: object) -> dict[str, Any]:
    made = [line(*one) for one in lines]
    latest = made[0] if made else None
    sub_status = str(latest["sub_status"]) if latest else "NotFound_Other"
    return {
        "shipping_info": None,
        "latest_status": {"status": sub_status.partition("_")[0], "sub_status": sub_status, "sub_status_descr": None},
        "latest_event": latest,
        "time_metrics": None,
        "milestone": [],
        "misc_info": None,
        "tracking": {
            "providers_hash": 1,
            "providers": [{
                "provider": {"key": 3011, "name": "China Post", "alias": "", "country": "CN"}, "latest_sync_time": "2026-03-09T09:00:00Z",
                "events_hash": 2, "events": made,
            }],
        },
    } | more  # fmt: skip


def told(told_info: dict[str, Any], *, tag: str = "toys/8134", number: str = "RR1CN") -> list[Event]:
    """The events of a delivery, as they would be taken in."""
    body = {
        "event": "TRACKING_UPDATED",
        "data": {"number": number, "carrier": 3011, "param": None, "tag": tag, "track_info": told_info},
    }
    return events(json.dumps(body).encode())


def events(body: bytes) -> list[Event]:
    delivery = Delivery(source="tracking", id="1", received_at=utc("2026-03-09T10:00"), body=body)
    return [parse_event(whole(one.document if isinstance(one, IfNew) else one)) for one in read(delivery)]


def whole(document: Told) -> dict[str, object]:
    """An event's document with what the source adds."""
    assert isinstance(document, dict)
    return {"specversion": "1.0", "source": "17track/toys", **document, "data": {"shop": "toys", **document["data"]}}


def states(found: list[Event]) -> list[str]:
    return [one.type.removeprefix("shipment.") for one in found]


def test_the_vector_of_the_reference() -> None:
    (found,) = events(VECTOR)

    assert (found.type, found.order, found.tracking_number) == ("shipment.import_customs", "ae-1001", "RR123456789CN")
    assert found.time == utc("2026-03-09T10:00")


def test_each_line_is_a_movement_at_its_time() -> None:
    found = told(info(*LINES))

    assert states(found) == [
        "delivered", "customs_released", "import_customs", "arrived_destination", "departed_origin", "export_customs", "picked_up",
        "info_received", "updated",
    ]  # fmt: skip
    assert [one.time for one in found[:2]] == [utc("2026-03-09T08:00"), utc("2026-03-08T06:00")]
    assert {one.order for one in found} == {"8134"}
    assert {one.shop for one in found} == {"toys"}
    assert found[0].data["shipment"]["place"] == "Madrid"


def test_the_same_parcel_told_later_gives_the_same_movements() -> None:
    before, after = told(info(*LINES[2:])), told(info(*LINES))

    assert [one for one in before if one.type != "shipment.updated"] == [
        one for one in after[2:] if one.type != "shipment.updated"
    ]


def test_what_no_line_says_the_status_does() -> None:
    late = info(("2026-03-07T06:00:00Z", None, None, "Madrid"))
    late["latest_status"] = {"status": "Exception", "sub_status": "Exception_Delayed", "sub_status_descr": None}

    found = told(late)

    assert states(found) == ["exception", "updated"]
    assert (found[0].data["shipment"]["reason"], found[0].time) == ("delayed", utc("2026-03-07T06:00"))


def test_a_line_of_which_nothing_is_known_moves_nothing() -> None:
    found = told(info(LINES[4], ("2026-03-03T12:00:00Z", None, None, "Shanghai")))

    assert states(found) == ["departed_origin", "updated"]


def test_customs_are_of_the_sellers_country_until_the_parcel_has_left() -> None:
    milestones = [
        {"key_stage": "PickedUp", "time_iso": None, "time_utc": "2026-03-02T06:00:00Z", "time_raw": None},
        {"key_stage": "Departure", "time_iso": None, "time_utc": None, "time_raw": None},
    ]
    found = told(info(("2026-03-03T06:00:00Z", None, "InTransit_CustomsProcessing", "Shanghai"), milestone=milestones))

    assert states(found) == ["export_customs", "updated"]


def test_the_number_in_the_buyers_country_is_told() -> None:
    misc = {"local_number": "PK99ES", "local_provider": "Correos", "local_key": 1}
    news = told(info(LINES[0], misc_info=misc))[-1].data["shipment"]

    last_mile = news["last_mile"]
    assert (getattr(last_mile, "number", ""), getattr(last_mile, "carrier", "")) == ("PK99ES", "Correos")
    assert (news["carrier"], news["tracking_url"]) == ("China Post", "https://t.17track.net/en#nums=RR1CN")


def test_a_local_number_that_is_the_number_itself_is_none() -> None:
    assert "last_mile" not in told(info(LINES[0], misc_info={"local_number": "RR1CN"}))[-1].data["shipment"]


@pytest.mark.parametrize(
    ("eta", "first", "last"),
    [
        ({"source": "x", "from": "2026-03-10T00:00:00Z", "to": "2026-03-12T00:00:00Z"}, "2026-03-10", "2026-03-12"),
        ({"source": "x", "from": "2026-03-10", "to": None}, "2026-03-10", "2026-03-10"),
        ({"source": "x", "from": None, "to": "2026-03-12"}, "2026-03-12", "2026-03-12"),
    ],
)
def test_when_it_is_expected_is_told(eta: dict[str, Any], first: str, last: str) -> None:
    news = told(info(LINES[3], time_metrics={"estimated_delivery_date": eta}))[-1].data["shipment"]

    assert (str(news["eta_from"]), str(news["eta_to"])) == (first, last)


def test_news_without_anything_new_has_the_same_name() -> None:
    first, second = told(info(LINES[3]))[-1], told(info(LINES[2], LINES[3]))[-1]

    assert first.id == second.id


@pytest.mark.parametrize(
    "told_info",
    [
        pytest.param({}, id="nothing"),
        pytest.param(dict.fromkeys(info(LINES[0])), id="everything is null"),
        pytest.param({"latest_status": {"status": "NotFound", "sub_status": "NotFound_Other"}}, id="not found yet"),
        pytest.param({"tracking": {"providers": [None, {"events": None}]}, "milestone": "x"}, id="odd shapes"),
        pytest.param(info(("yesterday", "Delivered", "Delivered_Other", "x")) | {"latest_status": None, "tracking": None}, id="no time"),
    ],
)  # fmt: skip
def test_what_says_nothing_is_no_event(told_info: dict[str, Any]) -> None:
    assert told(told_info) == []


def test_a_number_that_cannot_be_one_is_told() -> None:
    found = told({"latest_status": {"status": "NotFound", "sub_status": "NotFound_InvalidCode"}})

    assert [(one.type, one.data["shipment"]["reason"]) for one in found] == [("shipment.unknown", "invalid_number")]


def test_nothing_happens_later_than_it_is_told() -> None:
    found = told(info(("2027-01-01T00:00:00Z", "Delivered", "Delivered_Other", "x")))

    assert found[0].time == utc("2026-03-09T10:00")


def test_a_time_with_an_offset_is_understood() -> None:
    one = line("2026-03-09T08:00:00Z", "Delivered", "Delivered_Other", "x") | {
        "time_utc": None,
        "time_iso": "2026-03-09T09:00:00+01:00",
    }
    all_of_it = info(LINES[0])
    all_of_it["tracking"]["providers"][0]["events"] = [one]

    assert told(all_of_it)[0].time == utc("2026-03-09T08:00")


def test_two_carriers_of_one_parcel_are_read() -> None:
    all_of_it = info(LINES[4])
    all_of_it["tracking"]["providers"].append({"provider": {"name": "Correos"}, "events": [line(*LINES[0])]})

    assert states(told(all_of_it)) == ["departed_origin", "delivered", "updated"]


def test_a_parcel_that_is_no_longer_looked_for_is_no_event() -> None:
    assert events(b'{"event":"TRACKING_STOPPED","data":{"number":"RR1CN","carrier":3011,"tag":"toys/1"}}') == []


def test_another_kind_is_kept_for_people() -> None:
    with pytest.raises(NotForUs, match="TRACKING_RENAMED"):
        events(b'{"event":"TRACKING_RENAMED","data":{}}')


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"event":"TRACKING_UPDATED"}', b'{"event":"TRACKING_UPDATED","data":{"tag":"x"}}', VECTOR[:-3]],
)
def test_what_cannot_be_read_says_so(body: bytes) -> None:
    with pytest.raises(EventError):
        events(body)


@pytest.mark.parametrize(
    ("tag", "shop", "order"),
    [("toys/8134", "toys", "8134"), ("8134", "", "8134"), ("toys/a/b", "toys", "a/b"), ("", "", "")],
)
def test_a_tag_names_shop_and_order(tag: str, shop: str, order: str) -> None:
    assert named(tag) == (shop, order)
    if shop:
        assert tag_of(shop, order) == tag
