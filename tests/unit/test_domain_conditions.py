"""What ``where`` asks, operator by operator, of a value, a list, and nothing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from messenger.domain.conditions import DYNAMIC, FIELDS, UNKNOWN, Condition, Found, Money


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


@pytest.mark.parametrize(
    ("asked", "found", "expected"),
    [
        pytest.param({"any_of": ("RU",)}, "RU", True, id="equal"),
        pytest.param({"any_of": ("RU",)}, "ru", True, id="equal but for case"),
        pytest.param({"any_of": ("RU",)}, "BY", False, id="another"),
        pytest.param({"any_of": ("RU", "BY")}, "BY", True, id="one of several"),
        pytest.param({"any_of": ()}, "BY", False, id="one of none"),
        pytest.param({"any_of": (5,)}, 5, True, id="number"),
        pytest.param({"any_of": ("5",)}, 5, False, id="a text is not a number"),
        pytest.param({"any_of": (1,)}, True, False, id="a number is not a yes"),
        pytest.param({"any_of": (True,)}, True, True, id="yes"),
        pytest.param({"any_of": (True,)}, False, False, id="yes asked, no found"),
        pytest.param({"any_of": ("RU",)}, UNKNOWN, False, id="missing is not equal"),
        pytest.param({"any_of": ("vip",)}, ("new", "VIP"), True, id="list: any element"),
        pytest.param({"any_of": ("vip",)}, ("new",), False, id="list: no element"),
        pytest.param({"any_of": ("vip",)}, (), False, id="list: empty"),
        pytest.param({"excluded": ("RU",)}, "BY", True, id="not: another"),
        pytest.param({"excluded": ("RU",)}, "ru", False, id="not: equal but for case"),
        pytest.param({"excluded": ("RU",)}, UNKNOWN, True, id="not: missing matches"),
        pytest.param({"excluded": ("vip",)}, ("new", "vip"), False, id="not: any element spoils"),
        pytest.param({"excluded": ("vip",)}, ("new", "old"), True, id="not: no element"),
        pytest.param({"excluded": ("vip",)}, (), True, id="not: empty list"),
        pytest.param({"excluded": (True,)}, False, True, id="not: yes asked, no found"),
        pytest.param({"low": usd("5")}, usd("5"), True, id="min is included"),
        pytest.param({"low": usd("5")}, usd("4.99"), False, id="below min"),
        pytest.param({"high": usd("5")}, usd("5.00"), True, id="max is included"),
        pytest.param({"high": usd("5")}, usd("5.01"), False, id="above max"),
        pytest.param({"low": usd("5"), "high": usd("9")}, usd("7"), True, id="between"),
        pytest.param({"low": usd("5")}, Money(Decimal(500), "EUR"), False, id="min in another currency"),
        pytest.param({"high": usd("5")}, Money(Decimal(1), "EUR"), False, id="max in another currency"),
        pytest.param({"low": usd("5")}, Decimal(7), False, id="money is not a number"),
        pytest.param({"low": Decimal(3)}, usd("7"), False, id="a number is not money"),
        pytest.param({"low": Decimal(3)}, 4, True, id="number above min"),
        pytest.param({"high": Decimal(3)}, 3, True, id="number at max"),
        pytest.param({"low": Decimal(0)}, True, False, id="a yes has no size"),
        pytest.param({"low": Decimal(0)}, "7", False, id="a text has no size"),
        pytest.param({"low": usd("5")}, UNKNOWN, False, id="min: missing"),
        pytest.param({"high": usd("5")}, UNKNOWN, False, id="max: missing"),
        pytest.param({"low": Decimal(3), "high": Decimal(5)}, (1, 4), True, id="one element lies between"),
        pytest.param({"low": Decimal(3), "high": Decimal(5)}, (1, 9), False, id="no single element lies between"),
        pytest.param({"like": "SKU-*"}, "sku-77", True, id="like"),
        pytest.param({"like": "SKU-?"}, "SKU-77", False, id="like: one character"),
        pytest.param({"like": "*"}, "", True, id="like: an empty text"),
        pytest.param({"like": "SKU"}, "SKU-77", False, id="like: the whole text"),
        pytest.param({"like": "SKU[1]*"}, "SKU[1]-7", True, id="like: a bracket is a bracket"),
        pytest.param({"like": "SKU[1]"}, "SKU1", False, id="like: brackets are no choice"),
        pytest.param({"like": "5*"}, 5, False, id="like: only texts"),
        pytest.param({"like": "*"}, UNKNOWN, False, id="like: missing"),
        pytest.param({"like": "SKU-*"}, ("A", "SKU-1"), True, id="like: any element"),
        pytest.param({"exists": True}, "RU", True, id="exists"),
        pytest.param({"exists": True}, False, True, id="exists: no is an answer"),
        pytest.param({"exists": True}, UNKNOWN, False, id="exists: missing"),
        pytest.param({"exists": False}, UNKNOWN, True, id="must be missing: is"),
        pytest.param({"exists": False}, "RU", False, id="must be missing: is not"),
        pytest.param({"any_of": ("RU", "BY"), "excluded": ("BY",)}, "BY", False, id="both operators must hold"),
        pytest.param({"any_of": ("RU",), "excluded": ("BY",)}, UNKNOWN, False, id="not does not excuse the other"),
        pytest.param({"exists": True, "excluded": ("BY",)}, UNKNOWN, False, id="exists beside not: missing"),
        pytest.param({"exists": True, "excluded": ("BY",)}, "RU", True, id="exists beside not: another"),
        pytest.param({"exists": True, "any_of": ("RU",)}, "BY", False, id="exists beside equal: another"),
        pytest.param({"any_of": ("SKU-1",), "like": "*1"}, "SKU-1", True, id="equal and like"),
    ],
)
def test_a_condition_holds(asked: Mapping[str, object], found: Found, expected: bool) -> None:
    condition = Condition(field="order.any", **asked)  # type: ignore[arg-type]  # each case names its own operators

    assert condition.holds(found) is expected


@pytest.mark.parametrize("field", ["order.late", "buyer.paid_since", "told.shipped", "lane.late", "calendar.closed"])
def test_what_changes_with_time_is_asked_when_the_message_is_due(field: str) -> None:
    assert Condition(field=field).is_dynamic


@pytest.mark.parametrize(
    "field", [one for one in sorted(FIELDS) if one not in DYNAMIC and not one.startswith(("lane.", "calendar."))]
)
def test_what_follows_from_events_is_asked_at_once(field: str) -> None:
    assert not Condition(field=field).is_dynamic


def test_values_show_themselves_to_a_reader() -> None:
    assert (str(usd("5.50")), str(UNKNOWN)) == ("5.50 USD", "nothing")
