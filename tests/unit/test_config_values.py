from __future__ import annotations

from collections.abc import Callable
from datetime import time

import pytest

from messenger.config.tables import Wrong, a_text, list_of, nearest, one_of, shown, spoken, whole
from messenger.config.values import address_or_nothing, days, event_types, link, sender, window, zone


def complaint(reader: Callable[[object], object], value: object) -> str:
    with pytest.raises(Wrong) as caught:
        reader(value)
    assert str(caught.value) == caught.value.problem
    return f"{caught.value.problem} ({caught.value.remedy})"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09:00-20:00", (time(9), time(20))),
        ("22:30-06:00", (time(22, 30), time(6))),
        ("09:00-24:00", (time(9), time(0))),
        ("00:00-24:00", (time(0), time(0))),
        ("always", (time(0), time(0))),
    ],
)
def test_windows(text: str, expected: tuple[time, time]) -> None:
    assert window(text) == expected


@pytest.mark.parametrize(
    "text", ["9:00-20:00", "09:00-24:01", "24:00-09:00", "09:60-10:00", "٠٩:00-20:00", "09:00", ""]
)
def test_what_is_no_window(text: str) -> None:
    assert complaint(window, text) == f'cannot read {text!r} (write "09:00-20:00" or "always")'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mon-sun", range(7)),
        ("mon-fri", range(5)),
        ("sat,sun", (5, 6)),
        ("sat-mon", (5, 6, 0)),
        ("sun", (6,)),
        ("mon, wed-thu", (0, 2, 3)),
        ("tue-mon", range(7)),
    ],
)
def test_days(text: str, expected: tuple[int, ...]) -> None:
    assert days(text) == frozenset(expected)


def test_events_that_a_person_makes_are_not_waited_for() -> None:
    for text in ("staff.started", "staff.*"):
        assert complaint(event_types, text) == (
            'what a person starts is no event to wait for (write trigger = "staff")'
        )


@pytest.mark.parametrize("text", ["UTC+8", "GMT-3", "+08:00", "UTC+08:00"])
def test_an_offset_is_no_zone(text: str) -> None:
    assert complaint(zone, text).endswith(
        "(an offset is no zone: clocks change; write the name of one, for example Asia/Shanghai)"
    )


def test_zones() -> None:
    for name in ("Europe/Madrid", "America/Argentina/Buenos_Aires", "UTC"):
        assert zone(name) == name
    assert complaint(zone, "New York").endswith("(did you mean 'America/New_York'?)")
    assert complaint(zone, "Lord Howe").endswith("(did you mean 'Australia/Lord_Howe'?)")
    assert complaint(zone, "China/Beijing").endswith("(did you mean 'Asia/Shanghai'?)")


def test_addresses_and_links() -> None:
    assert (address_or_nothing(""), address_or_nothing("a@b.example")) == ("", "a@b.example")
    assert sender("Sunny Toys<care@toys.example>") == "Sunny Toys<care@toys.example>"
    assert link("") == ""
    assert complaint(link, "ftp://x.example") == "must be a link, got 'ftp://x.example' (links start with https://)"


def test_a_value_in_a_sentence_is_short() -> None:
    assert (shown("x"), shown(3), shown(False), shown({}), shown([1])) == ("'x'", "3", "false", "a table", "a list")
    assert shown("x" * 58) == f"'{'x' * 58}'"
    assert shown("x" * 59) == f"'{'x' * 56}..."


def test_the_nearest_word_or_all_words_if_they_are_few() -> None:
    many = [f"{letter}{letter}{letter}" for letter in "abcdefghijklmnopqrstu"]

    assert nearest("APPEL", ["apple", "pear", "maple"]) == "did you mean 'apple'?"
    assert nearest("zzz", many[:20]) == f"known: {', '.join(many[:20])}"
    assert (nearest("zzz", many), nearest("zzz", [])) == ("", "")


def test_words_and_lists_and_numbers() -> None:
    assert (spoken(["a"], "and"), spoken(["a", "b"], "or"), spoken(["a", "b", "c"], "and")) == (
        "a",
        "a or b",
        "a, b and c",
    )
    assert complaint(a_text, "a\u202eb") == "must be one line of visible text, got 'a\\u202eb' ()"
    assert complaint(one_of(["a"]), 1) == "can only be 'a', got 1 ()"
    assert complaint(one_of(["one"]), "zzz") == "unknown word 'zzz' (known: one)"
    assert complaint(one_of(["one"], later=["two"]), "two") == "'two' is not available in this version (available: one)"
    assert complaint(one_of([f"{n}" * 5 for n in range(1000, 1021)]), "zzz").startswith(
        "unknown word 'zzz' (known: 1000"
    )
    assert (whole(1, 3)(1), whole(1, 3)(3)) == (1, 3)
    assert complaint(whole(1, 3), True) == "must be a whole number from 1 to 3, got true ()"
    assert list_of(a_text, alone=True)("a") == ("a",)
    with pytest.raises(Wrong) as caught:
        list_of(list_of(a_text))([["a"], ["b", "b"]])
    assert caught.value.inside == (1, 1)
