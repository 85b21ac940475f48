from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from messenger.config.schema import schedules_schema
from messenger.domain.orders import Deadline
from tests.config_samples import ROOT, SHOPS, a_shop, read

VALIDATOR = Draft202012Validator(schedules_schema())
GOOD = """version = 1
[defaults]
window = "always"
[safety]
max_new_messages = "auto"
[languages]
BY = "ru"
[lists]
eu = ["DE", "FR"]
[names.method]
epacket = ["EMS_*", "e邮宝*"]
[calendars.seller]
holidays = "CN"
closed = ["2026-02-14/2026-02-24"]
[rules.y]
template = "shipped"
on = "order.paid"
[rules.x]
template = "shipped"
on = "order.shipped"
"""

SHAPE_OR_VALUE = (
    ("version = 1\n", ""),
    ("version = 1", "version = 2"),
    ("version = 1", 'version = "1"'),
    ("[defaults]", "[default]"),
    ("[defaults]", "[defaults]\nurgent = true"),
    ("[defaults]", '[defaults]\nholds = ["reviews"]'),
    ("[defaults]", '[defaults]\ncap = { per_order = "3" }'),
    ('"always"', '"9-20"'),
    ('"always"', '"09:00-09:00"'),
    ('"always"', '"09:00-25:00"'),
    ('"auto"', '"many"'),
    ('"auto"', "-1"),
    ('"auto"', "1.5"),
    ('"auto"', "true"),
    ("max_new_messages", "max_messages"),
    ('BY = "ru"', 'by = "ru"'),
    ('BY = "ru"', 'BY = "russian language"'),
    ('eu = ["DE", "FR"]', "eu = []"),
    ('eu = ["DE", "FR"]', 'eu = "DE"'),
    ('eu = ["DE", "FR"]', 'eu = ["DE", "DE"]'),
    ("[names.method]", "[names.methods]"),
    ("epacket =", "Epacket ="),
    ('["EMS_*", "e邮宝*"]', '"EMS_*"'),
    ('["EMS_*", "e邮宝*"]', "[]"),
    ('["EMS_*", "e邮宝*"]', '[""]'),
    ("[calendars.seller]", "[calendars.Seller]"),
    ('holidays = "CN"', 'holidays = "China"'),
    ('holidays = "CN"', "holiday = true"),
    ('"2026-02-14/2026-02-24"', '"14.02.2026"'),
    ('"2026-02-14/2026-02-24"', '"2026-13-01"'),
    ('"2026-02-14/2026-02-24"', '"2026-02-14/"'),
    ('["2026-02-14/2026-02-24"]', "[2026-02-14]"),
    ('holidays = "CN"', 'open = ["2026-02-14/2026-02-24"]'),
    ('holidays = "CN"', 'days = "weekdays"'),
    ("[rules.x]", "[rules.X]"),
    ('template = "shipped"\non = "order.shipped"\n', 'on = "order.shipped"\n'),
    ('template = "shipped"\non = "order.shipped"', 'template = ""\non = "order.shipped"'),
    ('template = "shipped"\non = "order.shipped"', 'template = 5\non = "order.shipped"'),
)
TRIGGERS = (
    "",
    'on = "order.shiped"',
    "on = []",
    'on = ["order.paid", "order.paid"]',
    'on = "*"',
    'on = "staff.started"',
    'on = "staff.*"',
    'before = "pay_by"',
    'before = "pay_by"\nlead = "0d"',
    'before = "pay_by"\nlead = ["1d", "2d"]',
    'before = "pay_by"\nlead = "1d"\ndelay = "1d"',
    'before = "pay_by"\nlead = "1d"\non = "order.paid"',
    'before = "pay_by"\non = "order.paid"',
    'before = "pay_by"\nlead = "1d"\ngroup = "news"',
    'after = "ship_bye"',
    'after = "ship_by"\nlead = "1d"',
    'after = "ship_by"\non = "order.paid"',
    'after = "ship_by"\ngroup = "news"',
    'silent = "5d"',
    'silent = "0d"\nsince = "shipment.*"',
    'silent = ["0bd", "5d"]\nsince = "shipment.*"',
    'silent = "5d"\nsince = ["shipment.*"]',
    'silent = "5d"\nsince = "shipment.*"\ndelay = "1d"',
    'silent = "5d"\nsince = "shipment.*"\ntrigger = "staff"',
    'since = "shipment.*"',
    'trigger = "boss"',
    "trigger = true",
    'trigger = "staff"\non = "order.paid"',
    'trigger = "staff"\nlead = "1d"',
    'trigger = "staff"\nsince = "order.*"',
    'trigger = "staff"\ngroup = "news"',
)
ADDITIONS = (
    'delay = "soon"',
    'delay = "-1d"',
    "delay = 3",
    'delay = "3b"',
    "delay = []",
    'delay = ["1d","2d","3d","4d","5d","6d"]',
    'delay = "1d 2h"',
    'dely = "1d"',
    'lead = "1d"',
    'after = "ship_by"',
    'days = "mon-fry"',
    'days = "weekdays"',
    'zone = "Not A Zone"',
    'expiry = "0h"',
    'expiry = "0bd"',
    'max_age = "long"',
    'channels = ["sms"]',
    "channels = []",
    'channels = "email"',
    'enabled = "yes"',
    'priority = "high"',
    "priority = 1.5",
    "priority = 1001",
    'once_per = "week"',
    'once_per = "buyer"',
    'once_per = "buyer/0d"',
    'once_per = "buyer/3bd"',
    'once_per = "order/90d"',
    'category = "marketing"',
    "shops = []",
    'name = ""',
    "note = 3",
    'holds = "dispute"',
    'holds = ["disputes"]',
    "ignore_holds = []",
    'ignore_holds = ["silence"]',
    'cap = "3/7d"',
    'cap = { per_order = "3" }',
    'cap = { per_order = "0/7d" }',
    'cap = { per_order = "3/0d" }',
    'cap = { per_order = "3/7bd" }',
    "cap = { per_buyer = 3 }",
    'cap = { per_day = "3/7d" }',
    'urgent = "yes"',
    "urgent = true\ncap = {}",
    'urgent = true\nholds = ["dispute"]',
    "approval = true",
    'approval = "boss"',
    'promise = "Ten %"',
    'group = "Late news"',
    'supersedes = "y"',
    "supersedes = []",
    'supersedes = ["Y"]',
    'merge = "6h"',
    'merge = { within = "6h" }',
    'merge = { same = "buyer" }',
    'merge = { within = "0h", same = "buyer" }',
    'merge = { within = "1bd", same = "buyer" }',
    'merge = { within = "6h", same = "shop" }',
    'merge = { within = "6h", same = "buyer", most = 3 }',
    'formerly = "z"',
    'formerly = ["Z"]',
    'calendar = "The seller"',
    'during = ["seller"]',
    'calendar = "seller"\nclosed = "later"',
    'closed = "wait"',
    'closed = "drop"',
    'cancel_on = "order.cancel"',
    "cancel_on = [5]",
    'where = "RU"',
    'where = { buyer = "RU" }',
    'where = { buyer.contry = "RU" }',
    'where = { "buyer.country" = "RU" }',
    'where = { buyer.country = "Russia" }',
    'where = { buyer.country = { isnt = "RU" } }',
    "where = { buyer.country = {} }",
    "where = { buyer.country = [] }",
    'where = { buyer.language = "Russian" }',
    'where = { platform = "alibaba" }',
    'where = { order.status = "payd" }',
    'where = { order.currency = "dollar" }',
    'where = { shipment.state = ["in_transit", "lost"] }',
    'where = { order.total = "5 USD" }',
    "where = { order.total = { min = 5 } }",
    'where = { order.total = { min = "5" } }',
    'where = { order.total = { not = "5 USD" } }',
    'where = { order.late = "yes" }',
    "where = { order.late = [true] }",
    'where = { told.x = { not = "true" } }',
    'where = { review.stars = "4" }',
    "where = { review.stars = 4.5 }",
    'where = { review.stars = { min = "4" } }',
    "where = { buyer.name = { min = 4 } }",
    'where = { buyer.name = { exists = "yes" } }',
    "where = { buyer.name = { like = 4 } }",
    'where = { buyer.name = { like = "" } }',
    "where = { lane.late = 1 }",
    "where = { lane.p90_days = 30 }",
    "where = { lane.p90_days = { not = 30 } }",
    "where = { order.pay_by = true }",
    'where = { order.pay_by = { min = "2026-01-01" } }',
    "where = { order.pay_by = {} }",
    "where = { calendar.closed = true }",
    'calendar = "seller"\nwhere = { calendar.open = true }',
)
SCHEMA_REJECTS = [
    *(GOOD.replace(old, new, 1) for old, new in SHAPE_OR_VALUE),
    *(GOOD.replace('on = "order.shipped"', trigger, 1) for trigger in TRIGGERS),
    *(f"{GOOD}{line}\n" for line in ADDITIONS),
]
"""Mistakes of shape and value: an editor shows them as they are typed."""

CHECK_REJECTS = [
    *(f"{GOOD}{line}\n" for line in (
        'zone = "Europe/Madird"',
        'delay = ["2d", "1d"]',
        'delay = ["24h", "1d"]',
        'delay = "3651d"',
        'shops = ["toy"]',
        'supersedes = ["z"]',
        'supersedes = ["x"]',
        'supersedes = ["y"]\n[rules.z]\ntemplate = "shipped"\non = "order.paid"\nformerly = ["y"]',
        'formerly = ["x"]',
        'formerly = ["y"]',
        'calendar = "sellr"\ndelay = "1bd"',
        'during = "sellr"',
        'calendar = "seller"\nduring = "seller"\nclosed = "wait"',
        'where = { buyer.country = "@ue" }',
        'where = { order.status = "@eu" }',
        'where = { shop = "toy" }',
        'where = { told.shiped = true }',
        'where = { order.total = { min = "5 USD", max = "9 EUR" } }',
        'where = { order.total = { min = "9 USD", max = "5 USD" } }',
        "where = { review.stars = { min = 4, max = 2 } }",
        'where = { buyer.city = { exists = false, like = "M*" } }',
    )),
    GOOD.replace('template = "shipped"', 'template = "shiped"', 1),
    GOOD.replace('on = "order.shipped"', 'before = "pay_by"\nlead = "1d"\nshops = ["bay"]', 1),
    GOOD.replace('on = "order.shipped"', 'supersedes = ["y"]\non = "order.shipped"', 1)
    .replace('on = "order.paid"', 'on = "order.paid"\nsupersedes = ["x"]', 1),
    GOOD.replace('holidays = "CN"', 'holidays = "XX"', 1),
    GOOD.replace('"2026-02-14/2026-02-24"', '"2026-02-24/2026-02-14"', 1),
    GOOD.replace('"2026-02-14/2026-02-24"', '"2026-02-30"', 1),
    GOOD.replace('"e邮宝*"', '"ems_*"', 1),
]  # fmt: skip
"""Mistakes between tables, of order, and of knowledge that changes: only ``messenger check`` can tell them."""

RIGHT = (
    "",
    'delay = "90s"',
    'delay = ["1d", "3bd", "2w"]',
    'window = "22:00-06:00"',
    'window = "09:00-24:00"',
    'days = "sat-mon, wed"',
    'zone = "Europe/Madrid"',
    "cancel_on = []",
    'expiry = "2bd"\nmax_age = "1w"',
    "holds = []\ncap = {}",
    'holds = ["dispute", "conversation", "refund", "review", "source_silent"]\nignore_holds = ["refund"]',
    'cap = { per_order = "3/7d", per_buyer = "2/36h" }',
    "urgent = true",
    'urgent = true\nignore_holds = ["dispute"]',
    "urgent = false\ncap = {}",
    'once_per = "buyer/90d"',
    'approval = "staff"\npromise = "refund-5"\nuncertain = "ask"',
    'supersedes = ["y"]\nformerly = ["z"]\npriority = -1000',
    'merge = { within = "6h", same = "order" }',
    'calendar = "seller"\nclosed = "wait"\nexpiry = "3w"',
    'calendar = "seller"\nclosed = "send"\ndelay = "1bd"',
    'calendar = "seller"\nwhere = { calendar.closed = { not = true } }',
    'during = "seller"',
    'where = { buyer.country = ["@eu", "RU"], order.items.sku = { like = "A*" } }',
    'where = { order.total = { min = "5.50 USD" } }',
    'where = { shop = "toys", told.shipped = { not = true } }',
    "where = { review.stars = { min = 1, max = 2.5 }, buyer.name = { exists = true } }",
    "where = { lane.late = true, lane.p90_days = { min = 20.5 }, buyer.paid_since = { not = true } }",
    "where = { order.pay_by = { exists = false }, shipment.eta_to = { exists = true } }",
    'where = { platform = ["none", "ebay"], buyer.language = { not = "pt-BR" } }',
)
RIGHT_TRIGGERS = (
    'on = ["order.paid", "shipment.*"]\ndelay = "1d"',
    'before = "answer_by"\nlead = "24h"',
    'after = "ship_by"\ndelay = ["1h", "2d"]',
    'silent = ["5d", "10bd"]\nsince = "shipment.*"',
    'trigger = "staff"',
    'trigger = "staff"\ndelay = ["1d", "2d"]',
)
GOOD_FILES = [
    *(f"{GOOD}{line}\n" for line in RIGHT),
    *(GOOD.replace('on = "order.shipped"', trigger, 1) for trigger in RIGHT_TRIGGERS),
]


def checked(tmp_path: Path, text: str) -> list[str]:
    """Return the findings of ``messenger check``."""
    return read(tmp_path, text, shops={**SHOPS, "bay": a_shop("bay", Deadline.SHIP_BY, platform="ebay")})[1]


def test_the_dumped_schema_is_current() -> None:
    dumped = json.loads((ROOT / "schedules.schema.json").read_text(encoding="utf-8"))

    assert dumped == json.loads(json.dumps(schedules_schema())), "run: messenger schema > schedules.schema.json"


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schedules_schema())


def test_both_accept_the_default_file() -> None:
    text = (ROOT / "schedules.toml").read_text(encoding="utf-8")

    assert text.startswith("#:schema ./schedules.schema.json\n")
    assert VALIDATOR.is_valid(tomllib.loads(text))


@pytest.mark.parametrize("text", GOOD_FILES)
def test_both_accept_what_is_right(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text)[1] == []
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))] == []


@pytest.mark.parametrize("text", SCHEMA_REJECTS)
def test_both_reject_a_mistake_of_shape_or_value(tmp_path: Path, text: str) -> None:
    assert text != GOOD
    assert errors(checked(tmp_path, text))
    assert not VALIDATOR.is_valid(tomllib.loads(text))


@pytest.mark.parametrize("text", CHECK_REJECTS)
def test_only_check_rejects_a_mistake_between_tables(tmp_path: Path, text: str) -> None:
    assert text != GOOD
    assert errors(checked(tmp_path, text))
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))] == []


def errors(findings: list[str]) -> list[str]:
    return [finding for finding in findings if not finding.endswith("[warning]")]


def test_no_mistake_is_planted_twice() -> None:
    assert len({*SCHEMA_REJECTS, *CHECK_REJECTS}) == len(SCHEMA_REJECTS) + len(CHECK_REJECTS)
