"""The gate of the domain: what is told wrongly is refused with its field and its remedy, and nothing else happens."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.domain.events import (
    KNOWN_TYPES,
    LONGEST_LIST,
    LONGEST_NAME,
    LONGEST_TEXT,
    SECTIONS,
    SHIPMENT_TYPES,
    Item,
    LastMile,
    parse_event,
)
from messenger.errors import EventError
from tests.builders import document, event, utc


def short(value: object) -> str:
    return ascii(value).replace("\\", "%")[:40] if not isinstance(value, int) or abs(value) < 10**20 else "huge"


def with_field(section: str, field: str, value: object) -> dict[str, object]:
    return document(data={"shop": "toys", section: {field: value}})


def refusal(told: object) -> EventError:
    with pytest.raises(EventError) as caught:
        parse_event(told)
    return caught.value


def test_an_event_is_read_into_typed_values() -> None:
    told = document(
        data={
            "shop": "toys",
            "order": {
                "total": "12.90", "currency": "USD", "pay_by": "2026-03-20T18:00:00+08:00", "url": "https://a.example/8134",
                "items": [{"title": "Doll", "sku": "D-1", "quantity": 2, "price": "6.45"}, {"title": "Box", "sku": None}],
            },
            "buyer": {"name": "Анна", "email": "anna@example.com", "country": "RU", "language": "pt-BR", "tags": ["vip"]},
            "shipment": {
                "number": "RR1CN", "eta_from": "2026-04-01", "eta_to": "2026-04-03T00:00:00Z",
                "last_mile": {"number": "LP9", "carrier": "Post", "url": "https://post.example/LP9"},
            },
            "review": {"stars": 5, "text": ""},
        }
    )  # fmt: skip

    read = parse_event(told)

    assert (read.order, read.shop, read.time) == ("8134", "toys", utc("2026-03-02T10:15"))
    assert read.data["order"] == {
        "total": Decimal("12.90"),
        "currency": "USD",
        "pay_by": utc("2026-03-20T10:00"),
        "url": "https://a.example/8134",
        "items": (Item(title="Doll", sku="D-1", quantity=2, price=Decimal("6.45")), Item(title="Box")),
    }
    assert read.data["buyer"]["tags"] == ("vip",)
    assert read.data["shipment"]["eta_from"] == date(2026, 4, 1)
    assert read.data["shipment"]["eta_to"] == date(2026, 4, 3)
    assert read.data["shipment"]["last_mile"] == LastMile(number="LP9", carrier="Post", url="https://post.example/LP9")
    assert read.data["review"] == {"stars": 5, "text": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T10:15:00Z", "2026-03-02T10:15"),
        ("2026-03-02T10:15:00+08:00", "2026-03-02T02:15"),
        ("2026-03-02T10:15:00-03:30", "2026-03-02T13:45"),
        ("2026-03-02 10:15:00+13:45", "2026-03-01T20:30"),
        ("2026-03-02T10:15:00.250Z", "2026-03-02T10:15:00.250"),
        ("2024-02-29T23:59:59-12:00", "2024-03-01T11:59:59"),
    ],
)
def test_times_with_an_offset_become_utc(text: str, expected: str) -> None:
    time = parse_event(document(time=text)).time

    assert time == utc(expected)
    assert time.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "wrong", [None, [], "order.paid", 1, True, 1.5, float("nan"), [document()], 10**5000], ids=short
)
def test_only_an_object_is_an_event(wrong: object) -> None:
    assert refusal(wrong).field == ""


@pytest.mark.parametrize("field", ["specversion", "id", "source", "type", "time", "subject", "data"])
def test_a_missing_member_is_named(field: str) -> None:
    told = document()
    del told[field]

    assert refusal(told).field == field


@pytest.mark.parametrize("field", ["id", "source", "type", "time", "subject"])
@pytest.mark.parametrize(
    "wrong", [7, "", "   ", [], {}, True, "a\nb", "a\x00", "\ud800", "a\u202eb", "x" * 201], ids=short
)
def test_a_member_of_the_wrong_shape_is_named(field: str, wrong: object) -> None:
    assert refusal(document() | {field: wrong}).field == field


@pytest.mark.parametrize("wrong", ["0.3", "1", 1.0, "2.0", ""])
def test_other_versions_of_the_envelope_are_refused(wrong: object) -> None:
    assert refusal(document(specversion=wrong)).field == "specversion"


@pytest.mark.parametrize("wrong", ["paid", "Order.paid", "order paid", "order.", ".paid", "order..paid", "order/paid"])
def test_a_type_that_is_no_type_is_refused(wrong: str) -> None:
    assert "order.paid" in refusal(document(type=wrong)).problem


@pytest.mark.parametrize(
    ("time", "part"),
    [
        pytest.param("2026-03-02T10:15:00", 'write "2026-03-02T10:15:00Z"', id="naive"),
        pytest.param("2026-03-02", '"2026-03-02T00:00:00+08:00"', id="a day only"),
        pytest.param("yesterday", "RFC 3339", id="words"),
        pytest.param("1772446500", "RFC 3339", id="seconds since 1970"),
        pytest.param("2026-02-30T10:00:00Z", "RFC 3339", id="no such day"),
        pytest.param("2026-03-02T25:00:00Z", "RFC 3339", id="no such hour"),
        pytest.param("0001-01-01T00:00:00Z", "out of range", id="the empty date of some platforms"),
        pytest.param("0001-01-01T00:00:00+14:00", "out of range", id="before the calendar begins"),
        pytest.param("9999-12-31T23:59:59-12:00", "out of range", id="after the calendar ends"),
    ],
)
def test_a_time_that_is_no_instant_is_refused(time: str, part: str) -> None:
    error = refusal(document(time=time))

    assert error.field == "time"
    assert part in error.problem


@pytest.mark.parametrize("number", [8134, 8134567890123456, 0, -1])
def test_an_order_number_given_as_a_number_shows_how_to_write_it(number: int) -> None:
    error = refusal(document(subject=number))

    assert error.field == "subject"
    assert f'"{number}"' in error.problem


@pytest.mark.parametrize(
    ("section", "field", "wrong"),
    [
        ("order", "total", 12.9), ("order", "total", 12), ("order", "total", "12,90"), ("order", "total", "1e5"),
        ("order", "total", "1_000"), ("order", "total", " 5"), ("order", "total", "NaN"), ("order", "total", "sNaN"),
        ("order", "total", "Infinity"), ("order", "total", "-"), ("order", "total", ""), ("order", "total", "١٢"),
        ("order", "total", "5 USD"), ("order", "total", "1000000000000"), ("order", "total", "1e-999999999"),
        ("order", "total", "9" * 5000), ("order", "total", "0.0000001"), ("order", "total", "5\n"), ("order", "total", True),
        ("order", "currency", "usd"), ("order", "currency", "US$"), ("order", "currency", "USDT"),
        ("order", "url", "javascript:alert(1)"), ("order", "url", "JaVaScRiPt:alert(1)"), ("order", "url", "//a.example"),
        ("order", "url", "data:text/html,x"), ("order", "url", "https://"), ("order", "url", "https://a.example/ b"),
        ("order", "url", "https://a.example\nSet-Cookie: x"), ("order", "url", 'https://a.example/"onclick='),
        ("order", "url", "https://a.example/<script>"), ("order", "url", "ftp://a.example"), ("order", "url", "/8134"),
        ("order", "url", "https://a.example/\u202egpj"), ("order", "url", " https://a.example"),
        ("order", "pay_by", "2026-03-02T10:15:00"), ("order", "pay_by", 1772446500), ("order", "pay_by", ""),
        ("order", "items", {"title": "Doll"}), ("order", "items", "Doll"), ("order", "payment_method", 3),
        ("order", "platform_status", "a\x00b"), ("order", "end_reason", "\udfff"),
        ("buyer", "email", "a@x.example,b@x.example"), ("buyer", "email", "anna"), ("buyer", "email", "a@x.example\nBcc: b"),
        ("buyer", "email", ""), ("buyer", "email", 5), ("buyer", "email", "Anna <a@x.example>"),
        ("buyer", "country", "Brazil"), ("buyer", "country", "br"), ("buyer", "country", "BRA"), ("buyer", "country", 55),
        ("buyer", "language", "Russian language"), ("buyer", "language", "r"), ("buyer", "language", "../ru"),
        ("buyer", "timezone", "../../etc/passwd"), ("buyer", "timezone", "/etc/passwd"), ("buyer", "timezone", "UTC +3"),
        ("buyer", "name", ["Anna"]), ("buyer", "name", "Anna\x00"), ("buyer", "name", "Anna \ud83d"),
        ("buyer", "name", "x" * (LONGEST_TEXT + 1)), ("buyer", "id", 77), ("buyer", "id", "x" * (LONGEST_NAME + 1)),
        ("buyer", "tags", "vip"), ("buyer", "tags", ["vip"] * (LONGEST_LIST + 1)),
        ("shipment", "state", "shipped"), ("shipment", "state", "DELIVERED"), ("shipment", "number", 123),
        ("shipment", "number", ""), ("shipment", "eta_from", "soon"), ("shipment", "eta_from", "2026-03-02garbage"),
        ("shipment", "eta_to", "2026-13-01"), ("shipment", "tracking_url", "javascript:alert(1)"),
        ("shipment", "last_mile", "LP9"), ("shipment", "at", "2026-03-02T10:15:00"),
        ("review", "stars", 0), ("review", "stars", 6), ("review", "stars", 4.5), ("review", "stars", "5"),
        ("review", "stars", True), ("refund", "amount", 5), ("message", "text", 5),
        ("dispute", "answer_by", "tomorrow"), ("unsubscribed", "category", 1),
    ],
    ids=short,
)  # fmt: skip
def test_a_value_that_cannot_be_kept_is_refused_by_name(section: str, field: str, wrong: object) -> None:
    error = refusal(with_field(section, field, wrong))

    assert error.field == f"data.{section}.{field}"
    assert str(error).isprintable()
    assert len(str(error)) < 300


@pytest.mark.parametrize(
    ("data", "field", "near"),
    [
        pytest.param({"ordr": {}}, "data.ordr", "'order'", id="section"),
        pytest.param({"order": {"pay_buy": None}}, "data.order.pay_buy", "'pay_by'", id="field"),
        pytest.param({"buyer": {"e-mail": "x"}}, "data.buyer.e-mail", "'email'", id="near by letters"),
        pytest.param({"order": {"items": [{"title": "Doll", "qantity": 1}]}}, "data.order.items[0].qantity", "'quantity'", id="item"),
        pytest.param({"shipment": {"last_mile": {"numbr": "L"}}}, "data.shipment.last_mile.numbr", "'number'", id="last mile"),
        pytest.param({"order": {"zzz": 1}}, "data.order.zzz", "known: ", id="nothing near"),
        pytest.param({"order": {"\ud800": 1}}, "data.order.\\ud800", "known: ", id="half a character"),
    ],
)  # fmt: skip
def test_an_unknown_field_is_refused_with_the_nearest_name(data: dict[str, object], field: str, near: str) -> None:
    error = refusal(document(data={"shop": "toys", **data}))

    assert error.field == field
    assert near in error.problem


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([{}], "data.order.items[0].title"),
        ([{"title": "Doll"}, {"title": None}], "data.order.items[1].title"),
        ([{"title": "Doll", "quantity": -1}], "data.order.items[0].quantity"),
        ([{"title": "Doll", "quantity": 1.5}], "data.order.items[0].quantity"),
        ([{"title": "Doll", "sku": 0}], "data.order.items[0].sku"),
        ([{"title": "Doll", "price": 6.45}], "data.order.items[0].price"),
        (["Doll"], "data.order.items[0]"),
        ([{"title": "Doll"}] * (LONGEST_LIST + 1), "data.order.items"),
    ],
)
def test_a_mistake_inside_a_list_names_its_place(items: list[object], field: str) -> None:
    assert refusal(with_field("order", "items", items)).field == field


@pytest.mark.parametrize("data", [{}, {"shop": None}, {"shop": 5}, {"shop": ""}])
def test_the_shop_is_required(data: dict[str, object]) -> None:
    assert refusal(document(data=data)).field == "data.shop"


@pytest.mark.parametrize("section", ["order", "buyer", "shipment", "dispute", "review", "message", "refund"])
@pytest.mark.parametrize("wrong", [None, [], "text", 5])
def test_a_section_is_an_object(section: str, wrong: object) -> None:
    assert refusal(document(data={"shop": "toys", section: wrong})).field == f"data.{section}"


def test_a_derived_type_cannot_be_sent() -> None:
    assert "follows from other events" in refusal(document(type="order.delivered")).problem


def test_an_unknown_type_is_kept_and_not_read() -> None:
    read = parse_event(document(type="order.gift-wrapped", data={"shop": "toys", "wrapping": {"colour": 5}}))

    assert (read.type, read.order, read.is_known, read.data) == ("order.gift-wrapped", "8134", False, {})


def test_an_unknown_type_still_names_its_order() -> None:
    assert refusal(document(type="shipment.teleported", subject=None)).field == "subject"


@pytest.mark.parametrize("type_", sorted(KNOWN_TYPES))
def test_every_known_type_is_read(type_: str) -> None:
    assert parse_event(document(type_)).is_known


@pytest.mark.parametrize("type_", sorted(SHIPMENT_TYPES))
def test_a_shipment_event_names_its_parcel(type_: str) -> None:
    for data in ({"shop": "toys"}, {"shop": "toys", "shipment": {"previous_number": "RR0CN"}}):
        assert refusal(document(type_, data=data)).field == "data.shipment.number"
    assert parse_event(document(type_, data={"shop": "toys", "shipment": {"id": "P1"}})).tracking_number == "P1"


def test_a_shipment_event_may_leave_out_its_order() -> None:
    read = parse_event(document("shipment.delivered", subject=None))

    assert (read.order, read.tracking_number) == (None, "RR1CN")


def test_a_shipment_event_without_order_and_parcel_is_refused() -> None:
    assert refusal(document("shipment.delivered", subject=None, data={"shop": "toys"})).field == "subject"


@pytest.mark.parametrize("type_", ["message.received", "message.answered", "conversation.closed", "buyer.unsubscribed"])
def test_a_buyers_event_names_an_order_or_a_buyer(type_: str) -> None:
    assert refusal(document(type_, subject=None)).field == "subject"
    for buyer in ({"id": "b-1"}, {"email": "anna@example.com"}):
        assert parse_event(document(type_, subject=None, data={"shop": "toys", "buyer": buyer})).order is None


@pytest.mark.parametrize("type_", ["order.paid", "dispute.opened", "refund.issued", "review.posted"])
def test_an_event_of_an_order_names_it(type_: str) -> None:
    assert refusal(document(type_, subject=None)).field == "subject"


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_null_clears_any_field(section: str) -> None:
    told = dict.fromkeys(SECTIONS[section])

    assert parse_event(document(data={"shop": "toys", section: told})).data[section] == told


def test_no_two_events_share_a_name() -> None:
    refs = {event("order.paid", source=source, id_=id_).ref for source, id_ in NAMES}

    assert len(refs) == len(NAMES)


NAMES = [("erp", "x#1"), ("erp#x", "1"), ("erp%23x", "1"), ("erp%2523x", "1"), ("erp", "x%231"), ("erp", "1")]


def test_a_name_is_the_source_and_the_id() -> None:
    assert event("order.paid", source="aliexpress/toys", id_="e-1").ref == "aliexpress/toys#e-1"


def test_texts_at_the_limit_are_kept() -> None:
    text = "ж" * LONGEST_TEXT

    assert parse_event(with_field("review", "text", text)).data["review"]["text"] == text
    assert parse_event(document(id="x" * LONGEST_NAME)).id == "x" * LONGEST_NAME


def test_a_very_deep_document_is_only_refused() -> None:
    deep: object = []
    for _ in range(5000):
        deep = [deep]

    assert refusal(deep).field == ""
    assert refusal(with_field("buyer", "name", deep)).field == "data.buyer.name"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=12)
    | st.sampled_from(
        ["2026-03-02T10:15:00Z", "12.90", "a@b.example", "https://a.example", "delivered", "\ud800", "\x00"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=6) | st.sampled_from(sorted(SECTIONS)), inner, max_size=3)
    ),
    max_leaves=8,
)
field_names = st.sampled_from(sorted({name for readers in SECTIONS.values() for name in readers}))
some_sections = st.dictionaries(
    st.sampled_from(sorted(SECTIONS)), st.dictionaries(field_names, json_values, max_size=4) | json_values, max_size=3
)
envelopes = st.fixed_dictionaries(
    {
        "specversion": st.just("1.0") | json_values,
        "id": st.just("e-1") | json_values,
        "source": st.just("erp") | json_values,
        "type": st.sampled_from(sorted(KNOWN_TYPES)) | json_values,
        "time": st.just("2026-03-02T10:15:00Z") | json_values,
        "subject": st.just("8134") | json_values,
        "data": some_sections.map(lambda found: {"shop": "toys", **found}) | json_values,
    }
)


def is_refused_or_read(told: object) -> bool:
    try:
        read = parse_event(told)
    except EventError as error:
        return str(error).encode("utf-8") != b""
    return read.time.tzinfo is UTC


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_any_json_is_read_or_refused(told: object) -> None:
    assert is_refused_or_read(told)


@settings(max_examples=200, deadline=None)
@given(envelopes)
def test_anything_like_an_event_is_read_or_refused(told: dict[str, object]) -> None:
    assert is_refused_or_read(told)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([(section, field) for section in SECTIONS for field in SECTIONS[section]]), json_values)
def test_any_value_of_any_field_is_read_or_refused(place: tuple[str, str], value: object) -> None:
    assert is_refused_or_read(with_field(*place, value))


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001  # the offset is drawn beside it
def test_an_instant_survives_any_offset(wall: datetime, minutes: int) -> None:
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    told = json.loads(json.dumps(document(time=f"{wall.isoformat()}{sign}{hours:02}:{rest:02}")))

    assert parse_event(told).time == wall.replace(tzinfo=UTC) - timedelta(minutes=minutes)
