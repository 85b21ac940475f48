"""One conversation with one mail server: message after message, and how far the present one has come."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from enum import Enum, auto
from math import inf
from typing import Final

from messenger.mail.envelope import Envelope, Extensions, commands
from messenger.mail.line import BLOCK, Line, in_lines
from messenger.mail.replies import CLOSING, START_INPUT, Reply, Stage, Trouble

FAREWELL: Final = 1.0
"""Seconds a server may take to say goodbye."""
KEEPS_UP: Final = 30.0
"""Seconds within which a server goes on to what was said together with the message before; one that has thrown it away never does."""
OUT_OF_STEP: Final = frozenset({500, 501, 502, 503, 504})
"""What a server says to MAIL that has lost its place in what was sent together. Source: RFC 5321, 4.2.2."""


class _State(Enum):
    READY = auto()
    UNDER_WAY = auto()  # the server knows of a message; RSET makes it forget
    ANNOUNCED = auto()  # the next message was announced together with the last one: its replies are still to come
    STARTED = auto()  # the server waits for the message itself
    BROKEN = auto()


class Session:
    """An open line that has been greeted, secured and logged in."""

    def __init__(self, line: Line, extensions: Extensions, *, is_dsn_wanted: bool) -> None:
        self._line = line
        self._extensions = extensions
        self._is_dsn_wanted = is_dsn_wanted
        self._state = _State.READY
        self.stage = Stage.MAIL
        self.carried = 0
        self.idle_since = 0.0
        self.generation = 0
        self.is_out_of_step = False
        """The server lists PIPELINING and yet did not go on to what was announced to it."""

    @property
    def is_fresh(self) -> bool:
        """Whether the line is as we left it: open, and the server has said nothing unasked."""
        return self._state is _State.READY and self._line.is_quiet

    async def offer(self, envelope: Envelope) -> None:
        """Say who writes to whom; in one packet where the server lists PIPELINING.

        Raises:
            Trouble: the server does not want it, cannot take it, or the line broke.
        """
        self.carried += 1
        self.stage = Stage.MAIL
        mail, rcpt = commands(envelope, self._extensions, is_dsn_wanted=self._is_dsn_wanted)
        self._state = _State.UNDER_WAY
        if "PIPELINING" in self._extensions:
            await self._offer_at_once(mail, rcpt)
            return
        self._expect(await self._ask(Stage.MAIL, mail))
        self._expect(await self._ask(Stage.RCPT, rcpt))

    async def _offer_at_once(self, mail: str, rcpt: str) -> None:
        """Source: RFC 2920, 3.1: every reply is read, also when the first was a no."""
        self._line.say(mail, rcpt)
        first = await self._reply()
        if first.is_refusal and first.code != CLOSING:
            with suppress(Trouble):
                await self._reply()
        self._expect(first)
        self.stage = Stage.RCPT
        self._expect(await self._reply())

    def can_announce(self, envelope: Envelope) -> bool:
        """Whether a message may be announced together with the one before it. Source: RFC 2920, 3.1."""
        if "PIPELINING" not in self._extensions:
            return False
        try:
            commands(envelope, self._extensions, is_dsn_wanted=self._is_dsn_wanted)
        except Trouble:  # the server cannot take it: that is told when it is offered
            return False
        return True

    async def begin(self) -> None:
        """Ask for the message that was offered; then the server waits for it.

        Raises:
            Trouble: it does not want it after all.
        """
        start = await self._ask(Stage.DATA, "DATA")
        if start.code != START_INPUT:
            raise self._trouble(start)
        self._state = _State.STARTED

    async def follow(self) -> None:
        """Hear what the server says to a message that was announced; then it waits for the message.

        Raises:
            Trouble: as ``offer`` and ``begin``. When the server did not go on to it, that is a lost line of stage ``mail``.
        """
        self.carried += 1
        self.stage = Stage.MAIL
        if self._state is not _State.ANNOUNCED:
            raise Trouble(Stage.MAIL, None, words="mail: the line broke before a reply")
        self._state = _State.UNDER_WAY
        mail = await self._first_reply()
        self.stage = Stage.RCPT
        rcpt = await self._reply() if mail.code != CLOSING else mail
        self.stage = Stage.DATA
        start = await self._reply() if CLOSING not in {mail.code, rcpt.code} else rcpt
        for stage, reply in ((Stage.MAIL, mail), (Stage.RCPT, rcpt)):
            if not reply.is_positive:
                if start.code == START_INPUT:  # it waits for a message to nobody: only hanging up ends that
                    self._state = _State.BROKEN
                self.stage = stage
                raise self._trouble(reply)
        if start.code != START_INPUT and start.is_refusal:
            raise self._trouble(start)
        if start.code != START_INPUT:
            raise self._out_of_step(start)
        self._state = _State.STARTED

    async def _first_reply(self) -> Reply:
        try:
            reply = await self._reply(within=KEEPS_UP)
        except Trouble as trouble:
            self.is_out_of_step = trouble.is_silence
            raise
        if reply.code in OUT_OF_STEP:
            raise self._out_of_step(reply)
        return reply

    def _out_of_step(self, reply: Reply) -> Trouble:
        self.is_out_of_step, self._state = True, _State.BROKEN
        return Trouble(Stage.MAIL, None, words=f"mail: the server does not take commands together: {reply.code}")

    async def hand_over(self, content: bytes, *, follower: Envelope | None = None) -> Reply:
        """Send the message the server waits for; returns its yes.

        Args:
            content: CRLF line ends; dots are stuffed here.
            follower: the next message, to be announced in the same breath (``can_announce``); its turn comes with ``follow``.

        Raises:
            Trouble: with stage ``end_of_data`` and no reply its fate is unknown; at any earlier stage it was not taken.
        """
        await self._send(stuffed(content), self._announcement(follower) if follower else b"")
        reply = await self._reply()
        self._state = _State.ANNOUNCED if follower else _State.READY  # whatever it says, it is done with the message
        self._expect(reply)
        return reply

    def _announcement(self, envelope: Envelope) -> bytes:
        return in_lines((*commands(envelope, self._extensions, is_dsn_wanted=self._is_dsn_wanted), "DATA"))

    async def _send(self, octets: bytes, announcement: bytes) -> None:
        """Send everything, the last block only while the line is still whole: before that no server can have taken it."""
        start = 0
        await self._still_listening()
        while len(octets) - start > BLOCK:
            await self._block(octets[start : start + BLOCK])
            start += BLOCK
            await self._still_listening()
        self.stage = Stage.END_OF_DATA
        await self._block(octets[start:] + announcement)

    async def _block(self, octets: bytes) -> None:
        try:
            await self._line.send(octets, self.stage)
        except Trouble:
            self._state = _State.BROKEN
            raise

    async def _still_listening(self) -> None:
        """See to it that the server has not hung up, and says nothing before it was given the whole message."""
        if self._line.is_quiet:
            return
        reply = await self._reply()
        self._state = _State.BROKEN
        raise Trouble(self.stage, reply)

    async def recover(self) -> bool:
        """Drop a message under way; returns whether the line can be used on. A server that waits for a message is past that."""
        if self._state is _State.UNDER_WAY:
            try:
                reply = await self._ask(Stage.MAIL, "RSET")
            except Trouble:
                return False
            self._state = _State.READY if reply.is_positive else _State.BROKEN
        return self.is_fresh

    async def close(self) -> None:
        """Say goodbye, and hang up after a second at most."""
        try:
            async with asyncio.timeout(FAREWELL):
                if self.is_fresh:
                    await self._ask(Stage.MAIL, "QUIT")
        except (TimeoutError, Trouble):
            pass  # goodbye is a courtesy: every message had its answer before
        finally:
            self.abort()

    def abort(self) -> None:
        """Hang up at once."""
        self._state = _State.BROKEN
        self._line.abort()

    async def _ask(self, stage: Stage, command: str) -> Reply:
        self.stage = stage
        self._line.say(command)
        return await self._reply()

    async def _reply(self, *, within: float = inf) -> Reply:
        try:
            return await self._line.reply(self.stage, within=within)
        except Trouble:
            self._state = _State.BROKEN
            raise

    def _expect(self, reply: Reply) -> None:
        if not reply.is_positive:
            raise self._trouble(reply)

    def _trouble(self, reply: Reply) -> Trouble:
        """The server did not say yes; anything but a plain no that leaves the line open means that we do not understand it."""
        if not reply.is_refusal or reply.code == CLOSING:
            self._state = _State.BROKEN
        return Trouble(self.stage, reply)


def stuffed(content: bytes) -> bytes:
    """Return the message as it goes over the line, with dots doubled and the end marked. Source: RFC 5321, 4.5.2."""
    content = content.replace(b"\r\n.", b"\r\n..")
    return (
        (b"." if content.startswith(b".") else b"")
        + content
        + (b".\r\n" if content.endswith(b"\r\n") else b"\r\n.\r\n")
    )
