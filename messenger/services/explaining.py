"""Explain: the timeline of one order, and why a buyer did, or did not, get a message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

from messenger.domain.messages import PlannedMessage, State
from messenger.domain.orders import Order
from messenger.domain.planning import plan
from messenger.domain.reaching import buyer_of, reach
from messenger.domain.rules import Rule
from messenger.domain.timing import ALWAYS
from messenger.errors import UsageError
from messenger.ports import Clock, Frozen, OrderKey, Store
from messenger.rendering.catalogue import Chosen
from messenger.services.enveloping import Secrets
from messenger.services.finding import events_about, rule_named
from messenger.services.home import Home
from messenger.services.preparing import Postman
from messenger.services.telling.narrator import Narrator
from messenger.services.telling.outlook import Obstacle, Outlook, Prospect, Situation, situation_of
from messenger.services.telling.steps import Step
from messenger.services.telling.timeline import Knowledge, timeline
from messenger.services.telling.unsaid import Unsaid

NO_OUTLOOK = Outlook(obstacles=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Which text a message would get now: language and variant, and what was passed over.

    Args:
        locale: the language; empty when there is none.
        because: where it came from, or why there is no text.
        wished: the tag that would have been best; empty when nothing is known.
        tried: tags that were looked for before.
        variant: its selectors; empty for the plain text.
        passed_over: files of the same language that would have spoken for others.
    """

    locale: str = ""
    because: str = ""
    wished: str = ""
    tried: tuple[str, ...] = ()
    variant: str = ""
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One message as it stands now.

    Args:
        row: it.
        name: what it is called.
        text: how it stands, as a sentence without a full stop.
        line: of its rule in the present schedules.toml; 0 when there is none.
        outlook: what a waiting message has before it.
        template_version: of the text that left; empty before.
        locale: of the text that left; empty before.
        now: which text it would get now.
    """

    row: PlannedMessage
    name: str
    text: str
    line: int = 0
    outlook: Outlook = NO_OUTLOOK
    template_version: str = ""
    locale: str = ""
    now: Text = field(default_factory=Text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything known about one order: its state, its timeline, and where each message stands now."""

    order: Order
    zone: ZoneInfo
    zone_because: str
    generation: int
    steps: tuple[Step, ...]
    messages: tuple[Standing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one rule says about one order.

    Args:
        rule: which; None when it has been removed and only its messages are left.
        zone: on whose clock the sentences tell times.
        sentences: why it said nothing, where it did.
        messages: those it made.
        steps: what the record says about them.
    """

    order: Order
    rule: Rule | None
    zone: ZoneInfo
    zone_because: str
    sentences: tuple[str, ...]
    messages: tuple[Standing, ...]
    steps: tuple[Step, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The answer, one sentence a message or reason."""
        return (*self.sentences, *(f"{one.name}: {one.text}" for one in self.messages))


@dataclass(frozen=True, slots=True)
class Explain:
    """The use case behind ``messenger explain``."""

    store: Store
    home: Home
    clock: Clock

    def order(self, key: OrderKey) -> Explanation:
        """Return the order's timeline.

        Raises:
            UsageError: no event has ever named this order.
        """
        file = self._open(key)
        return Explanation(
            order=file.order, zone=file.narrator.zone, zone_because=file.zone_because, generation=self.home.generation,
            steps=file.steps(), messages=tuple(file.standing(row) for row in file.rows),
        )  # fmt: skip

    def why(self, key: OrderKey, rule_name: str) -> Answer:
        """Return what the rule says about the order and what came of it.

        Raises:
            UsageError: there is no such order or rule.
        """
        file = self._open(key)
        rule = self.home.schedule.rule(rule_name)
        names = rule.names if rule else (rule_name,)
        rows = [row for row in file.rows if row.key.rule in names]
        if rule is None and not rows:
            rule_named(self.home, rule_name)
        return Answer(
            order=file.order, rule=rule, zone=file.narrator.zone, zone_because=file.zone_because,
            sentences=tuple(file.unsaid(rule) if rule else [f"the rule {rule_name} has been removed"]),
            messages=tuple(file.standing(row) for row in rows),
            steps=tuple(step for step in file.steps() if step.key is not None and step.key.rule in names),
        )  # fmt: skip

    def _open(self, key: OrderKey) -> _File:
        events = events_about(self.store, self.home, key)
        order = self.home.order(events)
        if order is None:  # pragma: no cover  # found by events_about
            raise UsageError(f"no event has named the order {key}")
        now = self.clock.now()
        shop = self.home.shops.get(key.shop)
        place = self.home.zones.of_buyer(order.buyer, hours=ALWAYS, at=now, shop_zone=shop.zone if shop else "UTC")
        situation = situation_of(
            self.store, self.home, shop=key.shop, buyer=buyer_of(order), now=now, email=order.buyer.email
        )
        narrator = Narrator(order, events, self.home.schedule, place.main, situation.silent)
        rows = self.store.messages_of(key)
        return _File(self.store, self.home, key, order, narrator, situation, rows, place.because)


@dataclass(frozen=True, slots=True)
class _File:
    """Everything about one order, on one desk."""

    store: Store
    home: Home
    key: OrderKey
    order: Order
    narrator: Narrator
    situation: Situation
    rows: Sequence[PlannedMessage]
    zone_because: str

    def steps(self) -> tuple[Step, ...]:
        known = Knowledge(
            shop=self.situation.shop, rows={row.key: row for row in self.rows}, others=[*self.situation.rows, *self.rows],
            frozen=self._frozen, line=_lines(self.store, self.home),
        )  # fmt: skip
        return tuple(timeline(self.store.record_of(self.key), self.narrator, known))

    def standing(self, row: PlannedMessage) -> Standing:
        rule = self.home.schedule.rule(row.key.rule)
        frozen = self._frozen(row)
        outlook = Prospect(self.order, self.situation, self.narrator).of(row) if _is_waiting(row) else NO_OUTLOOK
        told = self.narrator.standing(row.state, str(row.reason or ""), row.because if _is_told(row) else "", rule)
        relation = self._unsaid(rule).relation(row) if rule and self.situation.shop else ""
        return Standing(
            row=row, name=self.narrator.name(row.key), text=told + relation + self._second_copy(row), line=rule.line if rule else 0, outlook=outlook,
            template_version=frozen.template_version if frozen else "",
            locale=_locale(frozen, row), now=self._text(row, rule),
        )  # fmt: skip

    def _second_copy(self, row: PlannedMessage) -> str:
        """When the same bytes leave once more, if nobody knows whether they arrived."""
        if row.state is not State.UNCERTAIN or row.resend_at is None:
            return ""
        return f"; the same once more at {self.narrator.when(row.resend_at)}"

    def unsaid(self, rule: Rule) -> Iterator[str]:
        shop = self.situation.shop
        if shop is None:
            yield f"the shop {self.key.shop} is no longer in messenger.toml"
            return
        unsaid = self._unsaid(rule)
        silenced = unsaid.silenced()
        if silenced:
            yield silenced
            return
        peers = self.home.schedule.peers(rule)
        wishes = plan(self.order, peers, self.home.zones, shop, self.home.schedule.names)
        yield from unsaid.answers(wishes, self.rows)

    def _unsaid(self, rule: Rule) -> Unsaid:
        shop = self.situation.shop
        assert shop is not None  # noqa: S101  # asked by the callers
        now = self.situation.now
        return Unsaid(rule, self.narrator, shop, now=now, horizon=now - self.home.look_back)

    def _frozen(self, row: PlannedMessage) -> Frozen | None:
        id_ = row.carrier if row.state is State.MERGED and row.carrier else row.id
        return self.store.frozen(id_) if row.message_id or row.state is State.MERGED else None

    def _text(self, row: PlannedMessage, rule: Rule | None) -> Text:
        """What the postman would choose now, over the channel the message has or would get."""
        shop = self.situation.shop
        if shop is None:
            return Text(because="the shop is no longer in messenger.toml")
        way = reach(rule.channels if rule else (), shop=shop, order=self.order, category=row.category)
        channel = row.channel or (way[0] if isinstance(way, tuple) else "email")
        try:
            chosen = Postman(self.home, Secrets.pretended(b"")).choose(row, self.order, channel)
        except LookupError as error:
            return Text(because=str(error.args[0]))
        return _text_of(chosen)


def _text_of(chosen: Chosen) -> Text:
    choice = chosen.choice
    return Text(
        locale=choice.locale, because=choice.because, wished=choice.wished, tried=choice.tried, variant=chosen.compiled.variant,
        passed_over=chosen.passed_over,
    )  # fmt: skip


def _locale(frozen: Frozen | None, row: PlannedMessage) -> str:
    """In which language it was written; empty when it was not."""
    if frozen is None:
        return ""
    return frozen.letter.locale if frozen.letter else row.locale or ""


def _is_waiting(row: PlannedMessage) -> bool:
    return row.state in {State.PLANNED, State.HELD, State.WAITING_APPROVAL, State.AWAITING_STAFF}


def _is_told(row: PlannedMessage) -> bool:
    """Whether the row's cause says more than that its trigger happened."""
    return row.state is not State.SENT and (row.state is not State.PLANNED or row.reason is not None)


def _lines(store: Store, home: Home) -> Callable[[str, int], int]:
    """A function that finds the line of a rule in the schedules.toml of a generation; 0 where it is not."""

    @lru_cache(maxsize=16)
    def text_of(generation: int) -> str:
        edition = store.generation(generation)
        return edition.files.get("schedules.toml", b"").decode("utf-8", "replace") if edition else ""

    def line(name: str, generation: int) -> int:
        if generation in {0, home.generation}:
            rule = home.schedule.rule(name)
            return rule.line if rule else 0
        heading = re.compile(rf'^\s*\[\s*rules\s*\.\s*"?{re.escape(name)}"?\s*\]', re.MULTILINE)
        text = text_of(generation)
        found = heading.search(text)
        return text.count("\n", 0, found.end()) + 1 if found else 0

    return line


__all__ = ["Answer", "Explain", "Explanation", "Obstacle", "Outlook", "Standing", "Step", "Text"]
