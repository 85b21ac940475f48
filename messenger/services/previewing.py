"""Preview: what a buyer would get, from a sample or a real order, from a saved text or one in an editor."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from messenger.domain.facts import shipment_in_focus
from messenger.domain.guarding import lane_of
from messenger.domain.lanes import Lane
from messenger.domain.messages import Category, Key, Letter, PlannedMessage
from messenger.domain.orders import Order
from messenger.domain.shops import Shop
from messenger.domain.timing import ALWAYS
from messenger.errors import Finding, RenderError, UsageError
from messenger.ports import Store
from messenger.rendering.catalogue import Catalogue, Chosen
from messenger.rendering.child import Circumstances, Draft, Judged, Reader, written
from messenger.rendering.compile import compile_template
from messenger.rendering.context import ClosureWords, LaneWords, Words, words_for
from messenger.rendering.locales import Choice
from messenger.rendering.policy import permitted
from messenger.rendering.scenes import Scene, companions, occasion_of
from messenger.rendering.segments import cut
from messenger.rendering.source import read_source
from messenger.rendering.staleness import SOURCE_LOCALE, Standing, pairs
from messenger.services.enveloping import Secrets
from messenger.services.home import Home
from messenger.services.preparing import Postman, Unwritable

LAYOUT = "templates/_layout/email.html"
_OLD = frozenset({Standing.STALE, Standing.MISSING, Standing.SUPERFLUOUS})
_FRAME = b'+++\nsubject = "{{ order.number }}"\n+++\n{{ order.number }}\n{{ links.unsubscribe }}\n'
"""Goes the way of every text in a previewed one's stead, and brings back what stands around it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a buyer would get, and how it came about.

    Args:
        letter: as it would leave.
        preheader: what mail programs show beside the subject.
        variant: selectors of the text; empty for the plain one.
        version: of the text.
        file: that holds it.
        choice: in which language, what was tried before, and why.
        passed_over: files of the same language that would have spoken for others.
        stale: how many of its units are older than their source, missing or left over.
        findings: content rules that its words break on the shop's platform.
    """

    letter: Letter
    preheader: str
    variant: str
    version: str
    file: str
    choice: Choice
    passed_over: tuple[str, ...] = ()
    stale: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frames(Catalogue):
    """Has for every message a text of a few harmless words; of ``name`` it remembers which one production would take."""

    name: str = ""
    known: Catalogue | None = None
    heard: list[Chosen] = field(default_factory=list)

    def choose(self, template: str, **asked: Any) -> Chosen:  # noqa: ARG002  # Any: all goes to the real one as it is
        """Return the harmless text, in the language of the real one."""
        locale = asked["locale"] or "en"
        choice = Choice(locale=locale, wished=locale, because="asked for", tried=())
        passed: tuple[str, ...] = ()
        if self.known is not None:
            real = self.known.choose(self.name, **asked)
            self.heard.append(real)
            choice, passed = real.choice, real.passed_over
        source = read_source("frame.md", _FRAME)
        compiled = compile_template(source, name="frame", locale=choice.locale, variant="", layout="")
        return Chosen(compiled=compiled, choice=choice, passed_over=passed)


@dataclass(frozen=True, slots=True)
class Preview:
    """The use case behind ``messenger preview``; texts are chosen, put together and judged as in production."""

    home: Home

    def template(self, name: str, *, locale: str | None, scene: Scene, shop: Shop, channel: str) -> Shown:
        """Return the message as it would be written, also when the platform's rules would keep it back.

        Args:
            name: of the template.
            locale: BCP 47 tag to write in; None follows the buyer's own.
            scene: order, moment, occasion.
            shop: who writes.
            channel: ``email`` or ``platform``.

        Raises:
            UsageError: there is no such template, or the order lacks something the text needs.
        """
        known = self.home.catalogue
        frames = _Frames(phrases=known.phrases, name=name, known=known)
        letter = self._frame(frames, name, locale=locale, scene=scene, shop=shop, channel=channel)
        chosen = frames.heard[-1]
        compiled, choice = chosen.compiled, chosen.choice
        if locale and choice.because == "the buyer's language":
            choice = replace(choice, because="asked for")
        phrases = known.phrase(choice.locale)
        words = _words(letter, scene, shop, phrases)
        try:
            made = written(chosen, words, phrases, self._met(name, scene, shop, channel, locale))
        except RenderError as error:
            raise UsageError(f"{compiled.file}: {error.missing}") from None
        return Shown(
            letter=_filled(letter, made), preheader=made.message.preheader, variant=compiled.variant, version=compiled.version,
            file=compiled.file, choice=choice, passed_over=chosen.passed_over, findings=made.findings,
            stale=stale_units(known, name, compiled.locale, compiled.variant),
        )  # fmt: skip

    def draft(self, draft: Draft, reader: Reader, *, scene: Scene, shop: Shop, channel: str) -> Shown:
        """Return the message a text that nobody has saved would make; only ``reader``'s process touches that text.

        Raises:
            TemplateError: the text has mistakes; each is named with its line.
            UsageError: the order lacks something it needs, or it was stopped.
        """
        frames = _Frames(phrases=self.home.catalogue.phrases)
        letter = self._frame(frames, draft.name, locale=draft.locale, scene=scene, shop=shop, channel=channel)
        phrases = self.home.catalogue.phrase(draft.locale)
        words = _words(letter, scene, shop, phrases)
        try:
            made = reader.read(
                draft, words, phrases=phrases, met=self._met(draft.name, scene, shop, channel, draft.locale)
            )
        except RenderError as error:
            raise UsageError(f"{draft.file}: {error.missing}") from None
        return Shown(
            letter=_filled(letter, made), preheader=made.message.preheader, variant=draft.variant, version=made.message.version,
            file=draft.file, choice=Choice(locale=draft.locale, wished=draft.locale, because="asked for", tried=()),
            findings=made.findings,
        )  # fmt: skip

    def _frame(
        self, frames: Catalogue, name: str, *, locale: str | None, scene: Scene, shop: Shop, channel: str
    ) -> Letter:
        """The letter without its words: from whom, to whom, and with which headers production would send it."""
        order, at = scene.order, scene.now
        rule = next((rule for rule in self.home.schedule.rules if rule.template == name), None)
        row = PlannedMessage(
            key=Key(shop.id, rule.name if rule else name, order.number, 1), order=order.number, template="frame",
            category=self._category(name), trigger="preview", trigger_at=at, shipment=None, wanted_at=at, due_at=at, expires_at=at,
            stale_at=at,
        )  # fmt: skip
        made = Postman(replace(self.home, catalogue=frames), Secrets.pretended(b"preview")).compose(
            row, order=order, shop=replace(shop, platform="none"), channel=channel, recipient=order.buyer.email or "buyer@example.com",
            now=at, locale=locale, occasion=scene.occasion, along=scene.along,
        )  # fmt: skip
        if isinstance(made, Unwritable):
            raise UsageError(made.why.replace("template frame", f"template {name}"))
        return replace(made.letter, headers=tuple(_named(one, name) for one in made.letter.headers))

    def _category(self, name: str) -> Category:
        rules = self.home.schedule.rules
        return next((rule.category for rule in rules if rule.template == name), Category.TRANSACTIONAL)

    def _met(self, name: str, scene: Scene, shop: Shop, channel: str, locale: str | None) -> Circumstances:
        buyer = scene.order.buyer
        zone = self.home.zones.of_buyer(buyer, hours=ALWAYS, at=scene.now, shop_zone=shop.zone).main
        return Circumstances(
            platform=shop.platform, channel=channel, category=self._category(name), now=scene.now, language=locale or buyer.language,
            country=buyer.country, zone=zone.key,
        )  # fmt: skip


def _words(frame: Letter, scene: Scene, shop: Shop, phrases: Mapping[str, str]) -> Words:
    unsubscribe = frame.text.partition("\n")[2].strip()
    words = words_for(
        scene.order, shipment_id=None, shop=shop, now=scene.now, greetings=phrases, unsubscribe=unsubscribe,
        occasion=scene.occasion, along=scene.along,
    )  # fmt: skip
    return replace(words, links=permitted(words.links, shop.platform))


def _named(header: tuple[str, str], template: str) -> tuple[str, str]:
    """A header of the frame as the template itself would have it."""
    return (header[0], header[1].replace("frame:", f"{template}:", 1)) if header[0] == "Feedback-ID" else header


def _filled(frame: Letter, made: Judged) -> Letter:
    said = made.message
    return replace(
        frame,
        subject=said.subject,
        text=said.text,
        html=said.html,
        platform_text=said.platform_text,
        locale=said.locale,
    )


def real_scene(home: Home, store: Store, order: Order, template: str, now: datetime) -> Scene:
    """Return what a text is shown with for a real order: what its rule would add now, as far as it is known.

    A text about closed days is shown with sample days while the shop is open.
    """
    rules = [rule for rule in home.schedule.rules if rule.template == template]
    usual = occasion_of(order, rules, now)
    shipment = shipment_in_focus(order, None)
    lane = store.lanes().get(lane_of(order, shipment.method if shipment else None, home.schedule))
    during = next((rule.during for rule in rules if rule.during is not None), None)
    shop = home.shops.get(order.shop)
    closure = during.closure(now.astimezone(ZoneInfo(shop.zone if shop else "UTC")).date()) if during else None
    words = ClosureWords(from_=closure.first, to=closure.last, reopens=closure.reopens) if closure else usual.closure
    occasion = replace(usual, lane=_lane(lane, order, now) if lane else None, closure=words if during else None)
    return Scene(order=order, now=now, occasion=occasion, along=companions(order, rules))


def _lane(lane: Lane, order: Order, now: datetime) -> LaneWords | None:
    if lane.p90_days is None:
        return None
    left = order.left_at
    is_late = left is not None and not order.all_delivered and now - left > timedelta(days=float(lane.p90_days))
    return LaneWords(p50_days=lane.p50_days, p90_days=lane.p90_days, late=is_late)


def headers_of(letter: Letter) -> list[tuple[str, str]]:
    """Return what a mail program shows above the text."""
    name = f"{letter.recipient_name} <{letter.recipient}>" if letter.recipient_name else letter.recipient
    return [("From", letter.sender), ("To", name), ("Subject", letter.subject), ("Language", letter.locale)]


def stale_units(catalogue: Catalogue, template: str, locale: str, variant: str) -> int:
    """Return how many units of a translation are older than their source, missing, or left over; 0 when it has no source."""
    there = catalogue.templates.get(template, {})
    if locale == SOURCE_LOCALE or variant not in there.get(SOURCE_LOCALE, ()):
        return 0
    source, target = (
        catalogue.contents.get(there[one].file_of(variant), b"").decode("utf-8", "replace")
        for one in (SOURCE_LOCALE, locale)
    )
    return sum(pair.standing in _OLD for pair in pairs(cut(source), cut(target)))


def text_of_version(store: Store, template: str, locale: str, variant: str, version: str) -> str | None:
    """Return the text a message was sent with, as its file stood then; None when no generation that is kept holds it.

    Args:
        store: keeps the generations.
        template: its name.
        locale: BCP 47 tag.
        variant: its selectors; empty for the plain text.
        version: as the message's record tells it.
    """
    if not version:
        return None
    for number in range(store.newest_generation(), 0, -1):
        kept = store.generation(number)
        if kept is None:
            continue
        layout = kept.files.get(LAYOUT, b"").decode("utf-8", "replace")
        for file in _files(template, locale, variant, tuple(kept.files)):
            text = kept.files[file].decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
            if hashlib.sha256((text + layout).encode()).hexdigest().startswith(version):
                return text
    return None


def _files(template: str, locale: str, variant: str, there: Sequence[str]) -> list[str]:
    """Names under which a text can stand; selectors may stand in any order in a file's name."""
    wanted = sorted(one for one in variant.split("@") if one)
    start = f"templates/{locale}/{template}"
    tails = {name: name[len(start) : -3] for name in there if name.startswith(start) and name.endswith(".md")}
    return [
        name
        for name, tail in tails.items()
        if tail[:1] in {"", "@"} and sorted(filter(None, tail.split("@"))) == wanted
    ]
