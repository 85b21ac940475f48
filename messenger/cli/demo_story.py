"""One buyer's story in short: what happened, what we wrote, and what we did not, all on the buyer's own clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from messenger.domain.messages import State
from messenger.rendering.names import clean
from messenger.services.explaining import Explanation, Standing
from messenger.services.wording import sentence


def brief(found: Explanation) -> list[str]:
    """Return the story, a line for each thing that happened or was written."""
    order = found.order
    buyer = " in ".join(filter(None, (clean(order.buyer.name or "the buyer"), order.buyer.country)))
    lines = [f"{order.shop}/{order.number}, {buyer} (times in {found.zone.key})", ""]
    told = sorted([*_events(found), *_written(found)], key=lambda one: one[0])
    lines += [f"  {at.astimezone(found.zone):%a %d %b %H:%M}  {text}" for at, text in told]
    left_out = [one for one in found.messages if one.row.state is not State.SENT]
    if left_out:
        lines += ["", "  Not written:"]
        lines += [f"    {one.name}: {_why(one)}" for one in left_out]
    return lines


def _events(found: Explanation) -> Iterator[tuple[datetime, str]]:
    for step in found.steps:
        if step.kind == "event":
            yield step.at, f"·  {step.text.partition(' (')[0]}"


def _written(found: Explanation) -> Iterator[tuple[datetime, str]]:
    for one in found.messages:
        if one.row.state is State.SENT and one.row.sent_at is not None:
            yield one.row.sent_at, f"→  we wrote: {one.name}, in {one.row.locale}"


def _why(one: Standing) -> str:
    return sentence(one.row.state, one.row.reason or "").partition(": ")[2] or sentence(one.row.state)
