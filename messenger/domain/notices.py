"""Notices: when people are told of alerts. Pure; calm by construction.

At once only what cannot wait; everything else once a day. Each alert is told once when it opens, again every day while it
cannot wait, and once when it is over. One that comes and goes is told of no more than ``MOST_A_DAY`` times in 24 hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from messenger.domain.alerts import Alert

SPACING: Final = timedelta(minutes=10)
"""Between two notices that are not the day's: what comes up meanwhile is told together."""
REPEATS: Final = timedelta(hours=24)
"""After so long what cannot wait is told again."""
BRINGS_FORWARD: Final = timedelta(hours=12)
"""The day's notice tells again what was told longer ago than this: it need not come by itself later."""
SETTLED: Final = timedelta(minutes=30)
"""So long something that cannot wait has to be over before it is called so."""
AGAIN: Final = timedelta(hours=8)
"""An alert that opens again is told again no sooner after it was told last."""
MOST_A_DAY: Final = 7
"""Notices in any 24 hours that may name one alert: at most three times open (``AGAIN``), and around each of those over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How people want to be told.

    Args:
        zone: whose clock.
        digest_at: the hour of the day's notice.
        quiet: from when to when nothing is told at all; None for never.
    """

    zone: ZoneInfo
    digest_at: time = time(9)
    quiet: tuple[time, time] | None = None

    def is_quiet(self, now: datetime) -> bool:
        """Whether nothing is told now."""
        if self.quiet is None:
            return False
        begins, ends = self.quiet
        at = now.astimezone(self.zone).time()
        return begins <= at < ends if begins < ends else at >= begins or at < ends

    def last_digest(self, now: datetime) -> datetime:
        """Return when the day's notice was due last."""
        local = now.astimezone(self.zone)
        today = local.replace(hour=self.digest_at.hour, minute=self.digest_at.minute, second=0, microsecond=0, fold=0)
        moment = today.astimezone(now.tzinfo)
        return moment if moment <= now else (today - timedelta(days=1)).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What people are told in one go.

    Args:
        opened: alerts that are new to them.
        again: alerts that they know of, and that cannot wait.
        over: alerts that they knew of, and that have ended.
        others: how many more are open that they know of.
        is_digest: whether this is the day's notice.
    """

    opened: tuple[Alert, ...] = ()
    again: tuple[Alert, ...] = ()
    over: tuple[Alert, ...] = ()
    others: int = 0
    is_digest: bool = False

    def __bool__(self) -> bool:
        return bool(self.opened or self.again or self.over)


def notice_due(
    alerts: Iterable[Alert], manner: Manner, *, now: datetime, told_at: datetime | None, digest_at: datetime
) -> Notice | None:
    """Return what people have to be told now; None for nothing. The day's notice may tell of no alert.

    Args:
        alerts: all that are known, open or over.
        manner: how people want to be told.
        now: aware, UTC.
        told_at: when people were last told anything.
        digest_at: when the day's notice was last looked at.
    """
    if manner.is_quiet(now):
        return None
    is_digest = digest_at < manner.last_digest(now)
    if not is_digest and told_at is not None and now - told_at < SPACING:
        return None
    known = list(alerts)
    opened, again, over = (
        tuple(one for one in known if asks(one, now, is_digest)) for asks in (_is_news, _is_due_again, _is_over)
    )
    others = sum(one.is_open and one.is_believed_open for one in known) - len(again)
    notice = Notice(opened=opened, again=again, over=over, others=others, is_digest=is_digest)
    return notice if notice or is_digest else None


def _is_news(alert: Alert, now: datetime, is_digest: bool) -> bool:  # noqa: FBT001  # one of three alike
    was_told_lately = alert.told_at is not None and now - alert.told_at < AGAIN
    has_come = is_digest or not alert.can_wait
    return alert.is_open and not alert.is_believed_open and has_come and not was_told_lately


def _is_due_again(alert: Alert, now: datetime, is_digest: bool) -> bool:  # noqa: FBT001  # one of three alike
    if not (alert.is_open and alert.is_believed_open) or alert.can_wait or alert.told_at is None:
        return False
    return now - alert.told_at >= (BRINGS_FORWARD if is_digest else REPEATS)


def _is_over(alert: Alert, now: datetime, is_digest: bool) -> bool:  # noqa: FBT001  # one of three alike
    if alert.ended_at is None or not alert.is_believed_open:
        return False
    return is_digest if alert.can_wait else now - alert.ended_at >= SETTLED
