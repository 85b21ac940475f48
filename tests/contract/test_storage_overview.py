"""What every store promises about figures: by shop and day, of those shops that are named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from messenger.domain.messages import State
from messenger.ports.overview import Place
from messenger.storage import SqlStore
from tests.storage_samples import NOW, fill

DAY = timedelta(days=1)


def test_what_left_is_counted_by_day(store: SqlStore, migrated_url: str) -> None:
    fill(migrated_url, 3, state=State.SENT, due=NOW)
    fill(migrated_url, 4, first=10, state=State.SENT, due=NOW - 2 * DAY)
    fill(migrated_url, 5, first=20, state=State.SENT, due=NOW - 40 * DAY)
    fill(migrated_url, 6, first=30, state=State.PLANNED)

    found = store.left_by_day(since=NOW - 30 * DAY, shops=["toys", "shoes"])
    assert found == {("toys", NOW.date()): 3, ("toys", (NOW - 2 * DAY).date()): 4}
    assert store.left_by_day(since=NOW - 30 * DAY, shops=["shoes"]) == store.left_by_day(since=NOW, shops=[]) == {}


def test_a_day_begins_at_midnight(store: SqlStore, migrated_url: str) -> None:
    midnight = NOW.replace(hour=0)
    fill(migrated_url, 1, state=State.SENT, due=midnight)
    fill(migrated_url, 1, first=2, state=State.SENT, due=midnight - timedelta(microseconds=1))

    found = store.left_by_day(since=NOW - 30 * DAY, shops=["toys"])
    assert found == {("toys", NOW.date()): 1, ("toys", (NOW - DAY).date()): 1}


@pytest.mark.parametrize("state", [State.WAITING_APPROVAL, State.HELD, State.PLANNED, State.UNCERTAIN, State.FAILED])
def test_a_list_is_told_page_by_page(store: SqlStore, migrated_url: str, state: State) -> None:
    fill(migrated_url, 25, state=state, span=timedelta(0))
    fill(migrated_url, 5, first=30, state=State.SENT)
    found, after = [], None
    while page := store.queue_page(state=state, shops=["toys"], after=after, limit=10):
        found += [row.id for row in page]
        after = Place(due_at=page[-1].due_at, id=page[-1].id)

    assert len(found) == len(set(found)) == 25
    assert store.queue_page(state=state, shops=["shoes"], limit=10) == []
