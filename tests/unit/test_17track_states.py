"""Every status and sub-status of 17TRACK, and what it means."""

from __future__ import annotations

import pytest

from messenger.domain.events import ShipmentState
from messenger.platforms.seventeentrack.failures import Trouble, trouble_of
from messenger.platforms.seventeentrack.states import reason_of, state_of

VECTORS = [
    ("NotFound_Other", "unknown", ""),
    ("NotFound_InvalidCode", "unknown", "invalid_number"),
    ("InfoReceived", "info_received", ""),
    ("InTransit_PickedUp", "picked_up", ""),
    ("InTransit_Departure", "departed_origin", ""),
    ("InTransit_Arrival", "arrived_destination", ""),
    ("InTransit_CustomsProcessing", "import_customs", ""),
    ("InTransit_CustomsReleased", "customs_released", ""),
    ("InTransit_CustomsRequiringInformation", "customs_action_needed", ""),
    ("InTransit_Other", "in_transit", ""),
    ("Expired_Other", "expired", ""),
    ("AvailableForPickup_Other", "available_for_pickup", ""),
    ("OutForDelivery_Other", "out_for_delivery", ""),
    ("DeliveryFailure_Other", "delivery_failed", ""),
    ("DeliveryFailure_NoBody", "delivery_failed", "nobody_there"),
    ("DeliveryFailure_Security", "delivery_failed", "security"),
    ("DeliveryFailure_Rejected", "delivery_failed", "refused"),
    ("DeliveryFailure_InvalidAddress", "delivery_failed", "bad_address"),
    ("Delivered_Other", "delivered", ""),
    ("Exception_Returning", "returning", ""),
    ("Exception_Returned", "returned", ""),
    ("Exception_Other", "exception", ""),
    ("Exception_NoBody", "exception", "nobody_there"),
    ("Exception_Security", "exception", "security"),
    ("Exception_Damage", "exception", "damaged"),
    ("Exception_Rejected", "exception", "refused"),
    ("Exception_Delayed", "exception", "delayed"),
    ("Exception_Lost", "exception", "lost"),
    ("Exception_Destroyed", "exception", "destroyed"),
    ("Exception_Cancel", "exception", "cancelled"),
]
"""Sub-status, neutral state, reason."""


@pytest.mark.parametrize(("sub_status", "state", "reason"), VECTORS)
def test_every_sub_status_has_its_state_and_reason(sub_status: str, state: str, reason: str) -> None:
    main = sub_status.partition("_")[0]

    assert state_of(main, sub_status) is ShipmentState(state)
    assert state_of("", sub_status) is ShipmentState(state)
    assert reason_of(sub_status) == reason


@pytest.mark.parametrize(
    ("main", "state"),
    [
        ("NotFound", "unknown"), ("InfoReceived", "info_received"), ("InTransit", "in_transit"), ("Expired", "expired"),
        ("AvailableForPickup", "available_for_pickup"), ("OutForDelivery", "out_for_delivery"),
        ("DeliveryFailure", "delivery_failed"), ("Delivered", "delivered"), ("Exception", "exception"),
    ],
)  # fmt: skip
def test_a_sub_status_that_is_new_or_missing_leaves_the_main_one(main: str, state: str) -> None:
    assert state_of(main) is ShipmentState(state)
    assert state_of(main, f"{main}_SomethingNew") is ShipmentState(state)


def test_customs_before_the_departure_are_those_of_the_sellers_country() -> None:
    assert state_of("InTransit", "InTransit_CustomsProcessing", has_left=False) is ShipmentState.EXPORT_CUSTOMS
    assert state_of("InTransit", "InTransit_PickedUp", has_left=False) is ShipmentState.PICKED_UP


@pytest.mark.parametrize(
    ("stage", "state"),
    [
        ("InfoReceived", "info_received"), ("PickedUp", "picked_up"), ("Departure", "departed_origin"), ("Arrival", "arrived_destination"),
        ("AvailableForPickup", "available_for_pickup"), ("OutForDelivery", "out_for_delivery"), ("Delivered", "delivered"),
        ("Returning", "returning"), ("Returned", "returned"),
    ],
)  # fmt: skip
def test_every_milestone_has_its_state(stage: str, state: str) -> None:
    assert state_of("", "", stage) is ShipmentState(state)


@pytest.mark.parametrize(("status", "sub_status", "stage"), [("", "", ""), ("Odd", "Odd_Other", "Odd")])
def test_what_nobody_knows_is_no_state(status: str, sub_status: str, stage: str) -> None:
    assert state_of(status, sub_status, stage) is None


CODES = {
    Trouble.SETTINGS: [-18010001, -18010002, -18010004, -18010005, *range(-18010209, -18010199)],
    Trouble.PASSING: [-18010003, -18019815, -18019816, -18019817, -1, -99999999],
    Trouble.DATA: [
        *(-18010010, -18010011, -18010012, -18010013, -18019904, -18019905, -18019906),
        *(code for code in range(-18019819, -18019799) if code not in {-18019815, -18019816, -18019817}),
    ],
    Trouble.MISTAKE: [-18010014],
    Trouble.KNOWN: [-18019901],
    Trouble.UNREGISTERED: [-18019902],
    Trouble.CARRIER: [-18019903, -18019910],
    Trouble.TOMORROW: [-18019907],
    Trouble.QUOTA: [-18019908],
    Trouble.LATER: [-18019909],
}


@pytest.mark.parametrize(("code", "trouble"), [(code, trouble) for trouble, codes in CODES.items() for code in codes])
def test_every_code_says_what_to_do(code: int, trouble: Trouble) -> None:
    assert trouble_of(code) is trouble
