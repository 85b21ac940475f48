"""The databases of the fault suite, and its table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import table
from tests.postgres import cluster, drop_database, new_database


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    if table.BARS:
        terminalreporter.section("promises and what was seen")
        for line in table.lines():
            terminalreporter.write_line(line)


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
