"""What a lookout asks every minute reads only what is few, also where nobody has ever counted rows (SQLite has no autovacuum)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, create_engine, event, text

from messenger.domain.messages import State
from messenger.storage import SqlStore
from messenger.storage.engine import Database
from tests.storage_samples import NOW, fill

DAY = timedelta(days=1)
MANY = 4000
FEW = {
    "ix_outbox_aside",
    "ix_outbox_due",
    "ix_outbox_failed",
    "ix_outbox_left",
    "ix_outbox_uncertain",
    "ix_outbox_urgent",
    "ix_outbox_wrong",
}
"""Indexes over little, or read from one instant on."""
BY = re.compile(r"INDEX (\w+)|Index.* Scan (?:using|on) (\w+)")

LOOKS: dict[str, Callable[[SqlStore], object]] = {
    "needs": lambda store: store.needs(since=NOW),
    "held_back": lambda store: store.held_back(),
    "held_buyers": lambda store: store.held_buyers(shop="toys", hold="source_silent"),
    "account_buyers": lambda store: store.account_buyers(now=NOW),
    "doubtful_buyers": lambda store: store.doubtful_buyers(),
    "failed_buyers": lambda store: store.failed_buyers(shop="toys", since=NOW, poison=False),
    "urgent_at_risk": lambda store: store.urgent_at_risk(now=NOW, until=NOW + DAY),
    "standing_still": lambda store: store.standing_still(since=NOW, now=NOW),
}


def plans(engine: Engine, work: Callable[[], object]) -> list[str]:
    """How the engine finds the messages that it is asked for, one line each."""
    said: list[tuple[str, object]] = []

    def listen(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
        said.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", listen)
    work()
    event.remove(engine, "before_cursor_execute", listen)
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    with engine.connect() as connection:
        rows = [
            row[-1]
            for statement, given in said
            if "FROM outbox" in statement
            for row in connection.exec_driver_sql(f"{explain} {statement}", given)  # type: ignore[arg-type]  # as it was given
        ]
    return [row for row in rows if "outbox" in row and ("SCAN" in row or "SEARCH" in row or "Scan" in row)]


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_reads_only_what_is_few(store: SqlStore, migrated_url: str, look: str) -> None:
    fill(migrated_url, MANY, due=NOW + DAY, span=30 * DAY)
    fill(migrated_url, MANY, first=10**6, state=State.SENT, due=NOW - 300 * DAY, span=299 * DAY)
    engine = create_engine(migrated_url)
    if engine.dialect.name != "sqlite":
        if look == "account_buyers":
            pytest.skip("asked only while an account is in trouble; PostgreSQL believes that half of all rows are due")
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))

    found = plans(engine, lambda: LOOKS[look](SqlStore(Database(engine))))
    engine.dispose()

    assert found
    for line in found:
        by = BY.search(line)
        assert (by and (by[1] or by[2])) in FEW or "Bitmap Heap Scan" in line, found
