"""docs/reference/settings.md and the reader of messenger.toml say the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from messenger.config.settings import load_settings
from messenger.config.spans import elapsed
from messenger.config.transports import TransportSettings
from messenger.mail.smtp import Timeouts
from tests.config_samples import ROOT

PAGE = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]
LIMITS = PAGE.partition("`timeouts = {")[2].partition("## ")[0]
CONFIG = ROOT / "messenger" / "config"


def readers() -> Iterator[Path]:
    """The modules that ``settings`` reads tables with, and those that they leave parts to."""
    seen: set[str] = set()
    waiting = ["settings"]
    while waiting:
        name = waiting.pop()
        path = CONFIG / f"{name}.py"
        if name not in seen and path.exists():
            seen.add(name)
            waiting += re.findall(
                r"^from messenger\.config\.(\w+) import", path.read_text(encoding="utf-8"), re.MULTILINE
            )
            yield path


def asked() -> Iterator[tuple[str, str]]:
    """Which variable is asked for which key, everywhere in the readers."""
    for path in readers():
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match call:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=table), attr="take" | "need" | "table" | "maybe"),
                    args=[ast.Constant(value=str(key)), *_],
                ):
                    yield table, key


HEADINGS = sorted({key for table, key in asked() if table == "root"})
KEYS = sorted({key for table, key in asked() if table != "root"} | {one.name for one in fields(Timeouts)} - {"connect"})


@pytest.mark.parametrize("name", HEADINGS)
def test_every_table_has_a_heading(name: str) -> None:
    assert re.search(rf"^## \[{name}[.\]]", PAGE, re.MULTILINE)


def test_no_table_is_described_twice() -> None:
    headings = re.findall(r"^## .+", PAGE, re.MULTILINE)

    assert sorted(headings) == sorted(set(headings))


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_a_row(key: str) -> None:
    assert [row for row in ROWS if row.startswith(f"| `{key}` |")]


def test_no_key_is_documented_that_does_not_exist() -> None:
    assert {row.split("`")[1] for row in ROWS} == set(KEYS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("`")[1])
def test_every_row_is_whole(row: str) -> None:
    assert row.count(" | ") in {2, 3}
    assert row.endswith(" |")


def test_the_example_can_be_used(tmp_path: Path) -> None:
    example = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    (tmp_path / "messenger.toml").write_text(example, encoding="utf-8")

    assert set(load_settings(tmp_path, {}).transports) == {"main"}


@pytest.mark.parametrize("stage", [one.name for one in fields(Timeouts) if one.name != "connect"])
def test_every_time_limit_is_the_one_that_is_told(stage: str) -> None:
    assert told(stage, LIMITS) == timedelta(seconds=getattr(Timeouts(), stage))


@pytest.mark.parametrize("key", ["idle", "timeout", "resend_after"])
def test_every_length_of_time_of_a_mail_server_is_the_one_that_is_told(key: str) -> None:
    found = getattr(TransportSettings(name="main", host="x", port=25), key)

    assert told(key) == (found if isinstance(found, timedelta) else timedelta(seconds=found))


def told(key: str, part: str = PAGE) -> timedelta:
    (row,) = [row for row in part.splitlines() if row.startswith(f"| `{key}` |")]
    return elapsed(row.rstrip(" |").rpartition(" | ")[2].strip('`"'))
