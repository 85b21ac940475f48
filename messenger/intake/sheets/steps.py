"""From the times and the status of a row to what happened to the order, and when."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final

from messenger.intake.sheets.facts import Step

TIMES: Final = ("placed_at", "paid_at", "shipped_at", "received_at", "cancelled_at")
"""Columns of times, in the order in which they happen."""
_TYPES: Final = {
    "placed_at": "order.placed", "paid_at": "order.paid", "received_at": "order.received", "cancelled_at": "order.cancelled",
}  # fmt: skip
_RANKS: Final = ("placed", "payment_pending", "payment_review", "paid", "partly_shipped", "shipped", "received")
"""Statuses that follow one another."""
_BESIDE: Final = {"cancel_requested": "order.cancel_requested", "disputed": "dispute.opened", "frozen": "order.frozen"}


def types_of(columns: Collection[str], words: Collection[str]) -> frozenset[str]:
    """Return the types of events that a sheet with these columns and statuses can tell at all."""
    found = {"order.updated", *(_TYPES[name] for name in _TYPES if name in columns)}
    found |= {"order.shipped", "order.partly_shipped"} if "shipped_at" in columns else set()
    found |= {f"order.{word}" for word in _RANKS if word in words} | {
        type_ for word, type_ in _BESIDE.items() if word in words
    }
    found |= {"order.cancelled"} if {"cancelled", "ended"} & {*words} else set()
    found |= {"order.completed"} if "ended" in words and "received_at" in columns else set()
    return frozenset(found | ({"shipment.updated"} if "sent_with" in columns else set()))


def steps(times: Mapping[str, datetime], words: Collection[str]) -> list[Step]:
    """Return what happened, by time.

    Args:
        times: by column, those that are told; at least one.
        words: of the statuses.

    A status for which there is no time is as old as the latest time that is known. An order that ended without having been
    received did not end well, whatever the reason: it counts as cancelled, so that nobody is asked for a review of it.
    """
    latest = max(times.values())
    found = [Step(type=_type(name, words), at=times[name]) for name in TIMES if name in times]
    found += [Step(type=type_, at=latest, is_told=False) for type_ in _untimed(times, words, found)]
    if "ended" in words and "received_at" in times:
        found.append(Step(type="order.completed", at=times["received_at"]))
    return sorted(found, key=lambda one: one.at)


def _type(name: str, words: Collection[str]) -> str:
    if name == "shipped_at":
        return "order.partly_shipped" if "partly_shipped" in words else "order.shipped"
    return _TYPES[name]


def _untimed(times: Mapping[str, datetime], words: Collection[str], found: Collection[Step]) -> Iterator[str]:
    reached = max(
        (_RANKS.index(word) for one in found if (word := one.type.removeprefix("order.")) in _RANKS), default=-1
    )
    ranked = [word for word in words if word in _RANKS and _RANKS.index(word) > reached]
    if ranked:
        yield f"order.{max(ranked, key=_RANKS.index)}"
    yield from (type_ for word, type_ in _BESIDE.items() if word in words)
    is_over = "cancelled" in words or ("ended" in words and "received_at" not in times)
    if is_over and "cancelled_at" not in times:
        yield "order.cancelled"
