"""Logging in: nothing tells a wrong name from a wrong password, guesses run out, and a new password ends every other login."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from messenger.domain.access import RIGHTS, Right, Role
from messenger.errors import UsageError
from messenger.services.logins import IDLE, LONGEST, NOTED, OF_ACCOUNT, OF_ADDRESS, SPAN, Entry, Logins, Visit
from messenger.services.passwords import Passwords
from messenger.services.users import Staff
from tests.stage import Stage, stage

WORDS = "correct horse battery"
OTHERS = "staple under the bridge"
HOME = "203.0.113.7"
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""Of no use but here: a real one takes a tenth of a second."""
RULES = '\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = stage(tmp_path_factory.mktemp("logins"))
    made.rules(RULES)
    yield made
    made.close()


@pytest.fixture
def name(shop: Stage, request: pytest.FixtureRequest) -> str:
    """A user of the test's own."""
    found = request.node.name.replace("test_", "").replace("_", "-")[:40].strip("-")
    staff(shop).add(found, WORDS, role=Role.OPERATOR)
    return str(found)


@pytest.fixture
def logins(shop: Stage) -> Logins:
    return Logins.at(shop.engine.store, shop.clock, passwords=QUICK)


def staff(shop: Stage) -> Staff:
    return Staff(shop.engine.store, shop.engine.home, shop.clock, QUICK)


def come_in(logins: Logins, name: str, *, address: str = HOME) -> tuple[str, Visit]:
    entry, cookie = logins.log_in(name, WORDS, address=address)
    visit = logins.visit(cookie)
    assert entry is Entry.IN
    assert visit is not None
    return cookie, visit


def test_a_person_comes_in_and_leaves(logins: Logins, name: str) -> None:
    cookie, visit = come_in(logins, f" {name.upper()} ")

    assert visit.user.name == name
    logins.log_out(visit)
    assert logins.visit(cookie) is None


def test_every_login_has_a_token_of_its_own(logins: Logins, name: str) -> None:
    (one, first), (two, second) = come_in(logins, name), come_in(logins, name)

    assert one != two
    assert first.csrf != second.csrf


def test_what_we_did_not_sign_lets_nobody_in(logins: Logins, name: str) -> None:
    cookie, _ = come_in(logins, name)
    token = cookie.partition(".")[0]
    other = "0" if cookie[-1] != "0" else "1"

    for spoiled in ("", token, f"{token}.", f"x{cookie}", f"é{cookie}", cookie[:-1] + other, f"{cookie}0"):
        assert logins.visit(spoiled) is None


def test_a_wrong_name_and_a_wrong_password_look_alike(logins: Logins, name: str) -> None:
    assert (
        logins.log_in(name, OTHERS, address=HOME)
        == logins.log_in("nobody-at-all", WORDS, address=HOME)
        == (Entry.WRONG, "")
    )
    for _ in range(OF_ACCOUNT):
        found = [logins.log_in(one, OTHERS, address=f"{HOME}-{one}")[0] for one in (name, "nobody-at-all")]

    assert found == [Entry.TOO_OFTEN, Entry.TOO_OFTEN]


def test_guesses_at_one_account_run_out_wherever_they_come_from(logins: Logins, name: str, shop: Stage) -> None:
    for number in range(OF_ACCOUNT):
        assert logins.log_in(name, OTHERS, address=f"198.51.100.{number}")[0] is Entry.WRONG
    assert logins.log_in(name, WORDS, address="198.51.100.99") == (Entry.TOO_OFTEN, "")

    shop.clock.advance_to(shop.clock.now() + SPAN + timedelta(seconds=1))
    come_in(logins, name)


def test_guesses_from_one_address_run_out_whatever_they_guess_at(logins: Logins, name: str) -> None:
    found = [
        logins.log_in(f"somebody-{number}", OTHERS, address="198.51.100.200")[0] for number in range(OF_ADDRESS + 1)
    ]

    assert found == [Entry.WRONG] * OF_ADDRESS + [Entry.TOO_OFTEN]
    assert logins.log_in(name, WORDS, address="198.51.100.200")[0] is Entry.TOO_OFTEN
    come_in(logins, name, address="198.51.100.201")


def test_an_office_behind_one_address_may_come_in_as_often_as_it_likes(logins: Logins, name: str) -> None:
    for _ in range(OF_ADDRESS // 2):
        come_in(logins, name, address="198.51.100.250")
    for number in range(OF_ADDRESS):
        assert logins.log_in(f"somebody-{number}", OTHERS, address="198.51.100.250")[0] is Entry.WRONG


def test_many_guesses_at_once_are_no_more_than_one_after_the_other(logins: Logins, name: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda one: logins.log_in(name, OTHERS, address=f"10.0.0.{one}")[0], range(OF_ACCOUNT * 2))
        )

    assert found.count(Entry.WRONG) == OF_ACCOUNT


def test_a_login_ends_without_a_sign_of_the_person_and_after_a_week(logins: Logins, name: str, shop: Stage) -> None:
    cookie, _ = come_in(logins, name)
    for _ in range(int(LONGEST / IDLE)):
        shop.clock.advance_to(shop.clock.now() + IDLE - NOTED)
        last = logins.visit(cookie)
    assert last is not None
    shop.clock.advance_to(shop.clock.now() + IDLE)
    assert logins.visit(cookie) is None

    quiet, _ = come_in(logins, name)
    shop.clock.advance_to(shop.clock.now() + IDLE + timedelta(seconds=1))
    assert logins.visit(quiet) is None


def test_a_new_password_ends_the_other_logins_and_needs_the_old_one(logins: Logins, name: str) -> None:
    (here, visit), (elsewhere, _) = come_in(logins, name), come_in(logins, name)

    assert logins.change_password(visit, old=OTHERS, new=OTHERS) is Entry.WRONG
    with pytest.raises(UsageError, match="12 to 200 characters, this one has 5"):
        logins.change_password(visit, old=WORDS, new="short")
    assert logins.change_password(visit, old=WORDS, new=OTHERS) is Entry.IN
    assert logins.visit(here) is not None
    assert logins.visit(elsewhere) is None
    assert logins.log_in(name, WORDS, address=HOME)[0] is Entry.WRONG
    assert logins.log_in(name, OTHERS, address=HOME)[0] is Entry.IN


def test_who_is_disabled_is_out_at_once_and_a_new_password_lets_them_in(logins: Logins, name: str, shop: Stage) -> None:
    cookie, _ = come_in(logins, name)

    assert staff(shop).disable(name)
    assert not staff(shop).disable(name)
    assert logins.visit(cookie) is None
    assert logins.log_in(name, WORDS, address=HOME) == (Entry.WRONG, "")
    staff(shop).new_password(name, WORDS)
    come_in(logins, name)


def test_a_new_password_from_the_command_line_lets_guess_anew(logins: Logins, name: str, shop: Stage) -> None:
    for _ in range(OF_ACCOUNT + 1):
        logins.log_in(name, OTHERS, address="198.51.100.77")
    staff(shop).new_password(name, WORDS)

    come_in(logins, name)


@pytest.mark.parametrize(
    ("name_", "words", "shops", "told"),
    [
        ("", WORDS, (), "is not a name to log in with"),
        ("mei li", WORDS, (), "is not a name to log in with"),
        ("mei<script>", WORDS, (), "is not a name to log in with"),
        ("mei2", "short", (), "12 to 200 characters"),
        ("mei2", WORDS, ("tois",), "there is no shop 'tois'"),
    ],
)
def test_a_user_that_cannot_be_is_refused(
    shop: Stage, name_: str, words: str, shops: tuple[str, ...], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        staff(shop).add(name_, words, role=Role.VIEWER, shops=shops)


def test_nothing_that_is_kept_lets_anybody_in(logins: Logins, name: str, shop: Stage) -> None:
    cookie, visit = come_in(logins, name)
    kept = shop.engine.store.user(name)

    assert kept is not None
    assert WORDS not in kept.password
    assert kept.password.startswith("$argon2id$")
    assert visit.session.id not in cookie
    assert logins.visit(visit.session.id) is None


def test_without_a_hash_no_password_is_right() -> None:
    passwords = Passwords()

    assert passwords.is_right(passwords.hash_of(WORDS), WORDS)
    assert not passwords.is_right(None, "nobody's password")
    assert not passwords.is_right("not a hash", WORDS)


def test_a_translator_neither_sees_orders_nor_decides() -> None:
    assert RIGHTS[Role.TRANSLATOR] == {Right.TRANSLATE}
    assert RIGHTS[Role.VIEWER] == {Right.LOOK}
    assert RIGHTS[Role.ADMIN] == set(Right)
