"""The SMTP transport: a few connections that share one stream of messages. Translates, decides nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from messenger.domain.messages import FrozenMessage, Key, Outcome, Receipt
from messenger.errors import MessageRefused
from messenger.mail.headers import wire_parts
from messenger.mail.replies import Reply, Stage, Trouble, outcome, receipt
from messenger.mail.session import Session, open_session
from messenger.mail.settings import Security, SmtpSettings, Timeouts
from messenger.ports import Committing, Done

__all__ = ["Security", "SmtpSettings", "SmtpTransport", "Timeouts"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Envelope:
    sender: str
    recipient: str
    hidden: tuple[str, ...]


class SmtpTransport:
    """Carries frozen messages to one mail server; implements ``ports.Transport``."""

    def __init__(self, settings: SmtpSettings) -> None:
        self.name = settings.name
        self._settings = settings

    async def carry(self, messages: AsyncIterator[FrozenMessage], *, committing: Committing, done: Done) -> None:
        """Carry every message of the stream; return when the stream has ended and each message has its answer."""
        feed = _Feed(messages)
        state = _Shared()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.connections):
                worker = _Worker(self._settings, state, committing=committing, done=done)
                group.create_task(worker.run(feed))

    async def close(self) -> None:
        """Give up idle connections; there are none between calls yet."""


class _Feed:
    """Hands the messages of one stream to several workers, one at a time."""

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
class _Shared:
    """What the workers of one ``carry`` know together."""

    refusal: Trouble | None = None
    """Why the server does not want us: asked once, not once per message."""


class _Worker:
    """Carries one message after the other over one connection, replaced when it breaks."""

    def __init__(self, settings: SmtpSettings, shared: _Shared, *, committing: Committing, done: Done) -> None:
        self._settings = settings
        self._shared = shared
        self._committing = committing
        self._done = done
        self._session: Session | None = None

    async def run(self, feed: _Feed) -> None:
        try:
            while (message := await feed.next()) is not None:
                await self._carry(message)
            if self._session is not None:
                await self._session.close()
        finally:
            self._drop()

    async def _carry(self, message: FrozenMessage) -> None:
        envelope = self._envelope(message)
        if isinstance(envelope, Receipt):
            await self._tell(message.key, envelope)
            return
        try:
            answer = await self._try(message, envelope)
        except Trouble as trouble:
            await self._tell(message.key, _told(trouble, envelope))
            await self._tidy(is_usable=trouble.leaves_line_usable, stage=trouble.stage)
        except Exception as error:  # noqa: BLE001 - one answer per message, whatever happens
            log.warning(
                "smtp_broken", extra={"transport": self.name, "key": str(message.key), "error": type(error).__name__}
            )
            stage = self._session.stage if self._session else Stage.CONNECT
            await self._tell(
                message.key, Receipt(outcome=outcome(stage, None), reply=f"{stage}: {type(error).__name__}")
            )
            self._drop()
        else:
            if answer is not None:
                words = receipt(result=Outcome.ACCEPTED, words="", reply=answer, hidden=envelope.hidden)
                await self._tell(message.key, words)

    @property
    def name(self) -> str:
        return self._settings.name

    async def _try(self, message: FrozenMessage, envelope: _Envelope) -> Reply | None:
        """Return the server's yes, or None when the caller no longer wants the message sent."""
        session = await self._offered(envelope)
        if await self._may_commit(message.key):
            return await session.hand_over(message.content)
        await self._tidy(is_usable=True, stage=Stage.RCPT)
        return None

    async def _offered(self, envelope: _Envelope) -> Session:
        """Return a session that has taken sender and recipient; a line gone stale meanwhile is replaced once."""
        session = await self._line()
        was_used = session.carried > 0
        try:
            await self._offer(session, envelope)
        except Trouble as trouble:
            if not (was_used and trouble.is_lost_line):
                raise
            self._drop()
            session = await self._line()
            await self._offer(session, envelope)
        return session

    async def _offer(self, session: Session, envelope: _Envelope) -> None:
        if not session.speaks_utf8 and not (envelope.recipient + envelope.sender).isascii():
            refused = Reply(
                553, "5.6.7 the address is not ASCII and the server does not offer SMTPUTF8 (our own words)"
            )
            raise Trouble(Stage.RCPT, refused)
        await session.offer(sender=envelope.sender, recipient=envelope.recipient)

    async def _line(self) -> Session:
        if self._session is not None and self._session.carried >= self._settings.messages_per_connection:
            session, self._session = self._session, None
            await session.close()
        if self._session is None:
            if self._shared.refusal is not None:
                raise self._shared.refusal.with_traceback(None)
            try:
                self._session = await open_session(self._settings)
            except Trouble as trouble:
                if trouble.outcome() is Outcome.ACCOUNT:
                    self._shared.refusal = trouble
                raise
        return self._session

    async def _tidy(self, *, is_usable: bool, stage: Stage) -> None:
        if self._session is None:
            return
        if not is_usable or (stage is not Stage.END_OF_DATA and not await self._session.reset()):
            self._drop()

    def _drop(self) -> None:
        if self._session is not None:
            self._session.abort()
            self._session = None

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
            log.warning(
                "answer_not_recorded", extra={"key": str(key), "outcome": answer.outcome, "error": type(error).__name__}
            )

    def _envelope(self, message: FrozenMessage) -> _Envelope | Receipt:
        try:
            sender = "@".join(wire_parts(message.sender))
        except MessageRefused as problem:
            return Receipt(outcome=Outcome.PERMANENT, reply=f"not sent: envelope sender: {problem}")
        wanted = self._settings.redirect_to or message.recipient
        try:
            recipient = "@".join(wire_parts(wanted))
        except MessageRefused as problem:
            return Receipt(outcome=Outcome.PERMANENT, reply=f"not sent: recipient: {problem}")
        return _Envelope(sender, recipient, (recipient, wanted, message.recipient))


def _told(trouble: Trouble, envelope: _Envelope) -> Receipt:
    return receipt(result=trouble.outcome(), words=trouble.words, reply=trouble.reply, hidden=envelope.hidden)
