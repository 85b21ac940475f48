"""The SMTP transport: a few connections that share one stream of messages. Translates, decides nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.errors import MessageRefused
from messenger.mail.envelope import Envelope, envelope_of
from messenger.mail.pool import Hold, Pool
from messenger.mail.replies import Reply, Stage, Trouble, outcome, receipt
from messenger.mail.session import Session
from messenger.mail.settings import Login, Mechanism, Security, SmtpSettings, Timeouts
from messenger.ports import Committing, Done

__all__ = ["Login", "Mechanism", "Security", "SmtpSettings", "SmtpTransport", "Timeouts"]

log = logging.getLogger(__name__)

TRIES_TO_CONNECT: Final = 3
"""Failures in a row after which the rest of a stream is answered without trying: the next stream may fare better."""


class SmtpTransport:
    """Carries frozen messages to one mail server; implements ``ports.Transport``."""

    def __init__(self, settings: SmtpSettings) -> None:
        self.name = settings.name
        self._settings = settings
        self._pool = Pool(settings)

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Carry every message of the stream; return when the stream has ended and each message has its answer."""
        feed = _Feed(messages)
        carrier = _Carrier(self._settings, self._pool, committing=committing, done=done)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._settings.connections):
                    group.create_task(carrier.run(feed))
        finally:
            self._pool.bring_back()

    async def close(self) -> None:
        """Say goodbye on idle connections, all at once; they are gone within a second."""
        await self._pool.close()


class _Feed:
    """Hands the messages of one stream to several carriers, one at a time."""

    def __init__(self, messages: AsyncIterator[FrozenMessage]) -> None:
        self._messages = messages
        self._lock = asyncio.Lock()
        self._is_over = False

    async def next(self) -> FrozenMessage | None:
        async with self._lock:
            if self._is_over:
                return None
            try:
                return await anext(self._messages)
            except StopAsyncIteration:
                self._is_over = True
            except Exception as error:  # noqa: BLE001 - the caller's stream broke: what is under way still gets its answer
                log.warning("message_stream_broken", extra={"error": type(error).__name__})
                self._is_over = True
            return None


@dataclass(slots=True)
class _Passage:
    """One message on its way."""

    message: FrozenMessage
    envelope: Envelope
    is_committed: bool | None = None
    """What the caller said when it was asked; None before."""


class _Carrier:
    """Carries the messages of one stream, each over whichever session is free."""

    def __init__(self, settings: SmtpSettings, pool: Pool, *, committing: Committing, done: Done) -> None:
        self._settings = settings
        self._pool = pool
        self._committing = committing
        self._done = done
        self._failures = 0
        self._refusal: Trouble | None = None
        """Why nobody can connect: found out once, not once per message."""

    async def run(self, feed: _Feed) -> None:
        while (message := await feed.next()) is not None:
            try:
                envelope = envelope_of(message, self._settings.redirect_to)
            except MessageRefused as problem:
                await self._tell(message.key, Receipt(outcome=Outcome.PERMANENT, reply=f"not sent: {problem}"))
            else:
                await self._carry(_Passage(message, envelope))

    async def _carry(self, passage: _Passage) -> None:
        async with self._pool.hold() as hold:
            answer = await self._answer(passage, hold)
            if answer is not None:
                await self._tell(passage.message.key, answer)

    async def _answer(self, passage: _Passage, hold: Hold) -> Receipt | None:
        """Return how it ended, or None when the caller no longer wants it sent."""
        hidden = passage.envelope.hidden
        try:
            reply = await self._try(passage, hold)
        except Trouble as trouble:
            return receipt(
                stage=trouble.stage, result=trouble.outcome(), words=trouble.words, reply=trouble.reply, hidden=hidden
            )
        except Exception as error:  # noqa: BLE001 - one answer per message, whatever happens
            return self._broken(passage, hold, error)
        if reply is None:
            return None
        return receipt(stage=Stage.END_OF_DATA, result=Outcome.ACCEPTED, words="", reply=reply, hidden=hidden)

    def _broken(self, passage: _Passage, hold: Hold, error: Exception) -> Receipt:
        stage = hold.session.stage if hold.session else Stage.CONNECT
        name = type(error).__name__
        log.warning(
            "smtp_broken", extra={"transport": self._settings.name, "key": str(passage.message.key), "error": name}
        )
        hold.hang_up()
        return Receipt(outcome=outcome(stage, None), reply=f"{stage}: {name}", stage=stage)

    async def _try(self, passage: _Passage, hold: Hold) -> Reply | None:
        """Use the session at hand; one gone stale meanwhile is replaced once, as long as the server has not been given it all."""
        session = hold.session or await self._found(hold)
        is_new = session.carried == 0
        try:
            return await self._pass(passage, session)
        except Trouble as trouble:
            if is_new or not trouble.is_lost_line or trouble.stage is Stage.END_OF_DATA:
                raise
        hold.hang_up()
        return await self._pass(passage, await self._found(hold))

    async def _pass(self, passage: _Passage, session: Session) -> Reply | None:
        await session.offer(passage.envelope)
        if passage.is_committed is None:
            passage.is_committed = await self._may_commit(passage.message.key)
        return await session.hand_over(passage.message.content) if passage.is_committed else None

    async def _found(self, hold: Hold) -> Session:
        """Open a session; where the server takes no more of them, wait for one of those that are open."""
        while True:
            try:
                return await self._opened(hold)
            except Trouble:
                if not self._pool.has_sessions:
                    raise
            await hold.wait()
            if hold.session is not None:
                return hold.session

    async def _opened(self, hold: Hold) -> Session:
        if self._refusal is not None:
            raise self._refusal.with_traceback(None)
        try:
            session = await hold.open()
        except Trouble as trouble:
            self._note(trouble)
            raise
        self._failures = 0
        return session

    def _note(self, trouble: Trouble) -> None:
        """Remember why nobody can connect, unless somebody is connected."""
        self._failures += 1
        if not self._pool.has_sessions and (trouble.is_settled or self._failures >= TRIES_TO_CONNECT):
            self._refusal = trouble

    async def _may_commit(self, key: Key) -> bool:
        try:
            return await self._committing(key)
        except Exception as error:  # noqa: BLE001 - without a durable mark nothing may be sent; the claim's lease runs out
            log.warning("commit_point_broken", extra={"key": str(key), "error": type(error).__name__})
            return False

    async def _tell(self, key: Key, answer: Receipt) -> None:
        try:
            await self._done(key, answer)
        except Exception as error:  # noqa: BLE001 - one answer that cannot be written must not stop the others
            extra = {"key": str(key), "outcome": answer.outcome, "error": type(error).__name__}
            log.warning("answer_not_recorded", extra=extra)
