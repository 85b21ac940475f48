"""What the record says about a change of a message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from messenger.domain.messages import PlannedMessage, State
from messenger.ports import Entry


def entry_of(
    message: PlannedMessage, at: datetime, was: PlannedMessage | None = None, detail: Mapping[str, str] | None = None
) -> Entry:
    """Return the line of the record for a message as it is now.

    Args:
        message: the row.
        at: now.
        was: the row before; None for a new one. A planned row that stays planned has ``moved``.
        detail: more that is worth knowing, by name.
    """
    moved = was is not None and message.state is State.PLANNED and was.state is State.PLANNED
    told = {
        "due": message.due_at.isoformat(),
        "template": message.template,
        "trigger": message.trigger,
        **(detail or {}),
    }
    if was is not None and was.due_at != message.due_at:
        told["was"] = was.due_at.isoformat()
    return Entry(
        shop=message.key.shop,
        order=message.order,
        at=at,
        what="moved" if moved else str(message.state),
        key=message.key,
        reason=str(message.reason or ""),
        because=message.because,
        detail=told,
    )
