"""What a lookout sees: counts of buyers who wait in vain, each by a way that an index serves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Text, and_, cast, func, literal, or_, select, true

from messenger.domain.breakers import PREFIX, queue_of
from messenger.domain.messages import State
from messenger.ports import OrderKey
from messenger.ports.alarms import HeldBack
from messenger.storage.accounts import open_accounts
from messenger.storage.alert_tables import failed
from messenger.storage.due import due, running
from messenger.storage.engine import Database
from messenger.storage.outbox_table import aside, doubtful, for_an_account, left, outbox, urgent
from messenger.storage.sql import not_by
from messenger.storage.tables import intakes

left_to_people = and_(doubtful, outbox.c.resend_at.is_(None), or_(outbox.c.resent, outbox.c.because != ""))
"""Perhaps sent, and nobody but a person decides about it any more."""


class SqlLooks:
    """The part of the store that a lookout asks; see ``ports.Alarms``."""

    _database: Database

    def held_back(self) -> list[HeldBack]:
        """Return what shut valves hold back."""
        held = and_(
            aside, outbox.c.state == str(State.WAITING_APPROVAL), outbox.c.because == _valve_of(outbox.c.intake)
        )
        buyers = func.count(outbox.c.buyer.distinct()).label("buyers")
        asked = select(outbox.c.shop, outbox.c.intake, intakes.c.name, buyers).outerjoin(
            intakes, intakes.c.id == outbox.c.intake
        )
        grouped = asked.where(held).group_by(outbox.c.shop, outbox.c.intake, intakes.c.name)
        with self._database.read() as connection:
            rows = connection.execute(grouped.order_by(outbox.c.shop, outbox.c.intake)).all()
        return [
            HeldBack(
                shop=row.shop, intake=row.intake, name=f"{row.name or ''} ({row.intake})".strip(), buyers=row.buyers
            )
            for row in rows
        ]

    def held_buyers(self, *, shop: str, hold: str) -> int:
        """Return how many buyers of a shop wait because of this hold."""
        mine = and_(aside, outbox.c.state == str(State.HELD), outbox.c.shop == shop, because_of(hold))
        with self._database.read() as connection:
            return connection.execute(select(func.count(outbox.c.buyer.distinct())).where(mine)).scalar_one()

    def standing_still(self, *, since: datetime, now: datetime) -> int:
        """Return how many buyers wait for what was due before then, when nothing has left since."""
        with self._database.read() as connection:
            of_shops = running(connection)
            if of_shops is None:
                return 0
            shut = [queue_of(one) for one in open_accounts(connection)]
            lies = and_(due(now), outbox.c.due_at <= since, of_shops, outbox.c.queue.not_in(shut) if shut else true())
            gone_since = select(outbox.c.id).where(left, outbox.c.sent_at > since).limit(1)
            some = select(outbox.c.id).where(lies).order_by(outbox.c.due_at).limit(1)  # else PostgreSQL reads the table
            if connection.execute(some).first() is None or connection.execute(gone_since).first() is not None:
                return 0
            pairs = select(outbox.c.shop, outbox.c.buyer).where(lies).distinct().subquery()
            return connection.execute(select(func.count()).select_from(pairs)).scalar_one()

    def account_buyers(self, *, now: datetime) -> dict[str, int]:
        """Return how many buyers wait for each account."""
        waiting = and_(for_an_account, due(now))
        names = (not_by(outbox.c.queue).label("name"), not_by(outbox.c.shop).label("shop"), outbox.c.buyer)
        pairs = select(*names).where(waiting).distinct().subquery()
        with self._database.read() as connection:
            counted = connection.execute(select(pairs.c.name, func.count()).group_by(pairs.c.name)).all()
        return {queue.removeprefix(PREFIX): number for queue, number in counted}

    def doubtful_buyers(self) -> dict[str, int]:
        """Return how many buyers have a message that was perhaps sent, by shop."""
        counted = select(outbox.c.shop, func.count(outbox.c.buyer.distinct())).where(left_to_people)
        with self._database.read() as connection:
            rows = connection.execute(counted.group_by(outbox.c.shop)).all()
        return {row[0]: row[1] for row in rows}

    def failed_buyers(self, *, shop: str, since: datetime, poison: bool) -> int:
        """Return how many buyers have a message that failed after then."""
        is_poison = func.coalesce(outbox.c.reason, "") == "poison"
        mine = and_(
            failed, outbox.c.claimed_at > since, not_by(outbox.c.shop) == shop, is_poison if poison else ~is_poison
        )
        with self._database.read() as connection:
            return connection.execute(select(func.count(outbox.c.buyer.distinct())).where(mine)).scalar_one()

    def urgent_at_risk(self, *, now: datetime, until: datetime) -> list[OrderKey]:
        """Return orders with an urgent message that may expire."""
        was_looked_at = or_(aside, outbox.c.token > 0)
        soon = and_(outbox.c.expires_at > now, outbox.c.expires_at <= until)
        by_queue = outbox.c.queue >= ""  # every row; it leads SQLite to the index over urgent ones
        names = select(outbox.c.shop, outbox.c.order_number).where(urgent, by_queue, was_looked_at, soon)
        with self._database.read() as connection:
            rows = connection.execute(names).all()
        return [OrderKey(shop=shop, number=number) for shop, number in sorted({(*row,) for row in rows})]


def because_of(hold: str) -> ColumnElement[bool]:
    """Return the condition that this hold keeps a row."""
    return func.substr(outbox.c.because, 1, len(hold)) == str(hold)


def _valve_of(intake: ColumnElement[int]) -> ColumnElement[str]:
    return literal("valve ").concat(cast(intake, Text))
