"""What each of 17TRACK's words means. New ones may appear: then the main status counts. Source: docs/sources.md, S51."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from messenger.domain.events import ShipmentState as State

MAIN: Final[Mapping[str, State]] = {
    "NotFound": State.UNKNOWN,
    "InfoReceived": State.INFO_RECEIVED,
    "InTransit": State.IN_TRANSIT,
    "Expired": State.EXPIRED,
    "AvailableForPickup": State.AVAILABLE_FOR_PICKUP,
    "OutForDelivery": State.OUT_FOR_DELIVERY,
    "DeliveryFailure": State.DELIVERY_FAILED,
    "Delivered": State.DELIVERED,
    "Exception": State.EXCEPTION,
}
CUSTOMS: Final = "InTransit_CustomsProcessing"
"""Of either country: which one follows from whether the parcel has left."""
SUB: Final[Mapping[str, State]] = {
    "InTransit_PickedUp": State.PICKED_UP,
    "InTransit_Departure": State.DEPARTED_ORIGIN,
    "InTransit_Arrival": State.ARRIVED_DESTINATION,
    CUSTOMS: State.IMPORT_CUSTOMS,
    "InTransit_CustomsReleased": State.CUSTOMS_RELEASED,
    "InTransit_CustomsRequiringInformation": State.CUSTOMS_ACTION_NEEDED,
    "Exception_Returning": State.RETURNING,
    "Exception_Returned": State.RETURNED,
}
STAGES: Final[Mapping[str, State]] = {
    "InfoReceived": State.INFO_RECEIVED,
    "PickedUp": State.PICKED_UP,
    "Departure": State.DEPARTED_ORIGIN,
    "Arrival": State.ARRIVED_DESTINATION,
    "AvailableForPickup": State.AVAILABLE_FOR_PICKUP,
    "OutForDelivery": State.OUT_FOR_DELIVERY,
    "Delivered": State.DELIVERED,
    "Returning": State.RETURNING,
    "Returned": State.RETURNED,
}
"""Milestones, which a single event of a carrier may name."""
REASONS: Final[Mapping[str, str]] = {
    "InvalidCode": "invalid_number",
    "NoBody": "nobody_there",
    "Security": "security",
    "Rejected": "refused",
    "InvalidAddress": "bad_address",
    "Damage": "damaged",
    "Delayed": "delayed",
    "Lost": "lost",
    "Destroyed": "destroyed",
    "Cancel": "cancelled",
}
"""Why a parcel is in trouble, by the second part of a sub-status."""


def state_of(status: str, sub_status: str = "", stage: str = "", *, has_left: bool = True) -> State | None:
    """Return the neutral state; None when nothing of it is known.

    Args:
        status: the main status; empty for a single event, which has none.
        sub_status: of the parcel, or of an event.
        stage: the milestone that an event is.
        has_left: whether the parcel had left its country by then.
    """
    if sub_status == CUSTOMS and not has_left:
        return State.EXPORT_CUSTOMS
    known = SUB.get(sub_status) or STAGES.get(stage)
    return known or MAIN.get(sub_status.partition("_")[0]) or MAIN.get(status)


def reason_of(sub_status: str) -> str:
    """Return why a parcel is in trouble, in a word; empty when it is not, or nothing is said."""
    return REASONS.get(sub_status.partition("_")[2], "")
