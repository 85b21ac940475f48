"""Listening: each broker is listened to by a thread of its own, which is begun again when it has ended."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Final, Protocol

from messenger.domain.alerts import AlertKind
from messenger.ports import Clock, Store

log = logging.getLogger(__name__)

PATIENCE: Final = 3
"""Beginnings in vain before people are told: brokers are restarted now and then."""


class Ear(Protocol):
    """Listens to one broker."""

    def run(self) -> None:
        """Listen until ``stop``; whatever is wrong with the broker leaves this."""
        ...

    def stop(self) -> None:
        """End soon; may be called from any thread."""
        ...


@dataclass(slots=True, kw_only=True)
class Listening:
    """One process's part in it: a broker shares its messages among all that listen.

    Args:
        ears: makes what listens to each broker of the present settings, by name of the source.
    """

    store: Store
    clock: Clock
    ears: Callable[[], Mapping[str, Callable[[], Ear]]]
    _threads: dict[str, tuple[Ear, Thread]] = field(default_factory=dict)
    _vain: Counter[str] = field(default_factory=Counter)
    _stopped: Event = field(default_factory=Event)

    def start_due(self) -> None:
        """Listen to every broker that nobody here listens to, and to none that is not configured any more; does not wait."""
        ears = self.ears()
        for name, (ear, thread) in list(self._threads.items()):
            if name not in ears:
                ear.stop()
            if not thread.is_alive():
                del self._threads[name]
        for name, make in ears.items():
            if name not in self._threads and not self._stopped.is_set():
                ear = make()
                thread = Thread(target=self._listen, args=(name, ear), name=f"listening to {name}", daemon=True)
                self._threads[name] = ear, thread
                thread.start()

    def stop(self, wait: float = 5.0) -> None:
        """End, and wait so many seconds for that; what was not acknowledged comes again."""
        self._stopped.set()
        for ear, _ in self._threads.values():
            ear.stop()
        for _, thread in self._threads.values():
            thread.join(wait)

    def heard(self, name: str) -> None:
        """Note that a broker is there, also when it has nothing to say."""
        now = self.clock.now()
        self.store.hear(name, at=now)
        if self._vain.pop(name, 0) >= PATIENCE:
            self.store.end_alert(kind=AlertKind.SOURCE_SILENT, subject=name, at=now)

    def _listen(self, name: str, ear: Ear) -> None:
        try:
            ear.run()
        except Exception as error:  # noqa: BLE001  # whatever it is, the next chore begins again
            self._vain[name] += 1
            problem = re.sub(r"//[^/@\s]*@", "//", f"{type(error).__name__}: {error}")[:300]
            log.warning("broker_away", extra={"source": name, "problem": problem, "times": self._vain[name]})
            if self._vain[name] >= PATIENCE and not self._stopped.is_set():
                self.store.raise_alert(kind=AlertKind.SOURCE_SILENT, subject=name, at=self.clock.now(), detail=problem)
