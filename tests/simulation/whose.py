"""Whose turn it is: the lines that a process opens die with it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Protocol


class Mortal(Protocol):
    """A process, as far as the network knows it."""

    lines: list[Any]  # Any: lines of the network, which imports this module


running: ContextVar[Mortal | None] = ContextVar("running", default=None)
