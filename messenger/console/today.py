"""Today: what left, what needs a person, what is the matter, and which shops are stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from messenger.console.office import Caller, Need, NotAllowed
from messenger.console.showing import page
from messenger.domain.access import Right
from messenger.domain.alerts import Alert
from messenger.domain.shops import Shop
from messenger.ports import Needs, Pause
from messenger.services.pausing import Pausing

router = APIRouter()
DAYS: Final = 30
Days = Mapping[tuple[str, date], int]
Looker = Annotated[Caller, Depends(Need(Right.LOOK))]
Actor = Annotated[Caller, Depends(Need(Right.ACT))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corner:
    """One shop as the page shows it."""

    shop: Shop
    pause: Pause | None
    needs: Needs
    left: int
    """Messages since midnight, UTC."""


@router.get("/")
def today(caller: Looker) -> Response:
    """Show the day."""
    office, now, shops = caller.office, caller.office.clock.now(), caller.shops()
    days = office.store.left_by_day(since=now - timedelta(days=DAYS), shops=[one.id for one in shops])
    return page(
        caller, "today.html", corners=_corners(caller, days, now), alerts=_alerts(caller), columns=_columns(days, now),
        stopped=next((one for one in office.store.pauses() if not one.shop), None),
    )  # fmt: skip


@router.post("/shops/{shop}/pause")
def pause(shop: str, caller: Actor) -> Response:
    """Stop a shop."""
    _pausing(caller, shop).pause(shop, by=caller.user.name)
    return RedirectResponse("/", 303)


@router.post("/shops/{shop}/resume")
def resume(shop: str, caller: Actor) -> Response:
    """Let a shop go on."""
    _pausing(caller, shop).resume(shop)
    return RedirectResponse("/", 303)


def _pausing(caller: Caller, shop: str) -> Pausing:
    if shop not in {one.id for one in caller.shops()}:
        raise NotAllowed
    return Pausing(caller.office.store, caller.office.home(), caller.office.clock)


def _corners(caller: Caller, days: Days, now: datetime) -> list[Corner]:
    store = caller.office.store
    needs, pauses = store.needs(since=now - timedelta(days=1)), {one.shop: one for one in store.pauses()}
    return [
        Corner(
            shop=one, pause=pauses.get(one.id), needs=needs.get(one.id, Needs()), left=days.get((one.id, now.date()), 0)
        )
        for one in caller.shops()
    ]


def _alerts(caller: Caller) -> Sequence[tuple[Alert, str]]:
    """What is the matter: who sees only some shops is told of these."""
    speaker = caller.office.speaker(caller.language)
    mine = [
        one
        for one in caller.office.store.alerts()
        if (one.shop and caller.user.sees(one.shop)) or not caller.user.shops
    ]
    return [(one, speaker.line(one)) for one in mine]


def _columns(days: Days, now: datetime) -> list[tuple[date, int]]:
    """Every day of the chart, also those on which nothing left."""
    total = Counter[date]()
    for (_, day), number in days.items():
        total[day] += number
    return [(day, total[day]) for day in (now.date() - timedelta(days=back) for back in range(DAYS - 1, -1, -1))]
