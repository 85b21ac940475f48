"""Tokens of unsubscription: only we can make one, and it says the same for ever."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.messages import Category
from messenger.domain.suppressions import address_key
from messenger.services.tokens import LONGEST, Wish, read_token, seal, unsubscribe_token

SECRET = b"unsub-secret"
WISH = Wish(shop="toys", category=Category.RELATIONAL, address=address_key(b"addresses", "joe@buyer.example"))
TOKEN = seal(SECRET, WISH)


def test_a_token_made_today_is_the_token_of_ever() -> None:
    """Letters of years ago hold it: this vector may never change."""
    assert TOKEN == VECTOR
    assert read_token(SECRET, VECTOR) == WISH


def test_every_spelling_of_an_address_asks_for_the_same() -> None:
    made = {
        unsubscribe_token(SECRET, shop="toys", category=Category.RELATIONAL, address=one, addresses=b"addresses")
        for one in ("joe@buyer.example", "Joe@Buyer.EXAMPLE")
    }

    assert made == {TOKEN}


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=60), st.sampled_from(Category)
)
def test_what_is_sealed_is_read(shop: str, category: Category) -> None:
    wish = Wish(shop=shop, category=category, address=WISH.address)

    assert read_token(SECRET, seal(SECRET, wish)) == wish


@given(
    st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
)
def test_a_token_that_was_changed_is_none(place: int, letter: str) -> None:
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]
    same = base64.urlsafe_b64decode(changed + "==") == base64.urlsafe_b64decode(TOKEN + "==")

    assert (read_token(SECRET, changed) == WISH) is same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "joe@buyer.example",
        TOKEN + "A",
        TOKEN[:-1],
        "é" * 20,
        "A" * (LONGEST + 1),
        "../../etc/passwd",
        TOKEN + "\n",
        " " + TOKEN,
    ],
)
def test_anything_else_is_no_token(text: str) -> None:
    assert read_token(SECRET, text) is None


def test_another_installation_cannot_read_it() -> None:
    assert read_token(b"other", TOKEN) is None


VECTOR = "AQGPWWYrQePj5Xax5JyC-HehdG95c3_PG2haSMY7BtITopvXqR0"
