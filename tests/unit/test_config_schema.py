from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from messenger.config.schedules import read_schedule
from messenger.config.schema import schedules_schema

ROOT = Path(__file__).parents[2]
VALIDATOR = Draft202012Validator(schedules_schema())
GOOD = """version = 1
[defaults]
window = "always"
[languages]
BY = "ru"
[lists]
eu = ["DE", "FR"]
[rules.x]
template = "shipped"
on = "order.shipped"
"""
MISTAKES = (
    ("version = 1\n", ""),
    ("version = 1", "version = 2"),
    ("version = 1", 'version = "1"'),
    ("[defaults]", "[default]"),
    ('"always"', '"9-20"'),
    ('"always"', '"09:00-09:00"'),
    ('"always"', '"09:00-25:00"'),
    ('BY = "ru"', 'by = "ru"'),
    ('BY = "ru"', 'BY = "russian language"'),
    ('eu = ["DE", "FR"]', "eu = []"),
    ('eu = ["DE", "FR"]', 'eu = "DE"'),
    ("[rules.x]", "[rules.X]"),
    ("[rules.x]", "[safety]\nmax_new_messages = 3\n[rules.x]"),
    ('template = "shipped"\n', ""),
    ('template = "shipped"', 'template = ""'),
    ('template = "shipped"', "template = 5"),
    ('on = "order.shipped"\n', ""),
    ('on = "order.shipped"', 'on = "order.shiped"'),
    ('on = "order.shipped"', "on = []"),
    ('on = "order.shipped"', 'on = ["order.paid", "order.paid"]'),
    ('on = "order.shipped"', 'on = "*"'),
    ('on = "order.shipped"', 'before = "pay_by"'),
    ('on = "order.shipped"', 'after = "ship_bye"'),
    ('on = "order.shipped"', 'silent = "5d"'),
    ('on = "order.shipped"', 'silent = "0d"\nsince = "shipment.*"'),
    ('on = "order.shipped"', 'since = "shipment.*"'),
)
ADDITIONS = (
    'delay = "soon"',
    'delay = "-1d"',
    "delay = 3",
    'delay = "3bd"',
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
    'max_age = "long"',
    'channels = ["sms"]',
    "channels = []",
    'channels = "email"',
    'enabled = "yes"',
    'priority = "high"',
    "priority = 1.5",
    'once_per = "week"',
    'once_per = "buyer/90d"',
    'category = "marketing"',
    'uncertain = "verify"',
    "shops = []",
    'name = ""',
    "note = 3",
    'holds = ["dispute"]',
    'cap = { per_order = "3/7d" }',
    "urgent = true",
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
    'where = { order.status = "payd" }',
    'where = { shipment.state = ["in_transit", "lost"] }',
    'where = { order.total = "5 USD" }',
    "where = { order.total = { min = 5 } }",
    'where = { order.total = { min = "5" } }',
    'where = { order.late = "yes" }',
    "where = { order.late = [true] }",
    'where = { told.x = { not = "true" } }',
    'where = { review.stars = "4" }',
    'where = { review.stars = { min = "4" } }',
    "where = { buyer.name = { min = 4 } }",
    'where = { buyer.name = { exists = "yes" } }',
    "where = { buyer.name = { like = 4 } }",
    "where = { lane.late = true }",
)
FILES = [*(GOOD.replace(old, new, 1) for old, new in MISTAKES), *(f"{GOOD}{line}\n" for line in ADDITIONS)]


def loader_accepts(tmp_path: Path, text: str) -> bool:
    path = tmp_path / "schedules.toml"
    path.write_text(text, encoding="utf-8")
    return not read_schedule(path)[1]


def test_the_dumped_schema_is_current() -> None:
    dumped = json.loads((ROOT / "schedules.schema.json").read_text(encoding="utf-8"))

    assert dumped == json.loads(json.dumps(schedules_schema())), "run: messenger schema > schedules.schema.json"


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schedules_schema())


def test_both_accept_the_default_file(tmp_path: Path) -> None:
    text = (ROOT / "schedules.toml").read_text(encoding="utf-8")

    assert text.startswith("#:schema ./schedules.schema.json\n")
    assert loader_accepts(tmp_path, text)
    assert VALIDATOR.is_valid(tomllib.loads(text))


@pytest.mark.parametrize(
    "line",
    [
        "",
        'delay = "90s"',
        'delay = ["1d", "2w"]',
        'window = "22:00-06:00"',
        'window = "09:00-24:00"',
        'days = "sat-mon, wed"',
        'zone = "Europe/Madrid"',
        "cancel_on = []",
        'where = { buyer.country = ["@eu", "RU"], order.items.sku = { like = "A*" } }',
        'where = { order.total = { min = "5.50 USD" } }',
        'where = { shop = "toys", told.delay-apology = { not = true } }',
        "where = { review.stars = { min = 1, max = 2.5 }, buyer.name = { exists = true } }",
    ],
)
def test_both_accept_what_is_right(tmp_path: Path, line: str) -> None:
    text = f"{GOOD}{line}\n"

    assert loader_accepts(tmp_path, text)
    assert VALIDATOR.is_valid(tomllib.loads(text))


@pytest.mark.parametrize("text", FILES)
def test_both_reject_every_planted_mistake(tmp_path: Path, text: str) -> None:
    assert text != GOOD
    assert not loader_accepts(tmp_path, text)
    assert not VALIDATOR.is_valid(tomllib.loads(text))
