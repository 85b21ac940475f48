"""An independent mailbox in a process of its own: one line per accepted mail, written before the server says yes."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class _Counting:
    """Notes Message-ID and length of every mail."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  # aiosmtpd's signature
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        found = re.search(rb"^Message-ID: <([^>]+)>", raw, re.MULTILINE)
        with self._ledger.open("a", encoding="utf-8") as ledger:
            ledger.write(f"{found.group(1).decode() if found else '?'} {len(raw)}\n")
        await asyncio.sleep(0.005)
        return "250 OK"


async def main() -> None:
    """Serve until the process is ended; the port is printed first."""
    loop = asyncio.get_running_loop()
    handler = _Counting(Path(sys.argv[1]))
    server = await loop.create_server(lambda: SMTP(handler, hostname="sink"), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
