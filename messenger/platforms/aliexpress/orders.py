"""Reading orders: lists page by page, and one order in full. Source: docs/sources.md, S41."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from messenger.platforms.aliexpress.answers import list_of, result_of
from messenger.platforms.aliexpress.failures import CallFailed, Trouble
from messenger.platforms.aliexpress.session import Session
from messenger.platforms.aliexpress.times import on_the_wall
from messenger.platforms.reading import Fields, text

PER_PAGE: Final = 50
"""More than that the platform does not give."""
DOOR: Final = "orders"
EVERYTHING: Final = "31"
"""Bits of what a detail call adds: dispute, loan, logistics, buyer, refund."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What the calls are named for one kind of seller."""

    listing: str
    listing_parameter: str
    detail: str
    detail_parameter: str = "param1"


CHINA: Final = Calls(
    listing="aliexpress.trade.seller.orderlist.get",
    listing_parameter="param_aeop_order_query",
    detail="aliexpress.trade.new.redefining.findorderbyid",
)
OVERSEAS: Final = Calls(
    listing="aliexpress.solution.order.get",
    listing_parameter="param0",
    detail="aliexpress.solution.order.info.get",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which orders a list should hold.

    Args:
        created: from when to when they were placed.
        changed: from when to when they last changed; None for whenever.
        status: only these; empty for all that are not finished.
    """

    created: tuple[datetime, datetime]
    changed: tuple[datetime, datetime] | None = None
    status: str = ""

    def written(self, page: int) -> dict[str, object]:
        """Return the query as it is sent."""
        start, end = on_the_wall(*self.created)
        told: dict[str, object] = {
            "create_date_start": start, "create_date_end": end, "page_size": PER_PAGE, "current_page": page,
        }  # fmt: skip
        if self.changed is not None:
            told["modified_date_start"], told["modified_date_end"] = on_the_wall(*self.changed)
        if self.status:
            told["order_status"] = self.status
        return told


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list, and how many pages there are."""

    orders: Sequence[Fields]
    pages: int

    @property
    def numbers(self) -> tuple[str, ...]:
        """The orders' numbers."""
        return tuple(text(one, "order_id") for one in self.orders)


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of one shop."""

    session: Session
    calls: Calls

    def page(self, query: Query, number: int) -> Listed:
        """Return one page of a list, from 1.

        Raises:
            SourceAway, SourceShut, CallFailed: as ``Session.read``.
        """
        asked = {self.calls.listing_parameter: query.written(number)}
        result = result_of(self.session.read(self.calls.listing, asked, door=DOOR))
        found = list_of(result, "target_list", "order_list", "aeop_order_item_dto")
        return Listed(found, _pages(result, len(found)))

    def in_full(self, number: str) -> Fields:
        """Return an order with all there is to know of it.

        Raises:
            SourceAway, SourceShut, CallFailed: as ``Session.read``; an order that is not there is refused.
        """
        asked = {self.calls.detail_parameter: {"order_id": _as_number(number), "ext_info_bit_flag": int(EVERYTHING)}}
        response = self.session.read(self.calls.detail, asked, door=DOOR)
        found = _target(response)
        if text(found, "id", "order_id") not in {"", number}:
            words = f"order {number} was asked for, {text(found, 'id', 'order_id')[:40]} was told"
            raise CallFailed(Trouble.DATA, code="", words=words)
        return found


def _as_number(number: str) -> int | str:
    """Numbers travel as JSON numbers, where they are some."""
    return int(number) if number.isdecimal() else number


def _target(response: Fields) -> Fields:
    result = result_of(response)
    for name in ("target", "data"):
        found = result.get(name)
        if isinstance(found, dict):
            return found
    return result


def _pages(result: Fields, found: int) -> int:
    """As the platform counts them, or as its number of orders says."""
    pages = text(result, "total_page", "total_pages")
    count = text(result, "total_count", "total_item")
    if count.isdecimal():
        return math.ceil(int(count) / PER_PAGE)
    if pages.isdecimal():
        return int(pages)
    return MANY if found >= PER_PAGE else 1


MANY: Final = 0
"""Nobody says how many pages there are: they are read until one is not full."""


def whole(listed: Fields, detail: Fields) -> Fields:
    """Return an order as list and detail call tell it together; the detail is the newer of the two."""
    told = {name: value for name, value in detail.items() if value not in (None, "", [], {})}
    return {**listed, **told, "order_id": text(listed, "order_id") or text(detail, "id", "order_id")}
