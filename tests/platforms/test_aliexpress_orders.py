"""Orders that are polled over real HTTP: each once, none passed over, whatever happens between two pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from messenger.domain.alerts import AlertKind
from messenger.domain.orders import OrderStatus
from tests.builders import utc
from tests.platforms import aliexpress_server as there
from tests.platforms.aliexpress_server import an_order, pacific, refused
from tests.platforms.aliexpress_shop import EVERY, MINUTE, START, Shop, a_shop

DAY = timedelta(days=1)
ONE, TWO = "8134000000000001", "8134000000000002"
LISTING = "aliexpress.trade.seller.orderlist.get"
DETAIL = "aliexpress.trade.new.redefining.findorderbyid"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with a_shop(tmp_path) as opened:
        yield opened


def number(one: int) -> str:
    return f"8134{one:012}"


def fill(shop: Shop, count: int) -> list[str]:
    """So many orders, the first the oldest."""
    found = [number(one) for one in range(1, count + 1)]
    for index, one in enumerate(found):
        shop.platform.put(an_order(one, at=START - timedelta(minutes=count - index)))
    return found


def change(shop: Shop, one: str, status: str, **more: object) -> None:
    """Let an order change now."""
    shop.platform.orders[one] |= {"order_status": status, "gmt_update": pacific(shop.clock.now())} | more


def test_an_order_is_known_with_all_that_the_platform_tells(shop: Shop) -> None:
    shop.platform.put(an_order(ONE, at=START - MINUTE, timeout_left_time=3 * 86_400_000))
    shop.platform.details[ONE] = {
        "receipt_address": {"contact_person": "Ana Souza", "country": "BR", "province": "Sao Paulo", "city": "Sao Paulo",
                            "zip": "01001-000", "mobile_no": "11999990000", "phone_country": "+55"},
    }  # fmt: skip

    shop.poll()

    order = shop.order(ONE)
    assert (order.status, order.total, order.currency, order.platform_status) == (
        OrderStatus.PAID, Decimal("12.90"), "USD", "WAIT_SELLER_SEND_GOODS",
    )  # fmt: skip
    assert (order.placed_at, order.paid_at) == (START - 121 * MINUTE, START - 61 * MINUTE)
    assert order.ship_by == START + 3 * DAY
    assert (order.buyer.id, order.buyer.name, order.buyer.country, order.buyer.postcode, order.buyer.phone) == (
        f"b{ONE}", "Ana Souza", "BR", "01001-000", "+5511999990000"
    )  # fmt: skip
    assert [(one.title, one.sku, one.quantity) for one in order.items] == [("Puzzle", "P-1", 1)]
    assert order.url == f"https://trade.aliexpress.com/order_detail.htm?orderId={ONE}"


@pytest.mark.parametrize("count", [0, 1, 50, 51, 120])
def test_every_page_is_read(shop: Shop, count: int) -> None:
    expected = fill(shop, count)

    shop.poll()

    assert shop.numbers == expected
    assert "ae" in shop.store.heard()


def test_reading_again_brings_nothing_new(shop: Shop) -> None:
    fill(shop, 3)
    shop.poll()
    before = [len(shop.events(one)) for one in shop.numbers]

    report = shop.poll(later=EVERY)

    assert (report.new, report.conflict, report.rejected) == (0, 0, 0)
    assert [len(shop.events(one)) for one in shop.numbers] == before


def test_what_changed_since_is_read_and_the_rest_is_not(shop: Shop) -> None:
    for one in range(1, 31):
        shop.platform.put(an_order(number(one), at=START - timedelta(hours=one)))
    shop.poll()
    before = shop.platform.calls()[DETAIL]
    shop.clock.advance_to(START + EVERY)
    change(shop, ONE, "WAIT_BUYER_ACCEPT_GOODS", gmt_send_goods_time=pacific(shop.clock.now()))

    shop.poll(later=EVERY)

    assert shop.types(ONE) == ["order.placed", "order.paid", "order.shipped"]
    assert shop.platform.calls()[DETAIL] == before + 1


def test_what_appears_late_in_a_list_is_caught_by_the_overlap(shop: Shop) -> None:
    fill(shop, 1)
    shop.poll()
    late = START - 5 * MINUTE
    shop.platform.put(an_order(TWO, at=late))

    shop.poll(later=EVERY)

    assert shop.numbers == [ONE, TWO]


def test_what_was_missed_altogether_is_found_within_a_day(shop: Shop) -> None:
    shop.poll()
    shop.platform.put(an_order(TWO, at=START - DAY))
    shop.poll(later=EVERY)
    assert shop.numbers == []

    shop.poll(later=DAY)
    assert shop.numbers == [TWO]


def test_an_order_that_leaves_the_list_between_two_pages_hides_no_other(shop: Shop) -> None:
    expected = fill(shop, 120)
    left = iter(expected[-30:])

    def leave(page: int) -> None:
        if page > 1:
            shop.platform.orders[next(left)]["order_status"] = "ARCHIVE"

    shop.platform.before_page = leave
    shop.poll()

    assert set(shop.numbers) >= {one for one in expected if shop.platform.orders[one]["order_status"] != "ARCHIVE"}


def test_a_page_that_repeats_ends_the_turn_and_is_told(shop: Shop) -> None:
    fill(shop, 120)
    shop.platform.repeats = True

    for _ in range(3):
        shop.poll(later=timedelta(hours=2))

    assert "repeats the one before it" in shop.problem
    assert [(one.kind, one.subject) for one in shop.store.alerts()] == [(AlertKind.SOURCE_SILENT, "ae")]
    assert shop.platform.calls()[LISTING] < 20

    shop.platform.repeats = False
    for _ in range(2):
        shop.poll(later=DAY)
    assert len(shop.numbers) == 120
    assert shop.store.alerts() == []


def test_a_token_that_ends_in_the_middle_of_paging_is_renewed_and_the_paging_goes_on(shop: Shop) -> None:
    expected = fill(shop, 120)

    def end(page: int) -> None:
        if page == 3:
            shop.platform.tokens.pop("at-1", None)

    shop.platform.before_page = end
    shop.poll()

    assert shop.numbers == expected
    assert shop.platform.calls()["/auth/token/refresh"] == 1
    assert shop.problem == ""


def test_a_login_that_ends_for_good_in_the_middle_keeps_what_was_read(shop: Shop) -> None:
    expected = fill(shop, 120)

    def end(page: int) -> None:
        if page == 3:
            shop.platform.tokens.clear()
            shop.platform.refresh.clear()

    shop.platform.before_page = end
    shop.poll()

    assert len(shop.numbers) == 50
    assert [(one.kind, one.subject, one.shop) for one in shop.store.alerts()] == [(AlertKind.ACCESS, "ae", "toys")]
    calls = len(shop.platform.said)
    shop.poll(later=DAY)
    assert len(shop.platform.said) == calls

    shop.platform.before_page = lambda _: None
    shop.platform.codes = {"0_abc"}
    shop.exchange("0_abc")
    shop.poll(later=DAY)
    assert shop.numbers == expected
    assert shop.store.alerts() == []


@pytest.mark.parametrize("broken", [there.cut_short, there.cut_off, there.bomb, there.deep, there.no_json])
def test_an_answer_that_is_none_loses_nothing(shop: Shop, broken: there.Broken) -> None:
    expected = fill(shop, 2)
    shop.platform.broken = broken
    shop.poll()
    assert (shop.numbers, shop.store.heard()) == ([], {})

    shop.platform.broken = None
    shop.poll(later=EVERY)
    assert shop.numbers == expected


def test_the_days_calls_are_used_up_until_midnight_in_beijing(shop: Shop) -> None:
    expected = fill(shop, 120)
    shop.platform.refusals[DETAIL] = [refused(7, sub_code="accesscontrol.limited-by-app-access-count")]

    shop.poll()
    assert shop.store.polls()["ae"].next_at == utc("2026-03-02T16:00")
    assert [one.kind for one in shop.store.alerts()] == [AlertKind.SOURCE_SILENT]

    shop.poll(later=timedelta(hours=4))
    assert shop.numbers == expected
    assert shop.store.alerts() == []


def test_without_the_permission_to_read_orders_the_shop_stands_still_and_is_told(shop: Shop) -> None:
    shop.platform.refusals[LISTING] = [refused(11, "Insufficient isv permissions")]
    shop.poll()
    calls = len(shop.platform.said)

    shop.poll(later=DAY)

    assert len(shop.platform.said) == calls
    assert [one.kind for one in shop.store.alerts()] == [AlertKind.ACCESS]
    assert "Insufficient isv permissions" in shop.problem


@pytest.mark.parametrize(("reason", "status", "types"), [
    ("buyer_confirm_goods", OrderStatus.COMPLETED, ["order.received", "order.completed"]),
    ("buyer_accept_goods_timeout", OrderStatus.COMPLETED, ["order.completed"]),
    ("pay_timeout", OrderStatus.CANCELLED, ["order.cancelled"]),
    ("seller_accept_issue_no_goods_return", OrderStatus.CANCELLED, ["order.cancelled"]),
    ("a_reason_of_next_year", OrderStatus.CANCELLED, ["order.cancelled"]),
    ("", OrderStatus.CANCELLED, ["order.cancelled"]),
])  # fmt: skip
def test_a_finished_order_is_completed_only_for_reasons_that_say_so(
    shop: Shop, reason: str, status: OrderStatus, types: list[str]
) -> None:
    fill(shop, 1)
    shop.poll()
    shop.clock.advance_to(START + EVERY)
    change(shop, ONE, "FINISH", end_reason=reason)

    shop.poll(later=EVERY)

    assert (shop.order(ONE).status, shop.order(ONE).end_reason or "") == (status, reason)
    assert sorted(set(shop.types(ONE)) - {"order.placed", "order.paid"}) == sorted(types)


def test_finished_orders_of_the_past_are_read_once_day_by_day_and_not_in_full(shop: Shop) -> None:
    for day in range(1, 40):
        one = an_order(number(day), status="FINISH", at=START - day * DAY, end_reason="buyer_confirm_goods")
        shop.platform.put(one)

    shop.poll()

    assert len(shop.numbers) == 29
    assert shop.platform.calls()[DETAIL] == 0


def test_an_order_that_was_placed_long_ago_and_ends_now_is_read(shop: Shop) -> None:
    shop.platform.put(an_order(ONE, at=START - 90 * DAY, status="WAIT_BUYER_ACCEPT_GOODS"))
    shop.poll()
    shop.clock.advance_to(START + MINUTE)
    change(shop, ONE, "FINISH", end_reason="buyer_accept_goods")

    shop.poll(later=timedelta(hours=1))

    assert shop.order(ONE).status is OrderStatus.COMPLETED


def test_an_order_that_changes_its_currency_says_the_newer_one(shop: Shop) -> None:
    fill(shop, 1)
    shop.poll()
    shop.clock.advance_to(START + EVERY)
    change(shop, ONE, "WAIT_SELLER_SEND_GOODS", pay_amount={"amount": "11.00", "currency_code": "EUR"})

    report = shop.poll(later=EVERY)

    assert (str(shop.order(ONE).total), shop.order(ONE).currency) == ("11.00", "EUR")
    assert (report.conflict, report.rejected) == (0, 0)


def test_an_order_that_cannot_be_read_in_full_is_known_by_what_the_list_says(shop: Shop) -> None:
    fill(shop, 2)
    shop.platform.refusals[DETAIL] = [refused(15, sub_code="isv.trade-order-query-permission")]

    shop.poll()

    assert shop.numbers == [ONE, TWO]
    assert shop.problem == ""


def test_an_order_without_a_number_is_told_and_the_others_are_read(shop: Shop) -> None:
    fill(shop, 1)
    shop.platform.orders["x"] = an_order("1", at=START) | {"order_id": ""}

    report = shop.poll()

    assert shop.numbers == [ONE]
    assert report.problems == ["ae:0: order_id: the order has no number"]


def test_an_order_that_a_push_names_is_read_in_full_at_once(shop: Shop) -> None:
    fill(shop, 1)
    shop.poll()
    shop.platform.put(an_order(TWO, at=START - 400 * DAY))
    shop.store.poll_again("ae", [TWO, "404"], at=shop.clock.now())

    shop.poll()

    assert shop.numbers == [ONE, TWO]
    turn = shop.store.take_poll("ae", owner="x", now=START + DAY, until=START + DAY + MINUTE)
    assert turn is not None
    assert turn.hints == ()


def test_the_hour_that_comes_twice_hides_no_order(tmp_path: Path) -> None:
    """From midnight to four in California in the night in which clocks are put back, an order every ten minutes."""
    with a_shop(tmp_path) as shop:
        first = utc("2026-11-01T07:00")
        shop.clock.advance_to(first)
        shop.log_in(ends_in=30 * DAY)
        shop.poll()
        for step in range(1, 25):
            at = first + step * 10 * MINUTE
            shop.clock.advance_to(at)
            shop.platform.put(an_order(number(step), at=at))
            if step % 4 == 1:
                shop.poll(later=MINUTE)
        shop.poll(later=timedelta(hours=2))

        assert shop.numbers == [number(step) for step in range(1, 25)]


def test_first_sync_of_old_orders_plans_nothing_for_the_past(shop: Shop) -> None:
    assert shop.on is not None
    shop.on.rules('[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\ndelay = "1h"\n')
    for day in (8, 60, 170):
        sent = START - day * DAY
        shop.platform.put(
            an_order(number(day), status="WAIT_BUYER_ACCEPT_GOODS", at=sent, gmt_send_goods_time=pacific(sent))
        )
    shop.store = shop.on.engine.store  # type: ignore[assignment]  # the rules have started the program anew

    shop.poll()
    shop.on.run()

    rows = [row for day in (8, 60, 170) for row in shop.on.rows(number(day))]
    assert {str(row.state) for row in rows} <= {"skipped", "expired"}
