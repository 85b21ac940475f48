"""Deadlines that no platform tells but that follow from what it tells: so long after a moment of the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from messenger.domain.orders import Deadline, Order
from messenger.domain.shops import Policy
from messenger.domain.timing import UTC_ZONE

MOMENTS: Final[Mapping[str, str]] = {
    "placed_at": "order.placed",
    "paid_at": "order.paid",
    "shipped_at": "order.shipped",
    "received_at": "order.received",
    "completed_at": "order.completed",
}
"""The moments a deadline can count from, and the event that tells each by its own time."""
DERIVABLE: Final = frozenset(Deadline) - {Deadline.ANSWER_BY}
"""Deadlines of the order itself; by when a dispute must be answered is the dispute's."""


def with_derived(order: Order, policy: Policy) -> Order:
    """Return the order with every deadline filled in that follows from its platform's policy.

    What the platform told always wins. Days are counted in UTC, where a day has 24 hours: a platform's clock does not
    change for summer, and a deadline must not depend on where the shop or the buyer lives.

    Args:
        order: as folded from its events.
        policy: the platform's; a deadline whose moment is not known stays empty.

    Source: docs/explanation/time.md (derived deadlines).
    """
    found: dict[str, Any] = {}  # Any: replace() takes values of every type; these are instants
    for deadline, derived in policy.derived.items():
        since = _moment(order, derived.since)
        if deadline in DERIVABLE and since is not None and getattr(order, deadline) is None:
            found[str(deadline)] = derived.span.after(since, UTC_ZONE)
    return replace(order, **found) if found else order


def _moment(order: Order, name: str) -> datetime | None:
    """When it happened: as told, else the time of the first event that means it."""
    told = getattr(order, name, None)
    if isinstance(told, datetime):
        return told
    return next((one.at for one in order.history if one.type == MOMENTS.get(name)), None)
