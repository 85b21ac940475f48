"""An event loop whose time moves only when nothing is left to do, and whose threads are none."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When every simulated life begins: a Monday."""
ROUND = 1e-6
"""Seconds that one round of the loop takes: a timer that is set a hair ahead comes, here as on any machine."""
SLOWEST_CALL = 0.05
"""Seconds that a call of the database takes at most."""


class Network(Protocol):
    """Whoever answers when somebody connects."""

    async def connect(
        self, loop: SimulatedLoop, factory: Callable[[], asyncio.BaseProtocol]
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Return a line to the mail server, or raise OSError."""
        ...


class _Sleep:
    """The selector: it has no files; waiting moves the time."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:  # Any: selector events, of which there are none
        if timeout is None:
            raise RuntimeError("everybody waits for something that will never happen")
        self._loop.seconds += max(ROUND, timeout)
        return []

    def close(self) -> None:
        """Nothing to close."""


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs what is ready, then jumps to the next timer. A call "in a thread" happens at one instant, a little later."""

    def __init__(self, chance: random.Random, network: Network) -> None:
        super().__init__()
        self.seconds = 0.0
        self._chance = chance
        self._network = network
        self._selector = _Sleep(self)
        self._forgotten: list[asyncio.Future[Any]] = []  # Any: whatever was asked for

    def time(self) -> float:
        """Return the seconds since the start."""
        return self.seconds

    def _process_events(self, event_list: list[Any]) -> None:  # Any: as above
        """There are none."""

    def _write_to_self(self) -> None:
        """There is nobody to wake: one thread does everything."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]  # noqa: ARG002  # Any: asyncio's own signature
        """Do it in one go, at an instant that chance decides."""
        answer: asyncio.Future[Any] = self.create_future()  # Any: whatever func returns

        def do() -> None:
            if answer.cancelled():
                return
            try:
                found = func(*args)
            except Gone:
                self._forgotten.append(answer)
                return  # the process that asked is no more; what waits for an answer must not be tidied away at some odd moment
            except Exception as error:  # noqa: BLE001 - handed to the one who asked
                answer.set_exception(error)
            else:
                answer.set_result(found)

        self.call_later(self._chance.uniform(0.0, SLOWEST_CALL), do)
        return answer

    async def create_connection(self, protocol_factory: Any, *args: Any, **more: Any) -> Any:  # noqa: ARG002  # Any: asyncio's own signature
        """Connect to the simulated network."""
        return await self._network.connect(self, protocol_factory)


class Gone(BaseException):
    """The process that called was killed; nothing may happen for it any more."""


class SimulatedClock:
    """The machine's clock, as far off as fate has put it; see ``ports.Clock``."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self.skew = timedelta(0)

    def now(self) -> datetime:
        """Return what this machine takes for the present instant."""
        return START + timedelta(seconds=self._loop.seconds) + self.skew
