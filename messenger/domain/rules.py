"""Rules: when which template is written. Values only; reading them from schedules.toml is ``config``'s work."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from messenger.domain.conditions import Condition
from messenger.domain.messages import Category
from messenger.domain.orders import Deadline
from messenger.domain.timing import ALWAYS, Hours, Span


class Once(StrEnum):
    """How often a rule may write."""

    ORDER = "order"
    SHIPMENT = "shipment"
    OCCURRENCE = "occurrence"


class Uncertain(StrEnum):
    """What happens to a message that was perhaps accepted."""

    RESEND = "resend"
    ASK = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnEvent:
    """Wakes a rule when one of these events happened. A type may end in ``.*``."""

    types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDeadline:
    """Wakes a rule at a deadline of the order: ``lead`` before it, or ``delay`` after it."""

    deadline: Deadline
    before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OnSilence:
    """Wakes a rule when nothing newer than the last match of ``since`` has been heard for the rule's delays."""

    since: str


Trigger = OnEvent | OnDeadline | OnSilence


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One ``[rules.<name>]`` table, with the defaults filled in.

    Args:
        delays: one span per step, ascending; for a deadline with ``before`` the lead.
        zone: ``buyer``, ``shop`` or an IANA name.
        line: where the table starts in schedules.toml, for ``explain``; 0 when it was not read from a file.
    """

    name: str
    template: str
    trigger: Trigger
    delays: tuple[Span, ...] = (Span(elapsed=timedelta(0)),)
    where: tuple[Condition, ...] = ()
    cancel_on: tuple[str, ...] = ()
    once_per: Once = Once.ORDER
    channels: tuple[str, ...] = ("platform", "email")
    hours: Hours = ALWAYS
    zone: str = "buyer"
    expiry: Span = field(default_factory=lambda: Span(days=3))
    max_age: Span = field(default_factory=lambda: Span(days=7))
    category: Category = Category.TRANSACTIONAL
    uncertain: Uncertain | None = None
    shops: tuple[str, ...] = ()
    enabled: bool = True
    priority: int = 0
    title: str = ""
    note: str = ""
    line: int = 0

    def applies_to(self, shop: str) -> bool:
        """Whether this rule speaks for the shop at all."""
        return self.enabled and (not self.shops or shop in self.shops)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The whole of schedules.toml, checked."""

    rules: tuple[Rule, ...]
    languages: dict[str, str] = field(default_factory=dict)
    """Country code to language tag, where a seller knows better than CLDR."""
    source: str = "schedules.toml"

    def rule(self, name: str) -> Rule | None:
        """Return the rule of this name, if there is one."""
        return next((rule for rule in self.rules if rule.name == name), None)
