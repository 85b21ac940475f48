from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pytest

from messenger.config.schedules import load_schedule, read_schedule
from messenger.domain.calendars import WORKING_WEEK
from messenger.domain.rules import ALL_HOLDS, Names
from messenger.domain.timing import Hours
from messenger.errors import ConfigurationError
from tests.config_samples import ROOT, SHOPS, read

RULE = "[rules.x]\ntemplate = 'shipped'\non = 'order.paid'\n"


def test_the_default_file_is_accepted_without_a_warning() -> None:
    schedule, findings = read_schedule(ROOT / "schedules.toml", shops=SHOPS)

    assert findings == []
    assert {rule.template for rule in schedule.rules} >= {
        "shipped", "customs-arrived", "customs-delay", "delay-apology", "late-shipment-apology", "delivered", "review-request",
    }  # fmt: skip
    assert all(rule.note and rule.line for rule in schedule.rules)
    assert {rule.hours for rule in schedule.rules} == {Hours(opens=time(9), closes=time(20))}
    assert all((rule.caps.per_order and rule.caps.per_buyer) or rule.urgent for rule in schedule.rules)
    assert {rule.holds for rule in schedule.rules if rule.template == "shipped"} == {ALL_HOLDS}
    assert schedule.languages == {"BY": "ru", "KG": "ru"}
    assert schedule.max_new_messages is None


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
supersedes = ["other"]
cap = { per_order = "3" }

[calendars.seller]
closed = ["2026-02-30"]
"""

    assert read(tmp_path, text)[1] == [
        "4:10: defaults.expiry: cannot read 'soon' (write 14d, 36h or 90m)",
        "7:12: rules.shipped.template: unknown template 'shiped' (did you mean 'shipped'?)",
        "9:1: rules.shipped.dely: unknown key (did you mean 'delay'?)",
        "11:14: rules.shipped.cancel_on: unknown event type 'shipment.deliverd' (did you mean 'shipment.delivered'?)",
        "12:17: rules.shipped.where.buyer.contry: unknown field (did you mean 'buyer.country'?)",
        '12:32: rules.shipped.where."order.status": unknown field (write the dots outside quotes)',
        "13:15: rules.shipped.supersedes: unknown rule 'other'",
        "14:21: rules.shipped.cap.per_order: cannot read '3' (write \"3/7d\": at most 3 in any 7 days)",
        "17:11: calendars.seller.closed: there is no such day: '2026-02-30'",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version = 2\n", "1:11: version: must be 1, got 2"),
        ("version = true\n", "1:11: version: must be 1, got true"),
        ("", "version: is missing (write version = 1 as the first key)"),
        ("version = 1\n[rule.x]\non = 'order.paid'\n", "2:2: rule: unknown key (did you mean 'rules'?)"),
        (
            "version = 1\nrules = 3\n",
            "2:9: rules: must be a table, got 3 (tables stand in { }, or below a [heading])",
        ),
        ("version = 1\n[rules]\nx = 3\n", "3:5: rules.x: must be a table, got 3 (write [rules.x])"),
        (f"version = 1\n{RULE.replace('x', 'X', 1)}", "2:8: rules.X: is not a name (small letters, digits, - and _ only)"),
        ("version = 1\n[languages]\nby = 'ru'\n", '3:1: languages.by: must be a two-letter country code (for example BY = "ru")'),
        (
            "version = 1\n[languages]\nBY = 'russian!'\n",
            "3:6: languages.BY: must be a language tag, got 'russian!' (for example ru or pt-BR)",
        ),
        ("version = 1\n[lists]\neu = []\n", "3:6: lists.eu: must not be an empty list"),
        ("version = 1\n[lists]\nEU = ['DE']\n", "3:1: lists.EU: is not a name (small letters, digits, - and _ only)"),
        ("version = 1\n[defaults]\nurgent = true\n", ("3:1: defaults.urgent: unknown key (known: cap, channels, days, expiry, holds,"
                                                     " max_age, window, zone)")),
        ("version = 1\n[safety]\nmax_new_messages = 'many'\n",
         "3:20: safety.max_new_messages: must be \"auto\" or a number, got 'many' (numbers stand without quotes)"),
        ("version = 1\n[safety]\nmax_new_messages = -1\n",
         "3:20: safety.max_new_messages: must be a whole number from 0 to 1000000, got -1"),
        ("version = 1\n[safety]\nmax_messages = 1\n", "3:1: safety.max_messages: unknown key (did you mean 'max_new_messages'?)"),
        ("version = 1\n[names.methods]\na = ['b']\n", "2:8: names.methods: unknown key (did you mean 'method'?)"),
        ("version = 1\n[names.method]\nA = ['b']\n", "3:1: names.method.A: is not a name (small letters, digits, - and _ only)"),
        ("version = 1\n[names.method]\na = 'b'\n", "3:5: names.method.a: must be a list, got 'b' (lists stand in [ ])"),
        ("version = 1\n[names.carrier]\na = ['']\n", "3:6: names.carrier.a: must not be empty"),
        (
            "version = 1\n[names.carrier]\na = ['DHL']\nb = ['x', 'dhl']\n",
            "4:11: names.carrier.b: 'dhl' is called 'a' already (remove one of them)",
        ),
        ("version = 1\n[names.carrier]\na = ['DHL', 'dhl']\n", "3:13: names.carrier.a: 'dhl' is called 'a' already (remove one of them)"),
        (
            "version = 1\n[names.method]\na = ['EMS*']\nb = ['EMS_Y', 'EM?']\n",
            "4:6: names.method.b: 'EMS_Y' is never reached: 'EMS*' of 'a' comes first (write 'b' above 'a') [warning]",
        ),
        ("version = 1\n[calendars.A]\n", "2:12: calendars.A: is not a name (small letters, digits, - and _ only)"),
        ("version = 1\n[calendars.a]\nclosing = 1\n", "3:1: calendars.a.closing: unknown key (did you mean 'closed'?)"),
        (
            "version = 1\n[calendars.a]\nholidays = 'cn'\n",
            "3:12: calendars.a.holidays: no public holidays are known for 'cn' (did you mean 'CN'?)",
        ),
        (
            "version = 1\n[calendars.a]\nclosed = ['2026-05-01', '2026-02-24/2026-02-14']\n",
            "3:25: calendars.a.closed: ends before it begins: '2026-02-24/2026-02-14' (write \"2026-02-14/2026-02-24\")",
        ),
        ("version = 1\n[calendars.a]\nopen = [2026-05-01]\n", "3:9: calendars.a.open: must be a text, got 2026-05-01 (texts stand in quotes)"),
        ("version = 1\n[calendars.a]\nopen = '2026-05-01'\n", "3:8: calendars.a.open: must be a list, got '2026-05-01' (lists stand in [ ])"),
        (
            "version = 1\n[calendars.a]\ndays = 'weekdays'\n",
            '3:8: calendars.a.days: cannot read \'weekdays\' (write "mon-fri", "sat,sun" or "mon-sun")',
        ),
    ],
)  # fmt: skip
def test_a_mistake_outside_rules(tmp_path: Path, text: str, expected: str) -> None:
    assert read(tmp_path, text)[1] == [expected]


def test_a_file_with_mistakes_gives_no_schedule(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_schedule(tmp_path / "schedules.toml")

    assert "there is no such file ('messenger init' writes one)" in str(caught.value)


def test_shops_and_templates_are_checked_if_they_are_known(tmp_path: Path) -> None:
    path = tmp_path / "schedules.toml"
    path.write_text(f"version = 1\n{RULE}shops = ['bay']\n", encoding="utf-8")

    assert load_schedule(path).source == str(path)
    with pytest.raises(ConfigurationError):
        load_schedule(path, shops=SHOPS)
    with pytest.raises(ConfigurationError):
        load_schedule(path, templates=["other"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", None), ("[safety]", None), ("[safety]\nmax_new_messages = 'auto'", None),
     ("[safety]\nmax_new_messages = 0", 0), ("[safety]\nmax_new_messages = 300", 300)],
)  # fmt: skip
def test_the_valve_is_automatic_or_a_number(tmp_path: Path, text: str, expected: int | None) -> None:
    schedule, findings = read(tmp_path, f"version = 1\n{text}\n")

    assert (schedule.max_new_messages, findings) == (expected, [])


def test_names_keep_the_order_of_the_file(tmp_path: Path) -> None:
    text = "version = 1\n[names.method]\nz = ['B*', 'A']\na = ['C']\n[names.carrier]\nyanwen = ['燕文*']\n"

    assert read(tmp_path, text)[0].names == Names(
        methods=(("B*", "z"), ("A", "z"), ("C", "a")), carriers=(("燕文*", "yanwen"),)
    )


def test_calendars_are_read(tmp_path: Path) -> None:
    schedule, findings = read(
        tmp_path,
        "version = 1\n[calendars.seller]\nholidays = 'CN'\nclosed = ['2026-02-14/2026-02-24', '2026-03-08']\n"
        "open = ['2026-02-28']\ndays = 'mon-sat'\n[calendars.plain]\n",
    )
    seller, plain = schedule.calendars["seller"], schedule.calendars["plain"]

    assert findings == []
    assert (seller.name, seller.country, seller.workdays) == ("seller", "CN", frozenset(range(6)))
    assert seller.closed == ((date(2026, 2, 14), date(2026, 2, 24)), (date(2026, 3, 8), date(2026, 3, 8)))
    assert seller.open == {date(2026, 2, 28)}
    assert (plain.name, plain.country, plain.workdays, plain.closed) == ("plain", "", WORKING_WEEK, ())


def test_a_broken_calendar_is_told_once(tmp_path: Path) -> None:
    text = f"version = 1\n{RULE}calendar = 'seller'\ndelay = '1bd'\n[calendars.seller]\nclosed = ['soon']\n"

    assert read(tmp_path, text)[1] == [
        "8:11: calendars.seller.closed: must be a period, got 'soon' (write \"2026-02-14/2026-02-24\", or one date)"
    ]


HUGE = f"0x{'f' * 5000}"
"""A number that Python does not write out."""
HUGE_LIMIT = f"{{ min = {HUGE} }}"
KINDS = (
    '""', '"\\u0000"', "5", "-1", "1.5", "nan", "true", "2026-01-01", "[]", "[[1]]", "[{}]", "{}", "{ a = 1 }", "{ min = nan }", HUGE,
    HUGE_LIMIT, "1e999999", "9" * 4000,
)  # fmt: skip
KEYS = (
    "template", "on", "delay", "before", "after", "lead", "silent", "since", "trigger", "where", "cancel_on", "once_per", "category",
    "window", "days", "zone", "expiry", "max_age", "holds", "ignore_holds", "cap", "urgent", "approval", "promise", "group", "priority",
    "supersedes", "merge", "calendar", "closed", "during", "formerly", "shops", "channels", "name", "enabled", "uncertain",
    "holidays", "open", "max_new_messages", "where.buyer.country", "where.order.total", "where.told", "where.review.stars",
    "where.order.late", "where.order.items", "where.shop", "where.order.pay_by", "where.lane.p90_days", "where.calendar.closed",
)  # fmt: skip
HEADINGS = ("", "defaults", "rules.x", "lists", "languages", "safety", "names", "calendars.a")
MEANT = {
    ("rules.x", "priority", "5"), ("rules.x", "priority", "-1"), ("rules.x", "enabled", "true"), ("rules.x", "urgent", "true"),
    ("rules.x", "cap", "{}"), ("defaults", "cap", "{}"), ("rules.x", "holds", "[]"), ("defaults", "holds", "[]"),
    ("rules.x", "cancel_on", "[]"), ("rules.x", "where", "{}"), ("rules.x", "where.told", "{}"), ("rules.x", "where.order.items", "{}"),
    ("rules.x", "where.review.stars", "5"), ("rules.x", "where.review.stars", "-1"), ("rules.x", "where.order.late", "true"),
    ("rules.x", "where.review.stars", HUGE), ("rules.x", "where.review.stars", "9" * 4000),
    ("rules.x", "where.review.stars", HUGE_LIMIT), ("rules.x", "where.lane.p90_days", HUGE_LIMIT),
    ("safety", "max_new_messages", "5"),
}  # fmt: skip
"""What stands where it may, with a value that it may have."""


@pytest.mark.parametrize("key", KEYS)
def test_a_value_of_any_kind_is_read_or_told(tmp_path: Path, key: str) -> None:
    first = key.partition(".")[0]
    rule = {"template": "'shipped'", "on": "'order.paid'"}
    rest = "\n".join(f"{name} = {value}" for name, value in rule.items() if name != first)
    for kind in KINDS:
        tables = "\n".join(f"[{one}]\n{key} = {kind}" for one in HEADINGS[1:]).replace(
            "[rules.x]", f"[rules.x]\n{rest}"
        )
        findings = read(tmp_path, f"{key} = {kind}\nversion = 1\n{tables}\n")[1]

        told = {finding.split(": ")[1] for finding in findings}
        for heading in HEADINGS:
            wrong = f"{heading}.{first}".lstrip(".")
            if (heading, key, kind) not in MEANT:
                assert any(one == wrong or one.startswith(f"{wrong}.") for one in told), (
                    f"[{heading}] {key} = {kind[:30]}"
                )
