"""Comments in a template that silence a content rule: ``{# allow L10: the word is the name of a product #}``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

NEVER_ALLOWED: Final = frozenset({"L03", "L04", "L05"})
"""No comment in a text silences these: platforms close shops for them."""
_COMMENT: Final = re.compile(r"\{#-?\s*allow\b\s*([^:#]*?)\s*(?::\s*(.*?))?\s*-?#\}", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """One such comment.

    Args:
        rule: as written; it may be wrong.
        reason: why it is fine here; empty when none was given.
        line: of the text it was found in, from 1.
        column: from 1.
    """

    rule: str
    reason: str
    line: int
    column: int

    @property
    def holds(self) -> bool:
        """Whether it silences anything."""
        return bool(self.reason) and self.rule not in NEVER_ALLOWED


def allowances(text: str) -> tuple[Allowance, ...]:
    """Return the allow comments of a template file."""
    return tuple(
        Allowance(
            rule=found.group(1).upper(),
            reason=" ".join((found.group(2) or "").split()),
            line=text.count("\n", 0, found.start()) + 1,
            column=found.start() - text.rfind("\n", 0, found.start()),
        )
        for found in _COMMENT.finditer(text)
    )


def allowed_ids(told: Iterable[Allowance]) -> frozenset[str]:
    """Return the rules that are silenced."""
    return frozenset(one.rule for one in told if one.holds)
