"""The books of one run: orders that were taken in, the outbox, its attempts, the record, and what the mail server saw.

Each message has one state, one line of the record that tells it, one attempt for each answer, and no more copies at the server
than it was handed over. Whatever does not agree is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, create_engine, text

from tests.faults.crowd import Crowd
from tests.faults.flow import mails

Row = Any  # what the columns hold

_NEVER_HANDED_OVER = frozenset({"planned", "claimed", "held", "expired", "cancelled", "skipped", "superseded"})


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that was written down about messages.

    Args:
        rows: of the outbox.
        tries: how each answer of each message was, by id.
        told: what the record says of each message, in order, by rule, scope and step.
        copies: how often the mail server took each Message-ID.
    """

    rows: list[Row]
    tries: dict[int, list[str]]
    told: dict[tuple[str, str, int], list[str]]
    copies: Counter[str]

    def mismatches(self, orders: Collection[str], *, exact: bool = False) -> list[str]:
        """Return what does not agree.

        Args:
            orders: that were taken in; each is to be written to once.
            exact: nothing went wrong: each answer is one copy.
        """
        return [
            *self._of_orders(orders),
            *self._of_strangers(),
            *(one for row in self.rows for one in self._of(row, exact)),
        ]

    def _of_orders(self, orders: Collection[str]) -> Iterator[str]:
        planned = Counter(row.order_number for row in self.rows)
        yield from (f"order {one} has {planned[one]} messages" for one in orders if planned[one] != 1)
        yield from (f"order {one} was never taken in" for one in planned.keys() - set(orders))

    def _of_strangers(self) -> Iterator[str]:
        known = {row.message_id for row in self.rows}
        yield from (f"{one} has arrived and is nobody's" for one in self.copies.keys() - known)
        ids = {row.id for row in self.rows}
        yield from (f"attempts of {one}, which is no message" for one in self.tries.keys() - ids)
        keys = {(row.rule, row.scope, row.step) for row in self.rows}
        yield from (f"record of {one}, which is no message" for one in self.told.keys() - keys)

    def _of(self, row: Row, exact: bool) -> Iterator[str]:  # passed on
        name = f"message {row.id} ({row.state})"
        told = self.told.get((row.rule, row.scope, row.step), [])
        answers, copies = Counter(self.tries.get(row.id, [])), self.copies[row.message_id]
        if told.count("sent") > 1:
            yield f"{name} is told as sent {told.count('sent')} times"
        if not told or (told[-1] != row.state and row.state not in ("claimed", "sending")):
            yield f"{name} is told as {told[-1:]}"
        if row.state == "sent" and not (answers["accepted"] and copies):
            yield f"{name} has {answers['accepted']} acceptances and {copies} copies"
        if row.state in _NEVER_HANDED_OVER and copies:
            yield f"{name} has arrived"
        if answers["accepted"] > copies:
            yield f"{name} was accepted {answers['accepted']} times, and arrived {copies} times"
        if row.owner is not None:
            yield f"{name} is in somebody's hands"
        if exact and (row.state, dict(answers), copies, row.token) != ("sent", {"accepted": 1}, 1, 1):
            yield f"{name} was claimed {row.token} times, has {dict(answers)} and {copies} copies"


def books(workers: Crowd) -> Books:
    """Read everything, at rest."""
    url = workers.environ.get("MESSENGER_DATABASE_URL") or f"sqlite:///{workers.home}/data/messenger.db"
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return _read(connection, Counter(one.message_id for one in mails(workers.ledger)))
    finally:
        engine.dispose()


def _read(connection: Connection, copies: Counter[str]) -> Books:
    rows = connection.execute(
        text("SELECT id, order_number, rule, scope, step, state, owner, token, message_id FROM outbox ORDER BY id")
    ).all()
    tries: dict[int, list[str]] = {}
    for id_, outcome in connection.execute(text("SELECT outbox_id, outcome FROM attempts ORDER BY id")):
        tries.setdefault(id_, []).append(outcome)
    told: dict[tuple[str, str, int], list[str]] = {}
    lines = text("SELECT rule, scope, step, what FROM record WHERE rule IS NOT NULL ORDER BY id")
    for rule, scope, step, what in connection.execute(lines):
        told.setdefault((rule, scope, step), []).append("planned" if what == "moved" else what)
    return Books(list(rows), tries, told, copies)
