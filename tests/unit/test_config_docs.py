"""docs/reference/rules.md and the rule language say the same."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

import pytest
from jsonschema import Draft202012Validator

from messenger.config.rules import Defaults
from messenger.config.schedules import read_schedule
from messenger.config.schema import schedules_schema
from messenger.domain.conditions import FIELDS
from messenger.domain.messages import Category
from messenger.domain.orders import Deadline
from messenger.domain.rules import Closed, Hold, Once, Same, Uncertain
from tests.config_samples import ROOT

PAGE = (ROOT / "docs" / "reference" / "rules.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
TABLES = [line for line in PAGE.splitlines() if line.startswith("| ")]
SCHEMA = schedules_schema()


def table(*path: str) -> Mapping[str, object]:
    """Return a part of the schema."""
    found: Mapping[str, object] = SCHEMA
    for step in path:
        found = cast("Mapping[str, object]", found[step])
    return found


def rule_keys() -> Iterator[str]:
    yield from table("$defs", "rule", "properties")


@pytest.mark.parametrize("key", sorted(rule_keys()))
def test_every_key_of_a_rule_has_a_row_and_an_example(key: str) -> None:
    rows = [line for line in TABLES if line.startswith(f"| `{key}` |")]

    assert len(rows) == 1, f"{key} has {len(rows)} rows"
    assert rows[0].count(" | ") == 2
    shared = key in table("properties", "defaults", "properties")
    assert shared or any(re.search(rf"^(\[rules\.[a-z-]+\.)?{key}\b", one, re.MULTILINE) for one in EXAMPLES), (
        "no example"
    )


@pytest.mark.parametrize("key", sorted(table("properties", "defaults", "properties")))
def test_every_default_is_the_one_that_is_told(key: str) -> None:
    defaults = Defaults()
    (row,) = [line for line in TABLES if line.startswith(f"| `{key}` |")]
    told = row.rstrip(" |").rpartition(" | ")[2].strip("`")
    expected = {
        "channels": '["platform", "email"]', "window": '"09:00-20:00"', "days": '"mon-sun"', "zone": f'"{defaults.zone}"',
        "expiry": f'"{defaults.expiry}"', "max_age": f'"{defaults.max_age}"', "holds": "all", "cap": "none",
    }  # fmt: skip

    assert told == expected[key]


def test_every_field_is_documented() -> None:
    fields = "\n".join(line for line in TABLES if not line.startswith("| `{"))

    assert [field for field in FIELDS if f"`{field}`" not in fields] == []
    assert "`told.<template>`" in fields


def test_no_field_is_documented_that_does_not_exist() -> None:
    rooms = "order|buyer|shipment|dispute|review|lane|calendar"
    named = set(re.findall(rf"`((?:{rooms})\.[a-z_.0-9]+)`", "\n".join(TABLES)))

    assert named <= set(FIELDS)


@pytest.mark.parametrize(
    "word",
    [*Deadline, *Hold, *Closed, *Same, *Uncertain, *Category, Once.ORDER, Once.SHIPMENT, Once.OCCURRENCE, "buyer/90d",
     "per_order", "per_buyer", "within", "same", "min", "max", "like", "exists", "not", "3bd", "auto", "always"],
)  # fmt: skip
def test_every_word_is_documented(word: str) -> None:
    assert re.search(rf"[`\"{{ ]{re.escape(word)}[`\" ]", PAGE)


def test_every_table_and_key_outside_rules_is_documented() -> None:
    for name in table("properties"):
        assert f"[{name}" in PAGE or name == "version"
    keys = [
        "version",
        *table("properties", "safety", "properties"),
        *table("properties", "calendars", "patternProperties", next(iter(table("properties", "calendars", "patternProperties"))),
               "properties"),
    ]  # fmt: skip
    for key in keys:
        assert f"| `{key}` |" in PAGE, key
    for name in table("properties", "names", "properties"):
        assert f"[names.{name}]" in PAGE


def test_the_examples_are_right_together(tmp_path: Path) -> None:
    (tmp_path / "schedules.toml").write_text("\n".join(EXAMPLES), encoding="utf-8")
    _, findings = read_schedule(tmp_path / "schedules.toml")

    told = [str(finding) for finding in findings if "no rule writes" not in finding.problem]
    assert told == []
    validator = Draft202012Validator(schedules_schema())
    assert [error.message for error in validator.iter_errors(tomllib.loads("\n".join(EXAMPLES)))] == []
