"""What every store promises about users: a session needs its password, and guesses are counted before they are looked at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from messenger.domain.access import Role
from messenger.ports import Session, User
from messenger.storage import SqlStore
from tests.storage_samples import MINUTE, NOW

MEI = User(
    name="mei", role=Role.OPERATOR, password="hash-1", shops=frozenset({"toys", "shoes"}), language="zh", since=NOW
)
OLD = NOW - timedelta(days=9)


def session(id_: str = "s1", user: str = "mei") -> Session:
    return Session(id=id_, user=user, since=NOW, seen_at=NOW)


def test_a_user_is_kept_once_and_changed(store: SqlStore) -> None:
    assert store.user("mei") is None
    assert store.add_user(MEI)
    assert not store.add_user(replace(MEI, role=Role.ADMIN))
    store.add_user(replace(MEI, name="ana", shops=frozenset()))

    assert store.users() == [replace(MEI, name="ana", shops=frozenset()), MEI]
    assert store.change_user(replace(MEI, disabled_at=NOW))
    assert store.user("mei") == replace(MEI, disabled_at=NOW)
    assert not store.change_user(replace(MEI, name="nobody"))


def test_a_session_needs_the_password_of_now_and_an_enabled_user(store: SqlStore) -> None:
    store.add_user(MEI)

    assert not store.open_session(session(), password="hash-0")
    assert store.open_session(session(), password="hash-1")
    assert store.session("s1") == session()
    store.change_user(replace(MEI, disabled_at=NOW))
    assert not store.open_session(session("s2"), password="hash-1")
    assert not store.open_session(session("s3", user="nobody"), password="hash-1")


def test_a_new_password_ends_the_other_sessions(store: SqlStore) -> None:
    store.add_user(MEI)
    store.add_user(replace(MEI, name="ana"))
    for id_, user in (("s1", "mei"), ("s2", "mei"), ("s3", "ana")):
        store.open_session(session(id_, user), password="hash-1")

    assert store.change_password("mei", "hash-2", but="s1")
    assert [id_ for id_ in ("s1", "s2", "s3") if store.session(id_)] == ["s1", "s3"]
    assert store.change_password("mei", "hash-3")
    assert store.session("s1") is None
    assert not store.change_password("nobody", "hash-2")


def test_a_session_is_seen_ended_and_forgotten(store: SqlStore) -> None:
    store.add_user(MEI)
    for id_ in ("s1", "s2", "s3"):
        store.open_session(session(id_), password="hash-1")
    store.seen("s1", at=NOW + MINUTE)

    found = store.session("s1")
    assert found is not None
    assert found.seen_at == NOW + MINUTE
    assert store.forget_sessions(since_before=OLD, seen_before=NOW + MINUTE) == 2
    assert store.end_session("s1")
    assert not store.end_session("s1")
    store.open_session(session("s4"), password="hash-1")
    assert store.end_sessions(user="mei") == 1


def test_guesses_are_counted_one_by_one_however_many_come_at_once(store: SqlStore) -> None:
    def guess(_: int) -> int:
        return store.count_guess("account", at=NOW, since=NOW - MINUTE)

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(guess, range(12)))

    assert found == list(range(1, 13))
    assert store.count_guess("other", at=NOW, since=NOW - MINUTE) == 1


def test_what_began_earlier_is_counted_anew_and_guesses_are_forgiven(store: SqlStore) -> None:
    for _ in range(3):
        store.count_guess("account", at=NOW, since=NOW - MINUTE)
    store.forgive_guess("account")
    assert store.count_guess("account", at=NOW + MINUTE, since=NOW) == 3
    assert store.count_guess("account", at=NOW + 2 * MINUTE, since=NOW + MINUTE) == 1

    store.forget_guesses("account")
    assert store.count_guess("account", at=NOW + 2 * MINUTE, since=NOW) == 1


def test_what_is_shown_of_a_user_holds_no_hash() -> None:
    assert "hash-1" not in repr(MEI)
    assert "s1" not in repr(session())
