"""What comes back is read by its fields or by its words, and nothing that a stranger writes upsets the reader."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messenger.domain.reports import Kind
from messenger.mail.bounces import LARGEST, read_reports
from tests.bounce_forms import FORMS
from tests.bounce_samples import BUYER, ID, SAMPLES, Sample, complaint, dsn, failed, plain

ALL = [*SAMPLES, *FORMS]


@pytest.mark.parametrize("sample", ALL, ids=lambda one: one.name)
def test_a_report_is_read(sample: Sample) -> None:
    (found,) = read_reports(sample.raw)

    assert (found.kind, found.recipient, found.status, found.code) == (
        sample.kind, sample.recipient, sample.status, sample.code
    )  # fmt: skip
    if sample.kind in (Kind.BOUNCE, Kind.DELAY):
        assert ID in found.message_ids


def test_each_recipient_of_a_report_is_told_by_itself() -> None:
    both = (
        failed("5.1.1", "smtp; 550 no")
        + "\n"
        + failed("4.2.2", "smtp; 452 full", action="delayed", recipient="ben@x.example")
    )

    found = read_reports(dsn(both))

    assert [(one.kind, one.recipient) for one in found] == [
        (Kind.BOUNCE, BUYER), (Kind.DELAY, "ben@x.example")
    ]  # fmt: skip


def test_a_complaint_names_the_message_and_the_way_back() -> None:
    (found,) = read_reports(complaint(mail_from="b-42-6f7fb12652@bounce.example.com"))

    assert (found.kind, found.recipient, found.words) == (Kind.COMPLAINT, BUYER, "abuse")
    assert found.return_paths[0] == "b-42-6f7fb12652@bounce.example.com"
    assert found.message_ids == (ID,)


def test_not_spam_is_no_complaint() -> None:
    (found,) = read_reports(complaint(kind="not-spam"))

    assert found.kind is Kind.AUTOMATIC


def test_the_envelope_id_is_read_from_xtext() -> None:
    (found,) = read_reports(
        dsn(failed("5.1.1", "smtp; 550"), common="Original-Envelope-Id: 0d72+2Bac\nReporting-MTA: dns; x\n")
    )

    assert found.envelope_id == "0d72+ac"


def test_a_wish_to_unsubscribe_is_read_from_the_subject() -> None:
    (found,) = read_reports(
        plain("From: ana@buyer.example\nSubject: Unsubscribe AQGPWWYrQePj5Xax5JyC-HehdG95c3_PG2haSMY7BtITopvXqR0", "")
    )

    assert (found.kind, found.token) == (Kind.UNSUBSCRIBE, "AQGPWWYrQePj5Xax5JyC-HehdG95c3_PG2haSMY7BtITopvXqR0")


def test_every_address_a_mail_came_to_may_be_the_way_back() -> None:
    raw = b"Delivered-To: b-42-6f7fb12652@bounce.example.com\nX-Original-To: <other@x.example>\n" + SAMPLES[0].raw

    (found,) = read_reports(raw)

    assert {"b-42-6f7fb12652@bounce.example.com", "other@x.example", "care@sunny-toys.example"} <= set(
        found.return_paths
    )


@given(st.binary(max_size=4000))
def test_no_bytes_upset_the_reader(raw: bytes) -> None:
    assert len(read_reports(raw)) >= 1


@given(st.integers(0, len(ALL) - 1), st.integers(0, 2**32))
def test_no_damage_upsets_the_reader(which: int, seed: int) -> None:
    chance = random.Random(seed)
    raw = bytearray(ALL[which].raw or b"x")
    for _ in range(chance.randint(1, 30)):
        place = chance.randrange(len(raw))
        match chance.randrange(3):
            case 0:
                raw[place] = chance.randrange(256)
            case 1:
                del raw[place : place + chance.randint(1, 50)]
            case _:
                raw[place:place] = bytes(raw[: chance.randint(1, 200)])
        raw = raw or bytearray(b"x")

    found = read_reports(bytes(raw))

    assert 1 <= len(found) <= 100
    assert all(len(one.words) <= 500 for one in found)


def test_a_mail_without_end_is_read_within_bounds() -> None:
    nested = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (depth, depth) for depth in range(500)
    )
    wide = b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\nContent-Type: text/plain\n\nx\n" * 20_000
    many = dsn("\n".join(failed("5.1.1", "smtp; 550", recipient=f"b{number}@x.example") for number in range(3000)))

    assert len(read_reports(nested)) == 1
    assert len(read_reports(wide)) == 1
    assert len(read_reports(many)) == 100
    assert len(read_reports(SAMPLES[0].raw + b"x" * (3 * LARGEST))) == 1


ROBOT = b"From: MAILER-DAEMON@x.example\nReturn-Path: <>\nSubject: failure notice\n\n"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(ROBOT + b"\n" * 100_000, id="empty lines"),
        pytest.param(ROBOT + b">\n" * 100_000, id="quoted empty lines"),
        pytest.param(ROBOT + b"a@b" + b" " * 200_000 + b"x\n", id="an address and blanks"),
        pytest.param(ROBOT + b"<a@" * 300_000, id="brackets"),
        pytest.param(b"To: a@b.c\n" * 50_000 + b"\nx", id="recipients"),
        pytest.param(b"Content-Type: text/plain; " + b"a*0*=x;" * 200_000 + b"\n\nx", id="parameters on one line"),
        pytest.param(b"Content-Type: text/plain;" + b"\n a*0*=x;" * 100_000 + b"\n\nx", id="parameters on many lines"),
        pytest.param(b"Subject: " + b"=?utf-8?q?a?=" * 150_000 + b"\n\nx", id="encoded words"),
    ],
)
def test_what_should_take_minutes_is_read_at_once(raw: bytes) -> None:
    assert len(read_reports(raw)) == 1


@pytest.mark.parametrize("end", ["-", "_", "-_-", "Z"])
def test_a_token_is_read_to_its_end(end: str) -> None:
    token = "AQGPWWYrQePj5Xax5JyCHehdG95c3" + end

    (found,) = read_reports(f"From: {BUYER}\nSubject: unsubscribe\n {token}\n\n".encode())

    assert found.token == token
