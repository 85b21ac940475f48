from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from messenger.config.spans import cap, elapsed, length, once_in, some_span, some_steps, span, steps
from messenger.config.tables import Wrong
from messenger.domain.rules import Cap
from messenger.domain.timing import Span


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", Span(elapsed=timedelta(seconds=90))),
        ("30m", Span(elapsed=timedelta(minutes=30))),
        ("36h", Span(elapsed=timedelta(hours=36))),
        ("14d", Span(days=14)),
        ("2w", Span(days=14)),
        ("3bd", Span(business=3)),
        ("0h", Span()),
        ("3650d", Span(days=3650)),
    ],
)
def test_a_span_is_elapsed_time_calendar_days_or_business_days(text: str, expected: Span) -> None:
    assert span(text) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("soon", "cannot read 'soon' (write 14d, 36h or 90m)"),
        ("", "cannot read '' (write 14d, 36h or 90m)"),
        (3, "cannot read 3 (write 14d, 36h or 90m)"),
        (True, "cannot read true (write 14d, 36h or 90m)"),
        (["1d"], "must be a text, got a list (texts stand in quotes)"),
        ("1d 2h", "cannot read '1d 2h' (write 14d, 36h or 90m)"),
        ("3b", "cannot read '3b' (write 14d, 36h or 90m)"),
        ("3D", "cannot read '3D' (write 14d, 36h or 90m)"),
        ("٣d", "cannot read '٣d' (write 14d, 36h or 90m)"),
        ("1.5d", "cannot read '1.5d' (write 14d, 36h or 90m)"),
        ("-2d", "cannot be negative, got '-2d' (write 14d, 36h or 90m)"),
        ("- 2d", "cannot be negative, got '- 2d' (write 14d, 36h or 90m)"),
        (-2, "cannot be negative, got -2 (write 14d, 36h or 90m)"),
        ("3651d", "'3651d' is longer than ten years ()"),
        ("999999w", "'999999w' is longer than ten years ()"),
        ("1234567s", "cannot read '1234567s' (write 14d, 36h or 90m)"),
    ],
)
def test_what_is_no_span_is_told(value: object, expected: str) -> None:
    assert complaint(span, value) == expected


def complaint(reader: Callable[[object], object], value: object) -> str:
    with pytest.raises(Wrong) as caught:
        reader(value)
    return f"{caught.value.problem} ({caught.value.remedy})"


@pytest.mark.parametrize("text", ["0s", "0d", "0bd", "000w"])
def test_some_spans_are_longer_than_nothing(text: str) -> None:
    assert complaint(some_span, text) == f"must be longer than nothing, got '{text}' ()"


def test_steps_ascend() -> None:
    assert steps("0h") == (Span(),)
    assert steps(["0h", "36h", "2d", "3bd", "1w"]) == (
        Span(), Span(elapsed=timedelta(hours=36)), Span(days=2), Span(business=3), Span(days=7)
    )  # fmt: skip
    assert complaint(steps, ["1d", "24h"]) == "24h does not come after 1d (write the steps in ascending order)"
    assert complaint(steps, ["1d"] * 2) == "names '1d' twice ()"
    assert complaint(steps, [f"{one}d" for one in range(1, 7)]) == "has 6 steps, at most 5 are possible ()"
    assert complaint(steps, []) == "must not be an empty list ()"
    assert complaint(some_steps, ["0d", "1d"]) == "must be longer than nothing, got '0d' ()"
    assert some_steps("1d") == (Span(days=1),)


def test_a_wrong_step_is_pointed_at() -> None:
    for value, place in (
        (["3d", "2d"], (1,)),
        (["1d", "2d", "soon"], (2,)),
        ([f"{one}d" for one in range(1, 8)], (5,)),
    ):
        with pytest.raises(Wrong) as caught:
            steps(value)

        assert caught.value.inside == place


@pytest.mark.parametrize(
    ("text", "expected"),
    [("6h", timedelta(hours=6)), ("90d", timedelta(days=90)), ("1w", timedelta(days=7)), ("5s", timedelta(seconds=5))],
)
def test_of_a_length_a_day_counts_24_hours(text: str, expected: timedelta) -> None:
    assert length(text) == expected


def test_a_length_counts_no_business_days() -> None:
    expected = "cannot count business days here, got '3bd' (write 7d or 36h; a day counts 24 hours)"

    assert complaint(length, "3bd") == expected
    assert complaint(length, "0h") == "must be longer than nothing, got '0h' ()"


def test_elapsed_time_knows_no_days() -> None:
    assert elapsed("90s") == timedelta(seconds=90)
    for text in ("1d", "1bd"):
        assert complaint(elapsed, text) == f"must be seconds, minutes or hours, got '{text}' (write 90s, 30m or 36h)"


def test_a_cap_is_a_number_within_a_length() -> None:
    assert cap("3/7d") == Cap(count=3, span=timedelta(days=7))
    assert cap("9999/36h") == Cap(count=9999, span=timedelta(hours=36))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3", "cannot read '3' (write \"3/7d\": at most 3 in any 7 days)"),
        ("3/", "cannot read '3/' (write \"3/7d\": at most 3 in any 7 days)"),
        ("/7d", "cannot read '/7d' (write \"3/7d\": at most 3 in any 7 days)"),
        ("-3/7d", "cannot read '-3/7d' (write \"3/7d\": at most 3 in any 7 days)"),
        ("10000/7d", "cannot read '10000/7d' (write \"3/7d\": at most 3 in any 7 days)"),
        ("3/7d/2", "cannot read '7d/2' (write \"3/7d\": at most 3 in any 7 days)"),
        ("٣/7d", "cannot read '٣/7d' (write \"3/7d\": at most 3 in any 7 days)"),
        ("three/7d", "cannot read 'three/7d' (write \"3/7d\": at most 3 in any 7 days)"),
        ("3/week", "cannot read 'week' (write \"3/7d\": at most 3 in any 7 days)"),
        ("3/7bd", "cannot count business days here, got '7bd' (write \"3/7d\": at most 3 in any 7 days)"),
        ("0/7d", "'0/7d' would allow nothing (a rule is switched off by enabled = false)"),
        (3, "must be a text, got 3 (texts stand in quotes)"),
    ],
)
def test_what_is_no_cap_is_told(value: object, expected: str) -> None:
    assert complaint(cap, value) == expected


def test_once_per_buyer_says_for_how_long() -> None:
    remedy = '(write "buyer/90d": once in 90 days to the same buyer)'

    assert once_in("buyer/90d") == timedelta(days=90)
    assert complaint(once_in, "buyer") == f"does not say for how long, got 'buyer' {remedy}"
    assert complaint(once_in, "buyer/3bd") == f"cannot count business days here, got '3bd' {remedy}"
