"""One e-mail address and nothing else: what a mail library would repair is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messenger.domain.addresses import is_email_address

GOOD = [
    "a@b.co", "anna@example.com", "anna.maria@example.com", "anna+toys@example.com", "a_b-c@example.com",
    "o'brien@example.ie", "1234@qq.com", "a@163.com", "A.B@EXAMPLE.COM", "a@sub.sub.example.co.uk", "a@a-b.example",
    "!#$%&'*+-/?=^_`{|}~@example.com", "a@1and1.example", "a@x.museum", "x@example.c1", "иван@почта.рф", "josé@example.com",
    "用户@例子.广告", "अजय@डाटा.भारत", "อีเมลทดสอบ@ยูเอทดสอบ.ไทย", "dörte@sörensen.example", "θσερ@εχαμπλε.ψομ", "a@xn--e1afmkfd.xn--p1ai",
    "a@bücher.example", f"{'a' * 64}@example.com", f"a@{'b' * 63}.example", "a@b.c.d.e.f.g", "a--b@example.com", "1@2.example",
    f"a@{'.'.join(['b' * 49] * 5)}.ex",
]  # fmt: skip
BAD = [
    "", " ", "@", "a", "a@", "@b.co", "a b@b.co", " a@b.co", "a@b.co ", "a@b", "a@localhost", "a@b..co", "a@.b.co", "a@b.co.",
    ".a@b.co", "a.@b.co", "a..b@b.co", "a@@b.co", "a@b@c.co", "a@-b.co", "a@b-.co", "a@b_c.co", "a@1.2.3.4", "a@[1.2.3.4]",
    "a@[IPv6:::1]", "a@b.123", '"a b"@b.co', '"a"@b.co', "a(x)@b.co", "a@b.co(x)", "Anna <a@b.co>", "<a@b.co>", "a@b.co,c@d.co",
    "a@b.co;c@d.co", "a@b.co c@d.co", "mailto:a@b.co", "a\\@b.co", "a:b@b.co", "a@b.co\n", "a@b.co\r\nRSET", "a@b.co\nBcc: c@d.co",
    "a\r\n@b.co", "a\t@b.co", "a\x00@b.co", "a@b.co\x00", "a\x1b[31m@b.co", "a\x7f@b.co", "a\x85@b.co", "a\xa0@b.co", "a\u2028@b.co",
    "a\u200b@b.co", "a\u202e@b.co", "a\u2060b@b.co", "a\xadb@b.co", "\ufeffa@b.co", "a@b\u200d.co", "a@b\u3002co", "a@b.co BODY=8BITMIME",
    "\ud800@b.co", "a@\udfff.co", "a@b.co\udc80", "=?utf-8?q?a?=@b.co", "a=?b@b.co", "a@=?utf-8?q?b?=.co", "a@b/c.co", "a@b,co",
    "a@b!c.co", "a@%62.co", "a@b:25.co", f"{'a' * 65}@b.co", f"{'ж' * 33}@b.co", f"a@{'b' * 64}.co", f"a@{'é' * 63}.example",
    f"a@{'.'.join(['b' * 60] * 5)}.co", f"{'a' * 64}@{'.'.join(['b' * 60] * 3)}.example.co", "a@\u0301b.co", "a@cafe\u0301.example",
    "a@२.१२", "a@−b.co", "a@b.c_o",
]  # fmt: skip


@pytest.mark.parametrize("address", GOOD)
def test_an_address_is_accepted(address: str) -> None:
    assert is_email_address(address)


@pytest.mark.parametrize("address", BAD, ids=range(len(BAD)))
def test_anything_else_is_refused(address: str) -> None:
    assert not is_email_address(address)


@settings(max_examples=500, deadline=None)
@given(st.text(st.characters(), max_size=20), st.sampled_from(GOOD), st.integers(0, 30))
def test_what_is_accepted_can_stand_in_a_command(piece: str, address: str, place: int) -> None:
    candidate = address[:place] + piece + address[place:]

    if is_email_address(candidate):
        assert candidate.isprintable()
        assert not set(candidate) & set(' <>,;:"()[]\\')
        assert candidate.count("@") == 1
        assert len(candidate.encode("utf-8")) <= 254
