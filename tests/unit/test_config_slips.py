from __future__ import annotations

from collections.abc import Mapping
from datetime import time, timedelta
from pathlib import Path

import pytest

from messenger.config.schedules import load_schedule
from messenger.config.slips import longest_gap
from messenger.domain.calendars import Calendar
from messenger.domain.shops import Shop
from messenger.domain.timing import ALWAYS, Hours
from tests.config_samples import SHOPS, TEMPLATES, a_shop, findings_of, read

ON = "on = 'order.paid'"
OTHER = "[rules.y]\ntemplate = 'delay-apology'\non = 'order.paid'"
SELLER = "[calendars.seller]\nclosed = ['2026-02-14/2026-02-20', '2026-05-01', '2026-10-01/2026-10-03']\nopen = ['2026-10-01']"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f"{ON}\ncancel_on = ['order.cancelled', 'order.paid']",
            "6:33: rules.x.cancel_on: 'order.paid' wakes this rule and cancels it as well (remove it here)",
            id="trigger cancels",
        ),
        pytest.param(
            f"{ON}\ncancel_on = 'order.paid'",
            "6:13: rules.x.cancel_on: 'order.paid' wakes this rule and cancels it as well (remove it here)",
            id="trigger cancels, alone",
        ),
        pytest.param(
            "silent = '5d'\nsince = 'shipment.*'\ncancel_on = ['shipment.*']",
            "7:14: rules.x.cancel_on: 'shipment.*' wakes this rule and cancels it as well (remove it here)",
            id="news cancels silence",
        ),
        pytest.param(
            "silent = '5d'\nsince = 'order.cancelled'",
            "6:9: rules.x.since: after 'order.cancelled' no more news is expected, so this silence never begins"
            ' (write on = "order.cancelled" with delay)',
            id="silence after the end",
        ),
        pytest.param(
            f"{ON}\nexpiry = '12h'",
            "6:10: rules.x.expiry: the expiry of 12h is shorter than the 13 hours from closing to opening"
            ' (what is wanted just after closing never leaves; write expiry = "1d")',
            id="expires overnight",
        ),
        pytest.param(
            f"{ON}\ndays = 'mon-fri'\nexpiry = '2d'",
            "7:10: rules.x.expiry: the expiry of 2d is shorter than the 61 hours from closing to opening"
            ' (what is wanted just after closing never leaves; write expiry = "3d")',
            id="expires over the weekend",
        ),
        pytest.param(
            f"{ON}\nwindow = '10:00-10:01'\ndays = 'mon'",
            "6:10: rules.x.window: the expiry of 3d is shorter than the 167 hours from closing to opening"
            ' (what is wanted just after closing never leaves; write expiry = "7d")',
            id="a narrow window",
        ),
        pytest.param(
            "before = 'pay_by'\nlead = '12h'",
            "6:8: rules.x.lead: the lead of 12h is shorter than the 13 hours from closing to opening"
            ' (what is wanted just after closing never leaves; write lead = "1d")',
            id="short lead",
        ),
        pytest.param(
            f"{ON}\ncalendar = 'seller'\nclosed = 'wait'\nexpiry = '7d'",
            "7:10: rules.x.closed: expires after 7d while 'seller' is closed for up to 9 days"
            ' (write expiry = "10d", or closed = "drop")',
            id="expires while closed",
        ),
        pytest.param(
            f"{ON}\ncalendar = 'seller'",
            "6:12: rules.x.calendar: 'seller' changes nothing here"
            ' (write closed = "wait", or count business days: delay = "3bd")',
            id="calendar without use",
        ),
        pytest.param(
            f"{ON}\ngroup = 'late'",
            "6:9: rules.x.group: no other rule is in the group 'late' (a group is two rules or more)",
            id="alone in a group",
        ),
        pytest.param(
            f"{ON}\ndelay = ['1d', '2d']\nwhere = {{ told.shipped = {{ not = true }} }}",
            "7:26: rules.x.where.told.shipped: the first step tells it, so the later steps never leave"
            " (remove it; each step is said once anyway)",
            id="forbids its own steps",
        ),
        pytest.param(
            f"{ON}\ndelay = ['1d', '2d']\nwhere = {{ told.shipped = false }}",
            "7:26: rules.x.where.told.shipped: the first step tells it, so the later steps never leave"
            " (remove it; each step is said once anyway)",
            id="forbids its own steps, put otherwise",
        ),
        pytest.param(
            f"{ON}\nwhere = {{ told.delivered = true }}",
            "6:16: rules.x.where.told.delivered: no rule writes 'delivered' (known: shipped)",
            id="nobody tells it",
        ),
        pytest.param(
            f"{ON}\nignore_holds = ['dispute', 'review']\nholds = ['dispute']",
            "6:28: rules.x.ignore_holds: 'review' does not hold this rule anyway",
            id="ignored in vain",
        ),
        pytest.param(
            f"{ON}\nurgent = true\nignore_holds = ['refund']",
            "7:17: rules.x.ignore_holds: 'refund' does not hold this rule anyway",
            id="urgent in vain",
        ),
        pytest.param(
            f"{ON}\nchannels = ['platform']",
            "6:12: rules.x.channels: no shop it speaks for has the channel platform (they have email)",
            id="no channel",
        ),
    ],
)
def test_a_slip_is_a_warning(tmp_path: Path, text: str, expected: str) -> None:
    # the calendar stands behind the rule, whose first key is on line 5
    assert findings_of(tmp_path, f"{text}\n{SELLER}") == [f"{expected} [warning]"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("on = 'shipment.exception'\ncancel_on = 'shipment.*'", id="any later line cancels"),
        pytest.param("silent = '5d'\nsince = 'shipment.*'\ncancel_on = ['shipment.delivered']", id="an end cancels"),
        pytest.param("trigger = 'staff'\ncancel_on = ['order.paid']", id="a person wakes it"),
        pytest.param(f"{ON}\nexpiry = '13h'", id="just long enough"),
        pytest.param(f"{ON}\nexpiry = '1h'\nwindow = 'always'", id="always open"),
        pytest.param(f"{ON}\nexpiry = '1bd'\ndays = 'mon-fri'", id="business days pass the weekend"),
        pytest.param("before = 'pay_by'\nlead = '13h'", id="a lead just long enough"),
        pytest.param("after = 'pay_by'\ndelay = '1h'", id="no lead"),
        pytest.param(f"{ON}\ncalendar = 'seller'\nclosed = 'wait'\nexpiry = '9d'", id="outlasts the closure"),
        pytest.param(f"{ON}\ncalendar = 'seller'\nclosed = 'wait'\nexpiry = '1bd'", id="expires in business days"),
        pytest.param(f"{ON}\ncalendar = 'seller'\nclosed = 'drop'", id="drops"),
        pytest.param(f"{ON}\ncalendar = 'seller'\ndelay = '1bd'", id="delay in business days"),
        pytest.param(f"{ON}\ncalendar = 'seller'\nmax_age = '9bd'", id="age in business days"),
        pytest.param(f"{ON}\ncalendar = 'seller'\nexpiry = '9bd'", id="expiry in business days"),
        pytest.param(f"{ON}\ncalendar = 'seller'\nwhere = {{ calendar.closed = true }}", id="asks for closed days"),
        pytest.param(f"{ON}\nwhere = {{ told.shipped = {{ not = true }} }}", id="one step"),
        pytest.param(f"{ON}\ndelay = ['1d', '2d']\nwhere = {{ told.shipped = true }}", id="only once told"),
        pytest.param(f"{ON}\ndelay = ['1d', '2d']\nwhere = {{ order.late = {{ not = true }} }}", id="other fields"),
        pytest.param(f"{ON}\nignore_holds = ['dispute', 'review']", id="ignored with reason"),
        pytest.param(f"{ON}\nchannels = ['platform', 'email']", id="one of two channels"),
        pytest.param(f"{ON}\ngroup = 'a'\n[rules.y]\ntemplate = 'shipped'\n{ON}\ngroup = 'a'", id="a group of two"),
    ],
)
def test_what_can_be_meant_is_no_slip(tmp_path: Path, text: str) -> None:
    assert findings_of(tmp_path, f"{text}\n{SELLER}") == []


def test_public_holidays_may_outlast_the_expiry(tmp_path: Path) -> None:
    china = "[calendars.seller]\nholidays = 'CN'"
    (finding,) = findings_of(tmp_path, f"{ON}\ncalendar = 'seller'\nclosed = 'wait'\n{china}")

    assert finding == (
        "7:10: rules.x.closed: expires after 3d while 'seller' is closed for up to 10 days"
        ' (write expiry = "11d", or closed = "drop") [warning]'
    )


def test_a_misspelt_group_is_told(tmp_path: Path) -> None:
    two = "".join(f"\n[rules.{name}]\ntemplate = 'shipped'\n{ON}\ngroup = 'news'" for name in "yz")

    assert findings_of(tmp_path, f"{ON}\ngroup = 'mews'{two}") == [
        "6:9: rules.x.group: no other rule is in the group 'mews' (did you mean 'news'?) [warning]"
    ]


def test_a_template_that_another_rule_writes_can_be_asked_for(tmp_path: Path) -> None:
    text = f"{ON}\nwhere = {{ told.delay-apology = {{ not = true }} }}\ndelay = ['1d', '2d']"

    assert findings_of(tmp_path, f"{text}\n{OTHER}") == []


NAMES = "[names.method]\nepacket = ['EMS_*', 'e邮宝*']\n[names.carrier]\nyanwen = ['yan*']"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("shipment.method = 'EMS_ZX'", "shipment.method: rules call 'EMS_ZX' 'epacket', see [names] (write 'epacket')"),
        (
            "order.shipping_method = { not = ['epacket', 'ems_1'] }",
            "order.shipping_method: rules call 'ems_1' 'epacket', see [names] (write 'epacket')",
        ),
        ("shipment.carrier = 'Yandex'", "shipment.carrier: rules call 'Yandex' 'yanwen', see [names] (write 'yanwen')"),
        ("shipment.method = ['epacket', 'other']", ""),
        ("shipment.carrier = 'EMS_ZX'", ""),
        ("buyer.name = 'EMS_ZX'", ""),
    ],
)
def test_what_rules_call_otherwise_is_told(tmp_path: Path, where: str, expected: str) -> None:
    findings = findings_of(tmp_path, f"{ON}\n[rules.x.where]\n{where}\n{NAMES}")

    assert [one.partition("rules.x.where.")[2] for one in findings] == ([f"{expected} [warning]"] if expected else [])


@pytest.mark.parametrize(
    ("shops", "told"),
    [
        (SHOPS, True),
        ({**SHOPS, "desk": a_shop("desk", channel="platform")}, False),
        ({"toys": Shop(id="toys", name="", sender="")}, False),
        (None, False),
    ],
)
def test_a_channel_that_no_shop_has_is_told(tmp_path: Path, shops: Mapping[str, Shop] | None, *, told: bool) -> None:
    assert bool(findings_of(tmp_path, f"{ON}\nchannels = ['platform']", shops=shops)) == told


def test_every_channel_is_named(tmp_path: Path) -> None:
    both = Shop(id="desk", name="", sender="", channels={"sms": "a", "letter": "b"})

    assert findings_of(tmp_path, ON, shops={"desk": both}) == [
        "3:8: rules.x.channels: no shop it speaks for has the channel platform or email (they have letter, sms) [warning]"
    ]


def test_only_the_shops_that_a_rule_speaks_for_need_its_channel(tmp_path: Path) -> None:
    shops = {**SHOPS, "desk": a_shop("desk", channel="platform")}
    text = f"{ON}\nchannels = ['platform']\nshops = ['toys']"

    assert len(findings_of(tmp_path, text, shops=shops)) == 1


def test_the_defaults_are_told_once(tmp_path: Path) -> None:
    text = f"version = 1\n[defaults]\nexpiry = '2h'\n[rules.x]\ntemplate = 'shipped'\n{ON}\n"

    assert read(tmp_path, text)[1] == [
        (
            "3:10: defaults.expiry: the expiry of 2h is shorter than the 13 hours from closing to opening"
            ' (what is wanted just after closing never leaves; write expiry = "1d") [warning]'
        )
    ]


def test_the_days_of_the_defaults_count(tmp_path: Path) -> None:
    text = f"version = 1\n[defaults]\ndays = 'mon'\n[rules.x]\ntemplate = 'shipped'\n{ON}\n"

    assert read(tmp_path, text)[1] == [
        (
            "3:8: defaults.days: the expiry of 3d is shorter than the 157 hours from closing to opening"
            ' (what is wanted just after closing never leaves; write expiry = "7d") [warning]'
        )
    ]


def test_a_file_with_slips_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "schedules.toml"
    path.write_text(f"version = 1\n[rules.x]\ntemplate = 'shipped'\n{ON}\nexpiry = '1h'\n", encoding="utf-8")

    assert load_schedule(path, shops=SHOPS, templates=TEMPLATES).rule("x")


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (ALWAYS, timedelta(0)),
        (Hours(opens=time(9), closes=time(20)), timedelta(hours=13)),
        (Hours(opens=time(22), closes=time(6)), timedelta(hours=16)),
        (Hours(opens=time(9), closes=time(20), days=frozenset({0, 2})), timedelta(days=4, hours=13)),
        (Hours(opens=time(0), closes=time(0), days=frozenset({5})), timedelta(days=6)),
        (Hours(opens=time(9), closes=time(20), closed_on=Calendar(is_holiday=lambda _: True)), timedelta(hours=13)),
    ],
)
def test_the_longest_gap_between_two_openings(hours: Hours, expected: timedelta) -> None:
    assert longest_gap(hours) == expected
