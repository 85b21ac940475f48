"""What each way of refusing a call asks for."""

from __future__ import annotations

import pytest

from messenger.platforms.aliexpress.failures import Trouble, refusal_of, refusal_within

T = Trouble


def told(code: object, sub_code: str = "", sub_msg: str = "", msg: str = "no") -> dict[str, object]:
    return {"error_response": {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg, "request_id": "r"}}


@pytest.mark.parametrize(("code", "sub_code", "sub_msg", "expected"), [
    *(pytest.param(code, "", "", T.THROTTLED, id=f"{code}") for code in (4, 5, 6, 7, 8, "ApiCallLimit", "AppCallLimit")),
    pytest.param(7, "accesscontrol.limited-by-api-access-count", "This ban will last for 1 more seconds", T.THROTTLED, id="a moment"),
    pytest.param(7, "accesscontrol.limited-by-api-access-count", "This ban will last for 40000 more seconds", T.SPENT, id="a long ban"),
    pytest.param(7, "accesscontrol.limited-by-app-access-count", "", T.SPENT, id="the app's calls of a day"),
    pytest.param("AppCallLimit", "", "daily quota exceeded", T.SPENT, id="so it says"),
    pytest.param("ApiCallLimit", "", "the limit of 5000 per day is reached", T.SPENT, id="so it says too"),
    pytest.param(10, "", "", T.PASSING, id="10"),
    pytest.param(15, "isp.remote-service-timeout", "", T.PASSING, id="15, their trouble"),
    pytest.param(15, "isv.order-not-exist", "", T.DATA, id="15, ours"),
    pytest.param(15, "", "", T.PASSING, id="15, nobody's"),
    *(pytest.param(code, "", "", T.LOGIN, id=f"{code}") for code in (26, 27, 53, "IllegalAccessToken", "IllegalRefreshToken")),
    *(pytest.param(code, "", "", T.PERMISSION, id=f"{code}") for code in (11, 12, 13, 42, "InsufficientPermission")),
    *(pytest.param(code, "", "", T.REQUEST, id=f"{code}") for code in
      (9, 21, 22, 23, 24, 25, 28, 29, 30, 31, 32, 33, 34, 43, "IncompleteSignature", "InvalidApiPath")),
    *(pytest.param(code, "", "", T.DATA, id=f"{code}") for code in (40, 41)),
    pytest.param(50, "isv.anything", "", T.DATA, id="any isv"),
    pytest.param(50, "isp.anything", "", T.PASSING, id="any isp"),
    pytest.param(999, "", "", T.DATA, id="nobody knows it"),
])  # fmt: skip
def test_refusals_of_business_calls(code: object, sub_code: str, sub_msg: str, expected: Trouble) -> None:
    found = refusal_of(told(code, sub_code, sub_msg))

    assert found is not None
    assert found.trouble is expected
    assert found.code == str(code)


def test_how_long_a_ban_lasts_is_kept() -> None:
    found = refusal_of(told(7, "accesscontrol.limited-by-api-access-count", "This ban will last for 7 more seconds"))

    assert found is not None
    assert found.again_after == 7


@pytest.mark.parametrize(("answer", "expected"), [
    pytest.param({"code": "0", "access_token": "x"}, None, id="well"),
    pytest.param({"code": "IllegalAccessToken", "type": "ISV", "message": "no"}, T.LOGIN, id="token"),
    pytest.param({"code": "ServiceTimeout", "type": "ISP", "message": "no"}, T.PASSING, id="their trouble"),
    pytest.param({"code": "Anything", "type": "SYSTEM", "message": "no"}, T.PASSING, id="their system"),
    pytest.param({"code": "Anything", "type": "ISV", "message": "no"}, T.DATA, id="ours"),
    pytest.param({"code": "InvalidApiPath", "type": "ISV", "message": "no"}, T.REQUEST, id="no such call"),
    pytest.param({"a_response": {"code": "5"}}, None, id="a code inside an answer is none of a failure"),
])  # fmt: skip
def test_refusals_of_system_calls(answer: dict[str, object], expected: Trouble | None) -> None:
    found = refusal_of(answer)

    assert (found and found.trouble) == expected


@pytest.mark.parametrize("result", [
    {"success": False, "error_code": "isv.x", "error_message": "not so"},
    {"is_success": "false", "error_code": "isv.x", "error_msg": "not so"},
    {"result_success": False, "error_code": "isv.x", "error_desc": "not so"},
])  # fmt: skip
def test_a_failure_inside_a_good_answer(result: dict[str, object]) -> None:
    found = refusal_within(result)

    assert found is not None
    assert (found.trouble, str(found)) == (T.DATA, "isv.x not so")


@pytest.mark.parametrize("result", [{}, {"success": True}, {"is_success": "true", "error_code": 0}])
def test_no_failure_inside_an_answer(result: dict[str, object]) -> None:
    assert refusal_within(result) is None
