"""What the lines of a parcel's history mean."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from messenger.domain.events import ShipmentState, parse_event
from messenger.platforms.aliexpress.actions import EXACT, state_of, states_of
from messenger.platforms.aliexpress.areas import area_of, country_of
from messenger.platforms.aliexpress.tracking import Parcel, events_of

PARCEL = Parcel(order="8134", number="LP1", method="CAINIAO_STANDARD", country="BR")
BEIJING = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(("code", "expected"), [
    ("CONSIGN", "info_received"), ("PU_PICKUP_SUCCESS", "picked_up"), ("SC_INBOUND_SUCCESS", "in_transit"),
    ("CC_EX_SUCCESS", "export_customs"), ("LH_DEPART", "departed_origin"), ("LH_ARRIVE", "arrived_destination"),
    ("CC_IM_START", "import_customs"), ("CUS_TAX", "customs_action_needed"), ("CC_IM_SUCCESS", "customs_released"),
    ("GTMS_DO_ARRIVE", "in_transit"), ("GTMS_DELIVERING", "out_for_delivery"), ("GSTA_INBOUND", "available_for_pickup"),
    ("GTMS_STA_SIGNED", "delivered"), ("GTMS_SIGN_FAILURE", "delivery_failed"), ("GTMS_STA_SIGN_FAILURE", "delivery_failed"),
    ("LAST_MILE_SIGN_FAIL", "delivery_failed"), ("CC_IM_FAILURE", "customs_action_needed"),
    ("CC_HO_OUT_FAILURE", "customs_action_needed"), ("RT_ACCEPT", "returning"), ("RT_INBOUND", "returned"),
    ("RETURNED", "returned"), ("RT_DESTROY", "exception"), ("GTMS_STA_ADDRESS_CHANGE", None), ("SC_INBOUND_FAILURE", "exception"),
    ("REJECT", "exception"), ("GWMS_CANCEL", "exception"), ("SOMETHING_NEW", None), ("", None),
])  # fmt: skip
def test_each_code_means_a_state(code: str, expected: str | None) -> None:
    found = state_of(code)

    assert (found and str(found)) == expected


def test_no_code_means_two_states() -> None:
    assert len(EXACT) == 82
    assert set(EXACT.values()) == set(ShipmentState) - {
        ShipmentState.UNKNOWN,
        ShipmentState.RETURNING,
        ShipmentState.EXPIRED,
    }


def test_a_line_that_may_mean_anything_counts_only_beside_others() -> None:
    assert list(states_of({0: "COMMON_INTRANSIT"})) == []
    assert [state for _, state in states_of({0: "COMMON_INTRANSIT", 1: "LH_DEPART"})] == [
        "in_transit",
        "departed_origin",
    ]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_history_becomes_events_of_the_parcel(wrapped: bool) -> None:
    lines = [
        {"event_date": "2026-03-01 18:00:00", "status": "CC_IM_FAILURE", "event_desc": "documents missing", "address": "Sao Paulo"},
        {"event_date": "2026-02-20 08:00:00", "status": "LH_DEPART", "address": "Hangzhou"},
        {"event_date": "soon", "status": "GTMS_SIGNED"},
    ]  # fmt: skip
    answer = {"details": {"details": lines} if wrapped else lines, "official_website": "track.example.com"}
    found = list(events_of(answer, PARCEL, zone=BEIJING))

    assert [(one["type"], one["time"], one["subject"]) for one in found] == [
        ("shipment.customs_action_needed", "2026-03-01T10:00:00Z", "8134"),
        ("shipment.departed_origin", "2026-02-20T00:00:00Z", "8134"),
    ]
    assert found[0]["data"] == {
        "shipment": {"number": "LP1", "place": "Sao Paulo", "reason": "documents missing", "tracking_url": "https://track.example.com"}
    }  # fmt: skip
    assert list(events_of(answer, PARCEL, zone=BEIJING)) == found
    for one in found:
        parse_event({"specversion": "1.0", "source": "x", **one, "data": {"shop": "toys"} | dict(one["data"])})  # type: ignore[call-overload]  # a document


def test_countries_are_named_as_the_platform_does() -> None:
    assert [area_of(one) for one in ("GB", "RS", "BR", None, "")] == ["UK", "SRB", "BR", "Other", "Other"]
    assert country_of("uk") == "GB"
