"""Opening a session: connect, be greeted, secure the line, log in. No message is mentioned before all of it is done."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Final

from messenger.mail.envelope import Extensions
from messenger.mail.line import Line
from messenger.mail.login import log_in
from messenger.mail.replies import Reply, Stage, Trouble, visible
from messenger.mail.session import Session
from messenger.mail.settings import Security, SmtpSettings

KNOWS_NO_EHLO: Final = frozenset({500, 502, 504})
"""What a server says that knows only HELO. Source: RFC 5321, 3.2 and 4.2.4."""
READY: Final = 220
_HOSTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


async def open_session(settings: SmtpSettings, context: ssl.SSLContext | None) -> Session:
    """Connect, secure and log in.

    Args:
        settings: where to, and as whom.
        context: for TLS; unused with ``none``.

    Raises:
        Trouble: the server cannot be reached, is not who it should be, or does not want us.
    """
    line = await Line.connect(settings)
    try:
        extensions = await _opened(line, settings, context)
    except BaseException:
        line.abort()
        raise
    return Session(line, extensions, is_dsn_wanted=settings.is_dsn_wanted)


async def _opened(line: Line, settings: SmtpSettings, context: ssl.SSLContext | None) -> Extensions:
    if settings.security is Security.NONE and not (settings.insecure or line.is_protected):
        raise Trouble(Stage.TLS, None, words=f"TLS: mail to {settings.host} would travel unprotected")
    if settings.security is Security.TLS and context is not None:
        await line.secure(context)
    await _greeting(line)
    extensions = await _hello(line, settings)
    if settings.security is Security.STARTTLS and context is not None:
        await _start_tls(line, extensions, context)
        extensions = await _hello(line, settings)
    if settings.login is not None:
        await log_in(line, settings.login, extensions.get("AUTH", ()))
    return extensions


async def _greeting(line: Line) -> None:
    reply = await line.reply(Stage.GREETING)
    if reply.code != READY:
        raise Trouble(Stage.GREETING, reply)


async def _hello(line: Line, settings: SmtpSettings) -> Extensions:
    name = settings.local_hostname or _own_name(line)
    reply = await _ask(line, f"EHLO {name}")
    if reply.is_positive:
        return extensions_of(reply)
    if reply.code not in KNOWS_NO_EHLO:
        raise Trouble(Stage.EHLO, reply)
    reply = await _ask(line, f"HELO {name}")
    if not reply.is_positive:
        raise Trouble(Stage.EHLO, reply)
    return {}


async def _ask(line: Line, command: str) -> Reply:
    line.say(command)
    return await line.reply(Stage.EHLO)


def _own_name(line: Line) -> str:
    """The machine's name, or its address where the name is not one of the domain name system."""
    name = socket.gethostname()
    if _HOSTNAME.fullmatch(name):
        return name
    address = line.own_address
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def extensions_of(reply: Reply) -> Extensions:
    """Return what the server lists after EHLO: the words by keyword, all in capitals.

    ``AUTH=LOGIN PLAIN`` is an old spelling of ``AUTH LOGIN PLAIN``; a keyword that comes twice has the words of both.
    """
    found: dict[str, tuple[str, ...]] = {}
    for line in reply.text.split("\n")[1:]:
        keyword, *words = line.upper().replace("AUTH=", "AUTH ", 1).split()[:100] or [""]
        if _KEYWORD.fullmatch(keyword):
            found[keyword] = (*found.get(keyword, ()), *words)
    return found


async def _start_tls(line: Line, extensions: Mapping[str, Sequence[str]], context: ssl.SSLContext) -> None:
    if "STARTTLS" not in extensions:
        raise Trouble(Stage.TLS, None, words="TLS: the server does not offer STARTTLS, so nothing is sent")
    line.say("STARTTLS")
    reply = await line.reply(Stage.TLS)
    if reply.code != READY:
        raise Trouble(Stage.TLS, reply, words=f"TLS: {visible(reply.text)}")
    await line.secure(context)
