"""Listening to a broker: each message is kept as any other delivery, and acknowledged only then. FastStream does the rest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub

from messenger.errors import StorageError
from messenger.ports import Clock
from messenger.ports.deliveries import Delivery

log = logging.getLogger(__name__)

AT_ONCE: Final = 50
"""Messages that are asked for together."""
PULL: Final = 1.0
"""Seconds that the broker waits for the first of them."""
LOOK: Final = timedelta(seconds=30)
"""Between looks whether the broker is there."""
AGAIN: Final = 5.0
ID: Final = "nats-msg-id"
KEPT: Final = ("content-type", ID)


@dataclass(slots=True, kw_only=True)
class Listener:
    """Listens to one stream until it is stopped.

    Args:
        name: of the source.
        address: where the broker is; asked for at each beginning.
        keep: keeps a delivery for good.
        hear: told now and then that the broker is there, also when it has nothing to say.
        again: seconds after which a message comes again that could not be kept.
    """

    name: str
    address: Callable[[], str]
    stream: str
    subject: str
    durable: str
    keep: Callable[[Delivery], bool]
    hear: Callable[[], None]
    clock: Clock
    again: float = AGAIN
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None

    def run(self) -> None:
        """Listen until ``stop``; what is wrong with the broker leaves this.

        Raises:
            Exception: the broker is away, refuses us, or has no such stream.
        """
        asyncio.run(self._listen())

    def stop(self) -> None:
        """End soon; may be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        broker = NatsBroker(
            self.address(),
            logger=None,
            connect_timeout=5,
            max_reconnect_attempts=3,
            allow_reconnect=True,
            apply_types=False,
        )
        subscriber = broker.subscriber(
            self.subject, stream=JStream(self.stream, declare=False), durable=self.durable,
            pull_sub=PullSub(batch_size=AT_ONCE, timeout=PULL), ack_policy=AckPolicy.MANUAL, decoder=_as_it_is,
        )  # fmt: skip
        subscriber(self._take)
        try:
            await broker.start()
            while not self._stopped.is_set():
                if not await broker.ping(timeout=5.0):
                    raise ConnectionError(f"the broker of {self.name} does not answer")
                await asyncio.to_thread(self.hear)
                await self._pause()
        finally:
            await broker.stop()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(LOOK.total_seconds()):
                await self._stopped.wait()
        except TimeoutError:
            return

    async def _take(self, message: NatsMessage) -> None:
        """Keep one message; it is acknowledged once it lies on our disk, and comes again when it does not."""
        try:
            await asyncio.to_thread(self.keep, self.delivery_of(message))
        except StorageError as error:
            log.warning("message_not_kept", extra={"source": self.name, "problem": str(error)})
            await message.nack(delay=self.again)
        except Exception:  # FastStream would keep it to itself
            log.exception("message_not_kept", extra={"source": self.name})
            await message.nack(delay=self.again)
        else:
            await message.ack()

    def delivery_of(self, message: NatsMessage) -> Delivery:
        """Return a message as it is kept; its name is the publisher's, else its place in the stream."""
        headers = {str(name).lower(): str(value) for name, value in message.headers.items()}
        place = message.raw_message.metadata.sequence.stream
        kept = {name: value for name, value in headers.items() if name in KEPT or name.startswith("ce-")}
        return Delivery(
            source=self.name, id=(headers.get(ID) or f"{self.stream}:{place}")[:200], received_at=self.clock.now(), headers=kept,
            body=bytes(message.body),
        )  # fmt: skip


async def _as_it_is(message: NatsMessage) -> NatsMessage:
    """A message is kept as it came: its body is read later, and more strictly than FastStream does."""
    return message
