"""Logging in: PLAIN, LOGIN, CRAM-MD5 and XOAUTH2, never where somebody could listen. Source: RFC 4954."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Sequence
from typing import Final

from aiosmtplib.auth import auth_crammd5_verify, auth_login_encode, auth_plain_encode, auth_xoauth2_encode
from aiosmtplib.errors import SMTPAuthenticationError

from messenger.errors import MessengerError
from messenger.mail.line import Line
from messenger.mail.replies import Reply, Stage, Trouble, visible
from messenger.mail.settings import Login, Mechanism

GO_ON: Final = 334
BEST_FIRST: Final = (Mechanism.PLAIN, Mechanism.LOGIN, Mechanism.CRAM_MD5)
"""On a protected line the simplest one is the one that works: CRAM-MD5 needs a server that keeps passwords readable."""

Answer = Callable[[str], str]
"""Returns what to say to a challenge."""


async def log_in(line: Line, login: Login, offered: Collection[str]) -> None:
    """Log in.

    Args:
        line: greeted, and secured where it has to be.
        login: who we are.
        offered: mechanisms that the server lists, in capitals.

    Raises:
        Trouble: the line is not protected, the server offers no way that we know, or does not want us.
    """
    if not line.is_protected:
        raise _trouble("no login over a line on which somebody could listen")
    mechanism = _chosen(login.mechanism, offered)
    secret = _secret(login)
    first, answers = _script(mechanism, login.username, secret)
    try:
        reply = await _talk(line, f"AUTH {mechanism.upper()} {first}".rstrip(), answers)
    except (SMTPAuthenticationError, ValueError):
        raise _trouble(f"the server's challenge for {mechanism.upper()} cannot be read") from None
    if not reply.is_positive:
        raise Trouble(Stage.AUTH, _without(reply, secret, first))


def _chosen(wanted: Mechanism, offered: Collection[str]) -> Mechanism:
    possible = BEST_FIRST if wanted is Mechanism.AUTO else (wanted,)
    for mechanism in possible:
        if mechanism.upper() in offered:
            return mechanism
    words = ", ".join(one.upper() for one in possible)
    listed = ", ".join(sorted(offered)) or "none"
    raise _trouble(f"the server does not offer the login {words} (it offers: {visible(listed)[:200]})")


def _secret(login: Login) -> str:
    try:
        return login.secret()
    except MessengerError as problem:
        raise _trouble(visible(str(problem))) from problem


def _script(mechanism: Mechanism, username: str, secret: str) -> tuple[str, Sequence[Answer]]:
    """What goes with the AUTH command, and the answers to the challenges that follow."""
    if mechanism is Mechanism.PLAIN:
        first = auth_plain_encode(username, secret).decode()
        return first, [lambda _: first]
    if mechanism is Mechanism.LOGIN:
        name, word = (one.decode() for one in auth_login_encode(username, secret))
        return "", [lambda _: name, lambda _: word]
    if mechanism is Mechanism.CRAM_MD5:
        return "", [lambda challenge: auth_crammd5_verify(username, secret, challenge.encode()).decode()]
    # a refusal comes as a challenge, and the reply only after an empty answer
    return auth_xoauth2_encode(username, secret).decode(), [lambda _: ""]


async def _talk(line: Line, command: str, answers: Sequence[Answer]) -> Reply:
    line.say(command)
    reply = await line.reply(Stage.AUTH)
    for answer in answers:
        if reply.code != GO_ON:
            break
        line.say(answer(reply.text))
        reply = await line.reply(Stage.AUTH)
    return reply


def _without(reply: Reply, *secrets: str) -> Reply:
    """The reply with nothing of what we said in it: some servers repeat it."""
    text = reply.text
    for one in secrets:
        for spelling in (one, base64.b64encode(one.encode()).decode()):
            text = text.replace(spelling, "<secret>") if spelling else text
    return Reply(reply.code, text)


def _trouble(words: str) -> Trouble:
    return Trouble(Stage.AUTH, None, words=f"login: {words}")
