"""The timeline of one order: its events, and what the record says was decided and done because of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from messenger.domain.messages import Key, PlannedMessage, Reason, State
from messenger.domain.orders import Deadline, Moment
from messenger.domain.shops import Shop
from messenger.ports import Entry, Frozen
from messenger.services.telling.hands import by_hand, told_at_a_desk
from messenger.services.telling.narrator import LANGUAGE, Narrator, shown
from messenger.services.telling.outlook import crowding
from messenger.services.telling.steps import Step
from messenger.services.wording import reason_sentence

WAITS: Final = frozenset({"planned", "moved"})
ENDED: Final = frozenset(State) - {
    State.PLANNED,
    State.HELD,
    State.WAITING_APPROVAL,
    State.AWAITING_STAFF,
    State.CLAIMED,
}
LIFTS: Final[Mapping[str, tuple[str, ...]]] = {
    "dispute": ("dispute.closed",), "conversation": ("message.answered", "conversation.closed"),
}  # fmt: skip
"""Which events end a hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What the teller of a timeline may look up.

    Args:
        shop: the order's; None when it was removed.
        rows: messages of the order.
        others: all messages of the buyer that count for caps.
        frozen: what was stored of a row when it was about to leave.
        line: where a rule stands in the schedules.toml of a generation.
        generation: the present one.
    """

    shop: Shop | None
    rows: Mapping[Key, PlannedMessage]
    others: Sequence[PlannedMessage]
    frozen: Callable[[PlannedMessage], Frozen | None]
    line: Callable[[str, int], int]
    generation: int = 0


def timeline(record: Iterable[Entry], narrator: Narrator, known: Knowledge) -> list[Step]:
    """Return the order's story, oldest first."""
    steps = [_of_event(moment, narrator) for moment in narrator.order.history]
    steps += _Teller(narrator, known).steps(list(record))
    return sorted(steps, key=lambda step: (step.at, step.kind != "event"))


def _of_event(moment: Moment, narrator: Narrator) -> Step:
    parcel = f", parcel {shown(moment.shipment)}" if moment.shipment else ""
    fields = narrator.changed(moment)
    late = "" if moment.counts else "; it changes nothing, the parcel was further by then"
    text = f"{narrator.happening(moment)} ({moment.type}{parcel}{f': {fields}' if fields else ''}){late}"
    return Step(at=moment.at, kind="event", what=moment.type, text=text, event=moment.event_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What the record has said about a message so far: its last line, and the newest of every detail."""

    entry: Entry
    detail: Mapping[str, str]

    @property
    def what(self) -> str:
        return self.entry.what

    @property
    def generation(self) -> int:
        return _number(self.detail.get("generation", ""))

    def and_then(self, entry: Entry) -> _Past:
        return _Past(entry=entry, detail={**self.detail, **_known_by(entry)})


class _Teller:
    """Puts each line of the record into words, knowing the lines before it about the same message."""

    def __init__(self, narrator: Narrator, known: Knowledge) -> None:
        self._narrator = narrator
        self._known = known

    def steps(self, entries: Sequence[Entry]) -> Iterator[Step]:
        first: dict[str, datetime] = {}
        past: dict[Key | None, _Past] = {}
        for entry in entries:
            before = past.get(entry.key) if entry.key else None
            step = self._step(entry, before)
            at_once = first.setdefault(step.follows, entry.at) == entry.at or self._moves(entry, before)
            yield step if at_once else replace(step, follows="")
            past[entry.key] = before.and_then(entry) if before else _Past(entry=entry, detail=_known_by(entry))

    def _step(self, entry: Entry, before: _Past | None) -> Step:
        who = f"{self._narrator.name(entry.key)}: " if entry.key else ""
        return Step(
            at=entry.at, kind="message", what=entry.what, text=f"{who}{self._told(entry, before)}", key=entry.key,
            follows=self._event_behind(entry, before), detail=self._detail(entry, before),
        )  # fmt: skip

    # --- which event is behind it -------------------------------------------------------------------------------

    def _event_behind(self, entry: Entry, before: _Past | None) -> str:
        """The event that a line of the record follows from; empty when it is none."""
        return self._mover(entry, before) if self._moves(entry, before) else self._as_event(entry.because, entry.at)

    @staticmethod
    def _moves(entry: Entry, before: _Past | None) -> bool:
        """Whether new facts or rules moved a message that goes on waiting for its time."""
        return before is not None and entry.what == "moved" and not entry.reason

    def _as_event(self, because: str, by: datetime) -> str:
        if self._narrator.moment(because):
            return because
        return self._deadline_event(because, by) if because in {*Deadline} else ""

    def _deadline_event(self, deadline: str, by: datetime) -> str:
        policy = self._known.shop.policy if self._known.shop else None
        derived = policy.derived.get(Deadline(deadline)) if policy else None
        return self._narrator.teller(deadline, derived.since if derived else "", by=by)

    def _mover(self, entry: Entry, before: _Past | None) -> str:
        """The event that moved a message: its new trigger, or what told the deadline that moved; empty for new rules."""
        trigger = _known_by(entry).get("trigger", "")
        if before is None or self._is_by_rules(entry, before):
            return ""
        is_new = trigger != before.detail.get("trigger", trigger)
        return self._as_event(trigger, entry.at) if is_new or trigger in {*Deadline} else ""

    @staticmethod
    def _is_by_rules(entry: Entry, before: _Past) -> bool:
        generation = _number(_known_by(entry).get("generation", ""))
        return bool(generation) and generation != before.generation

    # --- what it says -------------------------------------------------------------------------------------------

    def _told(self, entry: Entry, before: _Past | None) -> str:
        by = _by(entry)
        at_a_desk = told_at_a_desk(entry, by, self._narrator)
        if at_a_desk:
            return at_a_desk
        match entry.what:
            case "planned" | "moved":
                return self._waits(entry, before)
            case "held":
                return f"held by {by}" if by else f"held: {self._narrator.hold(entry.because)}"
            case "cancelled" if by:
                return f"{'declined' if entry.reason == Reason.DECLINED else 'cancelled'} by {by}"
            case "sent":
                return f"sent{self._way(entry)}{by_hand(entry, by)}"
            case "uncertain":
                told = self._narrator.standing(entry.what, entry.reason, entry.because)
                return f"{told}; tried{self._way(entry)}"
            case "merged" if before is None or before.what != State.MERGED:
                return f"taken along by {self._narrator.message(entry.because)}"
            case "started":
                return f"{by} started the rule {_known_by(entry).get('rule', '')}"
        rule = self._narrator.schedule.rule(entry.key.rule) if entry.key else None
        told = self._narrator.standing(entry.what, entry.reason, entry.because, rule)
        return f"not planned: it {told}" if before is None else told

    def _waits(self, entry: Entry, before: _Past | None) -> str:
        """A message that waits for its time: for the first time, again, or for another time than before."""
        due = self._when(_known_by(entry).get("due"))
        if before is None:
            return f"planned for {due}{self._origin(entry)}"
        by = _by(entry)
        if by:
            return f"{'approved' if before.what == State.WAITING_APPROVAL else 'released'} by {by}"
        if before.what == State.HELD:
            return f"no longer held{self._lifted(entry, before)}; it leaves {self._from(entry)}"
        if before.what == State.MERGED:
            carrier = self._narrator.message(entry.because)
            return f"to leave on its own at {due}: {carrier} did not take it along after all"
        if before.what in ENDED and entry.reason != Reason.RETRY:
            cause = self._narrator.cause(entry.what, "", entry.because)
            return f"planned again for {due}{f': {cause}' if cause else ''}"
        return self._moved(entry, before, due)

    def _from(self, entry: Entry) -> str:
        due = datetime.fromisoformat(_known_by(entry).get("due", entry.at.isoformat()))
        return f"from {self._narrator.when(due)}" if due > entry.at else "at once if its hours are open"

    def _lifted(self, entry: Entry, before: _Past) -> str:
        """By what a hold was ended, if an event did it."""
        types = LIFTS.get(before.entry.because.partition(" ")[0], ())
        ends = [one for one in self._narrator.order.history if one.type in types and one.at <= entry.at]
        return f": {self._narrator.event(ends[-1].event_id)}" if ends else ""

    def _moved(self, entry: Entry, before: _Past, due: str) -> str:
        was = self._when(_known_by(entry).get("was") or before.detail.get("due"))
        moved = f"moved from {was} to {due}" if was != due else f"waits until {due}"
        if entry.reason == Reason.CAP:
            return f"{moved}: {self._capped(entry)}"
        if entry.reason:
            cause = shown(entry.because) if entry.reason == Reason.RETRY else ""
            return f"{moved}: {reason_sentence(entry.reason, LANGUAGE, State.PLANNED)}{f' ({cause})' if cause else ''}"
        return f"{moved}: {self._why_moved(entry, before)}"

    def _why_moved(self, entry: Entry, before: _Past) -> str:
        narrator = self._narrator
        if entry.what != "moved":
            is_news = entry.because != before.detail.get("trigger") and narrator.moment(entry.because)
            return narrator.event(entry.because) if is_news else "it could not leave then, and its hours were over"
        if self._is_by_rules(entry, before):
            return f"the rules changed (generation {_known_by(entry)['generation']})"
        mover = self._mover(entry, before)
        return narrator.event(mover) if mover else "what is known of the order changed"

    def _capped(self, entry: Entry) -> str:
        told = reason_sentence(Reason.CAP, LANGUAGE, State.PLANNED)
        rule = self._narrator.schedule.rule(entry.key.rule) if entry.key else None
        row = self._known.rows.get(entry.key) if entry.key else None
        if rule is None or row is None:
            return told
        crowd = [one for one in crowding(row, rule, self._known.others, entry.at) if one.sent_at is not None]
        names = [
            f"{self._narrator.name(one.key, order=one.order)}, {self._narrator.when(one.sent_at)}"
            for one in crowd
            if one.sent_at
        ]
        return f"{told} ({'; '.join(names)})" if names else told

    # --- details ------------------------------------------------------------------------------------------------

    def _when(self, text: str | None) -> str:
        return self._narrator.when(datetime.fromisoformat(text)) if text else "an unknown time"

    def _origin(self, entry: Entry) -> str:
        """Where the rule stands that wants the message, and in which generation of rules."""
        if entry.key is None:
            return ""
        generation = _number(_known_by(entry).get("generation", ""))
        line = self._known.line(entry.key.rule, generation)
        place = f"schedules.toml:{line}" if line else "by a rule that is no longer there"
        return f" ({place}{f', generation {generation}' if generation else ''})"

    def _way(self, entry: Entry) -> str:
        """How a message left: channel, language, text, and what the other side said."""
        detail = self._detail(entry, None)
        parts = [f" by {detail['channel']}"] if "channel" in detail else []
        parts += [f" in {detail['locale']}"] if "locale" in detail else []
        if "template_version" in detail:
            variant = f"@{detail['variant']}" if detail.get("variant") else ""
            parts.append(f", text {detail['template']}{variant} {detail['template_version'][:12]}")
        if "reply" in detail:
            parts.append(f", answer: {shown(detail['reply'])}")
        return "".join(parts)

    def _detail(self, entry: Entry, before: _Past | None) -> dict[str, str]:
        detail = dict(entry.detail or {})
        row = self._known.rows.get(entry.key) if entry.key else None
        if row is not None and entry.what in {State.SENT, State.UNCERTAIN}:
            frozen = self._known.frozen(row)
            detail |= {"template_version": frozen.template_version} if frozen else {}
        if before is not None and entry.what in WAITS and "due" in before.detail:
            detail.setdefault("was", before.detail["due"])
        return detail | {"reason": entry.reason, "because": entry.because}


def _known_by(entry: Entry) -> dict[str, str]:
    """The details of a line. Whoever claims a message writes its trigger as the cause when nothing else is."""
    detail = dict(entry.detail or {})
    if entry.what == State.PLANNED and not entry.reason and "by" not in detail:
        detail.setdefault("trigger", entry.because)
    return detail


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _by(entry: Entry) -> str:
    """Who did it and why, if a person did."""
    detail = dict(entry.detail or {})
    why = f": {shown(detail['why'])}" if detail.get("why") else ""
    return f"{shown(detail['by'])}{why}" if detail.get("by") else ""
