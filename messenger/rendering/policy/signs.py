"""Signs: what in a line of a text speaks for a rule. Which platform minds is decided elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from messenger.rendering.policy.book import Language, rulebook
from messenger.rendering.policy.normal import sentences, undisguised
from messenger.rendering.policy.screening import View
from messenger.rendering.policy.shapes import shapes_of

PHRASE_RULES: Final = ("L03", "L04", "L06", "L07", "L08", "L10", "L19", "L20")
"""Rules that are a list of phrases and nothing more."""
PROMISES: Final = ("refund", "resend", "coupon", "gift")
MARKS: Final = ("review", "reward", "ask", "actionable")
"""Lists that decide nothing in a line by themselves: they are signs without a rule."""
THANKS: Final = "thanks"
HIDDEN: Final = "□"
"""Stands for numbers of orders and parcels, and for what the order tells."""
_SHOUTED: Final = re.compile(r"[!！]{4,}")
_CAPITALS: Final = re.compile(r"[A-ZÀ-ÞА-ЯЁ]{2,}(?:[ ,'’-]+[A-ZÀ-ÞА-ЯЁ]+){2,}")
_DENIED: Final = re.compile(r"(?:\b(?:not?|не|нет|ничего|nada|não|cannot|ni)|n't|不|无|别|请勿)\W{0,2}\w{0,8}\W{0,2}$")
"""A denial right before: what is not promised."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign.

    Args:
        rule: whose; empty for a mark.
        words: the place in the text, normalised; empty when the whole text is meant.
        note: what makes it worse, or which kind it is.
        is_own: the text's own words, not what the order tells.
    """

    rule: str
    words: str = ""
    note: str = ""
    is_own: bool = True


@lru_cache(maxsize=8192)
def signs_of(line: str, languages: tuple[str, ...]) -> tuple[Sign, ...]:
    """Return the signs of one line. Most lines of most messages are the same, numbers aside: they are read once.

    Args:
        line: visible text, numbers of orders and parcels hidden.
        languages: whose word lists to read it by.
    """
    return read_line(line, languages)


@lru_cache(maxsize=2048)
def signs_of_told(line: str, languages: tuple[str, ...]) -> tuple[Sign, ...]:
    """Return the same of a line that holds what a buyer or seller typed: titles come again and again, names seldom.

    Remembered apart, so that these many lines do not drive out the texts' own.
    """
    return read_line(line, languages)


def read_line(line: str, languages: tuple[str, ...]) -> tuple[Sign, ...]:
    """Return the same without remembering it."""
    low = line.casefold()
    views = tuple(map(View, dict.fromkeys((low, undisguised(low)))))
    lists = [rulebook().languages[name] for name in languages]
    return tuple(
        dict.fromkeys(
            (*_phrases(views, lists), *_promises(views[0], lists), *_loud(line), *_shapes(line, views, lists))
        )
    )


def _shapes(line: str, views: tuple[View, ...], lists: list[Language]) -> Iterator[Sign]:
    return (Sign(rule, words, note) for rule, words, note in shapes_of(line, views, lists))


def _phrases(views: tuple[View, ...], lists: list[Language]) -> Iterator[Sign]:
    for language in lists:
        for view in views:
            for rule in PHRASE_RULES:
                if (found := language.find_in(rule, view)) is not None:
                    yield Sign(rule, found.group())
            if (found := language.find_in("profanity", view)) is not None:
                yield Sign("L24", found.group(), "profanity")
            for mark in MARKS:
                if language.find_in(mark, view) is not None:
                    yield Sign("", "", mark)
        if THANKS in views[0].worth_trying(language.screen) and _is_all_thanks(views[0].text, language):
            yield Sign("", "", THANKS)


def _is_all_thanks(text: str, language: Language) -> bool:
    said = sentences(text)
    return bool(said) and all(language.find(THANKS, one) for one in said)


def _promises(view: View, lists: list[Language]) -> Iterator[Sign]:
    """Money, goods and gifts that are promised."""
    for language in lists:
        for kind in PROMISES:
            found = language.find_in(kind, view)
            if found is not None and not _DENIED.search(view.text, max(0, found.start() - 24), found.start()):
                yield Sign("L21", found.group(), kind)


def _loud(line: str) -> Iterator[Sign]:
    if (found := _SHOUTED.search(line)) is not None:
        yield Sign("L24", found.group())
    for capitals in _CAPITALS.finditer(line):
        if sum(one.isalpha() for one in capitals.group()) >= 15:
            yield Sign("L24", capitals.group().casefold())
