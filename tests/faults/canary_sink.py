"""A mailbox in a process of its own that reads every mail: for whom it is, in which language, and whose secrets it tells."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

CANARY: Final = re.compile("canary[a-p]{12}", re.IGNORECASE)


class _Reading:
    """Writes one line a mail: recipients, every canary in any of its parts, Message-ID and language."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger.open("a", encoding="utf-8")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  # aiosmtpd's signature
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = BytesParser(EmailMessage, policy=policy.default).parsebytes(content)
        words = [str(value) for value in mail.values()]
        words += [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
        told = sorted({found.lower() for found in CANARY.findall("\n".join(words))})
        line = {
            "to": envelope.rcpt_tos,
            "told": told,
            "id": str(mail["Message-ID"]),
            "language": str(mail["Content-Language"]),
        }
        self._ledger.write(json.dumps(line) + "\n")
        self._ledger.flush()
        return "250 OK"


async def main() -> None:
    """Serve until the process is ended; the port is printed first."""
    loop = asyncio.get_running_loop()
    handler = _Reading(Path(sys.argv[1]))
    server = await loop.create_server(lambda: SMTP(handler, hostname="sink"), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
