"""Rules: when which template is written. Values only; reading them from schedules.toml is ``config``'s work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from messenger.domain.calendars import Calendar
from messenger.domain.conditions import Condition
from messenger.domain.messages import Category
from messenger.domain.orders import Deadline
from messenger.domain.timing import ALWAYS, Hours, Span


class Once(StrEnum):
    """How often a rule may write."""

    ORDER = "order"
    SHIPMENT = "shipment"
    OCCURRENCE = "occurrence"
    BUYER = "buyer"
    """Once in ``Rule.once_span`` to the same buyer, whatever the order; decided at the claim."""


class Uncertain(StrEnum):
    """What happens to a message that was perhaps accepted."""

    RESEND = "resend"
    ASK = "ask"
    VERIFY = "verify"
    """The platform is asked whether it has it; where it cannot be asked, a person decides."""


class Hold(StrEnum):
    """Facts during which nothing is said by itself. Declared in the order in which they are told as the reason."""

    DISPUTE = "dispute"
    CONVERSATION = "conversation"
    REFUND = "refund"
    REVIEW = "review"
    SOURCE_SILENT = "source_silent"


ALL_HOLDS: Final = frozenset(Hold)


class Closed(StrEnum):
    """What a rule does on a day on which its calendar is closed."""

    SEND = "send"
    WAIT = "wait"
    DROP = "drop"


class Same(StrEnum):
    """Whose messages may go out together."""

    ORDER = "order"
    BUYER = "buyer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """At most ``count`` messages within any span of this length (sliding; a day counts 24 hours)."""

    count: int
    span: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many messages one order and one buyer may get."""

    per_order: Cap | None = None
    per_buyer: Cap | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A message takes along others of its rule that are due within this span."""

    within: timedelta
    same: Same


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


@dataclass(frozen=True, slots=True, kw_only=True)
class OnStaff:
    """Only a person wakes this rule, for one order at a time (``staff.started``)."""


Trigger = OnEvent | OnDeadline | OnSilence | OnStaff


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One ``[rules.<name>]`` table, with the defaults filled in.

    Args:
        delays: one span per step, ascending; for a deadline with ``before`` the lead.
        zone: ``buyer``, ``shop`` or an IANA name.
        holds: what holds it, with ``ignore_holds`` taken off; an urgent rule is held by a dispute alone.
        caps: an urgent rule has none.
        once_span: with ``once_per = "buyer/90d"`` the 90 days; else nothing.
        calendar: whose business days ``3bd`` counts, and whose closed days ``closed`` speaks of.
        during: the message is about a closed period of this calendar: the trigger lies in it, and so does the sending.
        promise: what the message promises in the shop's name; such a message is never sent twice on a guess.
        formerly: earlier names; rows written under them are this rule's.
        line: where the table starts in schedules.toml, for ``explain``; 0 when it was not read from a file.
    """

    name: str
    template: str
    trigger: Trigger
    delays: tuple[Span, ...] = (Span(elapsed=timedelta(0)),)
    where: tuple[Condition, ...] = ()
    cancel_on: tuple[str, ...] = ()
    once_per: Once = Once.ORDER
    once_span: timedelta | None = None
    channels: tuple[str, ...] = ("platform", "email")
    hours: Hours = ALWAYS
    zone: str = "buyer"
    expiry: Span = field(default_factory=lambda: Span(days=3))
    max_age: Span = field(default_factory=lambda: Span(days=7))
    holds: frozenset[Hold] = ALL_HOLDS
    caps: Caps = field(default_factory=Caps)
    category: Category = Category.TRANSACTIONAL
    uncertain: Uncertain | None = None
    shops: tuple[str, ...] = ()
    enabled: bool = True
    group: str = ""
    priority: int = 0
    urgent: bool = False
    approval: bool = False
    supersedes: tuple[str, ...] = ()
    merge: Merge | None = None
    calendar: Calendar | None = None
    closed: Closed = Closed.SEND
    during: Calendar | None = None
    promise: str = ""
    formerly: tuple[str, ...] = ()
    title: str = ""
    note: str = ""
    line: int = 0

    def applies_to(self, shop: str) -> bool:
        """Whether this rule speaks for the shop at all."""
        return self.enabled and (not self.shops or shop in self.shops)

    @property
    def names(self) -> tuple[str, ...]:
        """The present name and all former ones."""
        return (self.name, *self.formerly)

    @property
    def asks_when_uncertain(self) -> bool:
        """Whether a second copy would do harm unless somebody says otherwise."""
        return self.category is not Category.TRANSACTIONAL or bool(self.promise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What sources call a thing, and what rules and templates call it: by field, pattern to word, in file order."""

    methods: tuple[tuple[str, str], ...] = ()
    carriers: tuple[tuple[str, str], ...] = ()

    def method(self, told: str | None) -> str | None:
        """Return the rules' word for a shipping method; what nobody named stays as it was told."""
        return _named(told, self.methods)

    def carrier(self, told: str | None) -> str | None:
        """Return the rules' word for a carrier."""
        return _named(told, self.carriers)


def _named(told: str | None, patterns: Collection[tuple[str, str]]) -> str | None:
    if told is None:
        return None
    wanted = told.casefold()
    for pattern, word in patterns:
        if fnmatchcase(wanted, pattern.casefold().replace("[", "[[]")):
            return word
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The whole of schedules.toml, checked.

    Args:
        languages: country code to language tag, where a seller knows better than CLDR.
        max_new_messages: the valve's number; None for ``auto``.
    """

    rules: tuple[Rule, ...]
    languages: Mapping[str, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    max_new_messages: int | None = None
    source: str = "schedules.toml"
    _aliases: Mapping[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)
    _live_names: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset())

    _ranks: Mapping[str, int] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ranks", _ranks(self.rules))
        object.__setattr__(self, "_aliases", {old: rule.name for rule in self.rules for old in rule.formerly})
        object.__setattr__(self, "_live_names", frozenset(rule.name for rule in self.rules if rule.enabled))

    def rule(self, name: str) -> Rule | None:
        """Return the rule that has, or once had, this name."""
        found = next((rule for rule in self.rules if rule.name == name), None)
        return found or next((rule for rule in self.rules if name in rule.formerly), None)

    def peers(self, rule: Rule) -> tuple[Rule, ...]:
        """Return the rules that decide together with this one, in file order: its group, or the rule alone."""
        return tuple(one for one in self.rules if one.group == rule.group) if rule.group else (rule,)

    def rank(self, name: str) -> int:
        """Return how many rules a rule silences, one through the other: of what is due together the highest speaks first."""
        return self._ranks.get(self._aliases.get(name, name), 0)

    @property
    def aliases(self) -> Mapping[str, str]:
        """Every former name of a rule, to its present one."""
        return self._aliases

    @property
    def live_names(self) -> frozenset[str]:
        """Names of the rules that are switched on."""
        return self._live_names


def _ranks(rules: Collection[Rule]) -> dict[str, int]:
    """Each superseding rule's distance from those that silence nobody. A circle, which ``check`` refuses, ends."""
    silenced = {rule.name: rule.supersedes for rule in rules}
    ranks = {name: 0 for name, others in silenced.items() if others}
    for _ in ranks:
        for name in ranks:
            ranks[name] = min(1 + max(ranks.get(other, 0) for other in silenced[name]), len(ranks))
    return ranks
