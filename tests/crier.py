"""A way of telling people that works, or fails, as told; and what tells by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from zoneinfo import ZoneInfo

from messenger.domain.notices import Manner
from messenger.errors import NotTold
from messenger.ports import Bulletin, Notifier
from messenger.services.alerting import Crier
from messenger.services.bulletins import Speaker
from messenger.services.speaking.words import words_of

MADRID = ZoneInfo("Europe/Madrid")


@dataclass(slots=True)
class Listener:
    """Keeps what it is told; refuses while ``trouble`` says why."""

    name: str = "listener"
    transport: str = ""
    trouble: Exception | None = None
    heard: list[tuple[datetime, Bulletin]] = field(default_factory=list)
    tried: int = 0

    def notify(self, bulletin: Bulletin, *, at: datetime) -> None:
        """Hear a bulletin."""
        self.tried += 1
        if self.trouble is not None:
            raise self.trouble
        self.heard.append((at, bulletin))

    @property
    def subjects(self) -> list[str]:
        """What was heard, in a line each."""
        return [bulletin.subject for _, bulletin in self.heard]


REFUSAL = NotTold("550 not you")


def crier(*notifiers: Notifier, quiet: tuple[time, time] | None = None) -> Crier:
    return Crier(
        notifiers=notifiers,
        manner=Manner(zone=MADRID, quiet=quiet),
        speaker=Speaker(words=words_of("en"), shops={}, zone=MADRID),
    )
