"""The guard is asked again when a person opens a message that lies on a desk: is it still true, and welcome?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

from messenger.config.places import country_zones
from messenger.domain.events import Event
from messenger.domain.folding import fold
from messenger.domain.guarding import Go, Stay, Surroundings, may_open
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.planning import plan
from messenger.domain.rules import Cap, Caps, OnEvent, OnSilence, Rule, Schedule
from messenger.domain.shops import Desk, Mode, Shop
from messenger.domain.timing import Hours, Span
from tests.builders import event, parcel, utc

SHOP = Shop(
    id="toys", name="Toys", sender="Toys <care@toys.example>", mode=Mode.LIVE, channels={"platform": "desk"},
    zone="Asia/Shanghai", desks={"desk": Desk()},
)  # fmt: skip
BUYER = {"id": "b1", "name": "Ana", "country": "FR", "language": "es"}
SHIPPED = Rule(name="shipped", template="shipped", trigger=OnEvent(types=("order.shipped",)))
STUCK = Rule(name="stuck", template="customs-delay", trigger=OnSilence(since="shipment.*"), delays=(Span(days=5),))
NOW = utc("2026-03-03T10:00")
TOLD = event("order.shipped", at="2026-03-03T09:00", buyer=BUYER, shipment={"number": "RR1CN"})


def lying(rule: Rule, *events: Event, shop: Shop = SHOP) -> PlannedMessage:
    """The message of a rule as it was put on the desk."""
    (wanted,) = plan(fold(events), [rule], country_zones(), shop).wanted
    row = wanted.message
    return replace(row, id=1, state=State.AWAITING_STAFF, due_at=row.expires_at, channel="platform", transport="desk")


def opened(
    row: PlannedMessage, rule: Rule, *events: Event, at: datetime = NOW, shop: Shop = SHOP, rows: Sequence[PlannedMessage] = ()
) -> Go | Stay:  # fmt: skip
    around = Surroundings(schedule=Schedule(rules=(rule,)), shop=shop, zones=country_zones(), now=at, rows=[row, *rows])
    return may_open(row, fold(events), around)


def left(decision: Go | Stay) -> tuple[State, Reason | None]:
    assert isinstance(decision, Stay)
    return decision.message.state, decision.message.reason


def test_what_is_still_true_may_be_sent_from_its_desk() -> None:
    decision = opened(lying(SHIPPED, TOLD), SHIPPED, TOLD)

    assert isinstance(decision, Go)
    assert (decision.channel, decision.transport, decision.recipient, decision.desk) == (
        "platform",
        "desk",
        "b1",
        Desk(),
    )


def test_its_hours_are_not_asked_again() -> None:
    morning = replace(SHIPPED, hours=Hours(opens=time(9), closes=time(12)))

    assert isinstance(opened(lying(morning, TOLD), morning, TOLD, at=utc("2026-03-03T20:00")), Go)


def test_what_became_untrue_ends_with_its_reason() -> None:
    rule = replace(SHIPPED, cancel_on=("order.cancelled",))
    gone = event("order.cancelled", at="2026-03-03T09:30")

    assert left(opened(lying(rule, TOLD), rule, TOLD, gone)) == (State.CANCELLED, Reason.EVENT)


def test_a_conversation_that_began_meanwhile_holds_it() -> None:
    wrote = event("message.received", at="2026-03-03T09:30", message={"text": "Where is it?"})

    assert left(opened(lying(SHIPPED, TOLD), SHIPPED, TOLD, wrote)) == (State.HELD, Reason.HOLD)


def test_a_silence_that_was_broken_is_waited_for_anew() -> None:
    first, later = parcel("in_transit", at="2026-03-03T09:00"), parcel("in_transit", at="2026-03-08T08:00")
    row = lying(STUCK, event("order.paid", buyer=BUYER), first)
    decision = opened(row, STUCK, event("order.paid", buyer=BUYER), first, later, at=utc("2026-03-08T10:00"))

    assert isinstance(decision, Stay)
    assert (decision.message.state, decision.message.wanted_at) == (State.PLANNED, utc("2026-03-13T08:00"))


def test_nothing_leaves_a_shop_that_rehearses_by_now() -> None:
    rehearsing = replace(SHOP, mode=Mode.REHEARSE)

    assert left(opened(lying(SHIPPED, TOLD), SHIPPED, TOLD, shop=rehearsing)) == (State.SKIPPED, Reason.REHEARSAL)


def test_caps_count_what_was_sent_meanwhile() -> None:
    rule = replace(SHIPPED, caps=Caps(per_buyer=Cap(count=1, span=timedelta(days=1))))
    row = lying(rule, TOLD)
    other = replace(
        row, id=2, key=replace(row.key, scope="9"), order="9", state=State.SENT, sent_at=utc("2026-03-03T09:45")
    )

    assert left(opened(row, rule, TOLD, rows=[other])) == (State.PLANNED, Reason.CAP)
    assert isinstance(opened(row, rule, TOLD), Go)
