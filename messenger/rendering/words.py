"""What a template can speak about: plain frozen values, no functions: a template reads, it cannot do.

``None`` stands for what is not known; printing it refuses the message, asking for it in ``if`` is fine.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopWords:
    """The shop that writes."""

    id: str = ""
    name: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemWords:
    """One line of the order."""

    title: str
    sku: str | None = None
    quantity: int = 1
    price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWords:
    """The order the message is about."""

    number: str
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
    total: Decimal | None = None
    currency: str | None = None
    payment_method: str | None = None
    shipping_method: str | None = None
    url: str | None = None
    days_since_paid: int | None = None
    late: bool = False
    items: tuple[ItemWords, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyerWords:
    """The buyer."""

    name: str | None = None
    first_name: str | None = None
    country: str | None = None
    city: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentWords:
    """One parcel; ``days_…`` are whole days up to the moment of writing."""

    number: str | None = None
    carrier: str | None = None
    method: str | None = None
    state: str | None = None
    state_since: datetime | None = None
    moved_at: datetime | None = None
    delivered_at: datetime | None = None
    place: str | None = None
    reason: str | None = None
    eta_from: date | None = None
    eta_to: date | None = None
    hold_until: datetime | None = None
    tracking_url: str | None = None
    last_mile_number: str | None = None
    last_mile_carrier: str | None = None
    previous_number: str | None = None
    items: tuple[ItemWords, ...] = ()
    days_in_state: int | None = None
    days_since_moved: int | None = None
    days_since_shipped: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeWords:
    """The dispute that is open, if one is."""

    id: str | None = None
    reason: str | None = None
    answer_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewWords:
    """What the buyer wrote in public."""

    stars: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundWords:
    """The newest refund."""

    amount: Decimal | None = None
    currency: str | None = None
    method: str | None = None
    expected_by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineWords:
    """The moment the message is about: its name among the order's deadlines, and when it is."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneWords:
    """What parcels of this method to this country usually take, in days; only where enough have arrived to say so."""

    p50_days: Decimal | None = None
    p90_days: Decimal | None = None
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosureWords:
    """The closed period of the shop that a message is about: ``from`` and ``to``, both closed, and when it opens again."""

    from_: date
    to: date
    reopens: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where a text may point to; empty where there is no such link."""

    tracking: str = ""
    order: str = ""
    survey: str = ""
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything one message may speak about."""

    greeting: str
    shop: ShopWords
    order: OrderWords
    buyer: BuyerWords
    shipment: ShipmentWords | None
    shipments: tuple[ShipmentWords, ...]
    orders: tuple[OrderWords, ...]
    dispute: DisputeWords | None
    review: ReviewWords | None
    refund: RefundWords | None
    deadline: DeadlineWords | None
    lane: LaneWords | None
    closure: ClosureWords | None
    links: Links

    def mapping(self) -> dict[str, object]:
        """Return the names as a template sees them."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a rule adds to what the order tells: the moment it is about, what parcels take, a closed period."""

    deadline: DeadlineWords | None = None
    lane: LaneWords | None = None
    closure: ClosureWords | None = None


NO_OCCASION: Final = Occasion()
