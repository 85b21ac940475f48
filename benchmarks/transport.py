"""The transport alone: finished messages of 4 kB over kept connections, pipelined; beside Postfix's smtp-source."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from benchmarks import postfix
from messenger.domain.messages import FrozenMessage, Key, Receipt
from messenger.mail.smtp import Security, SmtpSettings, SmtpTransport

CONTENT = b"Message-ID: <m@x.example>\r\nSubject: bench\r\n\r\n" + (b"x" * 76 + b"\r\n") * 50


def ours(port: int, messages: int, *, connections: int = 8) -> float:
    """Send so many messages; returns messages a second."""
    settings = SmtpSettings(
        name="bench", host="127.0.0.1", port=port, security=Security.NONE, connections=connections, messages_per_connection=100_000,
    )  # fmt: skip
    return asyncio.run(_carried(SmtpTransport(settings), messages))


async def _carried(transport: SmtpTransport, messages: int) -> float:
    answered = 0

    async def stream() -> AsyncIterator[FrozenMessage]:
        for number in range(messages):
            yield FrozenMessage(
                key=Key("toys", "bench", str(number), 1), sender="a@x.example", recipient="b@x.example", content=CONTENT
            )

    async def committing(_: Key) -> bool:
        return True

    async def done(_: Key, receipt: Receipt) -> None:
        nonlocal answered
        answered += receipt.code == 250

    started = time.perf_counter()
    await transport.carry(stream(), committing=committing, done=done)
    taken = time.perf_counter() - started
    await transport.close()
    if answered != messages:
        raise RuntimeError(f"{answered} of {messages} messages were accepted")
    return messages / taken


if __name__ == "__main__":
    with postfix.sink() as port:
        for _ in range(3):
            mine, theirs = ours(port, 5000), postfix.source(port, 20000)
            print(f"{mine:.0f} {theirs:.0f} {mine / theirs:.2f}")
