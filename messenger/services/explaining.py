"""Explain: the timeline of one order, and why a buyer did, or did not, get a message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from messenger.domain.guarding import Stay, Surroundings, decide
from messenger.domain.messages import Key, PlannedMessage, State
from messenger.domain.orders import Order
from messenger.domain.planning import plan
from messenger.domain.timing import ALWAYS
from messenger.errors import UsageError
from messenger.ports import Clock, Entry, OrderKey, Store
from messenger.services.home import Home
from messenger.services.wording import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a timeline, in both clocks."""

    at: datetime
    local: datetime
    kind: str
    """``event`` or ``message``."""
    what: str
    text: str
    because: str = ""

    def document(self) -> dict[str, object]:
        """Return the line as ``explain --json`` prints it."""
        return {
            "at": self.at.isoformat().replace("+00:00", "Z"), "local": self.local.isoformat(), "kind": self.kind,
            "what": self.what, "text": self.text, "because": self.because,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything known about one order: its state, its timeline, and where each message stands now."""

    order: Order
    zone: ZoneInfo
    zone_because: str
    steps: tuple[Step, ...]
    messages: tuple[PlannedMessage, ...]
    rule_lines: dict[str, int]


@dataclass(frozen=True, slots=True)
class Explain:
    """The use case behind ``messenger explain``."""

    store: Store
    home: Home
    clock: Clock

    def order(self, key: OrderKey) -> Explanation:
        """Return the order's timeline.

        Raises:
            UsageError: no event has ever named this order.
        """
        order = self._order(key)
        shop = self.home.shops.get(key.shop)
        place = self.home.zones.of_buyer(
            order.buyer, hours=ALWAYS, at=self.clock.now(), shop_zone=shop.zone if shop else "UTC"
        )
        zone = place.main
        names = {moment.event_id: moment.type for moment in order.history if moment.type != "order.delivered"}
        steps = [_of_event(moment.at, zone, moment.type, moment.event_id, moment.shipment) for moment in order.history]
        steps += _of_record(self.store.record_of(key), zone, names)
        steps.sort(key=lambda step: (step.at, step.kind))
        return Explanation(
            order=order,
            zone=zone,
            zone_because=place.because,
            steps=tuple(steps),
            messages=tuple(self.store.messages_of(key)),
            rule_lines={rule.name: rule.line for rule in self.home.schedule.rules},
        )

    def why(self, key: OrderKey, rule_name: str) -> list[str]:
        """Return, as sentences, what the rule says about the order and what came of it.

        Raises:
            UsageError: there is no such order or rule.
        """
        rule = self.home.schedule.rule(rule_name)
        if rule is None:
            known = ", ".join(one.name for one in self.home.schedule.rules)
            raise UsageError(f"there is no rule {rule_name!r} (rules: {known})")
        order = self._order(key)
        rows = [row for row in self.store.messages_of(key) if row.key.rule == rule_name]
        names = {moment.event_id: moment.type for moment in order.history if moment.type != "order.delivered"}
        told = [f"step {row.key.step}: {_row_sentence(row, names)}" for row in rows]
        shop = self.home.shops.get(key.shop)
        if shop is None or not rule.applies_to(key.shop):
            return [*told, f"the rule does not speak for the shop {key.shop}"]
        wishes = plan(order, self.home.schedule.peers(rule), self.home.zones, shop, self.home.schedule.names)
        known_keys = {row.key for row in rows}
        told += [
            f"step {one.key.step}: not planned: {sentence(one.state, one.reason)}: {names.get(one.because, one.because)}"
            for one in wishes.unwanted
            if one.key not in known_keys
        ]
        told += [self._outlook(row, order) for row in rows if row.state is State.PLANNED]
        return told or ["nothing that wakes this rule has happened to the order"]

    def _outlook(self, row: PlannedMessage, order: Order) -> str:
        key = OrderKey(shop=order.shop, number=order.number)
        around = Surroundings(
            schedule=self.home.schedule, shop=self.home.shops.get(order.shop), zones=self.home.zones,
            now=max(self.clock.now(), row.due_at), rows=self.store.messages_of(key), lanes=self.store.lanes(),
        )  # fmt: skip
        decision = decide(row, order, around)
        if isinstance(decision, Stay) and decision.message.state is not State.PLANNED:
            then = sentence(decision.message.state, decision.message.reason or "")
            return f"step {row.key.step}: as things are, at {row.due_at:%Y-%m-%d %H:%M} UTC it {then}"
        return f"step {row.key.step}: as things are, it leaves at {row.due_at:%Y-%m-%d %H:%M} UTC"

    def _order(self, key: OrderKey) -> Order:
        order = self.home.order(self.store.events_of([key]).get(key, []))
        if order is None:
            raise UsageError(f"no event has named the order {key}")
        return order


def _of_event(at: datetime, zone: ZoneInfo, type_: str, ref: str, shipment: str | None) -> Step:
    parcel = f" (parcel {shipment})" if shipment else ""
    return Step(at=at, local=at.astimezone(zone), kind="event", what=type_, text=f"{type_}{parcel}", because=ref)


def _of_record(entries: Iterable[Entry], zone: ZoneInfo, names: dict[str, str]) -> Iterator[Step]:
    last: dict[Key | None, str] = {}
    for entry in entries:
        yield _of_entry(entry, zone, names, before=last.get(entry.key))
        last[entry.key] = entry.what


def _of_entry(entry: Entry, zone: ZoneInfo, names: dict[str, str], *, before: str | None) -> Step:
    """The line of one entry; ``before`` says what the entry before it said about the same message."""
    detail = dict(entry.detail or {})
    rule = (
        f"{entry.key.rule} (step {entry.key.step})"
        if entry.key and entry.key.step > 1
        else entry.key.rule
        if entry.key
        else ""
    )
    text = f"{rule}: {_entry_sentence(entry, detail, zone, before)}"
    return Step(
        at=entry.at, local=entry.at.astimezone(zone), kind="message", what=entry.what, text=text,
        because=names.get(entry.because, entry.because),
    )  # fmt: skip


def _entry_sentence(entry: Entry, detail: dict[str, str], zone: ZoneInfo, before: str | None) -> str:
    due = detail.get("due")
    if entry.what in ("planned", "moved") and due:
        local = datetime.fromisoformat(due).astimezone(zone)
        is_waiting = before in ("planned", "moved")
        verb = "moved to" if entry.what == "moved" or is_waiting else "planned again for" if before else "planned for"
        return f"{verb} {local:%Y-%m-%d %H:%M} {local:%Z}"
    extra = "".join(f", {name} {detail[name]}" for name in ("channel", "locale", "reply") if detail.get(name))
    return sentence(entry.what, entry.reason) + extra


def _row_sentence(row: PlannedMessage, names: dict[str, str]) -> str:
    because = names.get(row.because, row.because)
    return sentence(row.state, row.reason or "") + (f" ({because})" if because and row.state is not State.SENT else "")


def states_of(messages: Sequence[PlannedMessage]) -> dict[str, int]:
    """Return how many messages stand in each state."""
    counts: dict[str, int] = {}
    for message in messages:
        counts[message.state] = counts.get(message.state, 0) + 1
    return counts
