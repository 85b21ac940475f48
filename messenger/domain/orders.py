"""What we know about an order, its parcels and its buyer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from messenger.domain.events import Item, LastMile, ShipmentState

__all__ = ["Buyer", "Checkpoint", "Deadline", "Dispute", "Item", "LastMile", "Moment", "Order", "OrderStatus", "Payment", "Refund",
           "Review", "Shipment", "ShipmentState"]  # fmt: skip


class OrderStatus(StrEnum):
    """How far an order has come. Declared in rank: a later word outranks an earlier one."""

    PLACED = "placed"
    PAYMENT_REVIEW = "payment_review"
    PAID = "paid"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    RECEIVED = "received"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FROZEN = "frozen"


class Deadline(StrEnum):
    """A moment by which somebody must have acted; the words are the order's field names."""

    PAY_BY = "pay_by"
    SHIP_BY = "ship_by"
    DELIVER_BY = "deliver_by"
    DISPUTE_BY = "dispute_by"
    REVIEW_BY = "review_by"
    ANSWER_BY = "answer_by"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened, reduced to what rules ask: what, when, which event told it, about which parcel.

    ``counts`` is False for a tracking line that the fold ignored (a parcel does not go back to the airport after it
    was delivered); such a line ends a silence but starts no message.
    """

    type: str
    at: datetime
    event_id: str
    shipment: str | None = None
    counts: bool = True
    rule: str = ""
    """Of ``staff.started``: the rule that a person started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """An order of a buyer that was paid, and when."""

    order: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who bought, as far as the platform tells. Every field may be missing."""

    id: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    language: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None
    postcode: str | None = None
    timezone: str | None = None
    tags: tuple[str, ...] = ()
    unsubscribed: frozenset[str] = frozenset()
    """Categories the buyer does not want to hear about; ``relational`` when the event named none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One line of a carrier's tracking history; ``at`` is UTC."""

    state: ShipmentState
    at: datetime
    event_id: str
    place: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One parcel. ``state_since`` is the time of the checkpoint that set the state, ``moved_at`` of the newest one."""

    id: str
    number: str | None = None
    carrier: str | None = None
    method: str | None = None
    state: ShipmentState = ShipmentState.UNKNOWN
    state_since: datetime | None = None
    moved_at: datetime | None = None
    delivered_at: datetime | None = None
    reason: str | None = None
    place: str | None = None
    tracking_url: str | None = None
    last_mile: LastMile | None = None
    hold_until: datetime | None = None
    eta_from: date | None = None
    eta_to: date | None = None
    checked_at: datetime | None = None
    items: tuple[Item, ...] = ()
    numbers: tuple[str, ...] = ()
    """Every tracking number this parcel has had, the present one last."""
    checkpoints: tuple[Checkpoint, ...] = ()

    @property
    def previous_number(self) -> str | None:
        """The tracking number before the present one."""
        return self.numbers[-2] if len(self.numbers) > 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A complaint opened on the platform; ``is_open`` until the platform closes it."""

    id: str
    opened_at: datetime
    is_open: bool = True
    reason: str | None = None
    state: str | None = None
    answer_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the buyer wrote in public."""

    stars: int | None = None
    text: str | None = None
    posted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back."""

    amount: Decimal | None
    currency: str | None
    method: str | None
    issued_at: datetime
    expected_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One sale as it is now: folded from its events by ``domain.folding.fold``, never edited."""

    shop: str
    number: str
    status: OrderStatus
    buyer: Buyer = field(default_factory=Buyer)
    placed_at: datetime | None = None
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    received_at: datetime | None = None
    completed_at: datetime | None = None
    pay_by: datetime | None = None
    ship_by: datetime | None = None
    deliver_by: datetime | None = None
    dispute_by: datetime | None = None
    review_by: datetime | None = None
    platform_status: str | None = None
    end_reason: str | None = None
    total: Decimal | None = None
    currency: str | None = None
    payment_method: str | None = None
    shipping_method: str | None = None
    url: str | None = None
    items: tuple[Item, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    review: Review | None = None
    refunds: tuple[Refund, ...] = ()
    conversation_language: str | None = None
    cancel_requested_at: datetime | None = None
    history: tuple[Moment, ...] = ()
    """Everything that happened, oldest first; ``order.delivered`` is added when all parcels have arrived."""

    def shipment(self, shipment_id: str) -> Shipment | None:
        """Return the parcel with this id or any number it has had."""
        return next((one for one in self.shipments if shipment_id == one.id or shipment_id in one.numbers), None)

    @property
    def all_delivered(self) -> bool:
        """Whether every known parcel has arrived and none is still to be sent."""
        return (
            bool(self.shipments)
            and self.status is not OrderStatus.PARTLY_SHIPPED
            and all(one.state is ShipmentState.DELIVERED for one in self.shipments)
        )

    @property
    def open_dispute(self) -> Dispute | None:
        """The dispute that is still open, the newest if there are several."""
        return next((one for one in reversed(self.disputes) if one.is_open), None)

    @property
    def began_at(self) -> datetime | None:
        """When the order was placed, or the first thing that is known of it."""
        return self.placed_at or (self.history[0].at if self.history else None)

    @property
    def left_at(self) -> datetime | None:
        """When the first parcel left."""
        return self.shipped_at or next((one.at for one in self.history if one.type in _LEFT), None)

    @property
    def settled_at(self) -> datetime | None:
        """When the order was paid."""
        return self.paid_at or next((one.at for one in self.history if one.type == "order.paid"), None)

    def is_late(self, now: datetime) -> bool:
        """Whether the seller is, or was, behind a date promised to the buyer: sending, or arrival, as known at ``now``."""
        sent_late = self.ship_by is not None and (self.left_at or now) > self.ship_by and self.status not in _NEVER_SENT
        arrived_at = max((one.delivered_at for one in self.shipments if one.delivered_at), default=None)
        arrival = arrived_at if self.all_delivered and arrived_at else now
        arrived_late = self.deliver_by is not None and arrival > self.deliver_by and self.status not in _NEVER_SENT
        return sent_late or arrived_late


_LEFT = frozenset({"order.shipped", "order.partly_shipped"})
_NEVER_SENT = frozenset({OrderStatus.PLACED, OrderStatus.PAYMENT_REVIEW, OrderStatus.CANCELLED})
