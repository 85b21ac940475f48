"""``uncertain = "verify"``: what was perhaps sent is looked for, leaves once more only when it is not there, and never arrives twice."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messenger.bootstrap.making import composer_of
from messenger.domain.messages import LOOK, FrozenMessage, Key, Outcome, PlannedMessage, Receipt, State
from messenger.domain.rules import Uncertain
from messenger.domain.shops import UncertainPolicy
from messenger.ports import Committing, Done, NotNow
from messenger.services.dispatching import Dispatcher
from tests.stage import LEASE, Crash, Stage, shipped, stage

RULES = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\nexpiry = "3d"\n'
AFTER = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(minutes=16)
NO = Receipt(outcome=Outcome.TEMPORARY, reply="too many", code=429)
SHUT = Receipt(outcome=Outcome.ACCOUNT, reply="who are you", code=401, stage="auth")
AWAY = Receipt(outcome=Outcome.TEMPORARY, reply="no answer", stage=LOOK)

TAKEN, REFUSED, LOCKED = "taken", "refused", "locked"
LOST, VANISHED = "it arrives, the answer is lost", "it does not arrive, nor does an answer"
DIES, DIES_SENT, DIES_EARLY = "we die before it leaves", "we die once it has arrived", "we die before the commit point"
SENDS = (TAKEN, REFUSED, LOCKED, LOST, VANISHED, DIES, DIES_SENT, DIES_EARLY)
TRUTH, NO_IDEA, NOT_NOW, LOCKED_OUT, BROKEN = "truth", "no idea", "not now", "locked out", "broken"
LOOKS = (TRUTH, NO_IDEA, NOT_NOW, LOCKED_OUT, BROKEN)


@dataclass
class Chat:
    """A platform that does as it is told, and afterwards what it should; implements ``ports.Transport`` and ``Verifier``."""

    name: str = "chat"
    sends: deque[str] = field(default_factory=deque)
    looks: deque[str] = field(default_factory=deque)
    arrived: Counter[Key] = field(default_factory=Counter)
    seen: list[FrozenMessage] = field(default_factory=list)
    """What was looked for."""

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        async for message in messages:
            await self._take(message, committing, done)

    async def _take(self, message: FrozenMessage, committing: Committing, done: Done) -> None:
        act = self.sends.popleft() if self.sends else TAKEN
        if act == DIES_EARLY:
            raise Crash
        if act == LOCKED:
            await done(message.key, SHUT)
            return
        if not await committing(message.key):
            return
        self.arrived[message.key] += act in {TAKEN, LOST, DIES_SENT}
        if act in {DIES, DIES_SENT}:
            raise Crash
        outcome = {TAKEN: Outcome.ACCEPTED, REFUSED: NO.outcome}.get(act, Outcome.UNCERTAIN)
        await done(message.key, Receipt(outcome=outcome, reply=act))

    async def verify(self, message: FrozenMessage) -> bool | None:
        self.seen.append(message)
        match self.looks.popleft() if self.looks else TRUTH:
            case "truth":
                return self.arrived[message.key] > 0
            case "no idea":
                return None
            case "not now":
                raise NotNow(AWAY)
            case "locked out":
                raise NotNow(replace(SHUT, stage=LOOK))
        raise RuntimeError("the answer was none")

    async def close(self) -> None:
        """Nothing is kept open."""


class Life:
    """One shop that writes through one chat; each order is a story of its own."""

    def __init__(self, shop: Stage) -> None:
        self.shop = shop
        self.numbers = itertools.count(1)
        self.chat = Chat()
        self.workers = itertools.count(1)
        self.policy = UncertainPolicy(then=Uncertain.VERIFY, resend_after=AFTER, can_verify=True)

    def begin(self, *, sends: list[str], looks: list[str]) -> str:
        """An order is shipped; returns its number."""
        number = f"o{next(self.numbers)}"
        self.chat = Chat(sends=deque(sends), looks=deque(looks))
        self.shop.engine.store.turn_breaker("chat", lambda one: replace(one, phase=type(one.phase).CLOSED, failures=0))
        self.shop.ingest(*shipped(number, at=f"{self.shop.clock.now():%Y-%m-%dT%H:%M}"))
        return number

    def work(self) -> None:
        """One pass of a new worker, and what its next life finds when it dies."""
        engine = self.shop.engine
        toys = replace(engine.home.shops["toys"], channels={"platform": "chat"})
        dispatcher = Dispatcher(
            store=engine.store, home=replace(engine.home, shops={"toys": toys}, uncertain={"chat": self.policy}), clock=self.shop.clock,
            composer=composer_of(engine.settings), transports={"chat": self.chat}, owner=f"w{next(self.workers)}", lease=LEASE, batch=10,
        )  # fmt: skip
        try:
            asyncio.run(dispatcher.run_due())
        except Crash:
            self.shop.at(self.shop.clock.now() + 2 * LEASE)
        engine.store.rescue(now=self.shop.clock.now())
        dispatcher.resolve_uncertain()

    def go_on(self, number: str, *, rounds: int = 40) -> PlannedMessage:
        """Work until nothing more happens by itself; nothing may arrive twice on the way. Returns the row."""
        for _ in range(rounds):
            self.work()
            assert max(self.chat.arrived.values(), default=0) <= 1
            row = self.row(number)
            if row.state not in {State.PLANNED, State.UNCERTAIN} or (
                row.state is State.UNCERTAIN and not row.resend_at
            ):
                return row
            next_at = row.resend_at or row.due_at
            self.shop.at(max(next_at, self.shop.clock.now() + LONGEST_PAUSE))
        raise AssertionError(f"no end of it: {self.row(number)}")

    def row(self, number: str) -> PlannedMessage:
        return self.shop.row("shipped", number)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    shop = stage(tmp_path_factory.mktemp("verifying"))
    shop.rules(RULES)
    yield Life(shop)
    shop.close()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sends=st.lists(st.sampled_from(SENDS), max_size=5), looks=st.lists(st.sampled_from(LOOKS), max_size=5))
def test_whatever_happens_nothing_arrives_twice_and_the_record_is_true(
    life: Life, sends: list[str], looks: list[str]
) -> None:
    number = life.begin(sends=sends, looks=looks)

    row = life.go_on(number)

    arrived = sum(life.chat.arrived.values())
    if row.state is State.SENT:
        assert arrived == 1
    if arrived:
        assert row.state in {State.SENT, State.UNCERTAIN}
    if not set(sends) & {LOST, VANISHED, DIES, DIES_SENT}:
        assert life.chat.seen == []


@pytest.mark.parametrize(
    ("sends", "looks", "state", "arrived", "looked"),
    [
        pytest.param([LOST], [TRUTH], State.SENT, 1, 1, id="it had arrived: nothing leaves again"),
        pytest.param([VANISHED], [TRUTH], State.SENT, 1, 1, id="it had not: it leaves once more"),
        pytest.param([DIES_SENT], [TRUTH], State.SENT, 1, 1, id="we died once it had arrived"),
        pytest.param([DIES], [TRUTH], State.SENT, 1, 1, id="we died before it left"),
        pytest.param([LOST], [NO_IDEA], State.UNCERTAIN, 1, 1, id="nobody can say, it had arrived: a person decides"),
        pytest.param(
            [VANISHED], [NO_IDEA], State.UNCERTAIN, 0, 1, id="nobody can say, it had not: a person decides all the same"
        ),
        pytest.param([LOST], [NOT_NOW, NOT_NOW, TRUTH], State.SENT, 1, 3, id="it is asked again until there is an answer"),
        pytest.param([LOST], [LOCKED_OUT, TRUTH], State.SENT, 1, 2, id="the account was shut for a while"),
        pytest.param([LOST], [BROKEN, TRUTH], State.SENT, 1, 2, id="the answer was none"),
        pytest.param([VANISHED, LOST], [TRUTH, TRUTH], State.SENT, 1, 2, id="the second copy is looked for too"),
        pytest.param([VANISHED, DIES_SENT], [TRUTH, TRUTH], State.SENT, 1, 2, id="and when we died at it"),
        pytest.param([VANISHED] * 2, [TRUTH] * 2, State.UNCERTAIN, 0, 2, id="twice in vain: a person decides"),
        pytest.param([VANISHED, DIES], [TRUTH] * 2, State.UNCERTAIN, 0, 2, id="and when we died the second time"),
        pytest.param(
            [VANISHED, REFUSED], [TRUTH] * 2, State.SENT, 1, 2, id="a second copy that was refused has not arrived"
        ),
        pytest.param(
            [VANISHED, REFUSED, REFUSED], [TRUTH, NOT_NOW, TRUTH, TRUTH], State.SENT, 1, 4, id="nor one refused twice"
        ),
        pytest.param(
            [VANISHED, VANISHED], [TRUTH, NOT_NOW, TRUTH], State.UNCERTAIN, 0, 3, id="a look in vain makes no third copy"
        ),
    ],
)  # fmt: skip
def test_what_was_perhaps_sent_is_looked_for(
    life: Life, sends: list[str], looks: list[str], state: State, arrived: int, looked: int
) -> None:
    number = life.begin(sends=sends, looks=looks)

    row = life.go_on(number)

    assert (row.state, sum(life.chat.arrived.values()), len(life.chat.seen)) == (state, arrived, looked)


def test_the_look_waits_until_the_platform_shows_what_it_has(life: Life) -> None:
    number = life.begin(sends=[LOST], looks=[])
    life.work()
    at = life.shop.clock.now()

    assert life.row(number).resend_at == at + AFTER
    life.shop.at(at + AFTER - timedelta(seconds=1))
    life.work()
    assert life.chat.seen == []
    life.go_on(number)
    assert len(life.chat.seen) == 1


def test_what_has_become_pointless_is_looked_for_but_not_sent(life: Life) -> None:
    number = life.begin(sends=[VANISHED], looks=[])
    life.work()
    life.shop.at(life.row(number).expires_at)

    row = life.go_on(number)

    assert (row.state, row.resend_at, sum(life.chat.arrived.values())) == (State.UNCERTAIN, None, 0)
    assert len(life.chat.seen) == 1


def test_the_record_says_what_was_found(life: Life) -> None:
    number = life.begin(sends=[LOST], looks=[])

    assert (life.go_on(number).reply or "").startswith("found there")


def test_the_text_that_is_looked_for_is_the_one_that_was_sent_with_the_time_it_was_written(life: Life) -> None:
    number = life.begin(sends=[LOST], looks=[])
    written = life.shop.clock.now()

    life.go_on(number)

    (message,) = life.chat.seen
    assert message.text.startswith("Hola")
    assert message.written_at == written.replace(microsecond=0)


# --- who decides ------------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Life]:
    shop = stage(tmp_path)
    shop.rules(RULES)
    yield Life(shop)
    shop.close()


@pytest.mark.parametrize(
    ("rule", "transport", "can_verify", "state"),
    [
        pytest.param("", Uncertain.VERIFY, True, State.SENT, id="the transport says so"),
        pytest.param('uncertain = "ask"\n', Uncertain.VERIFY, True, State.UNCERTAIN, id="the rule wants a person"),
        pytest.param('uncertain = "verify"\n', Uncertain.RESEND, True, State.SENT, id="the rule says so"),
        pytest.param(
            'uncertain = "verify"\n', Uncertain.RESEND, False, State.UNCERTAIN, id="the transport cannot be asked: a person"
        ),
        pytest.param('category = "relational"\n', Uncertain.VERIFY, True, State.SENT, id="to look does no harm to any kind"),
        pytest.param('category = "relational"\n', Uncertain.RESEND, True, State.UNCERTAIN, id="to send blindly does"),
    ],
)  # fmt: skip
def test_the_rule_decides_then_the_kind_then_the_transport(
    own: Life, rule: str, transport: Uncertain, state: State, *, can_verify: bool
) -> None:
    own.shop.rules(RULES + rule)
    own.policy = UncertainPolicy(then=transport, resend_after=AFTER, can_verify=can_verify)
    number = own.begin(sends=[LOST], looks=[])

    assert own.go_on(number).state is state
