"""Comparing: what buyers would get by one home's schedules and templates that they would not get by another's.

Only what reaches a buyer is compared: what is left out in both plays is no difference, whatever the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from messenger.domain.messages import WAITING, State
from messenger.services.simulating import Line, instant_text

_REACHES: frozenset[str] = frozenset({State.SENT, State.MERGED, *WAITING})
"""Outcomes of messages that a buyer gets, or will get when the clock runs on."""
Name = tuple[str, str, str, int]
"""Shop, rule, scope and step."""


class Change(StrEnum):
    """What has become of a message."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    REWORDED = "reworded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Different:
    """One message that is not the same in both plays.

    Args:
        before: as the other home would have it; None when it plans no such message.
        after: as this home would have it.
        rule: its present name.
    """

    change: Change
    before: Line | None
    after: Line | None
    rule: str

    @property
    def line(self) -> Line:
        """The message as it would reach the buyer: by this home if at all, else by the other."""
        told = self.before if self.change is Change.REMOVED else self.after
        assert told is not None  # noqa: S101  # what is added or changed is there after, what is removed was there before
        return told

    def rewording(self) -> dict[str, tuple[str | None, str | None]]:
        """Return what of locale, variant and subject has changed, from what and to what."""
        if self.before is None or self.after is None:
            return {}
        pairs = {
            name: (getattr(self.before, name), getattr(self.after, name)) for name in ("locale", "variant", "subject")
        }
        return {name: (was, now) for name, (was, now) in pairs.items() if was != now}

    def document(self) -> dict[str, object]:
        """Return the difference as ``simulate --against --json`` prints it."""
        line = self.line
        told: dict[str, object] = {
            "change": str(self.change), "shop": line.shop, "order": line.order, "shipment": line.shipment, "rule": self.rule,
            "step": line.step, "template": line.template,
        }  # fmt: skip
        match self.change:
            case Change.ADDED:
                return {**told, **_words(line), "instead_of": _fate(self.before)}
            case Change.REMOVED:
                return {**told, **_words(line), "now": _fate(self.after)}
            case Change.MOVED:
                return {**told, **_move(self.before, line)}
            case Change.REWORDED:
                changed = {name: {"from": was, "to": now} for name, (was, now) in self.rewording().items()}
                return {**told, **_words(line), "changed": changed}


def _words(line: Line) -> dict[str, object]:
    return {
        "at": instant_text(line.at), "local": line.local.isoformat(), "locale": line.locale, "variant": line.variant,
        "channel": line.channel, "subject": line.subject,
    }  # fmt: skip


def _move(before: Line | None, after: Line) -> dict[str, object]:
    assert before is not None  # noqa: S101  # what moves was there before
    return {
        "from": instant_text(before.at), "to": instant_text(after.at), "from_local": before.local.isoformat(),
        "to_local": after.local.isoformat(),
    }  # fmt: skip


def _fate(line: Line | None) -> dict[str, object] | None:
    """What becomes of a message that does not reach the buyer; None when nobody plans it."""
    if line is None:
        return None
    return {"outcome": line.outcome, "reason": line.reason, "because": line.because, "at": instant_text(line.at)}


def compare(before: Iterable[Line], after: Iterable[Line], *, renamed: Mapping[str, str]) -> list[Different]:
    """Return every message that is not the same, order by order, in time.

    Args:
        before: as the other home would have it.
        after: as this home would have it.
        renamed: former names of rules, to their present ones.
    """
    old, new = _by_name(before, renamed), _by_name(after, renamed)
    found = [one for name in {**old, **new} for one in _differences(name[1], old.get(name), new.get(name))]
    return sorted(found, key=_place)


def _place(one: Different) -> tuple[object, ...]:
    line = one.line
    return line.order, line.shop, line.at, one.rule, line.step, line.scope, one.change


def _by_name(lines: Iterable[Line], renamed: Mapping[str, str]) -> dict[Name, Line]:
    return {(one.shop, renamed.get(one.rule, one.rule), one.scope, one.step): one for one in lines}


def _differences(rule: str, before: Line | None, after: Line | None) -> Iterator[Different]:
    was, is_now = _reaches(before), _reaches(after)
    if was and is_now and before and after:
        if before.at != after.at:
            yield Different(change=Change.MOVED, before=before, after=after, rule=rule)
        if _says_otherwise(before, after):
            yield Different(change=Change.REWORDED, before=before, after=after, rule=rule)
    elif was or is_now:
        change = Change.ADDED if is_now else Change.REMOVED
        yield Different(change=change, before=before, after=after, rule=rule)


def _reaches(line: Line | None) -> bool:
    return line is not None and line.outcome in _REACHES


def _says_otherwise(before: Line, after: Line) -> bool:
    """Whether the buyer reads something else.

    Texts speak of the time at which they are written: a message that moved reads otherwise only if it is made from another
    template.
    """
    if not (before.digest and after.digest):  # one of them has not been written yet
        return before.template != after.template
    if before.at == after.at:
        return before.digest != after.digest
    return (before.template, before.locale, before.variant, before.version) != (
        after.template, after.locale, after.variant, after.version,
    )  # fmt: skip
