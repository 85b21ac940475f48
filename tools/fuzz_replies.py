"""Fuzz what reads a mail server's words: ``python -m tools.fuzz_replies [MINUTES] [SEED]``.

Two halves. Pieces of replies, cut, spliced, repeated and sown with odd octets, go into the reader of replies in random packets: it
answers with a reply or says that it is none, and holds little. And a server that says such pieces at random stages is given
messages: each gets exactly one answer, none is called sent that the server did not say yes to. The same seed gives the same octets.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Final

from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.mail.opening import extensions_of
from messenger.mail.replies import (
    REPLY_LIMIT,
    WORDS_LIMIT,
    Incoming,
    NoReply,
    Reply,
    Stage,
    outcome,
    receipt,
)
from messenger.mail.smtp import Login, Security, SmtpSettings, SmtpTransport, Timeouts

SLOWEST: Final = 1.0
PIECES: Final = (
    b"250 ok\r\n", b"250-first\r\n", b"250 ", b"250", b"220 ready\r\n", b"354 go on\r\n", b"550 5.1.1 no\r\n", b"451 later\r\n",
    b"421 4.3.2 closing\r\n", b"334 VXNlcm5hbWU6\r\n", b"235 2.7.0 ok\r\n", b"\r\n", b"\n", b"\r", b" ", b"-", b"\0", b"\xff\xfe", b"\x1b[31m",
    b"999 x\r\n", b"000 x\r\n", b"25", b"2 50 ok\r\n", b"250\tok\r\n", b"+250 ok\r\n", b"-250 ok\r\n", b"2\xd9\xa50 ok\r\n",
    b"HTTP/1.1 200 OK\r\n", b"250-SIZE 10\r\n", b"250-SIZE -1\r\n", b"250-SIZE 99999999999999999999999\r\n", b"250-AUTH PLAIN\r\n",
    b"250-AUTH=LOGIN\r\n", b"250-PIPELINING\r\n", b"250-STARTTLS\r\n", b"250-8BITMIME\r\n", b"250-SMTPUTF8\r\n", b"250-DSN\r\n",
    b"250 5.1.1 ok\r\n", b"550 5.1.1.1 x\r\n", b"550 9.9.9 x\r\n", b"550-5.1.1\r\n550 end\r\n", b"250-a\r\n251 b\r\n", b"<buyer@mail.example>",
    "550 почта \u202e x\r\n".encode(), b"x" * 9000, b"250-" + b"y" * 8000 + b"\r\n", b"550 " + b"z" * 8190 + b"\r\n",
)  # fmt: skip
GOOD: Final = {"connect": b"220 ready\r\n", "EHLO": b"250-x\r\n250 PIPELINING\r\n", "HELO": b"250 x\r\n", "DATA": b"354 go on\r\n",
               "QUIT": b"221 bye\r\n", "AUTH": b"235 ok\r\n"}  # fmt: skip


def octets(chance: random.Random) -> bytes:
    """Something a server might say, or nearly."""
    said = b"".join(chance.choice(PIECES) for _ in range(chance.choice((1, 1, 2, 3, 5, 40))))
    for _ in range(chance.choice((0, 0, 1, 3))):
        place = chance.randrange(len(said) + 1)
        said = chance.choice((
            said[:place] + bytes([chance.randrange(256)]) + said[place:], said[:place], said[place:], said[:place] + said[:200] + said[place:],
        ))  # fmt: skip
    return said


class Amiss(Exception):
    """A promise was not kept; the message says which."""


def must(holds: bool, what: str) -> None:  # noqa: FBT001  # reads as a sentence
    """See to it that a promise is kept."""
    if not holds:
        raise Amiss(what)


def read_all(said: bytes, chance: random.Random) -> Counter[str]:
    """Read replies until there are no more; returns what came."""
    incoming, place = Incoming(), 0
    found: Counter[str] = Counter()
    with suppress(NoReply):
        while True:
            while (reply := incoming.take()) is None:
                size = chance.choice((1, 7, 80, 4096, 70_000))
                incoming.feed(said[place : place + size])
                incoming.is_over, place = place + size >= len(said), place + size
            check_reply(reply)
            found["reply"] += 1
    found["no reply"] += 1
    return found


def check_reply(reply: Reply) -> None:
    """What is promised of every reply and of what is kept of it."""
    must(200 <= reply.code <= 599, f"code {reply.code}")
    must(len(reply.text) <= REPLY_LIMIT, f"{len(reply.text)} characters")
    must(reply.status == "" or reply.status[0] == str(reply.code)[0], f"status {reply.status} with {reply.code}")
    extensions_of(reply)
    for stage in Stage:
        told = receipt(stage=stage, result=outcome(stage, reply), words="", reply=reply, hidden=("buyer@mail.example",))
        must(told.reply.isprintable() and len(told.reply) <= WORDS_LIMIT, f"kept {told.reply!r}")
        must("buyer@" not in told.reply, f"an address in {told.reply!r}")
        is_yes = stage is Stage.END_OF_DATA and reply.is_positive
        must(told.outcome is not Outcome.ACCEPTED or is_yes, f"{stage} {reply.code} is called sent")


class OddServer:
    """A mail server that says odd things now and then; knows which messages it said a plain yes to."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._tasks: set[asyncio.Task[None]] = set()
        self.may_have_said_yes = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one line."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            await self._talk(reader, writer)
        writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await self._say(writer, "connect")
        while line := await reader.readuntil(b"\r\n"):
            verb = line[:4].decode("latin-1").upper().strip()
            said = await self._say(writer, verb)
            if verb == "DATA" and b"354" in said:
                await reader.readuntil(b"\r\n.\r\n")
                said = await self._say(writer, ".")
                self.may_have_said_yes += b"2" in said

    async def _say(self, writer: asyncio.StreamWriter, verb: str) -> bytes:
        fate = self._chance.random()
        if fate < 0.02:
            raise OSError
        said = octets(self._chance) if fate < 0.15 else GOOD.get(verb, b"250 ok\r\n")
        writer.write(said)
        await writer.drain()
        return said

    async def close(self) -> None:
        """End every conversation."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def converse(chance: random.Random) -> Counter[str]:
    """Give a few messages to an odd server; returns the outcomes."""
    odd = OddServer(chance)
    server = await asyncio.start_server(odd.serve, "127.0.0.1", 0)
    waits = Timeouts(
        **dict.fromkeys(("greeting", "ehlo", "tls", "auth", "mail", "rcpt", "data", "block", "end_of_data"), 0.05)
    )
    settings = SmtpSettings(name="fuzz", host="127.0.0.1", port=server.sockets[0].getsockname()[1], security=Security.NONE,
                            connections=chance.choice((1, 3)), timeouts=waits, local_hostname="fuzz.example")  # fmt: skip
    if chance.random() < 0.3:
        settings = replace(settings, login=Login(username="me", secret=lambda: "pw"))
    told: dict[Key, list[Receipt]] = {}

    async def stream() -> AsyncIterator[FrozenMessage]:
        for number in range(8):
            key = Key("shop", "rule", str(number), 1)
            told[key] = []
            yield FrozenMessage(
                key=key,
                sender="a@shop.example",
                recipient="buyer@mail.example",
                content=b"Message-ID: <m@x>\r\n\r\nx\r\n",
            )

    async def yes(_: Key) -> bool:
        return True

    async def done(key: Key, answer: Receipt) -> None:
        told[key].append(answer)

    transport = SmtpTransport(settings)
    await transport.carry(stream(), committing=yes, done=done)
    await transport.close()
    server.close()
    await odd.close()
    must(all(len(answers) == 1 for answers in told.values()), f"not one answer each: {told}")
    outcomes = Counter(answers[0].outcome.value for answers in told.values())
    must(
        outcomes["accepted"] <= odd.may_have_said_yes,
        f"{outcomes['accepted']} called sent, {odd.may_have_said_yes} at most taken",
    )
    return outcomes


async def run(minutes: float, seed: int) -> Counter[str]:
    """Fuzz for so long; returns what was seen."""
    seen: Counter[str] = Counter()
    end = time.monotonic() + minutes * 60
    number = 0
    while time.monotonic() < end:
        chance = random.Random(f"{seed}/{number}")  # noqa: S311  # to be played again, not to be secret
        begin = time.monotonic()
        async with asyncio.timeout(30):
            seen += await converse(chance) if number % 20 == 0 else read_all(octets(chance), chance)
        seen["slow"] += number % 20 != 0 and time.monotonic() - begin > SLOWEST
        number += 1
    seen["rounds"] = number
    return seen


def main() -> int:
    """Fuzz, and say what was seen; 1 when something took too long. Anything unhandled ends with its trace and the seed."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(10**6)
    print(f"replies: seed {seed}", flush=True)
    seen = asyncio.run(run(minutes, seed))
    print(", ".join(f"{what} {count}" for what, count in sorted(seen.items())))
    return 1 if seen["slow"] else 0


if __name__ == "__main__":
    sys.exit(main())
