"""What comes back: told from forgeries, written down once, and followed by what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from messenger.domain.messages import Category, FrozenMessage, Key, Outcome, PlannedMessage, Reason, Receipt, State
from messenger.domain.refusals import Remedy
from messenger.domain.reports import Kind
from messenger.domain.suppressions import Cause, address_key
from messenger.domain.verp import address_for
from messenger.mail.bounces import read_reports
from messenger.services.feedback import Done, Feedback
from messenger.services.tokens import unsubscribe_token
from tests.bounce_samples import complaint, dsn, failed, plain
from tests.stage import Stage, shipped, stage

RULES = '\n[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Stage]:
    made = stage(tmp_path)
    made.rules(RULES)
    yield made
    made.close()


class Desk:
    """Takes feedback of a shop in, and remembers what people were told."""

    def __init__(self, shop: Stage, *, diverted: tuple[str, ...] = ()) -> None:
        self.told: list[tuple[str, str]] = []
        self.store = shop.engine.store
        self.feedback = Feedback(
            self.store, shop.engine.home, shop.clock, read=read_reports, alarm=self.alarm, diverted=diverted
        )

    def alarm(self, *, kind: str, subject: str, shop: str, detail: str) -> None:  # noqa: ARG002  # the protocol's
        self.told.append((kind, detail))

    def about(self, row: PlannedMessage, status: str, words: str, **more: str) -> bytes:
        """A delivery report that a server wrote about this message."""
        raw = dsn(failed(status, f"smtp; {words}", **more))
        return raw.replace(b"0d72ac4127c191d4493d4d909432fb85@sunny-toys.example", (row.message_id or "").encode())

    def causes(self) -> list[tuple[str, str, str]]:
        return [(one.cause, one.shop, one.category) for one in self.store.suppressions()]


def sent(shop: Stage, order: str = "1") -> PlannedMessage:
    shop.ingest(*shipped(order))
    shop.run()
    row = shop.row(order=order)
    assert row.state is State.SENT
    return row


def test_a_mailbox_that_is_not_there_is_never_written_to_again(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop)

    (done,) = desk.feedback.take(desk.about(row, "5.1.1", "550 5.1.1 <b1@example.com> unknown"), source="bounces")

    assert (done.remedy, done.suppressed) == (Remedy.SUPPRESS, 1)
    assert shop.row().state is State.BOUNCED
    assert shop.row().because == "5.1.1 550 5.1.1 <<address>> unknown"
    assert desk.causes() == [("hard_bounce", "", "")]
    (one,) = desk.store.suppressions()
    assert (one.address, one.hint) == (address_key(desk.store.secret("addresses"), "b1@example.com"), "b…@example.com")
    shop.ingest(*shipped("2", buyer="b1"))
    shop.run()
    assert shop.row(order="2").reason is Reason.SUPPRESSED


def test_the_same_mail_twice_changes_nothing(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop)
    raw = desk.about(row, "5.1.1", "550 gone")
    desk.feedback.take(raw, source="bounces")

    (again,) = desk.feedback.take(raw, source="pipe")

    assert not again.is_new
    assert len(desk.causes()) == 1


def test_a_strangers_word_suppresses_nobody(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop)
    forged = address_for(row.id, domain="bounce.example", secret=b"guessed")

    for raw in (
        dsn(failed("5.1.1", "smtp; 550", recipient="b1@example.com")),
        b"Delivered-To: " + forged.encode() + b"\n" + dsn(failed("5.1.1", "smtp; 550", recipient="b1@example.com")),
        complaint().replace(b"ana@buyer.example", b"b1@example.com"),
    ):
        (done,) = desk.feedback.take(raw, source="bounces")
        assert (done.message, done.is_proved, done.suppressed) == (shop.row(), False, 0)
    assert desk.causes() == []
    assert desk.told == []
    assert shop.row().state is State.SENT


def test_a_report_about_nobody_we_wrote_to_is_only_kept(shop: Stage) -> None:
    sent(shop)
    desk = Desk(shop)

    (done,) = desk.feedback.take(dsn(failed("5.1.1", "smtp; 550", recipient="x@else.example")), source="bounces")

    assert (done.message, done.is_new) == (None, True)
    assert desk.feedback.take(dsn(failed("5.1.1", "smtp; 550", recipient="x@else.example")), source="x") == [
        Done(kind=Kind.BOUNCE, is_new=False)
    ]


def test_whoever_had_a_message_cannot_have_somebody_else_suppressed(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop)

    desk.feedback.take(desk.about(row, "5.1.1", "550 gone", recipient="victim@example.com"), source="bounces")

    assert [one.hint for one in desk.store.suppressions()] == ["b…@example.com"]


def test_what_a_server_gave_up_on_has_come_back_though_the_trouble_was_temporary(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop)

    (done,) = desk.feedback.take(desk.about(row, "4.4.7", "451 4.4.7 queue time expired"), source="bounces")

    assert (shop.row().state, done.remedy, desk.causes()) == (State.BOUNCED, Remedy.WAIT, [])


def test_the_same_message_refused_twice_counts_once_and_our_own_faults_never(shop: Stage) -> None:
    desk = Desk(shop)
    for number in (1, 2, 3):
        shop.ingest(*shipped(str(number), buyer="b1", at=f"{shop.clock.now():%Y-%m-%dT%H:%M}"))
        shop.run()
        shop.at(shop.clock.now() + timedelta(days=2))
    first, second, third = (shop.row(order=str(number)) for number in (1, 2, 3))

    desk.feedback.take(desk.about(first, "5.7.26", "550 no DKIM"), source="bounces")
    desk.feedback.take(desk.about(second, "5.3.0", "550 trouble"), source="bounces")
    desk.feedback.take(desk.about(second, "5.3.0", "550 trouble, told again"), source="bounces")
    assert desk.causes() == []
    desk.feedback.take(desk.about(third, "5.3.0", "550 trouble"), source="bounces")
    assert desk.causes() == [("soft_bounces", "", "")]


def test_a_signed_way_back_names_the_message_and_the_letter_names_whom_it_was_for(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop)
    way = address_for(row.id, domain="bounce.example", secret=desk.store.secret("bounces"))
    raw = (
        b"Delivered-To: "
        + way.encode()
        + b"\n"
        + dsn(failed("5.1.1", "smtp; 550 gone", recipient="forwarded@else.example"))
    )

    (done,) = desk.feedback.take(raw, source="bounces")

    assert done.message is not None
    assert [one.hint for one in desk.store.suppressions()] == ["b…@example.com"]


def test_what_may_pass_is_counted_and_suppressed_for_a_while(shop: Stage) -> None:
    desk = Desk(shop)
    for number in range(1, 6):
        shop.ingest(*shipped(str(number), buyer="b1", at=f"{shop.clock.now():%Y-%m-%dT%H:%M}"))
        shop.run()
        assert desk.causes() == []
        desk.feedback.take(desk.about(shop.row(order=str(number)), "5.2.2", "552 5.2.2 full"), source="bounces")
        shop.at(shop.clock.now() + timedelta(days=2))

    (one,) = desk.store.suppressions()
    assert one.cause is Cause.SOFT_BOUNCES
    assert one.until is not None
    assert one.until - one.since == timedelta(days=90)


def test_a_delay_is_only_written_down(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop)

    (done,) = desk.feedback.take(desk.about(row, "4.4.1", "451 timed out", action="delayed"), source="bounces")

    assert (done.kind, shop.row().state, desk.causes()) == (Kind.DELAY, State.SENT, [])


def test_a_complaint_ends_what_is_not_about_the_order_itself(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop)
    raw = complaint().replace(b"0d72ac4127c191d4493d4d909432fb85@sunny-toys.example", (row.message_id or "").encode())

    desk.feedback.take(raw, source="bounces")

    assert shop.row().state is State.COMPLAINED
    assert desk.causes() == [("complaint", "toys", "promotional"), ("complaint", "toys", "relational")]


@pytest.mark.parametrize(
    ("status", "kind"), [("5.7.26", "sender"), ("5.1.8", "sender"), ("5.3.4", "content"), ("5.7.1", "sender")]
)
def test_what_is_not_the_buyers_fault_is_told_and_suppresses_nobody(shop: Stage, status: str, kind: str) -> None:
    row, desk = sent(shop), Desk(shop)

    desk.feedback.take(desk.about(row, status, f"550 {status} no"), source="bounces")

    assert [one for one, _ in desk.told] == [kind]
    assert desk.causes() == []
    assert shop.row().state is State.BOUNCED


def test_a_refusal_at_the_door_has_the_same_consequences(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop)
    content = FrozenMessage(
        key=Key("toys", "shipped", "1", 1), sender="s@x.example", recipient="b1@example.com", content=b""
    )

    desk.feedback.refused(
        row, content, Receipt(outcome=Outcome.PERMANENT, reply="550 5.1.1 unknown", code=550, status="5.1.1")
    )
    desk.feedback.refused(
        row, content, Receipt(outcome=Outcome.PERMANENT, reply="550 5.1.1 unknown", code=550, status="5.1.1")
    )

    assert desk.causes() == [("hard_bounce", "", "")]


def test_one_refusal_told_twice_counts_once(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop)
    content = FrozenMessage(
        key=Key("toys", "shipped", "1", 1), sender="s@x.example", recipient="b1@example.com", content=b""
    )
    refusal = Receipt(outcome=Outcome.PERMANENT, reply="554 5.3.0 trouble", code=554, status="5.3.0")

    for _ in range(3):
        desk.feedback.refused(row, content, refusal)

    assert desk.causes() == []


def test_a_wish_by_mail_is_granted_and_a_made_up_one_is_not(shop: Stage) -> None:
    desk = Desk(shop)
    token = unsubscribe_token(
        desk.store.secret("unsubscribe"), shop="toys", category=Category.RELATIONAL, address="b1@example.com",
        addresses=desk.store.secret("addresses"),
    )  # fmt: skip

    desk.feedback.take(plain(f"From: b1@example.com\nSubject: unsubscribe {token[:-3]}AAA", "please"), source="bounces")
    assert desk.causes() == []
    desk.feedback.take(plain(f"From: b1@example.com\nSubject: unsubscribe {token}", "please"), source="bounces")
    assert desk.causes() == [("unsubscribed", "toys", "relational")]


def test_too_many_bounces_of_a_day_are_told(shop: Stage) -> None:
    desk = Desk(shop)
    for number in range(1, 22):
        shop.ingest(*shipped(str(number)))
    shop.run()
    for number in (1, 2):
        desk.feedback.take(desk.about(shop.row(order=str(number)), "5.1.1", "550 gone"), source="bounces")

    assert desk.told == [("bounces", "2 of 21 in a day")]


def test_what_went_elsewhere_for_trying_out_says_nothing_about_the_buyer(shop: Stage) -> None:
    row, desk = sent(shop), Desk(shop, diverted=("main",))
    content = FrozenMessage(key=row.key, sender="s@x.example", recipient="b1@example.com", content=b"")

    desk.feedback.take(desk.about(row, "5.1.1", "550 gone"), source="bounces")
    desk.feedback.refused(row, content, Receipt(outcome=Outcome.PERMANENT, reply="550 5.1.1", code=550, status="5.1.1"))

    assert desk.causes() == []
    assert shop.row().state is State.SENT
