"""Variants of a text: which file speaks for which shop, country, method, carrier or channel, and which one fits best."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from messenger.rendering.compile import Compiled

SELECTORS: Final = ("shop", "country", "method", "carrier", "channel")
"""What a variant may depend on, the weightiest first."""
SELECTOR: Final = re.compile(r"([a-z]+)=([A-Za-z0-9_.-]+)")


class Shelf(Mapping[str, Compiled]):
    """The variants of one text in one locale. What is known to be good is compiled when it is first wanted."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._made: dict[str, Compiled] = {}
        self._makers: dict[str, Callable[[], Compiled]] = {}

    def put(self, variant: str, made: Compiled) -> None:
        """Lay a compiled text here."""
        self._files[variant] = made.file
        self._made[variant] = made

    def promise(self, variant: str, file: str, maker: Callable[[], Compiled]) -> None:
        """Lay a text here that is compiled later."""
        self._files[variant] = file
        self._makers[variant] = maker

    def file_of(self, variant: str) -> str:
        """Return which file a variant stands in, without compiling it."""
        return self._files[variant]

    def __getitem__(self, variant: str) -> Compiled:
        if variant not in self._made:
            self._made[variant] = self._makers[variant]()
        return self._made[variant]

    def __contains__(self, variant: object) -> bool:
        return variant in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _pairs(variant: str) -> list[tuple[str, str]]:
    return [(name, value) for name, value in SELECTOR.findall(variant)]


def fits(variant: str, selectors: Mapping[str, str | None]) -> bool:
    """Return whether a variant speaks for this message."""
    return all((selectors.get(name) or "").casefold() == value.casefold() for name, value in _pairs(variant))


def weight(variant: str) -> tuple[int, tuple[bool, ...]]:
    """Return how much a variant counts: the number of its selectors, then which they are."""
    names = {name for name, _ in _pairs(variant)}
    return len(names), tuple(name in names for name in SELECTORS)
