"""Rules, states and reasons in words: complete in every language, grammatical, and as approved in the golden files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from click.testing import CliRunner

from messenger.cli.main import App, cli
from messenger.cli.rules import told, wrapped
from messenger.config import load_schedule
from messenger.domain.calendars import Calendar
from messenger.domain.conditions import FIELDS, Condition, Money
from messenger.domain.events import DERIVED_TYPES, KNOWN_TYPES, ShipmentState
from messenger.domain.messages import Category, Reason, State
from messenger.domain.orders import Deadline, OrderStatus
from messenger.domain.rules import (
    ALL_HOLDS,
    Cap,
    Caps,
    Closed,
    Hold,
    Merge,
    Once,
    OnDeadline,
    OnEvent,
    OnSilence,
    OnStaff,
    Rule,
    Same,
    Schedule,
    Uncertain,
)
from messenger.domain.timing import WEEKDAYS, Hours, Span
from messenger.errors import ConfigurationError, UsageError
from messenger.ports import Needs
from messenger.rendering.formats import plural_categories
from messenger.services.sentences import rule_document, rule_sentence
from messenger.services.speaking.conditions import clauses
from messenger.services.speaking.times import span_in_words
from messenger.services.speaking.words import LANGUAGES, Words, words_of
from messenger.services.wording import reason_sentence, sentence

HOME = Path(__file__).parents[2]
GOLDEN = HOME / "tests" / "golden" / "rules"
OFFICE = Hours(opens=time(9), closes=time(20))
SELLER = Calendar(name="seller", closed=((date(2026, 2, 14), date(2026, 2, 24)),))
TYPES = sorted(KNOWN_TYPES | DERIVED_TYPES)
WILDCARDS = sorted({f"{one.partition('.')[0]}.*" for one in TYPES})

COUNTED = [
    *(f"span.{unit}" for unit in ("seconds", "minutes", "hours", "days", "business")), "caps.messages", "alerts.more",
    "alerts.buyers.waiting", *(f"alerts.subject.{one}_number" for one in ("opened", "again", "over", "needs")),
    *(f"alerts.needs.{one.name}" for one in fields(Needs)),
]  # fmt: skip
"""Phrases with a form for each plural."""

every_language = pytest.mark.parametrize("language", LANGUAGES)


def rule(**changes: Any) -> Rule:  # Any: the fields of a rule
    """Return a rule that says only what every rule says, with some fields changed."""
    usual: dict[str, Any] = {
        "name": "shipped", "template": "shipped", "trigger": OnEvent(types=("order.shipped",)),
        "delays": (Span(days=1),), "hours": OFFICE, "line": 8,
    }  # fmt: skip
    return Rule(**(usual | changes))


def asked(field: str, language: str = "en", **operators: Any) -> str:  # Any: the operators of a condition
    """Return what a condition asks, in words."""
    return " & ".join(clauses(Condition(field=field, **operators), words_of(language)))


# --- every language has all the words --------------------------------------------------------------------------------


def keys(words: Words) -> set[str]:
    """The keys of a language, without what grammar makes different: plural forms, gender."""
    counted = "|".join(re.escape(one) for one in COUNTED)
    bare = {re.sub(rf"^({counted}|is\.known|is\.unknown)\.\w+$", r"\1", key) for key in words.phrases}
    return {key for key in bare if not key.endswith(".gender")}


@every_language
def test_every_language_has_the_same_phrases(language: str) -> None:
    assert keys(words_of(language)) == keys(words_of("en"))


@every_language
def test_every_phrase_has_the_same_places_to_fill(language: str) -> None:
    english, words = words_of("en"), words_of(language)
    differing = {
        key
        for key in english.phrases.keys() & words.phrases.keys()
        if key.rpartition(".")[2] != "1" and places(words.phrases[key]) != places(english.phrases[key])
    }

    assert differing == set()


def places(phrase: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(phrase) if name is not None}


@every_language
@pytest.mark.parametrize("counted", COUNTED)
def test_counted_words_have_every_plural_form_of_the_language(language: str, counted: str) -> None:
    words = words_of(language)
    forms = {key.removeprefix(f"{counted}.") for key in words.phrases if key.startswith(f"{counted}.")}

    assert forms - {"1"} == plural_categories(words.locale)


@every_language
@pytest.mark.parametrize(
    ("room", "members"),
    [
        pytest.param("weekdays", [f"{day}.{form}" for day in WEEKDAYS for form in ("first", "last", "on")], id="days"),
        pytest.param("deadlines", Deadline, id="deadlines"),
        pytest.param("events", [f"{type_}.{form}" for type_ in TYPES for form in ("after", "if")], id="event types"),
        pytest.param("events", [f"{one}.{form}" for one in WILDCARDS for form in ("after", "if", "last")], id="kinds"),
        pytest.param("order_status", OrderStatus, id="order states"),
        pytest.param("shipment_state", ShipmentState, id="shipment states"),
        pytest.param("holds", Hold, id="holds"),
        pytest.param("category", set(Category) - {Category.TRANSACTIONAL}, id="categories"),
        pytest.param("once", Once, id="once"),
        pytest.param("calendar", set(Closed) - {Closed.SEND}, id="closed"),
        pytest.param("merge", Same, id="same"),
        pytest.param("uncertain", Uncertain, id="uncertain"),
        pytest.param("channels", ["platform", "email"], id="channels"),
        pytest.param("states", State, id="states"),
        pytest.param("reasons", Reason, id="reasons"),
    ],
)
def test_every_member_has_its_words(language: str, room: str, members: list[str]) -> None:
    words = words_of(language)

    assert [one for one in members if f"{room}.{one}" not in words] == []


@every_language
def test_every_field_has_its_words(language: str) -> None:
    words = words_of(language)
    forms = {"yes or no": ("yes", "no", "whether")}
    wanted = {f"fields.{name}.{form}" for name, kind in FIELDS.items() for form in forms.get(kind, ("name",))}

    assert wanted - words.phrases.keys() == set()


@every_language
def test_every_field_has_a_gender_if_the_language_has_any(language: str) -> None:
    words = words_of(language)
    genders = {key.rpartition(".")[2] for key in words.phrases if key.startswith("is.known.")}
    named = [name for name, kind in FIELDS.items() if kind != "yes or no"]
    told = {words.phrases.get(f"fields.{name}.gender", "any") for name in named}

    assert told <= genders


@every_language
def test_no_word_belongs_to_something_that_is_gone(language: str) -> None:
    rooms: dict[str, Iterable[str]] = {
        "fields": FIELDS, "deadlines": Deadline, "events": {*TYPES, *WILDCARDS, "last"}, "order_status": OrderStatus,
        "shipment_state": ShipmentState, "holds": Hold, "reasons": Reason, "reasons_waiting": Reason,
        "states": {*State, "with_reason"},
    }  # fmt: skip
    for room, members in rooms.items():
        told = [key.removeprefix(f"{room}.") for key in words_of(language).phrases if key.startswith(f"{room}.")]
        known = {str(one) for one in members}

        assert [one for one in told if one not in known and one.rpartition(".")[0] not in known] == []


# --- every part of a rule is told ------------------------------------------------------------------------------------

CHANGED: dict[str, dict[str, Any]] = {
    "trigger": {"trigger": OnDeadline(deadline=Deadline.SHIP_BY, before=True)},
    "delays": {"delays": (Span(days=1), Span(days=4))},
    "where": {"where": (Condition(field="buyer.country", any_of=("FR",)),)},
    "cancel_on": {"cancel_on": ("order.cancelled",)},
    "once_per": {"once_per": Once.OCCURRENCE},
    "once_span": {"once_per": Once.BUYER, "once_span": timedelta(days=90)},
    "channels": {"channels": ("email",)},
    "hours": {"hours": Hours(opens=time(8), closes=time(9))},
    "zone": {"zone": "shop"},
    "expiry": {"expiry": Span(days=5)},
    "max_age": {"max_age": Span(days=14)},
    "holds": {"holds": frozenset({Hold.DISPUTE})},
    "caps": {"caps": Caps(per_order=Cap(count=3, span=timedelta(days=7)))},
    "category": {"category": Category.PROMOTIONAL},
    "uncertain": {"uncertain": Uncertain.RESEND},
    "shops": {"shops": ("toys",)},
    "enabled": {"enabled": False},
    "group": {"group": "payment"},
    "priority": {"priority": 10},
    "urgent": {"urgent": True},
    "approval": {"approval": True},
    "supersedes": {"supersedes": ("in-transit",)},
    "merge": {"merge": Merge(within=timedelta(hours=6), same=Same.BUYER)},
    "calendar": {"calendar": SELLER},
    "closed": {"calendar": SELLER, "closed": Closed.WAIT},
    "during": {"during": SELLER},
    "promise": {"promise": "refund-30"},
    "formerly": {"formerly": ("sent",)},
}
TOLD_BESIDE = {"name", "template", "title", "note", "line"}
"""What ``messenger rules`` shows beside the sentence."""


def test_no_field_of_a_rule_is_forgotten() -> None:
    assert {field.name for field in fields(Rule)} == CHANGED.keys() | TOLD_BESIDE


@every_language
@pytest.mark.parametrize("field", CHANGED)
def test_every_field_of_a_rule_is_told(language: str, field: str) -> None:
    changed = rule(**CHANGED[field])

    assert rule_sentence(changed, language) != rule_sentence(rule(), language)


@every_language
@pytest.mark.parametrize("type_", [*TYPES, *WILDCARDS])
def test_every_event_type_can_wake_and_cancel_a_rule(language: str, type_: str) -> None:
    words = words_of(language)
    woken = rule_sentence(rule(trigger=OnEvent(types=(type_,)), cancel_on=(type_,)), language)
    silent = rule_sentence(rule(trigger=OnSilence(since=type_)), language)

    assert words.say(f"events.{type_}.after").casefold() in woken.casefold()
    assert words.say(f"events.{type_}.if").casefold() in woken.casefold()
    assert "{" not in silent


# --- how it reads ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        pytest.param(
            "en",
            "One day after the order has been shipped, between 09:00 and 20:00 on the buyer's clock. Not if the order was "
            "cancelled, the buyer confirmed receipt or the parcel arrived. At most 3 messages per order in 7 days.",
            id="English",
        ),
        pytest.param(
            "zh",
            "订单发货1天后，在买家当地时间09:00至20:00之间发送。如果订单已取消、买家已确认收货或包裹已送达，则不发送。"
            "同一订单7天内最多发送3条消息。",
            id="Chinese",
        ),
        pytest.param(
            "ru",
            "Через один день после отправки заказа, с 09:00 до 20:00 по времени покупателя. Не отправляется, если заказ отменён, "
            "покупатель подтвердил получение или посылка доставлена. Не больше 3 сообщений на заказ за 7 дней.",
            id="Russian",
        ),
    ],
)
def test_an_ordinary_rule_is_three_sentences(language: str, expected: str) -> None:
    ordinary = rule(
        cancel_on=("order.cancelled", "order.received", "shipment.delivered"),
        caps=Caps(per_order=Cap(count=3, span=timedelta(days=7))),
    )

    assert rule_sentence(ordinary, language) == expected


@pytest.mark.parametrize(
    ("count", "calendar_days", "business_days", "hours"),
    [
        pytest.param(1, "один день", "один рабочий день", "один час", id="1"),
        pytest.param(2, "2 дня", "2 рабочих дня", "2 часа", id="2"),
        pytest.param(5, "5 дней", "5 рабочих дней", "5 часов", id="5"),
        pytest.param(11, "11 дней", "11 рабочих дней", "11 часов", id="11"),
        pytest.param(21, "21 день", "21 рабочий день", "21 час", id="21"),
        pytest.param(22, "22 дня", "22 рабочих дня", "22 часа", id="22"),
    ],
)
def test_russian_counts(count: int, calendar_days: str, business_days: str, hours: str) -> None:
    words = words_of("ru")
    spans = (Span(days=count), Span(business=count), Span(elapsed=timedelta(hours=count)))

    assert [span_in_words(span, words) for span in spans] == [calendar_days, business_days, hours]


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        pytest.param(1, "Не больше 1 сообщения на заказ за один день.", id="1"),
        pytest.param(2, "Не больше 2 сообщений на заказ за один день.", id="2"),
        pytest.param(21, "Не больше 21 сообщения на заказ за один день.", id="21"),
    ],
)
def test_russian_counts_messages(count: int, expected: str) -> None:
    capped = rule(caps=Caps(per_order=Cap(count=count, span=timedelta(hours=24))))

    assert rule_sentence(capped, "ru").endswith(expected)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        pytest.param(Span(elapsed=timedelta(hours=36)), "36 hours", id="hours"),
        pytest.param(Span(elapsed=timedelta(hours=24)), "24 hours", id="a day of hours is no calendar day"),
        pytest.param(Span(elapsed=timedelta(minutes=90)), "90 minutes", id="minutes"),
        pytest.param(Span(elapsed=timedelta(seconds=90)), "90 seconds", id="seconds"),
        pytest.param(Span(days=14), "14 days", id="days"),
        pytest.param(Span(business=1), "one business day", id="one"),
    ],
)
def test_lengths_of_time(span: Span, expected: str) -> None:
    assert span_in_words(span, words_of("en")) == expected


@pytest.mark.parametrize(
    ("delays", "expected"),
    [
        pytest.param((Span(),), "As soon as the order has been shipped,", id="at once"),
        pytest.param((Span(days=1), Span(days=3)), "1 and 3 days after the order has been shipped,", id="one unit"),
        pytest.param(
            (Span(elapsed=timedelta(hours=6)), Span(days=3), Span(business=5)),
            "6 hours, 3 days and 5 business days after the order has been shipped,",
            id="several units",
        ),
        pytest.param(
            (Span(), Span(days=3)),
            "As soon as the order has been shipped, and again 3 days later,",
            id="at once, later",
        ),
    ],
)
def test_steps(delays: tuple[Span, ...], expected: str) -> None:
    assert rule_sentence(rule(delays=delays), "en").startswith(expected)


@pytest.mark.parametrize(
    ("hours", "zone", "expected"),
    [
        pytest.param(Hours(), "buyer", "at any hour.", id="always"),
        pytest.param(
            Hours(), "shop", "at any hour. Days are counted on the shop's clock.", id="days still have a clock"
        ),
        pytest.param(OFFICE, "shop", "between 09:00 and 20:00 on the shop's clock.", id="window"),
        pytest.param(
            Hours(opens=time(20), closes=time(2)),
            "Europe/Madrid",
            "between 20:00 and 02:00 of the next day on the clock of Europe/Madrid.",
            id="over midnight",
        ),
        pytest.param(
            Hours(opens=time(9)), "buyer", "between 09:00 and 24:00 on the buyer's clock.", id="until midnight"
        ),
        pytest.param(
            replace(OFFICE, days=frozenset(range(5))),
            "buyer",
            "from Monday to Friday between 09:00 and 20:00 on the buyer's clock.",
            id="a range of days",
        ),
        pytest.param(
            Hours(days=frozenset({5, 6, 0})),
            "buyer",
            "from Saturday to Monday at any hour on the buyer's clock.",
            id="a range over the week's end",
        ),
        pytest.param(
            Hours(days=frozenset({1, 3, 4})),
            "buyer",
            "on Tuesdays, Thursdays and Fridays at any hour on the buyer's clock.",
            id="single days",
        ),
    ],
)
def test_hours(hours: Hours, zone: str, expected: str) -> None:
    assert rule_sentence(rule(hours=hours, zone=zone), "en") == f"One day after the order has been shipped, {expected}"


@pytest.mark.parametrize(
    ("field", "operators", "english", "chinese", "russian"),
    [
        pytest.param(
            "buyer.country", {"any_of": ("FR", "ES")}, "the buyer's country is France or Spain", "买家所在国家或地区为法国或西班牙",
            "страна покупателя — Франция или Испания", id="any of",
        ),
        pytest.param(
            "buyer.country", {"excluded": ("RU", "BY")}, "the buyer's country is not Russia or Belarus",
            "买家所在国家或地区不是俄罗斯或白俄罗斯", "страна покупателя — не Россия и не Беларусь", id="none of",
        ),
        pytest.param(
            "buyer.language", {"any_of": ("pt-BR",)}, "the buyer's language is Portuguese (Brazil)", "买家语言为葡萄牙语（巴西）",
            "язык покупателя — португальский (Бразилия)", id="language",
        ),
        pytest.param(
            "order.status", {"any_of": ("placed",)}, "the order's status is “placed”", "订单状态为“已下单”", "статус заказа — «оформлен»",
            id="order state",
        ),
        pytest.param(
            "order.total", {"low": Money(Decimal("5.50"), "USD")}, "the order's total is at least 5.5 USD", "订单金额不少于5.5 USD",
            "сумма заказа — не меньше 5,5 USD", id="money",
        ),
        pytest.param(
            "review.stars", {"low": Decimal(2), "high": Decimal(4)}, "the number of stars in the review is from 2 to 4",
            "评价星数在2到4之间", "число звёзд в отзыве — от 2 до 4", id="between",
        ),
        pytest.param(
            "order.items.quantity", {"high": Decimal(3)}, "the quantity of one of the items is at most 3", "其中一种商品的数量不超过3",
            "количество одного из товаров — не больше 3", id="at most",
        ),
        pytest.param(
            "order.items.sku", {"excluded": ("A-1", "A-2")}, "no item has the SKU “A-1” or “A-2”", "没有SKU为“A-1”或“A-2”的商品",
            "нет товара с артикулом «A-1» или «A-2»", id="no element of a list",
        ),
        pytest.param(
            "order.items.sku", {"like": "SKU-*"}, "the SKU of one of the items begins with “SKU-”", "其中一件商品的SKU以“SKU-”开头",
            "артикул одного из товаров начинается с «SKU-»", id="begins",
        ),
        pytest.param(
            "buyer.email", {"like": "*@example.org"}, "the buyer's e-mail address ends with “@example.org”",
            "买家邮箱以“@example.org”结尾", "электронный адрес покупателя заканчивается на «@example.org»", id="ends",
        ),
        pytest.param(
            "review.text", {"like": "*broken*"}, "the text of the review contains “broken”", "评价内容包含“broken”",
            "текст отзыва содержит «broken»", id="contains",
        ),
        pytest.param(
            "buyer.postcode", {"like": "1?0*"}, "the buyer's postcode fits the pattern “1?0*”", "买家邮编符合模式“1?0*”",
            "почтовый индекс покупателя подходит под шаблон «1?0*»", id="pattern",
        ),
        pytest.param(
            "shipment.carrier", {"like": "yunexpress"}, "the carrier is “yunexpress”", "承运商为“yunexpress”", "перевозчик — «yunexpress»",
            id="pattern without stars",
        ),
        pytest.param(
            "order.paid_at", {"exists": True}, "the time of payment is known", "付款时间已知", "время оплаты известно", id="known",
        ),
        pytest.param(
            "buyer.country", {"exists": False}, "the buyer's country is not known", "买家所在国家或地区未知", "страна покупателя неизвестна",
            id="not known",
        ),
        pytest.param("order.late", {"any_of": (True,)}, "the order is late", "订单已延误", "заказ опаздывает", id="yes"),
        pytest.param("order.late", {"any_of": (False,)}, "the order is not late", "订单没有延误", "заказ не опаздывает", id="no"),
        pytest.param("order.late", {"excluded": (True,)}, "the order is not late", "订单没有延误", "заказ не опаздывает", id="not yes"),
        pytest.param("order.late", {"excluded": (False,)}, "the order is late", "订单已延误", "заказ опаздывает", id="not no"),
        pytest.param(
            "order.late", {"exists": True}, "it is known whether the order is late", "已知订单是否延误", "известно, опаздывает ли заказ",
            id="answered",
        ),
        pytest.param(
            "order.late", {"exists": False}, "it is not known whether the order is late", "尚不知订单是否延误",
            "неизвестно, опаздывает ли заказ", id="unanswered",
        ),
        pytest.param(
            "told.shipped", {"any_of": (False,)}, "the message “shipped” has not been sent about this order", "此订单未发送过消息“shipped”",
            "сообщение «shipped» об этом заказе не отправлялось", id="not told",
        ),
        pytest.param(
            "buyer.country", {"any_of": ("FR",), "exists": True}, "the buyer's country is France & the buyer's country is known",
            "买家所在国家或地区为法国 & 买家所在国家或地区已知", "страна покупателя — Франция & страна покупателя известна", id="two operators",
        ),
    ],
)  # fmt: skip
def test_conditions(field: str, operators: dict[str, Any], english: str, chinese: str, russian: str) -> None:
    assert [asked(field, language, **operators) for language in LANGUAGES] == [english, chinese, russian]


def test_values_nobody_knows_stay_as_they_are() -> None:
    assert asked("buyer.country", any_of=("QQ",)) == "the buyer's country is QQ"
    assert asked("buyer.language", any_of=("xx-1",)) == "the buyer's language is xx-1"


@every_language
@pytest.mark.parametrize("field", [*FIELDS, "told.shipped"])
def test_every_field_can_be_asked_everything(language: str, field: str) -> None:
    told_all = [
        asked(field, language, any_of=(_example(field),)),
        asked(field, language, excluded=(_example(field),)),
        asked(field, language, exists=True),
        asked(field, language, exists=False),
    ]

    assert all(told_all)
    assert not any("{" in one or "  " in one for one in told_all)


def _example(field: str) -> str | int | bool:
    kinds: dict[str, str | int | bool] = {"number": 3, "yes or no": True}
    return {"order.status": "paid", "shipment.state": "delivered"}.get(field) or kinds.get(
        FIELDS.get(field, "yes or no"), "x"
    )


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        pytest.param(frozenset(), "Nothing holds it back.", id="none"),
        pytest.param(frozenset({Hold.DISPUTE}), "Held back only while a dispute is open.", id="one"),
        pytest.param(
            ALL_HOLDS - {Hold.REVIEW, Hold.REFUND},
            "It goes out even while a refund is being settled or a bad review has not been settled.",
            id="all but two",
        ),
    ],
)
def test_holds(holds: frozenset[Hold], expected: str) -> None:
    assert rule_sentence(rule(holds=holds), "en").endswith(f"buyer's clock. {expected}")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"once_per": Once.SHIPMENT}, "Once per parcel.", id="parcel"),
        pytest.param({"once_per": Once.BUYER}, "At most once to the same buyer.", id="buyer for ever"),
        pytest.param(
            {"once_per": Once.BUYER, "once_span": timedelta(days=90)}, "At most once in 90 days to the same buyer.", id="buyer"
        ),
        pytest.param(
            {"trigger": OnEvent(types=("shipment.delivered",)), "once_per": Once.ORDER}, "Once per order.", id="order"
        ),
        pytest.param({"trigger": OnSilence(since="shipment.*"), "once_per": Once.ORDER}, "Once per order.", id="silence"),
    ],
)  # fmt: skip
def test_how_often(changes: dict[str, Any], expected: str) -> None:
    assert rule_sentence(rule(**changes), "en").endswith(f" {expected}")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="order"),
        pytest.param({"trigger": OnEvent(types=("shipment.delivered",)), "once_per": Once.SHIPMENT}, id="parcel"),
        pytest.param({"trigger": OnSilence(since="shipment.*"), "once_per": Once.SHIPMENT}, id="silence of a parcel"),
        pytest.param({"trigger": OnDeadline(deadline=Deadline.PAY_BY, before=True)}, id="deadline"),
    ],
)
def test_what_is_usual_is_not_told(changes: dict[str, Any]) -> None:
    assert rule_sentence(rule(**changes), "en").count(". ") == 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"delays": (Span(business=3),)}, "Business days are Monday to Friday.", id="no calendar"),
        pytest.param(
            {"delays": (Span(business=3),), "calendar": SELLER, "closed": Closed.WAIT},
            "Business days and closed days are those of the calendar “seller”. On days on which the calendar “seller” is closed "
            "it waits for the next open day.",
            id="calendar that makes it wait",
        ),
        pytest.param(
            {"hours": replace(OFFICE, closed_on=SELLER)},
            "On days on which the calendar “seller” is closed it waits for the next open day.",
            id="hours that leave closed days out",
        ),
        pytest.param(
            {"calendar": SELLER, "closed": Closed.DROP},
            "On days on which the calendar “seller” is closed it is not sent.",
            id="calendar that drops it",
        ),
    ],
)
def test_calendars(changes: dict[str, Any], expected: str) -> None:
    assert rule_sentence(rule(**changes), "en").partition(" clock. ")[2].endswith(expected)


@pytest.mark.parametrize("tag", ["zh-CN", "zh_Hans", "ZH"])
def test_a_language_is_found_by_its_tag(tag: str) -> None:
    assert rule_sentence(rule(), tag) == rule_sentence(rule(), "zh")


def test_a_language_without_words_is_told() -> None:
    with pytest.raises(UsageError, match="no words in the language 'fr' \\(write en, zh or ru\\)"):
        rule_sentence(rule(), "fr")


def test_a_rule_as_a_document() -> None:
    found = rule_document(rule(title="Shipped", note="n", enabled=False), "ru-RU", file="schedules.toml")

    assert found == {
        "rule": "shipped", "title": "Shipped", "note": "n", "template": "shipped", "enabled": False, "file": "schedules.toml", "line": 8,
        "language": "ru",
        "sentence": "Выключено. Через один день после отправки заказа, с 09:00 до 20:00 по времени покупателя.",
        "sentences": ["Выключено.", "Через один день после отправки заказа, с 09:00 до 20:00 по времени покупателя."],
    }  # fmt: skip


def test_a_rule_that_a_person_starts_is_told_so() -> None:
    assert rule_sentence(rule(trigger=OnStaff(), delays=(Span(),), once_per=Once.OCCURRENCE), "en") == (
        "As soon as a person has started it for the order, between 09:00 and 20:00 on the buyer's clock. It never starts by itself."
    )


@pytest.mark.parametrize(
    "trigger",
    [
        pytest.param('on = ["order.paid", "shipment.delivered"]', id="order and parcel"),
        pytest.param('on = ["shipment.delivered", "shipment.returned"]', id="parcels"),
        pytest.param('silent = "5d"\nsince = "shipment.*"', id="silence of a parcel"),
        pytest.param('silent = "5d"\nsince = "message.*"', id="silence of a buyer"),
        pytest.param('before = "pay_by"\nlead = "1d"', id="deadline"),
    ],
)
def test_what_a_file_leaves_out_is_not_told(trigger: str, tmp_path: Path) -> None:
    home = small_home(tmp_path, f'[rules.shipped]\ntemplate = "shipped"\n{trigger}\n')
    (read,) = load_schedule(home / "schedules.toml").rules

    assert rule_sentence(read, "en").count(". ") == 0


# --- states and reasons ----------------------------------------------------------------------------------------------


@every_language
@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_a_sentence(language: str, reason: Reason) -> None:
    said = reason_sentence(reason, language)

    assert said
    assert said != reason
    assert not said.endswith((".", "。"))


@every_language
def test_no_two_reasons_sound_alike(language: str) -> None:
    assert len({reason_sentence(reason, language) for reason in Reason}) == len(Reason)


@every_language
@pytest.mark.parametrize("state", State)
def test_state_and_reason_have_one_colon_between_them(language: str, state: State) -> None:
    for reason in Reason:
        assert len(re.findall("[:：]", sentence(state, reason, language))) <= 1


@pytest.mark.parametrize(
    ("state", "reason", "language", "expected"),
    [
        pytest.param("sent", "", "en", "was sent", id="no reason"),
        pytest.param("skipped", "no_recipient", "en", "was left out: there is no address to write to", id="skipped"),
        pytest.param("held", "hold", "en", "waits until what holds it has been settled", id="the state says it all"),
        pytest.param(
            "held", "paused", "zh", "暂缓发送，等待相关事项处理完毕：有人暂停了发送", id="another reason is told"
        ),
        pytest.param("expired", "cap", "ru", "срок истёк до отправки: покупателю и так написали достаточно", id="ended"),
        pytest.param("planned", "cap", "ru", "будет отправлено в свой срок: покупателю пока написали достаточно", id="waits"),
        pytest.param("planned", "outage", "zh", "将在预定时间发送：长时间暂停或故障之后，消息分批发送", id="outage"),
        pytest.param("new-state", "new-reason", "en", "new-state: new-reason", id="words of a later version"),
    ],
)  # fmt: skip
def test_states_and_reasons(state: str, reason: str, language: str, expected: str) -> None:
    assert sentence(state, reason, language) == expected


# --- the command -----------------------------------------------------------------------------------------------------


def run(*arguments: str, home: Path = HOME, columns: int = 100) -> Any:  # Any: click's result
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(
        cli, ["--home", str(home), "rules", *arguments], obj=App(home=home), standalone_mode=False
    )


def small_home(folder: Path, rules: str) -> Path:
    (folder / "schedules.toml").write_text(f"version = 1\n\n{rules}", encoding="utf-8")
    return folder


SWITCHED_OFF = """[rules.shipped]
name = "On its way"
note = "The day after."
template = "dispatch"
on = "order.shipped"
delay = "1d"
enabled = false
"""


def test_rules_that_are_off_are_marked(tmp_path: Path) -> None:
    result = run(home=small_home(tmp_path, SWITCHED_OFF))

    assert result.output.splitlines() == [
        f"shipped (On its way)  {tmp_path / 'schedules.toml'}:3  text “dispatch”  [switched off]",
        "  One day after the order has been shipped, between 09:00 and 20:00 on the buyer's clock.",
        "  Note: The day after.",
    ]


def test_json_is_one_document_a_line(tmp_path: Path) -> None:
    result = run("--json", "--language", "zh", home=small_home(tmp_path, SWITCHED_OFF))

    (found,) = [json.loads(line) for line in result.output.splitlines()]
    assert (found["rule"], found["line"], found["enabled"], found["language"]) == ("shipped", 3, False, "zh")
    assert found["sentence"].startswith("已停用。订单发货1天后")


def test_an_unknown_language_is_an_error_that_helps() -> None:
    result = run("--language", "fr")

    assert isinstance(result.exception, UsageError)
    assert "write en, zh or ru" in str(result.exception)


def test_mistakes_in_the_schedule_are_told_with_their_lines(tmp_path: Path) -> None:
    result = run(home=small_home(tmp_path, '[rules.shipped]\ntemplate = "shipped"\n'))

    assert isinstance(result.exception, ConfigurationError)
    assert "schedules.toml:3" in str(result.exception)


def test_a_schedule_without_rules_says_so(tmp_path: Path) -> None:
    result = run(home=small_home(tmp_path, ""))

    assert result.stderr == "no rules\n"


@every_language
@pytest.mark.parametrize("width", [40, 60, 100])
def test_lines_fit_the_terminal(language: str, width: int) -> None:
    for one in SYNTHETIC:
        lines = list(told(one, language, file="schedules.toml", width=width))[1:]

        assert max(map(cells, lines)) <= width
        assert not any(line.strip()[0] in "，。；：、！？）》”" for line in lines)


def cells(line: str) -> int:
    return sum(2 if ord(character) > 0x2E7F else 1 for character in line)


def test_chinese_breaks_anywhere_but_inside_numbers_and_before_punctuation() -> None:
    assert list(wrapped("订单发货10天后发送，不限时段。", 13)) == [
        "  订单发货", "  10天后发", "  送，不限时", "  段。",
    ]  # fmt: skip


def test_what_cannot_be_broken_is_longer_than_the_line() -> None:
    assert list(wrapped("a https://example.org/very/long/link e\u0301", 20)) == [
        "  a", "  https://example.org/very/long/link", "  e\u0301",
    ]  # fmt: skip


# --- golden files ----------------------------------------------------------------------------------------------------

SYNTHETIC = (
    rule(
        name="payment-reminder", template="payment-reminder", line=3, title="Payment", group="payment", priority=10,
        trigger=OnEvent(types=("order.placed", "order.payment_pending")), delays=(Span(), Span(elapsed=timedelta(hours=36))),
        where=(
            Condition(field="order.status", any_of=("placed", "payment_review")),
            Condition(field="order.total", low=Money(Decimal(5), "USD"), high=Money(Decimal(100), "USD")),
            Condition(field="buyer.country", excluded=("RU", "BY")),
            Condition(field="buyer.paid_since", excluded=(True,)),
            Condition(field="order.pay_by", exists=True),
        ),
        cancel_on=("order.paid", "order.cancelled", "message.received"),
        caps=Caps(per_order=Cap(count=3, span=timedelta(days=7)), per_buyer=Cap(count=1, span=timedelta(hours=20))),
    ),
    rule(
        name="pay-last-call", template="payment-last-call", line=14, trigger=OnDeadline(deadline=Deadline.PAY_BY, before=True),
        delays=(Span(days=2),), zone="shop", hours=replace(OFFICE, days=frozenset(range(5))), channels=("platform",),
        expiry=Span(elapsed=timedelta(hours=12)), max_age=Span(days=21), approval=True, formerly=("last-call", "pay-soon"),
    ),
    rule(
        name="late-shipment-apology", template="late-shipment-apology", line=25, promise="refund-30",
        trigger=OnDeadline(deadline=Deadline.SHIP_BY, before=False), delays=(Span(business=1), Span(business=5)),
        calendar=SELLER, closed=Closed.WAIT, zone="Europe/Madrid", hours=Hours(opens=time(20), closes=time(2), days=frozenset({1, 5})),
        where=(Condition(field="calendar.closed", any_of=(False,)),), channels=("email", "platform"), holds=frozenset({Hold.DISPUTE}),
    ),
    rule(
        name="customs-delay", template="customs-delay", line=36, trigger=OnSilence(since="shipment.*"), delays=(Span(days=5), Span(days=21)),
        once_per=Once.OCCURRENCE, supersedes=("in-transit", "delay-apology"), merge=Merge(within=timedelta(hours=6), same=Same.BUYER),
        where=(
            Condition(field="shipment.state", any_of=("import_customs", "customs_action_needed")),
            Condition(field="order.items.sku", like="SKU-*"),
            Condition(field="buyer.tags", excluded=("vip", "wholesale")),
            Condition(field="lane.p90_days", high=Decimal(40)),
        ),
        holds=ALL_HOLDS - {Hold.REVIEW, Hold.SOURCE_SILENT}, uncertain=Uncertain.RESEND, shops=("toys", "games"),
    ),
    rule(
        name="repeat-no-news", template="no-news", line=48, trigger=OnSilence(since="message.answered"), delays=(Span(), Span(days=3)),
        supersedes=("hello",), merge=Merge(within=timedelta(minutes=90), same=Same.ORDER), formerly=("no-news",), shops=("toys",),
    ),
    rule(
        name="out-of-stock", template="out-of-stock", line=55, trigger=OnStaff(), delays=(Span(),), hours=Hours(), zone="shop", urgent=True,
        holds=frozenset(), uncertain=Uncertain.ASK,
    ),
    rule(
        name="survey", template="survey", line=61, trigger=OnEvent(types=("order.completed",)), delays=(Span(days=11),), enabled=False,
        category=Category.RELATIONAL, once_per=Once.BUYER, once_span=timedelta(days=90), priority=-5, channels=("email",),
        where=(
            Condition(field="order.late", any_of=(False,)),
            Condition(field="told.delay-apology", excluded=(True,)),
            Condition(field="review.stars", low=Decimal(4)),
            Condition(field="lane.late", excluded=(True,)),
        ),
    ),
    rule(
        name="shop-closed", template="shop-closed", line=72, trigger=OnEvent(types=("order.*",)), delays=(Span(),), during=SELLER,
        hours=Hours(days=frozenset({5, 6, 0})), calendar=SELLER, category=Category.PROMOTIONAL,
        caps=Caps(per_buyer=Cap(count=21, span=timedelta(days=30))), note="A note in the seller's own words.",
    ),
    rule(
        name="closed-drop", template="closed-drop", line=80, trigger=OnDeadline(deadline=Deadline.ANSWER_BY, before=True),
        delays=(Span(),), calendar=SELLER, closed=Closed.DROP, expiry=Span(business=2), once_per=Once.SHIPMENT,
    ),
    rule(
        name="ship-by-now", template="ship-by-now", line=88, trigger=OnDeadline(deadline=Deadline.DELIVER_BY, before=False),
        delays=(Span(), Span(days=2)), expiry=Span(business=1),
    ),
)  # fmt: skip
"""Rules that together use every key."""


def approved(name: str, text: str) -> None:
    """Compare a text with its golden file; with ``GOLDEN=write`` write the file."""
    golden = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), "run GOLDEN=write pytest on this file and read the difference"


@every_language
def test_every_key_reads_as_approved(language: str) -> None:
    schedule = Schedule(rules=SYNTHETIC)
    blocks = ["\n".join(told(one, language, file=schedule.source, width=100)) for one in schedule.rules]

    approved(f"every-key.{language}.txt", "\n\n".join(blocks) + "\n")


@every_language
def test_the_shipped_schedule_reads_as_approved(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HOME)
    result = run("--language", language, home=Path())

    approved(f"shipped.{language}.txt", result.output)
