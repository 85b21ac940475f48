"""Conditions: what ``where`` asks of an order, and the value it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

Scalar = str | int | bool | Decimal


@dataclass(frozen=True, slots=True)
class Money:
    """An amount that can be compared only with its own currency."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """The value of a field that nobody has told yet."""

    def __str__(self) -> str:
        return "nothing"


UNKNOWN: Final = Unknown()
Found = Scalar | Money | Sequence[Scalar] | Unknown
"""What a field of an order turned out to hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One line of ``where``. Every operator that is set must hold; a missing field satisfies only ``excluded``.

    Args:
        field: dotted name, for example ``buyer.country``.
        any_of: the value equals one of these.
        excluded: the value equals none of these.
        low, high: bounds, both included.
        like: a pattern with ``*`` and ``?``, upper and lower case alike.
        exists: whether the field must (not) be known.
    """

    field: str
    any_of: tuple[Scalar, ...] | None = None
    excluded: tuple[Scalar, ...] | None = None
    low: Money | Decimal | None = None
    high: Money | Decimal | None = None
    like: str | None = None
    exists: bool | None = None

    @property
    def is_dynamic(self) -> bool:
        """Whether the answer changes without any new event; such a condition is asked only when the message is due."""
        return self.field in DYNAMIC or self.field.startswith(("told.", "lane.", "calendar."))

    def holds(self, found: Found) -> bool:
        """Return whether the value satisfies the condition."""
        if isinstance(found, Unknown):
            return (
                self.any_of is None and self.low is None and self.high is None and self.like is None and not self.exists
            )
        if self.exists is False:
            return False
        values = list(found) if isinstance(found, Sequence) and not isinstance(found, str) else [found]
        if self.excluded is not None and any(_equal(value, one) for value in values for one in self.excluded):
            return False
        return any(self._holds_for(value) for value in values) or self._asks_nothing_else

    @property
    def _asks_nothing_else(self) -> bool:
        return self.any_of is None and self.low is None and self.high is None and self.like is None

    def _holds_for(self, value: Scalar | Money) -> bool:
        if self.any_of is not None and not any(_equal(value, one) for one in self.any_of):
            return False
        if self.low is not None and not _at_least(value, self.low):
            return False
        if self.high is not None and not _at_least(self.high, value):
            return False
        return self.like is None or (isinstance(value, str) and _is_like(value, self.like))


DYNAMIC: Final = frozenset({"order.late", "buyer.paid_since"})

FIELDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("shop", "platform", "order.number", "order.status", "order.platform_status", "order.end_reason",
                     "order.payment_method", "order.shipping_method", "order.currency", "order.items.sku", "order.items.title",
                     "buyer.id", "buyer.name", "buyer.email", "buyer.language", "buyer.country", "buyer.region", "buyer.city",
                     "buyer.postcode", "buyer.timezone", "buyer.tags", "shipment.number", "shipment.carrier", "shipment.method",
                     "shipment.state", "shipment.reason", "shipment.place", "shipment.previous_number", "dispute.reason", "dispute.state",
                     "review.text"), "text"),
    **dict.fromkeys(("order.late", "order.all_delivered", "dispute.open", "buyer.paid_since", "lane.late", "calendar.closed"), "yes or no"),
    **dict.fromkeys(("review.stars", "order.items.quantity", "lane.p50_days", "lane.p90_days"), "number"),
    **dict.fromkeys(("order.placed_at", "order.paid_at", "order.shipped_at", "order.received_at", "order.completed_at", "order.pay_by",
                     "order.ship_by", "order.deliver_by", "order.dispute_by", "order.review_by", "shipment.hold_until",
                     "shipment.eta_from", "shipment.eta_to", "dispute.answer_by"), "moment"),
    "order.total": "money",
}  # fmt: skip
"""Every field a rule may ask about, and the kind of its value. ``told.<template>`` (yes or no) comes on top.

Of a moment only one thing may be asked: whether it is known.
"""


def _equal(value: object, wanted: object) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return value.casefold() == wanted.casefold()
    return type(value) is type(wanted) and value == wanted


def _is_like(value: str, pattern: str) -> bool:
    """Whether the pattern fits; a bracket stands for itself."""
    return fnmatchcase(value.casefold(), pattern.casefold().replace("[", "[[]"))


def _at_least(value: object, bound: object) -> bool:
    if isinstance(value, Money) and isinstance(bound, Money):
        return value.currency == bound.currency and value.amount >= bound.amount
    if isinstance(value, bool) or isinstance(bound, bool):
        return False
    if isinstance(value, int | Decimal) and isinstance(bound, int | Decimal):
        return value >= bound
    return False
