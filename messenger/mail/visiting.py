"""Visiting a mail server: connect, be greeted, log in, say goodbye. No message is mentioned."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from messenger.errors import MailboxError
from messenger.mail.opening import open_session
from messenger.mail.replies import Trouble
from messenger.mail.settings import Security, SmtpSettings, Timeouts

PATIENCE: Final = Timeouts(connect=10.0, greeting=20.0, ehlo=20.0, tls=20.0, auth=20.0)
"""Seconds for somebody who waits for the answer; mail itself is given more."""


def visit(settings: SmtpSettings) -> str:
    """Return how a server lets us in, in words.

    Raises:
        MailboxError: it does not; the message says why.
    """
    try:
        asyncio.run(_visit(replace(settings, timeouts=PATIENCE)))
    except Trouble as trouble:
        said = f"{trouble.reply.code} {trouble.reply.text}" if trouble.reply else trouble.words
        said = " ".join(said.split()).removeprefix(f"{trouble.stage}: ")
        raise MailboxError(f"{settings.host}:{settings.port}: {trouble.stage}: {said}") from trouble
    except OSError as error:
        raise MailboxError(f"{settings.host}:{settings.port}: {error}") from error
    protected = {Security.NONE: "not protected", Security.STARTTLS: "STARTTLS", Security.TLS: "TLS"}[settings.security]
    who = f"logged in as {settings.login.username}" if settings.login else "no login"
    return f"{settings.host}:{settings.port} answers; {protected}, {who}"


async def _visit(settings: SmtpSettings) -> None:
    context = settings.context() if settings.security is not Security.NONE else None
    session = await open_session(settings, context)
    await session.close()
