"""Reading a finished text: the signs of its lines, and those that only the whole text has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from html import escape
from typing import Final

from messenger.domain.messages import Category
from messenger.rendering.policy.book import Rulebook
from messenger.rendering.policy.facts import Facts
from messenger.rendering.policy.normal import sentences, undisguised, visible
from messenger.rendering.policy.signs import HIDDEN, THANKS, Sign, signs_of, signs_of_told
from messenger.rendering.render import RenderedMessage

_ENGLISH: Final = "en"
"""Filters read it everywhere."""
_SCRIPTS: Final = {"ru": re.compile("[А-Яа-яЁё]"), "zh": re.compile("[\u4e00-\u9fff]")}
"""Languages with letters of their own."""


class Reading:
    """A finished text as the rules look at it."""

    def __init__(self, made: RenderedMessage, facts: Facts, book: Rulebook) -> None:
        self.made = made
        self.facts = facts
        self.book = book
        self.body = made.platform_text if facts.channel == "platform" else made.text
        self.raw = visible(f"{made.subject}\n{made.preheader}\n{self.body}")
        self.spoken = made.locale.partition("-")[0].lower()

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The word lists to read it by: of its language, and English."""
        return tuple(dict.fromkeys(one for one in (self.spoken, _ENGLISH) if one in self.book.languages))

    @cached_property
    def signs(self) -> tuple[Sign, ...]:
        """The signs of all lines."""
        return tuple(dict.fromkeys(self._line_signs()))

    @cached_property
    def marks(self) -> frozenset[str]:
        """Which of the lists that decide nothing alone match somewhere."""
        return frozenset(one.note for one in self.signs if not one.rule)

    @cached_property
    def can_unsubscribe(self) -> bool:
        """Whether a reader sees a way to hear no more: in the text, or below it in the e-mail."""
        address = self.facts.unsubscribe
        return bool(address) and (address in self.body or escape(address) in self.made.html)

    @cached_property
    def _hidden(self) -> str:
        """The text with the numbers of orders and parcels hidden: they are nobody's telephone."""
        text = self.raw
        for number in self.facts.numbers:
            text = text.replace(number, HIDDEN)
        return text

    @cached_property
    def _told(self) -> tuple[str, ...]:
        """What others wrote and this text repeats."""
        return tuple(shown for one in self.facts.told if (shown := visible(one)) in self._hidden)

    def _line_signs(self) -> Iterator[Sign]:
        for line in filter(None, self._hidden.split("\n")):
            own = line
            for told in self._told:
                own = own.replace(told, HIDDEN)
            found = signs_of(own, self.languages)
            yield from found
            if own is not line and own != line:
                for one in signs_of_told(line, self._readable(line)):
                    if one not in found:
                        yield Sign(one.rule, one.words, one.note, is_own=False)

    def _readable(self, line: str) -> tuple[str, ...]:
        """The word lists that could say anything of a line somebody typed, in whatever language: those of its letters."""
        if line.isascii():
            return tuple(one for one in self.book.languages if one not in _SCRIPTS)
        return tuple(name for name in self.book.languages if name not in _SCRIPTS or _SCRIPTS[name].search(line))

    def of_the_whole(self, template: str) -> Iterator[Sign]:
        """Yield what is rewarded, too late, or lacks something it has to have."""
        facts, book = self.facts, self.book
        if {"review", "reward"} <= self.marks:
            yield from self._incentives()
        if self._only_thanks():
            yield Sign("L12")
        if facts.order_number and facts.order_number not in self.raw:
            yield Sign("L13")
        if facts.asked_before and self._asks_for_review(template):
            yield Sign("L09")
        if facts.buyer_language and facts.buyer_language.replace("_", "-").partition("-")[0].lower() != self.spoken:
            yield Sign("L14", "", f"{self.spoken} instead of {facts.buyer_language}")
        if (
            facts.category is Category.PROMOTIONAL or book.is_meant("promotional", template)
        ) and not self.can_unsubscribe:
            yield Sign("L25")
        if facts.channel == "email" and "<img" in self.made.html:
            yield Sign("L18", "", "image")
        yield from (Sign("L15", "", platform) for platform in book.ages if self._is_late(platform, template))

    def _incentives(self) -> Iterator[Sign]:
        """Reward words near review words, in one or two sentences."""
        low = self._hidden.casefold()
        own = low
        for told in self._told:
            own = own.replace(told.casefold(), HIDDEN)
        names = tuple(self.book.languages) if self._told else self.languages
        for text in dict.fromkeys((own, low, undisguised(low))):
            said = sentences(text)
            for first, second in zip(said, [*said[1:], ""], strict=True):
                pair = f"{first}\n{second}"
                for language in (self.book.languages[name] for name in names):
                    reward, review = language.find("reward", pair), language.find("review", pair)
                    if reward and review and min(reward.start(), review.start()) < len(first):
                        yield Sign("L05", reward.group(), is_own=text is own)
                        return

    def _only_thanks(self) -> bool:
        """Whether every line between greeting and signature is thanks or an offer of help."""
        if "actionable" in self.marks:
            return False
        inner = [one for line in visible(self.body).strip().split("\n")[1:-2] if (one := line.strip())]
        return bool(inner) and all(self._is_thanks(line) for line in inner)

    def _is_thanks(self, line: str) -> bool:
        for hidden in (*self.facts.numbers, *self.facts.told):
            line = line.replace(hidden, HIDDEN)
        return any(one.note == THANKS for one in signs_of(line, self.languages))

    def _asks_for_review(self, template: str) -> bool:
        return self.book.is_meant("review", template) or {"review", "ask"} <= self.marks

    def _is_late(self, platform: str, template: str) -> bool:
        told = self.book.ages[platform]
        since = self.facts.moments.get(str(told["since"]))
        if since is None or (told.get("only") == "review" and not self._asks_for_review(template)):
            return False
        return (self.facts.now - since).days > int(told["days"])
