"""Everything a use case needs to know that a person wrote: shops, rules, templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from messenger.domain.deadlines import with_derived
from messenger.domain.events import Event
from messenger.domain.folding import fold
from messenger.domain.mailing import Mailing
from messenger.domain.messages import Category, PlannedMessage
from messenger.domain.orders import Order
from messenger.domain.retention import Retention
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
    mailing: Mailing = field(default_factory=Mailing)
    retention: Retention = field(default_factory=Retention)
    generation: int = 0
    """Its number in the database; 0 for files that were never published."""
    by_hand: Mapping[str, str] = field(default_factory=dict)
    """Accounts with platforms that do not let us write, and why: people write for them."""

    def order(self, events: Sequence[Event]) -> Order | None:
        """Return the order these events tell of, with the deadlines its platform keeps; None when none names an order."""
        if not any(event.order is not None for event in events):
            return None
        order = fold(events)
        shop = self.shops.get(order.shop)
        return with_derived(order, shop.policy) if shop else order

    @property
    def look_back(self) -> timedelta:
        """How long after its last fact an order can still make a message that is not stale."""
        spans = [rule.delays[-1].length + rule.expiry.length + rule.max_age.length for rule in self.schedule.rules]
        return max(spans, default=timedelta(0))

    def policy_for(self, message: PlannedMessage) -> UncertainPolicy:
        """Return what to do when this message was perhaps accepted.

        The rule decides, else the kind of message (a review request that comes twice does harm), else the transport. Asking
        the platform does no harm to any kind; where it cannot be asked, a person is.
        """
        rule = self.schedule.rule(message.key.rule)
        of_transport = self.uncertain.get(message.transport or "", UncertainPolicy())
        then = (rule.uncertain if rule is not None else None) or of_transport.then
        is_delicate = message.category is not Category.TRANSACTIONAL or (rule is not None and rule.asks_when_uncertain)
        if is_delicate and then is not Uncertain.VERIFY and (rule is None or rule.uncertain is None):
            then = Uncertain.ASK
        if then is Uncertain.VERIFY and not of_transport.can_verify:
            then = Uncertain.ASK
        return replace(of_transport, then=then)
