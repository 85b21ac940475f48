"""Checks of a text as buyers would get it: with every sample that it can be written with, ordinary, long and hostile."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.messages import Category
from messenger.domain.orders import Item, Order
from messenger.domain.shops import Shop
from messenger.errors import Finding, RenderError
from messenger.rendering.catalogue import Chosen
from messenger.rendering.checking.sources import Text
from messenger.rendering.checking.uses import Use
from messenger.rendering.context import NO_OCCASION, ClosureWords, DeadlineWords, LaneWords, Occasion, Words, words_for
from messenger.rendering.locales import Choice
from messenger.rendering.policy import Breach, accusations, facts_of, rulebook
from messenger.rendering.policy.normal import sentences
from messenger.rendering.render import RenderedMessage, render
from messenger.rendering.samples import SAMPLE_NOW, SAMPLES

SHOP: Final = Shop(
    id="toys", name="Sunny Toys", sender="Sunny Toys <care@sunny-toys.example>", url="https://shop.example/"
)
SURVEY: Final = "https://shop.example/survey"
UNSUBSCRIBE: Final = "https://shop.example/u/1"
HOME_HOSTS: Final = ("shop.example",)
"""In samples the platform's own pages are here."""
_LONG_TITLE: Final = (
    "Набор деревянных развивающих игрушек для детей от трёх лет, «Солнечная система», 128 деталей, с коробкой"
)
_LONG_NAME: Final = "Владислав-Константин Рождественский-Преображенский"
_LONG_ENOUGH: Final = 2
"""Samples with long data that each text is written with."""
_CLOSED: Final = ClosureWords(from_=date(2026, 3, 20), to=date(2026, 3, 29), reopens=date(2026, 3, 30))
_OCCASIONS: Final = (
    Occasion(
        deadline=DeadlineWords(name="deliver_by", at=SAMPLE_NOW + timedelta(days=3)), closure=_CLOSED,
        lane=LaneWords(p50_days=Decimal(19), p90_days=Decimal(32)),
    ),
    Occasion(lane=LaneWords(p50_days=Decimal(19), p90_days=Decimal(32), late=True)),
)  # fmt: skip
_OF_AN_OCCASION: Final = ("lane", "closure", "deadline")
_SEVERITIES: Final = ("error", "warning", "notice")


@dataclass(slots=True)
class Seen:
    """What was found in one text, each thing once, with every platform that minds."""

    text: Text
    breaches: dict[tuple[str, str], dict[str, Breach]] = field(default_factory=dict)
    starts: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Scene:
    """A sample order, and what a text in some locale may say of it."""

    name: str
    order: Order
    words: Words
    is_long: bool = False
    has_occasion: bool = False


def scenes(phrases: Mapping[str, str]) -> list[Scene]:
    """Return everything texts of a locale are tried with: each sample as it is, with each occasion, and with long data.

    With long data the shop has a survey, else it has none.
    """
    long = {
        name: replace(
            order, items=(Item(title=_LONG_TITLE, quantity=21),) * 3, buyer=replace(order.buyer, name=_LONG_NAME)
        )
        for name, order in SAMPLES.items()
        if order.items
    }
    return [
        *(_scene(name, order, NO_OCCASION, phrases) for name, order in SAMPLES.items()),
        *(_scene(name, order, one, phrases) for one in _OCCASIONS for name, order in SAMPLES.items()),
        *(
            replace(
                _scene(name, order, _OCCASIONS[0], phrases, replace(SHOP, survey_url=SURVEY)),
                is_long=True,
                has_occasion=False,
            )
            for name, order in long.items()
        ),
    ]


def _scene(name: str, order: Order, occasion: Occasion, phrases: Mapping[str, str], shop: Shop = SHOP) -> Scene:
    words = words_for(
        order, shipment_id=None, shop=shop, now=SAMPLE_NOW, greetings=phrases, unsubscribe=UNSUBSCRIBE, occasion=occasion
    )  # fmt: skip
    return Scene(name, order, words, has_occasion=occasion is not NO_OCCASION)


def of_rendered(
    text: Text, use: Use, channels: Mapping[str, frozenset[str]], phrases: Mapping[str, str], tried: Sequence[Scene]
) -> Iterator[Finding]:
    """Yield everything that shows only when a text is written.

    Args:
        text: the text.
        use: how rules use it.
        channels: through which it would leave, and on which platforms.
        phrases: of its locale.
        tried: what it is written with.
    """
    seen = Seen(text)
    speaks = any(one.partition(".")[0] in _OF_AN_OCCASION for one in text.compiled.placeholders)
    longs = 0
    for scene in tried:
        if (scene.has_occasion and not speaks) or (scene.is_long and longs == _LONG_ENOUGH):
            continue
        made = yield from _written(seen, scene, phrases)
        if made is None:
            continue
        longs += scene.is_long
        yield from _subject(seen, made)
        if scene.is_long or _is_new(seen, made):
            for channel, platforms in channels.items():
                _accuse(seen, made, scene, use, channel, platforms)
    yield from _told(seen)


def _written(seen: Seen, scene: Scene, phrases: Mapping[str, str]) -> Generator[Finding, None, RenderedMessage | None]:
    compiled = seen.text.compiled
    chosen = Chosen(
        compiled=compiled, choice=Choice(locale=compiled.locale, wished="", because="", tried=()), passed_over=()
    )
    try:
        return render(chosen, scene.words, phrases=phrases, country=scene.order.buyer.country, zone=ZoneInfo("UTC"))
    except RenderError as error:
        if not error.missing.startswith("not known"):
            yield from _once(seen, error.missing, f"with the sample {scene.name!r}: {error.missing}")
        return None


def _accuse(seen: Seen, made: RenderedMessage, scene: Scene, use: Use, channel: str, platforms: frozenset[str]) -> None:
    compiled = seen.text.compiled
    category = Category.PROMOTIONAL if Category.PROMOTIONAL in use.categories else Category.TRANSACTIONAL
    facts = facts_of(scene.words, compiled, channel=channel, now=SAMPLE_NOW, category=category, language=None)
    found = accusations(made, platforms=tuple(sorted(platforms)), template=compiled.name, facts=facts, home=HOME_HOSTS)
    for breach in (one for one in found if one.is_own):
        seen.breaches.setdefault((breach.rule.id, breach.words), {}).setdefault(breach.platform, breach)


def _is_new(seen: Seen, made: RenderedMessage) -> bool:
    """Whether a sentence begins here that was not looked at before, numbers aside."""
    starts = {
        re.sub(r"[0-9]+", "0", one)[:16]
        for line in made.text.splitlines()[1:]
        if line[:2] != "- "
        for one in sentences(line)
    }
    is_new = not starts <= seen.starts or not seen.starts
    seen.starts |= starts
    return is_new


def _once(seen: Seen, what: str, problem: str) -> Iterator[Finding]:
    if what not in seen.told:
        seen.told.add(what)
        yield seen.text.finding(seen.text.source.body_line, 1, "", problem, "")


def _subject(seen: Seen, made: RenderedMessage) -> Iterator[Finding]:
    longest = rulebook().subject_limit
    if len(made.subject) > longest and "subject" not in seen.told:
        seen.told.add("subject")
        problem = f"is {len(made.subject)} characters with long data"
        yield seen.text.finding(seen.text.source.subject_line, 1, "subject", problem, f"at most {longest}", "warning")


def _told(seen: Seen) -> Iterator[Finding]:
    """One finding for each rule and line, with all platforms that mind it."""
    told: set[tuple[str, int]] = set()
    for (id_, words), by_platform in sorted(seen.breaches.items()):
        first = next(iter(by_platform.values()))
        line, column = seen.text.place(words) if words else (seen.text.source.body_line, 1)
        if (id_, line) in told or words.startswith("<"):  # HTML is told of the source already
            continue
        told.add((id_, line))
        shown = words or ("" if first.note in {"intent", "image"} else first.note)
        where = ", ".join(f"{name}: {one.severity}" for name, one in sorted(by_platform.items()))
        problem = f"{first.rule.name}: {first.rule.found}{f' ({shown})' if shown else ''} [{where}]"
        severity = min((one.severity for one in by_platform.values()), key=_SEVERITIES.index)
        kind = "notice" if first.note == "intent" else severity
        yield seen.text.finding(line, column, id_, problem, first.rule.right, kind)
