"""Reading ``[retention]``: how long what is over stays at hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from messenger.config.reader import as_typed
from messenger.config.spans import length
from messenger.config.tables import Table, Wrong, shown
from messenger.domain.retention import FINISHED, LETTERS, Retention, look_backs
from messenger.domain.rules import Schedule
from messenger.errors import Finding

LEAST: Final = timedelta(days=1)


def read_retention(table: Table) -> Retention:
    """Return how long things are kept."""
    finished = table.take("finished", _days, None)
    bodies = table.take("bodies", _days, LETTERS)
    if bodies > (finished or FINISHED):
        if "bodies" in table:
            table.wrong(
                "bodies", f"is longer than finished ({_told(finished or FINISHED)})", "texts go before their messages"
            )
        bodies = finished or FINISHED
    place = table.document.place((*table.path, "finished"))
    table.close()
    return Retention(finished=finished, bodies=bodies, place=place)


def retention_findings(retention: Retention, schedule: Schedule, file: Path) -> Sequence[Finding]:
    """Return one mistake for each rule that looks further back than messages are kept; none where nothing is written.

    Args:
        retention: as ``read_retention`` gives it.
        schedule: the rules.
        file: messenger.toml.
    """
    if retention.finished is None:
        return []
    written = retention.finished
    longest = {
        one.rule.name: one for one in sorted(look_backs(schedule), key=lambda one: one.span) if one.span > written
    }
    return [
        Finding(
            as_typed(file), *retention.place, "retention.finished",
            f"{_told(written)} is shorter than the rule {one.rule.name!r} looks back ({one.key}: {_told(one.span)})",
            f"write {_told(one.span)} or more",
        )
        for one in longest.values()
    ]  # fmt: skip


def _days(value: object) -> timedelta:
    span = length(value)
    if span < LEAST:
        raise Wrong(f"must be a day at least, got {shown(value)}", "write 180d")
    return span


def _told(span: timedelta) -> str:
    """A span as it may be written: in whole days, rounded up."""
    return f"{-(-span // timedelta(days=1))}d"
