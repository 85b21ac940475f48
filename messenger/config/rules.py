"""Reading one ``[rules.<name>]`` table over the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Final

from messenger.config.tables import (
    UNAVAILABLE,
    Table,
    Wrong,
    a_text,
    any_text,
    list_of,
    nearest,
    one_of,
    shown,
    whole,
    yes_or_no,
)
from messenger.config.values import (
    days as days_of,
)
from messenger.config.values import (
    event_type,
    event_types,
    rule_zone,
    some_span,
    some_steps,
    span,
    steps,
)
from messenger.config.values import (
    window as window_of,
)
from messenger.config.where import Vocabulary, conditions
from messenger.domain.messages import Category
from messenger.domain.orders import Deadline
from messenger.domain.rules import Once, OnDeadline, OnEvent, OnSilence, Rule, Trigger, Uncertain
from messenger.domain.timing import EVERY_DAY, Hours, Span

CHANNELS: Final = ("platform", "email")
PRIORITIES: Final = (-1000, 1000)
LATER_DEFAULTS: Final = ("holds", "cap")
LATER_RULE: Final = frozenset({
    *LATER_DEFAULTS, "group", "supersedes", "merge", "urgent", "approval", "trigger", "formerly", "promise", "calendar",
    "closed", "during", "ignore_holds",
})  # fmt: skip
"""Keys of the full language that this version cannot act on; a rule that needs one is refused, not half obeyed."""

TRIGGERS: Final[Mapping[str, tuple[str, ...]]] = {
    "on": ("delay",), "before": ("lead",), "after": ("delay",), "silent": ("since",),
}  # fmt: skip
"""What wakes a rule, and the keys that belong to it."""

NO_DELAY: Final[tuple[Span, ...]] = (Span(),)
NO_TYPES: Final[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a rule leaves out."""

    channels: tuple[str, ...] = CHANNELS
    window: tuple[time, time] = (time(9), time(20))
    days: frozenset[int] = EVERY_DAY
    zone: str = "buyer"
    expiry: Span = field(default_factory=lambda: Span(days=3))
    max_age: Span = field(default_factory=lambda: Span(days=7))


def read_defaults(table: Table, default: Defaults | None = None) -> Defaults:
    """Return the keys that ``[defaults]`` and every rule share, over what is already set."""
    default = default or Defaults()
    return Defaults(
        channels=table.take("channels", list_of(one_of(CHANNELS)), default.channels),
        window=table.take("window", window_of, default.window),
        days=table.take("days", days_of, default.days),
        zone=table.take("zone", rule_zone, default.zone),
        expiry=table.take("expiry", some_span, default.expiry),
        max_age=table.take("max_age", some_span, default.max_age),
    )


def read_rule(name: str, table: Table, defaults: Defaults, words: Vocabulary) -> Rule:
    """Return the rule as far as it can be read; mistakes are noted."""
    shared = read_defaults(table, defaults)
    trigger, delays = _trigger(table)
    opens, closes = shared.window
    rule = Rule(
        name=name,
        template=table.need("template", lambda value: _template(value, words), "", remedy='write template = "shipped"'),
        trigger=trigger,
        delays=delays,
        where=conditions(table.table("where"), words),
        cancel_on=table.take("cancel_on", _maybe_types, NO_TYPES),
        once_per=table.take("once_per", _once, _usual_once(trigger)),
        channels=shared.channels,
        hours=Hours(opens=opens, closes=closes, days=shared.days),
        zone=shared.zone,
        expiry=shared.expiry,
        max_age=shared.max_age,
        category=table.take("category", one_of(Category), Category.TRANSACTIONAL),
        uncertain=table.take("uncertain", _uncertain, None),
        shops=table.take("shops", list_of(one_of(sorted(words.shops)) if words.shops is not None else a_text), ()),
        enabled=table.take("enabled", yes_or_no, default=True),
        priority=table.take("priority", whole(*PRIORITIES), 0),
        title=table.take("name", a_text, ""),
        note=table.take("note", any_text, ""),
        line=table.document.line(table.path),
    )
    table.close(later=LATER_RULE)
    return rule


def _trigger(table: Table) -> tuple[Trigger, tuple[Span, ...]]:
    named = [key for key in TRIGGERS if key in table]
    if len(named) != 1 and "trigger" not in table:
        problem = f"has {len(named)} triggers: {' and '.join(named)}" if named else "has no trigger"
        table.wrong("", problem, "a rule has exactly one of on, before, after, silent", at_key=True)
    on = table.take("on", event_types, NO_TYPES)
    before = table.take("before", _deadline, None)
    after = table.take("after", _deadline, None)
    silent = table.take("silent", some_steps, NO_DELAY)
    lead = table.take("lead", span, None)
    delay = table.take("delay", steps, NO_DELAY)
    since = table.take("since", event_type, "")
    if len(named) == 1:
        _check_companions(table, named[0])
    if before is not None:
        return OnDeadline(deadline=before, before=True), (lead or Span(elapsed=timedelta(0)),)
    if after is not None:
        return OnDeadline(deadline=after, before=False), delay
    if "silent" in table:
        return OnSilence(since=since), silent
    return OnEvent(types=on), delay


def _check_companions(table: Table, trigger: str) -> None:
    wanted = TRIGGERS[trigger]
    for key in ("delay", "lead", "since"):
        if key in table and key not in wanted:
            owner = " or ".join(name for name, keys in TRIGGERS.items() if key in keys)
            table.wrong(key, f"belongs to {owner}, not to {trigger}", f"{trigger} goes with {wanted[0]}", at_key=True)
    for key, example in (("lead", '"2d"'), ("since", '"shipment.*"')):
        if key in wanted and key not in table:
            table.wrong(key, "is missing", f"write {key} = {example}", at_key=True)


def _deadline(value: object) -> Deadline:
    text = any_text(value)
    if text not in list(Deadline):
        raise Wrong(f"unknown deadline {shown(text)}", nearest(text, Deadline))
    return Deadline(text)


def _template(value: object, words: Vocabulary) -> str:
    text = a_text(value)
    if words.templates is not None and text not in words.templates:
        raise Wrong(f"unknown template {shown(text)}", nearest(text, words.templates))
    return text


def _maybe_types(value: object) -> tuple[str, ...]:
    return () if value == [] else event_types(value)


_uncertain: Final = one_of(Uncertain, later=("verify",))


def _once(value: object) -> Once:
    text = any_text(value)
    if text.partition("/")[0] == "buyer":
        raise Wrong(f"{shown(text)} {UNAVAILABLE}", f"available: {', '.join(Once)}")
    return one_of(Once)(text)


def _usual_once(trigger: Trigger) -> Once:
    if isinstance(trigger, OnEvent):
        about_parcels = bool(trigger.types) and all(one.startswith("shipment.") for one in trigger.types)
    else:
        about_parcels = isinstance(trigger, OnSilence) and trigger.since.startswith("shipment.")
    return Once.SHIPMENT if about_parcels else Once.ORDER
