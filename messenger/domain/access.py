"""Access: what people may do in the console, and in which shops."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Right(StrEnum):
    """One thing that a person may be allowed."""

    LOOK = "look"
    """See orders, buyers and messages."""
    ACT = "act"
    """Decide about messages, and stop a shop."""
    TRANSLATE = "translate"
    """See and change texts, with made-up orders only."""
    MANAGE = "manage"
    """Change rules, settings and users."""


class Role(StrEnum):
    """What a person is in the console. The text is what is stored and shown."""

    VIEWER = "viewer"
    TRANSLATOR = "translator"
    OPERATOR = "operator"
    ADMIN = "admin"


RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.VIEWER: frozenset({Right.LOOK}),
    Role.TRANSLATOR: frozenset({Right.TRANSLATE}),
    Role.OPERATOR: frozenset({Right.LOOK, Right.ACT}),
    Role.ADMIN: frozenset(Right),
}
