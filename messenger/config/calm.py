"""Reading what keeps a rule calm: holds, caps, and messages that go out together."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from messenger.config.spans import cap, length
from messenger.config.tables import Table, list_of, one_of, shown
from messenger.domain.rules import ALL_HOLDS, Caps, Hold, Merge, Same

NO_HOLDS: Final[tuple[Hold, ...]] = ()
URGENT_HOLDS: Final = frozenset({Hold.DISPUTE})
NO_CAPS: Final = Caps()
CAP_KEYS: Final = ("per_order", "per_buyer")


def read_holds(table: Table, default: frozenset[Hold] = ALL_HOLDS) -> frozenset[Hold]:
    """Return what holds a rule; an empty list means that nothing does."""
    return frozenset(table.take("holds", _holds_or_none, tuple(default)))


def read_caps(table: Table, default: Caps = NO_CAPS) -> Caps:
    """Return how many messages are allowed; what is written replaces the default whole, ``{}`` allows any number."""
    inner = table.maybe("cap")
    if inner is None:
        return default
    found = Caps(per_order=inner.take("per_order", cap, None), per_buyer=inner.take("per_buyer", cap, None))
    inner.close()
    return found


def read_calm(table: Table, holds: frozenset[Hold], caps: Caps, *, urgent: bool) -> tuple[frozenset[Hold], Caps]:
    """Return the holds and caps of a rule with ``ignore_holds`` and ``urgent`` taken into account."""
    ignored = table.take("ignore_holds", list_of(one_of(Hold)), NO_HOLDS)
    if urgent:
        for key in ("holds", "cap"):
            if key in table:
                table.wrong(key, "contradicts urgent = true", "what is urgent waits for a dispute alone", at_key=True)
        holds, caps = URGENT_HOLDS, NO_CAPS
    for index, one in enumerate(ignored):
        if one not in holds:
            table.slip("ignore_holds", f"{shown(str(one))} does not hold this rule anyway", inside=(index,))
    return holds - set(ignored), caps


def read_merge(table: Table) -> Merge | None:
    """Return which messages go out together; None when each goes alone."""
    inner = table.maybe("merge")
    if inner is None:
        return None
    found = Merge(
        within=inner.need("within", length, timedelta(hours=1), remedy='write within = "6h"'),
        same=inner.need("same", one_of(Same), Same.BUYER, remedy='write same = "buyer" or same = "order"'),
    )
    inner.close()
    return found


def _holds_or_none(value: object) -> tuple[Hold, ...]:
    return NO_HOLDS if value == [] else list_of(one_of(Hold))(value)
