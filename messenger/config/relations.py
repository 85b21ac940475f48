"""Mistakes between rules: names that clash or lead nowhere, circles, deadlines that a platform does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from messenger.config.tables import Table, nearest, shown, spoken
from messenger.domain.orders import Deadline
from messenger.domain.rules import OnDeadline, Rule
from messenger.domain.shops import Shop


@dataclass(frozen=True, slots=True)
class Written:
    """A rule, and the table in which it stands."""

    rule: Rule
    table: Table


def check_relations(rules: Sequence[Written], shops: Mapping[str, Shop] | None) -> None:
    """Note every mistake that takes more than one table to see.

    Args:
        rules: in the order of the file.
        shops: by id; ``None`` when they are not known.
    """
    _check_former_names(rules)
    _check_superseded(rules)
    _check_circles(rules)
    for one in rules:
        _check_deadline(one, shops or {})


def _check_former_names(rules: Sequence[Written]) -> None:
    present = {one.rule.name for one in rules}
    taken: dict[str, str] = {}
    for one in rules:
        for index, name in enumerate(one.rule.formerly):
            if name not in present and taken.setdefault(name, one.rule.name) == one.rule.name:
                continue
            owner = "the present name of a rule" if name in present else f"a former name of '{taken[name]}' already"
            remedy = "each name belongs to one rule for ever"
            one.table.wrong("formerly", f"{shown(name)} is {owner}", remedy, inside=(index,))


def _check_superseded(rules: Sequence[Written]) -> None:
    present = [one.rule.name for one in rules]
    now_called = {former: one.rule.name for one in rules for former in one.rule.formerly}
    for one in rules:
        for index, name in enumerate(one.rule.supersedes):
            if name in present:
                continue
            remedy = (
                f"it is now called '{now_called[name]}'"
                if name in now_called
                else nearest(name, set(present) - {one.rule.name})
            )
            one.table.wrong("supersedes", f"unknown rule {shown(name)}", remedy, inside=(index,))


def _check_circles(rules: Sequence[Written]) -> None:
    by_name = {one.rule.name: one for one in rules}
    for circle in circles({one.rule.name: one.rule.supersedes for one in rules}):
        first, then = by_name[circle[0]], (*circle, circle[0])[1]
        problem = f"goes in a circle: {' → '.join((*circle, circle[0]))}"
        place = (first.rule.supersedes.index(then),)
        first.table.wrong("supersedes", problem, "later news supersedes earlier news, never back", inside=place)


def circles(leads_to: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Yield each circle once, beginning with the name that stands first in the file.

    Args:
        leads_to: from each name to those it leads to; names that lead nowhere may be missing.
    """
    order = {name: index for index, name in enumerate(leads_to)}
    for start in leads_to:
        way = _way_back(start, leads_to, order)
        if way:
            yield way


def _way_back(start: str, leads_to: Mapping[str, Sequence[str]], order: Mapping[str, int]) -> tuple[str, ...]:
    """The shortest way from a name back to itself through later names only; empty when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for way in ways:
        for name in leads_to.get(way[-1], ()):
            if name == start:
                return way
            if name not in seen and order.get(name, -1) > order[start]:
                seen.add(name)
                ways.append((*way, name))
    return ()


def _check_deadline(one: Written, shops: Mapping[str, Shop]) -> None:
    trigger = one.rule.trigger
    if not isinstance(trigger, OnDeadline):
        return
    heard = [shop for shop in shops.values() if not one.rule.shops or shop.id in one.rule.shops]
    without = [shop for shop in heard if trigger.deadline not in shop.policy.deadlines]
    if without:
        key = "before" if trigger.before else "after"
        first = without[0]
        problem = f"{first.platform} has no {trigger.deadline}, and the shop {first.id} sells there"
        if one.rule.shops or len(without) == len(heard):
            one.table.wrong(key, problem, _known_deadlines(first))
        else:
            others = ", ".join(f'"{shop.id}"' for shop in heard if shop not in without)
            one.table.slip(key, problem, f"so it says nothing there; to say so, write shops = [{others}]")


def _known_deadlines(shop: Shop) -> str:
    known = [str(one) for one in Deadline if one in shop.policy.deadlines]
    return f"{shop.platform} has {spoken(known, 'and')}" if known else f"{shop.platform} has no deadlines"
