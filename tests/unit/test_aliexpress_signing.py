"""Signatures of calls: every vector that is known."""

from __future__ import annotations

import pytest

from messenger.platforms.aliexpress.signing import Scheme, chain, signature

SECRET = "helloworld"  # of the vectors
TOP = {
    "app_key": "12345678", "format": "json", "method": "aliexpress.solution.order.get",
    "param0": '{"current_page":1,"page_size":20}', "session": "test-session", "timestamp": "2026-01-02 03:04:05", "v": "2.0",
}  # fmt: skip
SYNC = {
    "app_key": "12345678", "format": "json", "method": "aliexpress.trade.seller.orderlist.get",
    "param_aeop_order_query": '{"current_page":1,"page_size":50,"order_status":"WAIT_SELLER_SEND_GOODS"}',
    "session": "test-session", "sign_method": "sha256", "simplify": "false", "timestamp": "1767323045000",
}  # fmt: skip
REST = {"app_key": "12345678", "sign_method": "sha256", "timestamp": "1767323045000"}


@pytest.mark.parametrize(("scheme", "changes", "expected"), [
    pytest.param("md5", {}, "F4291408448D97B42366E53662A95FAC", id="V1: TOP md5"),
    pytest.param("hmac", {}, "00D3679EE8C14B4D378D9A697DAC9F13", id="V2: TOP hmac"),
    pytest.param("hmac-sha256", {}, "28B7A4FC8C433809D0760427357B340313F3A6BF2EE5D5B26ED6DC1555951E00", id="V3: TOP hmac-sha256"),
    pytest.param("md5", {"param0": '{"note":"Привет, señor 你好"}'}, "CB87F63E63602C11C194F26EAE0B5674", id="V4: UTF-8"),
])  # fmt: skip
def test_calls_through_top(scheme: str, changes: dict[str, str], expected: str) -> None:
    assert signature(Scheme(scheme), SECRET, TOP | {"sign_method": scheme} | changes) == expected


def test_what_is_signed_has_no_separators() -> None:
    assert chain(TOP | {"sign_method": "md5"}) == (
        'app_key12345678formatjsonmethodaliexpress.solution.order.getparam0{"current_page":1,"page_size":20}'
        "sessiontest-sessionsign_methodmd5timestamp2026-01-02 03:04:05v2.0"
    )


@pytest.mark.parametrize(("path", "parameters", "expected"), [
    pytest.param("", SYNC, "271A3623684BDD145F8AF9BFDFF2DF4AB100150F5628621E38BBABBD8BA2AC47", id="V5: sync"),
    pytest.param("/auth/token/create", REST | {"code": "0_abcdef"},
                 "16397BBC1B3AC03BD0615769176D0C01AE2FDB01B6B05B0804A57B80CEB7592A", id="V6: create"),
    pytest.param("/auth/token/refresh", REST | {"refresh_token": "rt-1"},
                 "EC58CD00E247837CB3192A0BAB76A22344D4013F2A66BB8EE40A3B0B22160B45", id="V7: refresh"),
    pytest.param("/test/api", {"foo": "1", "bar": "2", "foo_bar": "3", "foobar": "4"},
                 "BD011266EC150C787B2201495AA2D6F326BB6910DE77E84EA28F5215DCD7FA5E", id="V8: the vendor's sample"),
])  # fmt: skip
def test_calls_through_the_new_gateway(path: str, parameters: dict[str, str], expected: str) -> None:
    assert signature(Scheme.SHA256, SECRET, parameters, path=path) == expected


def test_what_is_empty_and_the_signature_itself_are_left_out() -> None:
    assert chain({"b": "2", "a": "", "sign": "x", "B": "1", "a_c": "3"}) == "B1a_c3b2"
