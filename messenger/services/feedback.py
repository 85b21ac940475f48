"""Feedback: what comes back about messages is told from forgeries, written down once, and followed by what it asks for."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from messenger.domain.messages import PLATFORM, FrozenMessage, PlannedMessage, Receipt, State
from messenger.domain.refusals import WINDOW, Action, Remedy, action_for
from messenger.domain.reports import Kind, Report
from messenger.domain.suppressions import (
    EVERY_KIND,
    EVERY_SHOP,
    Cause,
    Suppression,
    address_key,
    hint_of,
    kinds_after,
)
from messenger.domain.verp import read
from messenger.ports import Clock, KeptReport, OrderKey, Returns, Store
from messenger.services.enveloping import Secrets, domain_of
from messenger.services.home import Home
from messenger.services.tokens import Wish, read_token

log = logging.getLogger(__name__)

SOFT_FOR: Final = timedelta(days=90)
"""How long an address that refused again and again is left alone: mailboxes are emptied, servers are mended."""
GIVEN_UP: Final = timedelta(days=6)
"""After so long no server tries any more. Source: RFC 5321, 4.5.4.1."""
DAY: Final = timedelta(days=1)
FEW: Final = 20
"""So many mails a day at least, before a share of them means anything."""
MOST_BOUNCES: Final = 0.05
MOST_COMPLAINTS: Final = 0.001
"""Source: docs/sources.md, the large mailbox providers' rules for senders: under 0.3 %, better under 0.1 %."""
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:@]+@[^\s<>()\[\]\",;:]+")

Read = Callable[[bytes], Sequence[Report]]


class Alarm(Protocol):
    """Tells people that something needs them."""

    def __call__(self, *, kind: str, subject: str, shop: str, detail: str) -> None:
        """Raise an alert of this kind about this subject."""
        ...


def _nobody(*, kind: str, subject: str, shop: str, detail: str) -> None:
    log.warning("alert", extra={"kind": kind, "subject": subject, "shop": shop, "detail": detail})


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one report led to.

    Args:
        kind: what it was.
        message: which message it is about; None when that is unknown.
        is_proved: whoever wrote it had the message; nothing follows from it otherwise.
        suppressed: how many suppressions were made or widened.
        remedy: what the refusal asks for; None when it was none.
        is_new: it had not been kept before.
    """

    kind: Kind
    message: PlannedMessage | None = None
    is_proved: bool = True
    suppressed: int = 0
    remedy: Remedy | None = None
    is_new: bool = True


class Feedback:
    """Takes reports in.

    ``read`` turns a mail into reports. ``diverted`` names the transports whose mail goes to another address for trying out:
    what comes back of it says nothing about the buyers it was written for.
    """

    def __init__(
        self, store: Store, home: Home, clock: Clock, *, read: Read, alarm: Alarm = _nobody, diverted: Collection[str] = (),
    ) -> None:  # fmt: skip
        self._store = store
        self.home = home
        self._clock = clock
        self._read = read
        self._alarm = alarm
        self._diverted = frozenset(diverted)
        self._secrets = Secrets.of(store)

    def take(self, raw: bytes, *, source: str) -> list[Done]:
        """Take in a mail that came back; the same mail twice changes nothing.

        Args:
            raw: the mail, headers and all.
            source: where it came from, for the record.
        """
        digest = hashlib.sha256(raw).hexdigest()
        found = self._read(raw)
        return [self._one(report, f"{digest[:56]}{number:08x}", source) for number, report in enumerate(found)]

    def wish(self, token: str) -> Wish | None:
        """Return what a token asks for, without doing it; None when it is not one of ours."""
        return read_token(self._secrets.unsubscribe, token)

    def unsubscribe(self, token: str, *, source: str) -> Wish | None:
        """Do what a token asks for; returns what that is, or None when it is not one of ours. Asking twice is fine."""
        wish = self.wish(token)
        if wish is not None:
            self._suppress(wish.address, Cause.UNSUBSCRIBED, shop=wish.shop, kinds=[wish.category], because=source)
        return wish

    def refused(self, message: PlannedMessage, content: FrozenMessage, receipt: Receipt) -> None:
        """Draw the consequences of a final refusal by the server that a message was handed to.

        What a platform refuses says nothing about an address.
        """
        if message.transport in self._diverted or message.channel == PLATFORM:
            return
        action = action_for(status=receipt.status, code=receipt.code, words=receipt.reply)
        key = address_key(self._secrets.addresses, content.recipient)
        report = KeptReport(
            digest=hashlib.sha256(f"refused/{message.id}/{message.token}".encode()).hexdigest(), received_at=self._clock.now(),
            source=message.transport or "", kind=Kind.BOUNCE, status=receipt.status, code=receipt.code,
            words=_without_addresses(receipt.reply), shop=message.key.shop, outbox_id=message.id, address=key,
        )  # fmt: skip
        if not self._store.knows_report(report.digest):
            self._follow(action, report, hint=hint_of(content.recipient))
            self._store.keep_report(report)

    def _one(self, report: Report, digest: str, source: str) -> Done:
        if self._store.knows_report(digest):
            return Done(kind=report.kind, is_new=False)
        proved = self._message(report)
        message = proved or self._perhaps(report)
        address = self._address(message) if message is not None else report.recipient
        kept = KeptReport(
            digest=digest, received_at=self._clock.now(), source=source, kind=report.kind, status=report.status, code=report.code,
            words=_without_addresses(report.words), shop=message.key.shop if message else "", outbox_id=message.id if message else None,
            address=address_key(self._secrets.addresses, address) if address else "",
        )  # fmt: skip
        done = self._consequences(report, kept, proved, address)
        self._store.keep_report(kept)  # last: who dies before does it all again
        if proved is not None and done.kind in (Kind.BOUNCE, Kind.COMPLAINT):
            self._watch_shares(proved.key.shop)
        return done if proved is not None else replace(done, message=message, is_proved=message is None)

    def _consequences(self, report: Report, kept: KeptReport, message: PlannedMessage | None, address: str) -> Done:
        if report.kind is Kind.UNSUBSCRIBE:
            wish = self.unsubscribe(report.token, source=kept.source)
            return Done(kind=report.kind, suppressed=int(wish is not None))
        if message is None:  # whoever wrote it did not have the message: nobody is suppressed on a stranger's word
            return Done(kind=report.kind)
        if message.transport in self._diverted:
            return Done(kind=report.kind, message=message)
        because = f"{report.status} {kept.words}".strip() or str(report.kind)
        if report.kind is Kind.COMPLAINT:
            self._store.came_back(message.id, state=State.COMPLAINED, because=because, at=kept.received_at)
            made = self._suppress(
                kept.address, Cause.COMPLAINT, shop=message.key.shop, hint=hint_of(address), because=because
            )
            return Done(kind=report.kind, message=message, suppressed=made)
        if report.kind is not Kind.BOUNCE:
            return Done(kind=report.kind, message=message)
        self._store.came_back(message.id, state=State.BOUNCED, because=because, at=kept.received_at)
        action = action_for(status=report.status, code=report.code, words=report.words)
        made = self._follow(action, kept, hint=hint_of(address))
        return Done(kind=report.kind, message=message, suppressed=made, remedy=action.remedy)

    def _follow(self, action: Action, report: KeptReport, *, hint: str) -> int:
        """Do what a final refusal asks for; returns how many suppressions were made."""
        because = f"{report.status} {report.words}".strip()
        match action.remedy:
            case Remedy.SUPPRESS:
                return self._suppress(report.address, Cause.HARD_BOUNCE, shop=EVERY_SHOP, hint=hint, because=because)
            case Remedy.COUNT | Remedy.POLICY if action.times and report.address:
                if action.remedy is Remedy.POLICY:
                    self._tell("sender", report, because)
                if self._others(action, report) + 1 < action.times:
                    return 0
                until = report.received_at + SOFT_FOR
                return self._suppress(
                    report.address, Cause.SOFT_BOUNCES, shop=EVERY_SHOP, hint=hint, because=because, until=until
                )
            case Remedy.SENDER | Remedy.POLICY | Remedy.ACCOUNT | Remedy.PROTOCOL:
                self._tell("sender", report, because)
            case Remedy.CONTENT:
                self._tell("content", report, because)
            case _:
                pass
        return 0

    def _others(self, action: Action, report: KeptReport) -> int:
        """How many other messages to this address were refused in the same way lately: our own faults do not count."""
        kept = self._store.refusals(report.address, since=report.received_at - WINDOW)
        same = (one for one in kept if action_for(status=one.status, code=one.code, words=one.words) == action)
        return len({one.outbox_id for one in same if one.outbox_id is not None} - {report.outbox_id})

    def _suppress(
        self, address: str, cause: Cause, *, shop: str, because: str, hint: str = "", until: datetime | None = None,
        kinds: Sequence[str] | None = None,
    ) -> int:  # fmt: skip
        if not address:
            return 0
        now = self._clock.now()
        chosen = kinds if kinds is not None else kinds_after(cause)
        made = [
            Suppression(
                shop=shop, address=address, category=kind or EVERY_KIND, cause=cause, since=now, hint=hint, until=until,
                because=because[:300],
            )
            for kind in chosen
        ]  # fmt: skip
        self._store.suppress(made)
        log.info("suppressed", extra={"cause": str(cause), "shop": shop, "kinds": len(made)})
        return len(made)

    def _message(self, report: Report) -> PlannedMessage | None:
        """Which message it is about: proved by a signed return path, or by an id that only its reader can know."""
        for path in report.return_paths:
            number = read(path, self._secrets.bounces)
            found = self._store.message(number) if number is not None else None
            if found is not None:
                return found
        domains = sorted({domain_of(shop) for shop in self.home.shops.values()})
        names = [f"{report.envelope_id}@{domain}" for domain in domains if report.envelope_id]
        return self._store.by_message_id([*names, *report.message_ids])

    def _perhaps(self, report: Report) -> PlannedMessage | None:
        """Which message it seems to be about, by recipient and time. Anybody can write such a report: it proves nothing."""
        if report.kind not in (Kind.BOUNCE, Kind.DELAY, Kind.COMPLAINT) or not report.recipient:
            return None
        since = self._clock.now() - GIVEN_UP
        return self._store.lately_sent(report.recipient, shops=sorted(self.home.shops), since=since)

    def _address(self, message: PlannedMessage) -> str:
        """Whom the message really went to, or, when its letter is forgotten, whom the order is for.

        Never what a report says: else whoever has had one message could have anybody suppressed.
        """
        frozen = self._store.frozen(message.id)
        if frozen is not None and frozen.letter is not None:
            return frozen.letter.recipient
        return self._store.email_of(OrderKey(shop=message.key.shop, number=message.order))

    def _watch_shares(self, shop: str) -> None:
        """Tell people when too much of a day's mail comes back, or is called spam."""
        returns = self._store.returns(since=self._clock.now() - DAY).get(shop, Returns(sent=0, bounced=0, complained=0))
        if returns.sent >= FEW and returns.bounced > returns.sent * MOST_BOUNCES:
            self._alarm(kind="bounces", subject=shop, shop=shop, detail=f"{returns.bounced} of {returns.sent} in a day")
        if returns.complained >= 2 and returns.complained > returns.sent * MOST_COMPLAINTS:
            self._alarm(
                kind="complaints", subject=shop, shop=shop, detail=f"{returns.complained} of {returns.sent} in a day"
            )

    def _tell(self, kind: str, report: KeptReport, detail: str) -> None:
        self._alarm(kind=kind, subject=report.shop or report.source, shop=report.shop, detail=detail)


def _without_addresses(words: str) -> str:
    return _ADDRESS.sub("<address>", words)
