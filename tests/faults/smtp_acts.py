"""What a mail server may do instead of what it should."""

from __future__ import annotations

import asyncio
import socket
import struct

from tests.faults.smtp_faults import FLOOD, Act, Conversation, HungUp


def say(text: str) -> Act:
    async def act(one: Conversation) -> None:
        await one.utter(text.encode("latin-1") + b"\r\n")

    return act


def say_and_close(text: str) -> Act:
    async def act(one: Conversation) -> None:
        await one.utter(text.encode("latin-1"))
        one.close()

    return act


async def drop(_: Conversation) -> None:
    raise HungUp


async def reset(one: Conversation) -> None:
    """Hang up so that the other side hears of it as an error."""
    peer = one.writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise HungUp


async def silence(one: Conversation) -> None:
    """Say nothing until the other side hangs up."""
    while await one.reader.read(65536):
        pass
    raise HungUp


async def deafness(one: Conversation) -> None:
    """Neither say nor hear anything until the other side hangs up."""
    one.writer.transport.pause_reading()  # type: ignore[attr-defined]  # typed as its base, always a socket's
    await one.server.healed.wait()
    raise HungUp


def flood(piece: bytes) -> Act:
    async def act(one: Conversation) -> None:
        for _ in range(FLOOD // len(piece) + 1):
            await one.utter(piece)
            one.server.flooded += len(piece)
        raise HungUp

    return act


def drip(text: str) -> Act:
    """Say something a letter at a time, for ever."""

    async def act(one: Conversation) -> None:
        while True:
            for letter in text.encode():
                await one.utter(bytes([letter]))
                await asyncio.sleep(0.02)  # slowness is the fault

    return act


def read_then(octets: int, following: Act) -> Act:
    async def act(one: Conversation) -> None:
        await one.reader.readexactly(octets)
        await following(one)

    return act


async def sip(one: Conversation) -> None:
    """Read an octet now and then."""
    while await one.reader.read(1):  # noqa: ASYNC110  # slowness is the fault
        await asyncio.sleep(0.05)
    raise HungUp


async def answer_too_late(one: Conversation) -> None:
    """Say yes when nobody listens any more."""
    while await one.reader.read(65536):
        pass
    await one.utter(b"250 2.0.0 queued\r\n")


async def half_and_silence(one: Conversation) -> None:
    await one.utter(b"250 2.0.0 que")
    await silence(one)
