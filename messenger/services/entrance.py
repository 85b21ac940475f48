"""The entrance: which claimed messages may leave now; the guard is asked first, then their accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from messenger.domain.clearing import Cleared
from messenger.domain.guarding import Go
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.domain.retry import MOST_CLAIMS
from messenger.services.accounts import Accounts, Candidate
from messenger.services.ledger import Ledger
from messenger.services.parcels import Make, Packing, Tally, left_to_staff, poison

CLEARED_AT_ONCE: Final = 50
"""Messages decided in one transaction: their buyers are locked for as long as it takes."""

Admitted = tuple[Candidate, Make]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Lets messages through, and writes down what becomes of the others."""

    accounts: Accounts
    ledger: Ledger
    packing: Packing

    def admitted(self, claimed: Sequence[PlannedMessage], places: Mapping[str, int], tally: Tally) -> list[Admitted]:
        """Return those that may leave, and how each is put together.

        Args:
            claimed: rows, just claimed.
            places: how many more each transport may have in hand.
            tally: counts the others.
        """
        self.packing.orders.look_up(claimed)
        again = [one for one in claimed if one.state is State.UNCERTAIN]
        fresh = self._cleared([one for one in claimed if one.state is not State.UNCERTAIN], tally)
        kept = {one.id: one.not_before for one in claimed if one.reason is Reason.RATE}
        wanted = [self._first(one, kept.get(one.message.id)) for one in fresh] + self._wanted_again(
            again, places, tally
        )
        makes = {one.message.id: make for one, make in wanted}
        found: list[Candidate] = []
        for name in sorted({one.go.transport for one, _ in wanted}):
            mine = [one for one, _ in wanted if one.go.transport == name]
            admission = self.accounts.admit(name, mine, places=places.get(name, 0))
            found += admission.go
            self._write(admission.stay, tally)
        return [(one, makes[one.message.id]) for one in found]

    def _first(self, one: Cleared, place: datetime | None) -> Admitted:
        return Candidate(one.message, one.go, place), partial(self.packing.first, one)

    def _cleared(self, fresh: Sequence[PlannedMessage], tally: Tally) -> list[Cleared]:
        """Ask the guard about messages, in transactions that lock their buyers; returns those that may leave."""
        poisoned = [one for one in fresh if one.attempts > MOST_CLAIMS and one.reply is None]
        self._write([(one, poison(one)) for one in poisoned], tally)
        healthy = [one for one in fresh if one not in poisoned]
        cleared: list[Cleared] = []
        for start in range(0, len(healthy), CLEARED_AT_ONCE):
            batch = healthy[start : start + CLEARED_AT_ONCE]
            may_leave, stayed = self.packing.clearing.clear(batch, self.packing.orders.find, self.packing.clock.now())
            cleared += may_leave
            for row in stayed:
                tally.add(row.state)
        return cleared

    def _wanted_again(self, again: Sequence[PlannedMessage], places: Mapping[str, int], tally: Tally) -> list[Admitted]:
        """Which of those that were perhaps sent there is still a reason for; of the others a person decides what to believe."""
        found: list[Admitted] = []
        left: list[tuple[PlannedMessage, PlannedMessage]] = []
        for message in again:
            go = self.packing.wanted_again(message)
            if isinstance(go, Go) and go.transport in places:
                found.append((Candidate(message, go), partial(self.packing.again, go)))
            else:
                left.append((message, go if isinstance(go, PlannedMessage) else left_to_staff(message)))
        self._write(left, tally)
        return found

    def _write(self, pairs: Sequence[tuple[PlannedMessage, PlannedMessage]], tally: Tally) -> None:
        self.ledger.settle(pairs)
        for _, row in pairs:
            tally.add(row.state)
