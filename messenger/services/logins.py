"""Logins: who comes in, how long they stay, and how often somebody may guess.

A browser holds a random token, signed; we keep a hash of it. Whoever reads our database cannot come in with what they find there.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from messenger.ports import Clock, Session, Store, User
from messenger.services.passwords import USUAL, Passwords

IDLE: Final = timedelta(hours=12)
"""Without a sign of the person; then they log in again."""
LONGEST: Final = timedelta(days=7)
"""However busy they are."""
NOTED: Final = timedelta(minutes=5)
"""A sign of the person is written down so often at most."""
SPAN: Final = timedelta(minutes=15)
"""In which guesses are counted."""
OF_ACCOUNT: Final = 10
OF_ADDRESS: Final = 50
"""Guesses within that span; more are not looked at."""


class Entry(StrEnum):
    """What came of trying to log in."""

    IN = "in"
    WRONG = "wrong"
    """Name or password: which one is not told."""
    TOO_OFTEN = "too_often"
    """Somebody guessed too often; the same for names that nobody has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody who is logged in.

    Args:
        user: who.
        session: which login.
        csrf: what every form of theirs carries.
    """

    user: User
    session: Session
    csrf: str


@dataclass(frozen=True, slots=True)
class Logins:
    """The use case behind the console's door."""

    store: Store
    clock: Clock
    secret: bytes
    passwords: Passwords = USUAL

    @classmethod
    def at(cls, store: Store, clock: Clock, *, passwords: Passwords = USUAL) -> Logins:
        """Return the logins of an installation."""
        return cls(store, clock, store.secret("logins"), passwords)

    def log_in(self, name: str, password: str, *, address: str) -> tuple[Entry, str]:
        """Return what came of it, and what the browser holds from now on; empty unless the person is in.

        Args:
            name: as typed.
            password: as typed.
            address: where it comes from.
        """
        known_as = login_name(name)
        account, place = self._subject("account", known_as), self._subject("address", address)
        if self._is_too_often(account, OF_ACCOUNT) or self._is_too_often(place, OF_ADDRESS):
            return Entry.TOO_OFTEN, ""
        user = self.store.user(known_as)
        if (
            not self.passwords.is_right(user.password if user and user.disabled_at is None else None, password)
            or user is None
        ):
            return Entry.WRONG, ""
        token = self._open(user)
        if not token:
            return Entry.WRONG, ""
        self.store.forget_guesses(account)
        self.store.forgive_guess(place)
        return Entry.IN, token

    def visit(self, cookie: str) -> Visit | None:
        """Return who holds this cookie; None when nobody is logged in with it."""
        token, now = self._token(cookie), self.clock.now()
        session = self.store.session(_id(token)) if token else None
        if session is None or now - session.since > LONGEST or now - session.seen_at > IDLE:
            return None
        user = self.store.user(session.user)
        if user is None or user.disabled_at is not None:
            return None
        if now - session.seen_at > NOTED:
            self.store.seen(session.id, at=now)
        return Visit(user=user, session=session, csrf=self.csrf(token))

    def log_out(self, visit: Visit) -> None:
        """End this login."""
        self.store.end_session(visit.session.id)

    def change_password(self, visit: Visit, *, old: str, new: str) -> Entry:
        """Change one's own password; every other login of the person ends.

        Raises:
            UsageError: the new one will not do.
        """
        account = self._subject("account", visit.user.name)
        if self._is_too_often(account, OF_ACCOUNT):
            return Entry.TOO_OFTEN
        if not self.passwords.is_right(visit.user.password, old):
            return Entry.WRONG
        self.store.change_password(visit.user.name, self.passwords.hash_of(new), but=visit.session.id)
        self.store.forget_guesses(account)
        return Entry.IN

    def let_guess(self, name: str) -> None:
        """Let somebody try again at once who guessed too often."""
        self.store.forget_guesses(self._subject("account", login_name(name)))

    def csrf(self, token: str) -> str:
        """Return what forms carry that are shown to the holder of a token: only such a page can know it."""
        return hmac.digest(self.secret, b"csrf\0" + token.encode(), "sha256").hex()

    def _open(self, user: User) -> str:
        """A new login under a new token: one that somebody planted before is worth nothing."""
        token, now = secrets.token_urlsafe(32), self.clock.now()
        self.store.forget_sessions(since_before=now - LONGEST, seen_before=now - IDLE)
        session = Session(id=_id(token), user=user.name, since=now, seen_at=now)
        return self._signed(token) if self.store.open_session(session, password=user.password) else ""

    def _is_too_often(self, subject: str, most: int) -> bool:
        now = self.clock.now()
        return self.store.count_guess(subject, at=now, since=now - SPAN) > most

    def _subject(self, kind: str, text: str) -> str:
        """What is counted, without an address or a name in it."""
        return hmac.digest(self.secret, f"{kind}\0{text}".encode("utf-8", "replace"), "sha256").hex()

    def _signed(self, token: str) -> str:
        return f"{token}.{hmac.digest(self.secret, b'session' + bytes(1) + token.encode(), 'sha256').hex()}"

    def _token(self, cookie: str) -> str:
        token = cookie.partition(".")[0]
        is_ours = cookie.isascii() and hmac.compare_digest(self._signed(token), cookie)
        return token if token and is_ours else ""


def login_name(text: str) -> str:
    """Return a name as it is kept, however it was typed."""
    return text.strip().casefold()


def _id(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
