"""When the desks of a simulation are manned, and how much they can send in a day."""

from __future__ import annotations

from collections.abc import Iterable

from messenger.domain.shops import Desk, Shop
from messenger.domain.timing import WEEKDAYS


def desk_hours(shops: Iterable[Shop]) -> list[str]:
    """Return each desk in a few words: ``desk 09:00-19:00, 300 a day``; one that is always open and has no end of a day is left out."""
    desks = {name: desk for shop in shops for name, desk in shop.desks.items()}
    return [
        f"{name} {hours_of(desk)}" + (f", {desk.per_day} a day" if desk.per_day is not None else "")
        for name, desk in desks.items()
        if desk.per_day is not None or not desk.hours.is_always
    ]


def hours_of(desk: Desk) -> str:
    """Return the hours of a desk, with the days on which nobody is there."""
    hours = desk.hours
    told = "always" if hours.opens == hours.closes else f"{hours.opens:%H:%M}-{hours.closes:%H:%M}"
    away = [WEEKDAYS[day] for day in range(7) if day not in hours.days]
    return f"{told} without {', '.join(away)}" if away else told
