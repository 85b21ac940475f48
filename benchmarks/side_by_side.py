"""Two things measured in turns in one run, and the ratio between them: machines are noisy, ratios less so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

ROUNDS: Final = 3
Measure = Callable[[], float]
"""Does it once, and returns how many a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    Args:
        what: is measured.
        ours: the median of all rounds, with its unit.
        beside: what it is held against, and its median; empty for a figure that stands alone.
        ratio: ours to theirs, the median of the rounds, and from where to where they went.
        goal: what it should be.
        is_met: whether it is.
    """

    what: str
    ours: str
    beside: str = ""
    ratio: str = ""
    goal: str = ""
    is_met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """Return it as the cells of a table."""
        met = {True: "yes", False: "no", None: ""}[self.is_met]
        return self.what, self.ours, self.beside, self.ratio, self.goal, met


HEADS: Final = ("what", "ours", "beside it", "ratio", "goal", "met")


def compared(what: str, ours: Measure, name: str, theirs: Measure, *, at_least: float, unit: str = "/s") -> Row:
    """Measure both in turns; returns the row.

    Args:
        what: is measured.
        ours: returns ours.
        name: of what it is held against.
        theirs: returns theirs.
        at_least: the ratio that is aimed at.
        unit: of both.
    """
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    return from_pairs(what, pairs, name, at_least=at_least, unit=unit)


def from_pairs(what: str, pairs: Sequence[tuple[float, float]], name: str, *, at_least: float, unit: str = "/s") -> Row:
    """Return the row for what was measured in pairs."""
    ratios = sorted(mine / other for mine, other in pairs)
    middle = median(ratios)
    return Row(
        what=what, ours=f"{median(mine for mine, _ in pairs):,.0f} {unit}", beside=f"{name}: {median(other for _, other in pairs):,.0f} {unit}",
        ratio=f"{middle:.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})", goal=f"≥ {at_least:g}", is_met=middle >= at_least,
    )  # fmt: skip
