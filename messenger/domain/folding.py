"""Folding: from the events of an order, in any order of arrival, to the order as it is now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from messenger.domain.events import Event, Patch, ShipmentState
from messenger.domain.orders import (
    Buyer,
    Checkpoint,
    Dispute,
    Moment,
    Order,
    OrderStatus,
    Refund,
    Review,
    Shipment,
)

STATUS_OF: Final[Mapping[str, OrderStatus]] = {
    "order.placed": OrderStatus.PLACED,
    "order.payment_pending": OrderStatus.PLACED,
    "order.payment_review": OrderStatus.PAYMENT_REVIEW,
    "order.paid": OrderStatus.PAID,
    "order.partly_shipped": OrderStatus.PARTLY_SHIPPED,
    "order.shipped": OrderStatus.SHIPPED,
    "order.received": OrderStatus.RECEIVED,
    "order.completed": OrderStatus.COMPLETED,
    "order.cancelled": OrderStatus.CANCELLED,
    "order.frozen": OrderStatus.FROZEN,
}
_STATUS_RANK: Final = {status: rank for rank, status in enumerate(OrderStatus)}
_STATE_RANK: Final = {state: rank for rank, state in enumerate(ShipmentState)}
_MAY_GO_BACK: Final = frozenset({ShipmentState.DELIVERY_FAILED, ShipmentState.EXCEPTION, ShipmentState.EXPIRED})
_ARRIVED: Final = frozenset({ShipmentState.DELIVERED, ShipmentState.RETURNED})
_AFTER_ARRIVAL: Final = frozenset({ShipmentState.RETURNING, ShipmentState.RETURNED, ShipmentState.EXCEPTION})
_SHIPMENT_FIELDS: Final = ("number", "carrier", "method", "tracking_url", "last_mile", "hold_until", "eta_from", "eta_to",
                           "checked_at", "items")  # fmt: skip


def fold(events: Iterable[Event]) -> Order:
    """Return the order that these events tell of.

    The order of ``events`` does not matter, and neither do repeats: they are sorted by (time, id) first, so each field
    ends with the value of the latest event that told it.

    Args:
        events: all events of one order, and the events of its buyer that name no order; at least one names the order.

    Raises:
        ValueError: no event names an order.
    """
    unique = {(event.source, event.id): event for event in events}
    told = sorted(unique.values(), key=lambda event: (event.time, event.id, event.source))
    named = next((event for event in told if event.order is not None), None)
    if named is None or named.order is None:
        raise ValueError("none of the events names an order")
    aliases = _aliases(told)
    parcels: dict[str, _Parcel] = {}
    refs = [event.ref for event in told]
    for event, ref in zip(told, refs, strict=True):
        _track(event, ref, aliases, parcels)
    shipments = tuple(parcel.shipment() for parcel in parcels.values())
    bare = Order(shop=named.shop, number=named.order, status=_status(told), shipments=shipments)
    ignored = {id_ for parcel in parcels.values() for id_ in parcel.ignored}
    moments = [_moment(event, ref, aliases, ignored) for event, ref in zip(told, refs, strict=True)]
    return Order(
        shop=bare.shop,
        number=bare.number,
        status=bare.status,
        buyer=_buyer(told),
        shipments=shipments,
        disputes=_disputes(told),
        review=_review(told),
        refunds=tuple(_refund(event) for event in told if event.type == "refund.issued"),
        conversation_language=_merged(told, "message").get("language"),
        cancel_requested_at=next(
            (event.time for event in reversed(told) if event.type == "order.cancel_requested"), None
        ),
        history=_history(moments, bare),
        **_merged(told, "order"),
    )


def _merged(events: Sequence[Event], section: str) -> dict[str, Any]:  # Any: each value was typed by its own reader
    """The latest value of every field of one section; cleared fields fall back to the default of the dataclass."""
    merged: dict[str, Any] = {}
    for event in events:
        if section in event.data:
            merged.update(event.data[section])
    return {name: value for name, value in merged.items() if value is not None}


def _status(events: Sequence[Event]) -> OrderStatus:
    """The highest rank reached; frozen lasts until the platform tells another status."""
    reached = [STATUS_OF[event.type] for event in events if event.type in STATUS_OF]
    if reached and reached[-1] is OrderStatus.FROZEN:
        return OrderStatus.FROZEN
    return max(
        (one for one in reached if one is not OrderStatus.FROZEN),
        key=_STATUS_RANK.__getitem__,
        default=OrderStatus.PLACED,
    )


def _buyer(events: Sequence[Event]) -> Buyer:
    refused = {
        str(event.data.get("unsubscribed", {}).get("category") or "relational")
        for event in events
        if event.type == "buyer.unsubscribed"
    }
    return Buyer(**_merged(events, "buyer"), unsubscribed=frozenset(refused))


def _aliases(events: Sequence[Event]) -> dict[str, str]:
    """Which parcel each tracking number belongs to, whichever event told it first."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            name = root[name]
        return name

    for event in events:
        patch = event.data.get("shipment", {})
        names = [str(patch[key]) for key in ("id", "previous_number", "number") if patch.get(key)]
        for other in names[1:]:
            first, second = find(names[0]), find(other)
            if first != second:
                root[second] = first
        for name in names[:1]:
            find(name)
    return {name: find(name) for name in root}


@dataclass(slots=True)
class _Parcel:
    """A shipment while it is being folded."""

    id: str
    fields: dict[str, Any] = field(default_factory=dict)  # Any: each value was typed by its own reader
    numbers: dict[str, None] = field(default_factory=dict)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    ignored: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)

    def take(self, patch: Patch) -> None:
        """Take what one event tells. A number that another one replaced names the parcel, but does not come back."""
        names_old = patch.get("number") in self.replaced and not patch.get("previous_number")
        for name in _SHIPMENT_FIELDS:
            if name in patch and not (name == "number" and names_old):
                self.fields[name] = patch[name]
        for key in ("previous_number", "number"):
            if patch.get(key) and not names_old:
                number = str(patch[key])
                self.numbers.pop(number, None)
                self.numbers[number] = None
        if patch.get("previous_number"):
            self.replaced.add(str(patch["previous_number"]))
            self.replaced.discard(str(patch.get("number")))

    def shipment(self) -> Shipment:
        ordered = sorted(self.checkpoints, key=lambda one: (one.at, _STATE_RANK[one.state], one.event_id))
        current: Checkpoint | None = None
        delivered_at: datetime | None = None
        for checkpoint in ordered:
            if current is not None and not _moves_on(current.state, checkpoint.state):
                self.ignored.add(checkpoint.event_id)
                continue
            if checkpoint.state is ShipmentState.DELIVERED and (
                current is None or current.state is not ShipmentState.DELIVERED
            ):
                delivered_at = checkpoint.at
            if current is None or checkpoint.state is not current.state:
                current = checkpoint
            else:
                current = _still(current, checkpoint)
        told = {name: value for name, value in self.fields.items() if value is not None}
        return Shipment(
            id=self.id,
            state=current.state if current else ShipmentState.UNKNOWN,
            state_since=current.at if current else None,
            moved_at=ordered[-1].at if ordered else None,
            delivered_at=delivered_at,
            reason=current.reason or None if current else None,
            place=current.place or None if current else None,
            numbers=tuple(self.numbers),
            checkpoints=tuple(ordered),
            **told,
        )


def _still(current: Checkpoint, newer: Checkpoint) -> Checkpoint:
    """The same state told again: it began when it began, but place and reason are the newer ones."""
    return Checkpoint(
        state=current.state,
        at=current.at,
        event_id=current.event_id,
        place=newer.place or current.place,
        reason=newer.reason or current.reason,
    )


def _moves_on(current: ShipmentState, told: ShipmentState) -> bool:
    """Whether a parcel can go from ``current`` to ``told``; anything else is a late or mistaken line."""
    if current in _ARRIVED:
        return told in _AFTER_ARRIVAL or told is current
    return current in _MAY_GO_BACK or _STATE_RANK[told] >= _STATE_RANK[current]


def _track(event: Event, ref: str, aliases: Mapping[str, str], parcels: dict[str, _Parcel]) -> None:
    patch = event.data.get("shipment")
    name = patch and (patch.get("id") or patch.get("number"))
    if not patch or not name:
        return
    parcel = parcels.setdefault(aliases[str(name)], _Parcel(aliases[str(name)]))
    parcel.take(patch)
    state = _state_told(event, patch)
    if state is not None:
        at = patch.get("at")
        parcel.checkpoints.append(
            Checkpoint(
                state=state,
                at=at if isinstance(at, datetime) else event.time,
                event_id=ref,
                place=str(patch.get("place") or ""),
                reason=str(patch.get("reason") or ""),
            )
        )


def _state_told(event: Event, patch: Patch) -> ShipmentState | None:
    word = event.type.removeprefix("shipment.") if event.type.startswith("shipment.") else patch.get("state")
    if word == "updated":
        word = patch.get("state")
    return ShipmentState(str(word)) if word else None


def _disputes(events: Sequence[Event]) -> tuple[Dispute, ...]:
    disputes: dict[str, Dispute] = {}
    for event in events:
        if not event.type.startswith("dispute."):
            continue
        patch = event.data.get("dispute", {})
        id_ = str(patch.get("id") or "")
        known = disputes.get(id_) or Dispute(id=id_, opened_at=event.time)
        disputes[id_] = Dispute(
            id=id_,
            opened_at=event.time if event.type == "dispute.opened" else known.opened_at,
            is_open=event.type != "dispute.closed" and (known.is_open or event.type == "dispute.opened"),
            **_told(patch, known),
        )
    return tuple(disputes.values())


def _told(patch: Patch, known: Dispute) -> dict[str, Any]:  # Any: each value was typed by its own reader
    return {name: patch.get(name, getattr(known, name)) for name in ("reason", "state", "answer_by")}


def _review(events: Sequence[Event]) -> Review | None:
    posted = [event for event in events if event.type.startswith("review.")]
    return Review(**_merged(events, "review"), posted_at=posted[0].time) if posted else None


def _refund(event: Event) -> Refund:
    told: dict[str, Any] = dict.fromkeys(("amount", "currency", "method", "expected_by"))  # Any: typed by their readers
    return Refund(issued_at=event.time, **(told | dict(event.data.get("refund", {}))))


def _history(moments: list[Moment], order: Order) -> tuple[Moment, ...]:
    """Everything that happened, in order; that all parcels have arrived is told by the last arrival."""
    if order.all_delivered:
        at, event_id, shipment = max(_arrival(shipment) for shipment in order.shipments)
        moments.append(Moment(type="order.delivered", at=at, event_id=event_id, shipment=shipment))
    return tuple(sorted(moments, key=lambda one: (one.at, one.event_id, one.type == "order.delivered")))


def _arrival(shipment: Shipment) -> tuple[datetime, str, str]:
    """When a delivered parcel arrived, and which event told it first; hearing it again moves nothing."""
    at, event_id = next(
        (one.at, one.event_id)
        for one in shipment.checkpoints
        if one.state is ShipmentState.DELIVERED and one.at == shipment.state_since
    )
    return at, event_id, shipment.id


def _moment(event: Event, ref: str, aliases: Mapping[str, str], ignored: set[str]) -> Moment:
    patch = event.data.get("shipment", {})
    name = patch.get("id") or patch.get("number")
    of_parcel = event.type.startswith("shipment.")
    at = patch.get("at") if of_parcel else None
    return Moment(
        type=event.type,
        at=at if isinstance(at, datetime) else event.time,
        event_id=ref,
        shipment=aliases.get(str(name)) if name else None,
        counts=not of_parcel or ref not in ignored,
        rule=str(event.data.get("staff", {}).get("rule") or ""),
    )
