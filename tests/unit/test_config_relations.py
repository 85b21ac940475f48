from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.config.relations import circles
from messenger.domain.orders import Deadline
from messenger.domain.shops import Shop
from tests.config_samples import SHOPS, a_shop, findings_of

ON = "on = 'order.paid'"


def rules(**more: str) -> str:
    """Return further rules, each with its own keys."""
    return "".join(f"\n[rules.{name}]\ntemplate = 'shipped'\n{ON}\n{text}" for name, text in more.items())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f"{ON}\nsupersedes = ['in-transti']" + rules(**{"in-transit": ""}),
            ["6:15: rules.x.supersedes: unknown rule 'in-transti' (did you mean 'in-transit'?)"],
            id="unknown",
        ),
        pytest.param(f"{ON}\nsupersedes = ['q']", ["6:15: rules.x.supersedes: unknown rule 'q'"], id="alone"),
        pytest.param(
            f"{ON}\nsupersedes = ['y', 'old']" + rules(y="formerly = ['old']"),
            ["6:20: rules.x.supersedes: unknown rule 'old' (it is now called 'y')"],
            id="former name",
        ),
        pytest.param(
            f"{ON}\nsupersedes = ['x']",
            ["6:15: rules.x.supersedes: goes in a circle: x → x (later news supersedes earlier news, never back)"],
            id="itself",
        ),
        pytest.param(
            f"{ON}\nsupersedes = ['z', 'y']" + rules(y="supersedes = ['z']", z="supersedes = ['x']"),
            ["6:15: rules.x.supersedes: goes in a circle: x → z → x (later news supersedes earlier news, never back)"],
            id="circle",
        ),
        pytest.param(
            f"{ON}\n" + rules(y="supersedes = ['z']", z="supersedes = ['x', 'y']"),
            ["10:15: rules.y.supersedes: goes in a circle: y → z → y (later news supersedes earlier news, never back)"],
            id="circle of others",
        ),
        pytest.param(
            f"{ON}\nformerly = ['a', 'y']" + rules(y=""),
            ["6:18: rules.x.formerly: 'y' is the present name of a rule (each name belongs to one rule for ever)"],
            id="present name",
        ),
        pytest.param(
            f"{ON}\nformerly = ['x']",
            ["6:13: rules.x.formerly: 'x' is the present name of a rule (each name belongs to one rule for ever)"],
            id="own name",
        ),
        pytest.param(
            f"{ON}\nformerly = ['a']" + rules(y="formerly = ['b', 'a']"),
            ["10:18: rules.y.formerly: 'a' is a former name of 'x' already (each name belongs to one rule for ever)"],
            id="twice",
        ),
        pytest.param(f"{ON}\nformerly = ['a', 'b']" + rules(y="formerly = ['c']"), [], id="former names"),
        pytest.param(f"{ON}\nsupersedes = ['y']" + rules(y="supersedes = ['z']", z=""), [], id="chain"),
    ],
)
def test_names_of_rules_lead_somewhere_and_never_back(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert findings_of(tmp_path, text) == expected


EBAY = a_shop("bay", Deadline.SHIP_BY, Deadline.DELIVER_BY, platform="ebay")
BARE = a_shop("own", Deadline.SHIP_BY, platform="shopify")


@pytest.mark.parametrize(
    ("text", "shops", "expected"),
    [
        pytest.param(
            "before = 'pay_by'\nlead = '2d'",
            {"bay": EBAY},
            [
                "5:10: rules.x.before: ebay has no pay_by, and the shop bay sells there (ebay has ship_by and deliver_by)"
            ],
            id="the only shop",
        ),
        pytest.param(
            "after = 'pay_by'",
            {"own": BARE},
            ["5:9: rules.x.after: shopify has no pay_by, and the shop own sells there (shopify has ship_by)"],
            id="one deadline",
        ),
        pytest.param(
            "after = 'pay_by'\nshops = ['toys', 'bay']",
            {**SHOPS, "bay": EBAY},
            ["5:9: rules.x.after: ebay has no pay_by, and the shop bay sells there (ebay has ship_by and deliver_by)"],
            id="a shop it names",
        ),
        pytest.param(
            "after = 'pay_by'",
            {**SHOPS, "bay": EBAY, "own": BARE},
            [
                (
                    "5:9: rules.x.after: ebay has no pay_by, and the shop bay sells there"
                    ' (so it says nothing there; to say so, write shops = ["toys"]) [warning]'
                )
            ],
            id="one of all shops",
        ),
        pytest.param(
            "after = 'pay_by'",
            {**SHOPS, "bay": EBAY, "alex": a_shop("alex")},
            [
                (
                    "5:9: rules.x.after: ebay has no pay_by, and the shop bay sells there"
                    ' (so it says nothing there; to say so, write shops = ["toys", "alex"]) [warning]'
                )
            ],
            id="one of three shops",
        ),
        pytest.param("after = 'pay_by'\nshops = ['toys']", {**SHOPS, "bay": EBAY}, [], id="another shop"),
        pytest.param("after = 'ship_by'", {**SHOPS, "bay": EBAY}, [], id="both have it"),
        pytest.param("after = 'pay_by'", None, [], id="shops not known"),
        pytest.param("on = 'order.paid'", {"bay": EBAY}, [], id="no deadline"),
    ],
)
def test_a_deadline_exists_where_the_shop_sells(
    tmp_path: Path, text: str, shops: Mapping[str, Shop] | None, expected: list[str]
) -> None:
    assert findings_of(tmp_path, text, shops=shops) == expected


def test_a_platform_without_deadlines_says_so(tmp_path: Path) -> None:
    shop = replace(BARE, policy=replace(BARE.policy, deadlines=frozenset()))

    assert findings_of(tmp_path, "after = 'pay_by'", shops={"own": shop}) == [
        "5:9: rules.x.after: shopify has no pay_by, and the shop own sells there (shopify has no deadlines)"
    ]


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdefg"), max_size=3), max_size=6))
def test_every_circle_is_found_and_nothing_else(leads_to: Mapping[str, Sequence[str]]) -> None:
    found = list(circles(leads_to))

    for circle in found:
        for name, after in zip(circle, (*circle[1:], circle[0]), strict=True):
            assert after in leads_to[name]
        assert circle[0] == min(circle, key=list(leads_to).index)
    assert len({circle[0] for circle in found}) == len(found)
    assert bool(found) == any(name in reachable(name, leads_to) for name in leads_to)


def reachable(start: str, leads_to: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for name in leads_to.get(waiting.pop(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen
