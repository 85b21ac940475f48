"""JSON of strangers: one meaning, bounded depth, and every refusal says what is wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.json_text import DEEPEST, parsed
from messenger.errors import EventError

TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(value=JSON, is_ascii=st.booleans())
def test_what_is_json_is_read_as_every_reader_does(value: object, *, is_ascii: bool) -> None:
    assert parsed(json.dumps(value, ensure_ascii=is_ascii).encode()) == value


def nested(levels: int, opening: str = '{"a":', inner: str = "1", closing: str = "}") -> bytes:
    return (opening * levels + inner + closing * levels).encode()


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")])
def test_only_so_many_levels_are_read(opening: str, closing: str) -> None:
    assert parsed(nested(DEEPEST, opening, closing=closing)) is not None
    for levels in (DEEPEST + 1, 100, 5_000, 100_000):
        with pytest.raises(EventError, match="deeper than 32 levels"):
            parsed(nested(levels, opening, closing=closing))


def test_an_empty_list_is_a_level_too() -> None:
    with pytest.raises(EventError, match="deeper"):
        parsed(nested(DEEPEST, "[", inner="[]", closing="]"))


@pytest.mark.parametrize(("text", "problem"), [
    pytest.param(b"", "is not JSON", id="nothing"),
    pytest.param(b'{"a":1', "is not JSON", id="cut short"),
    pytest.param(b'{"a":1}{', "is not JSON", id="something after it"),
    pytest.param(b"{'a':1}", "is not JSON", id="other quotes"),
    pytest.param(b'{"a":1,"a":2}', "names the key 'a' twice", id="a key twice"),
    pytest.param(b'{"x":{"a":1,"\\u0061":2}}', "names the key 'a' twice", id="a key twice, written differently"),
    pytest.param(b'{"a":NaN}', "holds NaN", id="NaN"),
    pytest.param(b'{"a":-Infinity}', "holds -Infinity", id="infinity"),
    pytest.param(b'{"a":"\xff"}', "is not UTF-8", id="no UTF-8"),
    pytest.param('{"a":1}'.encode("utf-16"), "is not UTF-8", id="UTF-16"),
    pytest.param(b"1" * 5000, "is not JSON that can be used", id="a number of thousands of digits"),
])  # fmt: skip
def test_everything_else_is_refused(text: bytes, problem: str) -> None:
    with pytest.raises(EventError, match=problem):
        parsed(text)


def test_a_byte_order_mark_is_no_harm() -> None:
    assert parsed(b'\xef\xbb\xbf{"a":1}') == {"a": 1}
