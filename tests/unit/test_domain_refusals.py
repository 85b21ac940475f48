"""What a refusal asks for: every row of the table, and words alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.refusals import PERMANENT, TEMPORARY, Remedy, action_for


@pytest.mark.parametrize(
    ("codes", "remedy", "times"),
    [
        ("5.1.1 5.1.2 5.1.3 5.1.6 5.1.10 5.2.1", Remedy.SUPPRESS, 0),
        ("5.1.0 5.1.4 5.2.4 5.3.0 5.3.1 5.3.2 5.3.5 5.4.1 5.4.4 5.4.7 5.4.6", Remedy.COUNT, 2),
        ("5.2.2 4.2.2", Remedy.COUNT, 5),
        ("5.1.7 5.1.8 5.7.20 5.7.21 5.7.22 5.7.23 5.7.24 5.7.25 5.7.26 5.7.27 4.7.26 4.1.8", Remedy.SENDER, 0),
        ("5.2.3 5.3.4 5.6.0 5.6.1 5.6.7 5.6.9", Remedy.CONTENT, 0),
        ("5.7.0 5.7.1", Remedy.POLICY, 3),
        ("4.7.0 4.7.1", Remedy.POLICY, 0),
        ("5.5.1 5.5.2 5.5.4 5.5.5", Remedy.PROTOCOL, 0),
        ("4.0.0 4.1.1 4.2.1 4.3.0 4.3.2 4.4.1 4.4.7 4.5.3 5.5.3 4.99.99 2.0.0", Remedy.WAIT, 0),
        ("5.7.8", Remedy.ACCOUNT, 0),
    ],
)
def test_a_status_decides(codes: str, remedy: Remedy, times: int) -> None:
    for status in codes.split():
        found = action_for(status=status, code=int(status[0]) * 100 + 50, words="whatever")
        assert (found.remedy, found.times) == (remedy, times), status


def test_an_unknown_detail_keeps_its_subject() -> None:
    assert action_for(status="5.6.77").remedy is Remedy.CONTENT
    assert action_for(status="5.2.77").remedy is Remedy.COUNT
    assert action_for(status="5.77.77").remedy is Remedy.COUNT


@pytest.mark.parametrize(
    ("code", "words", "remedy"),
    [
        (550, "550 No such user here", Remedy.SUPPRESS), (550, "550 user unknown", Remedy.SUPPRESS),
        (550, "invalid mailbox. Local mailbox is unavailable: user not found", Remedy.SUPPRESS),
        (550, "Нет такого пользователя", Remedy.SUPPRESS), (550, "收件人不存在", Remedy.SUPPRESS), (556, "", Remedy.SUPPRESS),
        (550, "El usuario no existe", Remedy.SUPPRESS), (550, "rejected", Remedy.COUNT), (552, "mailbox is full", Remedy.COUNT),
        (554, "邮箱已满", Remedy.COUNT), (0, "", Remedy.COUNT), (450, "user unknown, greylisted", Remedy.WAIT), (421, "", Remedy.WAIT),
        (451, "", Remedy.WAIT), (452, "", Remedy.WAIT), (535, "authentication failed", Remedy.ACCOUNT), (530, "", Remedy.ACCOUNT),
        (534, "", Remedy.ACCOUNT),
    ],
)  # fmt: skip
def test_without_a_status_the_code_and_the_words_decide(code: int, words: str, remedy: Remedy) -> None:
    assert action_for(code=code, words=words).remedy is remedy
    assert action_for(status="5.0.0" if code >= 500 or not code else "4.0.0", code=code, words=words).remedy is remedy


def test_no_row_suppresses_for_what_is_temporary() -> None:
    assert Remedy.SUPPRESS not in {one.remedy for one in TEMPORARY.values()}
    assert {one.remedy for one in PERMANENT.values()} == set(Remedy)


@given(st.text(max_size=30), st.integers(0, 999), st.text(max_size=200))
def test_whatever_a_server_says_there_is_something_to_do(status: str, code: int, words: str) -> None:
    assert action_for(status=status, code=code, words=words).remedy in Remedy
