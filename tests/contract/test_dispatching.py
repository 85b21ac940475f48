"""What a dispatcher promises: nobody waits for another's trouble, nothing is claimed that cannot leave soon, nothing stays behind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from messenger.domain.messages import FrozenMessage, Outcome, PlannedMessage, Reason, Receipt, State
from messenger.domain.pacing import LONG_PAUSE, SPREAD, Rate
from messenger.errors import StorageError
from messenger.mail.mime import MimeComposer
from messenger.ports import Committing, Done, Store, Transport
from messenger.services.accounts import Limits
from messenger.services.beating import Heart
from messenger.services.dispatching import AHEAD, DEPTH, Dispatcher
from tests.stage import LEASE, START, Stage, shipped, stage

SHIPPED: Final = '[rules.shipped]\ntemplate = "shipped"\non = "order.shipped"\nexpiry = "20d"\nmax_age = "30d"\n'
LOGIN: Final = Receipt(outcome=Outcome.ACCOUNT, reply="535 5.7.8 no", code=535, stage="auth")
GONE: Final = Receipt(outcome=Outcome.ACCOUNT, reply="connect: refused", stage="connect")
YES: Final = Receipt(outcome=Outcome.ACCEPTED, reply="250 ok", code=250, stage="end_of_data")
MINUTE: Final = timedelta(minutes=1)


@dataclass
class Server:
    """A transport of several conversations, whose answers are decided when they are asked for.

    Args:
        answer: returns how a message ends, given its recipient; it may wait, or raise.
        slots: conversations at a time.
    """

    answer: Callable[[str], Any]
    slots: int = 4
    name: str = "main"
    tried: list[str] = field(default_factory=list)
    at_once: Counter[str] = field(default_factory=Counter)
    most_at_once: Counter[str] = field(default_factory=Counter)
    taken: list[FrozenMessage] = field(default_factory=list)
    committed: int = 0
    """Messages that were handed over, and whose answer is slow."""
    closed: int = 0

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Take messages as they come, several at a time."""
        turn = asyncio.Lock()

        async def converse() -> None:
            while True:
                async with turn:
                    message = await anext(messages, None)
                if message is None:
                    return
                await self._carry(message, committing, done)

        async with asyncio.TaskGroup() as group:
            for _ in range(self.slots):
                group.create_task(converse())

    async def _carry(self, message: FrozenMessage, committing: Committing, done: Done) -> None:
        domain = message.recipient.partition("@")[2]
        self.tried.append(message.recipient)
        self.at_once[domain] += 1
        self.most_at_once[domain] = max(self.most_at_once[domain], self.at_once[domain])
        try:
            receipt = self.answer(message.recipient)
            if receipt.outcome is not Outcome.ACCOUNT and not await committing(message.key):
                return
            if isinstance(receipt, Slow):
                self.committed += 1
                await receipt.event.wait()
                receipt = YES
            if receipt.outcome is Outcome.ACCEPTED:
                self.taken.append(message)
            await done(message.key, receipt)
        finally:
            self.at_once[domain] -= 1

    async def close(self) -> None:
        """Count that it was asked to."""
        self.closed += 1


@dataclass
class Slow:
    """An answer that comes when an event is set."""

    event: asyncio.Event
    outcome: Outcome = Outcome.ACCEPTED


@pytest.fixture
def shop(tmp_path: Path, migrated_url: str) -> Iterator[Stage]:
    opened = stage(tmp_path, url=migrated_url)
    opened.rules(SHIPPED)
    yield opened
    opened.close()


def orders(shop: Stage, *names: str, domain: str = "example.com") -> None:
    """Ship some orders; each buyer's address is in this domain."""
    events = [one for name in names for one in shipped(name, email=f"b{name}@{domain}")]
    shop.ingest(*events)


def numbered(count: int, prefix: str = "n") -> list[str]:
    return [f"{prefix}{number:03}" for number in range(count)]


def dispatcher(
    shop: Stage, *servers: Transport, store: Any = None, owner: str = "worker-1", main: Limits | None = None
) -> Dispatcher:
    return Dispatcher(
        store=store or shop.engine.store, home=shop.engine.home, clock=shop.clock, composer=MimeComposer(),
        transports={one.name: one for one in servers}, owner=owner, lease=LEASE, batch=200, limits={"main": main} if main else {},
    )  # fmt: skip


def run(shop: Stage, *servers: Transport, main: Limits | None = None) -> None:
    asyncio.run(dispatcher(shop, *servers, main=main).run_due())


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)


def rows(shop: Stage) -> list[PlannedMessage]:
    return list(shop.engine.store.outbox())


def states(shop: Stage) -> Counter[str]:
    return Counter(f"{row.state}:{row.reason or ''}" for row in rows(shop))


# --- accounts in trouble -----------------------------------------------------------------------------------------------


def test_a_refused_login_is_tried_once_and_no_message_loses_a_try(shop: Stage) -> None:
    orders(shop, *numbered(60))
    server = Server(lambda _: LOGIN)

    run(shop, server)

    assert len(server.tried) == 1
    assert states(shop) == {"planned:breaker": 60}
    assert {(row.attempts, row.queue) for row in rows(shop)} == {(0, "account/main")}


def test_in_ten_minutes_a_refused_login_is_tried_three_times_at_most(shop: Stage) -> None:
    orders(shop, *numbered(5))
    server = Server(lambda _: LOGIN)
    for _ in range(600):
        shop.at(shop.clock.now() + timedelta(seconds=1))
        run(shop, server)

    assert len(server.tried) == 3


def test_a_relay_that_is_down_is_left_alone_and_then_all_leaves_in_due_order(shop: Stage) -> None:
    for number in range(40):
        shop.ingest(*shipped(f"{number}", at=f"2026-03-02T10:{number:02}"))
    down = Server(lambda _: GONE)
    for _ in range(60):
        run(shop, down)
        shop.at(shop.clock.now() + timedelta(seconds=10))
    assert len(down.tried) <= 10
    assert {row.attempts for row in rows(shop)} == {0}

    up = Server(lambda _: YES, slots=1)
    shop.at(shop.clock.now() + 16 * MINUTE)
    run(shop, up)

    assert up.tried == [f"b{number}@example.com" for number in range(40)]
    assert states(shop) == {"sent:": 40}


def test_what_survives_a_restart_is_known_to_every_process(shop: Stage) -> None:
    orders(shop, "1", "2")
    run(shop, Server(lambda _: LOGIN))
    other = Server(lambda _: YES)

    asyncio.run(dispatcher(shop, other, owner="worker-2").run_due())
    assert other.tried == []
    shop.at(START + 2 * MINUTE)
    asyncio.run(dispatcher(shop, other, owner="worker-2").run_due())

    assert len(other.taken) == 2


def test_a_probe_that_comes_to_nothing_leaves_the_next_one_to_find_out(shop: Stage) -> None:
    """The first in line was cancelled while it was on its way to be a probe."""
    orders(shop, "1", "2")
    run(shop, Server(lambda _: LOGIN))
    shop.at(START + 2 * MINUTE)
    first = min(rows(shop), key=lambda row: row.due_at)
    stopped = Server(lambda _: YES)
    found = stopped.answer

    def cancel_first(recipient: str) -> Receipt:
        if recipient == f"b{first.order}@example.com":
            shop.engine.store.pause("nobody", at=START, by="ana")
        answer: Receipt = found(recipient)
        return answer

    stopped.answer = cancel_first
    run(shop, stopped)

    assert len(stopped.taken) == 2
    assert not shop.engine.store.breakers()["main"].is_open


def test_an_account_that_was_in_trouble_for_hours_lets_what_waited_out_slowly(shop: Stage) -> None:
    orders(shop, *numbered(20))
    run(shop, Server(lambda _: LOGIN))
    shop.at(START + LONG_PAUSE + MINUTE)
    server = Server(lambda _: YES)

    run(shop, server)

    assert len(server.taken) < 4
    waiting = [row.due_at for row in rows(shop) if row.state is State.PLANNED]
    assert max(waiting) > shop.clock.now() + SPREAD * 0.8
    shop.at(shop.clock.now() + SPREAD)
    run(shop, server)
    assert len(server.taken) == 20


def test_trouble_of_one_account_keeps_no_other_waiting(shop: Stage) -> None:
    shop.settings(
        more='\n[shops.other]\nname = "Other"\nsender = "Other <care@other.example>"\nchannels = { email = "second" }\nmode = "live"\n'
        '[transports.second]\nkind = "smtp"\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\n'
    )
    orders(shop, *numbered(100))
    other = [event for name in numbered(10, "o") for event in shipped(name)]
    shop.ingest(*(_of(event, "other") for event in other))
    never = asyncio.Event()
    stuck, good = Server(lambda _: Slow(never)), Server(lambda _: YES, name="second")

    async def while_one_is_stuck() -> None:
        work = asyncio.create_task(dispatcher(shop, stuck, good).run_due())
        await until(lambda: len(good.taken) >= 10)
        never.set()
        await work

    asyncio.run(while_one_is_stuck())
    assert (len(good.taken), len(stuck.taken)) == (10, 100)


def _of(event: Any, shop: str) -> Any:
    from dataclasses import replace  # noqa: PLC0415

    return replace(event, shop=shop)


# --- no more than can leave soon ---------------------------------------------------------------------------------------


def test_no_more_is_claimed_than_is_on_its_way_and_twice_that(shop: Stage) -> None:
    orders(shop, *numbered(120))
    gate = asyncio.Event()
    server = Server(lambda _: Slow(gate), slots=2)
    most = 2 * DEPTH * AHEAD

    async def look() -> int:
        work = asyncio.create_task(dispatcher(shop, server, main=Limits(connections=2)).run_due())
        await until(lambda: len(server.tried) >= 1)
        held = sum(row.owner is not None for row in rows(shop))
        gate.set()
        await work
        return held

    assert asyncio.run(look()) <= most
    assert states(shop) == {"sent:": 120}


def test_a_slow_destination_takes_half_of_the_conversations_at_most(shop: Stage) -> None:
    orders(shop, *numbered(20, "s"), domain="slow.example")
    orders(shop, *numbered(20, "g"), domain="good.example")
    gate = asyncio.Event()
    server = Server(lambda recipient: Slow(gate) if recipient.endswith("slow.example") else YES)

    async def look() -> None:
        work = asyncio.create_task(dispatcher(shop, server).run_due())
        await until(lambda: len(server.taken) >= 20)
        assert server.most_at_once["slow.example"] <= 2
        gate.set()
        await work

    asyncio.run(look())
    assert len(server.taken) == 40


def test_a_domain_that_asks_for_less_gets_less_and_others_do_not_wait(shop: Stage) -> None:
    orders(shop, *numbered(10, "s"), domain="busy.example")
    orders(shop, *numbered(10, "g"), domain="good.example")
    less = Receipt(outcome=Outcome.TEMPORARY, reply="421 4.7.28 too fast", code=421, status="4.7.28", stage="rcpt")
    server = Server(lambda recipient: less if recipient.endswith("busy.example") else YES, slots=1)

    run(shop, server)
    first = [one for one in server.tried if one.endswith("busy.example")]
    server.answer = lambda _: YES
    shop.at(START + timedelta(seconds=4))
    run(shop, server)
    soon = [one for one in server.taken if one.recipient.endswith("busy.example")]

    assert sum(one.recipient.endswith("good.example") for one in server.taken) == 10
    assert len(first) == 10  # they were in hand already: their answers came before any of them could be kept back
    assert soon == []
    for _ in range(30):
        shop.at(shop.clock.now() + MINUTE)
        run(shop, server)
    assert states(shop) == {"sent:": 20}


def test_a_rate_is_kept_over_all_processes_and_in_due_order(shop: Stage) -> None:
    orders(shop, *numbered(100))
    server, rate = Server(lambda _: YES), Limits(whole=Rate(60, MINUTE))
    sent: list[int] = []
    for second in range(90):
        shop.at(START + timedelta(seconds=second))
        for owner in ("a", "b"):
            asyncio.run(dispatcher(shop, server, owner=owner, main=rate).run_due())
        sent.append(len(server.taken))

    for start in range(30):
        assert sent[start + 59] - (sent[start - 1] if start else 0) <= 60
    assert sent[-1] >= 75
    waiting = Counter(row.queue for row in rows(shop) if row.state is State.PLANNED)
    assert set(waiting) == {"account/main"}
    assert {row.reason for row in rows(shop) if row.state is State.PLANNED} == {Reason.RATE}
    assert all(row.attempts == 0 for row in rows(shop) if row.state is State.PLANNED)


def test_a_rate_of_a_domain_gives_each_message_a_time_of_its_own(shop: Stage) -> None:
    orders(shop, *numbered(30, "g"), domain="gmail.example")
    orders(shop, *numbered(5, "o"), domain="other.example")
    server = Server(lambda _: YES)
    limits = Limits(domains={"gmail.example": Rate(10, MINUTE)})

    run(shop, server, main=limits)
    assert Counter(one.recipient.partition("@")[2] for one in server.taken) == {"gmail.example": 1, "other.example": 5}
    times = sorted(row.due_at for row in rows(shop) if row.state is State.PLANNED)
    assert len(set(times)) == 29
    for at in times:
        shop.at(at)
        run(shop, server, main=limits)

    assert states(shop) == {"sent:": 35}


# --- what an answer is followed by -------------------------------------------------------------------------------------


def test_a_full_mailbox_is_tried_once_a_day_until_it_expires(shop: Stage) -> None:
    full = Receipt(outcome=Outcome.PERMANENT, reply="552 5.2.2 mailbox full", code=552, status="5.2.2", stage="rcpt")
    orders(shop, "1")
    told: list[str] = []
    server = Server(lambda _: full)
    worker = dispatcher(shop, server)
    worker._on_refusal = lambda row, _content, receipt: told.append(f"{row.state} {receipt.status}")
    for _ in range(40):
        asyncio.run(worker.run_due())
        shop.at(shop.clock.now() + timedelta(hours=12))

    assert 17 <= len(server.tried) <= 20
    assert states(shop) == {"expired:due": 1}
    assert len(told) == len(server.tried)


def test_what_refusals_lead_to_cannot_stop_what_is_sent(shop: Stage) -> None:
    no = Receipt(outcome=Outcome.PERMANENT, reply="550 5.1.1 no such user", code=550, status="5.1.1", stage="rcpt")
    orders(shop, "1", "2")
    worker = dispatcher(shop, Server(lambda recipient: no if recipient.startswith("b1@") else YES))

    def broken(row: PlannedMessage, _content: FrozenMessage, _receipt: Receipt) -> None:
        assert shop.engine.store.message(row.id) == row or row.state is State.FAILED
        raise RuntimeError

    worker._on_refusal = broken
    asyncio.run(worker.run_due())

    assert states(shop) == {"sent:": 1, "failed:refused": 1}


# --- the end of a process, and of its database -------------------------------------------------------------------------


def test_asked_to_stop_it_finishes_what_is_on_its_way_and_leaves_nothing_claimed(shop: Stage) -> None:
    orders(shop, *numbered(60))
    gate = asyncio.Event()
    server = Server(lambda _: Slow(gate), slots=2)

    async def stop() -> None:
        worker = dispatcher(shop, server)
        work = asyncio.create_task(worker.run_due())
        await until(lambda: server.committed == 2)
        worker.stopping = True
        gate.set()
        async with asyncio.timeout(30):
            await work
        await worker.close()

    asyncio.run(stop())
    assert states(shop) == {"sent:": 2, "planned:": 58}
    assert {(row.owner, row.attempts) for row in rows(shop) if row.state is State.PLANNED} == {(None, 0)}
    assert server.closed == 1


def test_cut_off_it_says_that_what_may_have_been_sent_is_uncertain(shop: Stage) -> None:
    orders(shop, *numbered(30))
    server = Server(lambda _: Slow(asyncio.Event()), slots=2)

    async def cut() -> None:
        work = asyncio.create_task(dispatcher(shop, server).run_due())
        await until(lambda: server.committed == 2)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    asyncio.run(cut())
    assert states(shop) == {"uncertain:reply_lost": 2, "planned:": 28}
    assert {row.owner for row in rows(shop)} == {None}


class Away:
    """A store whose database is away while somebody says so."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_away: Callable[[str], bool] = lambda _: False
        self.answers_lost: Callable[[str], bool] = lambda _: False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def call(*args: object, **more: object) -> object:
            if self.is_away(name):
                raise StorageError("the database is away")
            answer = found(*args, **more)
            if self.answers_lost(name):
                raise StorageError("the database went away before it answered")
            return answer

        return call


@pytest.mark.parametrize("way", ["is_away", "answers_lost"])
def test_without_a_commit_point_nothing_is_sent_and_nothing_stays_claimed(way: str, shop: Stage) -> None:
    orders(shop, *numbered(10))
    store = Away(shop.engine.store)
    server = Server(lambda _: YES)
    worker = dispatcher(shop, server, store=store)
    left = [3]

    def for_a_while(name: str) -> bool:
        left[0] -= name == "commit"
        return name == "commit" and left[0] >= 0

    setattr(store, way, for_a_while)
    asyncio.run(worker.run_due())
    asyncio.run(worker.run_due())

    assert len(server.taken) == len({one.key for one in server.taken}) == 10
    assert states(shop) == {"sent:": 10}


def test_a_result_is_written_when_the_database_is_there_again(shop: Stage) -> None:
    orders(shop, "1", "2")
    store = Away(shop.engine.store)
    server, left = Server(lambda _: YES), [2]

    def for_a_while(name: str) -> bool:
        left[0] -= name == "record"
        return name == "record" and left[0] >= 0

    store.is_away = for_a_while
    asyncio.run(dispatcher(shop, server, store=store).run_due())

    assert len(server.taken) == 2
    assert states(shop) == {"sent:": 2}


def test_what_was_claimed_when_the_database_went_away_is_put_back(shop: Stage) -> None:
    orders(shop, *numbered(10))
    store = Away(shop.engine.store)
    server = Server(lambda _: YES)
    worker = dispatcher(shop, server, store=store)
    store.is_away = lambda name: name in {"events_of", "settle"}
    with pytest.raises(StorageError):
        asyncio.run(worker.run_due())
    assert {row.state for row in rows(shop)} == {State.CLAIMED}

    store.is_away = lambda _: False
    asyncio.run(worker.run_due())

    assert states(shop) == {"sent:": 10}


def test_a_pass_that_breaks_off_while_results_cannot_be_written_forgets_no_claim(shop: Stage) -> None:
    orders(shop, *numbered(10))
    store, gate, is_away = Away(shop.engine.store), asyncio.Event(), [False]
    store.is_away = lambda _: is_away[0]
    server = Server(lambda _: YES if gate.is_set() else Slow(gate), slots=2)
    worker = dispatcher(shop, server, store=store)

    async def go_away_and_come_back() -> None:
        work = asyncio.create_task(worker.run_due())
        await until(lambda: server.committed == 2)
        is_away[0] = True
        gate.set()
        with pytest.raises(StorageError):
            await work
        is_away[0] = False
        async with asyncio.timeout(30):
            await worker.run_due()
        await until(lambda: State.SENDING not in {row.state for row in rows(shop)})

    asyncio.run(go_away_and_come_back())
    assert states(shop) == {"sent:": 10}


def test_after_standing_still_for_a_lease_nothing_that_was_claimed_before_is_sent(shop: Stage) -> None:
    """Somebody else may have taken it over meanwhile: it is put back, and claimed anew."""
    orders(shop, *numbered(10))
    seconds = [0.0]
    store = shop.engine.store
    tokens: list[int] = []
    server = Server(lambda _: YES, slots=1)
    worker = dispatcher(shop, server)
    worker.heart = Heart(store, shop.clock, "worker-1", LEASE, seconds=lambda: seconds[0])

    def stand_still_once(_: str) -> Receipt:
        if not seconds[0]:
            seconds[0] = LEASE.total_seconds() + 1
        return YES

    server.answer = stand_still_once
    with worker.heart.beating():
        asyncio.run(worker.run_due())
    tokens += [row.token for row in rows(shop)]

    assert len(server.taken) == 10
    assert len(server.tried) == 11
    assert min(tokens) == 2


def test_a_message_that_the_program_stumbles_over_is_poison_in_the_end_and_others_leave(shop: Stage) -> None:
    orders(shop, *numbered(6))
    server = Server(lambda _: YES)
    composer = MimeComposer()

    class Stumbling:
        def seal(self, letter: Any) -> Any:
            return composer.seal(letter)

        def compose(self, letter: Any) -> FrozenMessage:
            if letter.recipient == "bn003@example.com":
                raise ZeroDivisionError
            return composer.compose(letter)

    worker = dispatcher(shop, server)
    worker.adopt(shop.engine.home, composer=Stumbling())
    for _ in range(8):
        asyncio.run(worker.run_due())
        shop.at(shop.clock.now() + timedelta(hours=2))

    assert len(server.taken) == 5
    assert states(shop) == {"sent:": 5, "failed:poison": 1}
