from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from messenger.config.where_values import KIND_NAMES, MEASURED, NEVER_EQUAL, OPERATORS, kind_of
from messenger.domain.conditions import FIELDS, Condition, Money
from tests.config_samples import findings_of, read, rule_of

LISTS = "[lists]\neu = ['DE', 'FR']\nsmall = ['de']\nstars = ['4']"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("buyer.country = 'RU'", Condition(field="buyer.country", any_of=("RU",))),
        ("buyer.country = ['@eu', 'RU', 'DE']", Condition(field="buyer.country", any_of=("DE", "FR", "RU"))),
        ("buyer.country = { not = '@eu' }", Condition(field="buyer.country", excluded=("DE", "FR"))),
        ("buyer.country = { not = ['RU', '@eu'] }", Condition(field="buyer.country", excluded=("RU", "DE", "FR"))),
        (
            "order.items.sku = { like = 'SKU-*', exists = true }",
            Condition(field="order.items.sku", like="SKU-*", exists=True),
        ),
        ("buyer.tags = 'vip'", Condition(field="buyer.tags", any_of=("vip",))),
        ("order.total = { min = '5 USD' }", Condition(field="order.total", low=Money(Decimal(5), "USD"))),
        (
            "order.total = { min = '5 USD', max = '9.50 USD' }",
            Condition(field="order.total", low=Money(Decimal(5), "USD"), high=Money(Decimal("9.50"), "USD")),
        ),
        ("order.total = { max = '5 USD' }", Condition(field="order.total", high=Money(Decimal(5), "USD"))),
        ("review.stars = { min = 1, max = 3.5 }", Condition(field="review.stars", low=Decimal(1), high=Decimal("3.5"))),
        ("review.stars = { min = 3, max = 3 }", Condition(field="review.stars", low=Decimal(3), high=Decimal(3))),
        ("review.stars = [4, 5]", Condition(field="review.stars", any_of=(4, 5))),
        ("review.stars = { not = 1 }", Condition(field="review.stars", excluded=(1,))),
        ("told.delay-apology = { not = true }", Condition(field="told.delay-apology", excluded=(True,))),
        ("told.shipped = true", Condition(field="told.shipped", any_of=(True,))),
        ("shop = 'toys'", Condition(field="shop", any_of=("toys",))),
        ("platform = { not = 'none' }", Condition(field="platform", excluded=("none",))),
        ("order.late = false", Condition(field="order.late", any_of=(False,))),
        ("buyer.paid_since = { not = true }", Condition(field="buyer.paid_since", excluded=(True,))),
        ("lane.late = true", Condition(field="lane.late", any_of=(True,))),
        ("lane.p90_days = { min = 30 }", Condition(field="lane.p90_days", low=Decimal(30))),
        ("lane.p50_days = { max = 20.5 }", Condition(field="lane.p50_days", high=Decimal("20.5"))),
        ("order.pay_by = { exists = true }", Condition(field="order.pay_by", exists=True)),
        ("shipment.hold_until = { exists = false }", Condition(field="shipment.hold_until", exists=False)),
        ("buyer.language = 'pt-BR'", Condition(field="buyer.language", any_of=("pt-BR",))),
        ("buyer.city = { exists = false, not = 'X' }", Condition(field="buyer.city", exists=False, excluded=("X",))),
    ],
)
def test_conditions(tmp_path: Path, text: str, expected: Condition) -> None:
    template = "template = 'delay-apology'\non = 'order.paid'\n[rules.z]\n"
    rule = rule_of(tmp_path, f"on = 'order.paid'\n[rules.x.where]\n{text}\n[rules.y]\n{template}template = 'shipped'\non = 'order.paid'",
                   before=LISTS)  # fmt: skip

    assert rule.where == (expected,)


def test_a_closed_day_can_be_asked_of_the_rules_calendar(tmp_path: Path) -> None:
    rule = rule_of(
        tmp_path,
        "on = 'order.paid'\ncalendar = 'seller'\nwhere = { calendar.closed = { not = true } }",
        before="[calendars.seller]",
    )

    assert rule.where == (Condition(field="calendar.closed", excluded=(True,)),)


def test_every_line_is_a_condition_of_its_own(tmp_path: Path) -> None:
    rule = rule_of(
        tmp_path, "on = 'order.paid'\nwhere = { order.status = 'paid', order.late = true, buyer.city = 'Kazan' }"
    )

    assert [one.field for one in rule.where] == ["order.status", "order.late", "buyer.city"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order.total = { min = 5 }", 'order.total.min: 5 is an amount without a currency (write "5 USD")'),
        ("order.total = { min = 1.5 }", 'order.total.min: 1.5 is an amount without a currency (write "1.5 USD")'),
        ("order.total = { max = '5' }", "order.total.max: '5' is an amount without a currency (write \"5 USD\")"),
        ("order.total = { max = '7.50' }", "order.total.max: '7.50' is an amount without a currency (write \"7.50 USD\")"),
        ("order.total = { max = '٥ USD' }", "order.total.max: cannot read '٥ USD' (write \"5 USD\")"),
        ("order.total = { max = '٥' }", "order.total.max: cannot read '٥' (write \"5 USD\")"),
        ("order.total = { max = '5 usd' }", "order.total.max: cannot read '5 usd' (write \"5 USD\")"),
        ("order.total = { max = true }", "order.total.max: must be a text, got true (texts stand in quotes)"),
        (
            "order.total = '5 USD'",
            ("order.total: an amount has to be compared with a limit, got '5 USD'"
            ' (write { min = "5 USD" } or { max = "5 USD" })'),
        ),
        (
            "order.total = { not = '5 USD' }",
            "order.total.not: cannot be asked of order.total, which is an amount of money (known: exists, max, min)",
        ),
        (
            "order.total = { min = '5 USD', max = '9 EUR' }",
            "order.total.max: is in EUR, but min is in USD (write both in one currency)",
        ),
        ("order.total = { min = '9 USD', max = '5 USD' }", "order.total.max: 5 is less than min, which is 9"),
        ("review.stars = { min = 4, max = 2 }", "review.stars.max: 2 is less than min, which is 4"),
        ("review.stars = { min = '4' }", "review.stars.min: must be a number, got '4' (without quotes)"),
        ("review.stars = { min = nan }", "review.stars.min: must be a number, got NaN"),
        ("review.stars = '4'", "review.stars: must be a whole number, got '4' (without quotes)"),
        ("review.stars = 4.5", "review.stars: must be a whole number, got 4.5"),
        ("review.stars = true", "review.stars: must be a whole number, got true"),
        ("review.stars = '@stars'", "review.stars: the list @stars holds '4': must be a whole number, got '4' (without quotes)"),
        (
            "lane.p90_days = 30",
            ("lane.p90_days: a measured number has to be compared with a limit, got 30"
            " (write { min = 30 } or { max = 30 })"),
        ),
        (
            "lane.p90_days = { not = 30 }",
            "lane.p90_days.not: cannot be asked of lane.p90_days, which is a measured number (known: exists, max, min)",
        ),
        (
            "order.pay_by = '2026-01-01'",
            ("order.pay_by: of a moment only one thing can be asked: whether it is known, got '2026-01-01'"
            " (write { exists = true })"),
        ),
        (
            "order.pay_by = { min = 3 }",
            "order.pay_by.min: cannot be asked of order.pay_by, which is a moment (known: exists)",
        ),
        ("order.pay_by = {}", "order.pay_by: asks nothing (write { exists = true })"),
        ("order.total = {}", 'order.total: asks nothing (write { min = "5 USD" } or { max = "5 USD" })'),
        ("buyer.name = {}", "buyer.name: asks nothing (write buyer.name = value, or one of exists, like, not)"),
        ("order.late = 'yes'", "order.late: must be true or false, got 'yes' (without quotes)"),
        ("order.late = [true]", "order.late: must be true or false, got a list"),
        ("order.late = { min = true }", "order.late.min: cannot be asked of order.late, which is true or false (known: exists, not)"),
        ("order.late = { nott = true }", "order.late.nott: unknown operator (did you mean 'not'?)"),
        ("order.status = 'payd'", "order.status: unknown word 'payd' (did you mean 'paid'?)"),
        ("shipment.state = 'in_transti'", "shipment.state: unknown word 'in_transti' (did you mean 'in_transit'?)"),
        ("platform = 'ebey'", "platform: unknown word 'ebey' (did you mean 'ebay'?)"),
        ("shop = 'toy'", "shop: unknown word 'toy' (did you mean 'toys'?)"),
        ("order.currency = 'dollar'", "order.currency: must be a three-letter currency code, got 'dollar' (for example USD)"),
        ("buyer.country = 'Russia'", "buyer.country: must be a two-letter country code, got 'Russia' (for example BR)"),
        ("buyer.language = 'Russian'", "buyer.language: must be a language tag, got 'Russian' (for example ru or pt-BR)"),
        ("buyer.country = '@ue'", "buyer.country: unknown list '@ue' (known: eu, small, stars)"),
        (
            "buyer.country = '@small'",
            "buyer.country: the list @small holds 'de': must be a two-letter country code, got 'de' (for example BR)",
        ),
        ("buyer.country = []", "buyer.country: must not be an empty list"),
        ("buyer.name = { min = 'A' }", "buyer.name.min: cannot be asked of buyer.name, which is a text (known: exists, like, not)"),
        ("buyer.name = { like = '' }", "buyer.name.like: must not be empty"),
        ("buyer.name = { exists = 'yes' }", "buyer.name.exists: must be true or false, got 'yes' (without quotes)"),
        (
            "buyer.city = { exists = false, like = 'M*' }",
            "buyer.city.exists: asks for a value and for its absence at once (remove one of them)",
        ),
        (
            "review.stars = { exists = false, min = 1 }",
            "review.stars.exists: asks for a value and for its absence at once (remove one of them)",
        ),
        (
            "review.stars = { max = 1, exists = false }",
            "review.stars.exists: asks for a value and for its absence at once (remove one of them)",
        ),
        ("told.delivrd = true", "told.delivrd: unknown template 'delivrd' (did you mean 'delivered'?)"),
        ("told = true", "told: names no field (write told.<template> = value)"),
        ("buyer = 'RU'", "buyer: names no field (write buyer.<field> = value)"),
        ("order.items = 'A'", "order.items: names no field (write order.items.<field> = value)"),
        ("buyer.contry = 'RU'", "buyer.contry: unknown field (did you mean 'buyer.country'?)"),
        ("'order.status' = 'paid'", '"order.status": unknown field (write the dots outside quotes)'),
        ("dispute.zzzzzz = 1", "dispute.zzzzzz: unknown field (known: dispute.answer_by, dispute.open, dispute.reason, dispute.state)"),
        ("order.country = 'RU'", "order.country: unknown field (did you mean 'buyer.country'?)"),
        ("buyer.sku = 'RU'", "buyer.sku: unknown field (did you mean 'order.items.sku'?)"),
        ("order.items.prise = 'RU'", "order.items.prise: unknown field (did you mean 'order.items.title'?)"),
        ("country = 'RU'", "country: unknown field (did you mean 'buyer.country'?)"),
        ("stat = 'RU'", "stat: unknown field (did you mean 'shipment.state'?)"),
        ("zzzzzz.q = 1", "zzzzzz: unknown field"),
    ],
)  # fmt: skip
def test_a_mistake_says_where_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    (finding,) = findings_of(tmp_path, f"on = 'order.paid'\n[rules.x.where]\n{text}\n{LISTS}")

    place, _, sentence = finding.partition(" rules.x.where.")
    assert sentence == expected
    assert place.startswith("7:")


def test_a_list_is_written_before_it_is_used(tmp_path: Path) -> None:
    assert findings_of(tmp_path, "on = 'order.paid'\nwhere = { buyer.country = '@eu' }") == [
        "6:27: rules.x.where.buyer.country: unknown list '@eu' (write it under [lists]: eu = [...])"
    ]


def test_a_mistake_is_pointed_at(tmp_path: Path) -> None:
    text = (
        "on = 'order.paid'\nwhere = { order.total = { min = 5 }, buyer.country = ['RU', 'Brasil'], order.lat = true }"
    )
    findings = findings_of(tmp_path, text)

    assert [one.partition(" ")[0] for one in findings] == ["6:33:", "6:61:", "6:78:"]


def test_a_wrong_key_is_pointed_at(tmp_path: Path) -> None:
    text = "on = 'order.paid'\nwhere = { told.shiped = true, review.stars = { mn = 5 }, buyer.city = { like = 'a', exists = false } }"
    findings = findings_of(tmp_path, text)

    assert [one.partition(" ")[0] for one in findings] == ["6:16:", "6:48:", "6:85:"]


def test_without_shops_and_templates_their_names_are_not_checked(tmp_path: Path) -> None:
    text = (
        "version = 1\n[rules.x]\ntemplate = 'shipped'\non = 'order.paid'\nwhere = { shop = 'any' }\nshops = ['any']\n"
    )

    assert read(tmp_path, text, shops=None)[1] == []


def test_every_field_has_a_kind_with_operators() -> None:
    assert {kind_of(field) for field in FIELDS} == set(OPERATORS) == set(KIND_NAMES)
    assert set(FIELDS) >= MEASURED
    assert set(NEVER_EQUAL) == {kind for kind, known in OPERATORS.items() if "not" not in known}
    assert kind_of("told.anything") == "yes or no"
