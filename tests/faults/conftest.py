"""The databases of the fault suite, and its table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults.table import Bar, Measured, lines
from tests.postgres import cluster, drop_database, new_database


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, whichever process has measured it."""
    bars = [
        _bar(told, is_kept=group == "passed")
        for group in ("passed", "failed")
        for report in terminalreporter.stats.get(group, [])
        for name, told in report.user_properties
        if name == "bar"
    ]
    if bars:
        terminalreporter.section("promises and what was seen")
        for line in lines(bars):
            terminalreporter.write_line(line)


def _bar(told: Any, *, is_kept: bool) -> Bar:  # Any: four texts, as another process has sent them
    name, size, expected, seen = told
    return Bar(name, size, expected, seen, is_kept)


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Puts a line into the table."""

    def put(name: str, *, size: str, expected: str, seen: str) -> None:
        record_property("bar", [name, size, expected, seen])

    return put


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL."""
    with cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database; empty for the home's own SQLite."""
    if request.param == "sqlite":
        yield ""
        return
    url = new_database(request.getfixturevalue("postgres_server"))
    yield url
    drop_database(url)
