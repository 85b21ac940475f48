"""Breakers: an account in trouble is left alone, and only its prober finds out how it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.breakers import (
    ENOUGH,
    FIRST,
    FIRST_OF_LOGIN,
    LONGEST,
    Breaker,
    Phase,
    failed,
    handed_back,
    hurried,
    probed,
    works,
)

NOW: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
NEW: Final = Breaker(transport="main")


def refused(breaker: Breaker, *, by: str = "a", stage: str = "connect", code: int = 0, at: datetime = NOW) -> Breaker:
    return failed(breaker, by=by, stage=stage, code=code, reply="no", now=at)


def opened(*, stage: str = "auth") -> Breaker:
    return refused(NEW, stage=stage, code=535)


@pytest.mark.parametrize(
    ("stage", "code"), [("auth", 535), ("auth", 454), ("tls", 0), ("greeting", 554), ("mail", 550)]
)
def test_one_failure_that_is_meant_for_us_opens(stage: str, code: int) -> None:
    breaker = refused(NEW, stage=stage, code=code)

    assert (breaker.phase, breaker.since, breaker.stage) == (Phase.OPEN, NOW, stage)


@pytest.mark.parametrize(("stage", "code"), [("connect", 0), ("greeting", 421), ("ehlo", 0), ("greeting", 0)])
def test_what_may_pass_opens_only_when_it_happens_again_and_again(stage: str, code: int) -> None:
    breaker = NEW
    for _ in range(ENOUGH - 1):
        breaker = refused(breaker, stage=stage, code=code)
        assert not breaker.is_open

    assert refused(breaker, stage=stage, code=code).is_open
    assert not refused(works(breaker, by="a"), stage=stage, code=code).is_open


def test_the_pause_doubles_from_probe_to_probe_up_to_a_quarter_of_an_hour() -> None:
    breaker, at, pauses = NEW, NOW, []
    for _ in range(ENOUGH):
        breaker = refused(breaker, at=at)
    for _ in range(8):
        pauses.append(breaker.pause)
        at += breaker.pause
        breaker = probed(breaker, by="a", now=at, until=at + SECOND)
        assert breaker.phase is Phase.PROBING
        breaker = refused(breaker, at=at)

    assert pauses == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST, 16 * FIRST, LONGEST, LONGEST, LONGEST]


def test_a_refused_login_is_tried_three_times_in_any_ten_minutes() -> None:
    breaker, tries = opened(), [NOW]
    while tries[-1] < NOW + timedelta(hours=2):
        at = tries[-1] + breaker.pause
        tries.append(at)
        breaker = refused(probed(breaker, by="a", now=at, until=at + SECOND), stage="auth", code=535, at=at)

    assert breaker.pause == LONGEST
    assert tries[1] - tries[0] == FIRST_OF_LOGIN
    for start in tries:
        assert sum(start <= one < start + timedelta(minutes=10) for one in tries) <= 3


def test_a_probe_that_fails_for_the_login_waits_as_long_as_a_login_does() -> None:
    breaker = probed(refused(NEW, stage="tls"), by="a", now=NOW + FIRST, until=NOW + 2 * FIRST)

    assert refused(breaker, stage="auth", code=535, at=NOW + FIRST).pause == FIRST_OF_LOGIN


def test_a_breaker_is_not_probed_before_its_pause_is_over() -> None:
    breaker = opened()

    assert probed(breaker, by="a", now=NOW + breaker.pause - SECOND, until=NOW + LONGEST) == breaker


def test_what_comes_back_late_changes_nothing() -> None:
    """Messages that were on their way when it opened, and those of other processes while one of them probes."""
    breaker = opened()
    probing = probed(breaker, by="a", now=NOW + FIRST_OF_LOGIN, until=NOW + LONGEST)

    assert refused(breaker, at=NOW + SECOND) == breaker
    assert works(breaker, by="a") == breaker
    assert works(probing, by="b") == probing
    assert refused(probing, by="b") == probing
    assert handed_back(probing, by="b", now=NOW) == probing


def test_a_prober_that_dies_is_followed_by_another() -> None:
    at = NOW + FIRST_OF_LOGIN
    probing = probed(opened(), by="a", now=at, until=at + 60 * SECOND)

    assert probed(probing, by="b", now=at + 59 * SECOND, until=at + LONGEST) == probing
    assert probed(probing, by="b", now=at + 60 * SECOND, until=at + LONGEST).prober == "b"


def test_a_probe_that_found_nothing_out_can_be_made_again_at_once() -> None:
    at = NOW + FIRST_OF_LOGIN
    back = handed_back(probed(opened(), by="a", now=at, until=at + LONGEST), by="a", now=at)

    assert back.may_be_probed(at)
    assert back.pause == FIRST_OF_LOGIN


def test_somebody_in_a_hurry_need_not_wait() -> None:
    breaker = hurried(opened(), now=NOW + SECOND)

    assert breaker.may_be_probed(NOW + SECOND)
    assert hurried(NEW, now=NOW) == NEW


def test_an_account_that_works_again_has_no_past() -> None:
    at = NOW + FIRST_OF_LOGIN

    assert works(probed(opened(), by="a", now=at, until=at + LONGEST), by="a") == NEW


STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(["fail", "login", "work", "probe", "back"]), st.sampled_from("abc"), st.integers(0, 1200)
    ),
    max_size=60,
)


@given(STEPS)
def test_whatever_happens_one_process_probes_at_a_time_and_the_pause_stays_within_its_bounds(
    steps: Sequence[tuple[str, str, int]],
) -> None:
    breaker, at = NEW, NOW
    for word, who, seconds in steps:
        at += seconds * SECOND
        before = breaker
        match word:
            case "fail":
                breaker = refused(breaker, by=who, at=at)
            case "login":
                breaker = refused(breaker, by=who, stage="auth", code=535, at=at)
            case "work":
                breaker = works(breaker, by=who)
            case "probe":
                breaker = probed(breaker, by=who, now=at, until=at + 60 * SECOND)
            case _:
                breaker = handed_back(breaker, by=who, now=at)
        assert (breaker.phase is Phase.PROBING) == bool(breaker.prober)
        assert breaker.is_open == (breaker.since is not None) == (breaker.probe_at is not None)
        assert not breaker.is_open or FIRST <= breaker.pause <= LONGEST
        if before.phase is Phase.PROBING and breaker != before:
            assert before.prober == who or (before.probe_at is not None and before.probe_at <= at)
        if before.phase is Phase.OPEN and breaker != before:
            assert breaker == replace(before, phase=Phase.PROBING, prober=who, probe_at=at + 60 * SECOND)
            assert before.probe_at is not None
            assert before.probe_at <= at
