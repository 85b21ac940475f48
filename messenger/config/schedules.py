"""Reading schedules.toml: when what is written."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from messenger.config.reader import Document
from messenger.config.rules import LATER_DEFAULTS, Defaults, read_defaults, read_rule
from messenger.config.tables import Table, Wrong, any_text, list_of, shown
from messenger.config.values import COUNTRY_PATTERN, ID_PATTERN, language
from messenger.config.where import Vocabulary
from messenger.domain.rules import Rule, Schedule
from messenger.errors import ConfigurationError, Finding

VERSION: Final = 1
LATER_TABLES: Final = ("safety", "names", "calendars")


def load_schedule(
    path: Path, *, shops: Collection[str] | None = None, templates: Collection[str] | None = None
) -> Schedule:
    """Return the schedule that a file holds.

    Args:
        path: of schedules.toml.
        shops: ids of the shops that rules may name, or a mapping by id; ``None`` leaves shops unchecked.
        templates: names of the templates that exist; ``None`` leaves templates unchecked.

    Raises:
        ConfigurationError: with every mistake in the file.
    """
    schedule, findings = read_schedule(path, shops=shops, templates=templates)
    if findings:
        raise ConfigurationError(findings)
    return schedule


def read_schedule(
    path: Path, *, shops: Collection[str] | None = None, templates: Collection[str] | None = None
) -> tuple[Schedule, list[Finding]]:
    """Return the schedule as far as it can be read, and every mistake in it, in the order of the file."""
    document = Document(path)
    if not document.is_readable:
        return Schedule(rules=(), source=document.file), document.findings
    root = Table(document, (), document.values)
    root.need("version", _version, VERSION, remedy="write version = 1 as the first key")
    defaults = _defaults(root.table("defaults"))
    languages = _languages(root.table("languages"))
    words = Vocabulary(lists=_lists(root.table("lists")), templates=templates, shops=shops)
    rules = _rules(root, defaults, words)
    root.close(later=LATER_TABLES)
    findings = sorted(document.findings, key=lambda one: (one.line, one.column))
    return Schedule(rules=rules, languages=languages, source=document.file), findings


def _version(value: object) -> int:
    if isinstance(value, bool) or value != VERSION:
        raise Wrong(f"must be 1, got {shown(value)}")
    return VERSION


def _defaults(table: Table) -> Defaults:
    defaults = read_defaults(table)
    table.close(later=LATER_DEFAULTS)
    return defaults


def _languages(table: Table) -> dict[str, str]:
    found: dict[str, str] = {}
    for country in table.values:
        if not re.fullmatch(COUNTRY_PATTERN, country):
            table.wrong(country, "must be a two-letter country code", 'for example BY = "ru"', at_key=True)
        found[country] = table.take(country, language, "")
    return found


def _lists(table: Table) -> dict[str, tuple[str, ...]]:
    for name in table.values:
        _check_name(table, name)
    return {name: table.take(name, list_of(any_text), ()) for name in table.values}


def _rules(root: Table, defaults: Defaults, words: Vocabulary) -> tuple[Rule, ...]:
    found = []
    for name, table in root.tables("rules"):
        _check_name(table, name, of_table=True)
        found.append(read_rule(name, table, defaults, words))
    return tuple(found)


def _check_name(table: Table, name: str, *, of_table: bool = False) -> None:
    if not re.fullmatch(ID_PATTERN, name):
        table.wrong("" if of_table else name, "is not a name", "small letters, digits, - and _ only", at_key=True)
