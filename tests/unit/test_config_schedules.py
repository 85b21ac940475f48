from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from messenger.config.schedules import load_schedule, read_schedule
from messenger.domain.conditions import Condition, Money
from messenger.domain.messages import Category
from messenger.domain.orders import Deadline
from messenger.domain.rules import Once, OnDeadline, OnEvent, OnSilence, Rule, Uncertain
from messenger.domain.timing import Hours, Span
from messenger.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
TEMPLATES = ("shipped", "delay-apology", "delivered")


def findings_of(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "schedules.toml"
    path.write_text(text, encoding="utf-8")
    _, findings = read_schedule(path, shops=("toys",), templates=TEMPLATES)
    return [str(finding).removeprefix(f"{tmp_path}/") for finding in findings]


def rule_of(tmp_path: Path, text: str, *, before: str = "") -> Rule:
    path = tmp_path / "schedules.toml"
    path.write_text(f"version = 1\n{before}\n[rules.x]\ntemplate = 'shipped'\n{text}\n", encoding="utf-8")
    return load_schedule(path, shops=("toys",), templates=TEMPLATES).rules[0]


def mistake_of(tmp_path: Path, text: str) -> str:
    (finding,) = findings_of(tmp_path, f"version = 1\n[rules.x]\ntemplate = 'shipped'\n{text}\n")
    return finding.removeprefix("schedules.toml:")


def test_the_default_file_is_accepted() -> None:
    schedule = load_schedule(ROOT / "schedules.toml", shops=("toys",))

    assert [rule.template for rule in schedule.rules] == [
        "shipped",
        "customs-arrived",
        "customs-delay",
        "delay-apology",
        "late-shipment-apology",
        "delivered",
        "review-request",
    ]
    assert all(rule.enabled and rule.note and rule.line for rule in schedule.rules)
    assert {rule.hours for rule in schedule.rules} == {Hours(opens=time(9), closes=time(20))}
    assert schedule.languages == {"BY": "ru", "KG": "ru"}


def test_all_mistakes_are_told_at_once_with_their_places(tmp_path: Path) -> None:
    text = """version = 1

[defaults]
expiry = "soon"

[rules.shipped]
template = "shiped"
on = "order.shipped"
dely = "1d"
cancel_on = ["order.cancelled",
             "shipment.deliverd"]
where = { buyer.contry = "RU", "order.status" = "paid" }
"""

    assert findings_of(tmp_path, text) == [
        "schedules.toml:4:10: defaults.expiry: cannot read 'soon' (write 14d, 36h or 90m)",
        "schedules.toml:7:12: rules.shipped.template: unknown template 'shiped' (did you mean 'shipped'?)",
        "schedules.toml:9:1: rules.shipped.dely: unknown key (did you mean 'delay'?)",
        (
            "schedules.toml:11:14: rules.shipped.cancel_on: unknown event type 'shipment.deliverd'"
            " (did you mean 'shipment.delivered'?)"
        ),
        "schedules.toml:12:17: rules.shipped.where.buyer.contry: unknown field (did you mean 'buyer.country'?)",
        'schedules.toml:12:32: rules.shipped.where."order.status": unknown field (write the dots outside quotes)',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "on = 'order.shipped'\ndelay = 'soon'",
            "5:9: rules.x.delay: cannot read 'soon' (write 14d, 36h or 90m)",
            id="span",
        ),
        pytest.param(
            "on = 'order.paid'\ndelay = '-2d'",
            "5:9: rules.x.delay: cannot be negative, got '-2d' (write 14d, 36h or 90m)",
            id="minus",
        ),
        pytest.param(
            "on = 'order.paid'\ndelay = ['2d', '1d']",
            "5:16: rules.x.delay: 1d does not come after 2d (write the steps in ascending order)",
            id="descending",
        ),
        pytest.param(
            "on = 'order.paid'\ndelay = ['1d','2d','3d','4d','5d','6d']",
            "5:35: rules.x.delay: has 6 steps, at most 5 are possible",
            id="six",
        ),
        pytest.param(
            "on = 'order.paid'\ndelay = '3bd'",
            "5:9: rules.x.delay: '3bd' is not available in this version"
            " (business days; write calendar days, for example 3d)",
            id="bd",
        ),
        pytest.param(
            "on = 'order.paid'\nbefore = 'pay_by'\nlead = '1d'",
            "2:8: rules.x: has 2 triggers: on and before (a rule has exactly one of on, before, after, silent)",
            id="two",
        ),
        pytest.param(
            "delay = '1d'",
            "2:8: rules.x: has no trigger (a rule has exactly one of on, before, after, silent)",
            id="none",
        ),
        pytest.param("before = 'ship_by'", '2:8: rules.x.lead: is missing (write lead = "2d")', id="no lead"),
        pytest.param("silent = '2d'", '2:8: rules.x.since: is missing (write since = "shipment.*")', id="no since"),
        pytest.param(
            "after = 'ship_by'\nlead = '2d'",
            "5:1: rules.x.lead: belongs to before, not to after (after goes with delay)",
            id="stray lead",
        ),
        pytest.param(
            "after = 'shipby'", "4:9: rules.x.after: unknown deadline 'shipby' (did you mean 'ship_by'?)", id="deadline"
        ),
        pytest.param(
            "on = 'order.shiped'",
            "4:6: rules.x.on: unknown event type 'order.shiped' (did you mean 'order.shipped'?)",
            id="type",
        ),
        pytest.param(
            "on = 'order.paid'\nzone = 'Europe/Madird'",
            "5:8: rules.x.zone: unknown time zone 'Europe/Madird' (did you mean 'Europe/Madrid'?)",
            id="zone",
        ),
        pytest.param(
            "on = 'order.paid'\nzone = 'europe/madrid'",
            "5:8: rules.x.zone: unknown time zone 'europe/madrid' (did you mean 'Europe/Madrid'?)",
            id="zone case",
        ),
        pytest.param(
            "on = 'order.paid'\nwindow = '09:00-09:00'",
            "5:10: rules.x.window: '09:00-09:00' is never open (write \"always\" for the whole day)",
            id="window",
        ),
        pytest.param(
            "on = 'order.paid'\nshops = ['toy']",
            "5:10: rules.x.shops: unknown word 'toy' (did you mean 'toys'?)",
            id="shop",
        ),
        pytest.param(
            "on = 'order.paid'\nholds = ['dispute']",
            "5:1: rules.x.holds: is not available in this version (remove it)",
            id="later",
        ),
        pytest.param(
            "trigger = 'staff'",
            "4:1: rules.x.trigger: is not available in this version (remove it)",
            id="staff trigger",
        ),
        pytest.param(
            "on = 'order.paid'\nonce_per = 'buyer/90d'",
            "5:12: rules.x.once_per: 'buyer/90d' is not available in this version"
            " (available: order, shipment, occurrence)",
            id="once buyer",
        ),
        pytest.param(
            "on = 'order.paid'\nwhere = { order.total = { min = 5 } }",
            '5:33: rules.x.where.order.total.min: 5 is an amount without a currency (write "5 USD")',
            id="bare amount",
        ),
        pytest.param(
            "on = 'order.paid'\nwhere = { order.total = { min = '5 USD', max = '9 EUR' } }",
            "5:48: rules.x.where.order.total.max: is in EUR, but min is in USD (write both in one currency)",
            id="currencies",
        ),
        pytest.param(
            "on = 'order.paid'\nwhere = { review.stars = { min = 4, max = 2 } }",
            "5:43: rules.x.where.review.stars.max: 2 is less than min, which is 4",
            id="bounds",
        ),
        pytest.param(
            "on = 'order.paid'\nwhere = { order.status = 'payd' }",
            "5:26: rules.x.where.order.status: unknown word 'payd' (did you mean 'paid'?)",
            id="status",
        ),
        pytest.param(
            "on = 'order.paid'\nwhere.told.delivrd = true",
            "5:12: rules.x.where.told.delivrd: unknown template 'delivrd' (did you mean 'delivered'?)",
            id="told",
        ),
        pytest.param(
            "on = 'order.paid'\nwhere = { lane.late = true }",
            "5:11: rules.x.where.lane: is not available in this version (remove it)",
            id="lane",
        ),
        pytest.param(
            "on = 'order.paid'\nwhere = { buyer.country = '@ue' }",
            "5:27: rules.x.where.buyer.country: unknown list '@ue' (write it under [lists]: ue = [...])",
            id="list",
        ),
        pytest.param(
            "on = 'order.paid'\nwhere = { buyer.name = { min = 'A' } }",
            "5:26: rules.x.where.buyer.name.min: cannot be asked of buyer.name, which is a text"
            " (known: exists, like, not)",
            id="operator",
        ),
        pytest.param(
            "on = 'order.paid'\nwhere = { buyer.name = {} }",
            "5:24: rules.x.where.buyer.name: asks nothing (write buyer.name = value, or one of exists, like, not)",
            id="nothing",
        ),
        pytest.param(
            "on = 'order.paid'\nenabled = 'no'",
            "5:11: rules.x.enabled: must be true or false, got 'no' (without quotes)",
            id="bool",
        ),
        pytest.param(
            "on = 'order.paid'\ncancel_on = ['order.paid', 'order.paid']",
            "5:28: rules.x.cancel_on: names 'order.paid' twice",
            id="twice",
        ),
    ],
)
def test_a_mistake_says_where_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    assert mistake_of(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version = 2\n", "1:11: version: must be 1, got 2"),
        ("", "version: is missing (write version = 1 as the first key)"),
        ("version = 1\n[safety]\nmax_new_messages = 5\n", "2:2: safety: is not available in this version (remove it)"),
        ("version = 1\n[rule.x]\non = 'order.paid'\n", "2:2: rule: unknown key (did you mean 'rules'?)"),
        ("version = 1\nrules = 3\n", "2:9: rules: must be a table, got 3"),
        ("version = 1\n[rules]\nx = 3\n", "3:5: rules.x: must be a table, got 3 (write [rules.x])"),
        (
            "version = 1\n[languages]\nby = 'ru'\n",
            '3:1: languages.by: must be a two-letter country code (for example BY = "ru")',
        ),
        (
            "version = 1\n[languages]\nBY = 'russian!'\n",
            "3:6: languages.BY: must be a language tag, got 'russian!' (for example ru or pt-BR)",
        ),
        ("version = 1\n[defaults]\ncap = {}\n", "3:1: defaults.cap: is not available in this version (remove it)"),
        ("version = 1\n[lists]\neu = []\n", "3:6: lists.eu: must not be an empty list"),
    ],
)
def test_a_mistake_outside_rules(tmp_path: Path, text: str, expected: str) -> None:
    (finding,) = findings_of(tmp_path, text)

    assert finding.removeprefix("schedules.toml:").strip() == expected


def test_a_file_with_mistakes_gives_no_schedule(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_schedule(tmp_path / "schedules.toml")

    assert "there is no such file ('messenger init' writes one)" in str(caught.value)


def test_a_rule_takes_what_it_leaves_out_from_the_defaults(tmp_path: Path) -> None:
    defaults = (
        "[defaults]\nchannels = ['email']\nwindow = '22:00-06:00'\ndays = 'sat-mon'\n"
        "zone = 'shop'\nexpiry = '36h'\nmax_age = '2w'"
    )
    rule = rule_of(tmp_path, "on = 'order.paid'", before=defaults)

    assert (rule.channels, rule.zone) == (("email",), "shop")
    assert rule.hours == Hours(opens=time(22), closes=time(6), days=frozenset({5, 6, 0}))
    assert (rule.expiry, rule.max_age) == (Span(elapsed=timedelta(hours=36)), Span(days=14))
    assert rule_of(tmp_path, "on = 'order.paid'\nwindow = 'always'\ndays = 'mon-sun'", before=defaults).hours.is_always


def test_a_rule_says_everything_it_can(tmp_path: Path) -> None:
    rule = rule_of(
        tmp_path,
        "on = ['order.paid', 'refund.*']\ndelay = ['90s', '1d']\ncategory = 'relational'\npriority = -3\n"
        "shops = ['toys']\n"
        "enabled = false\nuncertain = 'ask'\nname = 'A title'\nnote = ''\nonce_per = 'occurrence'\ncancel_on = []",
    )

    assert rule.trigger == OnEvent(types=("order.paid", "refund.*"))
    assert rule.delays == (Span(elapsed=timedelta(seconds=90)), Span(days=1))
    assert (rule.category, rule.priority, rule.shops) == (Category.RELATIONAL, -3, ("toys",))
    assert (rule.enabled, rule.uncertain, rule.title) == (False, Uncertain.ASK, "A title")
    assert (rule.once_per, rule.cancel_on, rule.line) == (Once.OCCURRENCE, (), 3)


@pytest.mark.parametrize(
    ("text", "trigger", "delays", "once"),
    [
        ("on = 'shipment.delivered'", OnEvent(types=("shipment.delivered",)), (Span(),), Once.SHIPMENT),
        ("on = ['shipment.*', 'order.paid']", OnEvent(types=("shipment.*", "order.paid")), (Span(),), Once.ORDER),
        (
            "silent = ['5d', '10d']\nsince = 'shipment.*'",
            OnSilence(since="shipment.*"),
            (Span(days=5), Span(days=10)),
            Once.SHIPMENT,
        ),
        ("silent = '5d'\nsince = 'order.paid'", OnSilence(since="order.paid"), (Span(days=5),), Once.ORDER),
        (
            "before = 'pay_by'\nlead = '2d'",
            OnDeadline(deadline=Deadline.PAY_BY, before=True),
            (Span(days=2),),
            Once.ORDER,
        ),
        (
            "after = 'ship_by'\ndelay = '1h'",
            OnDeadline(deadline=Deadline.SHIP_BY, before=False),
            (Span(elapsed=timedelta(hours=1)),),
            Once.ORDER,
        ),
    ],
)
def test_triggers(tmp_path: Path, text: str, trigger: object, delays: tuple[Span, ...], once: Once) -> None:
    rule = rule_of(tmp_path, text)

    assert (rule.trigger, rule.delays, rule.once_per) == (trigger, delays, once)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("buyer.country = 'RU'", Condition(field="buyer.country", any_of=("RU",))),
        ("buyer.country = ['@eu', 'RU', 'DE']", Condition(field="buyer.country", any_of=("DE", "FR", "RU"))),
        ("buyer.country = { not = '@eu' }", Condition(field="buyer.country", excluded=("DE", "FR"))),
        (
            "order.items.sku = { like = 'SKU-*', exists = true }",
            Condition(field="order.items.sku", like="SKU-*", exists=True),
        ),
        ("order.total = { min = '5 USD' }", Condition(field="order.total", low=Money(Decimal(5), "USD"))),
        ("review.stars = { min = 1, max = 3.5 }", Condition(field="review.stars", low=Decimal(1), high=Decimal("3.5"))),
        ("review.stars = [4, 5]", Condition(field="review.stars", any_of=(4, 5))),
        ("told.delay-apology = { not = true }", Condition(field="told.delay-apology", excluded=(True,))),
        ("shop = 'toys'", Condition(field="shop", any_of=("toys",))),
        ("order.late = false", Condition(field="order.late", any_of=(False,))),
    ],
)
def test_conditions(tmp_path: Path, text: str, expected: Condition) -> None:
    rule = rule_of(tmp_path, f"on = 'order.paid'\n[rules.x.where]\n{text}", before="[lists]\neu = ['DE', 'FR']")

    assert rule.where == (expected,)


KINDS = (
    '""',
    '"\\u0000"',
    "5",
    "-1",
    "1.5",
    "nan",
    "true",
    "2026-01-01",
    "[]",
    "[[1]]",
    "[{}]",
    "{}",
    "{ a = 1 }",
    "{ min = nan }",
)
KEYS = (
    *[
        "template",
        "on",
        "delay",
        "before",
        "after",
        "lead",
        "silent",
        "since",
        "where",
        "cancel_on",
        "once_per",
        "category",
        "window",
        "days",
        "zone",
        "expiry",
    ],
    *[
        "max_age",
        "shops",
        "channels",
        "priority",
        "name",
        "enabled",
        "uncertain",
        "where.buyer.country",
        "where.order.total",
        "where.told",
    ],
    *["where.review.stars", "where.order.late", "where.order.items", "where.shop"],
)


@pytest.mark.parametrize("key", KEYS)
def test_a_value_of_any_kind_is_read_or_told(tmp_path: Path, key: str) -> None:
    for kind in KINDS:
        for heading in ("[defaults]", "[rules.x]", "[lists]", "[languages]", ""):
            findings = findings_of(tmp_path, f"version = 1\n{heading}\n{key} = {kind}\n")

            assert findings, f"{heading} {key} = {kind}"
