"""People are told once, by one of many processes, in a way that works; when none does, it is tried again. Both engines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier, Event

import pytest

from messenger.domain.alerts import AlertKind
from messenger.domain.messages import State
from messenger.errors import StorageError
from messenger.ports import Bulletin, Store
from messenger.services.alerting import LEASE, LONGEST_PAUSE, Alerting, Crier
from messenger.services.clocks import SetClock
from messenger.services.outage import AWAY, MACHINE
from messenger.storage import SqlStore, open_store
from tests.crier import REFUSAL, Listener, crier
from tests.storage_samples import NOW, message, plan

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NINE = NOW.replace(hour=8)  # nine o'clock in Madrid
ACCOUNT = "messenger: An account takes no messages: main"


class Away:
    """Looks out for what never answers."""

    def __init__(self) -> None:
        self.problem: StorageError | None = StorageError("the server is away")

    def look(self) -> None:
        """Fail, while there is a problem."""
        if self.problem:
            raise self.problem


def alerting(store: Store, told: Crier, *, owner: str = "a", clock: SetClock | None = None) -> Alerting:
    clock = clock or SetClock(NOW)
    quiet = Away()
    quiet.problem = None
    return Alerting(store=store, clock=clock, owner=owner, lookout=quiet, crier=lambda: told)  # type: ignore[arg-type]  # looks, like a lookout


def trouble(store: Store, subject: str = "main", *, kind: AlertKind = AlertKind.ACCOUNT) -> None:
    store.raise_alert(kind=kind, subject=subject, at=NOW)


def begun(store: Store) -> None:
    """The first look of all begins the day."""
    store.take_telling(owner="first", now=NINE, until=NINE)


def test_what_cannot_wait_is_told_once(store: SqlStore) -> None:
    ear = Listener()
    mine = alerting(store, crier(ear))
    trouble(store)

    assert mine.tell()
    assert not mine.tell()
    assert ear.subjects == [ACCOUNT]


def test_many_processes_tell_once_together(migrated_url: str) -> None:
    stores = [open_store(migrated_url) for _ in range(6)]
    trouble(stores[0])
    ear, gate = Listener(), Barrier(len(stores))

    def race(number: int) -> bool:
        gate.wait(10)
        return alerting(stores[number], crier(ear), owner=str(number)).tell()

    with ThreadPoolExecutor(len(stores)) as pool:
        assert list(pool.map(race, range(len(stores)))).count(True) == 1
    assert ear.subjects == [ACCOUNT]
    for one in stores:
        one.close()


def test_a_process_that_dies_while_telling_is_followed_by_another(store: SqlStore) -> None:
    ear, clock = Listener(), SetClock(NOW)
    trouble(store)
    store.take_telling(owner="dead", now=NOW, until=NOW + LEASE)

    other = alerting(store, crier(ear), owner="b", clock=clock)
    assert not other.tell()
    clock.at += LEASE
    assert other.tell()


def test_when_nobody_could_be_told_it_is_tried_again_ever_more_seldom_until_it_works(store: SqlStore) -> None:
    ear, clock = Listener(trouble=REFUSAL), SetClock(NOW)
    mine = alerting(store, crier(ear), clock=clock)
    trouble(store)
    tries = []
    for _ in range(4 * 60):
        before = ear.tried
        mine.run()
        tries += [clock.at] * (ear.tried - before)
        clock.at += MINUTE

    gaps = [(later - earlier) // MINUTE for earlier, later in pairwise(tries)]
    assert gaps[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert set(gaps[6:]) == {LONGEST_PAUSE // MINUTE}
    ear.trouble = None
    clock.at += LONGEST_PAUSE
    mine.run()
    assert ear.subjects == [ACCOUNT]


@pytest.mark.parametrize("problem", [REFUSAL, OSError("canary-s3cret"), ValueError("canary-s3cret")])
def test_one_way_that_fails_keeps_nobody_from_being_told_by_another(
    store: SqlStore, problem: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = Listener("bad", trouble=problem), Listener("good")
    trouble(store)

    assert alerting(store, crier(bad, good)).tell()
    assert (bad.tried, good.subjects) == (1, [ACCOUNT])
    (record,) = [one for one in caplog.records if one.getMessage() == "people_not_reached"]
    assert vars(record)["way"] == "bad"
    assert "canary" not in caplog.text + str(vars(record)["problem"])


def test_a_transport_in_trouble_is_not_used_while_there_is_another_way(store: SqlStore) -> None:
    mail, chat = Listener("mail", transport="main"), Listener("chat")
    trouble(store)

    alerting(store, crier(mail, chat)).tell()

    assert (mail.tried, chat.subjects) == (0, [ACCOUNT])


@pytest.mark.parametrize("ways", [[], [Listener("chat", trouble=REFUSAL)]])
def test_a_transport_in_trouble_is_better_than_nothing(store: SqlStore, ways: list[Listener]) -> None:
    mail = Listener("mail", transport="main")
    trouble(store)

    assert alerting(store, crier(mail, *ways)).tell()


def test_where_nobody_wants_to_be_told_nothing_is_noted(store: SqlStore) -> None:
    trouble(store)

    assert not alerting(store, crier()).tell()
    assert store.alerts()[0].told_at is None


def test_what_is_over_is_told_over_by_whoever_looks(store: SqlStore) -> None:
    ear, clock = Listener(), SetClock(NOW)
    trouble(store)
    alerting(store, crier(ear), clock=clock).run()
    store.end_alert(kind=AlertKind.ACCOUNT, subject="main", at=NOW + HOUR)
    clock.at += 2 * HOUR

    alerting(store, crier(ear), owner="b", clock=clock).run()
    alerting(store, crier(ear), owner="c", clock=clock).run()

    assert ear.subjects == [ACCOUNT, "messenger, over: An account takes no messages: main"]


# --- the day's notice ------------------------------------------------------------------------------------------------


def test_the_daily_notice_tells_the_rest_and_what_waits_for_a_person(store: SqlStore) -> None:
    ear, clock = Listener(), SetClock(NINE)
    begun(store)
    plan(store, replace(message(1), state=State.WAITING_APPROVAL))
    trouble(store, kind=AlertKind.FAILED)
    mine = alerting(store, crier(ear), clock=clock)
    assert not mine.tell()

    clock.at = NINE + DAY
    assert mine.tell()
    assert not mine.tell()
    ((_, bulletin),) = ear.heard
    assert bulletin.subject == "messenger: one new alert and one message waits for a person"
    assert "- toys: one message waits for approval" in bulletin.text.splitlines()


def test_what_waits_for_a_person_is_told_every_day_and_nothing_on_a_good_day(store: SqlStore) -> None:
    ear, clock = Listener(), SetClock(NINE)
    begun(store)
    mine = alerting(store, crier(ear), clock=clock)
    for day in range(1, 5):
        clock.at = NINE + day * DAY
        mine.tell()
        if day == 1:
            plan(store, replace(message(1), state=State.WAITING_APPROVAL))

    assert [at for at, _ in ear.heard] == [NINE + day * DAY for day in (2, 3, 4)]


def test_what_comes_up_after_the_daily_look_waits_for_the_next(store: SqlStore) -> None:
    ear, clock = Listener(), SetClock(NINE + DAY)
    begun(store)
    mine = alerting(store, crier(ear), clock=clock)
    assert not mine.tell()

    plan(store, replace(message(1), state=State.WAITING_APPROVAL))
    clock.at += HOUR
    assert not mine.tell()
    clock.at = NINE + 2 * DAY
    assert mine.tell()


def test_a_daily_notice_that_could_not_be_told_comes_later(store: SqlStore) -> None:
    ear, clock = Listener(trouble=REFUSAL), SetClock(NINE + DAY)
    begun(store)
    trouble(store, kind=AlertKind.FAILED)
    mine = alerting(store, crier(ear), clock=clock)
    assert not mine.tell()

    ear.trouble, clock.at = None, clock.at + MINUTE
    assert mine.tell()


def test_what_was_over_for_long_is_forgotten_with_the_daily_look(store: SqlStore) -> None:
    begun(store)
    trouble(store)
    store.end_alert(kind=AlertKind.ACCOUNT, subject="main", at=NOW)

    alerting(store, crier(Listener()), clock=SetClock(NINE + 91 * DAY)).tell()

    assert store.alerts(only_open=False) == []


# --- the database is away ----------------------------------------------------------------------------------------------


class Outing:
    """A process whose database comes and goes."""

    def __init__(self, store: Store) -> None:
        self.store, self.ear, self.clock, self.lookout = store, Listener(), SetClock(NOW), Away()
        self.mine = Alerting(
            store=store, clock=self.clock, owner="a", lookout=self.lookout, crier=lambda: crier(self.ear)  # type: ignore[arg-type]  # looks, like a lookout
        )  # fmt: skip

    def goes_on(self, span: timedelta, *, away: bool, step: timedelta = MINUTE) -> None:
        self.lookout.problem = StorageError("the server is away") if away else None
        until = self.clock.at + span
        while self.clock.at < until:
            self.mine.run()
            self.clock.at += step


def test_a_database_that_is_away_for_a_moment_is_no_news(store: SqlStore) -> None:
    found = Outing(store)
    found.goes_on(AWAY, away=True)
    found.goes_on(HOUR, away=False, step=5 * MINUTE)

    assert found.ear.heard == []
    assert store.alerts(only_open=False) == []


def test_a_database_that_stays_away_is_told_and_told_again_and_told_over_and_kept(store: SqlStore) -> None:
    found = Outing(store)
    found.goes_on(DAY + HOUR, away=True, step=5 * MINUTE)
    found.goes_on(HOUR, away=False, step=5 * MINUTE)

    what = f"The database cannot be reached: {MACHINE}"
    assert found.ear.subjects == [
        f"messenger: {what}", f"messenger, still open: {what}", f"messenger, over: {what}"
    ]  # fmt: skip
    assert found.ear.heard[0][0] == NOW + AWAY
    (kept,) = store.alerts(only_open=False)
    assert (kept.kind, kept.since, kept.ended_at) == (AlertKind.DATABASE, NOW, NOW + DAY + HOUR)


def test_a_database_that_comes_and_goes_is_not_told_each_time(store: SqlStore) -> None:
    found = Outing(store)
    for _ in range(20):
        found.goes_on(10 * MINUTE, away=True, step=2 * MINUTE)
        found.goes_on(10 * MINUTE, away=False, step=2 * MINUTE)

    assert len(found.ear.heard) == 1


def test_when_nobody_can_be_told_of_it_it_is_tried_ever_more_seldom(store: SqlStore) -> None:
    found = Outing(store)
    found.ear.trouble = REFUSAL
    found.goes_on(2 * HOUR, away=True)

    assert found.ear.tried == 7


def test_nothing_leaves_it_whatever_goes_wrong(store: SqlStore, caplog: pytest.LogCaptureFixture) -> None:
    found = Outing(store)
    found.lookout.problem = ValueError("unheard of")  # type: ignore[assignment]  # no error of the store

    found.mine.run()

    assert "alerting_failed" in caplog.text


# --- beside everything else --------------------------------------------------------------------------------------------


def test_a_slow_way_keeps_nobody_waiting_and_is_not_used_twice_at_once(store: SqlStore) -> None:
    gate, ear = Event(), Listener()
    slow = Slow(gate)
    trouble(store)
    mine = alerting(store, crier(slow, ear))

    mine.run_aside(0.0)
    assert slow.begun.wait(20)
    mine.run_aside(0.0)
    assert ear.heard == []

    gate.set()
    mine.run_aside(20.0)
    assert ear.subjects == [ACCOUNT]
    assert slow.times == 1


class Slow:
    """Takes its time."""

    name, transport = "slow", ""

    def __init__(self, gate: Event) -> None:
        self.gate, self.begun, self.times = gate, Event(), 0

    def notify(self, bulletin: Bulletin, *, at: datetime) -> None:  # noqa: ARG002  # the port's signature
        """Wait until it may go on."""
        self.times += 1
        self.begun.set()
        self.gate.wait(20)
