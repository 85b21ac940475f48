"""Reading ``[names.method]`` and ``[names.carrier]``: what sources call a thing, and what rules call it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Final

from messenger.config.tables import Table, a_text, list_of, shown
from messenger.config.values import ID_PATTERN, NAME_RULE
from messenger.domain.rules import Names

NO_PATTERNS: Final[tuple[str, ...]] = ()


def read_names(table: Table) -> Names:
    """Return what rules call methods and carriers; mistakes are noted."""
    names = Names(methods=_patterns(table.table("method")), carriers=_patterns(table.table("carrier")))
    table.close()
    return names


def _patterns(table: Table) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for word in table.values:
        if not re.fullmatch(ID_PATTERN, word):
            table.wrong(word, "is not a name", NAME_RULE, at_key=True)
        for index, pattern in enumerate(table.take(word, list_of(a_text), NO_PATTERNS)):
            _check_reached(table, word, index, pattern, found)
            found.append((pattern, word))
    return tuple(found)


def _check_reached(table: Table, word: str, index: int, pattern: str, earlier: list[tuple[str, str]]) -> None:
    """Note a pattern that says the same as an earlier one, or less: the first that fits is taken."""
    for other, owner in earlier:
        if other.casefold() == pattern.casefold():
            table.wrong(word, f"{shown(pattern)} is called '{owner}' already", "remove one of them", inside=(index,))
        elif owner != word and fnmatchcase(pattern.casefold(), other.casefold().replace("[", "[[]")):
            problem = f"{shown(pattern)} is never reached: {shown(other)} of '{owner}' comes first"
            table.slip(word, problem, f"write '{word}' above '{owner}'", inside=(index,))
