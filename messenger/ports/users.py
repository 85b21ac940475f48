"""Users: who may use the console, who is logged in, and how often a password was guessed wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from messenger.domain.access import RIGHTS, Right, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may log in.

    Args:
        name: as they log in; small letters.
        role: what they may do.
        password: a hash of it; never the password.
        shops: ids of the only shops they see; empty for every shop.
        language: of the console for them; empty for what their browser asks for.
        since: when they were added.
        disabled_at: since when they may not log in; None while they may.
    """

    name: str
    role: Role
    password: str = field(repr=False)
    shops: frozenset[str] = frozenset()
    language: str = ""
    since: datetime
    disabled_at: datetime | None = None

    def may(self, right: Right) -> bool:
        """Return whether they are allowed this."""
        return right in RIGHTS[self.role]

    def sees(self, shop: str) -> bool:
        """Return whether a shop is one of theirs."""
        return not self.shops or shop in self.shops


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login.

    Args:
        id: a hash of what the browser holds.
        user: who.
        since: when they logged in.
        seen_at: when they were last there, to a few minutes.
    """

    id: str = field(repr=False)
    user: str
    since: datetime
    seen_at: datetime


class Users(Protocol):
    """Keeps users and their sessions."""

    def user(self, name: str) -> User | None:
        """Return a user, also one that was disabled."""
        ...

    def users(self) -> list[User]:
        """Return all of them, by name."""
        ...

    def add_user(self, user: User) -> bool:
        """Keep a new user; False when there is one of this name."""
        ...

    def change_user(self, user: User) -> bool:
        """Keep a user as they are now; False when there is none of this name."""
        ...

    def change_password(self, name: str, password: str, *, but: str = "") -> bool:
        """Keep a new hash and end all sessions of the user except this one, in one step; False when there is no such user."""
        ...

    def open_session(self, session: Session, *, password: str) -> bool:
        """Keep a session, if the user may log in and the hash of the password is still this one; returns whether it was kept."""
        ...

    def session(self, id_: str) -> Session | None:
        """Return a session."""
        ...

    def seen(self, id_: str, *, at: datetime) -> None:
        """Note that the person was there."""
        ...

    def end_session(self, id_: str) -> bool:
        """End a session; returns whether it was there."""
        ...

    def end_sessions(self, *, user: str) -> int:
        """End all sessions of a user; returns how many."""
        ...

    def forget_sessions(self, *, since_before: datetime, seen_before: datetime) -> int:
        """Forget sessions that began or were seen last before these instants; returns how many."""
        ...

    def count_guess(self, subject: str, *, at: datetime, since: datetime) -> int:
        """Count a guess at a password before it is looked at; returns how many there were, this one included.

        The first guess counts from when it was made; what began before ``since`` is over, and is counted anew.
        """
        ...

    def forgive_guess(self, subject: str) -> None:
        """Take back one guess: it was right."""
        ...

    def forget_guesses(self, subject: str) -> None:
        """Begin to count anew."""
        ...
