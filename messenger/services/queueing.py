"""The queue by hand: what people may do with messages that have not left. Every act has a person, a time and a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from messenger.domain.messages import Key, PlannedMessage, Reason, State
from messenger.errors import UsageError
from messenger.ports import Change, Clock, OrderKey, Store, Unit
from messenger.services.finding import events_about, hint, rule_named
from messenger.services.home import Home
from messenger.services.people import PERSON, Person
from messenger.services.recording import entry_of
from messenger.services.starting import Started, Starting, messages_of_rule
from messenger.services.verbs import FITS, IN_HAND, ONLY, Choice, Outcome, Refusal, Target, Verb
from messenger.services.wording import sentence

__all__ = ["Choice", "Outcome", "Queue", "Refusal", "Target", "Verb", "name_of"]

T = TypeVar("T")

AT_ONCE: Final = 50
"""Messages that are changed in one transaction."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The use case behind ``messenger outbox approve``, ``hold``, ``release``, ``cancel``, ``retry``, ``sent`` and ``start``."""

    store: Store
    home: Home
    clock: Clock

    # --- which ones ---------------------------------------------------------------------------------------------

    def choose(self, verb: Verb, choice: Choice) -> list[Target]:
        """Return the messages that are meant.

        Of a whole order these are the ones the act fits, and those in a worker's hand, which will be refused.

        Raises:
            UsageError: there is no such order, rule or shop.
        """
        return [Target.of(row) for row in self.rows(verb, choice)]

    def rows(self, verb: Verb, choice: Choice) -> Iterator[PlannedMessage]:
        """Return the same as rows, one after the other.

        Raises:
            UsageError: there is no such order, rule or shop.
        """
        if choice.id is not None:
            return iter([self._numbered(choice.id)])
        if choice.order is None:
            if choice.shop is not None and choice.shop not in self.home.shops:
                raise UsageError(f"there is no shop {choice.shop!r}{hint(choice.shop, self.home.shops, 'shops')}")
            return (
                self._went_wrong(choice)
                if choice.states
                else self.store.waiting_for_approval(intake=choice.intake, shop=choice.shop)
            )
        found = self._of_order(choice.order, choice)
        fits = FITS[verb] | IN_HAND if verb in {Verb.HOLD, Verb.CANCEL} else FITS[verb]
        return iter(found if choice.rule else [row for row in found if row.state in fits])

    def _numbered(self, id_: int) -> PlannedMessage:
        row = self.store.message(id_)
        if row is None:
            raise UsageError(f"there is no message {id_}: outbox list --json tells the number of each (id)")
        return row

    def _went_wrong(self, choice: Choice) -> Iterator[PlannedMessage]:
        rows = self.store.outbox(states=choice.states, shop=choice.shop)
        return (row for row in rows if not choice.reasons or row.reason in choice.reasons)

    def _of_order(self, order: OrderKey, choice: Choice) -> list[PlannedMessage]:
        found = (
            messages_of_rule(self.store, self.home, order, choice.rule)
            if choice.rule
            else self.store.messages_of(order)
        )
        if not found:
            events_about(self.store, self.home, order)
        if not found and choice.rule:
            rule_named(self.home, choice.rule)
        return [row for row in found if choice.step is None or row.key.step == choice.step]

    def standing(self, order: OrderKey) -> list[str]:
        """Return how each message of an order stands, for when an act fits none of them."""
        return [
            f"{name_of(row.key)} {sentence(row.state, str(row.reason or ''))}" for row in self.store.messages_of(order)
        ]

    # --- the acts -----------------------------------------------------------------------------------------------

    def act(
        self, verb: Verb, targets: Iterable[Target], *, by: str, why: str = "", progress: Callable[[int], None] | None = None
    ) -> Outcome:  # fmt: skip
        """Do what a person asks with each of these messages, and say what became of it.

        Args:
            verb: what.
            targets: as ``choose`` returned them; one that has moved meanwhile is left alone and told.
            by: the person.
            why: the reason, in the person's words.
            progress: told how many have been dealt with since it was last told.
        """
        outcome, who = Outcome(), Person.of(by, why)
        for chunk in _chunks(targets, AT_ONCE):
            outcome.add(self.store.together(lambda unit, some=chunk: self._act(unit, verb, some, who)))  # type: ignore[misc]  # the loop's own value
            if progress:
                progress(len(chunk))
        return outcome

    def _act(self, unit: Unit, verb: Verb, targets: Sequence[Target], who: Person) -> Outcome:
        outcome, now = Outcome(), self.clock.now()
        rows = _locked(unit, targets)
        changes: list[tuple[Target, PlannedMessage, PlannedMessage]] = []
        for target in targets:
            row = rows.get(target.id)
            if row is None or row.state is not target.state:
                outcome.moved.append(Refusal(target=target, why=_meanwhile(row)))
            elif (why := _refusal(verb, row, now)) != "":
                outcome.refused.append(Refusal(target=target, why=why))
            else:
                changes.append((target, row, _changed(verb, row, who, now)))
        applied = set(unit.change([Change(message=new, was=was.state) for _, was, new in changes], at=now))
        unit.note([entry_of(new, now, was, who.detail) for _, was, new in changes if new.key in applied])
        outcome.done += [(target, new.state) for target, _, new in changes if new.key in applied]
        outcome.moved += [
            Refusal(target=target, why=_meanwhile(None)) for target, _, new in changes if new.key not in applied
        ]
        return outcome

    def start(self, order: OrderKey, rule: str, *, by: str, why: str = "") -> Started:
        """Start a rule that only people start, for one order; returns what it now has to say.

        Raises:
            UsageError: there is no such order or rule, or it is not a person's to start.
        """
        return Starting(self.store, self.home, self.clock).start(order, rule, Person.of(by, why))


def _locked(unit: Unit, targets: Sequence[Target]) -> dict[int, PlannedMessage]:
    """The rows as they are now, by id; neither an intake nor a worker can touch them until the unit ends."""
    rows: dict[int, PlannedMessage] = {}
    for order in sorted({OrderKey(shop=one.key.shop, number=one.order) for one in targets}, key=str):
        unit.lock(order)
        rows |= {row.id: row for row in unit.messages(order)}
    return rows


def _refusal(verb: Verb, row: PlannedMessage, now: datetime) -> str:
    if row.state not in FITS[verb]:
        again = ": try again in a moment" if row.state is State.CLAIMED else f": {ONLY[verb]}"
        return f"{sentence(row.state, str(row.reason or ''))}{again}"
    if verb is Verb.RETRY and row.expires_at <= now:
        return f"is not tried again: what it says was true until {row.expires_at:%Y-%m-%d %H:%M} UTC"
    if verb is Verb.RETRY and row.owner is not None:
        return "is just being sent once more: try again in a moment"
    if verb is Verb.HOLD and row.state is State.HELD and row.because.startswith(PERSON):
        return f"is held already, by {row.because.removeprefix(PERSON)}"
    return ""


def _meanwhile(row: PlannedMessage | None) -> str:
    return f"moved meanwhile: it {sentence(row.state, str(row.reason or ''))}" if row else "moved meanwhile"


def _changed(verb: Verb, row: PlannedMessage, who: Person, now: datetime) -> PlannedMessage:
    """The row as the act leaves it. What may leave again is looked at at once, and everything is asked anew."""
    by = replace(row, because=str(who))
    match verb:
        case Verb.APPROVE:
            return replace(by, state=State.PLANNED, reason=None, approved_by=who.name, due_at=now)
        case Verb.RELEASE:
            return replace(by, state=State.PLANNED, reason=None, released_at=now, due_at=now)
        case Verb.HOLD:
            return replace(by, state=State.HELD, reason=Reason.HOLD, due_at=row.expires_at)
        case Verb.CANCEL:
            reason = Reason.DECLINED if row.state is State.WAITING_APPROVAL else Reason.STAFF
            return replace(by, state=State.CANCELLED, reason=reason)
        case Verb.RETRY if row.state is State.UNCERTAIN:
            return replace(by, resend_at=now, resent=False, attempts=0)
        case Verb.RETRY:
            return replace(
                by, state=State.PLANNED, reason=None, due_at=now, not_before=None, attempts=0, reply=None, queue="", cleared_at=None,
            )  # fmt: skip
        case Verb.SENT:
            return replace(by, state=State.SENT, reason=None, sent_at=now, resend_at=None)


def name_of(key: Key) -> str:
    """Return what a message is called in a list: its rule, and its step beyond the first."""
    return f"{key.rule} (step {key.step})" if key.step > 1 else key.rule


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
