from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest

from messenger.config.values import TYPES, WILDCARDS
from messenger.domain.messages import Category
from messenger.domain.orders import Deadline
from messenger.domain.rules import (
    ALL_HOLDS,
    Cap,
    Caps,
    Closed,
    Hold,
    Merge,
    Once,
    OnDeadline,
    OnEvent,
    OnSilence,
    OnStaff,
    Same,
    Uncertain,
)
from messenger.domain.timing import Hours, Span
from tests.config_samples import findings_of, read, rule_of

ON = "on = 'order.paid'"
DAY = timedelta(days=1)
SELLER = "[calendars.seller]\nclosed = ['2026-02-14/2026-02-15']"


def test_what_a_rule_leaves_out_is_calm(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, ON)

    assert (rule.hours, rule.zone) == (Hours(opens=time(9), closes=time(20)), "buyer")
    assert (rule.channels, rule.expiry, rule.max_age) == (("platform", "email"), Span(days=3), Span(days=7))
    assert (rule.holds, rule.caps, rule.merge) == (ALL_HOLDS, Caps(), None)
    assert (rule.category, rule.uncertain, rule.promise) == (Category.TRANSACTIONAL, None, "")
    assert (rule.once_per, rule.once_span, rule.delays) == (Once.ORDER, None, (Span(),))
    assert (rule.group, rule.priority, rule.supersedes, rule.formerly) == ("", 0, (), ())
    assert (rule.urgent, rule.approval, rule.enabled) == (False, False, True)
    assert (rule.calendar, rule.closed, rule.during) == (None, Closed.SEND, None)
    assert (rule.where, rule.cancel_on, rule.shops, rule.title, rule.note) == ((), (), (), "", "")


def test_a_rule_says_everything_it_can(tmp_path: Path) -> None:
    rule = rule_of(
        tmp_path,
        "on = ['order.paid', 'refund.*']\ndelay = ['90s', '1d']\ncategory = 'relational'\npriority = -3\n"
        "shops = ['toys']\nenabled = false\nuncertain = 'ask'\nname = 'A title'\nnote = ''\nonce_per = 'occurrence'\n"
        "cancel_on = []\nformerly = ['old', 'older']\napproval = 'staff'\npromise = 'refund-10'",
    )

    assert rule.trigger == OnEvent(types=("order.paid", "refund.*"))
    assert rule.delays == (Span(elapsed=timedelta(seconds=90)), Span(days=1))
    assert (rule.category, rule.priority, rule.shops) == (Category.RELATIONAL, -3, ("toys",))
    assert (rule.enabled, rule.uncertain, rule.title) == (False, Uncertain.ASK, "A title")
    assert (rule.once_per, rule.cancel_on, rule.line) == (Once.OCCURRENCE, (), 3)
    assert (rule.formerly, rule.approval, rule.promise) == (("old", "older"), True, "refund-10")


def test_a_rule_takes_what_it_leaves_out_from_the_defaults(tmp_path: Path) -> None:
    defaults = (
        "[defaults]\nchannels = ['email']\nwindow = '22:00-06:00'\ndays = 'sat-mon'\nzone = 'shop'\nexpiry = '6bd'\n"
        "max_age = '2w'\nholds = ['review', 'dispute']\ncap = { per_order = '3/7d', per_buyer = '2/1d' }"
    )
    rule = rule_of(tmp_path, ON, before=defaults)

    assert (rule.channels, rule.zone) == (("email",), "shop")
    assert rule.hours == Hours(opens=time(22), closes=time(6), days=frozenset({5, 6, 0}))
    assert (rule.expiry, rule.max_age) == (Span(business=6), Span(days=14))
    assert rule.holds == {Hold.REVIEW, Hold.DISPUTE}
    assert rule.caps == Caps(per_order=Cap(count=3, span=7 * DAY), per_buyer=Cap(count=2, span=DAY))


def test_a_rule_overrides_the_defaults(tmp_path: Path) -> None:
    defaults = (
        "[defaults]\nwindow = '10:00-18:00'\ndays = 'mon-fri'\nholds = ['review']\n"
        "cap = { per_order = '3/7d', per_buyer = '2/1d' }"
    )
    rule = rule_of(
        tmp_path,
        f"{ON}\nwindow = 'always'\ndays = 'mon-sun'\nholds = []\ncap = {{ per_buyer = '5/36h' }}\nzone = 'Asia/Tokyo'\n"
        "channels = ['email']\nexpiry = '5d'\nmax_age = '1bd'",
        before=defaults,
    )

    assert rule.hours.is_always
    assert (rule.holds, rule.caps) == (frozenset(), Caps(per_buyer=Cap(count=5, span=timedelta(hours=36))))
    assert (rule.zone, rule.channels, rule.expiry, rule.max_age) == (
        "Asia/Tokyo", ("email",), Span(days=5), Span(business=1)
    )  # fmt: skip
    assert rule_of(tmp_path, f"{ON}\ncap = {{}}", before=defaults).caps == Caps()


@pytest.mark.parametrize(
    ("text", "trigger", "delays", "once"),
    [
        ("on = 'shipment.delivered'", OnEvent(types=("shipment.delivered",)), (Span(),), Once.SHIPMENT),
        ("on = ['shipment.*', 'order.paid']", OnEvent(types=("shipment.*", "order.paid")), (Span(),), Once.ORDER),
        ("on = 'order.delivered'\ndelay = '3bd'", OnEvent(types=("order.delivered",)), (Span(business=3),), Once.ORDER),
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
            "after = 'ship_by'\ndelay = ['1h', '1bd']",
            OnDeadline(deadline=Deadline.SHIP_BY, before=False),
            (Span(elapsed=timedelta(hours=1)), Span(business=1)),
            Once.ORDER,
        ),
        ("after = 'answer_by'", OnDeadline(deadline=Deadline.ANSWER_BY, before=False), (Span(),), Once.ORDER),
        ("trigger = 'staff'", OnStaff(), (Span(),), Once.OCCURRENCE),
        ("trigger = 'staff'\ndelay = ['1d', '2d']", OnStaff(), (Span(days=1), Span(days=2)), Once.OCCURRENCE),
        ("trigger = 'staff'\nonce_per = 'order'", OnStaff(), (Span(),), Once.ORDER),
    ],
)
def test_triggers(tmp_path: Path, text: str, trigger: object, delays: tuple[Span, ...], once: Once) -> None:
    rule = rule_of(tmp_path, text)

    assert (rule.trigger, rule.delays, rule.once_per) == (trigger, delays, once)


def test_once_for_a_buyer_lasts_for_a_while(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, f"{ON}\nonce_per = 'buyer/90d'")

    assert (rule.once_per, rule.once_span) == (Once.BUYER, 90 * DAY)


def test_holds_can_be_ignored(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, f"{ON}\nignore_holds = ['review', 'source_silent']")

    assert rule.holds == {Hold.DISPUTE, Hold.CONVERSATION, Hold.REFUND}


def test_what_is_urgent_waits_for_a_dispute_alone(tmp_path: Path) -> None:
    defaults = "[defaults]\nholds = ['review']\ncap = { per_order = '1/1d' }"
    rule = rule_of(tmp_path, f"{ON}\nurgent = true", before=defaults)

    assert (rule.urgent, rule.holds, rule.caps) == (True, frozenset({Hold.DISPUTE}), Caps())
    assert rule_of(tmp_path, f"{ON}\nurgent = true\nignore_holds = ['dispute']").holds == frozenset()
    assert rule_of(tmp_path, f"{ON}\nurgent = false\nholds = ['review']").holds == {Hold.REVIEW}


def test_messages_can_go_out_together(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, f"{ON}\nmerge = {{ within = '6h', same = 'order' }}")

    assert rule.merge == Merge(within=timedelta(hours=6), same=Same.ORDER)
    assert rule_of(tmp_path, f"{ON}\n[rules.x.merge]\nwithin = '2d'\nsame = 'buyer'").merge == Merge(
        within=2 * DAY, same=Same.BUYER
    )


def test_rules_know_each_other(tmp_path: Path) -> None:
    other = "[rules.y]\ntemplate = 'shipped'\non = 'order.paid'\ngroup = 'news'"
    rule = rule_of(tmp_path, f"{ON}\ngroup = 'news'\nsupersedes = ['y']\npriority = 1000", before=other)

    assert (rule.group, rule.supersedes, rule.priority) == ("news", ("y",), 1000)


@pytest.mark.parametrize(
    ("text", "closed", "waits"),
    [
        ("closed = 'wait'", Closed.WAIT, True),
        ("closed = 'drop'", Closed.DROP, False),
        ("closed = 'send'\ndelay = '3bd'", Closed.SEND, False),
        ("where = { calendar.closed = true }", Closed.SEND, False),
    ],
)
def test_a_calendar_closes_days(tmp_path: Path, text: str, closed: Closed, *, waits: bool) -> None:
    rule = rule_of(tmp_path, f"{ON}\ncalendar = 'seller'\n{text}", before=SELLER)

    assert rule.calendar is not None
    assert (rule.calendar.name, rule.closed) == ("seller", closed)
    assert rule.hours.closed_on == (rule.calendar if waits else None)
    assert rule.hours.opens == time(9)


def test_a_rule_speaks_only_during_a_closure(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, f"{ON}\nduring = 'seller'", before=SELLER)

    assert rule.during is not None
    assert (rule.during.name, rule.calendar) == ("seller", None)
    two = f"{SELLER}\n[calendars.carrier]"
    assert rule_of(tmp_path, f"{ON}\nduring = 'seller'\ncalendar = 'carrier'\nclosed = 'wait'", before=two).during


def mistake_of(folder: Path, text: str, before: str = "") -> str:
    (finding,) = findings_of(folder, text, before=before)
    return finding


TRIGGER_MISTAKES = [
    pytest.param(
        f"{ON}\nbefore = 'pay_by'\nlead = '1d'",
        "3:8: rules.x: has 2 triggers: on and before"
        ' (a rule has exactly one of on, before, after, silent, or trigger = "staff")',
        id="two",
    ),
    pytest.param(
        f"{ON}\nafter = 'pay_by'\ntrigger = 'staff'",
        "3:8: rules.x: has 3 triggers: on, after and trigger"
        ' (a rule has exactly one of on, before, after, silent, or trigger = "staff")',
        id="three",
    ),
    pytest.param(
        "delay = '1d'",
        '3:8: rules.x: has no trigger (a rule has exactly one of on, before, after, silent, or trigger = "staff")',
        id="none",
    ),
    pytest.param("before = 'ship_by'", '3:8: rules.x.lead: is missing (write lead = "2d")', id="no lead"),
    pytest.param("silent = '2d'", '3:8: rules.x.since: is missing (write since = "shipment.*")', id="no since"),
    pytest.param(
        "after = 'ship_by'\nlead = '2d'",
        "6:1: rules.x.lead: belongs to before, not to after (after goes with delay)",
        id="stray lead",
    ),
    pytest.param(
        "before = 'ship_by'\nlead = '2d'\ndelay = '1h'",
        "7:1: rules.x.delay: belongs to on, after or trigger, not to before (before goes with lead)",
        id="stray delay",
    ),
    pytest.param(
        "trigger = 'staff'\nsince = 'order.*'",
        "6:1: rules.x.since: belongs to silent, not to trigger (trigger goes with delay)",
        id="stray since",
    ),
    pytest.param(
        "silent = '2d'\nsince = 'order.*'\ngroup = 'a'",
        "7:1: rules.x.group: belongs to on, not to silent (silent goes with since)",
        id="group without events",
    ),
    pytest.param(
        "before = 'ship_by'\nlead = '0d'", "6:8: rules.x.lead: must be longer than nothing, got '0d'", id="empty lead"
    ),
    pytest.param(
        "silent = '0h'\nsince = 'order.*'",
        "5:10: rules.x.silent: must be longer than nothing, got '0h'",
        id="empty silence",
    ),
    pytest.param(
        "after = 'shipby'", "5:9: rules.x.after: unknown deadline 'shipby' (did you mean 'ship_by'?)", id="deadline"
    ),
    pytest.param(
        "on = 'order.shiped'",
        "5:6: rules.x.on: unknown event type 'order.shiped' (did you mean 'order.shipped'?)",
        id="type",
    ),
    pytest.param(
        "on = 'x'",
        "5:6: rules.x.on: unknown event type 'x' (for example order.shipped, or \"shipment.*\" for all of a kind)",
        id="no type",
    ),
    pytest.param(
        "on = 'staff.started'",
        '5:6: rules.x.on: what a person starts is no event to wait for (write trigger = "staff")',
        id="staff event",
    ),
    pytest.param("trigger = 'boss'", "5:11: rules.x.trigger: unknown word 'boss' (known: staff)", id="who"),
    pytest.param("trigger = true", "5:11: rules.x.trigger: can only be 'staff', got true", id="true"),
]
RULE_MISTAKES = [
    ("delay = 'soon'", "6:9: rules.x.delay: cannot read 'soon' (write 14d, 36h or 90m)"),
    ("delay = ['2d', '1d']", "6:16: rules.x.delay: 1d does not come after 2d (write the steps in ascending order)"),
    ("zone = 'Europe/Madird'", "6:8: rules.x.zone: unknown time zone 'Europe/Madird' (did you mean 'Europe/Madrid'?)"),
    ("zone = 'europe/madrid'", "6:8: rules.x.zone: unknown time zone 'europe/madrid' (did you mean 'Europe/Madrid'?)"),
    ("zone = 'new york'", "6:8: rules.x.zone: unknown time zone 'new york' (did you mean 'America/New_York'?)"),
    ("zone = 'Beijing'", "6:8: rules.x.zone: unknown time zone 'Beijing' (did you mean 'Asia/Shanghai'?)"),
    ("zone = 'Asia/Beijing'", "6:8: rules.x.zone: unknown time zone 'Asia/Beijing' (did you mean 'Asia/Shanghai'?)"),
    ("zone = 'Moscow'", "6:8: rules.x.zone: unknown time zone 'Moscow' (did you mean 'Europe/Moscow'?)"),
    (
        "zone = 'Mars/Base'",
        "6:8: rules.x.zone: unknown time zone 'Mars/Base' (for example Asia/Shanghai or Europe/Madrid)",
    ),
    (
        "zone = 'UTC+8'",
        (
            "6:8: rules.x.zone: unknown time zone 'UTC+8'"
            " (an offset is no zone: clocks change; write the name of one, for example Asia/Shanghai)"
        ),
    ),
    (
        "window = '09:00-09:00'",
        "6:10: rules.x.window: '09:00-09:00' is never open (write \"always\" for the whole day)",
    ),
    ("window = '9-20'", '6:10: rules.x.window: cannot read \'9-20\' (write "09:00-20:00" or "always")'),
    ("days = 'weekdays'", '6:8: rules.x.days: cannot read \'weekdays\' (write "mon-fri", "sat,sun" or "mon-sun")'),
    ("shops = ['toy']", "6:10: rules.x.shops: unknown word 'toy' (did you mean 'toys'?)"),
    ("enabled = 'no'", "6:11: rules.x.enabled: must be true or false, got 'no' (without quotes)"),
    ("cancel_on = ['order.paid', 'order.paid']", "6:28: rules.x.cancel_on: names 'order.paid' twice"),
    ("holds = ['disputes']", "6:10: rules.x.holds: unknown word 'disputes' (did you mean 'dispute'?)"),
    ("ignore_holds = []", "6:16: rules.x.ignore_holds: must not be an empty list"),
    (
        "urgent = true\ncap = {}",
        "7:1: rules.x.cap: contradicts urgent = true (what is urgent waits for a dispute alone)",
    ),
    (
        "urgent = true\nholds = ['dispute']",
        "7:1: rules.x.holds: contradicts urgent = true (what is urgent waits for a dispute alone)",
    ),
    ("cap = '3/7d'", "6:7: rules.x.cap: must be a table, got '3/7d' (tables stand in { }, or below a [heading])"),
    ("cap = { per_ordr = '3/7d' }", "6:9: rules.x.cap.per_ordr: unknown key (did you mean 'per_order'?)"),
    (
        "cap = { per_order = '3/week' }",
        "6:21: rules.x.cap.per_order: cannot read 'week' (write \"3/7d\": at most 3 in any 7 days)",
    ),
    (
        "cap = { per_buyer = '0/1d' }",
        "6:21: rules.x.cap.per_buyer: '0/1d' would allow nothing (a rule is switched off by enabled = false)",
    ),
    ("merge = '6h'", "6:9: rules.x.merge: must be a table, got '6h' (tables stand in { }, or below a [heading])"),
    (
        "merge = { within = '6h' }",
        '6:1: rules.x.merge.same: is missing (write same = "buyer" or same = "order")',
    ),
    ("merge = { same = 'buyer' }", '6:1: rules.x.merge.within: is missing (write within = "6h")'),
    (
        "merge = { within = '1bd', same = 'order' }",
        (
            "6:20: rules.x.merge.within: cannot count business days here, got '1bd'"
            " (write 7d or 36h; a day counts 24 hours)"
        ),
    ),
    ("merge = { within = '1d', same = 'shop' }", "6:33: rules.x.merge.same: unknown word 'shop' (known: buyer, order)"),
    ("merge = { within = '1d', same = 'order', x = 1 }", "6:42: rules.x.merge.x: unknown key (known: same, within)"),
    (
        "once_per = 'buyer'",
        (
            "6:12: rules.x.once_per: does not say for how long, got 'buyer'"
            ' (write "buyer/90d": once in 90 days to the same buyer)'
        ),
    ),
    ("once_per = 'buyr/90d'", "6:12: rules.x.once_per: unknown word 'buyr/90d' (did you mean 'buyer/90d'?)"),
    (
        "once_per = 'week'",
        "6:12: rules.x.once_per: unknown word 'week' (known: buyer/90d, occurrence, order, shipment)",
    ),
    ("approval = true", "6:12: rules.x.approval: can only be 'staff', got true"),
    ("promise = 'Ten %'", "6:11: rules.x.promise: 'Ten %' is not a name (small letters, digits, - and _ only)"),
    ("group = 'Late'", "6:9: rules.x.group: 'Late' is not a name (small letters, digits, - and _ only)"),
    ("formerly = ['A b']", "6:13: rules.x.formerly: 'A b' is not a name (small letters, digits, - and _ only)"),
    ("supersedes = 'y'", "6:14: rules.x.supersedes: must be a list, got 'y' (lists stand in [ ])"),
    ("calendar = 'sellr'\ndelay = '1bd'", "6:12: rules.x.calendar: unknown calendar 'sellr' (did you mean 'seller'?)"),
    ("during = 'sellr'", "6:10: rules.x.during: unknown calendar 'sellr' (did you mean 'seller'?)"),
    ("closed = 'wait'", '6:10: rules.x.closed: needs a calendar that says when (write calendar = "seller")'),
    ("closed = 'drop'", '6:10: rules.x.closed: needs a calendar that says when (write calendar = "seller")'),
    (
        "calendar = 'seller'\nduring = 'seller'\nclosed = 'wait'",
        "8:10: rules.x.closed: leaves out the very days that during = 'seller' asks for (remove closed or during)",
    ),
    (
        "where = { calendar.closed = true }",
        '6:20: rules.x.where.calendar.closed: the rule has no calendar (write calendar = "seller")',
    ),
    (
        "uncertain = 'verfy'",
        "6:13: rules.x.uncertain: unknown word 'verfy' (did you mean 'verify'?)",
    ),
    ("priority = 1001", "6:12: rules.x.priority: must be a whole number from -1000 to 1000, got 1001"),
    ("dely = '1d'", "6:1: rules.x.dely: unknown key (did you mean 'delay'?)"),
    ("template_ = 'y'", "6:1: rules.x.template_: unknown key (did you mean 'template'?)"),
    ("note = 3", "6:8: rules.x.note: must be a text, got 3 (texts stand in quotes)"),
    ("name = ''", "6:8: rules.x.name: must not be empty"),
    ("channels = ['sms']", "6:13: rules.x.channels: unknown word 'sms' (known: email, platform)"),
]


@pytest.mark.parametrize(("text", "expected"), TRIGGER_MISTAKES)
def test_a_mistake_in_a_trigger_says_where_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    assert mistake_of(tmp_path, text) == expected


@pytest.mark.parametrize(("text", "expected"), RULE_MISTAKES)
def test_a_mistake_in_a_rule_says_where_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    # the calendar stands on line 2, the rule begins on line 3 in its place
    findings = findings_of(tmp_path, f"{ON}\n{text}\n[calendars.seller]")

    assert findings == [expected]


def test_a_rule_needs_its_template(tmp_path: Path) -> None:
    _, missing = read(tmp_path, f"version = 1\n[rules.x]\n{ON}\n")
    _, unknown = read(tmp_path, f"version = 1\n[rules.x]\ntemplate = 'shiped'\n{ON}\n")

    assert missing == ['2:8: rules.x.template: is missing (write template = "shipped")']
    assert unknown == ["3:12: rules.x.template: unknown template 'shiped' (did you mean 'shipped'?)"]


def test_calendars_are_named_before_they_are_used(tmp_path: Path) -> None:
    assert mistake_of(tmp_path, f"{ON}\nduring = 'spring'") == (
        "6:10: rules.x.during: unknown calendar 'spring' (write [calendars.spring])"
    )


def test_a_rule_waits_for_facts_only() -> None:
    assert "staff.started" not in TYPES
    assert "staff.*" not in WILDCARDS
    assert {"order.*", "shipment.*", "dispute.*", "review.*", "message.*"} < set(WILDCARDS)
    assert "order.delivered" in TYPES
