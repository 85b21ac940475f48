"""How the rules of a schedule use each template: where it is sent, with what it is merged, how often and how late."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from messenger.domain.messages import Category
from messenger.domain.rules import OnEvent, Rule, Schedule
from messenger.errors import Finding
from messenger.rendering.policy import Rulebook, rulebook

PLATFORMS: Final = ("amazon", "ebay", "aliexpress", "none")
"""Each column of the content rules once."""
_AFTER: Final = {"completed_at": "order.completed", "placed_at": "order.placed", "received_at": "order.received"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How one template is used.

    Args:
        platforms: where it may be sent.
        merged: ``order`` or ``buyer`` when messages of its rule are merged; empty when they are not.
        categories: of its rules.
    """

    platforms: frozenset[str] = frozenset(PLATFORMS)
    merged: str = ""
    categories: frozenset[Category] = frozenset()


Uses = Mapping[str, Use]
"""By template. A template that no rule names may be sent anywhere."""
NO_USES: Final[Uses] = {}


def uses_of(schedule: Schedule, platforms: Collection[str] = PLATFORMS) -> dict[str, Use]:
    """Return how each template is used by the rules, on platforms where there are shops."""
    found: dict[str, Use] = {}
    for rule in schedule.rules:
        before = found.get(rule.template, Use(platforms=frozenset()))
        merged = str(rule.merge.same) if rule.merge is not None else before.merged
        found[rule.template] = Use(
            platforms=before.platforms | _spoken_on(rule, platforms), merged=merged, categories=before.categories | {rule.category}
        )  # fmt: skip
    return found


def _spoken_on(rule: Rule, platforms: Collection[str]) -> frozenset[str]:
    told = [one for one in rule.where if one.field == "platform"]
    return frozenset(name for name in platforms if all(one.holds(name) for one in told))


def of_rules(schedule: Schedule, platforms: Collection[str]) -> Iterator[Finding]:
    """Yield content rules that a schedule breaks by itself: a review asked for twice, a message that comes too late."""
    book = rulebook()
    rules = [rule for rule in schedule.rules if rule.enabled]
    for platform in sorted(platforms):
        asking = [
            rule for rule in rules if book.is_meant("review", rule.template) and platform in _spoken_on(rule, platforms)
        ]
        yield from _asked_twice(asking, platform, book)
        for rule in rules:
            if platform in _spoken_on(rule, platforms):
                yield from _too_late(rule, platform, book)


def _asked_twice(asking: list[Rule], platform: str, book: Rulebook) -> Iterator[Finding]:
    for at, rule in enumerate(asking):
        others = [
            one for one in asking[:at] if one.template != rule.template or one.group != rule.group or not rule.group
        ]
        twice = [one for one in others if not _knows_of(rule, one.template) and not _knows_of(one, rule.template)]
        if twice or len(rule.delays) > 1:
            earlier = f" after rules.{twice[0].name}" if twice else ", with more than one delay"
            yield from _finding(rule, "L09", platform, f"asks for a review of one order again{earlier}", book)


def _knows_of(rule: Rule, template: str) -> bool:
    return any(one.field == f"told.{template}" and one.excluded is not None for one in rule.where)


def _too_late(rule: Rule, platform: str, book: Rulebook) -> Iterator[Finding]:
    told = book.ages.get(book.column(platform))
    if told is None or not isinstance(rule.trigger, OnEvent) or _AFTER[str(told["since"])] not in rule.trigger.types:
        return
    if told.get("only") == "review" and not book.is_meant("review", rule.template):
        return
    last = max(rule.delays, key=lambda span: span.length).length
    if last.days > int(told["days"]):
        yield from _finding(rule, "L15", platform, f"writes {last.days} days after {_AFTER[str(told['since'])]}", book)


def _finding(rule: Rule, id_: str, platform: str, problem: str, book: Rulebook) -> Iterator[Finding]:
    told = book.rules[id_]
    severity = told.severity_for(book.column(platform), frozenset())
    if severity:
        yield Finding(
            "schedules.toml",
            rule.line,
            0,
            f"rules.{rule.name}",
            f"{problem} ({id_} {told.name}, {platform})",
            told.right,
            severity,
        )
