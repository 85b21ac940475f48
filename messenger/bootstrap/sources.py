"""Wiring of sources that are asked for news: which there are, and who asks them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from messenger.bootstrap import tracking
from messenger.bootstrap.aliexpress import Wait, access_of, poller_of
from messenger.config.sources import SeventeenTrackSettings, SourceSettings
from messenger.config.sources_aliexpress import AliExpressSettings
from messenger.ports import Poller
from messenger.services.polling import Polling

if TYPE_CHECKING:
    from messenger.bootstrap.engine import Engine


@dataclass(frozen=True, slots=True)
class Made:
    """A poller, and what gives up what it keeps open."""

    poller: Poller
    close: Callable[[], None]


def _aliexpress(engine: Engine, one: AliExpressSettings, owner: str, wait: Wait) -> Made:
    access = access_of(one)
    poller = poller_of(one, access, engine.store, engine.clock, lambda: engine.home, owner=owner, wait=wait)
    return Made(poller, access.line.close)


def _17track(engine: Engine, one: SeventeenTrackSettings, _owner: str, wait: Wait) -> Made:
    poller = tracking.poller_of(one, engine.store, engine.clock, lambda: engine.home, wait=wait)
    return Made(poller, poller.client.http.close)


MAKERS: Final[Mapping[type[SourceSettings], Callable[..., Made]]] = {
    AliExpressSettings: _aliexpress,
    SeventeenTrackSettings: _17track,
}
"""What makes the poller of a source, by the kind of its settings: from engine, settings, owner, and what waits within a turn."""


def polling_of(engine: Engine) -> Polling:
    """Return what asks the sources of an engine, by its settings at each look."""
    owner = uuid.uuid4().hex
    pollers = _Pollers(engine, owner)
    polling = Polling(
        store=engine.store, clock=engine.clock, ingest=engine.ingest, owner=owner, pollers=pollers, close=pollers.close
    )
    pollers.wait = polling.wait
    return polling


def pollers_in(settings: Mapping[str, SourceSettings]) -> dict[str, str]:
    """Return the sources that are asked, and the shop of each, by name."""
    return {name: one.shop for name, one in settings.items() if type(one) in MAKERS}


@dataclass(slots=True)
class _Pollers:
    """The pollers by the present settings; one is kept as long as its settings are the same, with what it holds open."""

    engine: Engine
    owner: str
    wait: Wait = lambda _: None
    _made: dict[str, tuple[SourceSettings, Made]] = field(default_factory=dict)

    def __call__(self) -> Sequence[Poller]:
        """Return them."""
        sources = self.engine.settings.sources
        found = {name: self._kept_or_made(name, sources[name]) for name in pollers_in(sources)}
        for name, (_, made) in self._made.items():
            if name not in found or found[name][1] is not made:
                made.close()
        self._made = found
        return [made.poller for _, made in found.values()]

    def close(self) -> None:
        """Give up what they keep open; the next use begins anew."""
        for _, made in self._made.values():
            made.close()

    def _kept_or_made(self, name: str, one: SourceSettings) -> tuple[SourceSettings, Made]:
        kept = self._made.get(name)
        if kept is not None and kept[0] == one:
            return kept
        return one, MAKERS[type(one)](self.engine, one, self.owner, self.wait)
