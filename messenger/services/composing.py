"""Composing by channel: a mail is made of headers and bodies, what a platform carries of its text alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from messenger.domain.messages import FrozenMessage, Letter
from messenger.errors import MessageRefused
from messenger.ports import Composer


@dataclass(frozen=True, slots=True)
class ByChannel:
    """Leaves each letter to the composer of its channel; implements ``ports.Composer``."""

    composers: Mapping[str, Composer]

    def seal(self, letter: Letter) -> Letter:
        """Return the letter with everything that has to be made only once."""
        return self._of(letter).seal(letter)

    def compose(self, letter: Letter) -> FrozenMessage:
        """Return the finished message."""
        return self._of(letter).compose(letter)

    def _of(self, letter: Letter) -> Composer:
        found = self.composers.get(letter.channel)
        if found is None:
            raise MessageRefused(f"nothing composes for the channel {letter.channel!r}")
        return found
