"""Users: who may log in to the console, as whom, and for which shops."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from messenger.domain.access import Role
from messenger.errors import UsageError
from messenger.ports import Clock, Store, User
from messenger.services.finding import hint
from messenger.services.home import Home
from messenger.services.logins import Logins, login_name
from messenger.services.passwords import USUAL, Passwords

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
NAME_RULE: Final = "write 1 to 64 small letters, digits or . _ @ + -, such as mei or mei@toys.example"


@dataclass(frozen=True, slots=True)
class Staff:
    """The use case behind ``messenger user``."""

    store: Store
    home: Home
    clock: Clock
    passwords: Passwords = USUAL

    def add(self, name: str, password: str, *, role: Role, shops: Collection[str] = (), language: str = "") -> User:
        """Let somebody log in.

        Raises:
            UsageError: the name is none or is taken, the password will not do, or there is no such shop.
        """
        known_as = login_name(name)
        if not NAME.fullmatch(known_as):
            raise UsageError(f"{name!r} is not a name to log in with ({NAME_RULE})")
        for shop in shops:
            if shop not in self.home.shops:
                raise UsageError(f"there is no shop {shop!r}{hint(shop, self.home.shops, 'shops')}")
        user = User(
            name=known_as, role=role, password=self.passwords.hash_of(password), shops=frozenset(shops), language=language,
            since=self.clock.now(),
        )  # fmt: skip
        if not self.store.add_user(user):
            raise UsageError(f"there is a user {known_as} already (messenger user list shows them)")
        return user

    def new_password(self, name: str, password: str) -> User:
        """Give somebody a new password: every login of theirs ends, and they may log in again with this one.

        Raises:
            UsageError: there is no such user, or the password will not do.
        """
        user = self._known(name)
        self.store.change_password(user.name, self.passwords.hash_of(password))
        self.store.change_user(replace(self._known(name), disabled_at=None))
        Logins.at(self.store, self.clock).let_guess(user.name)
        return user

    def disable(self, name: str) -> bool:
        """Let somebody in no more, from this moment on; returns whether they were let in before.

        Raises:
            UsageError: there is no such user.
        """
        user = self._known(name)
        if user.disabled_at is None:
            self.store.change_user(replace(user, disabled_at=self.clock.now()))
        self.store.end_sessions(user=user.name)
        return user.disabled_at is None

    def _known(self, name: str) -> User:
        known_as = login_name(name)
        user = self.store.user(known_as)
        if user is None:
            names = [one.name for one in self.store.users()]
            raise UsageError(f"there is no user {name!r}{hint(known_as, names, 'users')}")
        return user
