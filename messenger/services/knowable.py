"""What rules can do with some data, and what they never can, because the data do not tell it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from messenger.domain.conditions import Condition, Unknown
from messenger.domain.facts import Facts, shipment_in_focus
from messenger.domain.orders import Deadline, Order
from messenger.domain.planning import matches
from messenger.domain.rules import OnDeadline, OnEvent, OnSilence, OnStaff, Rule, Schedule
from messenger.domain.shops import Shop


class Lack(StrEnum):
    """What the data would have to tell for a rule to speak."""

    TRACKING = "tracking"
    CONVERSATION = "conversation"
    DISPUTES = "disputes"
    REVIEWS = "reviews"
    REFUNDS = "refunds"
    DEADLINE = "deadline"
    """An instant of the order, named by ``Mute.about``."""
    DETAIL = "detail"
    """A field, likewise."""
    EVENT = "event"
    """An event, likewise."""
    PLATFORM = "platform"
    """Nothing: the rule speaks on other platforms."""
    STAFF = "staff"
    """Nothing: only a person starts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """A rule that some data can never make speak, or that would speak from what they leave out."""

    rule: Rule
    lack: Lack
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What there is to go by.

    Args:
        orders: all there are.
        shops: theirs.
        types: of events that such data can tell, whether it happened in them or not; a shipment's state is told by none of them
            but ``shipment.<state>``.
    """

    orders: Collection[Order]
    shops: Mapping[str, Shop]
    types: Collection[str]

    @property
    def tells_states(self) -> bool:
        """Whether they tell where parcels are."""
        return any(one.startswith("shipment.") and one != "shipment.updated" for one in self.types)


_LACK_OF: Final = {
    "shipment": Lack.TRACKING, "dispute": Lack.DISPUTES, "review": Lack.REVIEWS, "refund": Lack.REFUNDS, "message": Lack.CONVERSATION,
    "conversation": Lack.CONVERSATION,
}  # fmt: skip
_ROOMS: Final = (
    "buyer.",
    "order.items.",
    "order.total",
    "order.payment_method",
    "order.shipping_method",
    "order.currency",
)
"""Fields that do not come and go in an order's life: one that no order has will not come."""


def mutes(schedule: Schedule, data: Data) -> list[Mute]:
    """Return every rule that is switched on for these shops and cannot speak of these data, in the order of the file."""
    spoken = (rule for rule in schedule.rules if any(rule.applies_to(shop) for shop in data.shops))
    found = ((rule, _lack(rule, data)) for rule in spoken)
    return [Mute(rule=rule, lack=lack[0], about=lack[1]) for rule, lack in found if lack is not None]


def _lack(rule: Rule, data: Data) -> tuple[Lack, str] | None:
    if not any(_speaks_for(rule, shop) for shop in data.shops.values()):
        return Lack.PLATFORM, ""
    return _of_trigger(rule, data) or _of_conditions(rule, data)


def _speaks_for(rule: Rule, shop: Shop) -> bool:
    places = {"platform": shop.platform, "shop": shop.id}
    return rule.applies_to(shop.id) and all(one.holds(places[one.field]) for one in rule.where if one.field in places)


def _of_trigger(rule: Rule, data: Data) -> tuple[Lack, str] | None:
    match rule.trigger:
        case OnEvent(types=types):
            return None if any(_is_told(one, data) for one in types) else _of_type(types[0])
        case OnSilence(since=since):
            is_of_parcels = since.startswith("shipment.") and not data.tells_states
            return _of_type(since) if is_of_parcels or not _is_told(since, data) else None
        case OnDeadline(deadline=deadline):
            return None if _has_deadline(deadline, data) else _of_deadline(deadline)
        case OnStaff():
            return Lack.STAFF, ""


def _is_told(pattern: str, data: Data) -> bool:
    if pattern == "order.delivered":
        return data.tells_states
    return any(matches(pattern, one) for one in data.types)


def _of_type(type_: str) -> tuple[Lack, str]:
    if type_ == "order.delivered":
        return Lack.TRACKING, ""
    lack = _LACK_OF.get(type_.partition(".")[0])
    return (lack, "") if lack else (Lack.EVENT, type_)


def _has_deadline(deadline: Deadline, data: Data) -> bool:
    return deadline is not Deadline.ANSWER_BY and any(getattr(one, deadline) is not None for one in data.orders)


def _of_deadline(deadline: Deadline) -> tuple[Lack, str]:
    return (Lack.DISPUTES, "") if deadline is Deadline.ANSWER_BY else (Lack.DEADLINE, str(deadline))


def _of_conditions(rule: Rule, data: Data) -> tuple[Lack, str] | None:
    for one in rule.where:
        if one.field == "shipment.state" and not data.tells_states:
            return Lack.TRACKING, ""
        if one.field.startswith(_ROOMS) and not one.is_dynamic and _is_never_known(one, data):
            return Lack.DETAIL, one.field
    return None


def _is_never_known(condition: Condition, data: Data) -> bool:
    """Whether no order has what is asked for, and its lack does not do."""
    found = (_facts(one, data).find(condition.field) for one in data.orders if one.shop in data.shops)
    return all(isinstance(one, Unknown) and not condition.holds(one) for one in found)


def _facts(order: Order, data: Data) -> Facts:
    return Facts(order=order, shop=data.shops[order.shop], shipment=shipment_in_focus(order, None))
