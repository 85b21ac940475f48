"""What the platforms do by themselves, as the package says it."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from messenger.config.policies import policies, read_policy
from messenger.config.tables import Wrong
from messenger.config.values import PLATFORMS
from messenger.domain.orders import Deadline
from messenger.domain.shops import Derived
from messenger.domain.timing import Span

GOOD = """
deadlines = ["pay_by"]
[derived.pay_by]
since = "placed_at"
span = "20d"
source = "the platform's rules"
checked_on = 2026-11-25
"""


def test_every_platform_has_a_policy_of_its_own_name() -> None:
    assert set(policies()) == set(PLATFORMS)
    assert all(policy.platform == name for name, policy in policies().items())
    assert policies() is policies()


def test_aliexpress_closes_unpaid_orders_and_ends_disputes_and_reviews() -> None:
    assert policies()["aliexpress"].derived == {
        Deadline.PAY_BY: Derived(since="placed_at", span=Span(days=20)),
        Deadline.REVIEW_BY: Derived(since="received_at", span=Span(days=30)),
        Deadline.DISPUTE_BY: Derived(since="received_at", span=Span(days=15)),
    }


def test_nothing_is_derived_where_no_source_was_read() -> None:
    assert {name for name, policy in policies().items() if policy.derived} == {"aliexpress"}


def test_a_shop_without_a_platform_can_have_every_deadline_and_amazon_none_for_paying() -> None:
    assert policies()["none"].deadlines == frozenset(Deadline)
    assert policies()["amazon"].deadlines == frozenset(Deadline) - {Deadline.PAY_BY}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_derived_deadline_names_its_source(platform: str) -> None:
    told = tomllib.loads(files("messenger.platforms").joinpath(platform, "policy.toml").read_text(encoding="utf-8"))

    for one in told.get("derived", {}).values():
        assert "docs/sources.md, S" in one["source"]


def test_keys_of_other_readers_are_left_alone() -> None:
    assert read_policy("none", GOOD + "[content]\nlongest = 2000\n").deadlines == {Deadline.PAY_BY}


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        pytest.param('"placed_at"', '"status"', "unknown word 'status'", id="what is no moment"),
        pytest.param('"20d"', '"soon"', "cannot read 'soon'", id="no length of time"),
        pytest.param('"20d"', '"0d"', "must be longer than nothing", id="no time at all"),
        pytest.param(
            '["pay_by"]', '["ship_by"]', "pay_by is derived but not among", id="a deadline the platform has not"
        ),
        pytest.param("[derived.pay_by]", "[derived.answer_by]", "unknown word 'answer_by'", id="a dispute's deadline"),
        pytest.param('source = "the platform\'s rules"', "", "must be a text, got None", id="no source"),
        pytest.param("2026-11-25", '"lately"', "checked_on must be a date", id="no date"),
        pytest.param('["pay_by"]', '["pay_buy"]', "unknown word 'pay_buy'", id="a misspelt deadline"),
    ],
)
def test_a_policy_that_says_what_cannot_be_is_refused(before: str, after: str, problem: str) -> None:
    assert before in GOOD

    with pytest.raises(Wrong, match=problem):
        read_policy("none", GOOD.replace(before, after))
