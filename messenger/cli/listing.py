"""The list of messages: filtered, aligned, one page at a time on a terminal."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

import click

from messenger.cli.output import told
from messenger.domain.messages import PlannedMessage, Reason, State
from messenger.ports import OrderKey, Store
from messenger.services.finding import hint
from messenger.services.home import Home
from messenger.services.queueing import name_of
from messenger.services.wording import sentence

MEASURED: Final = 500
"""Lines whose columns are aligned with each other; later ones follow them."""
WIDEST: Final = 40
"""Columns that a name may take from the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which messages are listed."""

    states: tuple[State, ...] = ()
    shop: str | None = None
    order: str | None = None
    rule: str | None = None
    reasons: tuple[Reason, ...] = ()
    intake: int | None = None

    def rows(self, store: Store, home: Home) -> Iterator[PlannedMessage]:
        """Yield them by due time."""
        key = self._key(home)
        found: Iterable[PlannedMessage]
        if key is not None:
            found = sorted(store.messages_of(key), key=lambda row: (row.due_at, row.id))
        else:
            found = store.outbox(states=self.states, shop=self.shop)
        rule = home.schedule.rule(self.rule) if self.rule else None
        names = rule.names if rule else (self.rule,)
        return (row for row in found if self._fits(row, names))

    def _key(self, home: Home) -> OrderKey | None:
        """The order, when its shop is known as well."""
        if self.order is None:
            return None
        shop, slash, number = self.order.partition("/")
        if slash and shop in home.shops:
            return OrderKey(shop=shop, number=number)
        return OrderKey(shop=self.shop, number=self.order) if self.shop else None

    def _fits(self, row: PlannedMessage, names: tuple[str | None, ...]) -> bool:
        return (
            (not self.states or row.state in self.states)
            and self.shop in {None, row.key.shop}
            and self.order in {None, row.order, f"{row.key.shop}/{row.order}"}
            and (self.rule is None or row.key.rule in names)
            and (not self.reasons or row.reason in self.reasons)
            and self.intake in {None, row.intake}
        )

    def slip(self, home: Home) -> str:
        """Return what is probably a mistyped name, in brackets; empty when there is none."""
        if self.shop is not None and self.shop not in home.shops:
            return f" of the shop {self.shop!r}{hint(self.shop, home.shops, 'shops')}"
        if self.rule is not None and home.schedule.rule(self.rule) is None:
            return f" of a rule {self.rule!r}{hint(self.rule, [one.name for one in home.schedule.rules], 'rules')}"
        return ""


def document(row: PlannedMessage) -> dict[str, object]:
    """Return a message as JSON shows it."""
    return {
        "id": row.id, "shop": row.key.shop, "order": row.order, "shipment": row.shipment, "rule": row.key.rule, "step": row.key.step,
        "template": row.template, "state": row.state, "reason": row.reason, "because": row.because, "due_at": told(row.due_at),
        "wanted_at": told(row.wanted_at), "expires_at": told(row.expires_at), "sent_at": told(row.sent_at),
        "channel": row.channel, "transport": row.transport, "locale": row.locale, "variant": row.variant,
        "attempts": row.attempts, "message_id": row.message_id, "reply": row.reply, "intake": row.intake,
        "approved_by": row.approved_by,
    }  # fmt: skip


def listing(wanted: Filter, store: Store, home: Home) -> None:
    """Print the list; through a pager when it is longer than the terminal."""
    lines = aligned(wanted.rows(store, home))
    height = shutil.get_terminal_size().lines - 1
    first = list(islice(lines, height)) if sys.stdout.isatty() else []
    if sys.stdout.isatty() and len(first) == height:
        click.echo_via_pager(f"{line}\n" for line in chain(first, lines))
        return
    count = 0
    for count, line in enumerate(chain(first, lines), start=1):  # noqa: B007  # how many there were
        click.echo(line)
    if not count:
        click.echo(f"no messages{wanted.slip(home)}", err=True)


def aligned(rows: Iterable[PlannedMessage]) -> Iterator[str]:
    """Yield one line a message, with the columns of the first ones under each other."""
    rows = iter(rows)
    first = list(islice(rows, MEASURED))
    orders = min(WIDEST, max((_columns(_order(row)) for row in first), default=0))
    names = min(WIDEST, max((_columns(name_of(row.key)) for row in first), default=0))
    for row in chain(first, rows):
        when = row.sent_at or row.due_at
        standing = sentence(row.state, str(row.reason or "")) + ("; expires then" if _waits_to_the_end(row) else "")
        yield f"{when:%Y-%m-%d %H:%M}Z  {_padded(_order(row), orders)}  {_padded(name_of(row.key), names)}  {standing}"


def _waits_to_the_end(row: PlannedMessage) -> bool:
    """Whether the time shown is that of its expiry, because a person or a fact has to let it go before."""
    return row.state.is_waiting and row.due_at == row.expires_at


def _order(row: PlannedMessage) -> str:
    return f"{row.key.shop}/{row.order}"


def _padded(text: str, columns: int) -> str:
    return text + " " * max(0, columns - _columns(text))


def _columns(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(one) in {"W", "F"} for one in text)
    return len(text) + wide - sum(1 for one in text if unicodedata.combining(one))
