"""Whatever workers do in whatever order: nobody has a message twice, and no message has two results that count."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import create_engine, select

from messenger.domain.breakers import failed, handed_back, queue_of, works
from messenger.domain.messages import MOVES, Outcome, PlannedMessage, State
from messenger.ports import Change, OrderKey
from messenger.storage import SqlStore, migrate, open_store
from messenger.storage.tables import attempts
from tests.postgres import drop_database, new_database
from tests.storage_samples import NOW, claim, commitment, message, plan, result, settlement

OWNERS: Final = st.sampled_from(["a", "b", "c"])
ORDER: Final = OrderKey(shop="toys", number="8134")
SENT_AGAIN: Final = timedelta(minutes=10)
ENDED: Final = frozenset({State.SENT, State.CANCELLED, State.EXPIRED, State.SKIPPED})


class Leases(RuleBasedStateMachine):
    """Three workers, some messages, and a clock; ``store`` is given by the engine's own class."""

    store: SqlStore
    url: str
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.seen: dict[int, PlannedMessage] = {}
        self.let_go: set[tuple[int, int]] = set()
        """Which claims were allowed to send: row and token."""

    @initialize(count=st.integers(1, 4), queue=st.sampled_from(["", "retry", queue_of("main")]))
    def some_messages_wait(self, count: int, queue: str) -> None:
        plan(self.store, *(replace(message(number), queue=queue) for number in range(count)))

    # --- what workers do ------------------------------------------------------------------------------------------

    @rule(target=claims, owner=OWNERS, limit=st.integers(1, 3))
    def claims_some(self, owner: str, limit: int) -> object:
        return multiple(*claim(self.store, owner, now=self.now, limit=limit))

    @rule(row=claims)
    def passes_the_commit_point(self, row: PlannedMessage) -> None:
        if self.store.commit([commitment(row)]):
            assert (row.id, row.token) not in self.let_go, "one claim sends once"
            self.let_go.add((row.id, row.token))

    @rule(
        row=claims, outcome=st.sampled_from([Outcome.ACCEPTED, Outcome.TEMPORARY, Outcome.PERMANENT, Outcome.UNCERTAIN])
    )
    def records(self, row: PlannedMessage, outcome: Outcome) -> None:
        follows = {
            Outcome.ACCEPTED: State.SENT, Outcome.TEMPORARY: State.PLANNED, Outcome.PERMANENT: State.FAILED,
            Outcome.UNCERTAIN: State.UNCERTAIN,
        }  # fmt: skip
        self.store.record([result(row, follows[outcome], outcome)])

    @rule(row=claims, state=st.sampled_from([State.PLANNED, State.HELD, State.SKIPPED]))
    def puts_back(self, row: PlannedMessage, state: State) -> None:
        self.store.settle([settlement(row, replace(row, state=state))])

    @rule(row=consumes(claims))
    def forgets(self, row: PlannedMessage) -> None:
        """It died, or was cut off."""

    @rule(owner=OWNERS)
    def beats(self, owner: str) -> None:
        self.store.heartbeat(owner=owner, lease_until=self.now + timedelta(minutes=1), now=self.now)

    @rule()
    def rescues(self) -> None:
        self.store.rescue(now=self.now)
        for row in self.store.unresolved():
            self.store.postpone(key=row.key, resend_at=self.now + SENT_AGAIN, because="crashed")

    # --- what happens around them ---------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 30, 61, 600, 1000]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def facts_cancel_what_waits(self) -> None:
        with self.store.begin() as unit:
            unit.lock(ORDER)
            for row in unit.messages(ORDER)[:1]:
                if row.state.is_waiting:
                    unit.change([Change(message=replace(row, state=State.CANCELLED), was=row.state)], at=self.now)

    @rule(owner=OWNERS, is_well=st.booleans())
    def an_account_is_told_of(self, owner: str, is_well: bool) -> None:  # drawn by name
        def step(breaker):  # type: ignore[no-untyped-def]  # a breaker to a breaker
            if is_well:
                return works(breaker, by=owner)
            return failed(breaker, by=owner, stage="auth", code=535, reply="no", now=self.now)

        self.store.turn_breaker("main", step)

    @rule(owner=OWNERS)
    def a_probe_is_handed_back(self, owner: str) -> None:
        self.store.turn_breaker("main", lambda breaker: handed_back(breaker, by=owner, now=self.now))

    # --- what must hold -------------------------------------------------------------------------------------------

    @invariant()
    def every_row_moves_as_states_may_move(self) -> None:
        for row in self.store.outbox():
            before = self.seen.get(row.id)
            if before is not None:
                assert row.token >= before.token
                assert row.state is before.state or self._leads_to(before.state, row.state), (
                    f"{before.state} → {row.state}"
                )
                if before.state in ENDED and before.state is State.SENT:
                    assert row.state is State.SENT
            assert (row.owner is None) == (row.lease_until is None)
            if row.state in {State.CLAIMED, State.SENDING}:
                assert row.owner is not None
            self.seen[row.id] = row

    @staticmethod
    def _leads_to(before: State, after: State) -> bool:
        """Whether a state may follow another, directly or by one that came and went between two looks."""
        return after in MOVES[before] or any(after in MOVES[between] for between in MOVES[before])

    @invariant()
    def no_message_is_accepted_twice_in_time(self) -> None:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            found = select(attempts.c.outbox_id, attempts.c.token).where(
                attempts.c.outcome == "accepted", attempts.c.in_time
            )
            counted = Counter(id_ for id_, _ in connection.execute(found))
        engine.dispose()
        assert all(number == 1 for number in counted.values())

    @invariant()
    def one_process_probes_an_account(self) -> None:
        breaker = self.store.breakers().get("main")
        assert breaker is None or (breaker.phase == "probing") == bool(breaker.prober)


LIVES: Final = settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def empty_database() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        migrate(f"sqlite:///{path}")
        yield path


def test_leases_on_sqlite(empty_database: Path, tmp_path: Path) -> None:
    numbers = iter(range(10**6))

    class OnSqlite(Leases):
        def __init__(self) -> None:
            super().__init__()
            path = tmp_path / f"{next(numbers)}.db"
            shutil.copyfile(empty_database, path)
            self.url = f"sqlite:///{path}"
            self.store = open_store(self.url)

        def teardown(self) -> None:
            self.store.close()

    _run(OnSqlite, LIVES)


@pytest.mark.postgres
def test_leases_on_postgresql(postgres: str, postgres_template: str) -> None:
    class OnPostgres(Leases):
        def __init__(self) -> None:
            super().__init__()
            self.url = new_database(postgres, template=postgres_template)
            self.store = open_store(self.url)

        def teardown(self) -> None:
            self.store.close()
            drop_database(self.url)

    _run(OnPostgres, settings(LIVES, max_examples=10))


def _run(machine: type[RuleBasedStateMachine], how: settings) -> None:
    from hypothesis.stateful import run_state_machine_as_test  # noqa: PLC0415

    run_state_machine_as_test(machine, settings=how)
