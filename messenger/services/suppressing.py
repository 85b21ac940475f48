"""Suppressions by hand: a person says whom not to write to, and may be written to again."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from messenger.domain.addresses import is_email_address
from messenger.domain.messages import Category
from messenger.domain.suppressions import EVERY_KIND, EVERY_SHOP, Cause, Suppression, address_key, hint_of
from messenger.errors import UsageError
from messenger.ports import Clock, Store
from messenger.services.home import Home

MOST_MISTAKES = 100
"""Lines of a file that are named; more mistakes than that are one mistake."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line of a list that holds no address."""

    file: str
    line: int
    problem: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"


@dataclass(slots=True)
class Suppressing:
    """What people do about suppressions."""

    store: Store
    home: Home
    clock: Clock

    def add(
        self, addresses: Sequence[str], *, shop: str, kind: str, until: datetime | None, because: str, by: str
    ) -> int:
        """Suppress addresses; returns how many were not yet.

        Raises:
            UsageError: an address, the shop or the kind is none; nothing is kept then.
        """
        self._known(shop, kind)
        for one in addresses:
            if not is_email_address(one):
                raise UsageError(f"{one!r} is no e-mail address")
        now = self.clock.now()
        if until is not None and until <= now:
            raise UsageError(f"--until {until:%Y-%m-%dT%H:%M}Z has passed already")
        made = [
            Suppression(
                shop=shop, address=self._key(one), category=kind, cause=Cause.STAFF, since=now, hint=hint_of(one), until=until,
                because=because, by=by,
            )
            for one in addresses
        ]  # fmt: skip
        return self.store.suppress(made)

    def remove(self, address: str, *, shop: str | None, kind: str | None) -> list[Suppression]:
        """Let an address be written to again; returns what no longer stands against it."""
        self._known(shop or EVERY_SHOP, kind or EVERY_KIND)
        return self.store.lift(address=self._key(address), shop=shop, category=kind)

    def find(self, *, shop: str | None, address: str | None) -> Iterator[Suppression]:
        """Stream what is suppressed, oldest first."""
        if shop is not None:
            self._known(shop, EVERY_KIND)
        return self.store.suppressions(shop=shop, address=self._key(address) if address else None)

    def _key(self, address: str) -> str:
        return address_key(self.store.secret("addresses"), address)

    def _known(self, shop: str, kind: str) -> None:
        if shop and shop not in self.home.shops:
            raise UsageError(f"there is no shop {shop!r} (there are: {', '.join(sorted(self.home.shops))})")
        if kind and kind not in set(Category):
            raise UsageError(f"{kind!r} is no kind of message (there are: {', '.join(Category)})")


def read_list(lines: Iterable[str], *, file: str) -> tuple[list[str], list[Mistake]]:
    """Return the addresses of a list, and the lines that hold none.

    Args:
        lines: one address a line, or a CSV whose first column, or the one called ``email``, holds it.
        file: how the list is named in messages.
    """
    addresses: list[str] = []
    mistakes: list[Mistake] = []
    column = 0
    for number, row in enumerate(csv.reader(lines), start=1):
        cells = [cell.strip().lstrip("\ufeff") for cell in row]
        if not any(cells) or cells[0].startswith("#"):
            continue
        heads = [cell.casefold() for cell in cells]
        if number == 1 and not any("@" in cell for cell in cells):
            column = next(
                (index for index, head in enumerate(heads) if head in ("email", "e-mail", "address", "mail")), 0
            )
            continue
        found = cells[column] if column < len(cells) else ""
        if is_email_address(found):
            addresses.append(found)
        else:
            mistakes.append(Mistake(file, number, f"{found!r} is no e-mail address (write one address a line)"))
    return addresses, mistakes[:MOST_MISTAKES]
