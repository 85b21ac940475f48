"""CloudEvents over HTTP: the three ways of writing them, and what is refused."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.errors import EventError
from messenger.intake.cloudevents import MOST, header_text, is_cloudevents, read_events

EVENT = {"specversion": "1.0", "id": "e-1", "source": "erp", "type": "order.paid", "data": {"shop": "toys"}}
CE = {"ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "erp", "ce-type": "order.paid"}


def structured(
    event: object = EVENT, kind: str = "application/cloudevents+json; charset=utf-8"
) -> list[dict[str, object]]:
    return read_events({"content-type": kind}, json.dumps(event).encode())


def test_a_structured_event_is_its_body() -> None:
    assert structured() == [EVENT]
    assert structured(kind="Application/CloudEvents+JSON") == [EVENT]


def test_a_batch_is_a_list_and_its_content_type_begins_like_the_other() -> None:
    assert structured([EVENT, EVENT], "application/cloudevents-batch+json") == [EVENT, EVENT]
    assert structured([], "application/cloudevents-batch+json") == []


def test_a_binary_event_is_its_headers_with_the_body_as_data() -> None:
    found = read_events(
        {**CE, "content-type": "application/json", "ce-subject": "8134", "x-other": "1"}, b'{"shop":"toys"}'
    )

    assert found == [EVENT | {"subject": "8134"}]


def test_a_binary_event_may_have_no_data_and_no_content_type() -> None:
    assert read_events(CE, b"") == [{name: EVENT[name] for name in ("specversion", "id", "source", "type")}]


def test_data_may_be_packed_in_base64() -> None:
    packed = {name: value for name, value in EVENT.items() if name != "data"}
    packed["data_base64"] = base64.b64encode(b'{"shop":"toys"}').decode()

    assert structured(packed) == [EVENT]


@pytest.mark.parametrize(("headers", "is_one"), [
    pytest.param({"content-type": "application/cloudevents+json"}, True, id="structured"),
    pytest.param({"content-type": "application/cloudevents-batch+json"}, True, id="batch"),
    pytest.param(CE, True, id="binary"),
    pytest.param({name: text for name, text in CE.items() if name != "ce-id"}, False, id="binary without its id"),
    pytest.param({"content-type": "application/json"}, False, id="plain JSON"),
    pytest.param({}, False, id="nothing"),
])  # fmt: skip
def test_whether_it_is_one_is_seen_by_its_headers(headers: dict[str, str], *, is_one: bool) -> None:
    assert is_cloudevents(headers) is is_one


@pytest.mark.parametrize(("headers", "body", "problem"), [
    pytest.param({"content-type": "application/json"}, b"{}", "holds no CloudEvent", id="no headers of an event"),
    pytest.param({"content-type": "application/cloudevents+xml"}, b"<e/>", "cannot be read", id="XML"),
    pytest.param({"content-type": "application/cloudevents+json"}, b"[]", "an event is a JSON object", id="a list alone"),
    pytest.param({"content-type": "application/cloudevents-batch+json"}, b"{}", "a JSON list", id="an object as a batch"),
    pytest.param({"content-type": "application/cloudevents-batch+json"}, b"[{},1]", r"\[1\]: an event is", id="a number in a batch"),
    pytest.param({"content-type": "application/cloudevents+json"}, b'{"id":"a","id":"b"}', "twice", id="a key twice"),
    pytest.param({"content-type": "application/cloudevents+json"}, b"{" * 100, "is not JSON", id="cut short"),
    pytest.param({"content-type": "application/cloudevents+json"}, b'{"a":' * 100 + b"1" + b"}" * 100, "deeper", id="100 levels"),
    pytest.param({"content-type": "application/cloudevents+json"}, b'{"data":1,"data_base64":"e30="}', "beside", id="data twice"),
    pytest.param({"content-type": "application/cloudevents+json"}, b'{"data_base64":"e3"}', "not base64", id="no base64"),
    pytest.param({"content-type": "application/cloudevents+json"}, b'{"data_base64":"AAAA"}', "data_base64: is not", id="no JSON packed"),
    pytest.param({**CE, "content-type": "text/plain"}, b"x", '"text/plain" cannot be read', id="data that is no JSON"),
    pytest.param({**CE, "ce-datacontenttype": "application/json"}, b"{}", "must not be there", id="the content type twice"),
    pytest.param({**CE, "ce-my_name": "x"}, b"{}", "small letters and digits", id="an attribute that cannot be one"),
    pytest.param({**CE, "ce-subject": "%C0%A0"}, b"{}", "ce-subject: is not UTF-8", id="UTF-8 that is none"),
])  # fmt: skip
def test_it_is_refused_for(headers: dict[str, str], body: bytes, problem: str) -> None:
    with pytest.raises(EventError, match=problem):
        read_events(headers, body)


def test_a_batch_has_an_end() -> None:
    with pytest.raises(EventError, match=f"{MOST} events at most, this one {MOST + 1}"):
        structured([{}] * (MOST + 1), "application/cloudevents-batch+json")


@pytest.mark.parametrize(("value", "text"), [
    pytest.param("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀", id="the euro and a face"),
    pytest.param(
        "%D0%9F%D0%BE%D1%81%D1%8B%D0%BB%D0%BA%D0%B0%20%22A%22%20100%25", 'Посылка "A" 100%', id="Cyrillic, quotes, a percent sign",
    ),
    pytest.param("euro%e2%82%ac", "euro€", id="small hexadecimal letters"),
    pytest.param("%61%62c", "abc", id="encoded without need"),
    pytest.param("%2541", "%41", id="undone once only"),
    pytest.param('"quoted \\"text\\" \\\\"', 'quoted "text" \\', id="an older sender's quotes"),
    pytest.param('"Euro%20%E2%82%AC"', "Euro €", id="quotes around encoded text"),
    pytest.param("plain text", "plain text", id="a bare space"),
    pytest.param("", "", id="empty"),
])  # fmt: skip
def test_a_header_stands_for(value: str, text: str) -> None:
    assert header_text(value) == text


@pytest.mark.parametrize("value", ["%C0%A0", "%FF", "100%", "%zz", "%2", "é", "a\x00b", "a\tb"])
def test_a_header_is_refused(value: str) -> None:
    with pytest.raises(EventError):
        header_text(value)


@given(st.text(st.characters(codec="utf-8")))
def test_what_a_sender_encodes_is_what_we_read(text: str) -> None:
    assert header_text(quote(text, safe="")) == text
