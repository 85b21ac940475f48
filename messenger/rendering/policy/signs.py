"""Signs: what in a text speaks for a rule. Which platform minds is decided elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Final

from messenger.rendering.policy.book import Language, Rulebook
from messenger.rendering.policy.facts import Facts
from messenger.rendering.policy.normal import normal, sentences, undisguised, visible
from messenger.rendering.render import RenderedMessage

PHRASE_RULES: Final = ("L03", "L04", "L06", "L07", "L08", "L10", "L19", "L20")
"""Rules that are a list of phrases and nothing more."""
PROMISES: Final = ("refund", "resend", "coupon", "gift")


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign.

    Args:
        rule: whose.
        words: the place in the text, normalised; empty when the whole text is meant.
        note: what makes it worse, or which kind it is.
    """

    rule: str
    words: str = ""
    note: str = ""


class Reading:
    """A finished text as the detectors look at it, each view made once when it is wanted."""

    def __init__(self, made: RenderedMessage, facts: Facts, book: Rulebook) -> None:
        self.made = made
        self.facts = facts
        self.book = book
        self.template_text = made.platform_text if facts.channel == "platform" else made.text
        self.raw = visible(f"{made.subject}\n{made.preheader}\n{self.template_text}")
        self.whole = self.raw.casefold()

    @cached_property
    def own_raw(self) -> str:
        """The text's own words: without what the order tells."""
        text = self.raw
        for told in self.facts.told:
            if (shown := visible(told)) in text:
                text = text.replace(shown, "□")
        return text

    @cached_property
    def own(self) -> str:
        """The same, normalised."""
        return self.whole if self.own_raw is self.raw else self.own_raw.casefold()

    @cached_property
    def numberless(self) -> str:
        """The normalised text without the numbers of orders and parcels, which are nobody's telephone."""
        text = self.whole
        for number in self.facts.numbers:
            text = text.replace(number.casefold(), "□")
        return text

    @cached_property
    def views(self) -> tuple[str, ...]:
        """The normalised text, and the same with disguises undone where there are any."""
        plain = undisguised(self.numberless)
        return (self.whole,) if plain == self.numberless else (self.whole, plain)

    @cached_property
    def told(self) -> str:
        """What others wrote and this text repeats, normalised."""
        return "\n".join(shown for one in self.facts.told if (shown := normal(one)) in self.whole)

    @cached_property
    def told_views(self) -> tuple[str, ...]:
        """The same as told, and with disguises undone; nothing when nothing was told."""
        return tuple(dict.fromkeys((self.told, undisguised(self.told)))) if self.told else ()

    @cached_property
    def others(self) -> tuple[Language, ...]:
        """All other word lists: a title may be in any language."""
        return tuple(one for one in self.book.languages.values() if one not in self.languages)

    @cached_property
    def languages(self) -> tuple[Language, ...]:
        """The word lists to read it by: of its language, and English, which filters read everywhere."""
        spoken = self.made.locale.partition("-")[0].lower()
        names = [name for name in dict.fromkeys((spoken, "en")) if name in self.book.languages]
        return tuple(self.book.languages[name] for name in names)

    @cached_property
    def language(self) -> Language | None:
        """The word list of its own language, if there is one."""
        return self.book.languages.get(self.made.locale.partition("-")[0].lower())

    @cached_property
    def sentences(self) -> Sequence[str]:
        """The sentences of the text, normalised."""
        return sentences(self.whole)

    @cached_property
    def can_unsubscribe(self) -> bool:
        """Whether a reader sees a way to hear no more: in the text, or below it in the e-mail."""
        address = self.facts.unsubscribe
        return bool(address) and (address in self.template_text or escape(address) in self.made.html)

    def is_own(self, words: str) -> bool:
        """Whether some words are the text's own, not what the order tells."""
        return self.own is self.whole or not words or words in self.own or words in undisguised(self.own)

    def matches(self, name: str) -> Iterator[str]:
        """Yield what a list matches in any view, by any of the languages; in what others wrote by all of them."""
        for text in self.views:
            for language in self.languages:
                if (found := language.find(name, text)) is not None:
                    yield found.group()
        for text in self.told_views:
            for language in self.others:
                if (found := language.find(name, text)) is not None:
                    yield found.group()


def by_phrases(reading: Reading) -> Iterator[Sign]:
    """Signs of rules that are lists of phrases."""
    for rule in PHRASE_RULES:
        if rule == "L19" and reading.facts.is_delivered:
            continue
        for words in dict.fromkeys(reading.matches(rule)):
            yield Sign(rule, words)


def of_incentives(reading: Reading) -> Iterator[Sign]:
    """Reward words near review words, in one or two sentences."""
    if not any(language.find("review", text) for text in reading.views for language in _speakers(reading)):
        return
    for text in reading.views:
        lines = sentences(text)
        for first, second in zip(lines, [*lines[1:], ""], strict=True):
            pair = f"{first}\n{second}"
            for language in _speakers(reading):
                reward, review = language.find("reward", pair), language.find("review", pair)
                if reward and review and (reward.start() < len(first) or review.start() < len(first)):
                    yield Sign("L05", reward.group())
                    return


def _speakers(reading: Reading) -> Iterator[Language]:
    """Its own languages, and all others where something that was told could speak them."""
    yield from reading.languages
    if reading.told:
        yield from reading.others


_DENIED: Final = re.compile(r"(?:\b(?:not?|не|нет|ничего|nada|não|cannot|ni)|n't|不|无|别|请勿)\W{0,2}\w{0,8}\W{0,2}$")
"""A denial right before: what is not promised."""


def of_promises(reading: Reading) -> Iterator[Sign]:
    """Money, goods and gifts that are promised and not declared."""
    for kind in PROMISES:
        if kind not in reading.facts.promises:
            for language in reading.languages:
                found = language.find(kind, reading.own)
                if found is not None and not _DENIED.search(reading.own, max(0, found.start() - 24), found.start()):
                    yield Sign("L21", found.group(), kind)
                    break


_SHOUTED: Final = re.compile(r"[!！]{4,}")
_CAPITALS: Final = re.compile(r"[A-ZÀ-ÞА-ЯЁ]{2,}(?:[ ,'’-]+[A-ZÀ-ÞА-ЯЁ]+){2,}")


def of_abuse(reading: Reading) -> Iterator[Sign]:
    """Profanity, a sentence in capitals, many exclamation marks."""
    for words in dict.fromkeys(reading.matches("profanity")):
        yield Sign("L24", words, "profanity")
    if (found := _SHOUTED.search(reading.own)) is not None:
        yield Sign("L24", found.group())
    for capitals in _CAPITALS.finditer(reading.own_raw):
        if sum(one.isalpha() for one in capitals.group()) >= 15:
            yield Sign("L24", capitals.group().casefold())
            return


def of_thanks(reading: Reading) -> Iterator[Sign]:
    """A text in which every sentence is thanks or an offer of help."""
    language = reading.language
    if language is None or language.find("actionable", reading.whole) or not language.find("thanks", reading.whole):
        return
    inner = [normal(line) for line in reading.template_text.strip().splitlines()[1:-2] if line.strip()]
    said = [one for line in inner for one in sentences(line)]
    if said and all(language.find("thanks", one) for one in said):
        yield Sign("L12", said[0])
