"""Explain answers for a message that was never planned: which condition failed, for every kind of trigger, with the value found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from messenger.domain.events import Event
from messenger.errors import UsageError
from tests.builders import event
from tests.stage import Stage, shipped, stage

SHIPPED: Final = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
BEFORE: Final = '[rules.pay]\ntemplate = "shipped"\nbefore = "pay_by"\nlead = "1d"\n'
SILENT: Final = '[rules.stuck]\ntemplate = "customs-delay"\nsilent = ["5d", "9d"]\nsince = "shipment.*"\n'
STAFF: Final = '[rules.sorry]\ntemplate = "delay-apology"\ntrigger = "staff"\n'
ENDS: Final = 'cancel_on = ["order.cancelled"]\n'
CANCELLED: Final = event("order.cancelled", at="2026-03-02T11:00", order="1")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Stage]:
    opened = stage(tmp_path)
    yield opened
    opened.close()


def seen(state: str, *, at: str) -> Event:
    return event(f"shipment.{state}", at=at, order="1", shipment={"number": "RR1"})


def told(name: str, rules: str, rule: str, expected: str, *events: Event) -> object:
    return pytest.param(rules, rule, expected, events, id=name)


PAID: Final = shipped()[0]
CALENDAR: Final = '[calendars.seller]\nclosed = ["2026-02-14/2026-02-24"]\n'


@pytest.mark.parametrize(("rules", "rule", "expected", "events"), [
    told("the event never happened", SHIPPED + 'delay = "1d"\n', "shipped",
         "it writes one day after the order has been shipped, and that has not happened (order.shipped)", PAID),
    told("the event happened, a condition failed", SHIPPED + "where = { buyer.country = { not = [\"ES\"] } }\n", "shipped",
         "not planned: the order was shipped (Mon 2026-03-02 11:00), but the buyer's country is Spain (buyer.country is ES), "
         "and the rule asks that the buyer's country is not Spain", *shipped()),
    told("what is asked was never told", SHIPPED + 'where = { order.total = { min = "5 USD" } }\n', "shipped",
         "but the order's total is not known (order.total is nothing), and the rule asks that the order's total is at least 5 USD",
         *shipped()),
    told("the tracking line came too late to count", '[rules.first]\ntemplate = "shipped"\non = "shipment.picked_up"\n', "first",
         "the carrier picked up the parcel (Mon 2026-03-02 13:00) does not count, because the parcel was further by then",
         *shipped(), seen("in_transit", at="2026-03-02T11:00"), seen("picked_up", at="2026-03-02T12:00")),
    told("another rule of the group spoke", SHIPPED + 'group = "g"\n' +
         '[rules.sorry]\ntemplate = "delay-apology"\non = "order.shipped"\ngroup = "g"\npriority = 5\n', "shipped",
         "the rule sorry of the same group (g) speaks of this event instead", *shipped()),
    told("the shop was not closed", CALENDAR + SHIPPED + 'during = "seller"\n', "shipped",
         "2026-03-02 is not in a closed period of the calendar seller", *shipped()),
    told("the deadline is not known", BEFORE, "pay",
         "it writes one day before the payment deadline, and the payment deadline is not known: no event has told order.pay_by", PAID),
    told("no dispute is open", BEFORE.replace("pay_by", "answer_by"), "pay", "and no dispute is open", PAID),
    told("a condition of a deadline failed", BEFORE + 'where = { order.status = "placed" }\n', "pay",
         "the payment deadline is Tue 2026-03-10 13:00, but the order's status is “paid” (order.status is paid), "
         "and the rule asks that the order's status is “placed”",
         PAID, event("order.updated", order="1", told={"pay_by": "2026-03-10T12:00:00Z"})),
    told("an event ended it before the deadline", BEFORE + ENDS, "pay",
         "the order was cancelled (Mon 2026-03-02 12:00), 8 days before the payment deadline (Tue 2026-03-10 13:00)",
         PAID, event("order.updated", order="1", told={"pay_by": "2026-03-10T12:00:00Z"}), CANCELLED),
    told("no silence could begin", SILENT, "stuck",
         "it writes 5 and 9 days after the last news of the parcel, if nothing newer has come by then, "
         "and there has been nothing yet that a silence could follow (shipment.*)", PAID),
    told("the silence is over", SILENT, "stuck", "not planned: no more news is expected: the parcel arrived (Mon 2026-03-02 13:00)",
         *shipped(), seen("delivered", at="2026-03-02T12:00")),
    told("the order ended, and with it the silence", SILENT.replace("shipment.*", "order.*"), "stuck",
         "no more news is expected: the order was cancelled (Mon 2026-03-02 12:00)", *shipped(), CANCELLED),
    told("the parcel is elsewhere", SILENT + 'where = { shipment.state = "import_customs" }\n', "stuck",
         "parcel RR1: not planned: the parcel was reported in transit (Mon 2026-03-02 12:00), but the parcel's state is “in transit” "
         "(shipment.state is in_transit), and the rule asks that the parcel's state is “in import customs”",
         *shipped(), seen("in_transit", at="2026-03-02T11:00")),
    told("nobody started it", STAFF, "sorry",
         "only a person starts it, and nobody has: messenger outbox start toys/1 --rule sorry", PAID),
    told("it was started, a condition failed", STAFF + 'where = { order.status = "shipped" }\n', "sorry",
         "Ann started the rule sorry (Mon 2026-03-02 11:15), but the order's status is “paid”",
         PAID, event("staff.started", order="1", staff={"rule": "sorry", "by": "Ann"})),
    told("it is switched off", SHIPPED + "enabled = false\n", "shipped", "the rule is switched off (enabled = false)", *shipped()),
])  # fmt: skip
def test_a_rule_that_said_nothing_says_why(
    rules: str, rule: str, expected: str, events: tuple[Event, ...], shop: Stage
) -> None:
    shop.rules(rules)
    shop.ingest(*events)

    answer = shop.why(rule)
    assert answer.messages == ()
    (sentence,) = answer.sentences
    assert expected in sentence


def test_a_rule_of_another_shop_says_so(shop: Stage) -> None:
    shop.settings(
        more='\n[shops.other]\nname = "Other"\nsender = "Other <care@other.example>"\nchannels = { email = "main" }\n'
    )
    shop.rules(SHIPPED + 'shops = ["other"]\n')
    shop.ingest(*shipped())

    assert shop.why("shipped").sentences == ("the rule speaks only for other, not for the shop toys",)


@pytest.mark.parametrize(("at", "expected"), [
    pytest.param("2026-03-03T12:00", "its text 'shipped' was sent before, by the rule shipped at Mon 2026-03-02 13:00", id="told"),
])  # fmt: skip
def test_a_rule_that_came_later_does_not_repeat_what_was_told(at: str, expected: str, shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.run()
    shop.at(at)
    shop.rules(SHIPPED + SHIPPED.replace("rules.shipped", "rules.twin"))

    (sentence,) = shop.why("twin").sentences
    assert expected in sentence


def test_a_rule_that_came_much_later_says_that_it_is_too_late(shop: Stage) -> None:
    shop.rules(STAFF)
    shop.ingest(*shipped())
    shop.at("2026-06-01T12:00")
    shop.rules(STAFF + SHIPPED)

    (sentence,) = shop.why("shipped").sentences
    assert "what should have been said by Mon 2026-03-02 11:00 is too old after 7 days (max_age)" in sentence


def test_a_removed_rule_is_told_by_what_is_left_of_it(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.run()
    shop.rules(STAFF)

    answer = shop.why("shipped")
    assert answer.sentences == ("the rule shipped has been removed",)
    assert [one.row.state for one in answer.messages] == ["sent"]


def test_a_former_name_leads_to_the_rule(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.run()
    shop.rules(SHIPPED.replace("rules.shipped", "rules.gone-out") + 'formerly = ["shipped"]\n')

    assert [one.name for one in shop.why("gone-out").messages] == ["shipped"]
    assert shop.why("shipped").rule == shop.why("gone-out").rule


@pytest.mark.parametrize(("order", "rule", "expected"), [
    pytest.param("12345678", "shipped", "no event has named the order toys/12345678 (did you mean toys/1234578?)", id="one digit more"),
    pytest.param("1234587", "shipped", "(did you mean toys/1234578?)", id="two digits exchanged"),
    pytest.param("999", "shipped", "no event has named the order toys/999", id="nothing like it"),
    pytest.param("1234578", "shiped", "there is no rule 'shiped' (did you mean 'shipped'?)", id="a rule misspelt"),
    pytest.param("1234578", "x", "there is no rule 'x' (rules: shipped)", id="a rule nothing like it"),
])  # fmt: skip
def test_what_is_not_there_is_refused_with_what_is(order: str, rule: str, expected: str, shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped("1234578"))

    with pytest.raises(UsageError) as refused:
        shop.why(rule, order)

    assert expected in str(refused.value)
