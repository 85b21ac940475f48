"""Sharing: how many of a claim's places go to whom, when more is due than it may take."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Lane:
    """Messages that wait in one line: of one shop, and never tried, tried before, or kept waiting by one account."""

    shop: str
    queue: str


def shared(limit: int, due: Mapping[Lane, int], *, turn: int = 0) -> dict[Lane, int]:
    """Return how many each lane may have: shops share alike, and within a shop its lanes; nobody's place stays empty.

    Args:
        limit: places.
        due: how many are due in each lane.
        turn: who is served first where places do not come out even; a number that differs from claim to claim.
    """
    of_shops: dict[str, dict[Lane, int]] = {}
    for lane, count in due.items():
        of_shops.setdefault(lane.shop, {})[lane] = count
    places = even(limit, {shop: sum(lanes.values()) for shop, lanes in of_shops.items()}, turn=turn)
    found: dict[Lane, int] = {}
    for shop, lanes in of_shops.items():
        found |= even(places[shop], lanes, turn=turn)
    return found


def even(limit: int, wants: Mapping[Name, int], *, turn: int = 0) -> dict[Name, int]:
    """Return places for each: nobody gets more than it wants, and less than another only if it wants no more.

    Args:
        limit: places.
        wants: of each.
        turn: from whom on places that do not come out even are given, one each.
    """
    found = dict.fromkeys(wants, 0)
    left, hungry = limit, [name for name, want in wants.items() if want > 0]
    while left >= len(hungry) > 0:
        each = left // len(hungry)
        for name in hungry:
            given = min(each, wants[name] - found[name])
            found[name] += given
            left -= given
        hungry = [name for name in hungry if wants[name] > found[name]]
    for name in _from(hungry, turn)[:left]:
        found[name] += 1
    return found


def _from(names: Sequence[Name], turn: int) -> list[Name]:
    start = turn % len(names) if names else 0
    return [*names[start:], *names[:start]]
