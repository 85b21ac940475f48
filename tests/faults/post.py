"""An independent mail server in a process of its own: it writes down what it accepts, and does harm at a stage when told to.

``python -m tests.faults.post LEDGER [--harm STAGE] [--target FILE]``: prints its port. Each accepted mail is one line of the
ledger: Message-ID, SHA-256, recipient, seconds since 1970; written, and flushed, before the server says yes. With ``--harm``
the process whose number stands in the target's file is killed once, at that stage, and the file is emptied.

``--poison WORD`` kills whoever names a recipient with this word. ``--dead DOMAIN`` says "not now" to each recipient there.
``--down FILE``: while the file exists, every connection is one more line in it, and is closed at once. ``--strangers FILE``
lets nobody log in: every try is one more line in the file. ``--trace FILE`` also notes each mail among what others write there.
``--trouble SHARE``: so many of all messages, drawn by chance, are refused for now, or taken or dropped without a word.
``--thought SECONDS`` before each yes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.faults.power import mark

STAGES: Final = ("ehlo", "rcpt", "data", "mid-body", "dot", "before-yes", "after-yes", "quit")
"""Where a sender may be killed; ``dot``: the message is complete but not written down yet."""
_ID: Final = re.compile(rb"^Message-ID: <([^>]+)>", re.MULTILINE | re.IGNORECASE)
_WORDS: Final = {"EHLO": "ehlo", "RCPT": "rcpt", "DATA": "data", "QUIT": "quit"}
THOUGHT: Final = 0.003
"""Seconds before a yes, so that several messages are on their way at once."""


@dataclass(slots=True)
class Post:
    """What all conversations share."""

    ledger: Path
    harm: str = ""
    target: Path | None = None
    lasts: int = 1
    """The harm is done at every so manyth occasion."""
    poison: str = ""
    dead: str = ""
    down: Path | None = None
    strangers: Path | None = None
    trace: Path | None = None
    trouble: float = 0.0
    thought: float = THOUGHT
    chance: random.Random = field(default_factory=lambda: random.Random(21))
    _seen: int = 0

    @property
    def is_down(self) -> bool:
        """Whether nobody is served; counts the one who asks."""
        return self.down is not None and self.down.exists() and _count(self.down)

    def names(self, recipient: str, sender: asyncio.StreamWriter) -> bytes:
        """Return what is said to a recipient; of poison the sender dies."""
        if self.poison and self.poison in recipient:
            os.kill(_owner_of(sender.get_extra_info("peername")[1]), signal.SIGKILL)
        is_dead = bool(self.dead) and recipient.endswith(f"@{self.dead}")
        return b"451 4.4.1 no answer from host\r\n" if is_dead else b"250 ok\r\n"

    def accept(self, content: bytes, recipient: str) -> None:
        """Write a mail down."""
        found = _ID.search(content)
        name = found[1].decode() if found else "?"
        with self.ledger.open("a", encoding="utf-8") as ledger:
            ledger.write(f"{name} {sha256(content).hexdigest()} {recipient} {time.time():.6f}\n")
        if self.trace:
            mark(self.trace, f"sent {name}")

    def at(self, stage: str) -> None:
        """Kill the target if this is the stage."""
        if stage != self.harm or self.target is None:
            return
        self._seen += 1
        if self._seen % self.lasts:
            return
        try:
            number = int(self.target.read_text(encoding="ascii") or "0")
            self.target.write_text("", encoding="ascii")
            if number:
                os.kill(number, signal.SIGKILL)
        except (OSError, ValueError):
            pass  # it is dead already, or nobody is to be harmed now


def _count(path: Path) -> bool:
    with path.open("a", encoding="ascii") as tries:
        tries.write(f"{time.time():.6f}\n")
    return True


def _owner_of(port: int) -> int:
    """Return the process on this machine whose end of a connection has this port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    inode = next(line[9] for line in lines if line[1].endswith(f":{port:04X}"))
    for held in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if held.readlink().name == f"socket:[{inode}]":
                return int(held.parts[2])
    raise LookupError(f"nobody holds port {port}")


async def converse(post: Post, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak SMTP with one client."""
    if post.is_down:
        writer.close()
        return
    try:
        writer.write(b"220 post\r\n")
        recipient = ""
        while line := await reader.readline():
            word = line[:4].upper().decode("ascii", "replace").strip()
            post.at(_WORDS.get(word, ""))
            if word == "RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
                writer.write(post.names(recipient, writer))
            elif word == "EHLO":
                writer.write(b"250-post\r\n" + (b"250-AUTH PLAIN\r\n" if post.strangers else b""))
                writer.write(b"250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 20000000\r\n")
            elif word == "AUTH" and post.strangers:
                _count(post.strangers)
                writer.write(b"535 5.7.8 bad credentials\r\n")
            elif word == "DATA":
                writer.write(b"354 go on\r\n")
                await _message(post, reader, writer, recipient)
            elif word == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass  # the client is gone: that is what this server is for
    finally:
        writer.close()


async def _message(post: Post, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, recipient: str) -> None:
    first = await reader.readline()
    post.at("mid-body")
    content = first + (await reader.readuntil(b"\r\n.\r\n"))[:-3]
    post.at("dot")
    await asyncio.sleep(post.thought)
    fate = post.chance.choice(("later", "taken", "dropped")) if post.chance.random() < post.trouble else ""
    if fate == "later":
        writer.write(b"451 4.3.0 not now\r\n")
        return
    if fate != "dropped":
        post.accept(content.replace(b"\r\n..", b"\r\n."), recipient)
    if fate:
        raise ConnectionAbortedError
    post.at("before-yes")
    writer.write(b"250 2.0.0 queued\r\n")
    post.at("after-yes")


async def main() -> None:
    """Serve until the process is ended."""
    words = argparse.ArgumentParser()
    words.add_argument("ledger", type=Path)
    words.add_argument("--harm", default="", choices=["", *STAGES])
    words.add_argument("--target", type=Path)
    words.add_argument("--lasts", type=int, default=1)
    words.add_argument("--host", default="127.0.0.1")
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--poison", default="")
    words.add_argument("--dead", default="")
    words.add_argument("--down", type=Path)
    words.add_argument("--strangers", type=Path)
    words.add_argument("--trace", type=Path)
    words.add_argument("--trouble", type=float, default=0.0)
    words.add_argument("--thought", type=float, default=THOUGHT)
    told = vars(words.parse_args())
    host, port = told.pop("host"), told.pop("port")
    post = Post(**told)
    server = await asyncio.start_server(lambda r, w: converse(post, r, w), host, port, limit=2**24)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
