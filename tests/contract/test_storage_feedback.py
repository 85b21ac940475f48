"""What every store promises about what comes back: reports once, endings that are true, addresses that stay protected."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from messenger.domain.messages import Outcome, State
from messenger.domain.reports import Kind
from messenger.domain.suppressions import Cause, Suppression, address_key
from messenger.ports import KeptReport, OrderKey, Returns
from messenger.storage import SqlStore
from tests.storage_samples import MINUTE, NOW, ORDER, claim, commitment, message, only, plan, result

ANA = address_key(b"secret", "ana@example.com")
BEN = address_key(b"secret", "ben@example.com")
DAY = timedelta(days=1)


def suppression(address: str = ANA, **more: object) -> Suppression:
    plain = Suppression(
        shop="toys", address=address, category="", cause=Cause.HARD_BOUNCE, since=NOW, hint="a…@example.com"
    )
    return replace(plain, **more)  # type: ignore[arg-type]  # fields of a suppression


def report(digest: str = "d1", **more: object) -> KeptReport:
    return replace(
        KeptReport(digest=digest, received_at=NOW, source="bounces", kind=Kind.BOUNCE, address=ANA), **more  # type: ignore[arg-type]  # fields of a report
    )  # fmt: skip


def sent(store: SqlStore, *, message_id: str = "m1@example.com") -> int:
    plan(store, message())
    (row,) = claim(store)
    row = replace(row, message_id=message_id, channel="email", transport="main")
    store.commit([commitment(row)])
    done = result(row, state=State.SENT, outcome=Outcome.ACCEPTED)
    store.record([replace(done, message=replace(done.message, sent_at=NOW))])
    return row.id


def test_a_suppression_keeps_every_field(store: SqlStore) -> None:
    told = suppression(category="relational", cause=Cause.STAFF, until=NOW + DAY, because="she rang", by="Ann")

    assert store.suppress([told]) == 1
    assert list(store.suppressions()) == [told]
    assert store.suppressed([ANA, BEN]) == {ANA: [told]}


def test_a_second_reason_widens_and_never_shortens(store: SqlStore) -> None:
    store.suppress([suppression(until=NOW + DAY)])
    store.suppress([suppression(until=NOW + timedelta(hours=1), since=NOW + MINUTE)])
    assert [one.until for one in store.suppressions()] == [NOW + DAY]

    assert store.suppress([suppression(until=None, since=NOW + MINUTE, cause=Cause.COMPLAINT)]) == 0
    store.suppress([suppression(until=NOW + DAY, since=NOW + 2 * MINUTE)])

    (one,) = store.suppressions()
    assert (one.until, one.since, one.cause) == (None, NOW, Cause.COMPLAINT)


def test_one_that_has_ended_begins_anew(store: SqlStore) -> None:
    store.suppress([suppression(until=NOW + MINUTE)])

    assert store.suppress([suppression(since=NOW + DAY, until=NOW + 2 * DAY)]) == 1
    (one,) = store.suppressions()
    assert (one.since, one.until) == (NOW + DAY, NOW + 2 * DAY)


def test_a_shop_sees_its_own_and_those_of_every_shop(store: SqlStore) -> None:
    store.suppress([suppression(), suppression(shop="books"), suppression(BEN, shop="")])

    assert {(one.shop, one.address) for one in store.suppressions(shop="toys")} == {("toys", ANA), ("", BEN)}


def test_lifting_forgets_what_was_named_and_tells_it(store: SqlStore) -> None:
    store.suppress([suppression(), suppression(category="relational"), suppression(shop="books")])

    gone = store.lift(address=ANA, shop="toys", category="")

    assert [(one.shop, one.category) for one in gone] == [("toys", "")]
    assert len(list(store.suppressions())) == 2
    assert len(store.lift(address=ANA)) == 2
    assert store.lift(address=ANA) == []


def test_a_list_longer_than_a_page_is_complete(store: SqlStore) -> None:
    many = [suppression(address_key(b"secret", f"b{number}@example.com")) for number in range(1200)]
    store.suppress(many)

    assert {one.address for one in store.suppressions()} == {one.address for one in many}


def test_a_report_is_kept_once_and_counted_by_address_and_time(store: SqlStore) -> None:
    assert store.keep_report(report())
    assert not store.keep_report(report())
    store.keep_report(report("d2", received_at=NOW + DAY))
    store.keep_report(report("d3", kind=Kind.DELAY))
    store.keep_report(report("d4", address=BEN))

    assert store.refusals(ANA, since=NOW) == [report("d2", received_at=NOW + DAY), report()]
    assert [one.digest for one in store.refusals(ANA, since=NOW + MINUTE)] == ["d2"]


def test_a_report_keeps_every_field(store: SqlStore) -> None:
    told = report(status="5.2.2", code=552, words="full", shop="toys", outbox_id=7)
    store.keep_report(told)

    assert store.refusals(ANA, since=NOW) == [told]


def test_a_mail_is_found_by_whom_it_went_to_and_when(store: SqlStore) -> None:
    id_ = sent(store)
    with store.begin() as unit:
        unit.describe(ORDER, status="paid", buyer_key="id:b1", email_key="email:ana@example.com", updated_at=NOW)

    found = store.lately_sent("Ana@Example.com", shops=["books", "toys"], since=NOW)
    assert found is not None
    assert found.id == id_
    assert store.lately_sent("Ana@Example.com", shops=["toys"], since=NOW + MINUTE) is None
    assert store.lately_sent("ana@example.com", shops=["books"], since=NOW) is None
    assert store.lately_sent("ben@example.com", shops=["toys"], since=NOW) is None
    assert store.email_of(ORDER) == "ana@example.com"
    assert store.email_of(OrderKey(shop="toys", number="none")) == ""
    store.came_back(id_, state=State.BOUNCED, because="5.1.1", at=NOW)
    assert store.lately_sent("ana@example.com", shops=["toys"], since=NOW) is None


def test_a_message_is_found_by_its_name(store: SqlStore) -> None:
    id_ = sent(store)

    found = store.by_message_id(["other@example.com", "m1@example.com"])
    assert found is not None
    assert found.id == id_
    assert store.by_message_id(["other@example.com"]) is None
    assert store.by_message_id([]) is None


def test_what_was_sent_may_come_back_and_is_recorded(store: SqlStore) -> None:
    id_ = sent(store)

    assert store.came_back(id_, state=State.BOUNCED, because="5.1.1 no such user", at=NOW + DAY)
    assert (only(store).state, only(store).because) == (State.BOUNCED, "5.1.1 no such user")
    assert not store.came_back(id_, state=State.BOUNCED, because="again", at=NOW + DAY)
    assert store.came_back(id_, state=State.COMPLAINED, because="abuse", at=NOW + 2 * DAY)
    assert not store.came_back(id_, state=State.BOUNCED, because="too late", at=NOW + 2 * DAY)
    assert [entry.what for entry in store.record_of(ORDER)][-2:] == ["bounced", "complained"]


def test_what_is_uncertain_and_comes_back_has_left_after_all(store: SqlStore) -> None:
    plan(store, message())
    (row,) = claim(store)
    store.commit([commitment(row)])
    store.rescue(now=NOW + 2 * MINUTE)

    assert store.came_back(row.id, state=State.BOUNCED, because="5.1.1", at=NOW + DAY)
    assert (only(store).state, only(store).resend_at) == (State.BOUNCED, None)
    assert only(store).sent_at is not None


@pytest.mark.parametrize("state", [State.PLANNED, State.SKIPPED, State.CANCELLED])
def test_what_never_left_cannot_come_back(store: SqlStore, state: State) -> None:
    plan(store, replace(message(), state=state))

    assert not store.came_back(only(store).id, state=State.BOUNCED, because="forged", at=NOW)
    assert only(store).state is state
    assert store.messages_of(OrderKey(shop="toys", number="8134"))[0].state is state


def test_returns_are_counted_by_shop(store: SqlStore) -> None:
    id_ = sent(store)
    assert store.returns(since=NOW) == {"toys": Returns(sent=1, bounced=0, complained=0)}

    store.came_back(id_, state=State.COMPLAINED, because="abuse", at=NOW)

    assert store.returns(since=NOW) == {"toys": Returns(sent=1, bounced=0, complained=1)}
    assert store.returns(since=NOW + DAY) == {}
