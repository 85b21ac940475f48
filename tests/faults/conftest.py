"""The databases of the fault suite, and its table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults.table import Measured, lines
from tests.postgres import cluster, drop_database, new_database


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table, whichever process has measured it."""
    reports = [one for group in ("passed", "failed") for one in terminalreporter.stats.get(group, [])]
    bars = [bar for one in reports for name, bar in one.user_properties if name == "bar"]
    if bars:
        terminalreporter.section("promises and what was seen")
        for line in lines(bars):
            terminalreporter.write_line(line)


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
