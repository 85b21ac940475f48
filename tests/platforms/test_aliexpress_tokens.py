"""The seller's login: obtained once, renewed early by one process at a time, given up only when nothing else helps."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from messenger.errors import SourceAway, SourceShut
from messenger.platforms.aliexpress.client import Gateway
from messenger.platforms.aliexpress.failures import CallFailed
from messenger.platforms.aliexpress.orders import Orders, Query
from messenger.platforms.aliexpress.signing import Scheme
from messenger.platforms.aliexpress.tokens import CREATE, EARLY, REFRESH, credentials_of, warning
from messenger.ports import Credentials
from tests.builders import utc
from tests.platforms.aliexpress_server import Refusal, refused
from tests.platforms.aliexpress_shop import ACCOUNT, MINUTE, START, Shop, an_account

DAY = timedelta(days=1)
both_gateways = pytest.mark.parametrize("gateway", Gateway)
EVERYTHING = Query(created=(utc("2026-01-01T00:00"), START))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with an_account(tmp_path) as opened:
        yield opened


def through(shop: Shop, gateway: Gateway) -> Shop:
    return replace(shop, gateway=gateway, scheme=Scheme.SHA256 if gateway is Gateway.NEW else Scheme.MD5)


def kept(shop: Shop) -> Credentials:
    found = shop.store.credentials(ACCOUNT)
    assert found is not None
    return found


def renewals(shop: Shop) -> int:
    return shop.platform.calls()[REFRESH] + shop.platform.calls()["refresh_token"]


@pytest.mark.parametrize(("gateway", "address"), [
    (Gateway.NEW, "/oauth/authorize"), (Gateway.TOP, "/authorize"),
])  # fmt: skip
def test_the_page_that_lets_us_in_names_the_app_and_where_to_go_on(shop: Shop, gateway: Gateway, address: str) -> None:
    url = urlsplit(through(shop, gateway).desk.authorize_url(redirect="https://toys.example/back", state="s1"))

    asked = parse_qs(url.query)
    assert url.path == address
    assert {name: value for name, (value,) in asked.items() if name not in {"sp", "view"}} == {
        "response_type": "code", "client_id": "12345678", "redirect_uri": "https://toys.example/back", "force_auth": "true", "state": "s1",
    }  # fmt: skip
    assert (asked.get("sp"), asked.get("view")) == ((None, None) if gateway is Gateway.NEW else (["ae"], ["web"]))


@both_gateways
def test_a_code_becomes_a_login(shop: Shop, gateway: Gateway) -> None:
    shop.platform.codes = {"0_abc"}
    found = through(shop, gateway).exchange("0_abc", redirect="https://toys.example/back")

    assert found == replace(kept(shop), kept_at=None)
    assert (found.access, found.refresh, found.holder) == ("at-1", "rt-1", "toys-seller")
    assert (found.ends_at, found.refresh_ends_at) == (START + 30 * DAY, START + 60 * DAY)


@both_gateways
def test_a_code_that_is_refused_changes_nothing(shop: Shop, gateway: Gateway) -> None:
    with pytest.raises(CallFailed):
        through(shop, gateway).exchange("0_abc")
    assert shop.store.credentials(ACCOUNT) is None


def test_a_login_that_lasts_is_used_as_it_is(shop: Shop) -> None:
    shop.log_in(ends_in=EARLY + MINUTE)

    assert shop.tokens.access() == "at-1"
    assert shop.platform.said == []


@both_gateways
def test_a_login_is_renewed_before_it_ends(shop: Shop, gateway: Gateway) -> None:
    shop.log_in(ends_in=EARLY)

    assert through(shop, gateway).tokens.access() == "at-2"
    assert (kept(shop).access, kept(shop).refresh) == ("at-2", "rt-2")
    assert renewals(shop) == 1


def test_an_answer_without_a_new_refresh_token_leaves_the_old_one(shop: Shop) -> None:
    shop.log_in(ends_in=EARLY)
    shop.platform.gives_refresh = False

    assert shop.tokens.access() == "at-2"
    assert (kept(shop).access, kept(shop).refresh) == ("at-2", "rt-1")


def test_only_one_of_many_processes_renews(shop: Shop) -> None:
    shop.log_in(ends_in=EARLY)
    others = [replace(shop, owner=f"w{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(lambda one: one.tokens.access(), others))

    assert found <= {"at-1", "at-2"}
    assert renewals(shop) == 1
    assert kept(shop).access == "at-2"


def test_a_login_that_has_ended_waits_for_the_process_that_renews_it(shop: Shop) -> None:
    shop.log_in(ends_in=timedelta(0))
    shop.store.take_refresh(ACCOUNT, owner="other", now=START, until=START + MINUTE)

    with pytest.raises(SourceAway, match="another process is renewing") as found:
        shop.tokens.access()
    assert found.value.again_at is not None
    assert found.value.again_at > START


def test_while_a_renewal_fails_the_old_login_is_used_until_it_ends(shop: Shop) -> None:
    shop.log_in(ends_in=EARLY)
    shop.platform.refusals[REFRESH] = [Refusal({}, 503)] * 2

    assert shop.tokens.access() == "at-1"
    shop.clock.advance_to(START + EARLY)
    with pytest.raises(SourceAway, match="could not be renewed: 503"):
        shop.tokens.access()
    assert shop.tokens.access() == "at-2"


def test_a_login_that_cannot_be_renewed_stops_the_shop_until_somebody_logs_in(shop: Shop) -> None:
    shop.log_in(ends_in=EARLY, refresh="rt-unknown")

    for _ in range(3):
        with pytest.raises(
            SourceShut, match=r"cannot be renewed: IllegalRefreshToken.*messenger aliexpress login toys"
        ):
            shop.tokens.access()
    assert renewals(shop) == 1

    shop.platform.codes, shop.platform.lives = {"0_abc"}, 30 * DAY
    shop.exchange("0_abc")
    assert shop.tokens.access() == "at-2"


def test_a_wrong_secret_does_not_stop_the_shop_for_good(shop: Shop) -> None:
    shop.log_in(ends_in=EARLY)
    shop.platform.refusals[REFRESH] = [refused(25, "Invalid signature")]

    assert shop.tokens.access() == "at-1"
    assert shop.tokens.access() == "at-2"


def test_without_a_login_nothing_is_asked(shop: Shop) -> None:
    with pytest.raises(SourceShut, match="nobody has logged in"):
        shop.tokens.access()
    assert shop.platform.said == []


def test_a_token_that_is_refused_is_renewed_once_and_the_call_made_again(shop: Shop) -> None:
    shop.log_in()
    del shop.platform.tokens["at-1"]

    assert Orders(shop.session, shop.calls).page(EVERYTHING, 1).numbers == ()
    assert (kept(shop).access, renewals(shop)) == ("at-2", 1)


def test_a_new_token_that_is_refused_too_stops_the_shop(shop: Shop) -> None:
    shop.log_in()
    shop.platform.refusals[shop.calls.listing] = [refused(27, "Invalid session")] * 2

    for _ in range(2):
        with pytest.raises(SourceShut, match="does not accept the login: 27 Invalid session"):
            Orders(shop.session, shop.calls).page(EVERYTHING, 1)
    assert (shop.platform.calls()[shop.calls.listing], renewals(shop)) == (2, 1)


def test_one_that_another_process_has_renewed_is_taken_over(shop: Shop) -> None:
    shop.log_in(ends_in=timedelta(days=1))
    del shop.platform.tokens["at-1"]
    other = replace(shop, owner="other")
    assert other.tokens.after_refusal("at-1") == "at-2"

    assert shop.tokens.after_refusal("at-1") == "at-2"
    assert renewals(shop) == 1


@pytest.mark.parametrize(("ends", "refresh", "refresh_ends", "expected"), [
    pytest.param(8, "", None, "", id="not yet"),
    pytest.param(7, "", None, "the login ends on 2026-03-09 12:00 UTC and cannot be renewed", id="a week before"),
    pytest.param(1, "rt", 8, "", id="it can be renewed"),
    pytest.param(1, "rt", 7, "the login ends on 2026-03-09 12:00 UTC", id="the renewal ends too"),
    pytest.param(1, "rt", 2, "", id="an app under test: it always ends so soon"),
])  # fmt: skip
def test_people_are_told_a_week_before_only_they_can_help(
    shop: Shop, ends: int, refresh: str, refresh_ends: int | None, expected: str
) -> None:
    lives_long = refresh_ends == 7
    found = Credentials(
        account=ACCOUNT, access="at-1", refresh=refresh, ends_at=START + ends * DAY,
        refresh_ends_at=START + refresh_ends * DAY if refresh_ends else None,
    )  # fmt: skip
    shop.store.keep_credentials(found, at=START - 60 * DAY if lives_long else START)

    told = warning(shop.store.credentials(ACCOUNT), now=START, remedy="log in")
    assert expected in told
    assert bool(told) == bool(expected)


@pytest.mark.parametrize("answer", [
    pytest.param({"access_token": "a", "refresh_token": "r", "expire_time": 1775044800000, "refresh_token_valid_time": 1777636800000,
                  "user_nick": "n"}, id="legacy"),
    pytest.param({"access_token": "a", "refresh_token": "r", "expires_in": "2592000", "refresh_expires_in": "5184000", "account": "n"},
                 id="new"),
    pytest.param({"token_result": {"access_token": "a", "refresh_token": "r", "expires_in": 2592000, "refresh_expires_in": 5184000,
                                   "user_id": "n"}}, id="wrapped"),
])  # fmt: skip
def test_every_shape_of_answer_is_read(answer: dict[str, object]) -> None:
    found = credentials_of(answer, ACCOUNT, now=START)

    assert (found.access, found.refresh, found.holder) == ("a", "r", "n")
    assert (found.ends_at, found.refresh_ends_at) == (START + 30 * DAY, START + 60 * DAY)


def test_an_answer_without_a_token_is_none(shop: Shop) -> None:
    shop.platform.refusals[CREATE] = [Refusal({"code": "0"})]

    with pytest.raises(CallFailed, match="gave no token"):
        shop.exchange("x")
