"""Alarms: alerts that are open or over, who tells people of them, and what waits for a person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from messenger.domain.alerts import Alert, AlertKind
from messenger.ports.values import OrderKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How far people have been told, held by one process for a while.

    Args:
        told_at: when they were last told anything.
        digest_at: when the daily look was last taken, told or not.
        failures: how often in a row telling them has failed.
    """

    told_at: datetime | None
    digest_at: datetime
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """How many messages of a shop need a person.

    Args:
        approvals: wait to be approved.
        desk: wait to be sent by hand.
        uncertain: perhaps arrived, and were left to a person.
        conversations: wait until somebody has answered their buyer.
        failed: were refused or given up since some instant.
    """

    approvals: int = 0
    desk: int = 0
    uncertain: int = 0
    conversations: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """What a shut valve holds back of one intake: by the intake's number and name, and how many buyers wait."""

    shop: str
    intake: int
    name: str
    buyers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Room on a disk, in bytes."""

    folder: str
    free: int
    total: int


class Alarms(Protocol):
    """What staff must know of."""

    def raise_alert(
        self, *, kind: AlertKind, subject: str, at: datetime, shop: str = "", buyers: int = 0, detail: str = ""
    ) -> bool:
        """Open an alert; returns True when it was not open before.

        Raised again while it is open it is counted, and buyers and detail are what they are now; that the same was said a
        moment ago is not written again. ``detail`` must hold no address.
        """
        ...

    def end_alert(self, *, kind: AlertKind, subject: str, at: datetime, shop: str = "", by: str = "") -> bool:
        """Say that an alert is over, because its reason has gone or by a person; returns whether it was open."""
        ...

    def alerts(self, *, only_open: bool = True) -> list[Alert]:
        """Return alerts: what cannot wait first, then the oldest."""
        ...

    def forget_alerts(self, *, before: datetime) -> int:
        """Forget what was over before then; returns how many that are."""
        ...

    def take_telling(self, *, owner: str, now: datetime, until: datetime) -> Telling | None:
        """Let one process be the one that tells people, until then at most; None while it is another, or has to wait."""
        ...

    def told(
        self, *, owner: str, opened: Collection[int], over: Collection[int], at: datetime, digest: bool = False
    ) -> bool:
        """Note what people were told (ids of alerts), and let others tell; False when this process may not any more.

        ``digest`` says that this was the daily look. With nothing told only that is noted.
        """
        ...

    def telling_failed(self, *, owner: str, again_at: datetime) -> bool:
        """Note that people could not be told, and let nobody try before then; False as in ``told``."""
        ...

    def needs(self, *, since: datetime) -> dict[str, Needs]:
        """Return what needs a person, by shop; of what failed, that which was last claimed since then."""
        ...

    def held_back(self) -> list[HeldBack]:
        """Return what shut valves hold back, until somebody approves it or it expires."""
        ...

    def held_buyers(self, *, shop: str, hold: str) -> int:
        """Return how many buyers of a shop wait because of this hold."""
        ...

    def account_buyers(self, *, now: datetime) -> dict[str, int]:
        """Return how many buyers wait for each account with something due, by transport."""
        ...

    def doubtful_buyers(self) -> dict[str, int]:
        """Return how many buyers have a message that was perhaps sent and is left to people, by shop."""
        ...

    def failed_buyers(self, *, shop: str, since: datetime, poison: bool) -> int:
        """Return how many buyers have a message that failed and was claimed after then; only poison, or all but poison."""
        ...

    def urgent_at_risk(self, *, now: datetime, until: datetime) -> list[OrderKey]:
        """Return orders with an urgent message that was looked at, has not left, and expires between now and then."""
        ...

    def standing_still(self, *, since: datetime, now: datetime) -> int:
        """Return how many buyers wait for what was due before ``since``, when nothing at all has left since then; else 0.

        What is stopped, or waits for an account in trouble, does not count.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin:
    """What people are told, in words: one line, and a text of plain lines. Nothing in it is secret."""

    subject: str
    text: str
    language: str


class Notifier(Protocol):
    """One way of telling people. Nothing of it goes through the outbox of buyers."""

    name: str
    """As it may be shown: without what is secret about it."""
    transport: str
    """The transport it leaves by; empty when it needs none."""

    def notify(self, bulletin: Bulletin, *, at: datetime) -> None:
        """Tell people; waits until they are told, for some minutes at most.

        Raises:
            NotTold: they could not be told; the message shows nothing secret.
        """
        ...
