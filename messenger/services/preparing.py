"""Preparing: from a message that may leave to the letter that leaves. One path for dispatch, simulation and preview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from messenger.domain.clearing import Rider
from messenger.domain.guarding import Go
from messenger.domain.messages import EMAIL, Letter, PlannedMessage, Reason, State
from messenger.domain.orders import Order
from messenger.domain.rules import OnDeadline
from messenger.domain.shops import Shop
from messenger.domain.timing import ALWAYS
from messenger.errors import RenderError
from messenger.rendering.catalogue import Chosen
from messenger.rendering.context import (
    NO_OCCASION,
    ClosureWords,
    DeadlineWords,
    LaneWords,
    Occasion,
    Words,
    clean,
    words_for,
)
from messenger.rendering.policy import Breach, facts_of, judge, permitted
from messenger.rendering.render import RenderedMessage, render
from messenger.services.enveloping import Envelope, Secrets, about, envelope
from messenger.services.home import Home

RETRY: Final = "retry"
"""The line in which messages wait that were tried before."""
TEMPLATE_PAUSE: Final = timedelta(minutes=10)
"""How long a message waits for a broken template to be mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A letter, and how its text was chosen."""

    letter: Letter
    variant: str
    version: str
    fallbacks: tuple[str, ...]
    passed_over: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritable:
    """Why no letter could be written.

    Args:
        why: in words; for a rule of the platform it begins with the rule.
        may_be_mended: a template is broken: nothing is wrong with the message itself.
        reason: of the row that is left out.
    """

    why: str
    may_be_mended: bool
    reason: Reason = Reason.MISSING_DATA

    def applied_to(self, message: PlannedMessage, now: datetime) -> PlannedMessage:
        """Return the row as it shall be: waiting for a person to mend the template, or left out."""
        if not self.may_be_mended:
            return replace(message, state=State.SKIPPED, reason=self.reason, because=self.why)
        later = now + TEMPLATE_PAUSE
        return replace(
            message,
            state=State.PLANNED,
            reason=Reason.RETRY,
            because=self.why,
            not_before=later,
            due_at=later,
            queue=RETRY,
            attempts=0,
        )


def _occasion(go: Go, now: datetime, order: Order) -> Occasion:
    trigger = go.wanted.rule.trigger
    deadline = lane = closure = None
    if isinstance(trigger, OnDeadline):
        deadline = DeadlineWords(name=str(trigger.deadline), at=go.wanted.message.trigger_at)
    if go.lane is not None and go.lane.p90_days is not None:
        left = order.left_at
        is_late = left is not None and not order.all_delivered and now - left > timedelta(days=float(go.lane.p90_days))
        lane = LaneWords(p50_days=go.lane.p50_days, p90_days=go.lane.p90_days, late=is_late)
    if go.wanted.closure is not None:
        told = go.wanted.closure
        closure = ClosureWords(from_=told.first, to=told.last, reopens=told.reopens)
    return Occasion(deadline=deadline, lane=lane, closure=closure)


@dataclass(frozen=True, slots=True)
class Postman:
    """Writes letters. ``secrets`` make ids, return paths and unsubscribe tokens that nobody else can make."""

    home: Home
    secrets: Secrets

    def write(
        self,
        message: PlannedMessage,
        go: Go,
        order: Order,
        now: datetime,
        riders: Sequence[Rider] = (),
        *,
        locale: str | None = None,
    ) -> Written | Unwritable:
        """Return the letter for a message that may leave, together with those it takes along, or why there is none."""
        shop = self.home.shops[message.key.shop]
        return self.compose(
            message, order=order, shop=shop, channel=go.channel, recipient=go.recipient, now=now, occasion=_occasion(go, now, order),
            along=_along(riders), locale=locale,
        )  # fmt: skip

    def accused(
        self, message: PlannedMessage, go: Go, order: Order, now: datetime, text: str, riders: Sequence[Rider] = ()
    ) -> tuple[Breach, ...]:
        """Return which rules of its platform a text breaks that a person wrote in place of ours, errors first."""
        made = self._make(
            message, order=order, shop=self.home.shops[message.key.shop], channel=go.channel, recipient=go.recipient, now=now,
            occasion=_occasion(go, now, order), along=_along(riders), locale=None,
        )  # fmt: skip
        if isinstance(made, Unwritable):
            return ()
        theirs = replace(made, rendered=replace(made.rendered, text=text, platform_text=text, html=""))
        return _breaches(theirs, message, order=order, channel=go.channel, now=now)

    def voice(self, message: PlannedMessage, go: Go, order: Order) -> tuple[str, str]:
        """Return in which locale and variant a message would be written; empty when there is no text for it."""
        try:
            chosen = self.choose(message, order, go.channel)
        except LookupError:
            return "", ""
        return chosen.choice.locale, chosen.compiled.variant

    def choose(self, message: PlannedMessage, order: Order, channel: str) -> Chosen:
        """Return the text a message would get now, and what was passed over for it.

        Raises:
            LookupError: there is no usable text in any language that would do.
        """
        return self._choose(message, order, self.home.shops[message.key.shop], channel, None)

    def compose(
        self,
        message: PlannedMessage,
        *,
        order: Order,
        shop: Shop,
        channel: str,
        recipient: str,
        now: datetime,
        locale: str | None = None,
        occasion: Occasion = NO_OCCASION,
        along: Sequence[tuple[Order, str | None]] = (),
    ) -> Written | Unwritable:
        """Return the letter as it would be written at ``now``; ``locale`` asks for a language instead of the buyer's."""
        made = self._make(
            message, order=order, shop=shop, channel=channel, recipient=recipient, now=now, locale=locale, occasion=occasion, along=along,
        )  # fmt: skip
        if isinstance(made, Unwritable):
            return made
        broken = next(
            (one for one in _breaches(made, message, order=order, channel=channel, now=now) if one.severity == "error"),
            None,
        )
        if broken is not None:
            return Unwritable(why=str(broken), may_be_mended=False, reason=Reason.POLICY)
        rendered, around = made.rendered, made.around
        letter = Letter(
            key=message.key, sender=shop.sender, recipient=recipient, recipient_name=clean(order.buyer.name or ""),
            subject=rendered.subject, text=rendered.text, html=rendered.html, platform_text=rendered.platform_text,
            locale=rendered.locale, message_id=around.message_id, date=now.replace(microsecond=0), return_path=around.return_path,
            channel=channel, headers=around.headers if channel == EMAIL else about(order),
        )  # fmt: skip
        return Written(
            letter=letter,
            variant=rendered.variant,
            version=rendered.version,
            fallbacks=_fallbacks(made.chosen),
            passed_over=made.chosen.passed_over,
        )

    def _make(
        self, message: PlannedMessage, *, order: Order, shop: Shop, channel: str, recipient: str, now: datetime, locale: str | None,
        occasion: Occasion, along: Sequence[tuple[Order, str | None]],
    ) -> _Made | Unwritable:  # fmt: skip
        """Return the finished words before anybody has judged them."""
        try:
            chosen = self._choose(message, order, shop, channel, locale)
        except LookupError as error:
            return Unwritable(why=f"template {message.template}: {error.args[0]}", may_be_mended=True)
        around = envelope(message, shop=shop, recipient=recipient, mailing=self.home.mailing, secrets=self.secrets)
        phrases = self.home.catalogue.phrase(chosen.choice.locale)
        words = words_for(
            order, shipment_id=message.shipment, shop=shop, now=now, greetings=phrases, unsubscribe=around.unsubscribe,
            occasion=occasion, along=along,
        )  # fmt: skip
        words = replace(words, links=permitted(words.links, shop.platform))
        zone = self.home.zones.of_buyer(order.buyer, hours=ALWAYS, at=now, shop_zone=shop.zone).main
        try:
            rendered = render(chosen, words, phrases=phrases, country=order.buyer.country, zone=zone)
        except RenderError as error:
            return Unwritable(why=error.missing, may_be_mended=False)
        return _Made(shop=shop, chosen=chosen, words=words, around=around, rendered=rendered)

    def _choose(self, message: PlannedMessage, order: Order, shop: Shop, channel: str, locale: str | None) -> Chosen:
        shipment = order.shipment(message.shipment) if message.shipment else None
        names = self.home.schedule.names
        method = names.method((shipment.method if shipment else None) or order.shipping_method)
        return self.home.catalogue.choose(
            message.template,
            buyer=order.buyer.language,
            conversation=order.conversation_language,
            country=order.buyer.country,
            countries=self.home.schedule.languages,
            shop_language=shop.default_language,
            selectors={
                "shop": shop.id, "country": order.buyer.country, "method": method, "channel": channel,
                "carrier": names.carrier(shipment.carrier) if shipment else None,
            },
            locale=locale,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """Finished words, and what they were made from."""

    shop: Shop
    chosen: Chosen
    words: Words
    around: Envelope
    rendered: RenderedMessage


def _breaches(made: _Made, message: PlannedMessage, *, order: Order, channel: str, now: datetime) -> tuple[Breach, ...]:
    """Which rules of the shop's platform the finished words break, errors first."""
    facts = facts_of(
        made.words, made.chosen.compiled, channel=channel, now=now, category=message.category, language=order.buyer.language,
        asked_before=message.key.step > 1,
    )  # fmt: skip
    return judge(made.rendered, platform=made.shop.platform, template=message.template, facts=facts)


def _along(riders: Sequence[Rider]) -> list[tuple[Order, str | None]]:
    return [(one.order, one.message.shipment) for one in riders]


def _fallbacks(chosen: Chosen) -> tuple[str, ...]:
    choice = chosen.choice
    if not choice.is_fallback:
        return ()
    return (f"{choice.wished} is not there: {choice.locale}, {choice.because}",)
