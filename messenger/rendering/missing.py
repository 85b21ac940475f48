"""What stands in a text for a fact that is not known."""

from __future__ import annotations

from collections.abc import Iterator


class MissingValue(Exception):  # it is caught and told as RenderError
    """A placeholder was printed, compared or gone through that has no value; ``args[0]`` names it."""


class Missing:
    """A placeholder without a value: false in ``if``, equal to nothing, and never to be seen by a buyer."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Missing)

    def __hash__(self) -> int:
        return 0

    def __str__(self) -> str:
        raise MissingValue(self.name)

    def __html__(self) -> str:
        raise MissingValue(self.name)

    def __iter__(self) -> Iterator[object]:
        raise MissingValue(self.name)

    def __lt__(self, other: object) -> bool:
        raise MissingValue(self.name)

    __le__ = __gt__ = __ge__ = __lt__
