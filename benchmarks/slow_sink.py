"""A mail server that takes everything and answers each message after a while: ``python -m benchmarks.slow_sink SECONDS``.

Prints its port, then counts: a line ``taken N`` for each line that is written to it.
"""

from __future__ import annotations

import asyncio
import sys


class _Conversation(asyncio.Protocol):
    taken = 0

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._kept = b""
        self._in_message = False
        self._is_waiting = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._kept += data
        self._go_on()

    def _go_on(self) -> None:
        while not self._is_waiting:
            if self._in_message:
                end = self._kept.find(b"\r\n.\r\n")
                if end < 0:
                    return
                self._kept, self._in_message, self._is_waiting = self._kept[end + 5 :], False, True
                asyncio.get_running_loop().call_later(self._delay, self._taken)
                return
            line, found, rest = self._kept.partition(b"\r\n")
            if not found:
                return
            self._kept = rest
            self._answer(line[:4].upper())

    def _answer(self, verb: bytes) -> None:
        if verb == b"EHLO":
            self._transport.write(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
        elif verb == b"DATA":
            self._in_message = True
            self._transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"250 ok\r\n")

    def _taken(self) -> None:
        _Conversation.taken += 1
        self._is_waiting = False
        if not self._transport.is_closing():
            self._transport.write(b"250 taken\r\n")
            self._go_on()


async def main(delay: float) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Conversation(delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(f"taken {_Conversation.taken}", flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
