"""Schedules for tests: shops and templates that exist, and ways to read a text as a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from messenger.config.schedules import load_schedule, read_schedule
from messenger.domain.orders import Deadline
from messenger.domain.rules import Rule, Schedule
from messenger.domain.shops import Policy, Shop

ROOT = Path(__file__).parents[1]
TEMPLATES = ("shipped", "delay-apology", "delivered")


def a_shop(name: str, *deadlines: Deadline, platform: str = "none", channel: str = "email") -> Shop:
    """Return a shop whose platform has these deadlines (none named: all)."""
    policy = Policy(platform=platform, deadlines=frozenset(deadlines or Deadline))
    return Shop(id=name, name=name, sender="", platform=platform, policy=policy, channels={channel: "main"})


SHOPS: Mapping[str, Shop] = {"toys": a_shop("toys")}


def read(folder: Path, text: str, *, shops: Mapping[str, Shop] | None = SHOPS) -> tuple[Schedule, list[str]]:
    """Return the schedule of a text, and its findings as sentences; warnings end with ``[warning]``."""
    path = folder / "schedules.toml"
    path.write_text(text, encoding="utf-8")
    schedule, findings = read_schedule(path, shops=shops, templates=TEMPLATES)
    told = [f"{one}{' [warning]' if one.severity == 'warning' else ''}" for one in findings]
    return schedule, [sentence.removeprefix(f"{folder}/schedules.toml:").strip() for sentence in told]


def findings_of(folder: Path, text: str, *, before: str = "", shops: Mapping[str, Shop] | None = SHOPS) -> list[str]:
    """Return what is found in the rule ``x``, which has the template ``shipped`` and begins on line 3 after ``before``."""
    return read(folder, f"version = 1\n{before}\n[rules.x]\ntemplate = 'shipped'\n{text}\n", shops=shops)[1]


def rule_of(folder: Path, text: str, *, before: str = "") -> Rule:
    """Return the rule ``x``, which has the template ``shipped`` and the keys of ``text``."""
    path = folder / "schedules.toml"
    path.write_text(f"version = 1\n{before}\n[rules.x]\ntemplate = 'shipped'\n{text}\n", encoding="utf-8")
    found = load_schedule(path, shops=SHOPS, templates=TEMPLATES).rule("x")
    assert found is not None
    return found
