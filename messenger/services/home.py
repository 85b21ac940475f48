"""Everything a use case needs to know that a person wrote: shops, rules, templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from messenger.domain.messages import Category, PlannedMessage
from messenger.domain.rules import Schedule, Uncertain
from messenger.domain.shops import Shop, UncertainPolicy
from messenger.domain.zones import Zones
from messenger.rendering.catalogue import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One generation of configuration, rules and templates; replaced as a whole, never edited."""

    shops: Mapping[str, Shop]
    schedule: Schedule
    catalogue: Catalogue
    zones: Zones
    uncertain: Mapping[str, UncertainPolicy] = field(default_factory=dict)
    """By name of the transport."""

    @property
    def rule_names(self) -> frozenset[str]:
        """Every rule there is, also those switched off for a shop."""
        return frozenset(rule.name for rule in self.schedule.rules if rule.enabled)

    def policy_for(self, message: PlannedMessage) -> UncertainPolicy:
        """Return what to do when this message was perhaps accepted.

        The rule decides, else the kind of message (a review request that comes twice does harm), else the transport.
        """
        rule = self.schedule.rule(message.key.rule)
        of_transport = self.uncertain.get(message.transport or "", UncertainPolicy())
        if rule is not None and rule.uncertain is not None:
            return UncertainPolicy(then=rule.uncertain, resend_after=of_transport.resend_after)
        if message.category is not Category.TRANSACTIONAL:
            return UncertainPolicy(then=Uncertain.ASK, resend_after=of_transport.resend_after)
        return of_transport
