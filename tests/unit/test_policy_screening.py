"""The screen rules out only lists that do not match: whatever a list finds, it was worth trying."""

from __future__ import annotations

import random

import pytest

from messenger.rendering.policy.book import LANGUAGES, rulebook
from messenger.rendering.policy.screening import View

PLAIN = {
    "en": "please leave us five stars, a coupon is yours",
    "ru": "оставьте отзыв, вернём деньги",
    "zh": "请给我们五星好评，返现",
}


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_list_that_matches_is_always_worth_trying(name: str) -> None:
    language = rulebook().languages[name]
    chance = random.Random(7)
    needles = sorted({needle for phrases in language.lists.values() for needle in phrases.needles})
    texts = [*PLAIN.values(), "", "a", *(" ".join(chance.sample(needles, 4)) for _ in range(500)), *needles]

    matches = 0
    for text in texts:
        view = View(text)
        for list_name in language.lists:
            if language.find(list_name, text) is not None:
                matches += 1
                assert list_name in view.worth_trying(language.screen), (list_name, text)

    assert matches > 200


@pytest.mark.parametrize("name", ["en", "es", "ru", "pt"])
def test_an_everyday_line_is_worth_few_lists(name: str) -> None:
    language = rulebook().languages[name]

    worth = View("wooden puzzle 3, china post").worth_trying(language.screen)

    assert len(worth - language.screen.always) < len(language.lists) // 3
