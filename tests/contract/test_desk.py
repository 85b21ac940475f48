"""The desk, on SQLite and on PostgreSQL: what people send by hand, each message in one person's hands, and what the record says.

The contract of every transport (``test_transports.py``: memory, SMTP) holds here as far as people can keep it. Each message has
one end: ``confirm`` is ACCEPTED, ``refused`` is PERMANENT, ``put_back`` and a held message are TEMPORARY; a person who has sent
something and says so too late is never UNCERTAIN, because their word is always kept. What nobody wants any more is not handed
out; one message's trouble touches no other; the text arrives as it was shown; two people never get the same message. A stream,
a connection that is kept, a hang-up and an account in trouble mean nothing to a person, so those cases are not asked here.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from messenger.domain.events import Event
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.errors import UsageError
from messenger.ports import Entry, OrderKey
from messenger.services.desk import Desk, DeskRefused, Found, Gone, Obstacle, Sheet, Word
from messenger.services.pausing import Pausing
from messenger.services.queueing import Choice, Verb
from tests.builders import event, utc
from tests.stage import HEAD, Stage, shipped, stage
from tests.storage_samples import together

SHIPPED: Final = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
MERGED: Final = SHIPPED + 'merge = { within = "6h", same = "buyer" }\n'
ONE: Final = OrderKey(shop="toys", number="1")
DESK: Final = '\n[transports.desk]\nkind = "assisted"\n'
TEN: Final = timedelta(minutes=10)


@pytest.fixture
def shop(tmp_path: Path, migrated_url: str) -> Iterator[Stage]:
    opened = stage(tmp_path, url=migrated_url)
    at_a_desk(opened)
    yield opened
    opened.close()


def at_a_desk(shop: Stage, more: str = "") -> None:
    """Let people of a shop on AliExpress, who read Russian, send by hand."""
    shop.settings(
        ('platform = "none"', 'platform = "aliexpress"\nstaff_language = "ru"'),
        ('channels = { email = "main" }', 'channels = { platform = "desk" }'),
        more=DESK + more,
    )


def desk(shop: Stage) -> Desk:
    return Desk(shop.engine.store, shop.engine.home, shop.clock)


def lie(shop: Stage, *orders: str, rules: str = SHIPPED, head: str = HEAD, **more: str) -> list[int]:
    """Put a message of each of these orders on the desk; returns their ids."""
    shop.rules(rules, head=head)
    shop.ingest(*[one for order in orders or ("1",) for one in shipped(order, **more)])
    shop.run()
    return [shop.row(order=order).id for order in orders or ("1",)]


def sheet(found: Sheet | Gone | Found) -> Sheet:
    given = found.sheet if isinstance(found, Found) else found
    assert isinstance(given, Sheet)
    return given


def record(shop: Stage, order: str = "1") -> list[Entry]:
    return shop.engine.store.record_of(OrderKey(shop="toys", number=order))


def last(shop: Stage, order: str = "1") -> Entry:
    return record(shop, order)[-1]


def sent_text(shop: Stage, row: PlannedMessage) -> str:
    frozen = shop.engine.store.frozen(row.id)
    assert frozen is not None
    assert frozen.letter is not None
    return frozen.letter.platform_text


def why(call: object) -> Obstacle:
    assert isinstance(call, pytest.ExceptionInfo)
    found = call.value
    assert isinstance(found, DeskRefused)
    return found.obstacle


# --- what a transport promises ----------------------------------------------------------------------------------------


def test_a_message_that_was_sent_is_sent_once_with_the_text_that_was_shown(shop: Stage) -> None:
    (id_,) = lie(shop)
    given = sheet(desk(shop).next("Ann"))
    assert (given.row.id, given.row.state, given.opening.person) == (id_, State.AWAITING_STAFF, "Ann")
    assert given.text == given.opening.letter.platform_text
    assert "RR1" in given.text

    shop.at("2026-03-02T12:05")
    said = desk(shop).confirm(id_, "Ann")

    row = shop.row()
    assert (said.word, said.was, said.is_second) == (Word.SENT, State.AWAITING_STAFF, False)
    assert (row.state, row.sent_at, row.because, row.locale, row.channel, row.transport) == (
        State.SENT, utc("2026-03-02T12:05"), "staff Ann", "es", "platform", "desk",
    )  # fmt: skip
    assert sent_text(shop, row) == given.text
    assert desk(shop).next("Ann").sheet is None
    shop.run("2026-03-03T12:00")
    assert shop.transport.sent == []


def test_saying_twice_that_it_was_sent_says_it_once(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).open(id_, "Ann")
    desk(shop).confirm(id_, "Ann")
    before = record(shop)

    assert not desk(shop).confirm(id_, "Ann").is_second
    assert record(shop) == before


@pytest.mark.parametrize(("since", "state"), [
    pytest.param(event("order.cancelled", at="2026-03-02T12:30", order="1"), State.CANCELLED, id="it is cancelled"),
    pytest.param(event("dispute.opened", at="2026-03-02T12:30", order="1", dispute={"id": "d"}), State.HELD, id="a dispute"),
])  # fmt: skip
def test_a_message_nobody_wants_any_more_is_not_given_to_anybody_and_says_why(
    since: Event, state: State, shop: Stage
) -> None:
    (id_,) = lie(shop, rules=SHIPPED + 'cancel_on = ["order.cancelled"]\n')
    shop.ingest(since)

    found = desk(shop).next("Ann")

    assert found.sheet is None
    assert shop.row().state is state
    if state is State.HELD:
        assert [one.row.id for one in found.gone] == [id_]
        assert (last(shop).what, (last(shop).detail or {})["opened_by"]) == ("held", "Ann")


def test_messages_around_a_refused_one_are_sent(shop: Stage) -> None:
    first, second, third = lie(shop, "1", "2", "3")
    for id_ in (first, second, third):
        desk(shop).open(id_, "Ann")

    desk(shop).confirm(first, "Ann")
    desk(shop).refused(second, "Ann", why="contains sensitive words")
    desk(shop).confirm(third, "Ann")

    assert [shop.row(order=order).state for order in "123"] == [State.SENT, State.FAILED, State.SENT]
    row = shop.row(order="2")
    assert (row.reason, row.because) == (Reason.PLATFORM_REFUSED, "staff Ann: contains sensitive words")


# --- one message, one person ------------------------------------------------------------------------------------------


def test_two_people_never_get_the_same_message(shop: Stage) -> None:
    ids = lie(shop, *map(str, range(12)))
    got: dict[str, list[int]] = {"Ann": [], "Bob": [], "Cid": []}

    def work(person: str) -> None:
        mine = desk(shop)
        while (given := mine.next(person).sheet) is not None:
            got[person].append(given.row.id)
            mine.confirm(given.row.id, person)

    together(*[lambda one=person: work(one) for person in got])

    assert sorted(id_ for mine in got.values() for id_ in mine) == sorted(ids)
    sent = Counter(
        (one.order, one.what) for order in range(12) for one in record(shop, str(order)) if one.what == "sent"
    )
    assert set(sent.values()) == {1}


def test_many_who_ask_for_the_same_one_at_once_find_one_of_them_has_it(shop: Stage) -> None:
    (id_,) = lie(shop)
    told: list[str] = []

    def ask(person: str) -> None:
        try:
            told.append(sheet(desk(shop).open(id_, person)).opening.person)
        except DeskRefused as error:
            told.append(f"no: {error.person}" if error.obstacle is Obstacle.IN_OTHER_HANDS else str(error))

    together(*[lambda one=person: ask(one) for person in ("Ann", "Bob", "Cid", "Dee")])

    (winner,) = [one for one in told if not one.startswith("no: ")]
    assert [one for one in told if one != winner] == [f"no: {winner}"] * 3


def test_what_is_in_hand_is_nobody_elses_for_ten_minutes_from_the_last_sign_of_work(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).open(id_, "Ann")
    shop.at("2026-03-02T12:09")
    assert desk(shop).renew(id_, "Ann") == utc("2026-03-02T12:19")
    assert [(one.person, one.until) for one in desk(shop).lying()] == [("Ann", utc("2026-03-02T12:19"))]

    shop.at("2026-03-02T12:18")
    with pytest.raises(DeskRefused, match="Ann has message") as refused:
        desk(shop).open(id_, "Bob")
    assert (why(refused), refused.value.until) == (Obstacle.IN_OTHER_HANDS, utc("2026-03-02T12:19"))
    found = desk(shop).next("Bob")
    assert (found.sheet, found.in_other_hands, found.left) == (None, 1, 1)

    shop.at("2026-03-02T12:19")
    assert sheet(desk(shop).next("Bob")).row.id == id_
    with pytest.raises(DeskRefused, match="Bob has message"):
        desk(shop).renew(id_, "Ann")


def test_what_was_put_back_is_anybodys_at_once(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).open(id_, "Ann")
    desk(shop).put_back(id_, "Ann")

    assert sheet(desk(shop).next("Bob")).row.id == id_


def test_a_person_gets_back_first_what_they_have_in_hand_unless_they_pass_it_over(shop: Stage) -> None:
    first, second = lie(shop, "1", "2")
    desk(shop).open(second, "Ann")

    assert sheet(desk(shop).next("Ann")).row.id == second
    assert sheet(desk(shop).next("Ann", passing=[second])).row.id == first


@pytest.mark.parametrize("call", ["skip", "refused", "already_told", "edit", "open"])
def test_what_another_person_has_in_hand_is_left_to_them(call: str, shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).open(id_, "Ann")

    with pytest.raises(DeskRefused) as refused:
        getattr(desk(shop), call)(id_, "Bob", *(["Another text"] if call == "edit" else []))
    assert why(refused) is Obstacle.IN_OTHER_HANDS
    assert shop.row().state is State.AWAITING_STAFF


# --- the order as it is now -------------------------------------------------------------------------------------------


def test_it_is_written_when_it_is_opened_and_anew_when_it_is_opened_again(shop: Stage) -> None:
    (id_,) = lie(shop)
    shop.ingest(event("shipment.updated", at="2026-03-02T12:10", order="1", shipment={"id": "RR1", "number": "LX9"}))

    assert "LX9" in sheet(desk(shop).open(id_, "Ann")).text
    shop.ingest(event("buyer.unsubscribed", at="2026-03-02T12:20", order="1"))
    again = sheet(desk(shop).open(id_, "Ann"))
    assert (again.row.id, len(record(shop))) == (id_, 3)


def test_beside_it_stands_what_it_says_in_the_language_of_the_staff(shop: Stage) -> None:
    (id_,) = lie(shop)
    given = sheet(desk(shop).open(id_, "Ann"))

    assert (given.opening.letter.locale, given.meaning_locale) == ("es", "ru")
    assert "RR1" in given.meaning != given.text


def test_what_staff_read_anyway_is_not_told_again(shop: Stage) -> None:
    (id_,) = lie(shop, language="ru")

    assert sheet(desk(shop).open(id_, "Ann")).meaning == ""


def test_a_message_whose_text_cannot_be_written_is_left_out(shop: Stage) -> None:
    for path in (shop.folder / "templates").glob("*/shipped.md"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("\n\n", "\n\n{{ shipment.place }}\n\n"), encoding="utf-8")
    (id_,) = lie(shop)

    assert isinstance(desk(shop).open(id_, "Ann"), Gone)
    assert (shop.row().state, shop.row().reason) == (State.SKIPPED, Reason.MISSING_DATA)


def test_what_a_mail_server_carries_by_now_goes_back_to_the_workers(shop: Stage) -> None:
    (id_,) = lie(shop)
    shop.settings(('channels = { platform = "desk" }', 'channels = { email = "main" }'))

    assert isinstance(desk(shop).open(id_, "Ann"), Gone)
    assert (shop.row().state, shop.row().channel) == (State.PLANNED, None)
    shop.run()
    assert (shop.row().state, shop.row().channel) == (State.SENT, "email")


def test_what_goes_out_together_is_one_message_and_one_confirmation(shop: Stage) -> None:
    lie(shop, "1", "2", rules=MERGED, buyer="b1")
    (carrier,) = [row for order in "12" for row in shop.rows(order) if row.state is State.AWAITING_STAFF]
    given = sheet(desk(shop).next("Ann"))
    assert (given.row.id, given.along) == (carrier.id, ({"1": "2", "2": "1"}[carrier.order],))

    desk(shop).confirm(carrier.id, "Ann")
    (other,) = given.along
    assert (shop.row(order=other).state, shop.row(order=other).sent_at) == (State.MERGED, utc("2026-03-02T12:00"))


def test_when_one_of_them_has_lost_its_reason_they_are_put_together_anew(shop: Stage) -> None:
    lie(shop, "1", "2", "3", rules=MERGED + 'where = { order.status = "shipped" }\n', buyer="b1")
    (carrier,) = [row for order in "123" for row in shop.rows(order) if row.state is State.AWAITING_STAFF]
    gone, stays = [order for order in "123" if order != carrier.order]
    shop.ingest(event("order.completed", at="2026-03-02T12:30", order=gone))

    assert isinstance(desk(shop).open(carrier.id, "Ann"), Gone)
    shop.run()
    given = sheet(desk(shop).next("Ann"))
    assert {given.row.order, *given.along} == {carrier.order, stays}
    assert shop.row(order=gone).state is State.SKIPPED


def test_what_was_told_along_and_went_its_own_way_is_not_said_again(shop: Stage) -> None:
    lie(shop, "1", "2", rules=MERGED + 'cancel_on = ["order.cancelled"]\n', buyer="b1")
    (carrier,) = [row for order in "12" for row in shop.rows(order) if row.state is State.AWAITING_STAFF]
    (other,) = sheet(desk(shop).next("Ann")).along
    shop.ingest(event("order.cancelled", at="2026-03-02T12:00:30", order=carrier.order))
    assert (shop.row(order=carrier.order).state, shop.row(order=other).state) == (State.CANCELLED, State.PLANNED)

    desk(shop).confirm(carrier.id, "Ann")

    assert shop.row(order=carrier.order).state is State.SENT
    row = shop.row(order=other)
    assert (row.state, row.reason, row.because) == (State.SKIPPED, Reason.ALREADY_TOLD, str(carrier.key))
    desk(shop).undo("Ann")
    assert (shop.row(order=carrier.order).state, shop.row(order=other).state) == (State.CANCELLED, State.PLANNED)


# --- the buyer's hours ------------------------------------------------------------------------------------------------


def test_what_would_wake_its_buyer_is_passed_over_until_the_morning(shop: Stage) -> None:
    day = 'version = 1\n[safety]\nmax_new_messages = 1000\n[defaults]\nwindow = "09:00-20:00"\n'
    (id_,) = lie(shop, head=day)
    shop.at("2026-03-02T22:00")

    found = desk(shop).next("Ann")
    assert (found.sheet, found.later, found.next_at, found.left) == (None, 1, utc("2026-03-03T08:00"), 1)
    assert not sheet(desk(shop).open(id_, "Ann")).is_its_hour
    desk(shop).put_back(id_, "Ann")
    shop.at("2026-03-03T08:00")
    assert sheet(desk(shop).next("Ann")).is_its_hour


def test_a_paused_shop_gives_nobody_anything(shop: Stage) -> None:
    (id_,) = lie(shop)
    Pausing(shop.engine.store, shop.engine.home, shop.clock).pause("toys", by="Bob")

    found = desk(shop).next("Ann")
    assert (found.sheet, found.paused) == (None, 1)
    with pytest.raises(DeskRefused, match="paused by Bob") as refused:
        desk(shop).open(id_, "Ann")
    assert why(refused) is Obstacle.PAUSED


def test_urgent_ones_come_first_then_shop_by_shop_the_one_whose_login_is_open_before(shop: Stage) -> None:
    other = (
        '\n[shops.cups]\nname = "Cups"\nplatform = "aliexpress"\nmode = "live"\nsender = "Cups <c@cups.example>"\n'
        'channels = { platform = "desk" }\n'
    )
    shop.settings(more=other)
    shop.rules(
        SHIPPED + '[rules.held]\ntemplate = "customs-delay"\non = "shipment.customs_action_needed"\nurgent = true\n'
    )
    for name in ("toys", "cups"):
        shop.ingest(*[event(one.type, at="2026-03-02T10:00", order=f"{name}{number}", shop=name, buyer={"id": f"b{number}", "country": "ES"},
                            told={"items": [{"title": "Puzzle"}]}, shipment={"number": f"RR{name}{number}"})
                      for number in (1, 2) for one in shipped()])  # fmt: skip
    shop.ingest(
        event("shipment.customs_action_needed", at="2026-03-02T11:00", order="toys2", shipment={"number": "RRtoys2"})
    )
    shop.run()

    assert [one.row.order for one in desk(shop).lying()] == ["toys2", "cups1", "cups2", "toys1", "toys2"]
    first = sheet(desk(shop).next("Ann"))
    assert (first.row.order, first.row.urgent) == ("toys2", True)
    desk(shop).confirm(first.row.id, "Ann")
    assert sheet(desk(shop).next("Ann")).row.order == "toys1"
    with pytest.raises(UsageError, match="did you mean 'toys'"):
        desk(shop).next("Ann", shop="toyz")


# --- what people say --------------------------------------------------------------------------------------------------


def test_a_confirmation_is_kept_whatever_became_of_the_message_meanwhile(shop: Stage) -> None:
    (id_,) = lie(shop, rules=SHIPPED + 'cancel_on = ["order.cancelled"]\n')
    text = sheet(desk(shop).open(id_, "Ann")).text
    shop.ingest(event("order.cancelled", at="2026-03-02T12:01", order="1"))
    assert shop.row().state is State.CANCELLED

    said = desk(shop).confirm(id_, "Ann")

    assert (said.was, said.is_second) == (State.CANCELLED, False)
    assert (shop.row().state, shop.row().because) == (State.SENT, "staff Ann")
    assert sent_text(shop, shop.row()) == text
    desk(shop).undo("Ann")
    assert (shop.row().state, shop.row().reason) == (State.CANCELLED, Reason.EVENT)


def test_a_confirmation_of_what_left_on_another_way_too_is_kept_with_its_text(shop: Stage) -> None:
    (id_,) = lie(shop)
    text = sheet(desk(shop).open(id_, "Ann")).text
    shop.at("2026-03-02T12:11")
    desk(shop).open(id_, "Bob")
    desk(shop).confirm(id_, "Bob")

    said = desk(shop).confirm(id_, "Ann")

    assert (said.is_second, shop.row().because) == (True, "staff Bob")
    assert (last(shop).what, last(shop).because) == ("sent_again", "staff Ann")
    assert (last(shop).detail or {})["text"] == text


def test_who_has_never_opened_a_message_cannot_have_sent_it(shop: Stage) -> None:
    (id_,) = lie(shop)

    with pytest.raises(DeskRefused) as refused:
        desk(shop).confirm(id_, "Ann")
    assert why(refused) is Obstacle.NOT_OPENED
    with pytest.raises(DeskRefused) as refused:
        desk(shop).confirm(id_ + 1000, "Ann")
    assert why(refused) is Obstacle.UNKNOWN


def test_a_late_confirmation_keeps_the_text_that_was_shown_then(shop: Stage) -> None:
    (id_,) = lie(shop)
    text = sheet(desk(shop).open(id_, "Ann")).text
    shop.ingest(event("shipment.updated", at="2026-03-02T12:10", order="1", shipment={"id": "RR1", "number": "LX9"}))
    shop.at("2026-03-02T13:00")

    desk(shop).confirm(id_, "Ann")

    assert "LX9" not in text == sent_text(shop, shop.row())


def test_a_text_that_a_person_changed_is_what_was_sent(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).open(id_, "Ann")
    changed = sheet(desk(shop).edit(id_, "Ann", "Hola, su paquete RR1 del pedido 1 ha salido.\r\n"))
    assert changed.text == "Hola, su paquete RR1 del pedido 1 ha salido."
    assert sheet(desk(shop).next("Ann")).text == changed.text

    desk(shop).confirm(id_, "Ann")

    assert sent_text(shop, shop.row()) == changed.text
    assert [one.what for one in record(shop)][-3:] == ["opened", "edited", "sent"]
    assert (last(shop).detail or {})["edited"] == "yes"


def test_what_was_really_sent_can_be_told_with_the_confirmation(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).open(id_, "Ann")
    desk(shop).confirm(id_, "Ann", text="Hola: RR1")

    assert sent_text(shop, shop.row()) == "Hola: RR1"


@pytest.mark.parametrize(("text", "rule"), [
    pytest.param("Escríbame por WhatsApp: +34 600 123 456", "L0", id="another way to talk"),
    pytest.param("Mire https://elsewhere.example/cheap", "L01", id="a link"),
])  # fmt: skip
def test_a_text_that_the_platform_forbids_is_refused_and_says_which_rule(text: str, rule: str, shop: Stage) -> None:
    (id_,) = lie(shop)
    written = sheet(desk(shop).open(id_, "Ann")).text

    with pytest.raises(DeskRefused) as refused:
        desk(shop).edit(id_, "Ann", text)
    assert why(refused) is Obstacle.TEXT
    assert any(one.rule.id.startswith(rule) for one in refused.value.breaches)
    assert sheet(desk(shop).open(id_, "Ann")).text == written


def test_what_the_platform_does_not_like_is_told_and_left_to_the_person(shop: Stage) -> None:
    (id_,) = lie(shop)

    assert [
        one.rule.id
        for one in sheet(desk(shop).edit(id_, "Ann", "palabras " * 120)).warnings
        if one.severity == "warning"
    ]


@pytest.mark.parametrize("text", ["a\x00b", "a\x1bb", "a\x0bb", "x" * 10_001])
def test_what_is_no_text_is_refused(text: str, shop: Stage) -> None:
    (id_,) = lie(shop)

    with pytest.raises(DeskRefused) as refused:
        desk(shop).edit(id_, "Ann", text)
    assert why(refused) is Obstacle.NOT_PLAIN


def test_a_change_is_lost_when_the_order_moves_on_and_that_is_told(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).edit(id_, "Ann", "Hola: RR1")
    shop.ingest(event("shipment.updated", at="2026-03-02T12:10", order="1", shipment={"id": "RR1", "number": "LX9"}))

    again = sheet(desk(shop).open(id_, "Ann"))

    assert again.is_edit_lost
    assert "LX9" in again.text
    assert not sheet(desk(shop).open(id_, "Ann")).is_edit_lost


def test_an_empty_text_goes_back_to_what_was_written(shop: Stage) -> None:
    (id_,) = lie(shop)
    written = sheet(desk(shop).open(id_, "Ann")).text
    desk(shop).edit(id_, "Ann", "Hola: RR1")

    assert sheet(desk(shop).edit(id_, "Ann", " \n")).text == written


@pytest.mark.parametrize(("call", "state", "reason"), [
    ("skip", State.CANCELLED, Reason.STAFF),
    ("already_told", State.SKIPPED, Reason.ALREADY_TOLD),
    ("refused", State.FAILED, Reason.PLATFORM_REFUSED),
])  # fmt: skip
def test_what_is_not_sent_ends_with_its_reason_and_the_persons_name(
    call: str, state: State, reason: Reason, shop: Stage
) -> None:
    (id_,) = lie(shop)
    getattr(desk(shop), call)(id_, "Ann", why="the buyer knows")

    row = shop.row()
    assert (row.state, row.reason, row.because) == (state, reason, "staff Ann: the buyer knows")
    assert (last(shop).what, (last(shop).detail or {})["by"]) == (state, "Ann")
    with pytest.raises(DeskRefused) as refused:
        getattr(desk(shop), call)(id_, "Ann")
    assert why(refused) is Obstacle.NOT_HERE
    shop.ingest(event("order.updated", at="2026-03-02T12:30", order="1", told={"platform_status": "x"}))
    assert shop.row().state is state


def test_when_the_buyer_wrote_the_message_is_held_until_staff_have_answered(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).open(id_, "Ann")
    said = desk(shop).buyer_wrote(id_, "Ann", text="Where is it?", language="en")

    assert (said.word, said.row.state, shop.row().state) == (Word.BUYER_WROTE, State.HELD, State.HELD)
    told = [one for one in shop.engine.store.events_of([ONE])[ONE] if one.type == "message.received"]
    assert [dict(one.data["message"]) for one in told] == [{"text": "Where is it?", "language": "en"}]
    assert shop.row().due_at == utc("2026-03-05T10:00")

    shop.at("2026-03-02T12:20")
    desk(shop).answered(ONE, "Ann")
    shop.run()
    assert shop.row().state is State.AWAITING_STAFF


def test_that_the_buyer_wrote_is_kept_though_the_message_is_gone(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).skip(id_, "Ann")

    assert desk(shop).buyer_wrote(id_, "Bob").row.state is State.CANCELLED
    assert "message.received" in [one.type for one in shop.engine.store.events_of([ONE])[ONE]]


# --- undo -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["confirm", "skip", "already_told", "refused"])
def test_what_was_said_can_be_taken_back_for_ten_minutes_and_lies_in_the_same_hands_again(
    call: str, shop: Stage
) -> None:
    (id_,) = lie(shop)
    desk(shop).edit(id_, "Ann", "Hola: RR1")
    before = shop.row()
    getattr(desk(shop), call)(id_, "Ann")

    shop.at("2026-03-02T12:10")
    said = desk(shop).undo("Ann")

    assert (said.row.id, said.row.state) == (id_, State.AWAITING_STAFF)
    assert replace(shop.row(), token=before.token) == before
    assert shop.engine.store.frozen(id_) is None
    assert (last(shop).what, (last(shop).detail or {})["by"]) == (State.AWAITING_STAFF, "Ann")
    with pytest.raises(DeskRefused, match="Ann has message"):
        desk(shop).open(id_, "Bob")
    assert sheet(desk(shop).next("Ann")).text == "Hola: RR1"


def test_undo_takes_back_the_last_thing_first_or_what_is_named(shop: Stage) -> None:
    first, second, third = lie(shop, "1", "2", "3")
    for id_ in (first, second, third):
        desk(shop).skip(id_, "Ann")

    assert desk(shop).undo("Ann", message=first).row.id == first
    assert desk(shop).undo("Ann").row.id == third
    assert desk(shop).undo("Ann").row.id == second
    with pytest.raises(DeskRefused) as refused:
        desk(shop).undo("Ann")
    assert why(refused) is Obstacle.NOTHING_TO_UNDO


def test_after_ten_minutes_and_by_others_nothing_is_taken_back(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).skip(id_, "Ann")

    with pytest.raises(DeskRefused):
        desk(shop).undo("Bob")
    shop.at(shop.clock.now() + TEN + timedelta(seconds=1))
    with pytest.raises(DeskRefused):
        desk(shop).undo("Ann")
    assert shop.row().state is State.CANCELLED


def test_what_has_moved_on_since_stays(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).refused(id_, "Ann")
    shop.queue.act(Verb.RETRY, shop.queue.choose(Verb.RETRY, Choice(order=ONE, rule="shipped")), by="Bob")

    with pytest.raises(DeskRefused) as refused:
        desk(shop).undo("Ann")
    assert why(refused) is Obstacle.MOVED_ON
    assert shop.row().state is State.PLANNED


def test_that_the_buyer_wrote_is_taken_back_by_closing_the_conversation(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).buyer_wrote(id_, "Ann")
    shop.at("2026-03-02T12:05")
    desk(shop).undo("Ann")
    shop.run()

    assert shop.row().state is State.AWAITING_STAFF


@pytest.mark.parametrize("call", ["confirm", "refused"])
def test_what_went_with_it_comes_back_with_it(call: str, shop: Stage) -> None:
    lie(shop, "1", "2", rules=MERGED, buyer="b1")
    given = sheet(desk(shop).next("Ann"))
    (other,) = given.along
    before = shop.row(order=other)
    getattr(desk(shop), call)(given.row.id, "Ann")
    assert shop.row(order=other) != before

    desk(shop).undo("Ann")

    assert shop.row(order=other).state is State.MERGED
    assert shop.row(order=other).sent_at is None
    assert sheet(desk(shop).next("Ann")).along == (other,)


# --- only so many a day -----------------------------------------------------------------------------------------------


FULL: Final = (
    SHIPPED + '[rules.held]\ntemplate = "customs-delay"\non = "shipment.customs_action_needed"\nurgent = true\n'
)


@pytest.fixture
def small(tmp_path: Path, migrated_url: str) -> Iterator[Stage]:
    """A desk that sends two messages a day."""
    opened = stage(tmp_path, url=migrated_url)
    at_a_desk(opened, "per_day = 2\n")
    yield opened
    opened.close()


def states(shop: Stage, *orders: str) -> list[str]:
    return [f"{shop.row(order=order).state}:{shop.row(order=order).reason or ''}" for order in orders]


def test_what_finds_no_place_today_is_left_out_and_says_why(small: Stage) -> None:
    lie(small, "1", "2", "3")
    small.run()

    assert states(small, "1", "2", "3") == ["awaiting_staff:", "awaiting_staff:", "skipped:desk_full"]
    assert (last(small, "3").what, last(small, "3").reason, last(small, "3").because) == (
        "skipped",
        "desk_full",
        "2 a day",
    )


def test_an_urgent_one_takes_the_place_of_another_that_nobody_has_in_hand(small: Stage) -> None:
    first, _ = lie(small, "1", "2", rules=FULL)
    desk(small).open(first, "Ann")
    small.ingest(event("shipment.customs_action_needed", at="2026-03-02T11:00", order="1", shipment={"number": "RR1"}))
    small.run()

    assert states(small, "1", "2") == ["awaiting_staff:", "skipped:desk_full"]
    assert small.row("held").state is State.AWAITING_STAFF


def test_what_was_sent_today_counts_until_midnight_of_the_shops_clock_and_what_was_taken_back_does_not(
    small: Stage,
) -> None:
    first, second = lie(small, "1", "2")
    for id_ in (first, second):
        desk(small).open(id_, "Ann")
        desk(small).confirm(id_, "Ann")
    lie(small, "3")
    assert states(small, "3") == ["skipped:desk_full"]

    desk(small).undo("Ann")
    desk(small).skip(second, "Ann")
    lie(small, "4")
    assert states(small, "4") == ["awaiting_staff:"]

    small.at("2026-03-02T23:00")  # midnight in Madrid
    lie(small, "5")
    assert states(small, "4", "5") == ["awaiting_staff:", "awaiting_staff:"]


def test_workers_that_put_messages_there_at_the_same_time_never_put_too_many(small: Stage) -> None:
    small.rules(SHIPPED)
    small.ingest(*[one for order in range(20) for one in shipped(str(order))])
    together(*[lambda: _run(small) for _ in range(4)])

    assert Counter(states(small, *map(str, range(20)))) == {"awaiting_staff:": 2, "skipped:desk_full": 18}


def _run(shop: Stage) -> None:
    asyncio.run(shop.dispatcher().run_due())


def test_the_record_tells_the_whole_story(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).open(id_, "Ann")
    desk(shop).edit(id_, "Ann", "Hola: RR1")
    shop.at("2026-03-02T12:01")
    desk(shop).confirm(id_, "Ann", why="sent by phone")
    shop.at("2026-03-02T12:02")
    desk(shop).undo("Ann")
    shop.at("2026-03-02T12:03")
    desk(shop).refused(id_, "Ann", why="sensitive words")
    told = [step.text for step in shop.explain().steps if step.kind == "message"]

    assert told[2:] == [
        "shipped: opened by Ann, to be sent by hand",
        "shipped: Ann changed the text",
        "shipped: sent by platform in es, by hand (Ann: sent by phone), with a text of their own",
        "shipped: Ann took back what they had said; it waits for a person to send it by hand",
        "shipped: could not be sent: the platform refused it: Ann: sensitive words",
    ]


def test_the_record_tells_whose_word_ended_a_message_and_what_a_second_copy_said(shop: Stage) -> None:
    (id_,) = lie(shop)
    desk(shop).open(id_, "Ann")
    shop.at("2026-03-02T12:11")
    desk(shop).edit(id_, "Bob", "Hola: RR1")
    desk(shop).already_told(id_, "Bob", why="by phone")
    desk(shop).undo("Bob")
    desk(shop).confirm(id_, "Bob")
    desk(shop).confirm(id_, "Ann")
    shop.at("2026-03-02T12:12")
    desk(shop).buyer_wrote(id_, "Ann")
    told = [step.text for step in shop.explain().steps]

    assert "shipped: was left out: the buyer was already told: Bob: by phone" in told
    assert any(one.startswith("shipped: Ann sent it by hand as well: ") for one in told)
    assert [one for one in told if "told so" in one or "wrote" in one] == [
        "the buyer wrote (message.received)",
        "Ann told so",
    ]
