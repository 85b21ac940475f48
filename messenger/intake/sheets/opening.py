"""A sheet opened in a process of its own, so that whatever it does to a reader it does not do to us."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from messenger.intake.sheets.cells import Row, unpacked
from messenger.rendering.killable import Killable, Limits, Overrun

READER: Final = "messenger.intake.sheets.child:answer"
AT_ONCE: Final = 500
"""Rows that come over together."""
USUAL: Final = Limits(seconds=60, memory=1024 * 1024 * 1024)
"""100,000 orders of a full export need 250 MiB and 3 seconds."""


class Unreadable(ValueError):
    """A file that cannot be read as a sheet; the message says why."""


class SheetFile:
    """The rows of one file.

    Args:
        path: the file.
        limits: what reading it may use.
    """

    def __init__(self, path: Path, limits: Limits = USUAL) -> None:
        self._path = path.absolute()
        self._limits = limits
        self._child = Killable(READER, limits)

    def __enter__(self) -> Self:
        self._child.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.stop()

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield every row that holds anything, with its number in the file.

        Raises:
            Unreadable: it is no sheet, is damaged, holds too much, or takes too long.
        """
        self._ask({"open": str(self._path)})
        while True:
            told = self._ask({"more": AT_ONCE})
            for line, cells in told["rows"]:
                yield line, [unpacked(cell) for cell in cells]
            if told["end"]:
                return

    def _ask(self, request: dict[str, Any]) -> Any:  # Any: JSON
        try:
            told = self._child.ask(request)
        except Overrun as error:
            most = f"{self._limits.seconds:g} seconds and {self._limits.memory // 1024**2} MiB"
            raise Unreadable(
                f"the sheet cannot be read: {error} (at most {most} are spent on it: save it as CSV, or split it)"
            ) from None
        if "problem" in told:
            raise Unreadable(told["problem"])
        return told
