"""Calls over real HTTP: both gateways, every scheme, every way to be refused, and answers that are none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from messenger.errors import SourceAway, SourceShut
from messenger.platforms.aliexpress import reviews, tracking
from messenger.platforms.aliexpress.client import App, Client, Gateway, addresses, midnight_in_beijing
from messenger.platforms.aliexpress.failures import CallFailed, Trouble
from messenger.platforms.aliexpress.orders import CHINA, OVERSEAS, Calls, Orders, Query
from messenger.platforms.aliexpress.signing import Scheme
from messenger.platforms.fetching import LARGEST, NoAnswer, asked
from messenger.services.clocks import SetClock
from tests.builders import utc
from tests.platforms import aliexpress_server as there
from tests.platforms.aliexpress_server import KEY, SECRET, an_order, refused
from tests.platforms.aliexpress_shop import START, Shop, an_account

T = Trouble
METHOD = "aliexpress.trade.seller.orderlist.get"
EVERYTHING = Query(created=(utc("2026-01-01T00:00"), START))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with an_account(tmp_path) as opened:
        opened.log_in()
        opened.platform.put(an_order("8134000000000001", at=START))
        yield opened


def page(shop: Shop) -> list[str]:
    return list(Orders(shop.session, shop.calls).page(EVERYTHING, 1).numbers)


def failing(shop: Shop) -> CallFailed:
    with pytest.raises(CallFailed) as found:
        shop.session.once(METHOD, {"param_aeop_order_query": {"page_size": 50, "current_page": 1}})
    return found.value


@pytest.mark.parametrize("simplify", [False, True])
@pytest.mark.parametrize("calls", [CHINA, OVERSEAS])
@pytest.mark.parametrize(("gateway", "scheme"), [
    (Gateway.NEW, Scheme.SHA256), (Gateway.NEW, Scheme.MD5), (Gateway.TOP, Scheme.MD5), (Gateway.TOP, Scheme.HMAC),
    (Gateway.TOP, Scheme.HMAC_SHA256),
])  # fmt: skip
def test_orders_are_listed_through_each_gateway(
    shop: Shop, gateway: Gateway, scheme: Scheme, calls: Calls, simplify: bool
) -> None:
    shop.gateway, shop.scheme, shop.calls, shop.simplify = gateway, scheme, calls, simplify

    assert page(shop) == ["8134000000000001"]
    assert ("v" in shop.platform.said[-1][1]) == (gateway is Gateway.TOP)


def test_an_answer_without_its_wrapper_is_understood(shop: Shop) -> None:
    shop.platform.wrapped = False

    assert page(shop) == ["8134000000000001"]


def test_an_answer_that_is_packed_is_understood(shop: Shop) -> None:
    shop.platform.broken = there.packed

    assert page(shop) == ["8134000000000001"]


def test_one_order_is_read_in_full(shop: Shop) -> None:
    shop.platform.details["8134000000000001"] = {"receipt_address": {"country": "BR", "zip": "01001-000"}}

    found = Orders(shop.session, shop.calls).in_full("8134000000000001")
    assert (found["receipt_address"], found["id"]) == ({"country": "BR", "zip": "01001-000"}, 8134000000000001)


def test_an_order_that_is_not_there_is_refused(shop: Shop) -> None:
    with pytest.raises(CallFailed, match="order-not-exist"):
        Orders(shop.session, shop.calls).in_full("1")


@pytest.mark.parametrize(("answer", "trouble"), [
    *((refused(code), T.THROTTLED) for code in (4, 5, 6, 7, 8)),
    (refused(7, sub_code="accesscontrol.limited-by-app-access-count"), T.SPENT),
    (refused(10), T.PASSING), (refused(15, sub_code="isp.x"), T.PASSING), (refused(15, sub_code="isv.x"), T.DATA),
    *((refused(code), T.PERMISSION) for code in (11, 12, 13, 42)),
    *((refused(code), T.REQUEST) for code in (9, 21, 22, 23, 24, 25, 28, 29, 30, 31, 32, 33, 34, 43)),
    (refused(40), T.DATA), (refused(41), T.DATA), (refused(50, sub_code="isv.x"), T.DATA),
    (there.Refusal({"any": "thing"}, 503), T.PASSING), (there.Refusal({"any": "thing"}, 429), T.THROTTLED),
    (there.Refusal({"any": "thing"}, 404), T.REQUEST), (refused(10, status=500), T.PASSING),
], ids=lambda one: str(getattr(one, "body", one))[:60])  # fmt: skip
def test_each_refusal_says_what_to_do_next(shop: Shop, answer: there.Refusal, trouble: Trouble) -> None:
    shop.platform.refusals["*"] = [answer]

    assert failing(shop).trouble is trouble


@pytest.mark.parametrize(("broken", "words"), [
    pytest.param(there.cut_short, "is not JSON", id="cut short"),
    pytest.param(there.cut_off, "did not answer", id="cut off"),
    pytest.param(there.bomb, f"more than {LARGEST} bytes", id="a bomb"),
    pytest.param(there.deep, "goes deeper than", id="a hundred levels"),
    pytest.param(there.no_json, "is not JSON", id="a page for people"),
    pytest.param(lambda body: (there.packed(body)[0][:-9], {"content-encoding": "gzip"}), "cut short", id="packed and cut short"),
    pytest.param(lambda body: (body, {"content-encoding": "gzip"}), "cannot be unpacked", id="not packed"),
    pytest.param(lambda body: (body, {"content-encoding": "br"}), "packing that was not asked for", id="packed otherwise"),
])  # fmt: skip
def test_an_answer_that_is_none_passes_and_may_have_worked(shop: Shop, broken: there.Broken, words: str) -> None:
    shop.platform.broken = broken

    found = failing(shop)
    assert words in str(found)
    assert (found.trouble, found.may_have_worked) == (T.PASSING, True)


def test_a_platform_that_is_not_there_has_done_nothing() -> None:
    with httpx2.Client() as http:
        client = Client(
            http=lambda: http, app=App(key=lambda: KEY, secret=lambda: SECRET), clock=SetClock(START), where=addresses(Gateway.NEW, "http://127.0.0.1:9")
        )  # fmt: skip
        with pytest.raises(CallFailed, match="cannot be reached") as found:
            client.call(METHOD, {}, session="at-1")

    assert (found.value.trouble, found.value.may_have_worked) == (T.PASSING, False)


def test_an_address_that_is_none_is_told() -> None:
    with httpx2.Client() as http, pytest.raises(NoAnswer, match="address that cannot be used"):
        asked(lambda: http.stream("POST", "http://[::bad/"))


def test_what_passes_is_tried_again_with_growing_pauses(shop: Shop) -> None:
    shop.platform.refusals[METHOD] = [refused(10), refused(7, sub_msg="This ban will last for 4 more seconds")]

    assert page(shop) == ["8134000000000001"]
    assert shop.waited == [1.0, 4.0]


@pytest.mark.parametrize(("answers", "again_at", "words"), [
    pytest.param([refused(10)] * 3, None, "10 no", id="three times"),
    pytest.param([refused(7, sub_msg="This ban will last for 600 more seconds")], "2026-03-02T12:10", "600", id="longer than one waits"),
    pytest.param([refused(7, sub_code="accesscontrol.limited-by-app-access-count")], "2026-03-02T16:00", "used up", id="until midnight in Beijing"),
])  # fmt: skip
def test_what_does_not_pass_ends_the_turn(
    shop: Shop, answers: list[there.Refusal], again_at: str | None, words: str
) -> None:
    shop.platform.refusals[METHOD] = answers

    with pytest.raises(SourceAway, match=words) as found:
        page(shop)
    assert found.value.again_at == (utc(again_at) if again_at else None)


@pytest.mark.parametrize(
    ("now", "midnight"), [("2026-03-02T15:59", "2026-03-02T16:00"), ("2026-03-02T16:00", "2026-03-03T16:00")]
)
def test_midnight_in_beijing(now: str, midnight: str) -> None:
    assert midnight_in_beijing(utc(now)) == utc(midnight)


@pytest.mark.parametrize("code", [11, 12, 13, 42, 22])
def test_what_is_not_permitted_shuts_one_door(shop: Shop, code: int) -> None:
    shop.platform.refusals[METHOD] = [refused(code)]

    with pytest.raises(SourceShut, match=r"orders: .*messenger aliexpress login toys"):
        page(shop)
    assert list(shop.session.shut_doors()) == ["orders"]


def test_a_call_that_is_not_understood_shuts_nothing_but_is_not_tried_again(shop: Shop) -> None:
    shop.platform.refusals[METHOD] = [refused(25)]

    with pytest.raises(SourceShut):
        page(shop)
    assert (shop.session.shut_doors(), shop.platform.calls()[METHOD]) == ({}, 1)


def test_a_review_is_answered_once(shop: Shop) -> None:
    reviews.reply(shop.session, order="8134", line="81341", text="Thank you, Ana!")
    reviews.rate_buyer(shop.session, order="8134", score=5, text="Great")

    reply, feedback = shop.platform.sent
    assert (reply["parent_order_id"], reply["child_order_id"], reply["text"]) == ("8134", "81341", "Thank you, Ana!")
    assert feedback["param1"] == '{"order_id":"8134","score":5,"feedback_content":"Great"}'


def test_a_review_is_not_answered_with_nothing_or_with_stars_that_there_are_not(shop: Shop) -> None:
    with pytest.raises(ValueError, match="has a text"):
        reviews.reply(shop.session, order="8134", line="81341", text=" ")
    with pytest.raises(ValueError, match="not 6"):
        reviews.rate_buyer(shop.session, order="8134", score=6, text="")
    assert shop.platform.said == []


def test_a_parcel_is_asked_about_with_all_that_the_platform_wants_to_hear(shop: Shop) -> None:
    shop.platform.parcels["LP1"] = [{"event_date": "2026-03-01 10:00:00", "status": "GTMS_SIGNED", "address": "Leeds"}]
    parcel = tracking.Parcel(order="8134", number="LP1", method="CAINIAO_STANDARD", country="GB")

    assert tracking.history(shop.session, parcel)["official_website"] == "track.example.com"
    asked_ = shop.platform.said[-1][1]
    assert [asked_[name] for name in ("logistics_no", "origin", "out_ref", "service_name", "to_area")] == [
        "LP1", "ESCROW", "8134", "CAINIAO_STANDARD", "UK"
    ]  # fmt: skip


def test_no_secret_is_written_out(shop: Shop) -> None:
    assert SECRET not in repr(shop.session)
    assert "at-1" not in repr(shop.session)
