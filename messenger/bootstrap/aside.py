"""What an engine does beside sending, each in threads of its own: folders, pollers, brokers; made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING

from messenger.bootstrap.folders import folders_of
from messenger.bootstrap.sources import polling_of
from messenger.config.sources import BrokerSettings
from messenger.services.folders import Folders
from messenger.services.listening import Ear, Listening
from messenger.services.polling import Polling

if TYPE_CHECKING:
    from messenger.bootstrap.engine import Engine


class Aside:
    """What is done aside."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @cached_property
    def folders(self) -> Folders:
        """What looks into the folders that are watched."""
        return folders_of(self._engine)

    @cached_property
    def polling(self) -> Polling:
        """What asks sources for news."""
        return polling_of(self._engine)

    @cached_property
    def listening(self) -> Listening:
        """What listens to brokers."""
        return Listening(store=self._engine.store, clock=self._engine.clock, ears=self._ears)

    def chores(self) -> tuple[Callable[[], None], ...]:
        """Return what is to be called now and then."""
        return self.folders.start_due, self.polling.start_due, self.listening.start_due

    def stop(self) -> None:
        """End what has begun."""
        for name in ("folders", "polling", "listening"):
            if name in self.__dict__:
                getattr(self, name).stop()

    def _ears(self) -> Mapping[str, Callable[[], Ear]]:
        found = self._engine.settings.sources.values()
        return {one.name: partial(self._ear, one) for one in found if isinstance(one, BrokerSettings)}

    def _ear(self, one: BrokerSettings) -> Ear:
        from messenger.intake.broker import Listener  # noqa: PLC0415  # an extra, loaded only where a broker is configured

        return Listener(
            name=one.name, address=one.address, stream=one.stream, subject=one.subject, durable=one.durable,
            keep=self._engine.spool.keep, hear=partial(self.listening.heard, one.name), clock=self._engine.clock,
        )  # fmt: skip
