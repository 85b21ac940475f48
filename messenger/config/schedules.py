"""Reading schedules.toml: when what is written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from messenger.config.calendar_tables import read_calendars
from messenger.config.names import read_names
from messenger.config.reader import ERROR, Document
from messenger.config.relations import Written, check_relations
from messenger.config.rules import Defaults, read_defaults, read_rule
from messenger.config.slips import check_defaults, check_slips
from messenger.config.tables import Table, Wrong, any_text, list_of, shown, whole
from messenger.config.values import COUNTRY_PATTERN, ID_PATTERN, NAME_RULE, language
from messenger.config.where import Vocabulary
from messenger.domain.rules import Schedule
from messenger.domain.shops import Shop
from messenger.errors import ConfigurationError, Finding

VERSION: Final = 1
AUTO: Final = "auto"
MOST_NEW: Final = 1_000_000


def load_schedule(
    path: Path, *, shops: Mapping[str, Shop] | None = None, templates: Collection[str] | None = None
) -> Schedule:
    """Return the schedule that a file holds.

    Args:
        path: of schedules.toml.
        shops: the shops that rules may name, by id; ``None`` leaves shops unchecked.
        templates: names of the templates that exist; ``None`` leaves templates unchecked.

    Raises:
        ConfigurationError: with every mistake in the file.
    """
    schedule, findings = read_schedule(path, shops=shops, templates=templates)
    if any(finding.severity == ERROR for finding in findings):
        raise ConfigurationError(findings)
    return schedule


def read_schedule(
    path: Path, *, shops: Mapping[str, Shop] | None = None, templates: Collection[str] | None = None
) -> tuple[Schedule, list[Finding]]:
    """Return the schedule as far as it can be read, and every mistake and slip in it, in the order of the file."""
    document = Document(path)
    if not document.is_readable:
        return Schedule(rules=(), source=document.file), document.findings
    root = Table(document, (), document.values)
    root.need("version", _version, VERSION, remedy="write version = 1 as the first key")
    schedule = _read(root, shops, templates)
    root.close()
    return schedule, sorted(document.findings, key=lambda one: (one.line, one.column))


def _read(root: Table, shops: Mapping[str, Shop] | None, templates: Collection[str] | None) -> Schedule:
    defaults = _defaults(root.table("defaults"))
    names = read_names(root.table("names"))
    calendars = read_calendars(root)
    words = Vocabulary(lists=_lists(root.table("lists")), templates=templates, shops=shops, calendars=calendars)
    rules = list(_rules(root, defaults, words))
    check_relations(rules, shops)
    check_slips(rules, shops, names)
    return Schedule(
        rules=tuple(one.rule for one in rules),
        languages=_languages(root.table("languages")),
        names=names,
        calendars=calendars,
        max_new_messages=_max_new_messages(root.table("safety")),
        source=root.document.file,
    )


def _version(value: object) -> int:
    if isinstance(value, bool) or value != VERSION:
        raise Wrong(f"must be 1, got {shown(value)}")
    return VERSION


def _defaults(table: Table) -> Defaults:
    defaults = read_defaults(table)
    check_defaults(table, defaults)
    table.close()
    return defaults


def _max_new_messages(table: Table) -> int | None:
    found = table.take("max_new_messages", _auto_or_number, None)
    table.close()
    return found


def _auto_or_number(value: object) -> int | None:
    if value == AUTO:
        return None
    if isinstance(value, str):
        raise Wrong(f'must be "auto" or a number, got {shown(value)}', "numbers stand without quotes")
    return whole(0, MOST_NEW)(value)


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


def _rules(root: Table, defaults: Defaults, words: Vocabulary) -> Iterator[Written]:
    for name, table in root.tables("rules"):
        _check_name(table, name, of_table=True)
        yield Written(read_rule(name, table, defaults, words), table)


def _check_name(table: Table, name: str, *, of_table: bool = False) -> None:
    if not re.fullmatch(ID_PATTERN, name):
        table.wrong("" if of_table else name, "is not a name", NAME_RULE, at_key=True)
