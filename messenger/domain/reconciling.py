"""Reconciling: what has to be written so that an order's outbox says what the plan for it says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from messenger.domain.holds import holding
from messenger.domain.messages import REVIVABLE, Key, PlannedMessage, Reason, State
from messenger.domain.orders import Order
from messenger.domain.planning import Plan, Unwanted, Wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What has to be written so that the outbox says what the plan says."""

    new: tuple[PlannedMessage, ...]
    changed: tuple[tuple[PlannedMessage, PlannedMessage], ...]
    """Pairs of the row as it was and as it shall be."""

    def __bool__(self) -> bool:
        return bool(self.new or self.changed)


_SAID_NO_FOR_GOOD: Final = frozenset(
    {Reason.STAFF, Reason.DECLINED, Reason.REHEARSAL, Reason.ALREADY_TOLD, Reason.ERASED, Reason.POLICY}
)
_TIMES: Final = (
    "trigger",
    "trigger_at",
    "wanted_at",
    "due_at",
    "expires_at",
    "stale_at",
    "shipment",
    "template",
    "category",
    "priority",
    "urgent",
    "buyer",
)


def reconcile(
    rows: Sequence[PlannedMessage],
    wanted: Plan,
    *,
    rules: Collection[str],
    order: Order,
    aliases: Mapping[str, str] = {},
    introduced: Collection[str] = (),
) -> Difference:
    """Return how the order's outbox rows must change.

    Rows that have left, or may have left, are never touched.

    Args:
        rows: all rows of the order, in any state.
        wanted: the plan for the order as it is now.
        rules: names of all rules there are, to tell a removed rule from a reason that has gone.
        order: as it is now; what its facts hold stays held.
        aliases: former names of rules, to their present ones: a row keeps the name it was written under.
        introduced: rules that are new and look back at an order that was there before: where the same template was
            already sent for the same scope, they plan nothing.
    """
    known: dict[Key, PlannedMessage] = {}
    for row in sorted(rows, key=lambda one: (not one.state.is_committed, one.id)):
        known.setdefault(present_key(row.key, aliases), row)
    doubles = [row for row in rows if known[present_key(row.key, aliases)] is not row]
    told = {(row.template, row.shipment) for row in rows if row.state.is_committed} if introduced else set()
    new = tuple(
        one.message
        for one in wanted.wanted
        if one.message.key not in known
        and not (one.rule.name in introduced and (one.message.template, one.message.shipment) in told)
    )
    wishes = {one.message.key: one for one in wanted.wanted}
    changed = [
        (row, ended) for row in doubles if (ended := _ended(row, State.SKIPPED, Reason.ALREADY_TOLD, row.key.rule))
    ]
    for key, row in known.items():
        one = wishes.get(key)
        target = _as_wanted(row, one, order) if one else _as_unwanted(row, wanted.why_not(key), key.rule in rules)
        if target is not None:
            changed.append((row, target))
    return Difference(new=new, changed=tuple(changed))


def present_key(key: Key, aliases: Mapping[str, str]) -> Key:
    """Return the key under the rule's present name."""
    return replace(key, rule=aliases[key.rule]) if key.rule in aliases else key


def _as_wanted(row: PlannedMessage, wanted: Wanted, order: Order) -> PlannedMessage | None:
    told = wanted.message
    if told.state is not State.PLANNED:
        return _ended(row, told.state, told.reason or Reason.EVENT, told.because)
    if row.state in REVIVABLE:
        return _revived(row, told, order)
    if not row.state.is_waiting or _stands(row, told):
        return None
    held = holding(order, wanted.rule, released_at=row.released_at)
    if row.state is State.HELD:
        return None if held or row.because.startswith(_NOT_A_FACT) else _moved(row, told, wanted, state=State.PLANNED)
    if row.state is State.CLAIMED and held:  # its worker loses it; the next claim finds the hold
        return _moved(row, told, wanted, state=State.PLANNED)
    if wanted.moves_lazily and told.wanted_at > row.wanted_at:
        return None
    moved = _moved(row, told, wanted, state=row.state)
    if row.state in _FOR_A_PERSON:  # looked at again only when it expires
        moved = replace(moved, due_at=told.expires_at)
    return None if moved == row else replace(moved, state=State.PLANNED if row.state is State.CLAIMED else row.state)


def _stands(row: PlannedMessage, told: PlannedMessage) -> bool:
    """Whether a row that waits its turn, put off by nothing, already says what the plan says."""
    return (
        row.state is State.PLANNED
        and row.not_before is None
        and all(getattr(row, name) == getattr(told, name) for name in _TIMES)
    )


_NOT_A_FACT: Final = ("source_silent", "staff ")
"""Holds that no fact of the order lifts: they end when the source is heard from again, or when a person says so."""
_FOR_A_PERSON: Final = frozenset({State.WAITING_APPROVAL, State.AWAITING_STAFF})


def _moved(row: PlannedMessage, told: PlannedMessage, wanted: Wanted, *, state: State) -> PlannedMessage:
    due = told.due_at
    if row.not_before is not None and row.not_before > told.wanted_at:
        due = wanted.openings.first(max(row.not_before, told.wanted_at)) or told.expires_at
    times = {name: getattr(told, name) for name in _TIMES} | {"due_at": due}
    was_held = row.state is State.HELD
    return replace(
        row,
        **times,
        state=state,
        reason=row.reason if state is row.state or was_held else None,
        because=row.because if state is row.state else told.because,
    )


def _revived(row: PlannedMessage, told: PlannedMessage, order: Order) -> PlannedMessage | None:
    """The row waiting again, if what ended it was not meant for good and there is still time.

    There is none when the last thing that happened did so after the message had expired: what came too late changes
    nothing, and the reason why it was not sent stays the true one.
    """
    if row.reason in _SAID_NO_FOR_GOOD or told.expires_at <= order.history[-1].at:
        return None
    if (row.state is State.EXPIRED or row.reason is Reason.STALE_EVENT) and told.expires_at <= row.expires_at:
        return None
    times = {name: getattr(told, name) for name in _TIMES}
    return replace(row, **times, state=State.PLANNED, reason=None, because=told.because, not_before=None)


def _as_unwanted(row: PlannedMessage, why: Unwanted | None, is_rule: bool) -> PlannedMessage | None:  # noqa: FBT001
    if why is not None:
        return _ended(row, why.state, why.reason, why.because)
    if not is_rule:
        return _ended(row, State.SKIPPED, Reason.RULE_REMOVED, row.key.rule)
    return _ended(row, State.SKIPPED, Reason.WHERE_FAILED, "its trigger is no longer among the facts")


def _ended(row: PlannedMessage, state: State, reason: Reason, because: str) -> PlannedMessage | None:
    return replace(row, state=state, reason=reason, because=because) if row.state.is_waiting else None
