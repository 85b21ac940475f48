"""An independent mail server in a process of its own: it writes down what it accepts, and does harm at a stage when told to.

``python -m tests.faults.post LEDGER [--harm STAGE] [--target FILE]``: prints its port. Each accepted mail is one line of the
ledger: Message-ID, SHA-256, recipient, seconds since 1970; written, and flushed, before the server says yes. With ``--harm``
the process whose number stands in the target's file is killed once, at that stage, and the file is emptied.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

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
    _seen: int = 0

    def accept(self, content: bytes, recipient: str) -> None:
        """Write a mail down."""
        found = _ID.search(content)
        name = found[1].decode() if found else "?"
        with self.ledger.open("a", encoding="utf-8") as ledger:
            ledger.write(f"{name} {sha256(content).hexdigest()} {recipient} {time.time():.6f}\n")

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


async def converse(post: Post, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak SMTP with one client."""
    try:
        writer.write(b"220 post\r\n")
        recipient = ""
        while line := await reader.readline():
            word = line[:4].upper().decode("ascii", "replace").strip()
            post.at(_WORDS.get(word, ""))
            if word == "RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            if word == "EHLO":
                writer.write(b"250-post\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 20000000\r\n")
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
    await asyncio.sleep(THOUGHT)
    post.accept(content.replace(b"\r\n..", b"\r\n."), recipient)
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
    told = words.parse_args()
    post = Post(told.ledger, told.harm, told.target, told.lasts)
    server = await asyncio.start_server(lambda r, w: converse(post, r, w), told.host, 0, limit=2**24)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
