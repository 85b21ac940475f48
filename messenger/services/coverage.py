"""Coverage: which texts each language has, and how many real buyers get another language than theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Final

from messenger.domain.messages import PlannedMessage, State
from messenger.domain.orders import Order
from messenger.domain.reaching import buyer_of
from messenger.errors import Finding
from messenger.ports import OrderKey, Store
from messenger.rendering.catalogue import SELECTORS
from messenger.rendering.exchange.sheets import Sheet, locales, sheets
from messenger.rendering.locales import Choice, choose_locale
from messenger.rendering.staleness import SOURCE_LOCALE, Standing
from messenger.services.home import Home

SPAN: Final = timedelta(days=30)
_SENT: Final = (State.SENT, State.BOUNCED, State.COMPLAINED)
_PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One text in one language: how many units its plain text has, how many are stale or missing, and which variants lack.

    ``units`` is 0 for a text that the language does not have.
    """

    template: str
    locale: str
    units: int
    stale: int
    missing: int
    variants_missing: tuple[str, ...]

    @property
    def standing(self) -> str:
        """``have``, ``stale`` (also when a part of it is missing) or ``missing``."""
        if not self.units:
            return "missing"
        return "stale" if self.stale or self.missing else "have"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """A language that buyers should have had, and the one they got, or would get, instead.

    Args:
        template: the message.
        wished: the tag that would have been best.
        got: the language of the text.
        buyers_got: how many buyers have had such a message since then.
        buyers_would: how many buyers would get it in that language if it were sent now.
    """

    template: str
    wished: str
    got: str
    buyers_got: int
    buyers_would: int

    @property
    def is_near(self) -> bool:
        """Whether it is theirs all the same: a plain language serves all its regions, ``pt`` for ``pt-PT``."""
        return not Choice(locale=self.got, wished=self.wished, because="", tried=()).is_fallback


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What the template folder has, and what it means to buyers.

    Args:
        cells: by template, then locale.
        findings: files that could not be looked at.
        since: from when buyers are counted; None when there is no database to count them in.
        buyers: how many different buyers there were, by the language each should have; ``und`` where nothing is known.
        fallbacks: the most buyers first.
    """

    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...] = ()
    since: datetime | None = None
    buyers: Mapping[str, int] = field(default_factory=dict)
    fallbacks: tuple[Fallback, ...] = ()


def texts(folder: Path) -> Covered:
    """Return which texts each language of a template folder has."""
    cells: list[Cell] = []
    findings: list[Finding] = []
    for locale in locales(folder):
        there, wrong = sheets(folder, locale)
        findings += [one for one in wrong if one not in findings]
        by_template: dict[str, list[Sheet]] = {}
        for sheet in there:
            if not sheet.is_phrases:
                by_template.setdefault(sheet.template, []).append(sheet)
        cells += [_cell(template, locale, found) for template, found in by_template.items()]
    return Covered(cells=tuple(sorted(cells, key=lambda one: (one.template, one.locale))), findings=tuple(findings))


def _cell(template: str, locale: str, found: Sequence[Sheet]) -> Cell:
    standings = Counter(
        pair.standing for sheet in found if not sheet.variant and sheet.target is not None for pair in sheet.pairs
    )
    return Cell(
        template=template, locale=locale, units=sum(standings.values()) - standings[Standing.MISSING],
        stale=standings[Standing.STALE] + standings[Standing.SUPERFLUOUS], missing=standings[Standing.MISSING],
        variants_missing=tuple(sheet.variant for sheet in found if sheet.variant and sheet.target is None),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Voice:
    """What decides about a buyer's language."""

    shop: str
    buyer: str | None
    conversation: str | None
    country: str | None


@dataclass(frozen=True)
class Coverage:
    """The use case behind ``messenger coverage``."""

    store: Store
    home: Home
    now: datetime

    def weighed(self, folder: Path) -> Covered:
        """Return what the folder has, weighed by the buyers of the last thirty days."""
        since = self.now - SPAN
        sent = [row for row in self.store.outbox(states=_SENT) if row.sent_at and row.sent_at >= since and row.locale]
        of_rows = {OrderKey(shop=row.key.shop, number=row.order) for row in sent}
        wished: dict[OrderKey, tuple[str, str]] = {}
        voices: dict[_Voice, set[str]] = {}
        for key, order, is_recent in self._orders(since, of_rows):
            voice, buyer = _voice(order), f"{order.shop}/{buyer_of(order)}"
            wished[key] = self._wish(voice), buyer
            if is_recent:
                voices.setdefault(voice, set()).add(buyer)
        static = texts(folder)
        return Covered(
            cells=static.cells, findings=static.findings, since=since, buyers=self._buyers(voices),
            fallbacks=self._fallbacks(_got(sent, wished), voices),
        )  # fmt: skip

    def _orders(self, since: datetime, more: Collection[OrderKey]) -> Iterator[tuple[OrderKey, Order, bool]]:
        """Orders of shops we have that something was heard of since then, or that are named."""
        names = self.store.find_orders()
        while page := list(islice(names, _PAGE)):
            for key, events in self.store.events_of(page).items():
                is_recent = any(event.time >= since for event in events)
                if key.shop not in self.home.shops or not (is_recent or key in more):
                    continue
                order = self.home.order(events)
                if order is not None:
                    yield key, order, is_recent

    def _buyers(self, voices: Mapping[_Voice, Collection[str]]) -> dict[str, int]:
        by_wish: dict[str, set[str]] = {}
        for voice, buyers in voices.items():
            by_wish.setdefault(self._wish(voice) or "und", set()).update(buyers)
        return {wish: len(buyers) for wish, buyers in sorted(by_wish.items(), key=lambda one: (-len(one[1]), one[0]))}

    def _fallbacks(
        self, got: Mapping[tuple[str, str, str], Collection[str]], voices: Mapping[_Voice, Collection[str]]
    ) -> tuple[Fallback, ...]:
        would: dict[tuple[str, str, str], set[str]] = {}
        for template in self._templates:
            for voice, buyers in voices.items():
                wish, locale = self._wish(voice), self._locale(template, voice)
                if locale and wish and wish.lower() != locale.lower():
                    would.setdefault((template, wish, locale), set()).update(buyers)
        found = [
            Fallback(
                template=key[0], wished=key[1], got=key[2], buyers_got=len(got.get(key, ())), buyers_would=len(would.get(key, ())),
            )
            for key in got.keys() | would.keys()
        ]  # fmt: skip
        return tuple(
            sorted(found, key=lambda one: (-max(one.buyers_got, one.buyers_would), one.template, one.wished, one.got))
        )

    @cached_property
    def _templates(self) -> tuple[str, ...]:
        """The messages that rules can send."""
        return tuple(sorted({rule.template for rule in self.home.schedule.rules if rule.enabled}))

    def _locale(self, template: str, voice: _Voice) -> str:
        """In which language a message would be written; empty when there is no text for it."""
        selectors: dict[str, str | None] = dict.fromkeys(SELECTORS)
        try:
            picked = self.home.catalogue.pick(
                template, buyer=voice.buyer, conversation=voice.conversation, country=voice.country,
                countries=self.home.schedule.languages, shop_language=self.home.shops[voice.shop].default_language,
                selectors=selectors | {"shop": voice.shop, "country": voice.country},
            )  # fmt: skip
        except LookupError:
            return ""
        return picked.choice.locale

    def _wish(self, voice: _Voice) -> str:
        """The tag that would be best for a buyer; empty when nothing is known."""
        return choose_locale(
            buyer=voice.buyer, conversation=voice.conversation, country=voice.country,
            countries=self.home.schedule.languages, shop=SOURCE_LOCALE, available=(SOURCE_LOCALE,),
        ).wished  # fmt: skip


def _voice(order: Order) -> _Voice:
    return _Voice(order.shop, order.buyer.language, order.conversation_language, order.buyer.country)


def _got(
    sent: Sequence[PlannedMessage], wished: Mapping[OrderKey, tuple[str, str]]
) -> dict[tuple[str, str, str], set[str]]:
    """Who has had a message in another language than theirs."""
    got: dict[tuple[str, str, str], set[str]] = {}
    for row in sent:
        wish, buyer = wished.get(OrderKey(shop=row.key.shop, number=row.order), ("", ""))
        if wish and row.locale and wish.lower() != row.locale.lower():
            got.setdefault((row.template, wish, row.locale), set()).add(buyer)
    return got
