"""The queue: what waits, each with its reason as a sentence, and what people do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from messenger.console.office import Caller, Forged, Need
from messenger.console.showing import page
from messenger.domain.access import Right
from messenger.domain.messages import PlannedMessage, State
from messenger.ports.overview import Place
from messenger.services.glimpsing import Glimpsing
from messenger.services.queueing import Choice, Outcome, Queue, Target, Verb, name_of
from messenger.services.verbs import FITS
from messenger.services.wording import sentence

router = APIRouter()
SHOWN: Final = 50
STATES: Final = (
    State.WAITING_APPROVAL, State.HELD, State.AWAITING_STAFF, State.UNCERTAIN, State.FAILED, State.PLANNED,
)  # fmt: skip
"""What can be looked at, that which needs a person first."""
VERBS: Final = (Verb.APPROVE, Verb.HOLD, Verb.RELEASE, Verb.CANCEL, Verb.RETRY)
ASKED_FIRST: Final = frozenset({Verb.APPROVE, Verb.RETRY})
"""What cannot be taken back: the person is shown what would happen."""
CHOSEN: Final = "m"
"""A field for each message that was chosen: its id, and the state it was shown in."""
ALL: Final = "all"
UP_TO: Final = "upto"
_MICROSECOND: Final = timedelta(microseconds=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Looker = Annotated[Caller, Depends(Need(Right.LOOK))]
Actor = Annotated[Caller, Depends(Need(Right.ACT))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which messages are looked at."""

    state: State
    shop: str = ""
    after: str = ""


@router.get("/queue")
def queue(caller: Looker, state: str = "", shop: str = "", after: str = "") -> Response:
    """Show a page of the queue."""
    return _shown(caller, Wish(state=_state(state), shop=shop, after=after))


@router.post("/queue/{verb}")
def act(verb: str, caller: Actor) -> Response:
    """Do what a person asks with the messages that were chosen; what cannot be taken back is shown first."""
    wish = Wish(state=_state(caller.told("state")), shop=caller.told("shop"))
    if verb not in VERBS:
        raise Forged
    asked = Verb(verb)
    rows = _everything(caller, wish) if caller.told(ALL) and asked is Verb.APPROVE else _chosen(caller)
    if asked in ASKED_FIRST and not caller.told("sure"):
        return _asked(caller, asked, wish, list(rows))
    targets = (target for _, target in rows)
    outcome = _queue(caller).act(asked, targets, by=caller.user.name, why=caller.told("why")[:500])
    return _shown(caller, wish, outcome=outcome)


def _asked(caller: Caller, verb: Verb, wish: Wish, rows: Sequence[tuple[PlannedMessage, Target]]) -> Response:
    """What would leave: three at random, one a language, before a lot is approved."""
    fitting = [row for row, _ in rows if row.state in FITS[verb]]
    if not fitting:
        return _shown(caller, wish, outcome=Outcome())
    office = caller.office
    glimpsing = Glimpsing(office.store, office.home(), office.clock, seed=len(fitting))
    glimpses = glimpsing.glimpses(fitting) if verb is Verb.APPROVE else []
    return page(
        caller, "sure.html", verb=verb, wish=wish, rows=[] if caller.told(ALL) else rows, number=len(fitting), glimpses=glimpses,
        everything=caller.told(ALL), upto=max(row.id for row in fitting), name_of=name_of, why=caller.told("why")[:500],
    )  # fmt: skip


def _shown(caller: Caller, wish: Wish, *, outcome: Outcome | None = None) -> Response:
    shops = [one for one in caller.shops() if wish.shop in ("", one.id)]
    found = caller.office.store.queue_page(
        state=wish.state, shops=[one.id for one in shops], after=_place(wish.after), limit=SHOWN + 1
    )
    rows, last = found[:SHOWN], found[SHOWN - 1] if len(found) > SHOWN else None
    return page(
        caller, "queue.html", wish=wish, rows=rows, states=STATES, verbs=[one for one in VERBS if wish.state in FITS[one]],
        following=_mark(last) if last else "", outcome=outcome, name_of=name_of, sentence=sentence,
        zones={one.id: one.zone for one in shops},
    )  # fmt: skip


def _chosen(caller: Caller) -> Iterator[tuple[PlannedMessage, Target]]:
    """The messages a form names, as they were shown; those of other shops are not there."""
    for name, told in caller.fields.items():
        number = name.removeprefix(CHOSEN)
        if not (
            name.startswith(CHOSEN) and number.isascii() and number.isdigit() and len(number) < 19 and told in {*State}
        ):
            continue
        row = caller.office.store.message(int(number))
        if row is not None and caller.user.sees(row.key.shop):
            yield row, Target(id=row.id, key=row.key, order=row.order, state=State(told))


def _everything(caller: Caller, wish: Wish) -> Iterator[tuple[PlannedMessage, Target]]:
    """All that waits for approval where the person looks; not what came after they were shown it."""
    told = caller.told(UP_TO)
    upto = int(told) if told.isascii() and told.isdigit() else None
    for shop in [one.id for one in caller.shops() if wish.shop in ("", one.id)]:
        for row in _queue(caller).rows(Verb.APPROVE, Choice(shop=shop)):
            if upto is None or row.id <= upto:
                yield row, Target.of(row)


def _queue(caller: Caller) -> Queue:
    return Queue(caller.office.store, caller.office.home(), caller.office.clock)


def _state(told: str) -> State:
    return State(told) if told in STATES else STATES[0]


def _mark(row: PlannedMessage) -> str:
    return f"{(row.due_at - EPOCH) // _MICROSECOND}-{row.id}"


def _place(mark: str) -> Place | None:
    """The place a mark names; the beginning for anything that is not one of ours."""
    at, _, id_ = mark.partition("-")
    if not (at.isascii() and at.isdigit() and id_.isascii() and id_.isdigit() and len(at) < 18 and len(id_) < 19):
        return None
    return Place(due_at=EPOCH + int(at) * _MICROSECOND, id=int(id_))
