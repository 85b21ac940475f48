"""Orders: found by their number, and each with its story."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from messenger.console.office import Caller, Need, NotAllowed
from messenger.console.showing import page
from messenger.domain.access import Right
from messenger.errors import UsageError
from messenger.ports import OrderKey
from messenger.services.explaining import Explain
from messenger.services.telling.steps import grouped
from messenger.services.wording import sentence

router = APIRouter()
LONGEST: Final = 120
"""Characters of a number that is looked for."""
Looker = Annotated[Caller, Depends(Need(Right.LOOK))]


@router.get("/orders")
def orders(caller: Looker, number: str = "") -> Response:
    """Find orders by their number: one that is found is shown, of several each is named."""
    wanted = number.strip()[:LONGEST]
    keys = [OrderKey(shop=shop.id, number=wanted) for shop in caller.shops()] if wanted else []
    found = [key for key, events in caller.office.store.events_of(keys).items() if any(one.order for one in events)]
    if len(found) == 1:
        return RedirectResponse(f"/orders/{found[0].shop}/{_quoted(found[0].number)}", 303)
    return page(
        caller, "orders.html", number=wanted, found=sorted(found, key=str), status=404 if wanted and not found else 200
    )


@router.get("/orders/{shop}/{number:path}")
def order(shop: str, number: str, caller: Looker) -> Response:
    """Show an order's story."""
    if not caller.user.sees(shop) or shop not in caller.office.home().shops:
        raise NotAllowed
    key = OrderKey(shop=shop, number=number[:LONGEST])
    try:
        story = Explain(caller.office.store, caller.office.home(), caller.office.clock).order(key)
    except UsageError:
        return page(caller, "orders.html", number=number, found=[], status=404)
    shop_zone = caller.office.home().shops[shop].zone
    return page(
        caller, "order.html", story=story, steps=list(grouped(story.steps)), shop_zone=shop_zone, sentence=sentence
    )


def _quoted(number: str) -> str:
    return quote(number, safe="")
