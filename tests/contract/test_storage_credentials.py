"""What every store promises about credentials: kept all at once, renewed by one at a time, never shown."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial

from messenger.ports import Credentials
from messenger.storage import SqlStore
from tests.storage_samples import MINUTE, NOW

SHOP = "aliexpress/toys"
DAY = timedelta(days=1)
FIRST = Credentials(
    account=SHOP, access="at-1", refresh="rt-1", ends_at=NOW + DAY, refresh_ends_at=NOW + 2 * DAY, holder="toys-seller"
)
SECOND = Credentials(account=SHOP, access="at-2", refresh="rt-2", ends_at=NOW + 3 * DAY, refresh_ends_at=NOW + 4 * DAY)


def take(store: SqlStore, owner: str = "a", *, at: timedelta = timedelta(0)) -> Credentials | None:
    return store.take_refresh(SHOP, owner=owner, now=NOW + at, until=NOW + at + MINUTE)


def kept(store: SqlStore, found: Credentials = FIRST) -> Credentials:
    store.keep_credentials(found, at=NOW)
    return replace(found, kept_at=NOW)


def test_what_was_kept_is_found(store: SqlStore) -> None:
    expected = kept(store)

    assert store.credentials(SHOP) == expected
    assert store.credentials("ebay/toys") is None


def test_a_new_login_replaces_all_of_it(store: SqlStore) -> None:
    kept(store)
    expected = kept(store, Credentials(account=SHOP, access="at-9"))

    assert store.credentials(SHOP) == expected


def test_only_one_of_many_renews(store: SqlStore) -> None:
    kept(store)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(partial(take, store), [f"w{number}" for number in range(8)]))

    assert sum(one is not None for one in found) == 1


def test_what_is_renewed_is_kept_at_once_and_let_go(store: SqlStore) -> None:
    expected = kept(store)
    assert take(store) == expected

    assert store.refreshed(SECOND, owner="a", at=NOW + MINUTE)
    assert store.credentials(SHOP) == replace(SECOND, kept_at=NOW + MINUTE, holder="toys-seller")
    assert take(store, "b", at=MINUTE) == replace(SECOND, kept_at=NOW + MINUTE, holder="toys-seller")


def test_an_answer_without_a_new_refresh_token_leaves_the_old_one(store: SqlStore) -> None:
    kept(store)
    take(store)
    store.refreshed(replace(SECOND, refresh="", refresh_ends_at=None), owner="a", at=NOW)

    found = store.credentials(SHOP)
    assert found == replace(FIRST, access="at-2", ends_at=NOW + 3 * DAY, kept_at=NOW)


def test_a_process_that_lost_its_turn_changes_nothing(store: SqlStore) -> None:
    expected = kept(store)
    take(store, "a")
    assert take(store, "b") is None
    assert take(store, "b", at=MINUTE) is not None

    assert not store.refreshed(SECOND, owner="a", at=NOW)
    assert store.credentials(SHOP) == expected


def test_a_login_meanwhile_is_not_overwritten(store: SqlStore) -> None:
    kept(store)
    take(store)
    expected = kept(store, Credentials(account=SHOP, access="at-9", refresh="rt-9"))

    assert not store.refreshed(SECOND, owner="a", at=NOW)
    assert store.credentials(SHOP) == expected


def test_one_that_came_to_nothing_lets_others_try(store: SqlStore) -> None:
    kept(store)
    take(store, "a")
    store.leave_refresh(SHOP, owner="other")
    assert take(store, "b") is None

    store.leave_refresh(SHOP, owner="a")
    assert take(store, "b") is not None


def test_nothing_is_renewed_where_there_is_nothing_to_renew_with(store: SqlStore) -> None:
    assert take(store) is None
    kept(store, Credentials(account=SHOP, access="at-1"))
    assert take(store) is None


def test_a_door_is_shut_once_and_opened_by_a_login(store: SqlStore) -> None:
    kept(store)

    assert store.shut_door(SHOP, "messages", problem="11 no permission", at=NOW)
    assert not store.shut_door(SHOP, "messages", problem="11 again", at=NOW)
    store.shut_door("aliexpress/books", "orders", problem="13", at=NOW)
    assert store.shut_doors(SHOP) == {"messages": "11 no permission"}

    kept(store)
    assert store.shut_doors(SHOP) == {}
    assert store.shut_doors("aliexpress/books") == {"orders": "13"}


def test_a_person_may_open_one_door(store: SqlStore) -> None:
    store.shut_door(SHOP, "messages", problem="11", at=NOW)

    assert store.open_door(SHOP, "messages")
    assert not store.open_door(SHOP, "messages")
    assert store.shut_doors(SHOP) == {}


def test_no_token_is_ever_written_out(store: SqlStore) -> None:
    kept(store)

    assert "at-1" not in repr(store.credentials(SHOP))
    assert "rt-1" not in repr(store.credentials(SHOP))


def test_accounts_that_have_shut_a_door_are_found_by_it(store: SqlStore) -> None:
    store.shut_door(SHOP, "messages", problem="11", at=NOW)
    store.shut_door("aliexpress/books", "messages", problem="22", at=NOW)
    store.shut_door("aliexpress/cars", "orders", problem="13", at=NOW)

    assert store.accounts_shut("messages") == {"aliexpress/books": "22", SHOP: "11"}
    assert store.accounts_shut("") == {}
