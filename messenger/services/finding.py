"""Finding what a person named: an order, a rule, a shop, or, where there is none, what was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Final

from messenger.domain.events import Event
from messenger.domain.rules import Rule
from messenger.errors import UsageError
from messenger.ports import OrderKey, Store
from messenger.services.home import Home

LONGEST: Final = 24
"""Characters; the numbers that differ in one place from a longer one are too many to look for."""


def events_about(store: Store, home: Home, key: OrderKey) -> list[Event]:
    """Return everything that was told about an order.

    Raises:
        UsageError: nothing ever named it; the message tells which order was probably meant.
    """
    found = store.events_of([key]).get(key, [])
    if any(event.order is not None for event in found):
        return found
    raise UsageError(f"no event has named the order {key}{_near_order(store, home, key)}")


def rule_named(home: Home, name: str) -> Rule:
    """Return the rule that has, or once had, this name.

    Raises:
        UsageError: there is none; the message tells which one was probably meant.
    """
    rule = home.schedule.rule(name)
    if rule is None:
        raise UsageError(f"there is no rule {name!r}{hint(name, [one.name for one in home.schedule.rules], 'rules')}")
    return rule


def hint(name: str, known: Collection[str], what: str) -> str:
    """Return, in brackets, the nearest of the known names, else all of them."""
    near = get_close_matches(name, sorted(known), n=1)
    if near:
        return f" (did you mean {near[0]!r}?)"
    return f" ({what}: {', '.join(known)})" if known else f" (there are no {what})"


def _near_order(store: Store, home: Home, key: OrderKey) -> str:
    """The same number in another shop, a number that differs in one place, or the shop that was probably meant."""
    elsewhere = [OrderKey(shop=shop, number=key.number) for shop in home.shops if shop != key.shop]
    alike = [OrderKey(shop=key.shop, number=number) for number in sorted(set(_one_off(key.number)))]
    found = store.events_of([*elsewhere, *alike]) if elsewhere or alike else {}
    for one in (*elsewhere, *alike):
        if any(event.order is not None for event in found.get(one, ())):
            return f" (did you mean {one}?)"
    return "" if key.shop in home.shops else f": there is no shop {key.shop!r}{hint(key.shop, home.shops, 'shops')}"


def _one_off(number: str) -> Iterator[str]:
    """Numbers with one character more, less, other, or two of them exchanged."""
    if len(number) > LONGEST:
        return
    letters = sorted({*number, *"0123456789"})
    for place in range(len(number) + 1):
        before, after = number[:place], number[place:]
        yield from (before + letter + after for letter in letters)
        if after:
            yield before + after[1:]
            yield from (before + letter + after[1:] for letter in letters if letter != after[0])
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
