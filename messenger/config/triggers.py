"""Reading what wakes a rule: an event, a deadline, a silence, or a person; and how long after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from messenger.config.spans import some_span, some_steps, steps
from messenger.config.tables import Table, Wrong, any_text, nearest, one_of, shown, spoken
from messenger.config.values import event_type, event_types
from messenger.domain.orders import Deadline
from messenger.domain.rules import Once, OnDeadline, OnEvent, OnSilence, OnStaff, Trigger
from messenger.domain.timing import Span

TRIGGERS: Final[Mapping[str, tuple[str, ...]]] = {
    "on": ("delay", "group"), "before": ("lead",), "after": ("delay",), "silent": ("since",), "trigger": ("delay",),
}  # fmt: skip
"""What wakes a rule, and the keys that belong to it."""
NEEDED: Final[Mapping[str, str]] = {"lead": '"2d"', "since": '"shipment.*"'}
"""Keys without which their trigger says nothing, with an example."""
STAFF: Final = "staff"

AT_ONCE: Final[tuple[Span, ...]] = (Span(),)
NO_TYPES: Final[tuple[str, ...]] = ()
_HOW_MANY: Final = 'a rule has exactly one of on, before, after, silent, or trigger = "staff"'


def read_trigger(table: Table) -> tuple[Trigger, tuple[Span, ...]]:
    """Return what wakes a rule and the spans of its steps; mistakes are noted."""
    _check_one(table, [key for key in TRIGGERS if key in table])
    on = table.take("on", event_types, NO_TYPES)
    before = table.take("before", deadline, None)
    after = table.take("after", deadline, None)
    silent = table.take("silent", some_steps, AT_ONCE)
    lead = table.take("lead", some_span, Span(days=1))
    delay = table.take("delay", steps, AT_ONCE)
    since = table.take("since", event_type, "")
    by_staff = table.take("trigger", one_of((STAFF,)), "")
    if before is not None:
        return OnDeadline(deadline=before, before=True), (lead,)
    if after is not None:
        return OnDeadline(deadline=after, before=False), delay
    if since:
        return OnSilence(since=since), silent
    if by_staff:
        return OnStaff(), delay
    return OnEvent(types=on), delay


def _check_one(table: Table, named: list[str]) -> None:
    if len(named) == 1:
        _check_companions(table, named[0])
    elif named:
        table.wrong("", f"has {len(named)} triggers: {spoken(named, 'and')}", _HOW_MANY, at_key=True)
    else:
        table.wrong("", "has no trigger", _HOW_MANY, at_key=True)


def _check_companions(table: Table, trigger: str) -> None:
    wanted = TRIGGERS[trigger]
    for key in dict.fromkeys(key for keys in TRIGGERS.values() for key in keys):
        if key in table and key not in wanted:
            owners = spoken([name for name, keys in TRIGGERS.items() if key in keys], "or")
            table.wrong(key, f"belongs to {owners}, not to {trigger}", f"{trigger} goes with {wanted[0]}", at_key=True)
    for key, example in NEEDED.items():
        if key in wanted and key not in table:
            table.wrong(key, "is missing", f"write {key} = {example}", at_key=True)


def deadline(value: object) -> Deadline:
    """Return a deadline of an order."""
    text = any_text(value)
    if text not in list(Deadline):
        raise Wrong(f"unknown deadline {shown(text)}", nearest(text, Deadline))
    return Deadline(text)


def usual_once(trigger: Trigger) -> Once:
    """Return how often a rule writes that does not say: once per parcel when it is woken by parcels only."""
    match trigger:
        case OnStaff():
            return Once.OCCURRENCE
        case OnEvent(types=types) if types and all(one.startswith("shipment.") for one in types):
            return Once.SHIPMENT
        case OnSilence(since=since) if since.startswith("shipment."):
            return Once.SHIPMENT
        case _:
            return Once.ORDER
