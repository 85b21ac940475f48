"""Explain names the true reason of every state a message can be in, and tells an order's story in the order it happened.

One case for every word of ``domain.messages``; a new word fails these tests until it has a case, or a reason why it cannot
occur yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from messenger import domain
from messenger.domain.messages import Outcome, Reason, State
from messenger.domain.pacing import Rate
from messenger.ports import OrderKey
from messenger.services.accounts import Limits
from messenger.services.desk import Desk
from messenger.services.queueing import Choice, Verb
from messenger.services.wording import sentence
from tests.builders import event
from tests.stage import LEASE, START, Crash, DyingTransport, Stage, shipped, stage

SHIPPED: Final = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\n'
APOLOGY: Final = '[rules.sorry]\ntemplate = "delay-apology"\non = "order.shipped"\n'
REVIEW: Final = '[rules.review]\ntemplate = "review-request"\non = "order.shipped"\ncategory = "relational"\n'
OFFICE: Final = 'version = 1\n[safety]\nmax_new_messages = 1000\n[defaults]\nwindow = "09:00-20:00"\n'
ONE: Final = OrderKey(shop="toys", number="1")
ENDS: Final = 'expiry = "2d"\n'
"""Soon enough for a test, and before anything is stale."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Stage]:
    opened = stage(tmp_path)
    yield opened
    opened.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A way into a state, and what has to be told then.

    Args:
        state, reason: as the message of ``rule`` for order 1 has them.
        scene: what happens.
        told: all of these stand in what is told about the message as it stands.
    """

    state: State
    reason: Reason | None
    scene: Callable[[Stage], None]
    told: tuple[str, ...] = ()
    rule: str = "shipped"


CASES: dict[str, Case] = {}


def case(
    state: State, reason: Reason | None = None, *told: str, rule: str = "shipped"
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    def keep(scene: Callable[[Stage], None]) -> Callable[[Stage], None]:
        CASES[scene.__name__.replace("_", " ").strip()] = Case(
            state=state, reason=reason, scene=scene, told=told, rule=rule
        )
        return scene

    return keep


def act(shop: Stage, verb: Verb, *, why: str, order: str = "1") -> None:
    choice = Choice(order=OrderKey(shop="toys", number=order))
    assert shop.queue.act(verb, shop.queue.choose(verb, choice), by="Ann", why=why).is_whole


# --- waiting -----------------------------------------------------------------------------------------------------------


@case(State.PLANNED, None, "it is wanted one day after the order has been shipped: at Tue 2026-03-03 11:00")
def not_yet_its_time(shop: Stage) -> None:
    shop.rules(SHIPPED + 'delay = "1d"\n')
    shop.ingest(*shipped())


@case(State.PLANNED, None, "it leaves between 09:00 and 20:00 on the buyer's clock: next at Tue 2026-03-03 09:00")
def its_hours_are_over(shop: Stage) -> None:
    shop.rules(SHIPPED, head=OFFICE)
    shop.at("2026-03-02T21:00")
    shop.ingest(*shipped())
    shop.run()


@case(State.PLANNED, None, "everything has been paused by Ann since Mon 2026-03-02 13:00")
def everything_is_paused(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.engine.store.pause("", at=START, by="Ann")
    shop.ingest(*shipped())
    shop.run()


@case(State.PLANNED, Reason.CAP, "shipped of order 2 left Mon 2026-03-02 13:00", "not before Tue 2026-03-03 13:00")
def the_buyer_had_enough(shop: Stage) -> None:
    shop.rules(SHIPPED + 'cap = { per_buyer = "1/1d" }\n')
    shop.ingest(*shipped("2", buyer="ana"))
    shop.run()
    shop.ingest(*shipped("1", buyer="ana"))
    shop.run()


@case(State.PLANNED, Reason.HOLD, "messages to a buyer go out one an hour", "not before Mon 2026-03-02 15:00")
def one_an_hour_after_a_hold(shop: Stage) -> None:
    shop.rules(SHIPPED)
    opened = event("dispute.opened", at="2026-03-02T11:00", order="1", dispute={"id": "d1"})
    shop.ingest(*shipped("1", buyer="ana"), opened)
    shop.run()
    shop.ingest(*shipped("2", buyer="ana"), at="2026-03-02T13:00")
    shop.run()
    closed = event("dispute.closed", at="2026-03-02T13:05", order="1", dispute={"id": "d1"})
    shop.ingest(closed, at="2026-03-02T13:10")
    shop.run()


@case(State.PLANNED, Reason.RETRY, "451 4.3.0 try again later")
def the_mail_server_said_later(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.transport.answer(Outcome.TEMPORARY)
    shop.ingest(*shipped())
    shop.run()


@case(State.PLANNED, Reason.OUTAGE, "after a long pause or outage messages go out a few at a time")
def after_an_outage(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped("2"), *shipped("1", at="2026-03-02T11:00"))
    shop.engine.store.spread(now=START, over=timedelta(hours=2))


def held(told: str, hold: str) -> tuple[State, Reason, str, str]:
    return State.HELD, Reason.HOLD, told, hold


@case(*held("a dispute is open (d1), since Mon 2026-03-02 12:00", "waits until what holds it"))
def a_dispute_is_open(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped(), event("dispute.opened", at="2026-03-02T11:00", order="1", dispute={"id": "d1"}))
    shop.run()


@case(*held("the buyer waits for an answer, since Mon 2026-03-02 12:30", "until Thu 2026-03-05 12:30 at the latest"))
def the_buyer_has_written(shop: Stage) -> None:
    shop.rules(SHIPPED + 'expiry = "9d"\n')
    wrote = event("message.received", at="2026-03-02T11:30", order="1", message={"id": "m1", "text": "?"})
    shop.ingest(*shipped(), wrote)
    shop.run()


@case(*held("a refund is being settled, since Mon 2026-03-02 12:00", "waits until"))
def money_goes_back(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped(), event("refund.issued", at="2026-03-02T11:00", order="1", refund={"amount": "5.00"}))
    shop.run()


@case(*held("a bad review has not been settled (2 stars), since Mon 2026-03-02 12:00", "waits until"))
def a_bad_review(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped(), event("review.posted", at="2026-03-02T11:00", order="1", review={"stars": 2}))
    shop.run()


@case(*held("no news comes in from the shop's sources (erp), since Mon 2026-03-02 13:00", "waits until"))
def no_news_from_the_source(shop: Stage) -> None:
    shop.settings(more='\n[sources.erp]\nkind = "file"\nshop = "toys"\nfresh = "2h"\n')
    shop.rules(SHIPPED + 'delay = "6h"\n')
    shop.ingest(*shipped(), source="erp")
    shop.run("2026-03-02T17:00")


@case(*held("kept back by Ann: the buyer called", "waits until"))
def a_person_keeps_it_back(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    act(shop, Verb.HOLD, why="the buyer called")


def asked(told: str) -> tuple[State, Reason, str]:
    return State.WAITING_APPROVAL, Reason.APPROVAL, told


@case(*asked("a person has to approve it: the rule asks for approval"))
def the_rule_asks_for_approval(shop: Stage) -> None:
    shop.rules(SHIPPED + 'approval = "staff"\n')
    shop.ingest(*shipped())
    shop.run()


@case(*asked("a person has to approve it: mode = approve"))
def the_shop_asks_for_approval(shop: Stage) -> None:
    shop.settings(('mode = "live"', 'mode = "approve"'))
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.run()


@case(*asked("wanted more messages within a day than [safety] max_new_messages allows"))
def the_valve_closed(shop: Stage) -> None:
    shop.rules(SHIPPED, head='version = 1\n[safety]\nmax_new_messages = 1\n[defaults]\nwindow = "always"\n')
    shop.ingest(*shipped("1"), *shipped("2"))


@case(State.AWAITING_STAFF, None, "a person has to send it by hand")
def it_lies_on_a_desk(shop: Stage) -> None:
    shop.settings(('{ email = "main" }', '{ platform = "desk" }'), more='\n[transports.desk]\nkind = "assisted"\n')
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.run()


@case(State.SKIPPED, Reason.DESK_FULL, "1 a day")
def the_desk_has_no_time_for_it(shop: Stage) -> None:
    more = '\n[transports.desk]\nkind = "assisted"\nper_day = 1\n'
    shop.settings(('{ email = "main" }', '{ platform = "desk" }'), more=more)
    shop.rules(SHIPPED + "priority = -1\n")
    shop.ingest(*shipped("0"))
    shop.run()
    shop.ingest(*shipped())
    shop.run()


@case(State.FAILED, Reason.PLATFORM_REFUSED, "Ann: sensitive words")
def the_platform_did_not_let_a_person_send_it(shop: Stage) -> None:
    it_lies_on_a_desk(shop)
    Desk(shop.engine.store, shop.engine.home, shop.clock).refused(shop.row().id, "Ann", why="sensitive words")


@case(State.CLAIMED)
def a_worker_has_it(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    assert shop.engine.store.claim(owner="w", now=START, lease_until=START + LEASE, limit=1)


# --- perhaps gone, or gone ---------------------------------------------------------------------------------------------


@case(State.SENDING)
def it_is_on_its_way(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    with pytest.raises(Crash):
        shop.run(transport=DyingTransport())


@case(State.UNCERTAIN, Reason.CRASHED, "; the same once more at Mon 2026-03-02 13:02")
def the_program_stopped_while_it_was_sent(shop: Stage) -> None:
    it_is_on_its_way(shop)
    shop.at(START + 2 * LEASE)
    assert shop.engine.store.rescue(now=shop.clock.now()) == (0, 1)
    shop.dispatcher().resolve_uncertain()


@case(State.UNCERTAIN, Reason.REPLY_LOST, "the answer of the other side did not arrive: left to staff")
def the_answer_was_lost(shop: Stage) -> None:
    shop.rules(SHIPPED + 'uncertain = "ask"\n')
    shop.transport.answer(Outcome.UNCERTAIN)
    shop.ingest(*shipped())
    shop.run()


@case(State.SENT)
def it_was_sent(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.run()


@case(State.MERGED, None, "went out together with another message: shipped of order 2")
def it_went_with_another(shop: Stage) -> None:
    shop.rules(SHIPPED + 'merge = { within = "6h", same = "buyer" }\n')
    shop.ingest(*shipped("2", buyer="ana"), *shipped("1", buyer="ana", at="2026-03-02T11:00"))
    shop.run()


@case(State.SUPERSEDED, None, "gave way to another message: sorry")
def another_silenced_it(shop: Stage) -> None:
    shop.rules(SHIPPED + 'delay = "1d"\n' + APOLOGY + 'supersedes = ["shipped"]\n')
    shop.ingest(*shipped(), moving())
    shop.run()


def moving() -> domain.events.Event:
    """A parcel that was seen: the apology for a delay names where."""
    return event("shipment.in_transit", at="2026-03-02T10:30", order="1", shipment={"number": "RR1"})


@case(State.FAILED, Reason.REFUSED, "550 5.1.1 no such mailbox")
def the_mail_server_said_no(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.transport.answer(Outcome.PERMANENT)
    shop.ingest(*shipped())
    shop.run()


@case(
    State.PLANNED,
    Reason.BREAKER,
    "the account it is sent from is in trouble",
    "the account main is in trouble since Mon 2026-03-02 13:00 (535 5.7.8 authentication failed)",
)
def the_account_is_in_trouble(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.transport.answer(*[Outcome.ACCOUNT] * 5)
    shop.ingest(*shipped())
    shop.run()


@case(State.EXPIRED, Reason.BREAKER, "the account it is sent from was in trouble for too long")
def the_account_was_in_trouble_for_too_long(shop: Stage) -> None:
    shop.rules(SHIPPED + ENDS)
    shop.transport.answer(*[Outcome.ACCOUNT] * 6)
    shop.ingest(*shipped())
    shop.run()
    shop.run(START + timedelta(days=2))


@case(State.PLANNED, Reason.RATE, "as many are on their way as may be")
def it_waits_its_turn(shop: Stage) -> None:
    shop.limits = {"main": Limits(whole=Rate(1, timedelta(hours=1)))}
    shop.rules(SHIPPED)
    shop.ingest(*shipped("2", at="2026-03-02T09:59"), *shipped())
    shop.run()


@case(State.FAILED, Reason.POISON, "claimed 6 times without a result")
def it_takes_its_worker_down(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    for number in range(5):
        now = shop.clock.now()
        assert shop.engine.store.claim(owner=f"w{number}", now=now, lease_until=now + LEASE, limit=1)
        shop.at(now + 2 * LEASE)
        shop.engine.store.rescue(now=shop.clock.now())
    shop.run()


# --- ended by events and people ----------------------------------------------------------------------------------------


@case(
    State.CANCELLED, Reason.EVENT, "the order was cancelled (Mon 2026-03-02 12:30)",
    "90 minutes after the order was shipped (Mon 2026-03-02 11:00)",
)  # fmt: skip
def an_event_cancelled_it(shop: Stage) -> None:
    shop.rules(SHIPPED + 'delay = "1d"\ncancel_on = ["order.cancelled"]\n')
    shop.ingest(*shipped())
    shop.ingest(event("order.cancelled", at="2026-03-02T11:30", order="1"))


@case(State.CANCELLED, Reason.STAFF, "Ann: sent by hand")
def a_person_stopped_it(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    act(shop, Verb.CANCEL, why="sent by hand")


@case(State.CANCELLED, Reason.DECLINED, "Ann: wrong tone")
def a_person_declined_it(shop: Stage) -> None:
    the_rule_asks_for_approval(shop)
    act(shop, Verb.CANCEL, why="wrong tone")


# --- too late ----------------------------------------------------------------------------------------------------------


@case(State.EXPIRED, Reason.DUE, "Wed 2026-03-04 11:00")
def nobody_was_at_work(shop: Stage) -> None:
    shop.rules(SHIPPED + ENDS)
    shop.ingest(*shipped())
    shop.run("2026-03-05T12:00")


@case(State.EXPIRED, Reason.HOLD, "a dispute is open (d1)")
def the_dispute_went_on(shop: Stage) -> None:
    shop.rules(SHIPPED + ENDS)
    shop.ingest(*shipped(), event("dispute.opened", at="2026-03-02T11:00", order="1", dispute={"id": "d1"}))
    shop.run()
    shop.run("2026-03-04T12:00")


@case(State.EXPIRED, Reason.CAP)
def there_was_no_room_before_it_expired(shop: Stage) -> None:
    shop.rules(SHIPPED + 'expiry = "12h"\ncap = { per_buyer = "1/1d" }\n')
    shop.ingest(*shipped("2", buyer="ana"))
    shop.run()
    shop.ingest(*shipped("1", buyer="ana"))
    shop.run()


@case(State.EXPIRED, Reason.WINDOW)
def no_hour_suited(shop: Stage) -> None:
    shop.rules(SHIPPED + 'expiry = "2h"\nwindow = "05:00-06:00"\n')
    shop.ingest(*shipped())


@case(State.EXPIRED, Reason.APPROVAL, "the rule asks for approval")
def nobody_said_yes(shop: Stage) -> None:
    shop.rules(SHIPPED + ENDS + 'approval = "staff"\n')
    shop.ingest(*shipped())
    shop.run()
    shop.run("2026-03-04T12:00")


# --- left out ----------------------------------------------------------------------------------------------------------


@case(
    State.SKIPPED, Reason.WHERE_FAILED, "order.late is yes", "the rule asks that the order is not late",
)  # fmt: skip
def a_condition_fails_when_it_is_due(shop: Stage) -> None:
    shop.rules(SHIPPED + "where = { order.late = { not = true } }\n")
    shop.ingest(*shipped(), event("order.updated", order="1", told={"ship_by": "2026-03-01T00:00:00Z"}))
    shop.run()


@case(State.SKIPPED, Reason.ONCE, "order 2, 2026-03-02")
def the_buyer_heard_it_already(shop: Stage) -> None:
    shop.rules(SHIPPED + 'once_per = "buyer/90d"\n')
    shop.ingest(*shipped("2", buyer="ana"))
    shop.run()
    shop.ingest(*shipped("1", buyer="ana"))
    shop.run()


@case(State.SKIPPED, Reason.GROUP, "the rule sorry")
def another_rule_of_the_group_speaks_now(shop: Stage) -> None:
    shop.rules(SHIPPED + 'delay = "1d"\n')
    shop.ingest(*shipped())
    shop.rules(SHIPPED + 'delay = "1d"\ngroup = "g"\n' + APOLOGY + 'delay = "1d"\ngroup = "g"\npriority = 5\n')


@case(State.SKIPPED, Reason.STALE_EVENT, "it should have left by Mon 2026-03-09 11:00")
def it_is_old_news(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped(), at="2026-03-20T12:00")
    shop.run()


@case(State.SKIPPED, Reason.NO_RECIPIENT, "no e-mail address is known")
def there_is_no_address(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(*shipped(email=None))
    shop.run()


@case(State.SKIPPED, Reason.NO_CHANNEL, "the shop has none of the rule's channels")
def the_shop_has_no_such_channel(shop: Stage) -> None:
    shop.rules(SHIPPED + 'channels = ["platform"]\n')
    shop.ingest(*shipped())
    shop.run()


@case(State.SKIPPED, Reason.MISSING_DATA, "shipment")
def the_text_needs_a_number(shop: Stage) -> None:
    shop.rules(SHIPPED)
    shop.ingest(shipped()[0], event("order.shipped", at="2026-03-02T10:00", order="1"))
    shop.run()


@case(State.SKIPPED, Reason.POLICY, "L03")
def the_platform_does_not_allow_what_a_product_is_called(shop: Stage) -> None:
    shop.settings(('platform = "none"', 'platform = "aliexpress"'))
    shop.rules(SHIPPED)
    named = event(
        "order.updated", at="2026-03-02T09:30", order="1", told={"items": [{"title": "Write to sales@toys.example"}]}
    )
    shop.ingest(*shipped(), named)
    shop.run()


@case(State.SKIPPED, Reason.SUPPRESSED, "the buyer unsubscribed", rule="review")
def the_buyer_does_not_want_it(shop: Stage) -> None:
    shop.rules(REVIEW)
    left = event("buyer.unsubscribed", at="2026-03-02T10:30", order="1", unsubscribed={"category": "relational"})
    shop.ingest(*shipped(), left)
    shop.run()


@case(State.SKIPPED, Reason.RULE_REMOVED, "shipped")
def the_rule_is_gone(shop: Stage) -> None:
    shop.rules(SHIPPED + 'delay = "1d"\n')
    shop.ingest(*shipped())
    shop.rules(APOLOGY)


@case(State.SKIPPED, Reason.REHEARSAL, "mode = rehearse")
def the_shop_rehearses(shop: Stage) -> None:
    shop.settings(('mode = "live"', 'mode = "rehearse"'))
    shop.rules(SHIPPED)
    shop.ingest(*shipped())
    shop.run()


@case(State.SKIPPED, Reason.ALREADY_TOLD, "old", rule="old")
def two_names_of_one_rule(shop: Stage) -> None:
    old = '[rules.old]\ntemplate = "shipped"\non = "order.shipped"\ndelay = "1d"\n'
    shop.rules(SHIPPED + old)
    shop.ingest(*shipped())
    shop.run()
    shop.rules(SHIPPED + 'formerly = ["old"]\n')


CANNOT_OCCUR_YET: Final[dict[Reason | State, tuple[str, frozenset[str]]]] = {
    Reason.ERASED: (
        "no command erases an order yet, and explain would not find it any more",
        frozenset({"domain/reconciling.py", "domain/clearing.py", "services/desk_opening.py"}),
    ),
    Reason.PAUSED: (
        "a pause changes no message: explain tells it as what stands in the way", frozenset({"services/telling/outlook.py"}),
    ),
    State.BOUNCED: ("bounces are not read yet", frozenset()),
    State.COMPLAINED: ("complaints are not read yet", frozenset()),
}  # fmt: skip
"""Words that nothing writes, why, and the modules that name them all the same."""


@pytest.mark.parametrize("name", CASES)
def test_every_state_is_told_with_its_true_reason(name: str, shop: Stage) -> None:
    found = CASES[name]
    found.scene(shop)

    row = shop.row(found.rule)
    assert (row.state, row.reason) == (found.state, found.reason)
    (standing,) = [one for one in shop.explain().messages if one.row.key.rule == found.rule]
    told = "\n".join([standing.text, *(obstacle.text for obstacle in standing.outlook.obstacles)])
    assert sentence(found.state, str(found.reason or "")) in told
    assert [one for one in found.told if one not in told] == [], told
    assert standing in shop.why(found.rule).messages


def test_every_reason_and_state_has_a_case_or_cannot_occur_yet() -> None:
    reasons = {one.reason for one in CASES.values()} - {None}
    states = {one.state for one in CASES.values()}

    assert reasons | (CANNOT_OCCUR_YET.keys() & set(Reason)) == set(Reason)
    assert states | (CANNOT_OCCUR_YET.keys() & set(State)) == set(State)
    assert not (reasons | states) & CANNOT_OCCUR_YET.keys()


@pytest.mark.parametrize("word", [one for one in CANNOT_OCCUR_YET if isinstance(one, Reason)])
def test_what_cannot_occur_yet_is_written_by_nobody(word: Reason) -> None:
    package = Path(domain.__file__).parent.parent
    named = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if f"Reason.{word.name}" in path.read_text(encoding="utf-8")
    }

    assert named == CANNOT_OCCUR_YET[word][1], f"{word}: give it a case, or say why it still cannot occur"
