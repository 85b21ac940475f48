"""What each line of a parcel's history means: exact codes first, then how a code ends. Source: docs/sources.md, S42."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from messenger.domain.events import ShipmentState as State

_EXACT: Final[Mapping[State, str]] = {
    State.INFO_RECEIVED: "CONSIGN OM_CONSIGN GTMS_ASN LAST_MILE_ASN_NOTIFY GWMS_ACCEPT",
    State.PICKED_UP: "PU_PICKUP_SUCCESS PU_SIGN_IN_SUCCESS GOT",
    State.EXPORT_CUSTOMS: "CC_EX_START CC_EX_SUCCESS",
    State.DEPARTED_ORIGIN: "LH_DEPART",
    State.IN_TRANSIT: (
        "CW_INBOUND CW_OUTBOUND SC_INBOUND_SUCCESS SC_OUTBOUND_SUCCESS SC_HO_OUT_SUCCESS SC_SIGN_IN_SUCCESS TD_TRANS_ARRIVE "
        "TD_TRANS_DEPART GWMS_PICK GWMS_PACKAGE GWMS_OUTBOUND GWMS_HANDOVER DEPARTURE ARRIVAL LH_HO_IN_SUCCESS LH_HO_AIRLINE "
        "LH_HO_OUT_SUCCESS CC_TRANS_START CC_TRANS_SUCCESS LH_OTHER COMMON_INTRANSIT COMMON_ACCEPT COMMON_DEPART GTMS_ACCEPT "
        "GTMS_SC_ARRIVE GTMS_DO_ARRIVE GTMS_DO_DEPART GTMS_STATION_IN GTMS_STATION_OUT GTMS_RELABEL"
    ),
    State.ARRIVED_DESTINATION: "LH_ARRIVE",
    State.IMPORT_CUSTOMS: "CC_IM_START CC_IM_PROCESS CC_HO_IN_SUCCESS CUS_DECLARE",
    State.CUSTOMS_ACTION_NEEDED: "CUS_TAX CC_EX_FAILURE CC_IM_FAILURE CC_TRANS_FAILURE CUS_FAILURE CIQ_FAILURE",
    State.CUSTOMS_RELEASED: "CC_IM_SUCCESS CC_HO_OUT_SUCCESS CUS_SUCCESS CIQ_SUCCESS",
    State.OUT_FOR_DELIVERY: "GTMS_DELIVERING GTMS_RE_DELIVERING SENT_SCAN",
    State.AVAILABLE_FOR_PICKUP: "GTMS_WAIT_SELF_PICK GSTA_INBOUND GSTAHUB_INBOUND POSTMAN_POST",
    State.DELIVERED: "GTMS_SIGNED GTMS_STA_SIGNED SIGNED GSTA_SIGN GSTA_BUYER_SIGN STA_SIGN COMMON_SIGNED",
    State.DELIVERY_FAILED: "GTMS_DEL_FAILURE GTMS_SIGN_FAILURE GTMS_STA_SIGN_FAILURE GTMS_FAILURE FAILED",
    State.RETURNED: "RETURNED RT_INBOUND",
    State.EXCEPTION: "RT_DESTROY RT_WH_DESTROY REJECT GWMS_EXCEPTION GWMS_CANCEL",
}  # fmt: skip
EXACT: Final[Mapping[str, State]] = {code: state for state, codes in _EXACT.items() for code in codes.split()}
AMBIGUOUS: Final = "COMMON_INTRANSIT"
"""Also said before anything has moved: it counts only beside others."""


def state_of(code: str) -> State | None:
    """Return the state that a line of a history tells; None for a note, and for a code that nobody knows.

    The list of codes is open-ended.
    """
    known = EXACT.get(code)
    if known is not None:
        return known
    if code.startswith("RT_"):
        return State.RETURNING
    if code.startswith("CC_HO_") and code.endswith("_FAILURE"):
        return State.CUSTOMS_ACTION_NEEDED
    if code.endswith("_SIGN_FAIL"):
        return State.DELIVERY_FAILED
    if code.startswith("GTMS_STA_"):
        return None  # the address of a pick-up point has changed
    return State.EXCEPTION if code.endswith(("_FAILURE", "_FAIL")) else None


def states_of(codes: Mapping[int, str]) -> Iterator[tuple[int, State]]:
    """Yield which line tells which state; one that may mean anything counts only beside others."""
    is_alone = set(codes.values()) <= {AMBIGUOUS}
    for line, code in codes.items():
        state = state_of(code)
        if state is not None and not (is_alone and code == AMBIGUOUS):
            yield line, state
