"""Steps: the lines of a timeline, and which of them follow from an event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from messenger.domain.messages import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a timeline.

    Args:
        at: when it happened, aware, UTC.
        kind: ``event`` or ``message``.
        what: the event's type, or the state (or change) of the message.
        text: it as a sentence without a full stop.
        event: of an event its reference.
        follows: of a message's line the event it follows from at once; empty when it came about otherwise.
        key: of the message.
        detail: more by name, as ``--json`` shows it.
    """

    at: datetime
    kind: str
    what: str
    text: str
    event: str = ""
    follows: str = ""
    key: Key | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


def grouped(steps: Iterable[Step]) -> Iterator[tuple[Step, list[Step]]]:
    """Yield the timeline with what follows from an event right behind that event."""
    steps = list(steps)
    heads = {step.event for step in steps if step.kind == "event" and step.what != "order.delivered"}
    following: dict[str, list[Step]] = {}
    for step in steps:
        if step.follows in heads:
            following.setdefault(step.follows, []).append(step)
    for step in steps:
        if step.kind == "event":
            yield step, following.get(step.event, []) if step.what != "order.delivered" else []
        elif step.follows not in heads:
            yield step, []
